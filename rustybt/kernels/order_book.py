"""Which orders are open, and what do they do in a bar, compiled?

The twin of `rustybt.finance.blotter` and `rustybt.finance.filling` for market orders whose costs are rules of the fill
kernel; the step that fills and books is the same function.
"""

import math

import numpy as np

from rustybt.kernels import fills
from rustybt.kernels.account import book, move_cash, spread_commission
from rustybt.kernels.compiled import inner
from rustybt.kernels.fills import DUST, book_fill, charge, fill_and_book
from rustybt.kernels.simulation_types import (
    CANCELLED,
    CASH,
    CASH_ALLOWED,
    CASH_SCALES,
    FILLED,
    N_BOOK,
    N_FEES,
    N_FILLS,
    N_FREE,
    N_NOTES,
    N_ORDERS,
    N_QUEUED,
    OPEN,
    REJECTED,
    Account,
    Book,
    Records,
    Tape,
    Terms,
)

HALVINGS = 100
NAN = math.nan


@inner
def open_book(orders: Book) -> None:
    """Make a book empty."""
    orders.head[:] = -1
    orders.tail[:] = -1


@inner
def new_number(orders: Book, counters: np.ndarray) -> int:
    """Give the number of a new order: one that is free again, or the next."""
    if counters[N_FREE] > 0:
        counters[N_FREE] -= 1
        return int(orders.free[counters[N_FREE]])
    counters[N_ORDERS] += 1
    return int(counters[N_ORDERS]) - 1


@inner
def place(orders: Book, counters: np.ndarray, asset: int, session: int, amount: float) -> int:
    """Put a market order at the end of its asset's queue, and give its number."""
    number = new_number(orders, counters)
    if number < 0:
        return -1
    counters[N_QUEUED] += 1
    orders.asset[number] = asset
    orders.session[number] = session
    orders.status[number] = OPEN
    orders.next[number] = -1
    orders.amount[number] = amount
    orders.filled[number] = orders.commission[number] = 0.0
    orders.side[number] = 1.0 if amount > 0 else -1.0
    orders.reason[number, 0] = NAN
    if orders.head[asset] < 0:
        orders.head[asset] = number
        orders.order[counters[N_BOOK]] = asset
        counters[N_BOOK] += 1
    else:
        orders.next[orders.tail[asset]] = number
    orders.tail[asset] = number
    return number


@inner
def note(orders: Book, counters: np.ndarray, records: Records, session: int, number: int) -> None:
    """Record an order as it stands, where a run records orders."""
    if not len(records.note_at):
        return
    place = counters[N_NOTES]
    counters[N_NOTES] += 1
    records.note_at[place, 0] = session
    records.note_at[place, 1] = number
    records.note_at[place, 2] = orders.status[number]
    records.notes[place, 0] = orders.amount[number]
    records.notes[place, 1] = orders.filled[number]
    records.notes[place, 2] = orders.commission[number]


@inner
def open_shares(orders: Book, asset: int) -> float:
    """Add up the signed shares that an asset's open orders would trade."""
    total = 0.0
    number = orders.head[asset]
    while number >= 0:
        total += orders.amount[number] - orders.filled[number]
        number = orders.next[number]
    return total


@inner
def is_done(orders: Book, number: int) -> bool:
    """Say whether an order is filled, or over without that."""
    return bool(orders.amount[number] == orders.filled[number] or orders.status[number] != OPEN)


@inner
def unlink(orders: Book, counters: np.ndarray, asset: int, number: int, previous: int, keeps: bool) -> None:
    """Take an order out of its asset's queue; `previous` is the one before it, -1 at the head.

    Unless the run keeps its orders, another may have the number from now on.
    """
    following = orders.next[number]
    if orders.amount[number] == orders.filled[number]:
        orders.status[number] = FILLED
    if previous < 0:
        orders.head[asset] = following
    else:
        orders.next[previous] = following
    if following < 0:
        orders.tail[asset] = previous
    counters[N_QUEUED] -= 1
    if not keeps:
        orders.free[counters[N_FREE]] = number
        counters[N_FREE] += 1


@inner
def prune(orders: Book, counters: np.ndarray, asset: int, keeps: bool) -> None:
    """Take orders that are done out of an asset's queue."""
    previous = -1
    number = orders.head[asset]
    while number >= 0:
        following = orders.next[number]
        if is_done(orders, number):
            unlink(orders, counters, asset, number, previous, keeps)
        else:
            previous = number
        number = following


