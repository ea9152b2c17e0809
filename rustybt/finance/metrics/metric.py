"""Which metrics can a set be made of?"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np

from rustybt._typing import FloatArray

Packet = dict[str, Any]


class Columns:
    """Columns of the perf frame that are computed after the run.

    Parameters
    ----------
    *names : str
        Among those of `default_metrics()`.

    Attributes
    ----------
    names : tuple of str
        The columns.
    """

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        self.names = names or type(self).names

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.names))})"


class Returns(Columns):
    """The session's return, and that since the start."""

    names = ("returns", "algorithm_period_return")


class BenchmarkReturnsAndVolatility(Columns):
    """The benchmark's return since the start, and its annual volatility."""

    names = ("benchmark_period_return", "benchmark_volatility")


class PNL(Columns):
    """The session's gain."""

    names = ("pnl",)


class CashFlow(Columns):
    """The session's cash flow, which Zipline calls capital_used."""

    names = ("capital_used",)


class Orders(Columns):
    """The orders that were placed or changed in the session."""

    names = ("orders",)


class Transactions(Columns):
    """The session's fills."""

    names = ("transactions",)


class Positions(Columns):
    """What is held at the session's end."""

    names = ("positions",)


class AlphaBeta(Columns):
    """Annual alpha and beta against the benchmark, since the start."""

    names = ("alpha", "beta")


class MaxLeverage(Columns):
    """The largest gross leverage at a session's end, since the start."""

    names = ("max_leverage",)


class NumTradingDays(Columns):
    """How many sessions there were."""

    names = ("trading_days",)


class PeriodLabel(Columns):
    """The session's month."""

    names = ("period_label",)


class SimpleLedgerField:
    """A field of the ledger at each session's end.

    Parameters
    ----------
    ledger_field : str
        Such as "portfolio.cash"; see `rustybt.engine.metric_hooks.LedgerView`.
    packet_field : str, optional
        The column; the field's last name if omitted.
    """

    def __init__(self, ledger_field: str, packet_field: str | None = None) -> None:
        self._field = attrgetter(ledger_field)
        self._column = packet_field or ledger_field.rsplit(".", 1)[-1]

    def end_of_session(self, packet: Packet, ledger: Any, session: Any, session_ix: int, data_portal: Any) -> None:
        """Note the field."""
        packet["daily_perf"][self._column] = self._field(ledger)


class DailyLedgerField(SimpleLedgerField):
    """A field of the ledger at each session's end, noted as cumulative too."""

    def end_of_session(self, packet: Packet, ledger: Any, session: Any, session_ix: int, data_portal: Any) -> None:
        """Note the field."""
        super().end_of_session(packet, ledger, session, session_ix, data_portal)
        packet["cumulative_perf"][self._column] = packet["daily_perf"][self._column]


class StartOfPeriodLedgerField(SimpleLedgerField):
    """A field of the ledger at each session's start."""

    def start_of_simulation(
        self, ledger: Any, emission_rate: str, trading_calendar: Any, sessions: Any, benchmark_source: Any
    ) -> None:
        """Note the field as it is before the run."""
        self._at_the_start = self._field(ledger)

    def start_of_session(self, ledger: Any, session: Any, data_portal: Any) -> None:
        """Note the field as it is before the session."""
        self._before = self._field(ledger)

    def end_of_session(self, packet: Packet, ledger: Any, session: Any, session_ix: int, data_portal: Any) -> None:
        """Give what was noted."""
        packet["cumulative_perf"][self._column] = self._at_the_start
        packet["daily_perf"][self._column] = self._before


class ReturnsStatistic:
    """A statistic of all returns so far.

    Parameters
    ----------
    function : callable of (float64 array, shape (n_sessions_so_far,))
        Gives a number; one that is not finite becomes None.
    field_name : str, optional
        The column; the function's name if omitted.
    """

    def __init__(self, function: Callable[[FloatArray], float], field_name: str | None = None) -> None:
        self._function = function
        self._column = field_name or function.__name__

    def end_of_session(self, packet: Packet, ledger: Any, session: Any, session_ix: int, data_portal: Any) -> None:
        """Compute the statistic."""
        value = self._function(ledger.daily_returns_array[: session_ix + 1])
        packet["cumulative_risk_metrics"][self._column] = value if np.isfinite(value) else None
