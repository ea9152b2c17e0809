"""How are the parts of a run executed: on which pool, with what known before, and who is told of trials?"""

import math
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rustybt.data.history_counts import HistoryCounts
from rustybt.data.predictions import PredictionStatistics
from rustybt.optimization.config import Layer, OptimizationConfig, Work, WorkerLayers
from rustybt.optimization.flow import Flow, job_of
from rustybt.optimization.journal import Journal
from rustybt.optimization.known_results import KnownResults
from rustybt.optimization.parts import Part
from rustybt.optimization.progress import TrialProgress
from rustybt.optimization.result_cache import ResultCache
from rustybt.optimization.returns_store import ReturnsStore
from rustybt.optimization.run_info import RunInfo
from rustybt.optimization.sampled import SampledJob, keep_samples
from rustybt.optimization.study import Study
from rustybt.optimization.trial import Trial
from rustybt.optimization.workers.base import Job, Outcome, Take, WorkerPool
from rustybt.optimization.workers.limits import Limits
from rustybt.profiling import Profile


@dataclass
class Execution:
    """One run on its way.

    Parameters
    ----------
    label : str
        What the progress bar calls it.
    parts : mapping of str to Part
        What runs, by name.
    pool : WorkerPool
        What runs it.
    cache : ResultCache or None
        Outcomes of earlier runs of this process.
    config : OptimizationConfig
        Switches of the layers.
    limits : mapping of str to value
        Of time and memory, for the pool.
    progress : bool or None
        Show a bar.
    profile : Profile or None
        Gets samples of the workers.
    returns_bytes : int
        Of daily returns that are kept in memory.
    """

    label: str
    parts: Mapping[str, Part]
    pool: WorkerPool
    cache: ResultCache | None = None
    config: OptimizationConfig = field(default_factory=OptimizationConfig)
    limits: Mapping[str, Any] = field(default_factory=dict)
    progress: bool | None = None
    profile: Profile | None = None
    returns_bytes: int = 256 << 20

    def __post_init__(self) -> None:
        self.studies: tuple[Study, ...] = tuple(study for part in self.parts.values() for study in part.studies)
        self.began = time.monotonic()
        self.finished = 0
        self._returns: dict[str, ReturnsStore] = {}
        jobs = job_of(self.studies).jobs
        self._known = KnownResults(None if self.config.result_cache == "off" else self.cache, jobs)
        self._best: dict[str, Trial] = {}
        self._progress: TrialProgress | None = None
        self._flow = Flow(self.studies, self._known, None, self._hear)

    def begin(self) -> None:
        """Raise what can be known to be wrong with limits and search before a process is started or a file written."""
        if self.limits:
            self.pool.check_limits(Limits(**self.limits))
        first_of_space = {id(study.job.space): study for study in reversed(self.studies)}
        for study in first_of_space.values():
            study.take(0)

    def run(self, journal: Journal | None = None) -> None:
        """Run everything to its end; what ends it earlier leaves the trials that came back in the studies.

        Parameters
        ----------
        journal : Journal, optional
            Gets every trial, and holds those of the run that is resumed.
        """
        self._flow.journal = journal
        job: Job = replace(job_of(self.studies), layers=self._worker_layers)
        pool = self.pool if self.profile is None else SamplingPool(self.pool, self.profile)
        with TrialProgress(self.label, lambda: self._flow.total, self.progress, lambda: self.search_seconds) as shown:
            self._progress = shown
            self._flow.run(pool, job, **self.limits)

    @property
    def layers(self) -> dict[str, Layer]:
        """Which layers the run uses; what is planned is known once it has begun."""
        job = self.studies[0].job
        work = Work(
            self.total, job.bars, len(job.portal.finder.equities), max(self.pool.num_workers, 1), job.source.is_vector
        )
        found = self.config.layers(work)
        if self.cache is None:
            found["result_cache"] = Layer(False, "as configured")
        return found

    @property
    def _worker_layers(self) -> WorkerLayers:
        is_on = {name: layer.is_on for name, layer in self.layers.items() if name in WorkerLayers._fields}
        return WorkerLayers(**is_on, history_cache_bytes=self.config.history_cache_bytes)

    def _hear(self, study: Study, trial: Trial) -> None:
        """Keep what a trial's record need not hold, and tell the user about it."""
        if trial.returns:
            self.returns_of(study.name).add(trial.number, trial.returns)
            trial.let_go_of_returns()
        self.finished += 1
        leads = study.goal.better(trial, self._best.get(study.name))
        if leads:
            self._best[study.name] = trial
        if self._progress is not None:
            self._progress.count(trial, f"{trial.score:.4g}" if leads and len(self.studies) == 1 else None)

    @property
    def total(self) -> int | None:
        """Number of trials, at most; None where it is not known."""
        return self._flow.total

    @property
    def search_seconds(self) -> float:
        """Time that the searches themselves took."""
        return math.fsum(study.schedule.seconds for study in self.studies if study.schedule is not None)

    def returns_of(self, name: str) -> ReturnsStore:
        """Give the daily returns of a study's trials."""
        if name not in self._returns:
            self._returns[name] = ReturnsStore(max_bytes=self.returns_bytes // max(len(self.studies), 1))
        return self._returns[name]

    def info(self, settings: Mapping[str, Any], is_fast: bool) -> RunInfo:
        """Say what is known of the run so far."""
        return RunInfo(
            settings=settings,
            seconds=time.monotonic() - self.began,
            search_seconds=self.search_seconds,
            workers=tuple(getattr(self.pool, "statistics", ())),
            cache=asdict(self._known.statistics) if self._known.is_on else {},
            notes=self._known.reasons,
            predictions=PredictionStatistics.total(self._flow.asked_of_models),
            history=HistoryCounts.total(self._flow.asked_of_history),
            layers={name: str(layer) for name, layer in self.layers.items()},
            is_fast=is_fast,
        )


class SamplingPool:
    """A pool whose workers say where their time went.

    Parameters
    ----------
    pool : WorkerPool
        Which runs the tasks.
    profile : Profile
        Gets what they say.
    """

    def __init__(self, pool: WorkerPool, profile: Profile) -> None:
        self.pool, self.profile = pool, profile

    @property
    def num_workers(self) -> int:
        """Processes of the pool."""
        return self.pool.num_workers

    def check_limits(self, limits: Limits) -> None:
        """Refuse what the pool refuses."""
        self.pool.check_limits(limits)

    def run(self, job: Job, take: Take, **options: Any) -> Generator[tuple[int, Outcome], None, None]:
        """Run tasks as the pool does."""
        outcomes = self.pool.run(SampledJob.of(job, self.profile), take, **options)
        return keep_samples(outcomes, self.profile, self.pool.num_workers)


def all_trials(studies: Sequence[Study]) -> list[Trial]:
    """Give the trials of several studies that came back, study by study in the order of proposal."""
    return [study.trials[number] for study in studies for number in sorted(study.trials)]
