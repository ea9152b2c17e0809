"""What does a whole run come to, when all decisions are known in advance?

One loop over sessions with the steps of the event tier in its order: dividends, splits, fills, decisions, automatic
closes, records. Decisions are an array; they become orders at each session's close and fill from the next bar on.
"""

import math
from functools import partial

import numpy as np

from rustybt.kernels.account import (
    add_up,
    close_position,
    earn_dividends,
    leverage,
    move_cash,
    open_account,
    pay_dividends,
    pay_financing,
    split_positions,
    sync_prices,
    update,
)
from rustybt.kernels.compiled import compiled, inner
from rustybt.kernels.fills import DUST
from rustybt.kernels.order_book import (
    cancel_all,
    drop_empty,
    fill_bar,
    note,
    open_book,
    open_shares,
    place,
    record_fill,
    split_orders,
)
from rustybt.kernels.simulation_types import (
    AMOUNT_IS_INFINITE,
    AMOUNT_IS_NAN,
    BORROW_COST,
    CAPITAL_USED,
    CASH,
    CASH_FLOW,
    COMPLETE,
    ENDING_CASH,
    ENDING_VALUE,
    GROSS_LEVERAGE,
    GROWTH,
    LONG_VALUE,
    LONGS,
    MARGIN_INTEREST,
    MAX_SHARES,
    N_BOOK,
    N_FILLS,
    N_HELD,
    N_NOTES,
    N_ORDERS,
    N_QUEUED,
    N_ROWS,
    NET_LEVERAGE,
    NO_ROOM,
    ORDERS,
    PERIOD_RETURN,
    PNL,
    PORTFOLIO_VALUE,
    SESSION_BORROW_COST,
    SESSION_LONG_VALUE,
    SESSION_LONGS,
    SESSION_MARGIN_INTEREST,
    SESSION_PNL,
    SESSION_RETURN,
    SESSION_SHORT_VALUE,
    SESSION_SHORTS,
    SHORT_VALUE,
    SHORTS,
    STARTING_CASH,
    STARTING_VALUE,
    STOPPED,
    TARGET_PERCENT,
    TOO_MANY_SHARES,
    VALUE,
    Account,
    Book,
    Records,
    Tape,
    Terms,
)
from rustybt.kernels.stops import KEEP_ON, stop_code

NEAR = 1e-4  # of a share: an amount so near to a whole one means it
ZERO_PRICE = 1e-6


@partial(compiled, counts_owners=False)
def simulate(
    tape: Tape,
    decisions: np.ndarray,
    kind: int,
    terms: Terms,
    stops: tuple[float, float, int, int, int],
    capital_base: float,
    account: Account,
    orders: Book,
    records: Records,
) -> tuple[int, int, int]:
    """Run all sessions.

    Parameters
    ----------
    tape : Tape
        The market.
    decisions : float64 array, shape (n_sessions, n_assets)
        NaN decides nothing.
    kind : int
        TARGET_PERCENT, TARGET_SHARES or ORDERS.
    terms : Terms
        Rules and costs.
    stops : tuple of (max_drawdown, min_equity, negative_after, check_every, min_bars)
        See `rustybt.kernels.stops`.
    capital_base : float
        Cash at the start.
    account, orders, records : Account, Book, Records
        Written; what they held before does not matter.

    Returns
    -------
    tuple of int
        How it ended (COMPLETE, STOPPED, NO_ROOM or an amount that is no order), the sessions that were run, and the
        stop rule, or the asset of the amount.
    """
    open_account(account, capital_base)
    open_book(orders)
    peak = 1.0
    for session in range(len(tape.price)):
        if not has_room(account, orders, records):
            return NO_ROOM, session, 0
        open_session(account, orders, records, tape, terms, session)
        if account.counters[N_BOOK]:
            fill_bar(orders, account, records, tape, terms, session)
        sync_prices(account, tape.price[session])
        code, asset = decide(account, orders, records, tape, decisions[session], kind, terms, session)
        if code != COMPLETE:
            return code, session, asset
        if session >= tape.first_auto_close:
            close_expired(account, orders, records, tape, session)
        update(account)
        close_session(account, records, session)
        returns = records.sessions[PERIOD_RETURN, session]
        peak = max(peak, 1.0 + returns)
        rule = stop_code(session + 1, account.figures[VALUE], returns, peak, *stops)
        if rule != KEEP_ON:
            return STOPPED, session + 1, rule
    return COMPLETE, len(tape.price), 0


@inner
def has_room(account: Account, orders: Book, records: Records) -> bool:
    """Say whether the records take whatever a session can add: every queue's orders fill, every asset orders anew."""
    counters, assets = account.counters, len(account.amount)
    queued = counters[N_QUEUED]
    if counters[N_ORDERS] + assets > len(orders.asset) or counters[N_FILLS] + queued + assets > len(records.fills):
        return False
    if len(records.note_at) and counters[N_NOTES] + 2 * (queued + assets) > len(records.note_at):
        return False
    return not len(records.held_at) or counters[N_ROWS] + assets <= len(records.held_at)


