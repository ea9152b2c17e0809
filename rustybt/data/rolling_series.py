"""What is an indicator's value at one bar of a simulation, without computing it at every bar?

A column is computed for a stretch of bars at once: in a daily simulation for all sessions, in a minute simulation for
the minutes of a month. What a row says depends on no later row, so nothing is known too early.
"""

from bisect import bisect_right
from functools import partial
from typing import Any, Protocol

import numpy as np

from rustybt._typing import FloatArray
from rustybt.assets import Equity
from rustybt.data import indicators
from rustybt.data.byte_cache import ByteCache, CacheStatistics
from rustybt.data.held import cache_of_bundles
from rustybt.data.history import stored_field
from rustybt.data.indicators import Table, check_count, check_field, check_min_count, check_positive
from rustybt.data.minute_market import MinuteMarket
from rustybt.data.portal import NAN, Portal
from rustybt.data.rolling_inputs import DailyTable, MinuteTable

MAX_BYTES = 256 << 20
SMOOTHED = ("ema", "rsi", "atr")
BARS_BACK = ("lag", "returns")
FADED = 40.0  # e**-40 is 4e-18: what is so many time constants ago does not show in a float
WARM_UP_CHUNK = 4096

Compared = tuple[Equity, bool] | None


def check_length(name: str, length: Any) -> float:
    """Give an indicator's length back, an int but for a span.

    Raises
    ------
    InvalidParameter
        If it is none.
    """
    if name == "ema":
        return check_positive("span", length, 1.0)
    return check_count("bars" if name in BARS_BACK else "window", length)


class Stretches(Protocol):
    """How a market's bars are cut, and the tables that end with a stretch."""

    def around(self, bar: int) -> tuple[int, int]:
        """Give the first bar of the stretch that holds a bar, and that of the next."""

    def table(self, assets: tuple[Equity, ...], begin: int, end: int, bars_before: int) -> tuple[Table, int]:
        """Give a table that ends before `end`, and its rows before `begin`: `bars_before`, or what there is."""

    def begin_smoothing(self, asset: Equity, field: str, begin: int, values_before: int) -> int:
        """Give a bar so that from there up to `begin` there are so many values of a field, or all there are."""


class DailyStretch:
    """All sessions of a bundle as one stretch.

    Parameters
    ----------
    portal : Portal
        Of the bundle.
    """

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def around(self, bar: int) -> tuple[int, int]:
        """Give all sessions."""
        return 0, len(self._portal.session_ns)

    def table(self, assets: tuple[Equity, ...], begin: int, end: int, bars_before: int) -> tuple[Table, int]:
        """Give all sessions; none are before."""
        return DailyTable(self._portal, assets, end), 0

    def begin_smoothing(self, asset: Equity, field: str, begin: int, values_before: int) -> int:
        """Give the first session."""
        return begin


class MinuteStretches:
    """The minutes of each month as a stretch.

    Parameters
    ----------
    portal : Portal
        Of a bundle with minute bars.
    """

    def __init__(self, portal: Portal) -> None:
        self._market = MinuteMarket(portal)
        self._first: list[int] = portal.bundle.minute_table.block_first.tolist()

    def around(self, bar: int) -> tuple[int, int]:
        """Give the minutes of a month."""
        block = bisect_right(self._first, bar) - 1
        return self._first[block], self._first[block + 1]

    def table(self, assets: tuple[Equity, ...], begin: int, end: int, bars_before: int) -> tuple[Table, int]:
        """Give the minutes of a month and some before them."""
        start = max(begin - bars_before, 0)
        return MinuteTable(self._market, assets, start, end), begin - start

    def begin_smoothing(self, asset: Equity, field: str, begin: int, values_before: int) -> int:
        """Look back for bars with a value, no further than the asset's listing."""
        floor = self._market.first[min(self._market.portal.alive_from[asset.column], len(self._market.first) - 1)]
        while values_before > 0 and begin > floor:
            start = max(begin - max(values_before, WARM_UP_CHUNK), floor)
            values = self._market.rows(stored_field(field), start, begin, [asset.column])
            values_before -= int(np.count_nonzero(~np.isnan(values)))
            begin = start
        return begin