@inner
def drop_empty(orders: Book, counters: np.ndarray) -> None:
    """Take assets without a queue out of the book; the others keep their order."""
    kept = 0
    if counters[N_QUEUED] == 0:
        counters[N_BOOK] = 0
        return
    for i in range(counters[N_BOOK]):
        asset = orders.order[i]
        if orders.head[asset] >= 0:
            orders.order[kept] = asset
            kept += 1
    counters[N_BOOK] = kept


@inner
def split_orders(orders: Book, counters: np.ndarray, tape: Tape, session: int, fractional: bool, keeps: bool) -> None:
    """Restate open orders for splits; one without a whole share left is dropped."""
    for i in range(tape.split_begin[session], tape.split_begin[session + 1]):
        asset, ratio = tape.split_asset[i], tape.split_ratio[i]
        number = orders.head[asset]
        while number >= 0:
            remaining = (orders.amount[number] - orders.filled[number]) / ratio
            filled = orders.filled[number] / ratio
            if not fractional:
                remaining, filled = float(math.trunc(remaining)), float(math.trunc(filled))
            orders.filled[number] = filled
            orders.amount[number] = filled + remaining
            number = orders.next[number]
        prune(orders, counters, asset, keeps)
    drop_empty(orders, counters)


@inner
def cancel_all(orders: Book, counters: np.ndarray, records: Records, session: int, asset: int) -> None:
    """Cancel every open order of an asset."""
    number = orders.head[asset]
    while number >= 0:
        orders.status[number] = CANCELLED
        note(orders, counters, records, session, number)
        counters[N_QUEUED] -= 1
        number = orders.next[number]
    orders.head[asset] = orders.tail[asset] = -1


@inner
def fill_bar(orders: Book, account: Account, records: Records, tape: Tape, terms: Terms, session: int) -> None:
    """Fill what can fill in a bar, and book it: where cash limits purchases, sales first."""
    counters = account.counters
    counters[N_FEES] = 0
    if terms.cash == CASH_ALLOWED:
        fill_side(orders, account, records, tape, terms, session, 0)
    else:
        fill_side(orders, account, records, tape, terms, session, -1)
        fill_side(orders, account, records, tape, terms, session, 1)
    for i in range(counters[N_FEES]):
        spread_commission(account, orders.fee_asset[i], orders.fee[i])
        if terms.cash == CASH_ALLOWED:
            move_cash(account, -orders.fee[i])
    drop_empty(orders, counters)


@inner
def fill_side(
    orders: Book, account: Account, records: Records, tape: Tape, terms: Terms, session: int, side: int
) -> None:
    """Work off the queues of all assets with a bar: all orders (side 0), or only sales (-1) or purchases (1)."""
    for i in range(account.counters[N_BOOK]):
        asset = orders.order[i]
        if asset < 0:  # never so; an index that cannot be negative is looked up at once
            break
        volume = tape.volume[session, asset]
        price = tape.fill_price[session, asset]
        if not (volume > 0 and price == price):
            continue
        if side <= 0:
            orders.taken[asset] = 0.0
            orders.stopped[asset] = False
        previous = -1
        number = orders.head[asset]
        while number >= 0 and not orders.stopped[asset]:
            following = orders.next[number]
            if orders.side[number] * side >= 0:
                fill_order(orders, account, records, terms, session, asset, number, price, volume)
            if is_done(orders, number):
                unlink(orders, account.counters, asset, number, previous, len(records.note_at) > 0)
            else:
                previous = number
            number = following


@inner
def fill_order(
    orders: Book,
    account: Account,
    records: Records,
    terms: Terms,
    session: int,
    asset: int,
    number: int,
    bar: float,
    volume: float,
) -> None:
    """Fill one order, as far as the bar and cash allow."""
    amount, filled = orders.amount[number], orders.filled[number]
    code, price, shares, cost, held, basis, flow = fill_and_book(
        terms.slippage_rule,
        terms.slippage_0,
        terms.slippage_1,
        terms.commission_rule,
        terms.commission_0,
        terms.commission_1,
        bar,
        volume,
        orders.taken[asset],
        amount,
        filled,
        orders.commission[number],
        NAN,
        account.amount[asset],
        account.basis[asset],
        terms.recheck_limit,
        terms.open_only,
        terms.fractional,
    )
    if code == fills.QUEUE_STOPS:
        orders.stopped[asset] = True
    elif code == fills.FILLED:
        if shares > 0 and terms.cash != CASH_ALLOWED and not pays(account, price, shares, cost):
            short_of_cash(orders, account, records, terms, session, asset, number, price, shares)
        else:
            settle(orders, account, records, terms, session, asset, number, price, shares, cost, held, basis, flow)


