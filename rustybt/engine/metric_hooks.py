"""When are a user's own metrics asked, and what do they see?

The hooks are Zipline's, each of them optional: `start_of_simulation(ledger, emission_rate, trading_calendar, sessions,
benchmark_source)`, `start_of_session(ledger, session, data_portal)`, after the session's dividends,
`end_of_session(packet, ledger, session, session_ix, data_portal)`, after its close, and
`end_of_simulation(packet, ledger, trading_calendar, sessions, data_portal, benchmark_source)`. What a hook puts into
`packet["daily_perf"]` or `packet["cumulative_risk_metrics"]` becomes a column of the perf frame; what the last one puts
into its packet is `context.risk_report`. `data_portal` is the bundle's Portal. `end_of_bar` is never called: a perf
frame has a row a session.
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray
from rustybt.calendars import get_calendar
from rustybt.data.portal import Portal
from rustybt.engine.span import Span
from rustybt.finance.ledger import Ledger
from rustybt.finance.portfolio import Account, Portfolio


class LedgerView:
    """The ledger as metrics read it, under Zipline's names.

    Parameters
    ----------
    ledger : Ledger
        Of the run.
    sessions : pd.DatetimeIndex
        Labels of the run's sessions.

    Attributes
    ----------
    daily_returns_array : float64 array, shape (n_sessions,)
        Simple returns; NaN for sessions that have not ended.
    """

    def __init__(self, ledger: Ledger, sessions: pd.DatetimeIndex) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self.daily_returns_array: FloatArray = np.full(len(sessions), np.nan)

    @property
    def portfolio(self) -> Portfolio:
        """The portfolio now."""
        return self._ledger.portfolio

    @property
    def account(self) -> Account:
        """The account now."""
        return self._ledger.account

    @property
    def todays_returns(self) -> float:
        """The return since the session began."""
        return self._ledger.session_returns

    @property
    def daily_returns_series(self) -> "pd.Series[float]":
        """`daily_returns_array` by session label."""
        return pd.Series(self.daily_returns_array, index=self._sessions)

    @property
    def positions(self) -> list[dict[str, Any]]:
        """What is held, as the perf frame's positions column has it."""
        return [
            {
                "sid": position.asset,
                "amount": position.amount,
                "cost_basis": position.cost_basis,
                "last_sale_price": position.last_sale_price,
            }
            for position in self._ledger.positions.values()
            if position.amount != 0
        ]

    @property
    def position_tracker(self) -> SimpleNamespace:
        """`positions` by asset, and `stats`: exposures, values and counts of both sides."""
        exposure = self._ledger.exposure
        sides = {
            "gross": exposure.gross,
            "net": exposure.net,
            "long": exposure.long_value,
            "short": exposure.short_value,
        }
        stats = SimpleNamespace(longs_count=exposure.longs_count, shorts_count=exposure.shorts_count)
        for side, value in sides.items():
            vars(stats).update({f"{side}_value": value, f"{side}_exposure": value})
        return SimpleNamespace(positions=self._ledger.positions, stats=stats)

    def transactions(self, dt: pd.Timestamp | None = None) -> list[dict[str, Any]]:
        """Give the session's fills, or those of one bar."""
        return [fill.to_dict() for fill in self._ledger.session_transactions if dt is None or fill.dt == dt]

    def orders(self, dt: pd.Timestamp | None = None) -> list[dict[str, Any]]:
        """Give the orders that changed in the session, or in one bar."""
        return [order.to_dict() for order in self._ledger.session_orders.values() if dt is None or order.dt == dt]


class BenchmarkView:
    """The benchmark's returns as metrics read them.

    Parameters
    ----------
    returns : pd.Series
        Simple returns by session label.
    """

    def __init__(self, returns: "pd.Series[float]") -> None:
        self._returns = returns

    def daily_returns(self, start: Any, end: Any = None) -> Any:
        """Give the return of one session, or the Series from one to another, both included."""
        return self._returns[start] if end is None else self._returns[start:end]


class Packet(NamedTuple):
    """What a session's hooks left behind, by column.

    Attributes
    ----------
    daily, risk : dict of str to value
        From `packet["daily_perf"]` and `packet["cumulative_risk_metrics"]`.
    """

    daily: dict[str, Any]
    risk: dict[str, Any]


class MetricHooks:
    """Calls metrics through a run.

    Parameters
    ----------
    metrics : sequence of objects
        With some of the hooks.
    portal, span : Portal, Span
        Of the run.
    capital_base : float
        Cash at the start.
    ledger : Ledger
        Of the run.
    benchmark_returns : float64 array, shape (n_sessions,)
        Of the run.

    Attributes
    ----------
    packets : list of Packet
        One a session.
    """

    def __init__(
        self,
        metrics: Sequence[Any],
        portal: Portal,
        span: Span,
        capital_base: float,
        ledger: Ledger,
        benchmark_returns: FloatArray,
    ) -> None:
        self.packets: list[Packet] = []
        self._metrics = metrics
        self._portal = portal
        self._first = span.first
        self._capital_base = capital_base
        self._sessions = portal.sessions[span.first : span.last + 1]
        self._ledger = ledger
        self._view = LedgerView(ledger, self._sessions)
        self._benchmark = BenchmarkView(pd.Series(benchmark_returns, index=self._sessions))
        self._calendar = get_calendar(portal.session_table.name)
        self._call("start_of_simulation", self._view, "daily", self._calendar, self._sessions, self._benchmark)

    def start_session(self, session_ix: int) -> None:
        """Ask the hooks of a session's start."""
        self._call("start_of_session", self._view, self._sessions[session_ix], self._portal)

    def end_session(self, session_ix: int) -> None:
        """Ask the hooks of a session's end, and keep what they say."""
        self._view.daily_returns_array[session_ix] = self._ledger.session_returns
        row, sessions = self._first + session_ix, self._sessions
        packet: dict[str, Any] = {
            "period_start": sessions[0],
            "period_end": sessions[-1],
            "capital_base": self._capital_base,
            "daily_perf": {"period_open": self._portal.open_times[row], "period_close": self._portal.close_times[row]},
            "cumulative_perf": {"period_open": sessions[0], "period_close": sessions[-1]},
            "progress": (session_ix + 1) / len(sessions),
            "cumulative_risk_metrics": {},
        }
        self._call("end_of_session", packet, self._view, sessions[session_ix], session_ix, self._portal)
        self.packets.append(Packet(packet["daily_perf"], packet["cumulative_risk_metrics"]))

    def finish(self) -> dict[str, Any]:
        """Ask the hooks of the run's end, and give what they say."""
        packet: dict[str, Any] = {}
        self._call(
            "end_of_simulation", packet, self._view, self._calendar, self._sessions, self._portal, self._benchmark
        )
        return packet

    def _call(self, hook: str, *arguments: Any) -> None:
        for metric in self._metrics:
            function = getattr(metric, hook, None)
            if function is not None:
                function(*arguments)
