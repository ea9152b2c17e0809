"""Which round trips did a run make, from flat to flat, and what did each earn?

A trade runs from the fill that opens a position (or turns it around) to the fill that closes it (or turns it around).
In between, fills in its direction are entries and fills against it are exits, both at average cost. Prices and shares
are restated for splits within the trade, so that its entry and its exit are in the same shares. Dividends are not part
of a trade's pnl.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from rustybt._typing import IntArray, Records
from rustybt.finance.records import RESTATEMENT
from rustybt.kernels import trips

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
    if last_session is None:
        last_session = int(transactions["session"][-1]) if len(transactions) else 0
    sids = np.unique(np.concatenate([transactions["sid"], restatements["sid"]]))
    fill_at = zip(transactions["session"].tolist(), _columns(sids, transactions), strict=True)
    fills = zip(*(transactions[name].tolist() for name in ("amount", "price", "commission")), strict=True)
    columns = _columns(sids, restatements)
    restated = [(row[0], column, *row[2:]) for row, column in zip(restatements.tolist(), columns, strict=True)]
    prices = [(last_price or {}).get(sid, np.nan) for sid in sids.tolist()]
    room = len(transactions) + len(restated) + len(sids)
    rows = [[0.0] * trips.N_TRADE for _ in range(room)]
    open_trips = [[0.0] * trips.N_FIELDS for _ in sids]
    count = trips.pair_fills(
        list(fill_at), list(fills), len(transactions), restated, fractional, prices, last_session, open_trips, rows,
        [0, 0],
    )  # fmt: skip
    trades = np.array([tuple(row) for row in rows[:count]], TRADE)
    trades["sid"] = sids[trades["sid"]]
    return trades


def _columns(sids: IntArray, table: Records) -> list[int]:
    found: list[int] = np.searchsorted(sids, table["sid"]).tolist()
    return found


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
