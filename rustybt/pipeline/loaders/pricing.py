"""How do a bundle's bars come into a pipeline?

A bar's path: the dense array, as it was traded -> one row down, so that a session has the bar of the one before ->
the factors of splits, mergers and dividends, as changes that each window applies when it reaches their session.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray, FloatArray, Records
from rustybt.errors import NoDataOnDate
from rustybt.kernels.windows import MULTIPLY
from rustybt.pipeline.adjusted import CHANGE, AdjustedArray
from rustybt.pipeline.data.dataset import BoundColumn
from rustybt.pipeline.data.equity_pricing import EquityPricing
from rustybt.pipeline.domain import Domain
from rustybt.pipeline.labels import LabelArray
from rustybt.pipeline.universe import Universe

CURRENCIES = {"US": "USD"}
"""In which currency a country's assets are quoted, where that is known."""


class PricingLoader:
    """Reads `EquityPricing` of a bundle.

    Parameters
    ----------
    universe : Universe
        Of the bundle.
    """

    def __init__(self, universe: Universe) -> None:
        self._universe = universe

    def has(self, column: BoundColumn) -> bool:
        """Say whether a column, of no domain, is one of its own."""
        return column.dataset is EquityPricing

    def load_adjusted_array(
        self, domain: Domain, columns: list[BoundColumn], dates: pd.DatetimeIndex, sids: pd.Index, mask: BoolArray
    ) -> dict[BoundColumn, AdjustedArray]:
        """Read columns, see `PipelineLoader`.

        Raises
        ------
        NoDataOnDate
            If the session before the first date is before the bundle's first one.
        """
        equities = self._universe.portal.finder.retrieve_all(sids.tolist())
        places = np.array([equity.column for equity in equities], dtype=np.int64)
        row = self._universe.row_of(dates[0], "first")
        if row == 0:
            first = self._universe.sessions[0].date()
            raise NoDataOnDate(
                f"a pipeline needs the session before {dates[0].date()}, and bundle "
                f"{self._universe.portal.bundle.name!r} begins on {first}: start later, or take shorter windows"
            )
        loaded = {}
        for column in columns:
            if column.name == "currency":
                codes = np.array([CURRENCIES.get(equity.country_code) for equity in equities], dtype=object)
                loaded[column] = AdjustedArray(LabelArray(np.tile(codes, (len(dates), 1)), None), (), None)
            else:
                data = self._rows(column.name, row - 1, len(dates), places)
                loaded[column] = AdjustedArray(data, self._changes(column.name, row, len(dates), places))
        return loaded

    def _rows(self, field: str, row: int, count: int, places: Any) -> FloatArray:
        """Give `count` sessions of a field from a row of the universe on; missing before the bundle's first bar."""
        array = self._universe.portal.array(field)
        begin = row - self._universe.before
        chosen = array[max(begin, 0) : max(begin + count, 0)]
        everyone = len(places) == array.shape[1] and np.array_equal(places, np.arange(len(places)))
        found: FloatArray = chosen if everyone else np.take(chosen, places, axis=1)
        if len(found) == count:
            return found
        padding = np.full((count - len(found), len(places)), 0.0 if field == "volume" else np.nan)
        return np.concatenate([padding, found])

    def _changes(self, field: str, row: int, count: int, places: Any) -> Records:
        """Give the factors that take effect on `count` sessions, each on all rows up to its own."""
        columns, rows, values = self._universe.portal.factors.table(field)
        seen = rows - (row - self._universe.before)
        place_of = np.full(max(columns.max(initial=0), places.max(initial=0)) + 1, -1)
        place_of[places] = np.arange(len(places))
        chosen = (seen >= 0) & (seen < count) & (place_of[columns] >= 0)
        changes = np.zeros(np.count_nonzero(chosen), dtype=CHANGE)
        changes["row"] = changes["last"] = seen[chosen]
        changes["column"], changes["value"], changes["kind"] = place_of[columns[chosen]], values[chosen], MULTIPLY
        return changes
