"""How do strategies that decide for all sessions at once run, one alone or many as a batch?"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray
from rustybt.data.bars import Bars
from rustybt.data.bundles import load
from rustybt.data.portal import Portal, portal_of
from rustybt.data.store import BundleData
from rustybt.engine.benchmark import returns_of_asset, returns_of_series
from rustybt.engine.setup import DEFAULT_SETUP, Setup
from rustybt.engine.span import Span, span_of
from rustybt.engine.stop_rules import Stop
from rustybt.engine.vector import VectorRun
from rustybt.engine.vector_records import records_of
from rustybt.engine.vector_strategy import VectorStrategy
from rustybt.errors import InvalidParameter, MultipleSymbolsFound, SymbolNotFound
from rustybt.kernels.compiled import is_compiled
from rustybt.kernels.compiled_trips import pair_fills
from rustybt.kernels.simulation import simulate
from rustybt.results.result import RunResult
from rustybt.results.vector_metrics import VectorMetrics


def simulate_vector(
    strategy: VectorStrategy, portal: Portal, span: Span, capital_base: float, setup: Setup, benchmark: FloatArray
) -> RunResult:
    """Run one strategy, and keep all that a perf frame shows.

    Parameters
    ----------
    strategy : VectorStrategy
        With its parameters set.
    portal, span, capital_base, setup
        As in any run.
    benchmark : float64 array, shape (n_sessions,)
        Simple returns; the strategy's own benchmark goes before them.

    Returns
    -------
    RunResult

    Raises
    ------
    InvalidParameter
        If the run asks for what only the event tier can do.
    """
    run = VectorRun(portal, span, capital_base, setup)
    run.check()
    outcome = run.run(strategy, keeps_orders=True)
    records = records_of(run, outcome, benchmark_of(run, strategy, benchmark))
    named = strategy.benchmark
    return RunResult(records if named is None else records._replace(benchmark=run.lookup(named)))


def run_batch(
    strategy_class: type[VectorStrategy],
    params: Iterable[Mapping[str, Any]],
    bundle: str | BundleData = "mag-7",
    start: Any = None,
    end: Any = None,
    capital_base: float = 10_000_000.0,
    *,
    benchmark_returns: pd.Series | None = None,
    setup: Setup = DEFAULT_SETUP,
    environ: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Run a vector strategy with many sets of parameters, and give the metrics of each.

    Indicators that sets share are computed once, and nothing of a run is kept but its metrics: memory does not grow
    with their number.

    Parameters
    ----------
    strategy_class : type
        A subclass of `rustybt.VectorStrategy`.
    params : iterable of mapping
        One set of parameters a run.
    bundle : str or BundleData
        Name of an ingested bundle, or an opened one.
    start, end : date-like, optional
        First and last day; the bundle's own if omitted.
    capital_base : float
        Cash at the start.
    benchmark_returns : pd.Series, optional
        Simple returns by session label; a benchmark that the class names goes before it.
    setup : Setup
        Costs, corrections, extras and stop rules; see `rustybt.engine.setup.setup_of`.
    environ : mapping of str to str, optional
        Where RUSTYBT_ROOT is looked up; by default the process's environment variables.

    Returns
    -------
    pd.DataFrame
        One row a set: its parameters, then every metric of docs/metrics.md, and with stop rules "stopped", why a run
        was given up or None.

    Raises
    ------
    InvalidParameter
        If the class is none, a set has an unknown parameter or one named as a metric is, or the run asks for what only
        the event tier can do.
    UnknownBundle, InvalidSpan
        If the bundle is not there, or the days do not fit it.

    Examples
    --------
    >>> from rustybt import VectorStrategy
    >>> from rustybt.data.bundles import ingest
    >>> _ = ingest("mag-7")
    >>> class Hold(VectorStrategy):
    ...     weight = 0.1
    ...     def target_percent(self, bars, weight):
    ...         return np.full(bars.shape, weight)
    >>> sets = [{"weight": 0.0}, {"weight": 0.1}]
    >>> run_batch(Hold, sets, "mag-7", "2020-01-02", "2020-12-31")[["weight", "fills"]].iloc[0].tolist()
    [0.0, 0.0]
    """
    if not (isinstance(strategy_class, type) and issubclass(strategy_class, VectorStrategy)):
        raise InvalidParameter(f"strategy_class {strategy_class!r} is no subclass of rustybt.VectorStrategy")
    data = bundle if isinstance(bundle, BundleData) else load(bundle, environ=environ)
    batch = Batch.over(data, start, end, capital_base, setup, benchmark_returns)
    rows, stops = [], []
    for one in params:
        run = batch.run(strategy_class(**one))
        clashing = [name for name in one if name in run.metrics]
        if clashing:
            raise InvalidParameter(
                f"parameter {clashing[0]!r} has the name of a metric: its column would hide it, rename"
            )
        rows.append({**one, **run.metrics})
        stops.append(run.stopped and str(run.stopped))
    frame = pd.DataFrame(rows)
    if setup.stop_rules is not None:
        frame["stopped"] = pd.Series(stops, index=frame.index, dtype=object)
    return frame


