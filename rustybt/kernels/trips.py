"""Which round trips do a run's fills make, from flat to flat?

Plain functions over numbers and rows of numbers: lists where a single run calls them as they are, arrays where a batch
of runs compiles them. A trip runs from the fill that opens a position (or turns it around) to the fill that closes it
(or turns it around). Prices and shares are restated for splits within the trip.
"""

import math
from typing import Any, Final

from rustybt.kernels.fills import ROUNDING, book_commission, book_fill, book_split

Rows = Any
"""A list of lists of float, or a float64 array of two dimensions."""
Row = Any
"""A list of float, or a float64 array of one dimension."""

# Fields of an open trip; SIDE is 0 where an asset has none.
SIDE: Final = 0
ENTRY_SESSION: Final = 1
HELD: Final = 2
SHARES: Final = 3
BASIS: Final = 4
ENTERED: Final = 5
ENTRY_NOTIONAL: Final = 6
EXITED: Final = 7
EXIT_NOTIONAL: Final = 8
COMMISSION: Final = 9
SEQUENCE: Final = 10
N_FIELDS: Final = 11

# Entries of counters.
N_CLOSED: Final = 0
N_OPENED: Final = 1

N_TRADE: Final = 12
"""Fields of a finished row: those of `rustybt.results.trades.TRADE`, the asset's column in the place of sid."""


def open_trip(trip: Row, session: int, shares: float, sequence: int) -> None:
    """Begin a trip in the direction of some shares."""
    for i in range(N_FIELDS):
        trip[i] = 0.0
    trip[SIDE] = 1.0 if shares > 0 else -1.0
    trip[ENTRY_SESSION] = session
    trip[SEQUENCE] = sequence


def enter(trip: Row, shares: float, price: float) -> None:
    """Make a position larger."""
    trip[HELD] += shares
    trip[ENTERED] += abs(shares)
    trip[ENTRY_NOTIONAL] += abs(shares) * price
    trip[SHARES] = max(trip[SHARES], abs(trip[HELD]))


def leave(trip: Row, shares: float, price: float) -> None:
    """Make a position smaller."""
    trip[HELD] += shares
    trip[EXITED] += abs(shares)
    trip[EXIT_NOTIONAL] += abs(shares) * price


def settle(trip: Row, asset: int, session: int, closed: Rows, counters: Row) -> None:
    """Write a trip that is flat down, and forget it."""
    if trip[HELD] == 0:
        write_trip(closed[int(counters[N_CLOSED])], trip, asset, session, session, math.nan)
        counters[N_CLOSED] += 1
        trip[SIDE] = 0.0


def trade(trip: Row, session: int, asset: int, shares: float, price: float, closed: Rows, counters: Row) -> None:
    """Enter, leave, or leave and turn around."""
    if trip[SIDE] * shares < 0:
        # Sums of fractions miss each other by rounding: what is left of it is neither held nor turned around.
        rounding = ROUNDING * abs(shares)
        leaving = -trip[HELD] if abs(shares) >= abs(trip[HELD]) - rounding else shares
        leave(trip, leaving, price)
        settle(trip, asset, session, closed, counters)
        if abs(shares - leaving) <= rounding:
            return
        shares = shares - leaving
    if trip[SIDE] == 0:
        open_trip(trip, session, shares, int(counters[N_OPENED]))
        counters[N_OPENED] += 1
    enter(trip, shares, price)


def take_fill(
    trip: Row, session: int, asset: int, shares: float, price: float, commission: float, closed: Rows, counters: Row
) -> None:
    """Take one fill; its commission belongs to the trips that it closes and opens by their shares of it."""
    if shares == 0:
        return
    was_open = trip[SIDE] != 0
    held, basis = (trip[HELD], trip[BASIS]) if was_open else (0.0, 0.0)
    sequence = trip[SEQUENCE]
    closing = min(abs(held), abs(shares)) if held * shares < 0 else 0.0
    if was_open and closing > 0:
        trip[COMMISSION] += commission * (closing / abs(shares))
    trade(trip, session, asset, shares, price, closed, counters)
    if trip[SIDE] == 0:
        return
    is_new = not was_open or trip[SEQUENCE] != sequence
    if is_new or closing == 0:
        trip[COMMISSION] += commission * (1 - closing / abs(shares))
    _, basis = book_fill(held, basis, shares, price)
    trip[BASIS] = book_commission(trip[HELD], basis, commission)


