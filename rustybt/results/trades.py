"""Which round trips did a run make, from flat to flat, and what did each earn?

A trade runs from the fill that opens a position (or turns it around) to the fill that closes it (or turns it around).
In between, fills in its direction are entries and fills against it are exits, both at average cost. Prices and shares
are restated for splits within the trade, so that its entry and its exit are in the same shares. Dividends are not part
of a trade's pnl.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from rustybt._typing import IntArray, Records
from rustybt.finance.records import RESTATEMENT
from rustybt.kernels.fills import ROUNDING, book_commission, book_fill, book_split

TRADE: Final = np.dtype(
    [
        ("sid", "i8"),
        ("side", "i8"),
        ("entry_session", "i8"),
        ("exit_session", "i8"),
        ("shares", "f8"),
        ("entry_price", "f8"),
        ("exit_price", "f8"),
        ("pnl", "f8"),
        ("return", "f8"),
        ("commission", "f8"),
        ("bars_held", "i8"),
        ("is_open", "?"),
    ]
)
"""One round trip.

``side`` is 1 for long and -1 for short; the sessions are indices into the run's, ``exit_session`` -1 while open;
``shares`` the most held at once; the prices are averages over entries and exits, NaN where there are none; ``pnl`` is
net of commissions, and of an open trade valued at the last price; ``return`` is pnl over the money that entered, NaN
if none did; ``bars_held`` counts sessions from entry to exit, 0 within one.
"""

NO_RESTATEMENTS: Final = np.empty(0, RESTATEMENT)


@dataclass(slots=True)
class _Trip:
    """A round trip in the making; `basis` is the position's, as the ledger keeps it for the cash of fractions."""

    sid: int
    side: int
    entry_session: int
    held: float = 0.0
    shares: float = 0.0
    basis: float = 0.0
    entered: float = 0.0
    entry_notional: float = 0.0
    exited: float = 0.0
    exit_notional: float = 0.0
    commission: float = 0.0
    fractional: bool = False

    def enter(self, shares: float, price: float) -> None:
        self.held += shares
        self.entered += abs(shares)
        self.entry_notional += abs(shares) * price
        self.shares = max(self.shares, abs(self.held))

    def leave(self, shares: float, price: float) -> None:
        self.held += shares
        self.exited += abs(shares)
        self.exit_notional += abs(shares) * price

    def split(self, ratio: float) -> None:
        """Restate everything in the shares after the split, and sell the fraction for cash."""
        fractional = self.held / ratio
        whole, self.basis, cash = book_split(self.held, self.basis, ratio, self.fractional)
        self.shares /= ratio
        self.entered /= ratio
        self.exited = self.exited / ratio + abs(fractional - whole)
        self.exit_notional += abs(cash)
        self.held = whole

    def record(self, exit_session: int, last_session: int, last_price: float) -> tuple[object, ...]:
        """Give the fields of TRADE; what is still held counts at the last price."""
        is_open = self.held != 0
        unrealised = self.held * last_price if is_open else 0.0
        pnl = self.side * (self.exit_notional - self.entry_notional) + unrealised - self.commission
        return (
            self.sid,
            self.side,
            self.entry_session,
            -1 if is_open else exit_session,
            self.shares,
            self.entry_notional / self.entered if self.entered else np.nan,
            self.exit_notional / self.exited if self.exited else np.nan,
            pnl,
            pnl / self.entry_notional if self.entry_notional else np.nan,
            self.commission,
            (last_session if is_open else exit_session) - self.entry_session,
            is_open,
        )


class _Book:
    """The open trips by asset, and the records of the closed ones."""

    def __init__(self, fractional: bool) -> None:
        self.fractional = fractional
        self.open: dict[int, _Trip] = {}
        self.closed: list[tuple[object, ...]] = []

    def trade(self, session: int, sid: int, shares: float, price: float) -> None:
        """Enter, leave, or leave and turn around."""
        trip = self.open.get(sid)
        if trip is None:
            trip = self.open[sid] = _Trip(sid, 1 if shares > 0 else -1, session, fractional=self.fractional)
        if shares * trip.side > 0:
            trip.enter(shares, price)
            return
        # Sums of fractions miss each other by rounding: what is left of it is neither held nor turned around.
        rounding = ROUNDING * abs(shares)
        leaving = -trip.held if abs(shares) >= abs(trip.held) - rounding else shares
        trip.leave(leaving, price)
        self.settle(session, trip)
        if abs(shares - leaving) > rounding:
            self.trade(session, sid, shares - leaving, price)

    def settle(self, session: int, trip: _Trip) -> None:
        """Move a trip that is flat to the closed ones."""
        if trip.held == 0:
            self.closed.append(trip.record(session, session, np.nan))
            del self.open[trip.sid]

    def fill(self, session: int, sid: int, shares: float, price: float, commission: float) -> None:
        """Take one fill; its commission belongs to the trips that it closes and opens by their shares of it."""
        before = self.open.get(sid)
        if shares == 0:
            return
        held, basis = (before.held, before.basis) if before else (0.0, 0.0)
        closing = min(abs(held), abs(shares)) if held * shares < 0 else 0.0
        if before and closing:
            before.commission += commission * (closing / abs(shares))
        self.trade(session, sid, shares, price)
        after = self.open.get(sid)
        if after is None:
            return
        if after is not before or not closing:
            after.commission += commission * (1 - closing / abs(shares))
        _, basis = book_fill(held, basis, shares, price)
        after.basis = book_commission(after.held, basis, commission)

    def restate(self, session: int, sid: int, ratio: float, shares: float) -> None:
        """Take one split or stock dividend."""
        trip = self.open.get(sid)
        if trip is not None and ratio != 1:
            trip.split(ratio)
            self.settle(session, trip)
        if shares:
            self.trade(session, sid, shares, 0.0)