@inner
def settle(
    orders: Book,
    account: Account,
    records: Records,
    terms: Terms,
    session: int,
    asset: int,
    number: int,
    price: float,
    shares: float,
    cost: float,
    held: float,
    basis: float,
    flow: float,
) -> None:
    """Take a fill into order, account and records."""
    counters = account.counters
    complete = abs((orders.amount[number] - orders.filled[number]) - shares) < DUST
    orders.filled[number] = orders.amount[number] if complete else orders.filled[number] + shares
    orders.commission[number] += cost
    if orders.filled[number] == orders.amount[number]:
        orders.status[number] = FILLED
    book(account, asset, price, held, basis, flow)
    record_fill(counters, records, session, asset, shares, price, cost, number)
    orders.taken[asset] += abs(shares)
    note(orders, counters, records, session, number)
    if cost > 0:
        orders.fee_asset[counters[N_FEES]] = asset
        orders.fee[counters[N_FEES]] = cost
        counters[N_FEES] += 1
        if terms.cash != CASH_ALLOWED:
            move_cash(account, -cost)


@inner
def record_fill(
    counters: np.ndarray,
    records: Records,
    session: int,
    asset: int,
    shares: float,
    price: float,
    cost: float,
    number: int,
) -> None:
    """Record a fill."""
    place = counters[N_FILLS]
    if place < 0:  # never so; an index that cannot be negative is looked up at once
        return
    counters[N_FILLS] = place + 1
    records.fill_at[place, 0] = session
    records.fill_at[place, 1] = asset
    records.fills[place, 0] = shares
    records.fills[place, 1] = price
    records.fills[place, 2] = cost
    records.fills[place, 3] = number


@inner
def pays(account: Account, price: float, shares: float, cost: float) -> bool:
    """Say whether cash stays at 0 or above."""
    return bool((account.figures[CASH] - price * shares) - cost >= 0)


@inner
def affordable_shares(account: Account, terms: Terms, paid: float, filled: float, price: float, shares: float) -> float:
    """Give the most shares that cash pays, by halving; whole ones unless fractions are traded."""
    low, high = 0.0, shares
    for _ in range(HALVINGS):
        if not terms.fractional and high - low <= 1:
            break
        middle = (low + high) / 2
        if not terms.fractional:
            middle = math.floor(middle)
        cost = charge(terms.commission_rule, terms.commission_0, terms.commission_1, paid, filled, middle, price)
        if pays(account, price, middle, cost):
            low = middle
        else:
            high = middle
    return low if not terms.fractional or low >= DUST else 0.0


@inner
def short_of_cash(
    orders: Book,
    account: Account,
    records: Records,
    terms: Terms,
    session: int,
    asset: int,
    number: int,
    price: float,
    shares: float,
) -> None:
    """Reject a purchase, or fill as much of it as cash pays and order no more."""
    paid, filled = orders.commission[number], orders.filled[number]
    rule, c0, c1 = terms.commission_rule, terms.commission_0, terms.commission_1
    orders.reason[number, 0] = shares
    orders.reason[number, 1] = price
    orders.reason[number, 2] = price * shares + charge(rule, c0, c1, paid, filled, shares, price)
    orders.reason[number, 3] = account.figures[CASH]
    some = affordable_shares(account, terms, paid, filled, price, shares) if terms.cash == CASH_SCALES else 0.0
    orders.reason[number, 4] = some
    if some == 0:
        orders.status[number] = REJECTED
        note(orders, account.counters, records, session, number)
        return
    orders.amount[number] = filled + some
    cost = charge(rule, c0, c1, paid, filled, some, price)
    held, basis = book_fill(account.amount[asset], account.basis[asset], some, price)
    settle(orders, account, records, terms, session, asset, number, price, some, cost, held, basis, -(price * some))
