"""How do the trials of a run flow: which are simulated, which are known already, and who hears of them?

A proposal's outcome is looked for in the journal of the run that is resumed, then in the result cache, then among the
trials in flight; only what is nowhere becomes a task of the pool. All ways end in `Study.settle`, so a search cannot
tell them apart.
"""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from rustybt.errors import JournalMismatch, WorkerError
from rustybt.optimization.backtest import Evaluation, JobSet
from rustybt.optimization.journal import Journal
from rustybt.optimization.known_results import KnownResults
from rustybt.optimization.scope import Scope
from rustybt.optimization.search.base import Proposal
from rustybt.optimization.study import Study
from rustybt.optimization.trial import Trial, TrialStatus
from rustybt.optimization.workers.base import Job, Outcome, Task, WorkerPool


class Waiting(NamedTuple):
    """A proposal whose outcome is to come."""

    study: Study
    number: int
    keys: tuple[Hashable, ...]
    scope: Scope
    key: bytes | None
    """Of the result cache."""


class Flight(NamedTuple):
    """A task of the pool, and all proposals that its outcome answers."""

    key: Hashable
    is_shared: bool
    waiting: list[Waiting]


class Flow:
    """The trials of a run on their way.

    Parameters
    ----------
    studies : sequence of Study
        In the order in which they get workers.
    known : KnownResults
        Outcomes of earlier trials.
    journal : Journal or None
        Of a run that survives.
    hear : callable of (Study, Trial)
        Is given every trial as it comes, known ones too.

    Attributes
    ----------
    journal : Journal or None
        May be put here until the run begins.
    cached : int
        Trials so far that cost no simulation.
    asked_of_models : list of tuple of float
        What each trial with a model asked of it; see `rustybt.data.predictions.PredictionStatistics`.
    asked_of_history : list of tuple of float
        What the windows of each trial asked of blocks; see `rustybt.data.history_cache.HistoryCounts`.
    """

    def __init__(
        self,
        studies: Sequence[Study],
        known: KnownResults,
        journal: Journal | None,
        hear: Callable[[Study, Trial], None],
    ) -> None:
        self.studies, self.known, self.journal, self.hear = tuple(studies), known, journal, hear
        self.cached = 0
        self.asked_of_models: list[tuple[float, ...]] = []
        self.asked_of_history: list[tuple[float, ...]] = []
        self._open = deque(self.studies)
        self._again: deque[tuple[Waiting, ...]] = deque()
        self._flights: dict[int, Flight] = {}
        self._flying: dict[Hashable, Flight] = {}
        self._alone: set[Hashable] = set()
        self._asked = 0
        self._first: list[Task] = []

    def run(self, pool: WorkerPool, job: Job, **limits: Any) -> None:
        """Run all studies to their end.

        Parameters
        ----------
        pool : WorkerPool
            Runs what is not known.
        job : Job
            The studies' `JobSet`, or what wraps it.
        **limits
            For `pool.run`.
        """
        self._first = self.take(1)
        if self._first:  # a pool that nothing is asked of need not be started
            with closing(pool.run(job, self.take, total=self.total, **limits)) as outcomes:
                for number, outcome in outcomes:
                    self.land(number, outcome)
        stuck = [study.name for study in self.studies if not study.has_finished]
        if stuck:
            raise WorkerError(f"the search of {stuck[0]!r} proposes nothing and does not end, with every result told")

    @property
    def total(self) -> int | None:
        """Number of trials of all studies, at most; None where that is not known."""
        totals = [1 if study.after is not None else study.total for study in self.studies]
        return None if None in totals else sum(total for total in totals if total is not None)

    def take(self, count: int) -> list[Task]:
        """Give the pool its next tasks."""
        tasks, self._first = self._first, []
        while self._again and len(tasks) < count:
            tasks.append(self._fly(self._again.popleft(), key=None, is_shared=False))
        for study in list(self._open):
            if study.has_finished:
                self._open.remove(study)
            while len(tasks) < count and (proposed := study.take(count - len(tasks))):
                found = (self._route(study, number, proposal) for number, proposal in proposed)
                tasks += [task for task in found if task is not None]
            if len(tasks) >= count:
                break
        return tasks

    def _route(self, study: Study, number: int, proposal: Proposal) -> Task | None:
        """Find a proposal's outcome, or give the task that will."""
        keys = study.keys_of(proposal)
        if self.journal is not None and (entry := self.journal.entries.get((study.name, number))) is not None:
            if entry.keys != keys or entry.budget != proposal.budget:
                raise JournalMismatch(
                    f"trial {number} of {study.name!r} was {entry.keys} in the journal and is {keys} now: the search "
                    "does not propose the same again; start a run in another folder"
                )
            self._settle(study, entry.trial_of(proposal.params), is_journalled=True)
            return None
        scope = study.scope_of(proposal)
        asked = Waiting(study, number, keys, scope, self.known.key(study.place, keys, scope))
        found = self.known.find(asked.key)
        if found is not None:
            self._answer(asked, Outcome(TrialStatus.COMPLETE, 0.0, found), is_cached=True)
            return None
        return self._join(asked, shares=bool(study.ends) and proposal.budget is None)

    def _join(self, asked: Waiting, shares: bool) -> Task | None:
        """Wait for a flight that will answer, or start it."""
        if not self.known.is_on:
            return self._fly((asked,), key=None, is_shared=False)
        study, first = asked.study, asked.scope.spans[0][0]
        shared = (study.place, asked.keys, first, "shared")
        is_shared = shares and self._alone.isdisjoint((study.place, shared))
        key: Hashable = shared if is_shared else (study.place, asked.keys, asked.scope)
        if key in self._flying:
            self._flying[key].waiting.append(asked)
            return None
        return self._fly((asked,), key, is_shared)

    def _fly(self, waiting: Sequence[Waiting], key: Hashable, is_shared: bool) -> Task:
        """Make the task that answers some proposals; without a key nobody else joins them."""
        number, self._asked = self._asked, self._asked + 1
        study, _, keys, scope, _ = waiting[0]
        if is_shared:
            first, last = scope.spans[0][0], max(study.ends)
            scope = scope._replace(spans=((first, last),), ends=tuple(end for end in study.ends if end < last))
        flight = Flight(key, is_shared, list(waiting))
        self._flights[number] = flight
        if key is not None:
            self._flying[key] = flight
        return number, (study.place, keys, scope)

    def land(self, number: int, outcome: Outcome) -> None:
        """Take a task's outcome to everyone who waits for it."""
        flight = self._flights.pop(number)
        if outcome.status is TrialStatus.COMPLETE and outcome.value.predictions is not None:
            self.asked_of_models.append(outcome.value.predictions)
        if outcome.status is TrialStatus.COMPLETE and outcome.value.history is not None:
            self.asked_of_history.append(outcome.value.history)
        self._flying.pop(flight.key, None)
        if flight.is_shared:
            self._land_shared(flight, outcome)
            return
        first = flight.waiting[0]
        if outcome.status is TrialStatus.COMPLETE:
            self.known.keep(first.study.place, first.key, outcome.value, outcome.seconds)
        self._answer(first, outcome, is_cached=False)
        for other in flight.waiting[1:]:
            self.known.count_duplicate(outcome.seconds)
            self._answer(other, outcome._replace(seconds=0.0), is_cached=True)

    def _land_shared(self, flight: Flight, outcome: Outcome) -> None:
        """Answer studies that end at different sessions from one backtest, or let each have its own."""
        first = flight.waiting[0]
        parts = None if outcome.status is not TrialStatus.COMPLETE else parts_of(first, outcome.value)
        if parts is None:
            self._alone.add(flight.key)
            if outcome.status is TrialStatus.COMPLETE and not outcome.value.stopped:
                self._alone.add(first.study.place)  # a strategy that asks where its run ends asks in every trial
            self._again += [(asked,) for asked in flight.waiting]
            return
        for scope, part in parts.items():
            key = self.known.key(first.study.place, first.keys, scope)
            self.known.keep(first.study.place, key, part, outcome.seconds)
        for place, asked in enumerate(flight.waiting):
            seconds = outcome.seconds if place == 0 else 0.0
            if place:
                self.known.count_duplicate(outcome.seconds)
            self._answer(asked, outcome._replace(value=parts[asked.scope], seconds=seconds), is_cached=place > 0)

    def _answer(self, asked: Waiting, outcome: Outcome, is_cached: bool) -> None:
        self.cached += is_cached
        trial = asked.study.trial_of(asked.number, outcome, is_cached)
        self._settle(asked.study, trial, is_journalled=False)

    def _settle(self, study: Study, trial: Trial, is_journalled: bool) -> None:
        assert study.schedule is not None
        if self.journal is not None and not is_journalled:
            proposal = study.schedule.proposed[trial.number]
            self.journal.append(study.name, study.keys_of(proposal), proposal.budget, trial)
        study.settle(trial)
        self.hear(study, trial)


def parts_of(first: Waiting, value: Evaluation) -> dict[Scope, Evaluation] | None:
    """Give what a shared backtest says for each study that ends within it; None where it does not speak for them."""
    if value.stopped or value.prefixes is None:
        return None
    scope, begin, ends = first.scope, first.scope.spans[0][0], first.study.ends
    last = max(ends)
    parts = {scope._replace(spans=((begin, last),)): value._replace(prefixes=())}
    for end, (metrics, bars) in zip((end for end in ends if end < last), value.prefixes, strict=True):
        part = Evaluation(metrics, value.returns[: 4 * bars])
        parts[scope._replace(spans=((begin, end),))] = part
    return parts


def job_of(studies: Sequence[Study]) -> JobSet:
    """Give the one job of all studies."""
    jobs = {study.place: study.job for study in studies}
    return JobSet(tuple(jobs[place] for place in sorted(jobs)))
