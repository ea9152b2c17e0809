"""What do windows need to know of the assets that are asked for?"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray
from rustybt.assets import Equity
from rustybt.data.factors import FactorList


class AsOf(NamedTuple):
    """Adjusted rows, as all sessions from one event up to the next report them.

    Attributes
    ----------
    first_seen, last_seen : int
        Session rows that report them so.
    begin : int
        Session row of rows[0].
    reach : int
        Sessions before its last one that a window may want.
    rows : float64 array, shape (any, n_assets)
        Read-only; those after a session are not known to it.
    """

    first_seen: int
    last_seen: int
    begin: int
    reach: int
    rows: FloatArray


class Selection:
    """Some assets of a bundle, in the order in which they were asked for.

    Parameters
    ----------
    assets : tuple of Equity
        Which.
    factors_of : callable of (int, str)
        Gives the factors of a column for a field.

    Attributes
    ----------
    columns : list of int
        Their places in the dense arrays.
    sids : tuple of int
        What tells them from others.
    kept : dict of str to AsOf
        By field, what the last window came from: the next one mostly comes from it too. The history cache counts what
        it takes, and lets it go where it does not fit.
    """

    __slots__ = ("_factors_of", "_index", "_merged", "_together", "assets", "columns", "kept", "sids", "__weakref__")

    def __init__(self, assets: tuple[Equity, ...], factors_of: Callable[[int, str], FactorList]) -> None:
        self.assets = assets
        self.columns = [asset.column for asset in assets]
        first = self.columns[0] if assets else 0
        together = self.columns == list(range(first, first + len(assets)))
        self._together = slice(first, first + len(assets)) if together else None
        self._factors_of = factors_of
        self._merged: dict[bool, tuple[list[int], list[tuple[int, int, float]]]] = {}
        self._index = pd.Index(assets, dtype=object)
        self.sids = tuple(asset.sid for asset in assets)
        self.kept: dict[str, AsOf] = {}

    @property
    def index(self) -> pd.Index:
        """The assets as a frame's labels; building an index anew takes longer than a small window."""
        return self._index.view()

    def let_go(self, rows: FloatArray) -> None:
        """Keep rows no longer."""
        for field, kept in list(self.kept.items()):
            if kept.rows is rows:
                self.kept.pop(field, None)

    def rows(self, array: FloatArray, begin: int, end: int) -> FloatArray:
        """Give rows [begin, end) of a dense array: a view where the assets lie side by side in it, else a copy."""
        if self._together is not None:
            return array[begin:end, self._together]
        return np.take(array[begin:end], self.columns, axis=1)

    def factors(self, field: str, after: int, until: int) -> list[tuple[int, int, float]]:
        """Give what falls into a window.

        Parameters
        ----------
        field : str
            "volume" or a price.
        after, until : int
            Session rows: those of factors that take effect after the first and up to the second.

        Returns
        -------
        list of (int, int, float)
            Row, place among the assets and multiplier of what is earlier; ascending by row, and within one asset in the
            order in which they are applied.
        """
        rows, factors = self._events(field)
        return factors[bisect_right(rows, after) : bisect_right(rows, until)]

    def between_events(self, field: str, row: int, begin: int, end: int) -> tuple[int, int]:
        """Narrow session rows [begin, end) around one of them to those between which no factor takes effect."""
        rows, _ = self._events(field)
        place = bisect_right(rows, row)
        if place:
            begin = max(begin, rows[place - 1])
        return begin, min(end, rows[place]) if place < len(rows) else end

    def _events(self, field: str) -> tuple[list[int], list[tuple[int, int, float]]]:
        of_volume = field == "volume"
        merged = self._merged.get(of_volume)
        if merged is None:
            merged = self._merged[of_volume] = _merge([self._factors_of(column, field) for column in self.columns])
        return merged


def _merge(lists: Sequence[FactorList]) -> tuple[list[int], list[tuple[int, int, float]]]:
    """Sort the factors of several assets by row; the sort is stable, so that each asset keeps its order."""
    events = [(row, k, value) for k, one in enumerate(lists) for row, value in zip(*one, strict=True)]
    events.sort(key=lambda event: event[0])
    return [row for row, _, _ in events], events
