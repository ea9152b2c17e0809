"""What does a compiled simulation leave behind, in the form that any other run does?"""

from typing import Any

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray
from rustybt.assets import Equity
from rustybt.engine.records import HeldPosition, RunRecords
from rustybt.engine.vector import Outcome, VectorRun
from rustybt.finance.order import ORDER_STATUS
from rustybt.finance.transaction import Transaction
from rustybt.kernels import simulation_types as types
from rustybt.kernels.simulation_types import Book, Records


def records_of(run: VectorRun, outcome: Outcome, benchmark_returns: FloatArray) -> RunRecords:
    """Give a run's records.

    Parameters
    ----------
    run : VectorRun
        Its setting.
    outcome : Outcome
        With orders and positions recorded.
    benchmark_returns : float64 array, shape (n_sessions,)
        Of the whole span.

    Returns
    -------
    RunRecords
        Ending where the run stopped.
    """
    size, space, assets = outcome.sessions, outcome.workspace, outcome.market.assets
    begin = run.span.first
    span = run.span._replace(last=begin + size - 1)
    times = run.portal.close_times[begin : begin + size]
    read = _Reader(space.records, space.book, assets, times, run.setup.rules.fractional_shares)
    grants = zip(space.records.grant_at.tolist(), space.records.grants.tolist(), strict=True)
    return RunRecords(
        portal=run.portal,
        span=span,
        capital_base=run.capital_base,
        sessions=np.ascontiguousarray(space.records.sessions[:, :size].T),
        benchmark_returns=benchmark_returns[:size],
        positions=read.positions(space.count(types.N_ROWS)),
        orders=read.orders(space.count(types.N_NOTES)),
        transactions=read.transactions(space.count(types.N_FILLS)),
        recorded=[{}] * size,
        stock_grants=[(s, assets[a], shares) for (s, a), shares in list(grants)[: space.count(types.N_GRANTS)]],
        capital_added=0.0,
        columns=run.setup.columns,
        rules=run.setup.rules,
        packets=[],
        stopped=outcome.stopped,
    )


class _Reader:
    """Reads the kernel's records into lists of sessions."""

    def __init__(
        self, records: Records, book: Book, assets: tuple[Equity, ...], times: list[pd.Timestamp], fractional: bool
    ) -> None:
        self._records = records
        self._book = book
        self._assets = assets
        self._times = times
        self._number: Any = float if fractional else _whole

    def positions(self, count: int) -> list[list[HeldPosition]]:
        days: list[list[HeldPosition]] = [[] for _ in self._times]
        at, held = self._records.held_at[:count].tolist(), self._records.held[:count].tolist()
        for (session, asset), (amount, basis, price) in zip(at, held, strict=True):
            days[session].append((self._assets[asset], self._number(amount), basis, price))
        return days

    def transactions(self, count: int) -> list[list[Transaction]]:
        days: list[list[Transaction]] = [[] for _ in self._times]
        at, fills = self._records.fill_at[:count].tolist(), self._records.fills[:count].tolist()
        for (session, asset), (shares, price, cost, order) in zip(at, fills, strict=True):
            order_id = None if order < 0 else _order_id(int(order))
            fill = Transaction(self._assets[asset], self._number(shares), self._times[session], price, order_id, cost)
            days[session].append(fill)
        return days

    def orders(self, count: int) -> list[list[dict[str, Any]]]:
        """Give each session's orders as they stood at its end, in the order of their latest changes."""
        days: list[dict[int, dict[str, Any]]] = [{} for _ in self._times]
        at, notes = self._records.note_at[:count].tolist(), self._records.notes[:count].tolist()
        for (session, number, status), (amount, filled, commission) in zip(at, notes, strict=True):
            day = days[session]
            day.pop(number, None)
            day[number] = self._order(number, session, status, amount, filled, commission)
        return [list(day.values()) for day in days]

    def _order(
        self, number: int, session: int, status: int, amount: float, filled: float, commission: float
    ) -> dict[str, Any]:
        return {
            "id": _order_id(number),
            "dt": self._times[session],
            "reason": self._reason(number, status, amount == filled),
            "created": self._times[int(self._book.session[number])],
            "amount": self._number(amount),
            "filled": self._number(filled),
            "commission": commission,
            "stop": None,
            "limit": None,
            "stop_reached": False,
            "limit_reached": False,
            "sid": self._assets[int(self._book.asset[number])],
            "status": ORDER_STATUS(status),
        }

    def _reason(self, number: int, status: int, complete: bool) -> str | None:
        """Say what cash did to an order, in the words of the event tier."""
        wanted, price, cost, cash, scaled = self._book.reason[number].tolist()
        if wanted != wanted or not (status == types.REJECTED or complete):
            return None
        short = f"{self._number(wanted):,} shares at {price:,} cost {cost:,.2f}, cash is {cash:,.2f}"
        return short if status == types.REJECTED else f"scaled down to {self._number(scaled):,} shares: {short}"


def _order_id(number: int) -> str:
    return f"{number + 1:032x}"


def _whole(value: float) -> float:
    return int(value)
