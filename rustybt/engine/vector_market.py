"""What does the compiled simulation meet on its way through the sessions?

Arrays of the run's sessions and of the assets that a strategy may come to hold: those that it decides on, and those in
whose shares these pay dividends.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from rustybt._typing import BoolArray, FloatArray
from rustybt.assets import Equity
from rustybt.constants import NS_PER_DAY
from rustybt.data.bars import bars_of
from rustybt.data.held import cache_of_bundles
from rustybt.data.portal import Portal
from rustybt.engine.loop import actions_of
from rustybt.engine.span import Span
from rustybt.finance.dividends import StockDividend
from rustybt.finance.rules import Rules
from rustybt.kernels.simulation_types import Ints, Tape

NEVER = -1

Events = list[tuple[int, tuple[float, ...]]]
"""Session, and what the kernel is told of the event."""


class MarketTape(NamedTuple):
    """A tape and its columns.

    Attributes
    ----------
    tape : Tape
        What the kernel reads.
    assets : tuple of Equity
        Its columns; those that are decided on come first.
    splits : float64 array, shape (n_splits, 4)
        Session, column and ratio of each, in order, and 0 for the shares that a dividend would add.
    """

    tape: Tape
    assets: tuple[Equity, ...]
    splits: FloatArray


@cache_of_bundles(4)
def tape_of(portal: Portal, span: Span, assets: tuple[Equity, ...], rules: Rules) -> MarketTape:
    """Make the tape of a run, or give the one of an earlier run over the same.

    Parameters
    ----------
    portal : Portal
        Of the bundle.
    span : Span
        Sessions of the run.
    assets : tuple of Equity
        What is decided on, in the order of the decisions' columns.
    rules : Rules
        Say at which price orders fill and when dividends are paid.

    Returns
    -------
    MarketTape
    """
    actions = actions_of(portal, rules.dividend_paid_next_session)
    session_ns = portal.session_ns[span.first : span.last + 1]
    session_of = {ns: session for session, ns in enumerate(session_ns.tolist())}
    held = holdable(assets, actions.stock_dividends.values())
    column_of = {asset: column for column, asset in enumerate(held)}
    splits: Events = [
        (session_of[ns], (column_of[asset], ratio))
        for ns, day in actions.splits.items()
        for asset, ratio in day
        if ns in session_of and asset in column_of
    ]
    dividends: Events = [
        (session_of[ns], (column_of[d.asset], d.amount, session_of.get(d.pay_ns, NEVER)))
        for ns, day in actions.dividends.items()
        for d in day
        if ns in session_of and d.asset in column_of
    ]
    stock: Events = [
        (session_of[ns], (column_of[d.asset], column_of[d.payment_asset], d.ratio, session_of.get(d.pay_ns, NEVER)))
        for ns, more in actions.stock_dividends.items()
        for d in more
        if ns in session_of and d.asset in column_of
    ]
    price = bars_of(portal, span.first, span.last, held).price
    alive, open_yet = lifetimes(portal, span, held)
    fills_at = _where_alive(portal, span, held, "open" if rules.fill_at == "open" else "close", alive, np.nan)
    last_closes = [portal.auto_close_rows[asset.column] - span.first for asset in held]
    split_begin, (split_asset, split_ratio) = _by_session(splits, span.size, 2)
    dividend_begin, (paying, amount, paid) = _by_session(dividends, span.size, 3)
    stock_begin, (granting, granted, ratio, granted_at) = _by_session(stock, span.size, 4)
    tape = Tape(
        fill_price=fills_at,
        volume=_where_alive(portal, span, held, "volume", alive, 0.0),
        price=price.copy(),
        tradable=alive & open_yet & ~np.isnan(price),
        auto_close=np.array(last_closes, dtype=np.int64),
        first_auto_close=min(last_closes),
        nights=np.diff(session_ns, prepend=session_ns[:1]) // NS_PER_DAY * 1.0,
        split_begin=split_begin,
        split_asset=split_asset.astype(np.int64),
        split_ratio=split_ratio,
        dividend_begin=dividend_begin,
        dividend_asset=paying.astype(np.int64),
        dividend_amount=amount,
        dividend_paid=paid.astype(np.int64),
        stock_begin=stock_begin,
        stock_asset=granting.astype(np.int64),
        stock_payment=granted.astype(np.int64),
        stock_ratio=ratio,
        stock_paid=granted_at.astype(np.int64),
    )
    rows = [(session, column, ratio, 0.0) for session, (column, ratio) in sorted(splits)]
    return MarketTape(tape, held, np.array(rows).reshape(len(rows), 4))


def holdable(assets: Sequence[Equity], stock_dividends: Iterable[list[StockDividend]]) -> tuple[Equity, ...]:
    """Give the assets, and after them those whose shares they pay, and so on."""
    paid = [(d.asset, d.payment_asset) for day in stock_dividends for d in day]
    found = dict.fromkeys(assets)
    grows = True
    while grows:
        more = [payment for asset, payment in paid if asset in found and payment not in found]
        found.update(dict.fromkeys(more))
        grows = bool(more)
    return tuple(found)


def lifetimes(portal: Portal, span: Span, assets: Sequence[Equity]) -> tuple[BoolArray, BoolArray]:
    """Say for each session and asset whether it is listed, and whether its automatic close is still to come.

    Returns
    -------
    tuple of bool arrays, shape (n_sessions, n_assets)
    """
    rows = np.arange(span.first, span.last + 1)[:, np.newaxis]
    columns = [asset.column for asset in assets]
    begin = np.array([portal.alive_from[column] for column in columns])
    end = np.array([portal.alive_to[column] for column in columns])
    last = np.array([portal.last_open_rows[column] for column in columns])
    return (begin <= rows) & (rows <= end), rows <= last


def _where_alive(
    portal: Portal, span: Span, assets: Sequence[Equity], field: str, alive: BoolArray, otherwise: float
) -> FloatArray:
    rows = portal.array(field)[span.first : span.last + 1, [asset.column for asset in assets]]
    return np.ascontiguousarray(np.where(alive, rows, otherwise))


def _by_session(events: Events, n_sessions: int, width: int) -> tuple[Ints, tuple[FloatArray, ...]]:
    """Sort events by session, keeping the order within one; give each session's first event, and the columns."""
    events = sorted(events, key=lambda event: event[0])
    counts = np.bincount([session for session, _ in events], minlength=n_sessions) if events else np.zeros(n_sessions)
    begin = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    table = np.array([values for _, values in events], dtype=np.float64).reshape(len(events), width)
    return begin, tuple(np.ascontiguousarray(table[:, i]) for i in range(width))
