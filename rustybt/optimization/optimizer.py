"""How does a search over a strategy's parameters run from beginning to end?"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from rustybt._typing import PathLike
from rustybt.data.store import BundleData
from rustybt.engine.stop_rules import StopRules
from rustybt.engine.strategy import Hooks, Strategy
from rustybt.errors import AllTrialsFailed, InvalidParameter
from rustybt.finance.rules import ZIPLINE, Rules
from rustybt.optimization.arguments import cache_of, config_of, folder_of, goal_of, strategy_of, symbols_of
from rustybt.optimization.conditions import Conditions
from rustybt.optimization.config import OptimizationConfig
from rustybt.optimization.constraints import ConstraintLike
from rustybt.optimization.execution import Execution
from rustybt.optimization.grouped_result import GroupedResult
from rustybt.optimization.journal import Journal
from rustybt.optimization.objective import Objective, ObjectiveLike
from rustybt.optimization.parameter_space import ParameterSpace
from rustybt.optimization.parameters import Parameter
from rustybt.optimization.plan import Plan, Planned, stop_rules_of
from rustybt.optimization.pools import pool_choice
from rustybt.optimization.result import OptimizationInterrupted, OptimizationResult
from rustybt.optimization.result_cache import ResultCache
from rustybt.optimization.search.base import Search
from rustybt.optimization.search.grid_search import GridSearch
from rustybt.optimization.source import (
    ClassSource,
    space_from,
)
from rustybt.optimization.trial import TrialStatus
from rustybt.optimization.walk_forward import WalkForward
from rustybt.optimization.workers.base import WorkerPool
from rustybt.optimization.workers.limits import check_limit
from rustybt.profiling import Profile

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
    fixed : mapping of str to value, optional
        Parameters that take one value in every trial, and further attributes (or `context.params`) of the strategy.
    conditions : condition or iterable of conditions, optional
        In addition to the class's, the script's and the search's: functions of the params, or expressions such as
        "fast < slow".
    bundle : str or BundleData
        The data.
    start, end : date-like, optional
        First and last day of every backtest; the bundle's own if omitted.
    capital_base : float, optional
        Cash at the start; 10,000,000 if omitted.
    data_frequency : {"daily", "minute"}, optional
        Of the bars.
    rules : Rules, optional
        Corrections and extras of every backtest, from `rustybt.finance.rules.rules_of`; Zipline's rules if omitted.
    stop_rules : StopRules or bool, optional
        When a backtest is given up early. True: a drawdown over 50%, less than a tenth of the capital, or a negative
        return after 500 bars, looked at every 100 bars and never before 200. Never, if omitted.
    search : Search or WalkForward, optional
        What proposes; every combination if omitted.
    objective : str, callable, Objective, or a list of those; optional
        A metric's name, "maximize NAME" or "minimize NAME", or a function of the perf frame; "sharpe" if omitted. Of
        several the first one decides what is best.
    constraints : str, callable, or a list of those; optional
        What a trial must meet to be compared: "max_drawdown < 0.3", "trades > 50", a function of the metrics.
    per_symbol : bool, optional
        Search for each of `symbols` alone: the strategy gets it as `symbol` (or as `assets`, a tuple of one, where it
        has such an attribute); functions find it in `context.params["symbol"]`.
    symbols : iterable of str, optional
        Which; all of the bundle if omitted.
    fast : bool, optional
        For development: use half of the data (the later half of the span, or every second window). Every result says
        so.
    num_workers : int or "auto", optional
        Processes; 1 runs in this one. Results do not depend on it.
    pool : WorkerPool, optional
        Instead of the pool that all runs of this process share.
    backend : {"processes", "dask"}, optional
        Where workers run: on this machine, or as a Dask cluster's.
    scheduler : str, optional
        Address of the Dask scheduler; a cluster of this machine if omitted.
    trial_timeout_s : float, optional
        Limit of one backtest's time.
    worker_memory_mb : float, optional
        Limit of what one worker process holds for itself, in units of 2**20 bytes.
    storage : path-like, optional
        Folder of a journal of every finished trial, from which `resume` goes on after the process was killed.
    result_cache : ResultCache or bool, optional
        Outcomes of equal trials, which then cost no simulation. True: the one of this process. False: none.
    config : OptimizationConfig, optional
        Switches of the layers; each decides for itself if omitted.
    progress : bool, optional
        Show a progress bar on stderr; if omitted, where that is a terminal.
    profile : Profile, optional
        Lets worker processes sample where their time goes, and adds it to this profile of the process's own. Then every
        trial is simulated: a known outcome would show nothing.

    Attributes
    ----------
    partial : OptimizationResult or None
        The trials of the latest run that came back, whatever ended it.

    Raises
    ------
    InvalidParameter
        If the strategy, its space, the search, the objective or a number, such as a limit, makes no sense.

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
        fixed: Mapping[str, Any] | None = None,
        conditions: Conditions = (),
        bundle: str | BundleData | None = None,
        start: Any = None,
        end: Any = None,
        capital_base: float | None = None,
        data_frequency: str = "daily",
        rules: Rules = ZIPLINE,
        stop_rules: StopRules | bool | None = None,
        search: Search | WalkForward | None = None,
        objective: ObjectiveLike | Iterable[ObjectiveLike] | None = None,
        constraints: ConstraintLike | Iterable[ConstraintLike] = (),
        per_symbol: bool = False,
        symbols: Iterable[str] | None = None,
        fast: bool = False,
        num_workers: int | str = 1,
        pool: WorkerPool | None = None,
        backend: str = "processes",
        scheduler: str | None = None,
        trial_timeout_s: float | None = None,
        worker_memory_mb: float | None = None,
        storage: PathLike | None = None,
        result_cache: ResultCache | bool = True,
        config: OptimizationConfig | None = None,
        progress: bool | None = None,
        profile: Profile | None = None,
    ) -> None:
        functions = Hooks(initialize, handle_data, before_trading_start)
        source, own_space, carried = strategy_of(strategy_class, script, functions)
        if space is not None and isinstance(source, ClassSource):
            raise InvalidParameter("space was passed for a strategy class, whose parameters are its own attributes")
        ruled = (own_space if space is None else space_from(space)).with_conditions(conditions)
        among = {name: value for name, value in (fixed or {}).items() if name in ruled.parameters}
        source.check_attributes(name for name in fixed or {} if name not in among)
        given = {"bundle": bundle, "start": start, "end": end, "capital_base": capital_base}
        given |= {"search": search, "objective": objective}
        settings = {**DEFAULTS, **carried, **{name: value for name, value in given.items() if value is not None}}
        if "bundle" not in settings:
            raise InvalidParameter(
                'bundle is missing: pass bundle="NAME" (-b NAME on the command line), or set it on the strategy class'
            )
        self.plan = Plan(
            source=source,
            space=ruled.fix(among) if among else ruled,
            bundle=settings["bundle"],
            start=settings["start"],
            end=settings["end"],
            capital_base=settings["capital_base"],
            data_frequency=data_frequency,
            rules=rules,
            stop_rules=stop_rules_of(stop_rules, settings["capital_base"]),
            search=settings.get("search", GridSearch()),
            goal=goal_of(settings["objective"], constraints),
            symbols=symbols_of(per_symbol, symbols),
            fast=fast,
            fixed={name: value for name, value in (fixed or {}).items() if name not in among},
        )
        self.plan.check()
        check_limit("trial_timeout_s", trial_timeout_s)
        check_limit("worker_memory_mb", worker_memory_mb)
        has_limits = trial_timeout_s is not None or worker_memory_mb is not None
        self._choose_pool = pool_choice(pool, num_workers, backend, scheduler, has_limits)
        self._limits = {"timeout_s": trial_timeout_s, "memory_mb": worker_memory_mb}
        self.storage = None if storage is None else folder_of(storage)
        self.config = config_of(config)
        cache = cache_of(result_cache, self.config)
        self.result_cache = cache if profile is None else None
        self.progress, self.profile = progress, profile
        self.partial: OptimizationResult | None = None

    @property
    def space(self) -> ParameterSpace:
        """What is searched."""
        return self.plan.space

    @property
    def search(self) -> Search | WalkForward:
        """What proposes."""
        return self.plan.search

    @property
    def objective(self) -> Objective:
        """The first objective."""
        return self.plan.goal.objectives[0]

    @property
    def bundle(self) -> str | BundleData:
        """The data, as it was given."""
        return self.plan.bundle

    @property
    def capital_base(self) -> float:
        """Cash at the start."""
        return self.plan.capital_base

    def run(self) -> OptimizationResult:
        """Run the search to its end.

        Returns
        -------
        OptimizationResult
            All trials in the order of proposal. Failed ones are among them. Of a run per symbol a `GroupedResult`.

        Raises
        ------
        UnknownBundle, InvalidSpan
            If the bundle is not there, or start and end do not fit it.
        InvalidParameter
            If the search finds no combination.
        JournalExists, StorageError
            If the storage holds a run already, or cannot be written.
        AllTrialsFailed
            If no backtest came to its end; the message says why the first one did not, its `result` holds all.
        OptimizationInterrupted
            On Ctrl-C; a KeyboardInterrupt whose `result` holds the trials that were finished.
        """
        return self.execute(self.plan.prepare())

    def resume(self) -> OptimizationResult:
        """Go on with the run that `storage` holds; its trials are not simulated again.

        Returns
        -------
        OptimizationResult
            As an uninterrupted run gives it.

        Raises
        ------
        InvalidParameter
            If the optimizer has no storage.
        JournalMismatch
            If the strategy, the bundle, the search or another setting is not what it was when the run began.
        StorageError, JournalCorrupt
            If there is no run, or it cannot be read or written.
        """
        if self.storage is None:
            raise InvalidParameter('storage is missing: pass storage="FOLDER" of the run that is to go on')
        return self.execute(self.plan.prepare(), resume=True)

    def execute(self, planned: Planned, resume: bool = False) -> OptimizationResult:
        """Run what was planned, with this optimizer's workers and storage; see `run` and `resume`.

        Parameters
        ----------
        planned : Planned
            Of this optimizer, or of several.
        resume : bool
            Go on with the run in the storage.

        Returns
        -------
        OptimizationResult
        """
        execution = Execution(
            label=self.plan.source.name,
            parts=planned.parts,
            pool=self._choose_pool(),
            cache=self.result_cache,
            config=self.config,
            limits={name: value for name, value in self._limits.items() if value is not None},
            progress=self.progress,
            profile=self.profile,
        )
        self.partial = None
        execution.begin()  # whatever is refused here leaves no run in the storage
        with self._journal(planned, resume) as journal:
            try:
                execution.run(journal)
            except KeyboardInterrupt:
                raise interrupted(execution, self._result(planned, execution), self._how_to_go_on(planned)) from None
            finally:
                self.partial = result = self._result(planned, execution)
        if not any(trial.status in (TrialStatus.COMPLETE, TrialStatus.STOPPED) for trial in result.records):
            raise all_failed(result)
        return result

    def _journal(self, planned: Planned, resume: bool) -> AbstractContextManager[Journal | None]:
        if self.storage is None:
            return nullcontext()
        return (Journal.resume if resume else Journal.create)(self.storage, planned.settings)

    def _how_to_go_on(self, planned: Planned) -> str:
        if self.storage is None:
            return ""
        is_many = planned.is_grouped and self.plan.symbols is None
        how = "run_many with resume=True" if is_many else "resume()"
        return f" and in the storage {str(self.storage)!r}: call {how} to go on"

    def _result(self, planned: Planned, execution: Execution) -> OptimizationResult:
        info = execution.info(planned.settings, self.plan.fast)
        if self.storage is not None:
            info = replace(info, notes=(*info.notes, *dict.fromkeys(planned.notes)))
        results = {name: part.result(info, execution.returns_of) for name, part in planned.parts.items()}
        return GroupedResult(results, info) if planned.is_grouped else next(iter(results.values()))


def interrupted(execution: Execution, result: OptimizationResult, how_to_go_on: str) -> OptimizationInterrupted:
    """Give the error of a run that Ctrl-C ended."""
    of = f" of {execution.total}" if execution.total is not None else ""
    return OptimizationInterrupted(
        f"interrupted after {execution.finished}{of} trials; the finished ones are in this error's result"
        f"{how_to_go_on}",
        result,
    )


def all_failed(result: OptimizationResult) -> AllTrialsFailed:
    """Give the error of a run without a complete trial."""
    if not result.records:
        return AllTrialsFailed("no trial was run: the search proposed nothing", result)
    first = result.records[0]
    place = f" ({first.place})" if first.place else ""
    error = AllTrialsFailed(
        f"all {len(result)} trials failed; the first, {dict(first.params)!r}, because: {first.reason}{place}", result
    )
    error.add_note(first.error)
    return error
