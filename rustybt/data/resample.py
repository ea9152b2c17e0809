"""What do trailing windows of bars of several minutes look like from a minute?

Bars are counted from each session's open and end with it, so that a session's last bar may be shorter; and so may be
the window's last one, which ends with the current minute. A bar is labelled by its last minute.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np

from rustybt._typing import FloatArray, IntArray
from rustybt.assets import Equity
from rustybt.data.bar_table import BarTable
from rustybt.data.history import carry_forward, check_request, stored_field
from rustybt.data.history_cache import BlockKey, shared_history
from rustybt.data.instant import Instant
from rustybt.data.market import Window
from rustybt.data.minute_history import Minutes, price_before
from rustybt.data.portal import NAN
from rustybt.errors import HistoryWindowStartsBeforeData
from rustybt.kernels.adjust import apply_factors

FIRST: Final = np.zeros(1, dtype=np.int64)
"""Where a single bar begins among its own minutes."""


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
    table, stored = market.bars_of_minutes(minutes), stored_field(field)
    row = market.row_of(at.bar)
    last = table.first[row] + (at.bar - market.first[row]) // minutes
    if last + 1 < bars:
        raise HistoryWindowStartsBeforeData(
            f"bar_count {bars} of {minutes} minutes at {at.now} reaches back before the bundle's first minute: "
            f"ask for at most {last + 1}"
        )
    chosen = slice(last - bars + 1, last + 1)
    starts, rows = table.starts[chosen], table.rows[chosen]
    begin, current = int(starts[0]), int(starts[-1])
    window = np.empty((bars, len(assets)))
    if bars > 1:
        complete_bars(market, assets, table, chosen.start, last, stored, out=window[:-1])
    columns = [asset.column for asset in assets]
    window[-1:] = aggregate(market.rows(stored, current, at.bar + 1, columns), FIRST, stored)
    if market.portal.factors.any_within(int(rows[0]), int(rows[-1])):
        for k, asset in enumerate(assets):
            factors = market.portal.factors.of(asset.column, stored)
            apply_factors(window[:, k], 0, np.searchsorted(rows, factors.rows).tolist(), factors.values)
    window = market.portal.rounded(window)
    if field == "price":
        _fill_forward(market, assets, window, begin, rows, at)
    return Window(window, lambda: market.label_index[np.append(starts[1:], at.bar + 1) - 1])


def complete_bars(
    market: Minutes, assets: Sequence[Equity], table: BarTable, begin: int, end: int, field: str, out: FloatArray
) -> None:
    """Write bars [begin, end), which have ended, as they were traded.

    Those of a whole session are made at once and kept, unless a session is asked for the first time for these assets:
    a strategy that looks at others each bar would not come back to them.

    Parameters
    ----------
    market : Minutes
        Of the simulation.
    assets : sequence of Equity
        Columns of the result.
    table : BarTable
        Of the market.
    begin, end : int
        Numbers of bars.
    field : {"open", "high", "low", "close", "volume"}
        Says how minutes become a bar.
    out : float64 array, shape (end - begin, len(assets))
        Receives them.
    """
    columns = [asset.column for asset in assets]
    if not shared_history().is_on:  # then no more is made than is asked for
        out[:] = _traded(market, columns, table, begin, end, field)
        return
    sids = tuple(asset.sid for asset in assets)
    while begin < end:
        row = int(table.rows[begin])
        first, stop = table.first[row], table.first[row + 1]
        until = min(stop, end)
        key = BlockKey(market.portal.source, sids, field, market.first[row + 1] - 1, stop - first, f"{table.minutes}m")
        if shared_history().repays(key):
            block = shared_history().get(key, partial(_traded, market, columns, table, first, stop, field))
            out[: until - begin] = block[begin - first : until - first]
        else:
            out[: until - begin] = _traded(market, columns, table, begin, until, field)
        begin, out = until, out[until - begin :]


def _traded(market: Minutes, columns: list[int], table: BarTable, begin: int, end: int, field: str) -> FloatArray:
    """Make bars [begin, end), which have ended, from their minutes."""
    start = int(table.starts[begin])
    return aggregate(market.rows(field, start, int(table.starts[end]), columns), table.starts[begin:end] - start, field)


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
