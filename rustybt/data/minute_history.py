"""What do trailing windows look like from a minute?

A window of minutes takes the path of a window of sessions: raw rows, the factors of the nights within it, rounding. A
window of sessions ends with the current session so far, made of its minutes and not rounded; the sessions before it are
adjusted as of today.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray, IntArray
from rustybt.assets import Equity
from rustybt.data.bar_table import BarTable
from rustybt.data.history import (
    adjusted_rows,
    carry_forward,
    check_reach,
    check_request,
    end_lifetimes,
    stored_field,
)
from rustybt.data.instant import Instant
from rustybt.data.market import Window
from rustybt.data.portal import NAN, Portal
from rustybt.errors import HistoryWindowStartsBeforeData
from rustybt.kernels.adjust import apply_factors


class Minutes(Protocol):
    """What windows need of a market of minutes.

    Attributes
    ----------
    portal : Portal
        Sessions, lifetimes and adjustments.
    label_ns : int64 array, shape (n_minutes,)
        Every market minute.
    label_index : pd.DatetimeIndex
        The same, UTC.
    first : list of int
        The first minute of each session row, and the end.
    """

    portal: Portal
    label_ns: IntArray
    first: list[int]

    @property
    def label_index(self) -> pd.DatetimeIndex:
        """The minutes as an index, UTC."""

    def rows(self, field: str, begin: int, end: int, columns: list[int]) -> FloatArray:
        """Give a copy of raw values of minutes [begin, end)."""

    def cell(self, field: str, minute: int, column: int) -> float:
        """Give one raw value."""

    def row_of(self, minute: int) -> int:
        """Give the session row of a minute."""

    def bars_of_minutes(self, minutes: int) -> BarTable:
        """Give the bars of so many minutes of all sessions."""

    def last_traded(self, asset: Equity, bar: int) -> int:
        """Give the last minute up to a bar in which an asset had volume, -1 for none."""


def minute_window(market: Minutes, assets: Sequence[Equity], at: Instant, bars: int, field: str) -> FloatArray:
    """Give the `bars` market minutes that end with the current one, adjusted as of it.

    Parameters
    ----------
    market : Minutes
        Of the simulation.
    assets : sequence of Equity
        Columns of the result.
    at : Instant
        The current moment; its bar is the window's last.
    bars : int
        At least 1.
    field : {"open", "high", "low", "close", "volume", "price"}
        "price" is the close, filled forward within each asset's life.

    Returns
    -------
    float64 array, shape (bars, len(assets))
        Rounded to three decimals; NaN where there is no bar (volume 0).

    Raises
    ------
    ValueError
        If the field is unknown or bars is under 1.
    HistoryWindowStartsBeforeData
        If the window reaches back before the bundle's first minute.
    """
    check_request(field, bars)
    stored = stored_field(field)
    begin = at.bar - bars + 1
    if begin < 0:
        raise HistoryWindowStartsBeforeData(
            f"bar_count {bars} at {at.now} reaches back before the bundle's first minute: ask for at most {at.bar + 1}"
        )
    window = market.rows(stored, begin, at.bar + 1, [asset.column for asset in assets])
    first_row, last_row = market.row_of(begin), market.row_of(at.bar)
    if market.portal.factors.any_within(first_row, last_row):
        for k, asset in enumerate(assets):
            factors = market.portal.factors.of(asset.column, stored)
            minutes = [market.first[row] if row < len(market.first) else at.bar + 1 for row in factors.rows]
            apply_factors(window[:, k], begin, minutes, factors.values)
    window = market.portal.rounded(window)
    if field == "price":
        _fill_minutes(market, assets, window, begin, at)
    return window


def session_window(market: Minutes, assets: Sequence[Equity], at: Instant, bars: int, field: str) -> Window:
    """Give the `bars` sessions that end with the current one so far.

    Parameters
    ----------
    market, assets, at, bars, field
        As in `minute_window`; the current session is that of the current bar.

    Returns
    -------
    Window
        Earlier sessions are rounded to three decimals, the current one is as its minutes are.

    Raises
    ------
    ValueError, HistoryWindowStartsBeforeData
        As `minute_window` does.
    """
    check_request(field, bars)
    portal, stored = market.portal, stored_field(field)
    row = market.row_of(at.bar)
    start = row - bars + 1
    if start < 0:
        check_reach(portal, row, bars)
    values = np.empty((bars, len(assets)))
    if bars > 1:
        values[:-1] = adjusted_rows(portal, portal.selection(tuple(assets)), start, row - 1, row, stored)
    values[-1] = partial_session(market, assets, row, at.bar, stored)
    if field == "price":
        _fill_sessions(portal, assets, values, start, row)
    return Window(values, lambda: portal.window_labels(row, bars))


def partial_session(market: Minutes, assets: Sequence[Equity], row: int, bar: int, field: str) -> FloatArray:
    """Make one session's bar of its minutes up to one.

    Parameters
    ----------
    market : Minutes
        Of the simulation.
    assets : sequence of Equity
        Whose.
    row, bar : int
        The session, and its last minute to take.
    field : {"open", "high", "low", "close", "volume"}
        First open, highest high, lowest low, last close, sum of volumes.

    Returns
    -------
    float64 array, shape (len(assets),)
        NaN (volume 0) for an asset without a bar so far, or outside its life.
    """
    minutes = market.rows(field, market.first[row], bar + 1, [asset.column for asset in assets])
    alive = [market.portal.alive_from[a.column] <= row <= market.portal.alive_to[a.column] for a in assets]
    if field == "volume":
        return np.where(alive, minutes.sum(axis=0), 0.0)
    traded = ~np.isnan(minutes)
    if field in ("high", "low"):
        extreme = np.fmax.reduce(minutes, axis=0) if field == "high" else np.fmin.reduce(minutes, axis=0)
        return np.where(alive, extreme, NAN)
    which = traded.argmax(axis=0) if field == "open" else len(minutes) - 1 - traded[::-1].argmax(axis=0)
    return np.where(alive, minutes[which, np.arange(len(assets))], NAN)


def _fill_minutes(market: Minutes, assets: Sequence[Equity], window: FloatArray, begin: int, at: Instant) -> None:
    for k, asset in enumerate(assets):
        column = window[:, k]
        if np.isnan(column).any():
            if column[0] != column[0]:
                column[0] = price_before(market, asset, begin, at)
            carry_forward(column)
        last_alive = market.portal.alive_to[asset.column]
        if market.row_of(at.bar) > last_alive:
            column[max(market.first[last_alive + 1] - begin, 0) :] = NAN


def price_before(market: Minutes, asset: Equity, begin: int, at: Instant) -> float:
    """Give an asset's last close up to a window's first minute, adjusted as of its last one; NaN for none."""
    traded = market.last_traded(asset, begin)
    if traded < 0:
        return NAN
    then_ns, end_ns = int(market.label_ns.item(traded)), int(market.label_ns.item(at.bar))
    close = market.cell("close", traded, asset.column)
    return close * market.portal.factors.between(asset.column, then_ns, end_ns)


def _fill_sessions(portal: Portal, assets: Sequence[Equity], values: FloatArray, start: int, row: int) -> None:
    for k, asset in enumerate(assets):
        column = values[:, k]
        if np.isnan(column).any():
            if column[0] != column[0]:
                # Today's daily bar would be a look ahead: the last price is sought from the session before the window.
                column[0] = _session_price_before(portal, asset, start - 1, row)
            carry_forward(column)
    end_lifetimes(portal, assets, values, start, row)


def _session_price_before(portal: Portal, asset: Equity, before: int, row: int) -> float:
    if before < 0:
        return NAN
    traded = int(portal.last_traded_rows.item(before, asset.column))
    if traded < 0:
        return NAN
    then_ns, now_ns = int(portal.session_ns[traded]), int(portal.session_ns[row])
    return portal.price(asset, traded) * portal.factors.between(asset.column, then_ns, now_ns)
