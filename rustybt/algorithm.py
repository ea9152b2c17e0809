"""How is an algorithm made and run by hand, from its parts?"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from rustybt.data.portal import portal_of
from rustybt.data.store import BundleData
from rustybt.engine.benchmark import returns_of_series
from rustybt.engine.context import Context
from rustybt.engine.script import execute_source
from rustybt.engine.setup import PLATFORM, setup_of
from rustybt.engine.span import span_of
from rustybt.engine.strategy import HOOK_NAMES, Hooks, hooks_of_namespace
from rustybt.errors import InvalidParameter
from rustybt.finance.blotter import Blotter, SimulationBlotter
from rustybt.finance.cancel_policy import CancelPolicy
from rustybt.finance.rules import ZIPLINE, Rules
from rustybt.finance.trading import SimulationParameters
from rustybt.run import finish, market_of, require_calendar

NOT_HERE = {
    "asset_finder": "assets are those of data_portal",
    "create_event_context": "what shall happen around every bar belongs into handle_data",
    "get_pipeline_loader": "data are those of data_portal",
}


class TradingAlgorithm(Context):
    """An algorithm with the sessions, data and settings to run it on; it is its own `context`.

    Parameters
    ----------
    sim_params : SimulationParameters
        Sessions, cash and frequency.
    data_portal : BundleData
        The bundle, as `rustybt.data.bundles.load` opens it.
    namespace : dict, optional
        Globals that a script starts with; a new dict if omitted.
    script : str, optional
        Source that defines the functions, instead of the functions.
    algo_filename : str, optional
        What tracebacks call the script.
    initialize : callable of (context, **initialize_kwargs), optional
        As `run_algorithm` takes it, like the next three.
    handle_data, before_trading_start : callable of (context, data), optional
        Called at every bar, and before each session.
    analyze : callable of (context, perf), optional
        Called once with the finished frame.
    trading_calendar : ExchangeCalendar or str, optional
        Must be that of the bundle and of sim_params, as must theirs.
    metrics_set, blotter, capital_changes
        As `run_algorithm` takes them.
    blotter_class : type, optional
        A class derived from Blotter, instead of a blotter.
    cancel_policy : CancelPolicy, optional
        Of the order book that is made where no blotter is given.
    benchmark_sid : int or Equity, optional
        The asset to compare with.
    benchmark_returns : pd.Series, optional
        Simple returns by session label, instead; zeros without either.
    platform : str
        What `get_environment` gives.
    rules : Rules
        Corrections and extras.
    **initialize_kwargs
        What `initialize` gets besides the context.

    Raises
    ------
    InvalidParameter
        If both a script and functions are given, or parts do not fit together.
    InvalidSpan
        If the sessions do not fit the bundle.
    ZeroCapitalError
        If sim_params.capital_base is not above 0.

    Notes
    -----
    A derived class may override `initialize`, `handle_data`, `before_trading_start` and `analyze` instead of passing
    functions. Unlike Zipline's, it takes a bundle instead of a DataPortal, and compares with zero returns where no
    benchmark is given.

    Examples
    --------
    >>> class Hold(TradingAlgorithm):
    ...     def initialize(self):
    ...         self.asset = self.symbol("AAPL")
    ...     def handle_data(self, data):
    ...         self.order_target(self.asset, 100)
    >>> sorted(set(HOOK_NAMES) & set(vars(Hold)))
    ['handle_data', 'initialize']
    """

    def __init__(
        self,
        sim_params: SimulationParameters,
        data_portal: BundleData,
        namespace: dict[str, Any] | None = None,
        script: str | None = None,
        algo_filename: str | None = None,
        initialize: Callable[..., Any] | None = None,
        handle_data: Callable[..., Any] | None = None,
        before_trading_start: Callable[..., Any] | None = None,
        analyze: Callable[..., Any] | None = None,
        trading_calendar: Any = None,
        metrics_set: Any = "default",
        blotter: Any = None,
        blotter_class: type[Blotter] | None = None,
        cancel_policy: CancelPolicy | None = None,
        benchmark_sid: Any = None,
        benchmark_returns: "pd.Series[float] | None" = None,
        platform: str = PLATFORM,
        capital_changes: Mapping[Any, Mapping[str, Any]] | None = None,
        rules: Rules = ZIPLINE,
        **initialize_kwargs: Any,
    ) -> None:
        _refuse(initialize_kwargs)
        if not isinstance(data_portal, BundleData):
            raise InvalidParameter(f"data_portal is {data_portal!r}, pass a bundle: rustybt.data.bundles.load('mag-7')")
        for calendar in (trading_calendar, sim_params.trading_calendar):
            require_calendar(calendar, data_portal)
        given = dict(zip(HOOK_NAMES, (initialize, handle_data, before_trading_start, analyze), strict=True))
        if script is not None:
            given = _functions_of(script, algo_filename or "<string>", {} if namespace is None else namespace, given)
        self._functions = given
        self._initialize_kwargs = initialize_kwargs
        if blotter is None:
            blotter = SimulationBlotter(cancel_policy=cancel_policy, book=blotter_class or Blotter)
        portal = portal_of(data_portal, rules.full_precision_prices)
        span = span_of(portal, sim_params.start_session, sim_params.end_session)
        setup = setup_of(metrics_set, blotter, capital_changes, platform, sim_params.arena, rules)
        market = market_of(portal, sim_params.data_frequency)
        super().__init__(market, span, sim_params.capital_base, self._own_hooks(), setup)
        self.sim_params = sim_params
        if benchmark_sid is not None:
            self.benchmark_sid = self.sid(int(benchmark_sid))
        self._benchmark_returns = np.zeros(span.size)
        if benchmark_returns is not None:
            self._benchmark_returns = returns_of_series(benchmark_returns, portal, span)
        self._started = False

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Prepare before the first session, by the function that was given."""
        self._call("initialize", *args, **kwargs)

    def handle_data(self, data: Any) -> None:
        """Decide at a bar, by the function that was given."""
        self._call("handle_data", data)

    def before_trading_start(self, data: Any) -> None:
        """Prepare a session before its first bar, by the function that was given."""
        self._call("before_trading_start", data)

    def analyze(self, perf: pd.DataFrame) -> None:
        """Look at the finished perf frame, by the function that was given."""
        self._call("analyze", perf)

    def run(self) -> pd.DataFrame:
        """Run once, and give the perf frame; see `run_algorithm`.

        Returns
        -------
        pd.DataFrame

        Raises
        ------
        InvalidParameter
            If it ran before.
        """
        if self._started:
            raise InvalidParameter("this algorithm ran already, and its account is not as it was: make another")
        self._started = True
        return finish(self, self._benchmark_returns, analyze=True).perf

    def _call(self, name: str, *args: Any, **kwargs: Any) -> None:
        function = self._functions[name]
        if function is not None:
            function(self, *args, **kwargs)

    def _own_hooks(self) -> Hooks:
        """Give the methods, without those that would do nothing."""

        def does_something(name: str) -> bool:
            overridden = getattr(type(self), name) is not getattr(TradingAlgorithm, name)
            return overridden or self._functions[name] is not None

        calls: dict[str, Callable[..., Any]] = {
            "initialize": lambda context: self.initialize(**self._initialize_kwargs),
            "handle_data": lambda context, data: self.handle_data(data),
            "before_trading_start": lambda context, data: self.before_trading_start(data),
            "analyze": lambda context, perf: self.analyze(perf),
        }
        return hooks_of_namespace({name: call for name, call in calls.items() if does_something(name)})


def _functions_of(
    script: str, filename: str, namespace: dict[str, Any], given: Mapping[str, Any]
) -> dict[str, Callable[..., Any] | None]:
    """Execute a script, and give the functions that it defines."""
    twice = [name for name, function in given.items() if function is not None]
    if twice:
        raise InvalidParameter(f"a script was passed together with {', '.join(twice)}: pass one or the other")
    execute_source(script, filename, namespace)
    return {name: namespace.get(name) for name in HOOK_NAMES}


def _refuse(arguments: Mapping[str, Any]) -> None:
    """Refuse what is Zipline's argument, and would go to initialize unseen."""
    for name, reason in NOT_HERE.items():
        if name in arguments:
            raise InvalidParameter(f"TradingAlgorithm takes no {name}: {reason}")
