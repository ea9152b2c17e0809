"""By which factors, from which session row on, are an asset's earlier bars multiplied?"""

from bisect import bisect_right
from functools import cached_property
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from rustybt._typing import FloatArray, IntArray, Records
from rustybt.assets import AssetFinder
from rustybt.data.adjustments import Adjustments


class FactorList(NamedTuple):
    """One asset's factors in the order in which a window applies them.

    Attributes
    ----------
    rows : list of int
        Session rows at which each takes effect, ascending.
    values : list of float
        Multipliers of everything earlier.
    """

    rows: list[int]
    values: list[float]


class FactorTable(NamedTuple):
    """The factors of all assets, those of each in the order in which a window applies them.

    Attributes
    ----------
    columns : int64 array, shape (n_factors,)
        Dense column of the asset.
    rows : int64 array, shape (n_factors,)
        Session row at which it takes effect.
    values : float64 array, shape (n_factors,)
        Multiplier of everything earlier.
    """

    columns: IntArray
    rows: IntArray
    values: FloatArray


NO_FACTORS = FactorList([], [])


class Factors:
    """Adjustment factors of a bundle, indexed by dense column.

    Parameters
    ----------
    adjustments : Adjustments
        The bundle's tables.
    finder : AssetFinder
        Gives the column of a sid; adjustments of unknown sids are ignored.
    session_ns : int64 array, shape (n_sessions,)
        Session labels.
    """

    def __init__(self, adjustments: Adjustments, finder: AssetFinder, session_ns: IntArray) -> None:
        self._session_ns = session_ns
        columns = {equity.sid: equity.column for equity in finder.equities}
        # Within one session Zipline applies mergers, then dividends, then splits; a view back over a gap multiplies
        # splits, then mergers, then dividends.
        splits = _by_column(adjustments.splits, columns)
        mergers = _by_column(adjustments.mergers, columns)
        dividends = _by_column(adjustments.dividend_ratios, columns)
        inverse = {c: [(ns, 1.0 / ratio) for ns, ratio in rows] for c, rows in splits.items()}
        self._price = self._lists(mergers, dividends, splits)
        self._volume = self._lists(inverse)
        self._spot_volume = inverse
        self._spot = {
            column: splits.get(column, []) + mergers.get(column, []) + dividends.get(column, [])
            for column in self._price
        }
        events = sorted(row for one in self._price.values() for row in one.rows)
        self._event_rows = events

    def of(self, column: int, field: str) -> FactorList:
        """Give the factors of an asset's column for a field ("volume" or a price)."""
        return (self._volume if field == "volume" else self._price).get(column, NO_FACTORS)

    def table(self, field: str) -> FactorTable:
        """Give the factors of all assets for a field ("volume" or a price)."""
        return self._volume_table if field == "volume" else self._price_table

    @cached_property
    def _price_table(self) -> FactorTable:
        return _table_of(self._price)

    @cached_property
    def _volume_table(self) -> FactorTable:
        return _table_of(self._volume)

    def any_within(self, start: int, end: int) -> bool:
        """Say whether any asset has a factor that takes effect in rows (start, end]."""
        return bisect_right(self._event_rows, start) != bisect_right(self._event_rows, end)

    def between(self, column: int, after_ns: int, until_ns: int, field: str = "price") -> float:
        """Give the product of a field's factors with dates in (after_ns, until_ns]."""
        product = 1.0
        for effective_ns, ratio in (self._spot_volume if field == "volume" else self._spot).get(column, ()):
            if after_ns < effective_ns <= until_ns:
                product *= ratio
        return product

    def products(self, column: int, after_ns: IntArray, until_ns: IntArray, field: str = "price") -> FloatArray:
        """Give `between` for many spans of time, bit by bit, as an array of their shape."""
        product = np.ones(len(after_ns))
        for effective_ns, ratio in (self._spot_volume if field == "volume" else self._spot).get(column, ()):
            product[(after_ns < effective_ns) & (effective_ns <= until_ns)] *= ratio
        return product

    def _lists(self, *tables: dict[int, list[tuple[int, float]]]) -> dict[int, FactorList]:
        columns = sorted({c for table in tables for c in table})
        of_columns = [[pair for table in tables for pair in table.get(column, ())] for column in columns]
        effective_ns = np.array([ns for pairs in of_columns for ns, _ in pairs], dtype=np.int64)
        rows = iter(np.searchsorted(self._session_ns, effective_ns, side="left").tolist())
        out = {}
        for column, pairs in zip(columns, of_columns, strict=True):
            found = sorted(((next(rows), ratio) for _, ratio in pairs), key=itemgetter(0))
            out[column] = FactorList([row for row, _ in found], [ratio for _, ratio in found])
        return out


def _table_of(lists: dict[int, FactorList]) -> FactorTable:
    columns = np.repeat(np.array(list(lists), dtype=np.int64), [len(one.rows) for one in lists.values()])
    rows = np.array([row for one in lists.values() for row in one.rows], dtype=np.int64)
    values = np.array([value for one in lists.values() for value in one.values], dtype=np.float64)
    return FactorTable(columns, rows, values)


def _by_column(table: Records, columns: dict[int, int]) -> dict[int, list[tuple[int, float]]]:
    out: dict[int, list[tuple[int, float]]] = {}
    for sid, effective_ns, ratio in zip(
        table["sid"].tolist(), table["effective_ns"].tolist(), table["ratio"].tolist(), strict=True
    ):
        if sid in columns:
            out.setdefault(columns[sid], []).append((effective_ns, ratio))
    return out