class BatchRun(NamedTuple):
    """What is kept of one run of a batch.

    Attributes
    ----------
    metrics : dict of str to float
        Every metric of docs/metrics.md.
    returns : float64 array, shape (n_sessions,)
        Simple returns of the sessions that were run.
    stopped : Stop or None
        Where and why it was given up.
    """

    metrics: dict[str, float]
    returns: FloatArray
    stopped: Stop | None


class Batch:
    """Runs one vector strategy after another over the same sessions, in the same memory.

    Parameters
    ----------
    run : VectorRun
        What they have in common.
    benchmark : float64 array, shape (n_sessions,)
        Simple returns; a benchmark that a strategy names goes before them.

    Raises
    ------
    InvalidParameter
        If the runs ask for what only the event tier can do.
    """

    def __init__(self, run: VectorRun, benchmark: FloatArray) -> None:
        run.check()
        self._run = run
        self._benchmark = benchmark
        self._metrics = VectorMetrics(run.capital_base, run.setup.rules.fractional_shares)

    @classmethod
    def over(
        cls,
        bundle: BundleData,
        start: Any,
        end: Any,
        capital_base: float,
        setup: Setup,
        benchmark_returns: pd.Series | None = None,
    ) -> "Batch":
        """Give a batch over the days of a bundle; see `run_batch`."""
        portal = portal_of(bundle, setup.rules.full_precision_prices)
        span = span_of(portal, start, end)
        benchmark = np.zeros(span.size)
        if benchmark_returns is not None:
            benchmark = returns_of_series(benchmark_returns, portal, span)
        return cls(VectorRun(portal, span, capital_base, setup), benchmark)

    def run(self, strategy: VectorStrategy) -> BatchRun:
        """Run a strategy with its parameters set."""
        outcome = self._run.run(strategy, keeps_orders=False)
        benchmark = benchmark_of(self._run, strategy, self._benchmark)
        return BatchRun(self._metrics.of(outcome, benchmark), outcome.returns.copy(), outcome.stopped)

    def run_prefixes(self, strategy: VectorStrategy, sessions: Sequence[int]) -> tuple[BatchRun, ...] | None:
        """Run a strategy once, and give what runs that end after its first sessions would have come to.

        Parameters
        ----------
        strategy : VectorStrategy
            With its parameters set.
        sessions : sequence of int
            How many each of them has, from 1 to those of the batch.

        Returns
        -------
        tuple of BatchRun, or None
            One for each number, equal to the last bit to the run of a batch over those sessions; None where the shorter
            runs would differ: a ticker then names another asset, the strategy decides otherwise when it is shown fewer
            sessions, as one does that looks ahead in its arrays, or a stop rule ended the run.
        """
        shorter = [self._until(count) for count in sessions]
        if not self._names_the_same(strategy, shorter):
            return None
        untouched = copy(strategy)
        decisions = self._run.decide(strategy)
        for last in sorted({run.span.last for run in shorter} - {self._run.span.last}):
            early = self._run.decide(copy(untouched), last)
            if not np.array_equal(decisions[: len(early)], early, equal_nan=True):
                return None
        outcome = self._run.simulate(strategy, decisions, keeps_orders=False)
        if outcome.stopped is not None:
            return None
        found = []
        for run in shorter:
            count = run.span.size
            benchmark = benchmark_of(run, strategy, self._benchmark[:count])
            found.append(BatchRun(self._metrics.of(outcome, benchmark, count), outcome.returns[:count].copy(), None))
        return tuple(found)

    def _until(self, sessions: int) -> VectorRun:
        span = self._run.span
        if not 1 <= sessions <= span.size:
            raise InvalidParameter(f"sessions {sessions} is none of 1 to {span.size}, which the batch has")
        return self._run._replace(span=span._replace(last=span.first + sessions - 1))

    def _names_the_same(self, strategy: VectorStrategy, shorter: Sequence[VectorRun]) -> bool:
        """Say whether the strategy's tickers name the same assets as of the end of every run."""
        own = self._run.assets_of(strategy)
        try:
            return all(run.assets_of(strategy) == own for run in shorter)
        except (SymbolNotFound, MultipleSymbolsFound):
            return False


class Idle(VectorStrategy):
    """Decides nothing."""

    def target_percent(self, bars: Bars) -> FloatArray:  # type: ignore[override]
        """Decide nothing."""
        return np.full(bars.shape, np.nan)


def compile_kernels(bundle: BundleData, start: Any, end: Any) -> None:
    """Compile what a batch runs, unless an earlier process did; so several workers need not do it at the same time."""
    if not (is_compiled(simulate) and is_compiled(pair_fills)):
        idle = Idle()
        idle.assets = bundle.asset_finder.equities[:1]
        Batch.over(bundle, start, end, 1.0, DEFAULT_SETUP).run(idle)


def benchmark_of(run: VectorRun, strategy: VectorStrategy, benchmark: FloatArray) -> FloatArray:
    """Give the returns of the benchmark that a strategy names, or those given."""
    if strategy.benchmark is None:
        return benchmark
    return returns_of_asset(run.lookup(strategy.benchmark), run.portal, run.span)
