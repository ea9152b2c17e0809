"""What goes into a compiled simulation, what does it keep while it runs, and what comes out?

Sessions are counted from the run's first, assets by their column. Every array is owned by the caller, so that many runs
use the same memory.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# What the decisions are.
TARGET_PERCENT: Final = 0
TARGET_SHARES: Final = 1
ORDERS: Final = 2

# What becomes of a purchase that cash does not pay.
CASH_ALLOWED: Final = 0
CASH_REJECTS: Final = 1
CASH_SCALES: Final = 2

# Where an order stands: the numbers of `rustybt.finance.order.ORDER_STATUS`.
OPEN: Final = 0
FILLED: Final = 1
CANCELLED: Final = 2
REJECTED: Final = 3

# How a simulation ended.
COMPLETE: Final = 0
STOPPED: Final = 1
NO_ROOM: Final = 2
AMOUNT_IS_NAN: Final = 3
AMOUNT_IS_INFINITE: Final = 4
TOO_MANY_SHARES: Final = 5

MAX_SHARES: Final = 1e11

# Rows of Account.figures.
CASH: Final = 0
CASH_FLOW: Final = 1
VALUE: Final = 2
PNL: Final = 3
GROWTH: Final = 4  # what one unit of money became since the start
LONG_VALUE: Final = 5
SHORT_VALUE: Final = 6
LONGS: Final = 7
SHORTS: Final = 8
BORROW_COST: Final = 9
MARGIN_INTEREST: Final = 10
N_FIGURES: Final = 11

# Rows of Records.sessions, the fields of `rustybt.engine.records.SESSION_FIELDS`.
STARTING_VALUE: Final = 0
STARTING_CASH: Final = 1
ENDING_VALUE: Final = 2
ENDING_CASH: Final = 3
PORTFOLIO_VALUE: Final = 4
SESSION_PNL: Final = 5
SESSION_RETURN: Final = 6
PERIOD_RETURN: Final = 7
CAPITAL_USED: Final = 8
SESSION_LONG_VALUE: Final = 9
SESSION_SHORT_VALUE: Final = 10
SESSION_LONGS: Final = 11
SESSION_SHORTS: Final = 12
GROSS_LEVERAGE: Final = 13
NET_LEVERAGE: Final = 14
SESSION_BORROW_COST: Final = 15
SESSION_MARGIN_INTEREST: Final = 16
N_SESSION_FIELDS: Final = 17

# Entries of counters.
N_HELD: Final = 0
N_BOOK: Final = 1
N_ORDERS: Final = 2
N_FILLS: Final = 3
N_NOTES: Final = 4
N_ROWS: Final = 5
N_GRANTS: Final = 6
N_PENDING: Final = 7
N_FEES: Final = 8
N_QUEUED: Final = 9
N_FREE: Final = 10
N_COUNTERS: Final = 11


class Tape(NamedTuple):
    """The market as a run meets it.

    Attributes
    ----------
    fill_price, volume : float64 array, shape (n_sessions, n_assets)
        What orders fill at and of how much; NaN and 0 where there is no bar.
    price : float64 array, shape (n_sessions, n_assets)
        The last known close, adjusted; NaN outside an asset's life.
    tradable : bool array, shape (n_sessions, n_assets)
        Whether a decision for the asset counts.
    auto_close : int64 array, shape (n_assets,)
        The session at which a position is closed by the simulation; n_sessions or more for none.
    first_auto_close : int
        The earliest of these.
    nights : float64 array, shape (n_sessions,)
        Calendar days since the session before; 0 for the first.
    split_begin, split_asset, split_ratio
        Splits by session: those of session s are [split_begin[s], split_begin[s + 1]).
    dividend_begin, dividend_asset, dividend_amount, dividend_paid
        Cash dividends by ex-date, with the session of payment (-1 for never).
    stock_begin, stock_asset, stock_payment, stock_ratio, stock_paid
        Dividends in shares of another asset.
    """

    fill_price: Floats
    volume: Floats
    price: Floats
    tradable: Flags
    auto_close: Ints
    first_auto_close: int
    nights: Floats
    split_begin: Ints
    split_asset: Ints
    split_ratio: Floats
    dividend_begin: Ints
    dividend_asset: Ints
    dividend_amount: Floats
    dividend_paid: Ints
    stock_begin: Ints
    stock_asset: Ints
    stock_payment: Ints
    stock_ratio: Floats
    stock_paid: Ints


class Terms(NamedTuple):
    """The rules and costs of a run.

    Attributes
    ----------
    slippage_rule, slippage_0, slippage_1, commission_rule, commission_0, commission_1
        See `rustybt.kernels.fills`.
    recheck_limit, open_only, fractional : bool
        The fill kernel's rules.
    counts_open_orders : bool
        Targets count what is on order as held.
    cash : int
        CASH_ALLOWED, CASH_REJECTS or CASH_SCALES.
    borrow_rate, margin_rate : float
        A year.
    """

    slippage_rule: int
    slippage_0: float
    slippage_1: float
    commission_rule: int
    commission_0: float
    commission_1: float
    recheck_limit: bool
    open_only: bool
    fractional: bool
    counts_open_orders: bool
    cash: int
    borrow_rate: float
    margin_rate: float


class Account(NamedTuple):
    """Cash and positions; `order` holds the assets of positions in the order in which they were opened."""

    figures: Floats
    counters: Ints
    amount: Floats
    basis: Floats
    last_price: Floats
    is_held: Flags
    order: Ints
    owed: Floats
    pending_paid: Ints
    pending_asset: Ints
    pending_shares: Floats


class Book(NamedTuple):
    """Orders by number, the queue of each asset, and the assets with open orders in the order of their first one.

    Attributes
    ----------
    asset, session, status, next : int64 array, shape (capacity,)
        Of each order; `next` is the queue's next order, -1 at its end.
    amount, filled, commission, side : float64 array, shape (capacity,)
        Of each order.
    reason : float64 array, shape (capacity, 5)
        Why cash did not pay it: shares wanted, their price, what they cost, cash, and the shares that filled instead;
        the first is NaN where cash paid.
    head, tail : int64 array, shape (n_assets,)
        Each queue's ends, -1 for an empty one.
    order : int64 array, shape (n_assets,)
        Assets with a queue.
    taken : float64 array, shape (n_assets,)
        Shares that filled in the bar.
    stopped : bool array, shape (n_assets,)
        Whether the bar's volume is used up.
    fee_asset, fee : int64 and float64 array, shape (capacity,)
        Commissions of the bar.
    free : int64 array, shape (capacity,)
        Numbers of orders that are done, where a run does not record orders: they are given again.
    """

    asset: Ints
    session: Ints
    status: Ints
    next: Ints
    amount: Floats
    filled: Floats
    commission: Floats
    side: Floats
    reason: Floats
    head: Ints
    tail: Ints
    order: Ints
    taken: Floats
    stopped: Flags
    fee_asset: Ints
    fee: Floats
    free: Ints


class Records(NamedTuple):
    """What a run leaves behind.

    Attributes
    ----------
    sessions : float64 array, shape (17, n_sessions)
        One row a field of `rustybt.engine.records.SESSION_FIELDS`; where a run does not record orders, only those of
        which metrics are made.
    fills : float64 array, shape (capacity, 4)
        Signed shares, price, commission, and the number of the order (-1 for an automatic close).
    fill_at : int64 array, shape (capacity, 2)
        Session and asset of each fill.
    notes : float64 array, shape (capacity, 3)
        Amount, filled and commission of an order that was placed or changed, as it then stood.
    note_at : int64 array, shape (capacity, 3)
        Session, order and status.
    held : float64 array, shape (capacity, 3)
        Shares, cost basis and last price of each position at each session's end.
    held_at : int64 array, shape (capacity, 2)
        Session and asset.
    grants : float64 array, shape (n_stock_dividends,)
        Shares that dividends in stock added.
    grant_at : int64 array, shape (n_stock_dividends, 2)
        Session and asset.
    """

    sessions: Floats
    fills: Floats
    fill_at: Ints
    notes: Floats
    note_at: Ints
    held: Floats
    held_at: Ints
    grants: Floats
    grant_at: Ints
