"""What is a run set up with, besides its market, its sessions and the user's functions?"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from rustybt.engine.capital_changes import CapitalChanges, capital_changes_of
from rustybt.engine.stop_rules import StopRules
from rustybt.errors import InvalidParameter
from rustybt.finance.blotter import SimulationBlotter, blotter_of
from rustybt.finance.metrics import Columns, default_metrics, resolve
from rustybt.finance.rules import ZIPLINE, Rules

PLATFORM = "rustybt"
BACKTEST = "backtest"


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
    stop_rules : StopRules, optional
        When the run is given up early; never by default.
    warmup_sessions : int
        Sessions before the run's first one, as far as the bundle has them, in which the strategy's functions are
        called, so that what it keeps by itself is warm. Its orders are ignored there, and nothing is noted. A vector
        strategy decides for these sessions too, and what it decides for them is dropped.
    custom_loader : object with get(column), optional
        Loaders of columns of pipelines, such as a dict of columns and loaders.
    """

    metrics: tuple[Any, ...] = tuple(default_metrics())
    blotter: SimulationBlotter = SimulationBlotter()
    capital_changes: CapitalChanges = {}
    platform: str = PLATFORM
    arena: str = BACKTEST
    rules: Rules = ZIPLINE
    stop_rules: StopRules | None = None
    warmup_sessions: int = 0
    custom_loader: Any = None

    def shown_from(self, first: int) -> int:
        """Give the session row from which a strategy is called whose run begins at a row.

        Raises
        ------
        InvalidParameter
            If the number of warm-up sessions is negative.
        """
        if self.warmup_sessions < 0:
            raise InvalidParameter(
                f"warmup_sessions {self.warmup_sessions} is negative: give a number of sessions, or 0"
            )
        return max(first - self.warmup_sessions, 0)

    @property
    def columns(self) -> frozenset[str]:
        """The perf frame's columns that its metrics name."""
        return frozenset(name for metric in self.metrics if isinstance(metric, Columns) for name in metric.names)

    @property
    def hooked(self) -> tuple[Any, ...]:
        """The metrics that have hooks of their own."""
        return tuple(metric for metric in self.metrics if not isinstance(metric, Columns))


DEFAULT_SETUP = Setup()


def setup_of(
    metrics_set: Any = "default",
    blotter: Any = "default",
    capital_changes: Mapping[Any, Mapping[str, Any]] | None = None,
    platform: str = PLATFORM,
    arena: str = BACKTEST,
    rules: Rules = ZIPLINE,
    stop_rules: StopRules | None = None,
    custom_loader: Any = None,
) -> Setup:
    """Read what a user gives for a run's setup.

    Parameters
    ----------
    metrics_set
        See `rustybt.finance.metrics.resolve`.
    blotter
        See `rustybt.finance.blotter.blotter_of`.
    capital_changes
        See `rustybt.engine.capital_changes.capital_changes_of`.
    platform, arena : str
        What `get_environment` gives.
    rules : Rules
        Corrections and extras.
    stop_rules : StopRules, optional
        When the run is given up early.
    custom_loader : object with get(column), optional
        Loaders of columns of pipelines.

    Returns
    -------
    Setup

    Raises
    ------
    InvalidParameter
        If one of them is none.
    """
    changes = capital_changes_of(capital_changes)
    if not isinstance(stop_rules, StopRules | None):
        raise InvalidParameter(f"stop_rules {stop_rules!r} are none: pass StopRules(max_drawdown=0.3)")
    if custom_loader is not None and not callable(getattr(custom_loader, "get", None)):
        raise InvalidParameter(
            f"custom_loader {custom_loader!r} has no get(column): pass a dict of columns and loaders"
        )
    return Setup(
        resolve(metrics_set),
        blotter_of(blotter),
        changes,
        platform,
        arena,
        rules,
        stop_rules,
        custom_loader=custom_loader,
    )