class Series:
    """Indicators of a market by bar.

    Parameters
    ----------
    stretches : Stretches
        Of the market's bars.
    max_bytes : int
        Of the columns that are kept; the least recently used go first.
    """

    def __init__(self, stretches: Stretches, max_bytes: int = MAX_BYTES) -> None:
        self._stretches = stretches
        self._kept = ByteCache(max_bytes)
        self._begin = self._end = 0

    @property
    def statistics(self) -> CacheStatistics:
        """How often a column was there already, and how much is kept."""
        return self._kept.statistics

    def at(
        self, bar: int, asset: Equity, name: str, field: str, length: float, min_count: int | None, compared: Compared
    ) -> float:
        """Give an indicator's value at a bar.

        Parameters
        ----------
        bar : int
            NaN before the first.
        asset : Equity
            Whose.
        name : str
            One of `rustybt.data.indicators.STATISTICS`, "ema", "rsi", "atr" or "correlation".
        field : str
            One of `rustybt.data.indicators.FIELDS`.
        length : int or float
            The window; the span of "ema"; the bars back of "lag" and "returns".
        min_count : int or None
            Values that a window needs.
        compared : (Equity, bool) or None
            For "correlation" the other asset, and whether returns are compared.

        Returns
        -------
        float

        Raises
        ------
        InvalidParameter
            If field, length or min_count are none.
        """
        if type(length) is not int:
            length = check_length(name, length)
        if not self._begin <= bar < self._end:
            if bar < 0:
                return NAN
            self._begin, self._end = self._stretches.around(bar)
        key = (self._begin, asset.column, name, field, length, min_count, compared)
        found = self._kept.find(key)
        if found is None:
            found = self._kept.get(key, partial(self._make, asset, name, field, length, min_count, compared))
        return found.item(bar - self._begin)

    def _make(
        self, asset: Equity, name: str, field: str, length: float, min_count: int | None, compared: Compared
    ) -> FloatArray:
        field = check_field(field)
        if name in SMOOTHED:
            return self._smoothed(asset, name, field, length)
        window = int(check_length(name, length)) + (name in BARS_BACK)
        least = check_min_count(min_count, window)
        if compared is None:
            table, skip = self._table((asset,), window - 1)
            return indicators.statistic(table, name, field, window, least, skip)[:, 0]
        other, of_returns = compared
        table, skip = self._table((asset, other), window if of_returns else window - 1)
        give = indicators.correlation_of_returns if of_returns else indicators.correlation
        return np.ascontiguousarray(give(table, 1, field, window, least, skip)[:, 0])

    def _smoothed(self, asset: Equity, name: str, field: str, length: float) -> FloatArray:
        if name == "ema":
            span = check_length(name, length)
            give: Any = partial(indicators.ema, field=field, span=span)
            values_before = FADED / 2.0 * (span + 1.0)
        else:
            window = int(check_length(name, length))
            give = partial(indicators.atr, window=window)
            if name == "rsi":
                give = partial(indicators.rsi, field=field, window=window)
            values_before = (FADED + 1.0) * window + 1.0
        begin = self._stretches.begin_smoothing(asset, field, self._begin, int(values_before) + 1)
        table, skip = self._table((asset,), self._begin - begin)
        smoothed: FloatArray = give(table, skip=skip)[:, 0]
        return smoothed

    def _table(self, assets: tuple[Equity, ...], bars_before: int) -> tuple[Table, int]:
        return self._stretches.table(assets, self._begin, self._end, bars_before)


@cache_of_bundles(8)
def series_of(portal: Portal, frequency: str) -> Series:
    """Give the process's one store of a portal's indicators at a frequency ("daily" or "minute")."""
    return Series(MinuteStretches(portal) if frequency == "minute" else DailyStretch(portal))