def round_trips(
    transactions: Records,
    restatements: Records = NO_RESTATEMENTS,
    last_price: Mapping[int, float] | None = None,
    last_session: int | None = None,
    fractional: bool = False,
) -> Records:
    """Pair the fills of a run into trades.

    Parameters
    ----------
    transactions : structured array of TRANSACTION, shape (n_fills,)
        In order of execution.
    restatements : structured array of RESTATEMENT, shape (n,), optional
        Splits and stock dividends of the assets traded, in order.
    last_price : mapping of sid to float, optional
        The price at which positions still open are valued; NaN where missing.
    last_session : int, optional
        Index of the run's last session; the last fill's by default.
    fractional : bool
        Splits keep fractions of a share.

    Returns
    -------
    structured array of TRADE, shape (n_trades,)
        Closed trades in the order of their exits, then open ones in the order of their entries.

    Examples
    --------
    >>> from rustybt.finance.records import TRANSACTION
    >>> fills = np.array([(0, 7, 10, 5.0, 1.0, 0), (3, 7, -10, 6.0, 1.0, 0)], TRANSACTION)
    >>> trade = round_trips(fills)[0]
    >>> trade["pnl"].item(), trade["return"].item(), trade["bars_held"].item()
    (8.0, 0.16, 3)
    """
    book = _Book(fractional)
    pending = restatements.tolist()[::-1]
    for session, sid, shares, price, commission, _ in transactions.tolist():
        while pending and pending[-1][0] <= session:
            book.restate(*pending.pop())
        book.fill(session, sid, shares, price, commission)
    while pending:
        book.restate(*pending.pop())
    if last_session is None:
        last_session = int(transactions["session"][-1]) if len(transactions) else 0
    prices = last_price or {}
    still_open = [trip.record(-1, last_session, prices.get(trip.sid, np.nan)) for trip in book.open.values()]
    return np.array([*book.closed, *still_open], TRADE)


def trades_frame(trades: Records, session_ns: IntArray, symbols: Mapping[int, str]) -> pd.DataFrame:
    """Give trades as a frame for people.

    Parameters
    ----------
    trades : structured array of TRADE, shape (n_trades,)
        From `round_trips`.
    session_ns : int64 array, shape (n_sessions,)
        Midnight labels of the run's sessions, nanoseconds.
    symbols : mapping of sid to str
        Ticker of each asset.

    Returns
    -------
    pd.DataFrame
        Columns symbol, sid, side ("long" or "short"), entry and exit (session labels; NaT while open), shares,
        entry_price, exit_price, pnl, return, commission, bars_held, is_open; one row a trade.

    Examples
    --------
    >>> trades_frame(np.empty(0, TRADE), np.array([0]), {}).columns.tolist()[:6]
    ['symbol', 'sid', 'side', 'entry', 'exit', 'shares']
    """
    labels = np.append(session_ns, np.iinfo(np.int64).min).astype("M8[ns]")  # the exit session of an open trade is -1
    columns = {name: trades[name] for name in ("shares", "entry_price", "exit_price", "pnl", "return", "commission")}
    return pd.DataFrame(
        {
            "symbol": pd.Series([symbols.get(sid, str(sid)) for sid in trades["sid"].tolist()], dtype="str"),
            "sid": trades["sid"],
            "side": pd.Series(np.where(trades["side"] > 0, "long", "short"), dtype="str"),
            "entry": labels[trades["entry_session"]],
            "exit": labels[trades["exit_session"]],
            **columns,
            "bars_held": trades["bars_held"],
            "is_open": trades["is_open"],
        }
    )
