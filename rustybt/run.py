"""How are bundle, algorithm and span composed into a run?"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray
from rustybt.calendars import get_calendar
from rustybt.data.bundles import load
from rustybt.data.held import cache_of_bundles
from rustybt.data.market import DailyMarket, Market
from rustybt.data.minute_market import MinuteMarket
from rustybt.data.portal import Portal, portal_of
from rustybt.data.store import BundleData
from rustybt.engine.active import activated
from rustybt.engine.benchmark import returns_of_series
from rustybt.engine.context import Context
from rustybt.engine.extensions import load_extensions
from rustybt.engine.loop import simulate_sessions
from rustybt.engine.setup import DEFAULT_SETUP, Setup, setup_of
from rustybt.engine.span import Span, span_of
from rustybt.engine.stop_rules import StopRules
from rustybt.engine.strategy import Hooks, Strategy, hooks_of
from rustybt.engine.vector_strategy import VectorStrategy
from rustybt.errors import InvalidParameter
from rustybt.finance.rules import rules_of
from rustybt.results.result import RunResult


def run_algorithm(
    start: Any,
    end: Any,
    initialize: Callable[..., Any] | None = None,
    capital_base: float = 10_000_000.0,
    handle_data: Callable[..., Any] | None = None,
    before_trading_start: Callable[..., Any] | None = None,
    analyze: Callable[..., Any] | None = None,
    data_frequency: str = "daily",
    bundle: str = "mag-7",
    bundle_timestamp: Any = None,
    trading_calendar: Any = None,
    metrics_set: Any = "default",
    benchmark_returns: pd.Series | None = None,
    default_extension: bool = True,
    extensions: Iterable[str] = (),
    strict_extensions: bool = True,
    environ: Mapping[str, str] | None = None,
    custom_loader: Any = None,
    *,
    blotter: Any = "default",
    capital_changes: Mapping[Any, Mapping[str, Any]] | None = None,
    stop_rules: StopRules | None = None,
    strategy: Strategy | None = None,
    params: Mapping[str, Any] | None = None,
    corrections: str | Iterable[str] = (),
    fill_at: str = "close",
    cash: str = "allow_negative",
    fractional_shares: bool = False,
    borrow_rate: float = 0.0,
    margin_rate: float = 0.0,
) -> pd.DataFrame:
    """Run an algorithm over a bundle and give its perf frame.

    Parameters
    ----------
    start, end : date-like
        First and last day, both included.
    initialize : callable of (context), optional
        Called once before the first session.
    capital_base : float
        Cash at the start; above 0.
    handle_data : callable of (context, data), optional
        Called at every bar: each session's close, or each market minute.
    before_trading_start : callable of (context, data), optional
        Called once before each session.
    analyze : callable of (context, perf), optional
        Called once with the finished frame.
    data_frequency : {"daily", "minute"}
        Of the bars: handle_data is called at every one, and orders fill in them.
    bundle : str
        Name of an ingested bundle; mag-7 is the embedded sample, which is synthetic.
    bundle_timestamp : date-like, optional
        Takes the version that was current then; the latest if omitted.
    trading_calendar : ExchangeCalendar or str, optional
        The bundle's own, which is the default: a run's sessions are its bundle's.
    metrics_set : str or set of metrics
        "default", "none" (only what is recorded), a name registered with `rustybt.finance.metrics.register`, or the
        metrics themselves.
    benchmark_returns : pd.Series, optional
        Simple returns by session label; zeros if omitted. `set_benchmark` goes before it.
    default_extension : bool
        Execute extension.py in the root first, if there is one and it was not executed yet.
    extensions : iterable of str
        More extensions to execute: files that end in .py, or dotted names of modules.
    strict_extensions : bool
        False warns of an extension that fails, and goes on.
    environ : mapping of str to str, optional
        Where RUSTYBT_ROOT is looked up; by default the process's environment variables.
    custom_loader : object with get(column), optional
        Loaders of pipelines' columns of one's own, such as a dict of columns and `rustybt.pipeline.DataFrameLoader`s.
    blotter : str, SimulationBlotter or type
        "default", a name registered with `rustybt.extensions.register`, `rustybt.finance.blotter.SimulationBlotter`
        with costs and a cancel policy, or a class derived from `rustybt.finance.blotter.Blotter`.
    capital_changes : mapping, optional
        Cash from outside, such as {"2020-01-03": {"type": "delta", "value": 5000.0}}: at a session's start by its
        label, or in a minute simulation before a minute. "target" instead of "delta" is what the portfolio is then
        worth. It is neither gain nor cash flow.
    stop_rules : StopRules, optional
        When the run is given up early, such as StopRules(max_drawdown=0.3); the frame then ends there, and
        `perf.attrs["stopped"]` says why.
    strategy : Strategy, optional
        Instead of the four functions. A `rustybt.VectorStrategy` decides for all sessions at once, in a daily run.
    params : mapping of str to value, optional
        What `context.params` shows to functions; a strategy carries its own.
    corrections : "all" or iterable of str
        Defects of Zipline to leave out, by the names of docs/guides/differences-from-zipline.md.
    fill_at : {"close", "open"}
        Which price of the next bar an order fills at.
    cash : {"allow_negative", "reject", "scale"}
        Whether a buy that cash does not pay fills all the same, is rejected, or is scaled down to what cash pays.
    fractional_shares : bool
        Trade fractions of a share.
    borrow_rate, margin_rate : float
        What short positions and negative cash cost a year, charged at each session's start: 0.03 is 3%.

    Returns
    -------
    pd.DataFrame
        One row a session, indexed by its close in UTC, with Zipline's columns; see docs.

    Raises
    ------
    UnknownBundle
        If no such bundle was ingested.
    InvalidSpan
        If start and end do not fit the bundle.
    ZeroCapitalError
        If capital_base is not above 0.
    InvalidParameter
        If both a strategy and functions or params are given, a correction or an extra has an unknown name or value, or
        a calendar, metrics set, blotter or capital change is none.
    """
    functions = (initialize, handle_data, before_trading_start, analyze)
    if isinstance(strategy, type):
        raise InvalidParameter(f"strategy is the class {strategy.__name__}: pass an instance, {strategy.__name__}(...)")
    if strategy is None:
        hooks = Hooks(*functions, params=dict(params or {}))
    elif any(functions) or params:
        raise InvalidParameter("strategy was passed together with functions or params: pass one or the other")
    else:
        hooks = hooks_of(strategy)
    rules = rules_of(
        corrections,
        fill_at=fill_at,
        cash=cash,
        fractional_shares=fractional_shares,
        borrow_rate=borrow_rate,
        margin_rate=margin_rate,
    )
    load_extensions(default_extension, extensions, strict_extensions, environ)
    setup = setup_of(
        metrics_set, blotter, capital_changes, rules=rules, stop_rules=stop_rules, custom_loader=custom_loader
    )
    data = load(bundle, environ=environ, timestamp=bundle_timestamp)
    require_calendar(trading_calendar, data)
    return simulate(
        hooks,
        data,
        start,
        end,
        capital_base,
        data_frequency=data_frequency,
        benchmark_returns=benchmark_returns,
        analyze=True,
        setup=setup,
    ).perf


def simulate(
    hooks: Hooks,
    bundle: BundleData,
    start: Any,
    end: Any,
    capital_base: float = 10_000_000.0,
    *,
    data_frequency: str = "daily",
    benchmark_returns: pd.Series | None = None,
    analyze: bool = False,
    setup: Setup = DEFAULT_SETUP,
) -> RunResult:
    """Run an algorithm over an opened bundle; frames and metrics are built when they are asked for.

    Parameters
    ----------
    hooks : Hooks
        The algorithm.
    bundle : BundleData
        The opened version.
    start, end : date-like
        First and last day, both included; None for the bundle's own.
    capital_base : float
        Cash at the start; above 0.
    data_frequency : {"daily", "minute"}
        Of the bars.
    benchmark_returns : pd.Series, optional
        Simple returns by session label; zeros if omitted.
    analyze : bool
        Call the algorithm's `analyze` with the perf frame.
    setup : Setup
        Metrics, order book, capital changes, corrections and extras.

    Returns
    -------
    RunResult

    Raises
    ------
    InvalidSpan, ZeroCapitalError
        As `run_algorithm` does.
    """
    portal = portal_of(bundle, setup.rules.full_precision_prices)
    span = span_of(portal, start, end)
    benchmark: FloatArray = np.zeros(span.size)
    if benchmark_returns is not None:
        benchmark = returns_of_series(benchmark_returns, portal, span)
    return simulate_span(
        hooks,
        portal,
        span,
        capital_base,
        data_frequency=data_frequency,
        benchmark=benchmark,
        analyze=analyze,
        setup=setup,
    )


def simulate_span(
    hooks: Hooks,
    portal: Portal,
    span: Span,
    capital_base: float,
    *,
    data_frequency: str = "daily",
    benchmark: FloatArray | None = None,
    analyze: bool = False,
    setup: Setup = DEFAULT_SETUP,
) -> RunResult:
    """Run an algorithm over sessions that are given by their rows.

    Parameters
    ----------
    hooks, capital_base, data_frequency, analyze, setup
        As `simulate` takes them.
    portal : Portal
        Of the opened bundle, at the rules' precision of prices.
    span : Span
        First and last session row, both included.
    benchmark : float64 array, shape (n_sessions,), optional
        Simple returns; zeros if omitted.

    Returns
    -------
    RunResult

    Raises
    ------
    ZeroCapitalError
        If capital_base is not above 0.
    """
    returns: FloatArray = np.zeros(span.size) if benchmark is None else benchmark
    if hooks.vector is not None:
        return _simulate_vector(hooks, portal, span, capital_base, data_frequency, returns, analyze, setup)
    return finish(Context(market_of(portal, data_frequency), span, capital_base, hooks, setup), returns, analyze)


def _simulate_vector(
    hooks: Hooks,
    portal: Portal,
    span: Span,
    capital_base: float,
    data_frequency: str,
    benchmark: FloatArray,
    analyze: bool,
    setup: Setup,
) -> RunResult:
    from rustybt.vector_run import simulate_vector  # brings numba, half a second that no other run should pay

    if data_frequency != "daily":
        raise InvalidParameter(
            f"data_frequency {data_frequency!r}: a vector strategy decides on daily bars; write it with handle_data "
            "to decide at minutes"
        )
    strategy = cast(VectorStrategy, hooks.vector)
    result = simulate_vector(strategy, portal, span, capital_base, setup, benchmark)
    if analyze and hooks.analyze is not None:
        hooks.analyze(None, result.perf)
    return result


def finish(context: Context, benchmark: FloatArray, analyze: bool) -> RunResult:
    """Run an algorithm that is ready to run.

    Parameters
    ----------
    context : Context
        Fresh: it runs once.
    benchmark : float64 array, shape (n_sessions,)
        Simple returns; an asset that the algorithm sets goes before them.
    analyze : bool
        Call the algorithm's `analyze` with the perf frame.

    Returns
    -------
    RunResult
    """
    result = RunResult(simulate_sessions(context, benchmark))
    function = context._hooks.analyze
    if analyze and function is not None:
        with activated(context):
            function(context, result.perf)
    return result


def require_calendar(trading_calendar: Any, bundle: BundleData) -> None:
    """Refuse a calendar, given by name or as an object, that is not the bundle's own.

    Raises
    ------
    InvalidParameter
        If it is another, or none.
    """
    own = bundle.calendar_name
    if trading_calendar is None or (isinstance(trading_calendar, str) and trading_calendar == own):
        return
    given = get_calendar(trading_calendar) if isinstance(trading_calendar, str) else trading_calendar
    if getattr(given, "name", None) != own:
        raise InvalidParameter(
            f"trading_calendar {getattr(given, 'name', given)!r} is not that of bundle {bundle.name!r}, whose sessions "
            f"are those of {own}: leave it out, or ingest the data on that calendar"
        )


def market_of(portal: Portal, data_frequency: str) -> Market:
    """Give the process's one market of a bundle at a frequency.

    Raises
    ------
    InvalidParameter
        If the frequency is unknown.
    NoMinuteBars
        If minutes are asked of a bundle that has none.
    """
    if data_frequency == "daily":
        return DailyMarket(portal)
    if data_frequency != "minute":
        raise InvalidParameter(f"data_frequency {data_frequency!r} is unknown: choose 'daily' or 'minute'")
    return _minute_market_of(portal)


@cache_of_bundles(4)
def _minute_market_of(portal: Portal) -> MinuteMarket:
    return MinuteMarket(portal)
