"""What does a run leave behind, before anybody asks for a frame or a metric?"""

from typing import Any, NamedTuple

import numpy as np

from rustybt._typing import FloatArray, Records
from rustybt.assets import Equity
from rustybt.data.portal import Portal
from rustybt.engine.metric_hooks import Packet
from rustybt.engine.span import Span
from rustybt.engine.stop_rules import Stop
from rustybt.finance.records import TRANSACTION
from rustybt.finance.rules import Rules
from rustybt.finance.transaction import Transaction

SESSION_FIELDS = (
    "starting_value",
    "starting_cash",
    "ending_value",
    "ending_cash",
    "portfolio_value",
    "pnl",
    "returns",
    "algorithm_period_return",
    "capital_used",
    "long_value",
    "short_value",
    "longs_count",
    "shorts_count",
    "gross_leverage",
    "net_leverage",
    "borrow_cost",
    "margin_interest",
)
"""Columns of `RunRecords.sessions`, in the units of the perf frame."""

HeldPosition = tuple[Equity, float, float, float]
"""Asset, signed shares, cost basis and last sale price at a session's end."""


class RunRecords(NamedTuple):
    """Everything a run produced, one entry a session.

    Attributes
    ----------
    portal : Portal
        The market it ran on.
    span : Span
        Its sessions.
    capital_base : float
        Cash at the start.
    sessions : float64 array, shape (n_sessions, len(SESSION_FIELDS))
        One row a session, taken after its close.
    benchmark_returns : float64 array, shape (n_sessions,)
        Simple returns of the benchmark; zeros without one.
    positions : list of list of HeldPosition
        What is held after each session's close.
    orders : list of list of dict
        Orders that were placed or changed in each session, as they stood at its end.
    transactions : list of list of Transaction
        Fills of each session in order.
    recorded : list of dict
        What `record` had noted by each session's end.
    stock_grants : list of (session, Equity, shares)
        Shares that dividends in stock added to positions.
    capital_added : float
        What capital changes added to the account.
    columns : frozenset of str
        Columns of the perf frame that the run's metrics name.
    rules : Rules
        The run's corrections and extras.
    packets : list of Packet
        What metrics of the user's own said of each session; empty where there are none.
    stopped : Stop or None
        Where and why the run was given up early.
    benchmark : Equity or None
        The asset whose returns the benchmark's are; None where they were given, or there are none.
    told_end : bool
        The algorithm may have acted on where the run ends: it asked for it, or decided for all sessions at once.
    lookups : frozenset of (str, str or None)
        Tickers, with a country's code or without, that were looked up as of the last session.
    """

    portal: Portal
    span: Span
    capital_base: float
    sessions: FloatArray
    benchmark_returns: FloatArray
    positions: list[list[HeldPosition]]
    orders: list[list[dict[str, Any]]]
    transactions: list[list[Transaction]]
    recorded: list[dict[str, Any]]
    stock_grants: list[tuple[int, Equity, float]]
    capital_added: float
    columns: frozenset[str]
    rules: Rules
    packets: list[Packet]
    stopped: Stop | None = None
    benchmark: Equity | None = None
    told_end: bool = True
    lookups: frozenset[tuple[str, str | None]] = frozenset()

    def column(self, name: str) -> FloatArray:
        """Give one column of `sessions`, float64 of shape (n_sessions,)."""
        values: FloatArray = self.sessions[:, SESSION_FIELDS.index(name)]
        return values

    def fills(self) -> Records:
        """Give all fills as one structured array of dtype TRANSACTION, in order of execution."""
        rows = [
            (session, fill.asset.sid, fill.amount, fill.price, fill.commission, fill.dt.value)
            for session, day in enumerate(self.transactions)
            for fill in day
        ]
        return np.array(rows, dtype=TRANSACTION)