@inner
def open_session(account: Account, orders: Book, records: Records, tape: Tape, terms: Terms, session: int) -> None:
    """Pay dividends and financing, and apply splits; note where the session starts."""
    figures = account.figures
    update(account)
    fields = records.sessions
    fields[PERIOD_RETURN, session] = figures[GROWTH]
    fields[CAPITAL_USED, session] = figures[CASH_FLOW]
    pay_financing(account, tape.nights[session], terms.borrow_rate, terms.margin_rate)
    if account.counters[N_HELD]:
        earn_dividends(account, tape, session, terms.fractional)
    pay_dividends(account, session, records)
    update(account)
    fields[SESSION_PNL, session] = figures[PNL]
    fields[STARTING_VALUE, session] = figures[LONG_VALUE] + figures[SHORT_VALUE]
    fields[STARTING_CASH, session] = figures[CASH]
    if figures[BORROW_COST] != 0 or figures[MARGIN_INTEREST] != 0:
        move_cash(account, -(figures[BORROW_COST] + figures[MARGIN_INTEREST]))
    if tape.split_begin[session] != tape.split_begin[session + 1]:
        split_orders(orders, account.counters, tape, session, terms.fractional, len(records.note_at) > 0)
        split_positions(account, tape, session, terms.fractional)


@inner
def decide(
    account: Account,
    orders: Book,
    records: Records,
    tape: Tape,
    decisions: np.ndarray,
    kind: int,
    terms: Terms,
    session: int,
) -> tuple[int, int]:
    """Turn a session's decisions into orders; give a code and an asset where an amount is no order."""
    is_valued = False
    for asset in range(len(decisions)):
        wanted = decisions[asset]
        if wanted != wanted or not tape.tradable[session, asset]:
            continue
        if kind != ORDERS and not is_valued:
            update(account)
            is_valued = True
        if kind == TARGET_PERCENT and wanted != 0:
            wanted = shares_worth(account.figures[VALUE] * wanted, tape.price[session, asset])
        if kind != ORDERS:
            if terms.counts_open_orders:
                wanted -= open_shares(orders, asset)
            wanted -= account.amount[asset]
        amount = fraction(wanted) if terms.fractional else whole(wanted)
        if amount == 0:
            continue
        if not math.isfinite(amount):
            return (AMOUNT_IS_NAN if amount != amount else AMOUNT_IS_INFINITE), asset
        if amount > MAX_SHARES:
            return TOO_MANY_SHARES, asset
        note(orders, account.counters, records, session, place(orders, account.counters, asset, session, amount))
    return COMPLETE, 0


@inner
def shares_worth(value: float, price: float) -> float:
    """Give the shares that an amount of money buys; 0 at a price that is next to nothing."""
    if abs(price) <= ZERO_PRICE:
        return 0.0
    return value / price


@inner
def fraction(amount: float) -> float:
    """Take an amount as it is; less than a billionth of a share is rounding, and 0."""
    return 0.0 if abs(amount) < DUST else amount


@inner
def whole(amount: float) -> float:
    """Truncate to whole shares, after snapping to an integer within 0.0001."""
    nearest = np.rint(amount)
    return float(nearest if abs(amount - nearest) <= NEAR else np.trunc(amount))


@inner
def close_expired(account: Account, orders: Book, records: Records, tape: Tape, session: int) -> None:
    """Close the positions, and cancel the orders, of assets that leave the market."""
    counters = account.counters
    closed = False
    i = 0
    while i < counters[N_HELD]:
        asset = account.order[i]
        if session >= tape.auto_close[asset]:
            shares, price = close_position(account, asset, tape.price[session, asset])
            record_fill(counters, records, session, asset, shares, price, 0.0, -1)
            closed = True
        else:
            i += 1
    cancelled = False
    for i in range(counters[N_BOOK]):
        asset = orders.order[i]
        if session >= tape.auto_close[asset]:
            cancel_all(orders, counters, records, session, asset)
            cancelled = True
    if cancelled:
        drop_empty(orders, counters)
    if closed:
        add_up(account)


@inner
def close_session(account: Account, records: Records, session: int) -> None:
    """Record what a session ended with."""
    figures, fields = account.figures, records.sessions
    gross, net = leverage(account)
    fields[PORTFOLIO_VALUE, session] = figures[VALUE]
    fields[SESSION_RETURN, session] = figures[GROWTH] / fields[PERIOD_RETURN, session] - 1
    fields[PERIOD_RETURN, session] = figures[GROWTH] - 1
    fields[GROSS_LEVERAGE, session] = gross
    fields[SESSION_BORROW_COST, session] = figures[BORROW_COST]
    fields[SESSION_MARGIN_INTEREST, session] = figures[MARGIN_INTEREST]
    if not len(records.note_at):
        return
    fields[ENDING_VALUE, session] = figures[LONG_VALUE] + figures[SHORT_VALUE]
    fields[ENDING_CASH, session] = figures[CASH]
    fields[SESSION_PNL, session] = figures[PNL] - fields[SESSION_PNL, session]
    fields[CAPITAL_USED, session] = figures[CASH_FLOW] - fields[CAPITAL_USED, session]
    fields[SESSION_LONG_VALUE, session] = figures[LONG_VALUE]
    fields[SESSION_SHORT_VALUE, session] = figures[SHORT_VALUE]
    fields[SESSION_LONGS, session] = figures[LONGS]
    fields[SESSION_SHORTS, session] = figures[SHORTS]
    fields[NET_LEVERAGE, session] = net
    record_positions(account, records, session)


@inner
def record_positions(account: Account, records: Records, session: int) -> None:
    """Record what is held."""
    for i in range(account.counters[N_HELD]):
        asset = account.order[i]
        if account.amount[asset] != 0:
            place = account.counters[N_ROWS]
            account.counters[N_ROWS] += 1
            records.held_at[place, 0] = session
            records.held_at[place, 1] = asset
            records.held[place, 0] = account.amount[asset]
            records.held[place, 1] = account.basis[asset]
            records.held[place, 2] = account.last_price[asset]
