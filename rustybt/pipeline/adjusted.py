"""What does a table of past values look like from each session, as its values are adjusted on the way?

A row's path: the bundle's dense array, sessions x assets -> laid out asset by asset, once -> the changes that a
window's last row has seen, applied one by one -> the window. Computed terms have no changes: their windows are cut from
what was computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rustybt._typing import FloatArray, IntArray, Records
from rustybt.kernels.windows import ADD, FIRST, KIND, LAST, MULTIPLY, OVERWRITE, ROW
from rustybt.pipeline.labels import LabelArray

KINDS = {"multiply": MULTIPLY, "add": ADD, "overwrite": OVERWRITE}


class Change(NamedTuple):
    """That from a row on, an asset's earlier values look different.

    Attributes
    ----------
    row : int
        The first that sees it.
    column : int
        The asset's.
    first, last : int
        Rows that change, both included.
    kind : {MULTIPLY, ADD, OVERWRITE}
        How.
    value : float or other value of the array's dtype
        By what; dtypes other than float64 are only overwritten.
    """

    row: int
    column: int
    first: int
    last: int
    kind: int
    value: Any


CHANGE: Final = np.dtype([(name, "f8" if name == "value" else "i8") for name in Change._fields])
"""A change of float64 values."""


class ChangeTable(NamedTuple):
    """Changes of float64 values as kernels read them; see `kernels.windows.over_windows`."""

    starts: IntArray
    places: IntArray
    factors: FloatArray


class AdjustedArray:
    """Values by session and asset, and how they change as time goes on.

    Parameters
    ----------
    data : array or LabelArray, shape (n_rows, n_assets)
        Values as they were known at their own row.
    changes : structured array of CHANGE, or iterable of Change
        Applied in order of their rows; those of one row and asset in the order in which they come.
    missing_value
        What stands for missing.

    Examples
    --------
    >>> split = Change(row=2, column=0, first=0, last=1, kind=MULTIPLY, value=0.5)
    >>> prices = AdjustedArray(np.array([[10.0], [12.0], [6.5]]), [split], np.nan)
    >>> [window[:, 0].tolist() for window in Windows(prices, length=2)]
    [[10.0, 12.0], [6.0, 6.5]]
    """

    def __init__(self, data: Any, changes: Records | Iterable[Change] = (), missing_value: Any = np.nan) -> None:
        self.data = data
        self.missing_value = missing_value
        self._values: list[Any] | None = None
        if isinstance(changes, np.ndarray):
            self.changes: Records = changes[np.argsort(changes["row"], kind="stable")]
        else:
            ordered = sorted(changes, key=lambda change: change.row)
            self._values = [change.value for change in ordered]
            numbers = [(*change[:-1], change.value if data.dtype == np.float64 else np.nan) for change in ordered]
            self.changes = np.array(numbers, dtype=CHANGE)

    @cached_property
    def in_order(self) -> list[tuple[Any, ...]]:
        """The changes as windows apply them, each with the fields of `Change`."""
        changes: list[tuple[Any, ...]] = self.changes.tolist()
        if self._values is None:
            return changes
        return [(*change[:-1], value) for change, value in zip(changes, self._values, strict=True)]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the data."""
        return tuple(self.data.shape)

    @cached_property
    def by_session(self) -> FloatArray:
        """The values as they were first known, shape (n_rows, n_assets), C-contiguous and writable.

        Kernels are compiled for arrays that may be written to, which a bundle's may not.
        """
        return np.require(self.data, requirements=["C", "W"])

    @cached_property
    def by_asset(self) -> NDArray[Any]:
        """The values as they were first known, or their labels' codes, shape (n_assets, n_rows), C-contiguous."""
        values = self.data.codes if isinstance(self.data, LabelArray) else self.data
        return np.ascontiguousarray(values.T)

    @cached_property
    def change_table(self) -> ChangeTable:
        """The changes as kernels read them."""
        order = np.argsort(self.changes["column"], kind="stable")
        chosen = self.changes[order]
        starts = np.searchsorted(chosen["column"], np.arange(self.shape[1] + 1))
        places = np.empty((len(chosen), 4), dtype=np.int64)
        for place, name in ((ROW, "row"), (FIRST, "first"), (LAST, "last"), (KIND, "kind")):
            places[:, place] = chosen[name]
        return ChangeTable(starts, places, np.ascontiguousarray(chosen["value"]))


class Windows:
    """Views over the last rows of an array, each as its last row sees them; they move forward only.

    Parameters
    ----------
    adjusted : AdjustedArray
        Of what.
    length : int
        Rows of a window.
    offset : int
        Rows at the front of the array that nobody needs.
    rows : int64 array, optional
        Which windows: of those that end at row offset + length - 1 and after, counted from there; all if omitted.

    Notes
    -----
    As an iterator it gives float64 (or other) arrays, or LabelArrays, of shape (length, n_assets), read-only: views
    that the next step changes.
    """

    def __init__(self, adjusted: AdjustedArray, length: int, offset: int = 0, rows: IntArray | None = None) -> None:
        self.adjusted = adjusted
        self.length = length
        self.offset = offset
        count = adjusted.shape[0] - offset - length + 1
        self.rows = np.arange(count) if rows is None else rows
        self._due = 0
        self._next = 0

    @property
    def data(self) -> Any:
        """The array's data, as they were first known."""
        return self.adjusted.data

    @cached_property
    def _values(self) -> NDArray[Any]:
        """The values as the last window saw them, asset by asset."""
        values = self.adjusted.by_asset
        return values.copy() if len(self.adjusted.changes) else values

    def at(self, rows: IntArray) -> Windows:
        """Give the same windows at some of the rows only."""
        return Windows(self.adjusted, self.length, self.offset, self.rows[rows])

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        window = self._step()
        view = window.T
        view.flags.writeable = False
        return self._as_data(view)

    def take(self, columns: IntArray | None) -> Any:
        """Give the next window of some assets, or of all (None): a copy of one's own."""
        window = self._step()
        return self._as_data((window.copy() if columns is None else window[columns]).T)

    def _step(self) -> NDArray[Any]:
        if self._next == len(self.rows):
            raise StopIteration
        last = self.offset + self.length - 1 + int(self.rows[self._next])
        self._next += 1
        begin = last - self.length + 1
        changes = self.adjusted.in_order
        while self._due < len(changes) and changes[self._due][0] <= last:
            self._apply(begin, *changes[self._due])
            self._due += 1
        return self._values[:, begin : last + 1]

    def _apply(self, begin: int, row: int, column: int, first: int, last: int, kind: int, value: Any) -> None:
        """Apply a change to rows from `begin` on: those before are in no window any more."""
        rows = self._values[column, max(first, begin) : last + 1]
        if kind == MULTIPLY:
            rows *= value
        elif kind == ADD:
            rows += value
        elif isinstance(self.data, LabelArray):
            rows[:] = self.data._codes_of(np.array([value], dtype=object))[0]
        else:
            rows[:] = value

    def _as_data(self, view: NDArray[Any]) -> Any:
        return self.data.like(view) if isinstance(self.data, LabelArray) else view
