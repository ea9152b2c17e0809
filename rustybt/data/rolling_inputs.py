"""Which arrays does a rolling kernel read, so that its windows are those of `history`?"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rustybt._typing import FloatArray, IntArray
from rustybt.assets import Equity
from rustybt.data.factors import FactorList
from rustybt.data.history import stored_field
from rustybt.data.minute_history import Minutes
from rustybt.data.portal import NAN, Portal
from rustybt.kernels.rolling import NOT_FILLED


class Inputs(NamedTuple):
    """A table as the kernels take it; see `rustybt.kernels.rolling.rolling`.

    Attributes
    ----------
    values : float64 array, shape (before + n, k)
        Raw; NaN where missing.
    before : int
        Sessions before the bundle's first bar that history shows as well, with volume 0.
    offsets, rows, factors
        When adjustments take effect, and what earlier values are multiplied by.
    ends : int64 array, shape (k,)
        Up to which row gaps of a price are filled; `NOT_FILLED` for no filling.
    leads : float64 array, shape (before + n, k), or (0, 0)
        What fills a gap with which a window begins.
    rounds : bool
        Whether windows are rounded.
    """

    values: FloatArray
    before: int
    offsets: IntArray
    rows: IntArray
    factors: FloatArray
    ends: IntArray
    leads: FloatArray
    rounds: bool


NO_LEADS = np.empty((0, 0))


class DailyTable:
    """Daily bars of some assets, from the bundle's first session on.

    Parameters
    ----------
    portal : Portal
        Of the bundle that holds the assets.
    assets : sequence of Equity
        Columns, in order.
    count : int
        Sessions; later ones are not looked at.
    """

    def __init__(self, portal: Portal, assets: Sequence[Equity], count: int) -> None:
        self.portal = portal
        self.assets = tuple(assets)
        self.count = count
        self._columns = [asset.column for asset in assets]

    def inputs(self, field: str, window: int) -> Inputs:
        """Give what a window of a field needs; "price" is the close, filled forward."""
        portal, stored = self.portal, stored_field(field)
        values = np.take(portal.array(stored)[: self.count], self._columns, axis=1)
        before = min(window - 1, len(portal.sessions_before)) if field == "volume" else 0
        if before:
            values = np.concatenate([np.zeros((before, len(self._columns))), values])
        factors = [portal.factors.of(column, stored) for column in self._columns]
        events = pack_events(factors, [[row + before for row in one.rows] for one in factors])
        if field != "price":
            return Inputs(values, before, *events, unfilled(len(self.assets)), NO_LEADS, portal.rounds_windows)
        ends = unfilled(len(self.assets))
        for k, column in enumerate(self._columns):
            ends[k] = end_filling(values[:, k], portal.alive_to[column] + 1, portal.bar_rows[0][column])
        leads = self._leads(values, ends, window) if (ends != NOT_FILLED).any() else NO_LEADS
        return Inputs(values, 0, *events, ends, leads, portal.rounds_windows)

    def _leads(self, values: FloatArray, ends: IntArray, window: int) -> FloatArray:
        leads = np.full(values.shape, NAN)
        for k in np.flatnonzero(ends != NOT_FILLED).tolist():
            first = np.arange(max(self.count - window + 1, 0))  # of the window that ends `window` - 1 rows later
            traded = self.portal.last_traded_rows[first, self._columns[k]]
            gap = np.isnan(values[first, k]) & (traded >= 0)
            source, last = traded[gap], first[gap] + window - 1
            prices = known_prices(self.portal, self.assets[k], self.count)
            leads[last, k] = prices[source] * self._products(k, source, last)
        return leads

    def _products(self, k: int, after: IntArray, until: IntArray) -> FloatArray:
        session_ns = self.portal.session_ns
        return self.portal.factors.products(self._columns[k], session_ns[after], session_ns[until])


class MinuteTable:
    """A stretch of some assets' market minutes.

    Parameters
    ----------
    market : Minutes
        Of the simulation.
    assets : sequence of Equity
        Columns, in order.
    begin, end : int
        Minutes [begin, end).
    """

    def __init__(self, market: Minutes, assets: Sequence[Equity], begin: int, end: int) -> None:
        self.market = market
        self.assets = tuple(assets)
        self.begin = begin
        self.end = end
        self._columns = [asset.column for asset in assets]

    def inputs(self, field: str, window: int) -> Inputs:
        """Give what a window of a field needs; "price" is the close, filled forward."""
        market, stored, portal = self.market, stored_field(field), self.market.portal
        values = np.ascontiguousarray(market.rows(stored, self.begin, self.end, self._columns))
        factors = [portal.factors.of(column, stored) for column in self._columns]
        sessions = len(market.first) - 1
        rows = [[market.first[min(row, sessions)] - self.begin for row in one.rows] for one in factors]
        events = pack_events(factors, rows)
        ends = unfilled(len(self.assets))
        if field == "price":
            for k, column in enumerate(self._columns):
                after_life = market.first[portal.alive_to[column] + 1] - self.begin
                ends[k] = end_filling(values[:, k], max(after_life, 0), 0)
        leads = self._leads(values, ends, window) if (ends != NOT_FILLED).any() else NO_LEADS
        return Inputs(values, 0, *events, ends, leads, portal.rounds_windows)

    def _leads(self, values: FloatArray, ends: IntArray, window: int) -> FloatArray:
        market, label_ns = self.market, self.market.label_ns
        leads = np.full(values.shape, NAN)
        first = np.arange(max(len(values) - window + 1, 0))  # of the window that ends `window` - 1 rows later
        for k in np.flatnonzero(ends != NOT_FILLED).tolist():
            traded = self._last_traded(k)[first]
            gap = np.isnan(values[first, k]) & (traded >= 0)
            last = first[gap] + window - 1
            minutes, which = np.unique(traded[gap], return_inverse=True)
            column = self._columns[k]
            closes = np.array([market.cell("close", minute, column) for minute in minutes.tolist()], dtype=np.float64)
            then_ns, now_ns = label_ns[traded[gap]], label_ns[last + self.begin]
            leads[last, k] = closes[which] * market.portal.factors.products(column, then_ns, now_ns)
        return leads

    def _last_traded(self, k: int) -> IntArray:
        """Give `market.last_traded` of each minute."""
        market, asset = self.market, self.assets[k]
        volumes = market.rows("volume", self.begin, self.end, [asset.column])[:, 0]
        minutes = np.where(volumes > 0, np.arange(self.begin, self.end), -1)
        minutes[0] = max(minutes[0], market.last_traded(asset, self.begin))
        minutes = np.maximum.accumulate(minutes)
        return np.where(minutes >= np.searchsorted(market.label_ns, asset.start_ns), minutes, -1)


def known_prices(portal: Portal, asset: Equity, count: int) -> FloatArray:
    """Give `portal.price(asset, row)` for the first `count` rows, bit by bit, shape (count,)."""
    column = asset.column
    closes: FloatArray = portal.array("close")[:count, column]
    prices = closes.copy()
    gaps = np.isnan(closes)
    row = np.arange(count)
    source = np.maximum.accumulate(np.where(gaps, -1, row)) if count else row
    filled = np.flatnonzero(gaps & (source >= 0) & (row <= portal.bar_rows[1][column]))
    if len(filled):
        then_ns, now_ns = portal.session_ns[source[filled]], portal.session_ns[filled]
        prices[filled] = closes[source[filled]] * portal.factors.products(column, then_ns, now_ns)
    prices[: portal.alive_from[column]] = NAN
    prices[portal.alive_to[column] + 1 :] = NAN
    return prices


def end_filling(values: FloatArray, end: int, first: int) -> int:
    """Blank, in place, a price's rows from `end` on, and give up to which row its gaps are filled.

    Parameters
    ----------
    values : float64 array, shape (n,)
        Closes.
    end : int
        The first row after the asset's life.
    first : int
        Rows before it have nothing to be filled with.

    Returns
    -------
    int
        NOT_FILLED where there is no gap to fill.
    """
    values[end:] = NAN
    return min(end, len(values)) if np.isnan(values[first:end]).any() else NOT_FILLED


def unfilled(count: int) -> IntArray:
    """Give the `ends` of columns whose gaps stay gaps."""
    return np.full(count, NOT_FILLED, dtype=np.int64)


def pack_events(factors: Sequence[FactorList], rows: Sequence[list[int]]) -> tuple[IntArray, IntArray, FloatArray]:
    """Put the columns' events behind one another: offsets, rows and factors."""
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    all_rows = np.array([row for one in rows for row in one], dtype=np.int64)
    all_factors = np.array([value for one in factors for value in one.values], dtype=np.float64)
    return offsets, all_rows, all_factors
