"""How does a frame in memory become a column?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray
from rustybt.errors import InvalidParameter
from rustybt.kernels.windows import ADD, MULTIPLY, OVERWRITE
from rustybt.pipeline.adjusted import KINDS, AdjustedArray, Change
from rustybt.pipeline.data.dataset import BoundColumn
from rustybt.pipeline.domain import Domain
from rustybt.pipeline.dtypes import bool_dtype, float64_dtype, int64_dtype, object_dtype
from rustybt.pipeline.labels import LabelArray

ADJUSTMENT_COLUMNS = ("sid", "value", "kind", "start_date", "end_date", "apply_date")


class DataFrameLoader:
    """Reads one column from a frame.

    Parameters
    ----------
    column : BoundColumn
        Which.
    baseline : pd.DataFrame
        Values by session (the morning on which they are known) and sid or asset; what it has not is missing.
    adjustments : pd.DataFrame, optional
        Rows that change values later: sid, value, kind ("multiply", "add" or "overwrite"; or 0, 1, 2), start_date and
        end_date (sessions that change, NaT for all before), apply_date (from which on it is seen).

    Examples
    --------
    >>> from rustybt.pipeline.data import Column, DataSet
    >>> class Ratings(DataSet):
    ...     stars = Column(float)
    >>> frame = pd.DataFrame({0: [3.0, 4.0]}, index=pd.DatetimeIndex(["2020-01-02", "2020-01-03"]))
    >>> loader = DataFrameLoader(Ratings.stars, frame)
    """

    def __init__(self, column: BoundColumn, baseline: pd.DataFrame, adjustments: pd.DataFrame | None = None) -> None:
        self.column = column
        index = pd.DatetimeIndex(baseline.index)
        self._dates = index.tz_localize(None) if index.tz is not None else index
        self._sids = pd.Index([_sid(label) for label in baseline.columns], dtype=np.int64)
        for name, labels in (("dates", self._dates), ("assets", self._sids)):
            if not labels.is_unique:
                raise InvalidParameter(f"DataFrameLoader: the frame's {name} are not unique: keep one of each")
        values = baseline.to_numpy(dtype=object if column.dtype == object_dtype else None)
        if column.dtype in (bool_dtype, int64_dtype):  # neither has a NaN: True, or some integer, would stand for it
            values = np.where(baseline.isna(), column.missing_value, values)
        self._values = values if column.dtype == object_dtype else values.astype(column.dtype)
        self._adjustments = self._checked(adjustments)

    def _checked(self, adjustments: pd.DataFrame | None) -> pd.DataFrame:
        if adjustments is None:
            return pd.DataFrame(columns=list(ADJUSTMENT_COLUMNS))
        missing = [name for name in ADJUSTMENT_COLUMNS if name not in adjustments]
        if missing:
            raise InvalidParameter(f"DataFrameLoader: adjustments have no {', '.join(missing)}: add the columns")
        return adjustments[list(ADJUSTMENT_COLUMNS)].sort_values(["apply_date", "sid"], kind="stable")

    def load_adjusted_array(
        self, domain: Domain, columns: list[BoundColumn], dates: pd.DatetimeIndex, sids: pd.Index, mask: BoolArray
    ) -> dict[BoundColumn, AdjustedArray]:
        """Read the column, see `PipelineLoader`."""
        (column,) = columns
        if column.unspecialize() is not self.column.unspecialize():
            raise ValueError(f"DataFrameLoader of {self.column!r} was asked for {column!r}: register a loader for it")
        rows, places = self._dates.get_indexer(dates), self._sids.get_indexer(sids)
        there = (rows >= 0)[:, None] & (places >= 0)[None, :] & mask
        values = self._values[np.ix_(rows, places)] if len(self._values) else np.empty(there.shape, self._values.dtype)
        data = np.where(there, values, np.array(column.missing_value, dtype=self._values.dtype))
        changes = self._changes(dates, sids)
        if column.dtype == object_dtype:
            return {column: AdjustedArray(LabelArray(data, column.missing_value), changes, column.missing_value)}
        return {column: AdjustedArray(data, changes, column.missing_value)}

    def _changes(self, dates: pd.DatetimeIndex, sids: pd.Index) -> list[Change]:
        first, last = dates[0], dates[-1]
        changes = []
        for sid, value, kind, start, end, apply in self._adjustments.itertuples(index=False, name=None):
            place = int(sids.get_indexer(pd.Index([int(sid)]))[0])
            if place < 0 or not first <= pd.Timestamp(apply) <= last or pd.Timestamp(end) < first:
                continue
            begin = 0 if pd.isna(start) else int(dates.searchsorted(pd.Timestamp(start), side="left"))
            stop = int(dates.searchsorted(pd.Timestamp(end), side="right")) - 1
            row = int(dates.searchsorted(pd.Timestamp(apply), side="left"))
            changes.append(Change(row, place, begin, stop, self._kind(kind), value))
        return changes

    def _kind(self, kind: Any) -> int:
        found = KINDS.get(kind, kind) if isinstance(kind, str) else int(kind)
        if found not in (MULTIPLY, ADD, OVERWRITE):
            raise InvalidParameter(f"DataFrameLoader: kind {kind!r} is not known: use one of {', '.join(KINDS)}")
        if found != OVERWRITE and self.column.dtype != float64_dtype:
            raise InvalidParameter(f"DataFrameLoader: values of dtype {self.column.dtype} can only be overwritten")
        return int(found)


def _sid(label: Any) -> int:
    try:
        return int(label)
    except (TypeError, ValueError) as error:
        raise InvalidParameter(
            f"DataFrameLoader: the frame has a column {label!r}, which is no sid and no asset: name columns by either"
        ) from error
