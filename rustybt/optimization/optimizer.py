"""How does a search over a strategy's parameters run from beginning to end?"""

import math
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from numbers import Real
from typing import Any

from rustybt._typing import PathLike
from rustybt.data.bundles import load
from rustybt.data.portal import portal_of
from rustybt.data.store import BundleData
from rustybt.engine.context import is_capital
from rustybt.engine.span import span_of
from rustybt.engine.strategy import Hooks, Strategy
from rustybt.errors import AllTrialsFailed, InvalidParameter, ZeroCapitalError
from rustybt.finance.rules import ZIPLINE, Rules
from rustybt.optimization.backtest import BacktestJob
from rustybt.optimization.conditions import Conditions
from rustybt.optimization.objective import Objective
from rustybt.optimization.parameter_space import ParameterSpace, space_of
from rustybt.optimization.parameters import Parameter
from rustybt.optimization.progress import TrialProgress
from rustybt.optimization.result import OptimizationInterrupted, OptimizationResult, trial_of
from rustybt.optimization.sampled import SampledJob, keep_samples
from rustybt.optimization.schedule import Schedule
from rustybt.optimization.search.base import Proposals, Search
from rustybt.optimization.search.grid_search import GridSearch
from rustybt.optimization.source import (
    ClassSource,
    FunctionSource,
    Source,
    read_script,
    settings_of,
    source_of_class,
    space_from,
)
from rustybt.optimization.trial import Trial, TrialStatus
from rustybt.optimization.workers.base import Job, WorkerPool
from rustybt.optimization.workers.mapped import open_mapped
from rustybt.optimization.workers.pool import SHARED, worker_count
from rustybt.optimization.workers.serial import SerialPool
from rustybt.profiling import Profile
from rustybt.results.metrics import METRICS

DEFAULTS: Mapping[str, Any] = {"start": None, "end": None, "capital_base": 10_000_000.0, "objective": "sharpe"}


