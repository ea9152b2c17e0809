"""What is a run set up with, besides its market, its sessions and the user's functions?"""

from typing import Any, NamedTuple

from rustybt.engine.capital_changes import CapitalChanges
from rustybt.finance.blotter import SimulationBlotter
from rustybt.finance.metrics import Columns, default_metrics
from rustybt.finance.rules import ZIPLINE, Rules

PLATFORM = "rustybt"


class Setup(NamedTuple):
    """Settings of a run that few runs change.

    Attributes
    ----------
    metrics : tuple of metrics
        See `rustybt.finance.metrics`.
    blotter : SimulationBlotter
        Costs, cancel policy and kind of the order book.
    capital_changes : mapping of int to CapitalChange
        Cash from outside, by nanoseconds UTC.
    platform, arena : str
        What `get_environment` gives.
    rules : Rules
        Corrections and extras.
    """

    metrics: tuple[Any, ...] = tuple(default_metrics())
    blotter: SimulationBlotter = SimulationBlotter()
    capital_changes: CapitalChanges = {}
    platform: str = PLATFORM
    arena: str = "backtest"
    rules: Rules = ZIPLINE

    @property
    def columns(self) -> frozenset[str]:
        """The perf frame's columns that its metrics name."""
        return frozenset(name for metric in self.metrics if isinstance(metric, Columns) for name in metric.names)

    @property
    def hooked(self) -> tuple[Any, ...]:
        """The metrics that have hooks of their own."""
        return tuple(metric for metric in self.metrics if not isinstance(metric, Columns))


DEFAULT_SETUP = Setup()
