"""How are bundle, algorithm and span composed into a run?"""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray
from rustybt.data.bundles import load
from rustybt.data.market import DailyMarket, Market
from rustybt.data.minute_market import MinuteMarket
from rustybt.data.portal import Portal, portal_of
from rustybt.data.store import BundleData
from rustybt.engine.active import activated
from rustybt.engine.algorithm import Context
from rustybt.engine.benchmark import returns_of_series
from rustybt.engine.loop import simulate_sessions
from rustybt.engine.setup import Setup
from rustybt.engine.span import span_of
from rustybt.engine.strategy import Hooks, Strategy, hooks_of
from rustybt.errors import InvalidParameter
from rustybt.finance.rules import ZIPLINE, Rules, rules_of
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
    benchmark_returns: pd.Series | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
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
    benchmark_returns : pd.Series, optional
        Simple returns by session label; zeros if omitted. `set_benchmark` goes before it.
    environ : mapping of str to str
        Where RUSTYBT_ROOT is looked up.
    strategy : Strategy, optional
        Instead of the four functions.
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
        If both a strategy and functions or params are given, or a correction or an extra has an unknown name or value.
    """
    functions = (initialize, handle_data, before_trading_start, analyze)
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
    data = load(bundle, environ=environ, timestamp=bundle_timestamp)
    return simulate(
        hooks,
        data,
        start,
        end,
        capital_base,
        data_frequency=data_frequency,
        benchmark_returns=benchmark_returns,
        analyze=True,
        rules=rules,
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
    rules: Rules = ZIPLINE,
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
    rules : Rules
        Corrections and extras, from `rustybt.finance.rules.rules_of`.

    Returns
    -------
    RunResult

    Raises
    ------
    InvalidSpan, ZeroCapitalError
        As `run_algorithm` does.
    """
    portal = portal_of(bundle, rules.full_precision_prices)
    span = span_of(portal, start, end)
    benchmark: FloatArray = np.zeros(span.size)
    if benchmark_returns is not None:
        benchmark = returns_of_series(benchmark_returns, portal, span)
    algorithm = Context(market_of(portal, data_frequency), span, capital_base, hooks, Setup(rules=rules))
    result = RunResult(simulate_sessions(algorithm, benchmark))
    if analyze and hooks.analyze is not None:
        with activated(algorithm):
            hooks.analyze(algorithm, result.perf)
    return result


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


@lru_cache(maxsize=4)
def _minute_market_of(portal: Portal) -> MinuteMarket:
    return MinuteMarket(portal)