class Optimizer:
    """Runs a strategy over a space of parameters and keeps every trial.

    What is not given is taken from the strategy class's attributes of the same name.

    Parameters
    ----------
    strategy_class : type, optional
        A subclass of `rustybt.Strategy`; its parameters are its attributes.
    script : path-like, optional
        Instead, a file with one such class, or with a Zipline script's functions, which find their parameters in
        `context.params`, and with their space as `parameters = {"fast": Integer(5, 50), ...}`.
    initialize, handle_data, before_trading_start : callable, optional
        Instead, functions as `run_algorithm` takes them.
    space : mapping of str to Parameter, or ParameterSpace, optional
        The parameters of functions or a script; it goes before the script's own.
    conditions : condition or iterable of conditions, optional
        In addition to the class's, the script's and the search's: functions of the params, or expressions such as
        "fast < slow".
    bundle : str or BundleData
        The data.
    start, end : date-like, optional
        First and last day of every backtest; the bundle's own if omitted.
    capital_base : float, optional
        Cash at the start; 10,000,000 if omitted.
    rules : Rules, optional
        Corrections and extras of every backtest, from `rustybt.finance.rules.rules_of`; Zipline's rules if omitted.
    search : Search, optional
        What proposes; every combination if omitted.
    objective : str or Objective, optional
        A metric's name, "maximize NAME" or "minimize NAME"; "sharpe" if omitted.
    num_workers : int or "auto", optional
        Processes; 1 runs in this one. Results do not depend on it.
    pool : WorkerPool, optional
        Instead of the pool that all runs of this process share.
    trial_timeout_s : float, optional
        Limit of one backtest's time.
    progress : bool, optional
        Show a progress bar on stderr; if omitted, where that is a terminal.
    profile : Profile, optional
        Lets worker processes sample where their time goes, and adds it to this profile of the process's own.

    Attributes
    ----------
    partial : OptimizationResult or None
        The trials of the latest run that came back, whatever ended it.

    Raises
    ------
    InvalidParameter
        If the strategy, its space, the search, the objective or a number makes no sense.

    Notes
    -----
    Results do not depend on the number of workers as long as a trial depends on nothing but its params: keep state on
    `context` or on the instance, not on the class or its module, which the trials of one process share. (A script's
    functions start every trial with fresh globals.) The global generators of `random` and NumPy are seeded before
    every trial. Worker processes have string hashing fixed, so that sets of words are in the same order in each.

    Examples
    --------
    >>> from rustybt import Strategy
    >>> from rustybt.optimization import Integer
    >>> class Hold(Strategy):
    ...     shares = Integer(1, 3)
    >>> Optimizer(strategy_class=Hold, bundle="mag-7", objective="annual_return").space.size
    3
    """

    def __init__(
        self,
        strategy_class: type[Strategy] | None = None,
        *,
        script: PathLike | None = None,
        initialize: Callable[..., Any] | None = None,
        handle_data: Callable[..., Any] | None = None,
        before_trading_start: Callable[..., Any] | None = None,
        space: Mapping[str, Parameter] | ParameterSpace | None = None,
        conditions: Conditions = (),
        bundle: str | BundleData | None = None,
        start: Any = None,
        end: Any = None,
        capital_base: float | None = None,
        rules: Rules = ZIPLINE,
        search: Search | None = None,
        objective: str | Objective | None = None,
        num_workers: int | str = 1,
        pool: WorkerPool | None = None,
        trial_timeout_s: float | None = None,
        progress: bool | None = None,
        profile: Profile | None = None,
    ) -> None:
        functions = Hooks(initialize, handle_data, before_trading_start)
        self.source, own_space, carried = strategy_of(strategy_class, script, functions)
        if space is not None and isinstance(self.source, ClassSource):
            raise InvalidParameter("space was passed for a strategy class, whose parameters are its own attributes")
        self.space = (own_space if space is None else space_from(space)).with_conditions(conditions)
        given = {"bundle": bundle, "start": start, "end": end, "capital_base": capital_base}
        given |= {"search": search, "objective": objective}
        settings = {**DEFAULTS, **carried, **{name: value for name, value in given.items() if value is not None}}
        if "bundle" not in settings:
            raise InvalidParameter('bundle is missing: pass bundle="NAME", or set it on the strategy class')
        self.bundle = settings["bundle"]
        self.start, self.end, self.capital_base = settings["start"], settings["end"], settings["capital_base"]
        self.search = settings.get("search", GridSearch())
        self.objective = Objective.of(settings["objective"])
        self.num_workers, self.pool, self.trial_timeout_s = worker_count(num_workers), pool, trial_timeout_s
        self.progress, self.profile = progress, profile
        self.rules = rules
        self.partial: OptimizationResult | None = None
        self._check()

    def _check(self) -> None:
        if not isinstance(self.search, Search):
            raise InvalidParameter(f"search {self.search!r} is no search: give an instance such as GridSearch()")
        self.objective.require_known(METRICS)
        if not isinstance(self.rules, Rules):
            raise InvalidParameter(f"rules {self.rules!r} are none: make them with rustybt.finance.rules.rules_of(...)")
        if isinstance(self.capital_base, bool) or not isinstance(self.capital_base, Real):
            raise InvalidParameter(f"capital_base {self.capital_base!r} is no number")
        if not is_capital(self.capital_base):
            raise ZeroCapitalError(f"capital_base {self.capital_base} is not above 0: give the cash to start with")

    def run(self) -> OptimizationResult:
        """Run the search to its end.

        Returns
        -------
        OptimizationResult
            All trials in the order of proposal. Failed ones are among them.

        Raises
        ------
        UnknownBundle, InvalidSpan
            If the bundle is not there, or start and end do not fit it.
        InvalidParameter
            If the search finds no combination.
        AllTrialsFailed
            If no backtest came to its end; the message says why the first one did not, its `result` holds all.
        OptimizationInterrupted
            On Ctrl-C; a KeyboardInterrupt whose `result` holds the trials that were finished.
        """
        began = time.monotonic()
        bundle = self.bundle if isinstance(self.bundle, BundleData) else load(self.bundle)
        span_of(portal_of(bundle), self.start, self.end)
        key = (str(bundle.root.resolve()), bundle.name, bundle.version, bundle.fingerprint)
        open_mapped(*key)  # makes what is missing of the arrays here, where threads do no harm
        job = BacktestJob(self.source, self.space, key, self.start, self.end, float(self.capital_base), self.rules)
        job.compile()
        proposals = self.search.begin(self.space)
        trials: dict[int, Trial] = {}

        def result() -> OptimizationResult:
            records = [trials[number] for number in sorted(trials)]
            return OptimizationResult(records, self.objective, self.space.names, job.rerun, time.monotonic() - began)

        try:
            with closing(self._trials(job, proposals)) as arriving:
                for trial in arriving:
                    trials[trial.number] = trial
        except KeyboardInterrupt:
            of = f" of {proposals.total}" if proposals.total is not None else ""
            message = f"interrupted after {len(trials)}{of} trials; the finished ones are in this error's result"
            raise OptimizationInterrupted(message, result()) from None
        finally:
            self.partial = result()
        if not any(trial.status is TrialStatus.COMPLETE for trial in trials.values()):
            raise all_failed(result())
        return result()

    def _trials(self, job: BacktestJob, proposals: Proposals) -> Generator[Trial, None, None]:
        """Yield trials as they come back, and tell search and user about them."""
        schedule = Schedule(proposals, self.space)
        pool = self._pool()
        asked: Job = job if self.profile is None else SampledJob.of(job, self.profile)
        outcomes = pool.run(asked, schedule.take, total=proposals.total, timeout_s=self.trial_timeout_s)
        if self.profile is not None:
            outcomes = keep_samples(outcomes, self.profile, pool.num_workers)
        best = math.nan
        with closing(outcomes), TrialProgress(self.source.name, proposals.total, self.progress) as progress:
            for number, outcome in outcomes:
                trial = trial_of(number, schedule.params[number], outcome, self.objective)
                schedule.hear(number, trial.score)
                better = trial.has_score and self.objective.better(trial.score, best)
                best = trial.score if better else best
                progress.count(trial.status is not TrialStatus.COMPLETE, f"{best:.4g}" if better else None)
                yield trial

    def _pool(self) -> WorkerPool:
        if self.pool is not None:
            return self.pool
        return SerialPool() if self.num_workers == 1 and self.trial_timeout_s is None else SHARED.of(self.num_workers)


def strategy_of(
    strategy_class: type[Strategy] | None, script: PathLike | None, functions: Hooks
) -> tuple[Source, ParameterSpace, Mapping[str, Any]]:
    """Give the one strategy that was passed, its own space and what it carries, or say that it is none or not one."""
    has_functions = functions.initialize is not None or functions.handle_data is not None
    if (strategy_class is not None) + (script is not None) + has_functions != 1:
        raise InvalidParameter("pass one of strategy_class=, script=, or initialize= and handle_data=")
    if strategy_class is not None:
        return source_of_class(strategy_class), space_of(strategy_class), settings_of(strategy_class)
    if script is not None:
        return read_script(script)
    return FunctionSource(functions), ParameterSpace({}), {}


def all_failed(result: OptimizationResult) -> AllTrialsFailed:
    """Give the error of a run without a complete trial."""
    first = result.records[0]
    error = AllTrialsFailed(
        f"all {len(result)} trials failed; the first, {dict(first.params)!r}, because: {first.reason}", result
    )
    error.add_note(first.error)
    return error
