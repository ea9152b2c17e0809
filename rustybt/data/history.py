"""What does a trailing window of daily bars look like from its last session?

A bar's path: dense array → the window's rows → the factors that fall into the window, one by one → rounding → for
"price", the last value before the window and forward filling. Where no factor falls into a window its rows come from an
array that was rounded once, and are no copy if the assets lie side by side in it.
"""

from collections.abc import Sequence

import numpy as np

from rustybt._typing import FloatArray
from rustybt.assets import Equity
from rustybt.constants import OHLCV
from rustybt.data.history_cache import BlockKey, read_only, shared_history
from rustybt.data.portal import NAN, Portal
from rustybt.data.selection import AsOf, Selection
from rustybt.errors import HistoryWindowStartsBeforeData

ROWS_TOGETHER = 64
ROWS_A_SESSION = 4
SESSIONS_TOGETHER = 128
"""Blocks of adjusted rows begin at multiples of at most the first, or of the second for each session that reads them:
where some asset has an event nearly every day, more rows would be made than are read. They are read by sessions of one
multiple of the third."""

MANY_SESSIONS = 8
"""A block that fewer read is kept from its second request on: a single backtest would only fill memory with it."""

HISTORY_FIELDS = (*OHLCV, "price")


def daily_window(portal: Portal, assets: Sequence[Equity], row: int, bars: int, field: str) -> FloatArray:
    """Give the `bars` sessions that end at `row`, adjusted as of `row`.

    Parameters
    ----------
    portal : Portal
        Of the bundle that holds the assets.
    assets : sequence of Equity
        Columns of the result, in order.
    row : int
        Session row of the window's last bar.
    bars : int
        Number of sessions, at least 1.
    field : {"open", "high", "low", "close", "volume", "price"}
        "price" is the close, filled forward within each asset's life.

    Returns
    -------
    float64 array, shape (bars, len(assets))
        Rounded to three decimals, see `Portal.rounded`. NaN where there is no bar (volume 0). It may be a read-only
        view of the bundle's bars.

    Raises
    ------
    ValueError
        If the field is unknown or bars is under 1.
    HistoryWindowStartsBeforeData
        If the window reaches back before the bundle's first session.
    """
    check_request(field, bars)
    stored = stored_field(field)
    start = row - bars + 1
    if start < 0:
        check_reach(portal, row, bars)
    window = adjusted_rows(portal, portal.selection(tuple(assets)), start, row, row, stored)
    return _fill_forward(portal, assets, window, start, row) if field == "price" else window


def minutes_a_bar(frequency: str) -> int:
    """Give the length of the bars of a frequency such as "5m"; 0 where it is none of minutes.

    Examples
    --------
    >>> minutes_a_bar("5m"), minutes_a_bar("1d"), minutes_a_bar("0m")
    (5, 0, 0)
    """
    length = frequency.removesuffix("m")
    return int(length) if frequency.endswith("m") and length.isascii() and length.isdigit() else 0


def check_request(field: str, bars: int) -> None:
    """Refuse a window of an unknown field or without bars.

    Raises
    ------
    ValueError
        If it is one.
    """
    if field not in HISTORY_FIELDS:
        raise ValueError(f"Invalid field: {field} (history knows {', '.join(HISTORY_FIELDS)})")
    if bars < 1:
        raise ValueError(f"bar_count must be >= 1, but got {bars}")


def stored_field(field: str) -> str:
    """Give the stored field that a window is made of."""
    return "close" if field == "price" else field


def adjusted_rows(portal: Portal, chosen: Selection, start: int, end: int, as_of: int, field: str) -> FloatArray:
    """Give sessions start..end as a later one, or the last of them, reports them.

    Parameters
    ----------
    portal : Portal
        Of the bundle.
    chosen : Selection
        Columns of the result, in order.
    start, end : int
        Session rows, both included; a row before 0 is a missing bar.
    as_of : int
        Session row from which the adjustments are seen; at least end.
    field : {"open", "high", "low", "close", "volume"}
        Which.

    Returns
    -------
    float64 array, shape (end - start + 1, n_assets)
        Adjusted and rounded; NaN where there is no bar (volume 0). It may be a read-only view of the bundle's bars.
    """
    kept = chosen.kept.get(field)
    if kept is not None and kept.begin <= start and kept.first_seen <= as_of <= kept.last_seen:
        return kept.rows[start - kept.begin : end + 1 - kept.begin]
    first = max(start, 0)
    if chosen.factors(field, start, as_of):
        kept = _as_of(portal, chosen, first, as_of, field)
        rows = kept.rows[first - kept.begin : end + 1 - kept.begin]
    else:
        rows = chosen.rows(portal.reported(field), first, end + 1)
    if start >= 0:
        return rows
    padding = np.full((min(-start, end + 1 - start), rows.shape[1]), 0.0 if field == "volume" else NAN)
    return np.concatenate([padding, rows])


