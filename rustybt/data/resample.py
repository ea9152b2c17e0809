"""What do trailing windows of bars of several minutes look like from a minute?

Bars are counted from each session's open and end with it, so that a session's last bar may be shorter; and so may be
the window's last one, which ends with the current minute. A bar is labelled by its last minute.
"""

from collections.abc import Sequence

import numpy as np

from rustybt._typing import FloatArray, IntArray
from rustybt.assets import Equity
from rustybt.data.history import carry_forward, check_request, stored_field
from rustybt.data.instant import Instant
from rustybt.data.market import Window
from rustybt.data.minute_history import Minutes, price_before
from rustybt.data.portal import NAN
from rustybt.errors import HistoryWindowStartsBeforeData
from rustybt.kernels.adjust import apply_factors


def resampled_window(
    market: Minutes, assets: Sequence[Equity], at: Instant, bars: int, minutes: int, field: str
) -> Window:
    """Give the `bars` bars of so many minutes that end with the current minute, adjusted as of it.

    Parameters
    ----------
    market : Minutes
        Of the simulation.
    assets : sequence of Equity
        Columns of the result.
    at : Instant
        The current moment; its bar is the window's last minute.
    bars, minutes : int
        Length of the window in bars, and of a bar in market minutes; at least 1.
    field : {"open", "high", "low", "close", "volume", "price"}
        First open, highest high, lowest low, last close, sum of volumes; "price" is the close, filled forward within
        each asset's life.

    Returns
    -------
    Window
        Of shape (bars, len(assets)), as precise as minutes are; NaN for a bar in which nothing traded (volume 0).

    Raises
    ------
    ValueError
        If the field is unknown or bars is under 1.
    HistoryWindowStartsBeforeData
        If the window reaches back before the bundle's first minute.
    """
    check_request(field, bars)
    starts = bar_starts(market.first, market.row_of(at.bar), at.bar, bars, minutes)
    if len(starts) < bars:
        raise HistoryWindowStartsBeforeData(
            f"bar_count {bars} of {minutes} minutes at {at.now} reaches back before the bundle's first minute: "
            f"ask for at most {len(starts)}"
        )
    stored, begin = stored_field(field), int(starts[0])
    columns = [asset.column for asset in assets]
    window = aggregate(market.rows(stored, begin, at.bar + 1, columns), starts - begin, stored)
    rows = np.searchsorted(market.first, starts, side="right") - 1
    if market.portal.factors.any_within(int(rows[0]), int(rows[-1])):
        for k, asset in enumerate(assets):
            factors = market.portal.factors.of(asset.column, stored)
            apply_factors(window[:, k], 0, np.searchsorted(rows, factors.rows).tolist(), factors.values)
    window = market.portal.rounded(window)
    if field == "price":
        _fill_forward(market, assets, window, begin, rows, at)
    return Window(window, lambda: market.label_index[np.append(starts[1:], at.bar + 1) - 1])


def bar_starts(first: Sequence[int], row: int, bar: int, bars: int, minutes: int) -> IntArray:
    """Give the first minute of each of the last bars.

    Parameters
    ----------
    first : sequence of int
        The first minute of each session row.
    row, bar : int
        The current session and minute.
    bars, minutes : int
        How many, and how long.

    Returns
    -------
    int64 array, shape (at most bars,)
        Ascending; fewer where the sessions before have no more.

    Examples
    --------
    >>> bar_starts([0, 7, 14], 1, 10, 4, 3).tolist()
    [3, 6, 7, 10]
    """
    found: list[IntArray] = []
    end, missing = bar + 1, bars
    while missing > 0 and row >= 0:
        found.append(np.arange(first[row], end, minutes)[-missing:])
        missing -= len(found[-1])
        end, row = first[row], row - 1
    return np.concatenate([np.empty(0, dtype=np.int64), *found[::-1]])


def aggregate(values: FloatArray, starts: IntArray, field: str) -> FloatArray:
    """Make bars of consecutive rows.

    Parameters
    ----------
    values : float64 array, shape (n_minutes, n_assets)
        NaN (volume 0) where there is no bar.
    starts : int64 array, shape (n_bars,)
        The first row of each bar, ascending from 0.
    field : {"open", "high", "low", "close", "volume"}
        Says how.

    Returns
    -------
    float64 array, shape (n_bars, n_assets)
        NaN (volume 0) for a bar without a row that has a value.

    Examples
    --------
    >>> aggregate(np.array([[np.nan], [2.0], [1.0], [3.0]]), np.array([0, 3]), "open").tolist()
    [[2.0], [3.0]]
    """
    if field == "volume":
        return np.add.reduceat(values, starts, axis=0)
    if field in ("high", "low"):
        extreme = np.fmax if field == "high" else np.fmin
        return extreme.reduceat(values, starts, axis=0)
    rows, missing = np.arange(len(values))[:, None], np.isnan(values)
    if field == "open":
        which = np.minimum.reduceat(np.where(missing, len(values), rows), starts, axis=0)
    else:
        which = np.maximum.reduceat(np.where(missing, -1, rows), starts, axis=0)
    known = (which >= 0) & (which < len(values))
    return np.where(known, np.take_along_axis(values, np.where(known, which, 0), axis=0), NAN)


def _fill_forward(
    market: Minutes, assets: Sequence[Equity], window: FloatArray, begin: int, rows: IntArray, at: Instant
) -> None:
    for k, asset in enumerate(assets):
        column = window[:, k]
        if np.isnan(column).any():
            if column[0] != column[0]:
                column[0] = price_before(market, asset, begin, at)
            carry_forward(column)
        column[rows > market.portal.alive_to[asset.column]] = NAN