def restate(
    trip: Row,
    session: int,
    asset: int,
    ratio: float,
    shares: float,
    fractional: bool,
    closed: Rows,
    counters: Row,
) -> None:
    """Take one split (a ratio other than 1; the fraction of a share is sold for cash) or stock dividend."""
    if trip[SIDE] != 0 and ratio != 1:
        exact = trip[HELD] / ratio
        whole, basis, cash = book_split(trip[HELD], trip[BASIS], ratio, fractional)
        trip[BASIS] = basis
        trip[SHARES] /= ratio
        trip[ENTERED] /= ratio
        trip[EXITED] = trip[EXITED] / ratio + abs(exact - whole)
        trip[EXIT_NOTIONAL] += abs(cash)
        trip[HELD] = whole
        settle(trip, asset, session, closed, counters)
    if shares != 0:
        trade(trip, session, asset, shares, 0.0, closed, counters)


def write_trip(row: Row, trip: Row, asset: int, exit_session: int, last_session: int, last_price: float) -> None:
    """Write the fields of a trade; what is still held counts at the last price."""
    is_open = trip[HELD] != 0
    unrealised = trip[HELD] * last_price if is_open else 0.0
    pnl = trip[SIDE] * (trip[EXIT_NOTIONAL] - trip[ENTRY_NOTIONAL]) + unrealised - trip[COMMISSION]
    row[0] = asset
    row[1] = trip[SIDE]
    row[2] = trip[ENTRY_SESSION]
    row[3] = -1.0 if is_open else exit_session
    row[4] = trip[SHARES]
    row[5] = trip[ENTRY_NOTIONAL] / trip[ENTERED] if trip[ENTERED] != 0 else math.nan
    row[6] = trip[EXIT_NOTIONAL] / trip[EXITED] if trip[EXITED] != 0 else math.nan
    row[7] = pnl
    row[8] = pnl / trip[ENTRY_NOTIONAL] if trip[ENTRY_NOTIONAL] != 0 else math.nan
    row[9] = trip[COMMISSION]
    row[10] = (last_session if is_open else exit_session) - trip[ENTRY_SESSION]
    row[11] = 1.0 if is_open else 0.0


def pair_fills(
    fill_at: Rows,
    fills: Rows,
    n_fills: int,
    restated: Rows,
    fractional: bool,
    last_prices: Row,
    last_session: int,
    trips: Rows,
    closed: Rows,
    counters: Row,
) -> int:
    """Pair the fills of a run into trades.

    Parameters
    ----------
    fill_at : rows of (session, asset), at least n_fills
        Of each fill, in order of execution; an asset is a column.
    fills : rows of (shares, price, commission, ...), at least n_fills
        Signed shares.
    n_fills : int
        How many there are.
    restated : rows of (session, asset, ratio, shares), in order
        Splits and stock dividends; each comes before the fills of its session.
    fractional : bool
        Splits keep fractions of a share.
    last_prices : row, shape (n_assets,)
        At which open positions are valued; NaN where there is none.
    last_session : int
        The run's last.
    trips : rows, shape (n_assets, N_FIELDS)
        Memory for open trips; SIDE is 0.
    closed : rows, shape (n_fills + n_restated + n_assets, N_TRADE)
        Written: closed trades in the order of their exits, then open ones in the order of their entries.
    counters : row, shape (2,)
        Zeros.

    Returns
    -------
    int
        Trades in all; counters[N_CLOSED] of them are closed.
    """
    pending = 0
    for i in range(n_fills):
        session, asset = int(fill_at[i][0]), int(fill_at[i][1])
        while pending < len(restated) and restated[pending][0] <= session:
            restate_row(restated[pending], trips, fractional, closed, counters)
            pending += 1
        take_fill(trips[asset], session, asset, fills[i][0], fills[i][1], fills[i][2], closed, counters)
    while pending < len(restated):
        restate_row(restated[pending], trips, fractional, closed, counters)
        pending += 1
    total = int(counters[N_CLOSED])
    asset = next_open(trips, -1.0)
    while asset >= 0:
        write_trip(closed[total], trips[asset], asset, -1, last_session, last_prices[asset])
        total += 1
        asset = next_open(trips, trips[asset][SEQUENCE])
    return total


def next_open(trips: Rows, after: float) -> int:
    """Give the asset of the open trip that was opened next, -1 for none."""
    found = -1
    for asset in range(len(trips)):
        is_later = trips[asset][SIDE] != 0 and trips[asset][SEQUENCE] > after
        if is_later and (found < 0 or trips[asset][SEQUENCE] < trips[found][SEQUENCE]):
            found = asset
    return found


def restate_row(row: Row, trips: Rows, fractional: bool, closed: Rows, counters: Row) -> None:
    """Take one split or stock dividend, given as a row."""
    asset = int(row[1])
    restate(trips[asset], int(row[0]), asset, row[2], row[3], fractional, closed, counters)
