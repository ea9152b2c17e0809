"""What do fills, splits, dividends and prices make of cash and positions, compiled?

The twin of `rustybt.finance.ledger`, sum by sum in the same order, so that both give the same whole shares.
"""

import math

import numpy as np

from rustybt.kernels.compiled import inner
from rustybt.kernels.fills import book_commission, book_fill, book_split
from rustybt.kernels.simulation_types import (
    BORROW_COST,
    CASH,
    CASH_FLOW,
    GROWTH,
    LONG_VALUE,
    LONGS,
    MARGIN_INTEREST,
    N_GRANTS,
    N_HELD,
    N_PENDING,
    PNL,
    SHORT_VALUE,
    SHORTS,
    VALUE,
    Account,
    Records,
    Tape,
)

DAYS_A_YEAR = 365


@inner
def open_account(account: Account, capital_base: float) -> None:
    """Make an account new."""
    account.figures[:] = 0.0
    account.figures[CASH] = account.figures[VALUE] = capital_base
    account.figures[GROWTH] = 1.0
    account.counters[:] = 0
    account.amount[:] = 0.0
    account.basis[:] = 0.0
    account.last_price[:] = 0.0
    account.is_held[:] = False
    account.owed[:] = 0.0


@inner
def move_cash(account: Account, amount: float) -> None:
    """Add to cash (or take from it)."""
    account.figures[CASH_FLOW] += amount
    account.figures[CASH] += amount


@inner
def hold(account: Account, asset: int) -> None:
    """Open a position, as the latest one."""
    if not account.is_held[asset]:
        account.is_held[asset] = True
        account.amount[asset] = account.basis[asset] = account.last_price[asset] = 0.0
        account.order[account.counters[N_HELD]] = asset
        account.counters[N_HELD] += 1


@inner
def drop(account: Account, asset: int) -> None:
    """Close a position; the others keep their order."""
    if not account.is_held[asset]:
        return
    account.is_held[asset] = False
    account.amount[asset] = account.basis[asset] = 0.0
    count = account.counters[N_HELD]
    place = 0
    while account.order[place] != asset:
        place += 1
    for i in range(place, count - 1):
        account.order[i] = account.order[i + 1]
    account.counters[N_HELD] = count - 1


@inner
def book(account: Account, asset: int, price: float, amount: float, basis: float, cash_flow: float) -> None:
    """Take over what the fill kernel made of a position."""
    move_cash(account, cash_flow)
    if amount == 0:
        drop(account, asset)
        return
    hold(account, asset)
    account.amount[asset] = amount
    account.basis[asset] = basis
    account.last_price[asset] = price


@inner
def spread_commission(account: Account, asset: int, cost: float) -> None:
    """Make a commission that was paid a part of the cost basis."""
    if account.is_held[asset]:
        account.basis[asset] = book_commission(account.amount[asset], account.basis[asset], cost)


@inner
def sync_prices(account: Account, price: np.ndarray) -> None:
    """Take the last known price of everything held, and add up what it is worth."""
    longs = shorts = 0
    long_value = short_value = 0.0
    for i in range(account.counters[N_HELD]):
        asset = account.order[i]
        if asset < 0:  # never so; an index that cannot be negative is looked up at once
            break
        known = price[asset]
        if known == known:
            account.last_price[asset] = known
        value = account.amount[asset] * account.last_price[asset]
        if value > 0:
            longs += 1
            long_value += value
        elif value < 0:
            shorts += 1
            short_value += value
    account.figures[LONG_VALUE] = long_value
    account.figures[SHORT_VALUE] = short_value
    account.figures[LONGS] = longs
    account.figures[SHORTS] = shorts


@inner
def add_up(account: Account) -> None:
    """Add up what the positions are worth at the prices known."""
    sync_prices(account, account.last_price)


@inner
def update(account: Account) -> None:
    """Value the portfolio."""
    figures = account.figures
    before = figures[VALUE]
    after = figures[CASH] + (figures[LONG_VALUE] + figures[SHORT_VALUE])
    gain = after - before
    figures[VALUE] = after
    figures[PNL] += gain
    figures[GROWTH] *= 1 + (gain / before if before != 0 else 0.0)


