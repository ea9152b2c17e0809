"""How does a worker run one trial?"""

import random
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rustybt.constants import NS_PER_MINUTE
from rustybt.data import history_cache
from rustybt.data.portal import Portal, portal_of
from rustybt.data.predictions import take_statistics
from rustybt.engine.setup import Setup
from rustybt.engine.span import Span
from rustybt.engine.stop_rules import StopRules
from rustybt.engine.strategy import Hooks
from rustybt.finance.rules import ZIPLINE, Rules
from rustybt.optimization.config import WorkerLayers
from rustybt.optimization.digests.digest import Digest
from rustybt.optimization.objective import Objective
from rustybt.optimization.parameter_space import ParameterSpace, Params
from rustybt.optimization.scope import Scope
from rustybt.optimization.source import Source
from rustybt.optimization.warmup import needed_warmup
from rustybt.optimization.workers.base import Preparation
from rustybt.optimization.workers.mapped import BundleKey, open_mapped
from rustybt.optimization.workers.serial import untouched_generators
from rustybt.results.result import RunResult
from rustybt.results.stitched import prefix_metrics, stitched
from rustybt.run import simulate_span

VECTOR_MODULE = "rustybt.vector_run"

SEED = 0
"""Every trial starts the global generators here, so that a strategy that draws from them gives the same numbers in any
process, after any other trial, and when the best one is run again."""

BATCHES_KEPT = 4
"""Spans whose indicators a worker keeps for a vector strategy."""

TrialFunction = Callable[[tuple[tuple[Hashable, ...], Scope | None]], "Evaluation"]


class Evaluation(NamedTuple):
    """What a trial's backtest came to, as it crosses to the driver.

    Attributes
    ----------
    metrics : dict of str to float
        All metrics of docs/metrics.md, and the values of objectives that are functions.
    returns : bytes
        Daily returns as float32, one a session that was run.
    stopped : str
        Which rule ended the run early, and where; empty for one that came to its end.
    prefixes : tuple of (dict of str to float, int) or None
        Where the scope asked how the run stood at earlier sessions: metrics and bars of each; None where the shorter
        runs may differ from a part of this one.
    predictions : tuple of float or None
        What the strategy's models were asked for; see `rustybt.data.predictions.PredictionStatistics`.
    history : tuple of float or None
        What the blocks of bars did for its windows, as `HistoryCounts` names it; None where it asked for none.
    """

    metrics: dict[str, float]
    returns: bytes
    stopped: str = ""
    prefixes: tuple[tuple[dict[str, float], int], ...] | None = ()
    predictions: tuple[float, ...] | None = None
    history: tuple[float, ...] | None = None

    @property
    def bars(self) -> int:
        """Sessions that were run."""
        return len(self.returns) // 4


