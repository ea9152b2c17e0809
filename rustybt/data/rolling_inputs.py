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
    """A stretch of one asset's market minutes.

    Parameters
    ----------
    market : Minutes
        Of the simulation.
    asset : Equity
        Whose.
    begin, end : int
        Minutes [begin, end).
    """

    def __init__(self, market: Minutes, asset: Equity, begin: int, end: int) -> None:
        self.market = market
        self.asset = asset
        self.begin = begin
        self.end = end

    def inputs(self, field: str, window: int) -> Inputs:
        """Give what a window of a field needs; "price" is the close, filled forward."""
        market, stored, portal = self.market, stored_field(field), self.market.portal
        values = market.rows(stored, self.begin, self.end, [self.asset.column])
        factors = portal.factors.of(self.asset.column, stored)
        rows = [market.first[min(row, len(market.first) - 1)] - self.begin for row in factors.rows]
        events = pack_events([factors], [rows])
        ends = unfilled(1)
        if field == "price":
            last_alive = portal.alive_to[self.asset.column]
            ends[0] = end_filling(values[:, 0], max(market.first[last_alive + 1] - self.begin, 0), 0)
        leads = self._leads(values, window) if ends[0] != NOT_FILLED else NO_LEADS
        return Inputs(values, 0, *events, ends, leads, portal.rounds_windows)

    def _leads(self, values: FloatArray, window: int) -> FloatArray:
        market, asset = self.market, self.asset
        leads = np.full(values.shape, NAN)
        first = np.arange(max(len(values) - window + 1, 0))
        volumes = market.rows("volume", self.begin, self.end, [asset.column])[first, 0]
        within = np.maximum.accumulate(np.where(volumes > 0, first + self.begin, -1)) if len(first) else first
        traded = np.where(within >= 0, within, market.last_traded(asset, self.begin))
        listed = np.searchsorted(market.label_ns, asset.start_ns, side="left")
        gap = np.isnan(values[first, 0]) & (traded >= listed) & (traded >= 0)
        source, last = traded[gap], first[gap] + window - 1
        closes = np.array([market.cell("close", minute, asset.column) for minute in np.unique(source).tolist()])
        prices = closes[np.unique(source, return_inverse=True)[1]] if len(source) else np.empty(0)
        until = market.label_ns[last + self.begin]
        leads[last, 0] = prices * market.portal.factors.products(asset.column, market.label_ns[source], until)
        return leads


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