def _as_of(portal: Portal, chosen: Selection, first: int, as_of: int, field: str) -> AsOf:
    """Give the rows from one on as all sessions between two events report them.

    Where a block begins and ends depends on nothing but rows and events, so that other backtests find it: it begins at
    a multiple of rows that grows with the sessions which read it, and no session of another multiple of
    SESSIONS_TOGETHER does. Where a block is more than the cache may hold, no more is made than is asked for.
    """
    before = chosen.kept.get(field)
    reach = as_of - first if before is None else max(as_of - first, before.reach)
    earliest = as_of // SESSIONS_TOGETHER * SESSIONS_TOGETHER
    latest = min(earliest + SESSIONS_TOGETHER, len(portal.session_ns))
    first_seen, end = chosen.between_events(field, as_of, earliest, latest)
    together = min(ROWS_A_SESSION * (end - first_seen), ROWS_TOGETHER)
    begin = max(as_of - reach, 0) // together * together
    if not shared_history().fits(end - begin, len(chosen.sids)):
        first_seen, end, begin = as_of, as_of + 1, first
    key, cached = BlockKey(portal.source, chosen.sids, field, end - 1, end - begin, "1d"), shared_history()
    if end - first_seen < MANY_SESSIONS and not cached.repays(key):
        begin = max(as_of - reach, 0)
        rows = read_only(_adjusted(portal, chosen, begin, end, field))
    else:
        rows = cached.get(key, lambda: _adjusted(portal, chosen, begin, end, field))
    found = chosen.kept[field] = AsOf(first_seen, end - 1, begin, reach, rows)
    cached.hold(key, rows, chosen)
    return found


def _adjusted(portal: Portal, chosen: Selection, begin: int, end: int, field: str) -> FloatArray:
    """Make rows [begin, end) as the last of them reports them."""
    rows = chosen.rows(portal.array(field), begin, end)
    if not rows.flags.writeable:
        rows = rows.copy()
    for row, k, factor in chosen.factors(field, begin, end - 1):
        rows[: row - begin, k] *= factor
    return portal.rounded(rows)


def check_reach(portal: Portal, row: int, bars: int) -> None:
    """Refuse a window of sessions that reaches back before the bundle's first session.

    Raises
    ------
    HistoryWindowStartsBeforeData
        If it does.
    """
    before = len(portal.sessions_before)
    if bars - 1 - row <= before:
        return
    labels = portal.sessions_before.append(portal.sessions)
    suggestion = labels[bars].date() if bars < len(labels) else "none"
    day = portal.session_labels[max(row, 0)].date()
    raise HistoryWindowStartsBeforeData(
        f"bar_count {bars} at {day} reaches back before the bundle's first session "
        f"({labels[0].date()}): ask for fewer bars, or start the run no earlier than {suggestion}"
    )


def carry_forward(column: FloatArray) -> None:
    """Replace each NaN, in place, by the last value above it."""
    known = np.where(np.isnan(column), 0, np.arange(len(column)))
    np.maximum.accumulate(known, out=known)
    column[:] = column[known]


def end_lifetimes(portal: Portal, assets: Sequence[Equity], window: FloatArray, start: int, row: int) -> None:
    """Blank, in place, the sessions after each asset's end date."""
    for k, asset in enumerate(assets):
        last_alive = portal.alive_to[asset.column]
        if row > last_alive:
            window[max(last_alive + 1 - start, 0) :, k] = NAN


def _fill_forward(portal: Portal, assets: Sequence[Equity], window: FloatArray, start: int, row: int) -> FloatArray:
    missing = np.isnan(window)
    alive = all(row <= portal.alive_to[asset.column] for asset in assets)
    if alive and not missing.any():
        return window
    filled = window if window.flags.writeable else window.copy()
    gaps: list[bool] = np.any(missing, axis=0).tolist()
    for k, asset in enumerate(assets):
        if gaps[k]:
            if filled[0, k] != filled[0, k] and start >= 0:
                filled[0, k] = _last_price_before(portal, asset, start, row)
            carry_forward(filled[:, k])
    end_lifetimes(portal, assets, filled, start, row)
    return filled


def _last_price_before(portal: Portal, asset: Equity, start: int, row: int) -> float:
    traded = int(portal.last_traded_rows.item(start, asset.column))
    if traded < 0:
        return NAN
    price = portal.price(asset, traded)
    return price * portal.factors.between(asset.column, int(portal.session_ns[traded]), int(portal.session_ns[row]))