@dataclass(frozen=True)
class BacktestJob:
    """What all trials of a search have in common.

    Attributes
    ----------
    source : Source
        The strategy.
    space : ParameterSpace
        Decodes a task's keys into params.
    bundle : tuple of (root, name, version, fingerprint)
        Which every process opens by itself.
    span : Span
        Session rows of a whole backtest.
    capital_base : float
        Cash at the start.
    rules : Rules
        Corrections and extras.
    stop_rules : StopRules or None
        When a backtest is given up early.
    data_frequency : {"daily", "minute"}
        Of the bars.
    measures : tuple of Objective
        Objectives that are functions of the perf frame.
    fixed : mapping of str to value
        What the strategy gets in addition to the params.
    strategy_digest : Digest or None
        Of the source, where somebody looked already.
    """

    source: Source
    space: ParameterSpace
    bundle: BundleKey
    span: Span
    capital_base: float
    rules: Rules = ZIPLINE
    stop_rules: StopRules | None = None
    data_frequency: str = "daily"
    measures: tuple[Objective, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    strategy_digest: Digest | None = None

    @property
    def preparation(self) -> Preparation:
        """Its module with all that it imports, the vector tier where the strategy needs it, and the bundle."""
        modules = (__name__, VECTOR_MODULE) if self.source.is_vector else (__name__,)
        return Preparation(modules, (self.bundle,))

    @property
    def portal(self) -> Portal:
        """The process's portal of the bundle."""
        return portal_of(open_mapped(*self.bundle), self.rules.full_precision_prices)

    def compile(self) -> None:
        """Let the kernels be compiled here, once, where the strategy needs any and no earlier process did."""
        if self.source.is_vector:
            vector: Any = import_module(VECTOR_MODULE)
            vector.compile_kernels(open_mapped(*self.bundle), *self.dates)

    @property
    def dates(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """Labels of the first and last session."""
        labels = self.portal.session_labels
        return labels[self.span.first], labels[self.span.last]

    @property
    def bars(self) -> int:
        """Of a whole backtest: sessions, or the minutes of all sessions."""
        if self.data_frequency != "minute":
            return self.span.size
        table, rows = self.portal.session_table, slice(self.span.first, self.span.last + 1)
        return int(((table.close_ns[rows] - table.open_ns[rows]) // NS_PER_MINUTE + 1).sum())

    def open(self) -> TrialFunction:
        """Give the function of a trial.

        Returns
        -------
        callable
            Takes the params as keys of the space, and the scope, None for a whole backtest; gives an `Evaluation`.
        """
        portal, runs_batch = self.portal, self.source.is_vector and not self.measures
        whole = Scope.of(self.span)
        batch_over, decode = lru_cache(BATCHES_KEPT)(self._batch), self.space.decode

        def run_trial(task: tuple[tuple[Hashable, ...], Scope | None]) -> Evaluation:
            keys, scope = task[0], task[1] or whole
            seed_generators()
            params = decode(keys)
            if runs_batch and len(scope.spans) == 1 and not scope.warmup:
                return self._evaluate_batch(batch_over(scope.spans[0]), params, scope)
            return self._evaluate(portal, params, scope)

        return run_trial

    def _evaluate_batch(self, batch: Any, params: Params, scope: Scope) -> Evaluation:
        """Run a vector strategy, and keep nothing but metrics and returns."""
        first, last = scope.spans[0]
        prefixes: tuple[tuple[dict[str, float], int], ...] | None = ()
        if scope.ends:
            counts = [end - first + 1 for end in (*scope.ends, last)]
            runs = batch.run_prefixes(self._vector(params), counts)
            seed_generators()
            run = batch.run(self._vector(params)) if runs is None else runs[-1]
            prefixes = None if runs is None else tuple((one.metrics, len(one.returns)) for one in runs[:-1])
        else:
            run = batch.run(self._vector(params))
        stopped = "" if run.stopped is None else str(run.stopped)
        return Evaluation(run.metrics, run.returns.astype(np.float32).tobytes(), stopped, prefixes, asked_of_models())

    def _batch(self, span: tuple[int, int]) -> Any:
        vector: Any = import_module(VECTOR_MODULE)  # brings numba, which other jobs do without
        run = vector.VectorRun(self.portal, Span(*span), self.capital_base, self._setup())
        return vector.Batch(run, np.zeros(Span(*span).size))

    def _vector(self, params: Params) -> Any:
        return self.source.vector({**params, **self.fixed} if self.fixed else params)

    def _hooks(self, params: Params) -> Hooks:
        return self.source.hooks({**params, **self.fixed} if self.fixed else params)

    def _evaluate(self, portal: Portal, params: Params, scope: Scope) -> Evaluation:
        """Run every span of a scope, and give what they come to together."""
        results = [self._run_span(portal, params, Span(*span), scope) for span in scope.spans]
        whole = results[0] if len(results) == 1 else stitched(results)
        metrics = dict(whole.metrics)
        if self.measures:
            perf = results[0].perf if len(results) == 1 else pd.concat([result.perf for result in results])
            metrics |= {measure.metric: float(measure.function(perf)) for measure in self.measures if measure.function}
        stop = next((result.stopped for result in results if result.stopped is not None), None)
        prefixes = self._prefixes(results[0], scope) if scope.ends else ()
        returns = np.asarray(whole.returns).astype(np.float32).tobytes()
        stopped = "" if stop is None else str(stop)
        return Evaluation(metrics, returns, stopped, prefixes, asked_of_models(), asked_of_history())

    def _prefixes(self, result: RunResult, scope: Scope) -> tuple[tuple[dict[str, float], int], ...] | None:
        if result.stopped is not None or not result.is_prefix_safe:
            return None
        first = scope.spans[0][0]
        return tuple((prefix_metrics(result, end - first + 1), end - first + 1) for end in scope.ends)

    def _run_span(self, portal: Portal, params: Params, span: Span, scope: Scope) -> RunResult:
        warmup = self._warmup(portal, params, span, scope.warmup) if scope.finds_warmup else scope.warmup
        seed_generators()
        return simulate_span(
            self._hooks(params),
            portal,
            span,
            self.capital_base,
            data_frequency=self.data_frequency,
            setup=self._setup(warmup),
        )

    def _warmup(self, portal: Portal, params: Params, span: Span, most: int) -> int:
        """Find how many sessions before a span the strategy needs to be warm."""

        def hooks() -> Hooks:
            seed_generators()
            return self._hooks(params)

        return needed_warmup(
            hooks, portal, span, most, self.capital_base, data_frequency=self.data_frequency, setup=self._setup()
        )

    def _setup(self, warmup: int = 0) -> Setup:
        return Setup(rules=self.rules, stop_rules=self.stop_rules, warmup_sessions=warmup)

    def rerun(self, params: Params, scope: Scope | None = None) -> RunResult:
        """Run the one backtest of some params, and leave the process's own random numbers as they were."""
        scope = scope or Scope.of(self.span)
        with untouched_generators():
            return self._run_span(self.portal, params, Span(*scope.spans[0]), scope)


@dataclass(frozen=True)
class JobSet:
    """Several jobs as one, for a pool that runs searches of different strategies, symbols or windows side by side.

    Attributes
    ----------
    jobs : tuple of BacktestJob
        A task names one by its place.
    layers : WorkerLayers
        What the processes use that run them.
    """

    jobs: tuple[BacktestJob, ...]
    layers: WorkerLayers = WorkerLayers()

    @property
    def preparation(self) -> Preparation:
        """What all of them will use."""
        modules = dict.fromkeys(name for job in self.jobs for name in job.preparation.modules)
        bundles = dict.fromkeys(job.bundle for job in self.jobs) if self.layers.shared_bundle else ()
        return Preparation(tuple(modules), tuple(bundles))

    def open(self) -> Callable[[tuple[int, tuple[Hashable, ...], Scope | None]], Evaluation]:
        """Give the function of a task, which is a job's place, keys and scope; jobs are opened when first asked for."""
        opened: dict[int, TrialFunction] = {}
        self.layers.limit()

        def run_trial(task: tuple[int, tuple[Hashable, ...], Scope | None]) -> Evaluation:
            forget_what_was_asked()
            place, keys, scope = task
            function = opened.get(place)
            if function is None:
                function = opened[place] = self.jobs[place].open()
            return function((keys, scope))

        if len(self.jobs) == 1:
            opened[0] = self.jobs[0].open()  # a strategy that cannot be opened is an error of the run, not of a trial
        if self.layers.history_cache and self.layers.prediction_cache:
            return run_trial

        def run_with_less(task: tuple[int, tuple[Hashable, ...], Scope | None]) -> Evaluation:
            with self.layers.applied():
                return run_trial(task)

        return run_with_less


def forget_what_was_asked() -> None:
    """Leave out of a trial's figures what else this process has asked since the last one."""
    take_statistics()
    history_cache.take_counts()


def asked_of_models() -> tuple[float, ...] | None:
    """Give what the trial asked of models, as plain numbers; None for a strategy without one."""
    statistics = take_statistics()
    return tuple(statistics) if statistics.calls else None


def asked_of_history() -> tuple[float, ...] | None:
    """Give what the trial's windows asked of the process's blocks, as plain numbers; None where they asked for none."""
    counts = history_cache.take_counts()
    return tuple(counts) if counts.hits or counts.misses else None


def seed_generators() -> None:
    """Start the global generators where every trial starts them."""
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002 - the generator that user code draws from when it does not make its own
