"""What was known of an asset on each session's morning, by a bundle's point-in-time table?

A row is known from its `timestamp` on, and is about the day of its `asof_date`. Of what is known, the row about the
latest day counts, and of several about one day the one that was known last; a value that is missing in it leaves the
one before in place. A window's rows are what was known on each of its sessions: a correction does not reach back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray, IntArray
from rustybt.constants import NS_PER_MINUTE
from rustybt.data.store import BundleData
from rustybt.errors import InvalidParameter, did_you_mean
from rustybt.pipeline.adjusted import AdjustedArray
from rustybt.pipeline.data.dataset import BoundColumn, Column, DataSet, DataSetMeta
from rustybt.pipeline.domain import Domain, EquityCalendarDomain
from rustybt.pipeline.dtypes import bool_dtype, object_dtype
from rustybt.pipeline.labels import LabelArray
from rustybt.pipeline.universe import Universe

KEYS = ("sid", "timestamp", "asof_date")


class TableLoader:
    """Reads datasets of a bundle's point-in-time tables.

    Parameters
    ----------
    universe : Universe
        Of the bundle.
    """

    def __init__(self, universe: Universe) -> None:
        self._universe = universe
        self._bundle: BundleData = universe.portal.bundle
        self._tables: dict[str, pd.DataFrame] = {}

    def has(self, dataset: Any) -> bool:
        """Say whether a dataset names a table."""
        return dataset.table is not None

    def known(self) -> str:
        """Say which tables the bundle has."""
        return f"bundle {self._bundle.name!r} has {', '.join(self._bundle.datasets) or 'no tables'}"

    def load_adjusted_array(
        self, domain: Domain, columns: list[BoundColumn], dates: pd.DatetimeIndex, sids: pd.Index, mask: BoolArray
    ) -> dict[BoundColumn, AdjustedArray]:
        """Read columns, see `PipelineLoader`.

        Raises
        ------
        InvalidParameter
            If the bundle has no such table, or the table no such column.
        """
        cutoffs = self._cutoffs(domain, dates)
        return {column: self._load(column, cutoffs, sids) for column in columns}

    def _cutoffs(self, domain: Domain, dates: pd.DatetimeIndex) -> IntArray:
        """Give the moments, nanoseconds UTC, up to which something must be known: the domain's, before each open."""
        portal = self._universe.portal
        rows = self._universe.sessions.get_indexer(dates) - self._universe.before
        there = rows.min() >= 0 and rows.max() < len(portal.open_index)
        if not there or not isinstance(domain, EquityCalendarDomain):
            return np.asarray(domain.data_query_cutoff_for_sessions(dates).as_unit("ns").asi8)
        # A session's first minute carries the label of its end.
        opens_ns = portal.session_table.open_ns[rows] - NS_PER_MINUTE
        return np.asarray(opens_ns + domain.data_query_offset.value)

    def _load(self, column: BoundColumn, cutoffs: IntArray, sids: pd.Index) -> AdjustedArray:
        table = self._table(column)
        place, known, rank, values = _events(table, column, sids)
        rows = np.searchsorted(cutoffs, known, side="left")
        best = _latest_known(len(cutoffs), len(sids), place, rows, rank)
        there = best >= 0
        chosen = np.where(there, best, 0)
        if column.dtype == object_dtype:
            labels = (
                LabelArray(values, column.missing_value) if len(values) else LabelArray([None], column.missing_value)
            )
            return AdjustedArray(labels.like(np.where(there, labels.codes[chosen], 0)), (), column.missing_value)
        filled = values[chosen] if len(values) else np.full(best.shape, column.missing_value, column.dtype)
        return AdjustedArray(
            np.where(there, filled, column.missing_value).astype(column.dtype), (), column.missing_value
        )

    def _table(self, column: BoundColumn) -> pd.DataFrame:
        name = column.dataset.table
        if name not in self._tables:
            self._tables[name] = self._bundle.dataset(name).to_pandas()
        table = self._tables[name]
        if column.name not in table:
            known = [label for label in table.columns if label not in ("sid", "timestamp")]
            raise InvalidParameter(
                f"table {name!r} has no column {column.name!r}{did_you_mean(column.name, known)}: it has "
                f"{', '.join(known)}"
            )
        return table


def _events(table: pd.DataFrame, column: BoundColumn, sids: pd.Index) -> tuple[IntArray, IntArray, IntArray, Any]:
    """Give the rows of a table that say something of a column: asset, moment, rank of the day, and value."""
    said = table[table[column.name].notna() & table["sid"].isin(sids)]
    place = sids.get_indexer(pd.Index(said["sid"]))
    known = said["timestamp"].to_numpy().astype("datetime64[ns]").astype(np.int64)
    asof = said["asof_date"].to_numpy().astype("datetime64[ns]").astype(np.int64)
    order = np.lexsort((known, asof))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    raw = said[column.name].to_numpy()
    values = raw.astype(object) if column.dtype == object_dtype else raw.astype(column.dtype)
    return place, known, rank, values


def _latest_known(n_rows: int, n_assets: int, place: IntArray, rows: IntArray, rank: IntArray) -> IntArray:
    """Give, for each session and asset, the event of the greatest rank among those known by then, or -1.

    Parameters
    ----------
    place, rows, rank : int64 arrays, shape (n_events,)
        Asset, first session that knows it (n_rows for none), and what counts before what.
    """
    ranks = np.full((n_rows + 1, n_assets), -1, dtype=np.int64)
    np.maximum.at(ranks, (rows, place), rank)
    ranks = np.maximum.accumulate(ranks[:-1], axis=0)
    by_rank = np.empty(len(rank) + 1, dtype=np.int64)
    by_rank[rank] = np.arange(len(rank))
    by_rank[-1] = -1
    return by_rank[ranks]


def dataset_of(bundle: BundleData, name: str) -> Any:
    """Give a dataset of one of a bundle's point-in-time tables, with all its columns.

    Parameters
    ----------
    bundle : BundleData
        From `rustybt.data.bundles.load`.
    name : str
        Of the table.

    Returns
    -------
    type
        A subclass of `DataSet` with a column `asof_date` and one for each value: text is text, truth values are bool,
        dates datetime64[ns], and numbers float64.

    Raises
    ------
    InvalidParameter
        If there is no such table.
    """
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for field in bundle.dataset(name).schema:
        if field.name in ("sid", "timestamp"):
            continue
        if pa.types.is_boolean(field.type):
            columns[field.name] = Column(bool_dtype)
        elif pa.types.is_timestamp(field.type) or pa.types.is_date(field.type):
            columns[field.name] = Column("datetime64[ns]")
        else:
            number = pa.types.is_floating(field.type) or pa.types.is_integer(field.type)
            columns[field.name] = Column(np.float64 if number else str)
    title = "".join(part.capitalize() for part in name.split("_"))
    return DataSetMeta(title, (DataSet,), {**columns, "table": name, "__module__": __name__})
