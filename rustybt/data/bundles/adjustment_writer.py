"""Which corporate actions does an ingest function describe? Frames to structured arrays."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import numpy as np
import pandas as pd

from rustybt._typing import Records
from rustybt.constants import NAT
from rustybt.data.adjustments import DIVIDEND, RATIO, STOCK_DIVIDEND
from rustybt.data.bundles.asset_writer import times_ns
from rustybt.data.bundles.frames import numbers
from rustybt.data.bundles.previous import Previous
from rustybt.errors import BadData, did_you_mean

_TABLES: Final = {"splits": RATIO, "mergers": RATIO, "dividends": DIVIDEND, "stock_dividends": STOCK_DIVIDEND}
_REQUIRED_DATES: Final = ("effective_ns", "ex_ns")


class AdjustmentWriter:
    """Collects the corporate actions of a bundle version that is being ingested.

    Parameters
    ----------
    previous : Previous, optional
        The version that this one goes on from.
    """

    def __init__(self, previous: Previous | None = None) -> None:
        self._previous = previous
        self._parts: dict[str, list[Records]] = {name: [] for name in _TABLES}

    def write(
        self,
        splits: pd.DataFrame | None = None,
        mergers: pd.DataFrame | None = None,
        dividends: pd.DataFrame | None = None,
        stock_dividends: pd.DataFrame | None = None,
    ) -> None:
        """Describe corporate actions.

        Parameters
        ----------
        splits, mergers : DataFrame, optional
            Columns sid, effective_date, ratio: what earlier prices are multiplied by (a 2:1 split is 0.5). Dates may be
            datetimes, or integers in seconds since 1970 as in Zipline.
        dividends : DataFrame, optional
            Columns sid, ex_date, declared_date, record_date, pay_date, amount (cash a share). Without a pay date a
            dividend is never paid.
        stock_dividends : DataFrame, optional
            Columns sid, payment_sid, ex_date, declared_date, record_date, pay_date, ratio (shares a share).

        Raises
        ------
        BadData
            If a frame has other columns, or a value that is none.
        """
        frames = {"splits": splits, "mergers": mergers, "dividends": dividends, "stock_dividends": stock_dividends}
        for name, frame in frames.items():
            if frame is not None and len(frame):
                self._parts[name].append(_table(name, frame, _TABLES[name]))

    def tables(self, sids: Collection[int]) -> dict[str, Records]:
        """Give everything written so far.

        Parameters
        ----------
        sids : collection of int
            The assets of the version.

        Returns
        -------
        dict of str to structured array

        Raises
        ------
        BadData
            If a table names an asset that is not among them.
        """
        tables = {name: np.concatenate(parts) for name, parts in self._parts.items() if parts}
        if self._previous is not None:
            for name, dtype in _TABLES.items():
                tables[name] = self._previous.merged_actions(name, tables.get(name, np.empty(0, dtype)))
        for name, table in tables.items():
            for field in ("sid", "payment_sid"):
                if field in (table.dtype.names or ()):
                    unknown = sorted(set(table[field].tolist()) - set(sids))
                    if unknown:
                        raise BadData(f"{name} have {field} {unknown[0]}, which no asset has: write that asset first")
        return tables


def _table(name: str, frame: pd.DataFrame, dtype: np.dtype[np.void]) -> Records:
    fields = dtype.names or ()
    columns = {field: field.removesuffix("_ns") + "_date" if field.endswith("_ns") else field for field in fields}
    known, given = set(columns.values()), {str(column) for column in frame.columns}
    if known != given:
        wrong = sorted(known - given) or sorted(given - known)
        what = "lack column" if known - given else "have an unknown column"
        near = did_you_mean(wrong[0], given if known - given else known)
        raise BadData(f"{name} {what} {wrong[0]!r}{near}: they need exactly {', '.join(sorted(known))}")
    table = np.empty(len(frame), dtype)
    for field, column in columns.items():
        table[field] = _cells(frame[column], field, f"{name} column {column!r}")
    return table


def _cells(column: pd.Series, field: str, who: str) -> Any:
    if field.endswith("_ns"):
        return _times(column, field, who)
    values = numbers(column, field, who)
    if field in ("sid", "payment_sid"):
        whole = np.nan_to_num(values).astype(np.int64)
        if (whole != values).any():
            raise BadData(f"{who} holds {values[whole != values][0]}: a sid is a whole number")
        return whole
    if not np.isfinite(values).all() or (values <= 0 if field == "ratio" else values < 0).any():
        bad = values[~np.isfinite(values) | (values <= 0 if field == "ratio" else values < 0)][0]
        raise BadData(f"{who} holds {bad}: it must be a {'positive' if field == 'ratio' else 'non-negative'} number")
    return values


def _times(column: pd.Series, field: str, who: str) -> Any:
    seconds = pd.api.types.is_integer_dtype(column.dtype)
    times = column.to_numpy(dtype=np.int64) * 1_000_000_000 if seconds else times_ns(column, who)
    if field in _REQUIRED_DATES and (times == NAT).any():
        raise BadData(f"{who} has a missing date in row {int(np.argmax(times == NAT))}: give every row one")
    return times