@inner
def earn_dividends(account: Account, tape: Tape, session: int, fractional: bool) -> None:
    """Note what today's ex-dates owe to (or claim from) the positions held since yesterday."""
    for i in range(tape.dividend_begin[session], tape.dividend_begin[session + 1]):
        asset = tape.dividend_asset[i]
        if account.is_held[asset] and tape.dividend_paid[i] >= 0:
            account.owed[tape.dividend_paid[i]] += account.amount[asset] * tape.dividend_amount[i]
    for i in range(tape.stock_begin[session], tape.stock_begin[session + 1]):
        asset = tape.stock_asset[i]
        if not account.is_held[asset]:
            continue
        shares = account.amount[asset] * tape.stock_ratio[i]
        if not fractional:
            shares = whole_dividend_shares(shares)
        if shares != 0:
            place = account.counters[N_PENDING]
            account.pending_paid[place] = tape.stock_paid[i]
            account.pending_asset[place] = tape.stock_payment[i]
            account.pending_shares[place] = shares
            account.counters[N_PENDING] += 1


@inner
def whole_dividend_shares(shares: float) -> float:
    """Truncate to whole shares, after mending at most one step of rounding in the product."""
    nearest = np.rint(shares)
    if abs(shares - nearest) <= np.spacing(abs(shares)):
        return float(nearest)
    return float(np.trunc(shares))


@inner
def pay_dividends(account: Account, session: int, records: Records) -> None:
    """Pay what is due on exactly this session."""
    granted = account.counters[N_GRANTS]
    for i in range(account.counters[N_PENDING]):
        if account.pending_paid[i] == session:
            asset = account.pending_asset[i]
            hold(account, asset)
            account.amount[asset] += account.pending_shares[i]
            place = account.counters[N_GRANTS]
            records.grants[place] = account.pending_shares[i]
            records.grant_at[place, 0] = session
            records.grant_at[place, 1] = asset
            account.counters[N_GRANTS] += 1
    if account.counters[N_GRANTS] != granted:
        add_up(account)
    move_cash(account, account.owed[session])


@inner
def pay_financing(account: Account, nights: float, borrow_rate: float, margin_rate: float) -> None:
    """Note what short positions and negative cash, as they stand, cost for some calendar days."""
    years = nights / DAYS_A_YEAR
    account.figures[BORROW_COST] = abs(account.figures[SHORT_VALUE]) * borrow_rate * years
    account.figures[MARGIN_INTEREST] = abs(min(account.figures[CASH], 0.0)) * margin_rate * years


@inner
def split_positions(account: Account, tape: Tape, session: int, fractional: bool) -> None:
    """Restate positions for splits; fractions of a share are paid out at the new basis."""
    leftover = 0.0
    for i in range(tape.split_begin[session], tape.split_begin[session + 1]):
        asset = tape.split_asset[i]
        if not account.is_held[asset]:
            continue
        amount, basis, cash = book_split(account.amount[asset], account.basis[asset], tape.split_ratio[i], fractional)
        account.amount[asset] = amount
        account.basis[asset] = basis
        leftover += cash
        if amount == 0:
            drop(account, asset)
    if leftover != 0:
        move_cash(account, leftover)


@inner
def close_position(account: Account, asset: int, known: float) -> tuple[float, float]:
    """Sell (or buy back) all of a position without commission; give signed shares and price of the fill."""
    held = account.amount[asset]
    price = known if known == known else account.last_price[asset]
    amount, basis = book_fill(held, account.basis[asset], -held, price)
    book(account, asset, price, amount, basis, held * price)
    return -held, price


@inner
def leverage(account: Account) -> tuple[float, float]:
    """Give gross and net exposure over the portfolio's value; inf where that is 0."""
    value = account.figures[VALUE]
    long_value, short_value = account.figures[LONG_VALUE], account.figures[SHORT_VALUE]
    if value == 0:
        return math.inf, math.inf
    return (long_value - short_value) / value, (long_value + short_value) / value
