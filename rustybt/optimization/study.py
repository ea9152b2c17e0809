"""What is one search within a run?

A run has one study, or several side by side: a window of a walk-forward, a symbol, a strategy. Each has its own pass
of a search, its own job and its own trials; none waits for another unless it says so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rustybt.optimization.backtest import BacktestJob
from rustybt.optimization.goal import Goal
from rustybt.optimization.schedule import Schedule
from rustybt.optimization.scope import Scope
from rustybt.optimization.search.base import Proposal, Proposals
from rustybt.optimization.search.fidelity import Fidelity
from rustybt.optimization.trial import Trial, TrialStatus
from rustybt.optimization.workers.base import Outcome


@dataclass
class Study:
    """One search within a run.

    Parameters
    ----------
    name : str
        Which no other study of the run has.
    place : int
        Of its job among the run's jobs.
    job : BacktestJob
        What its trials have in common.
    goal : Goal
        What its search looks for.
    begin : callable
        Starts the pass of its search; called when the study's turn comes.
    scope : Scope
        Of a whole backtest.
    fidelity : Fidelity, optional
        What budgets of its search mean.
    after : Study, optional
        Which must have finished before this one begins.
    ends : tuple of int
        Last session rows of all studies that share backtests with this one: equal params, equal first session.

    Attributes
    ----------
    schedule : Schedule or None
        None before its turn.
    trials : dict of int to Trial
        What came back, by number.
    """

    name: str
    place: int
    job: BacktestJob
    goal: Goal
    begin: Callable[[], Proposals]
    scope: Scope
    fidelity: Fidelity | None = None
    after: "Study | None" = None
    ends: tuple[int, ...] = ()
    schedule: Schedule | None = None
    trials: dict[int, Trial] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether its turn has come."""
        return self.after is None or self.after.has_finished

    @property
    def has_finished(self) -> bool:
        """Whether nothing more will be proposed and every proposal's outcome is here."""
        schedule = self.schedule
        return schedule is not None and schedule.has_ended and len(self.trials) == len(schedule.proposed)

    @property
    def total(self) -> int | None:
        """Number of trials, at most; None where it is not known (yet)."""
        return None if self.schedule is None else self.schedule.proposals.total

    def take(self, count: int) -> list[tuple[int, Proposal]]:
        """Give the next proposals with their numbers."""
        if not self.is_ready:
            return []
        if self.schedule is None:
            self.schedule = Schedule(self.begin())
        return [] if self.schedule.has_ended else self.schedule.take(count)

    def keys_of(self, proposal: Proposal) -> tuple[Any, ...]:
        """Give a proposal's params as what crosses to a worker."""
        return self.job.space.encode(proposal.params)

    def scope_of(self, proposal: Proposal) -> Scope:
        """Give the sessions that a proposal runs over."""
        if proposal.budget is None or self.fidelity is None:
            return self.scope
        first, last = self.scope.spans[0]
        return self.scope._replace(spans=self.fidelity.spans(first, last, proposal.budget))

    def trial_of(self, number: int, outcome: Outcome, is_cached: bool) -> Trial:
        """Make the record of a trial from what its worker sent, or from what was known."""
        assert self.schedule is not None
        proposal = self.schedule.proposed[number]
        budget = 1.0
        if proposal.budget is not None and self.fidelity is not None:
            budget = proposal.budget / self.fidelity.blocks
        status, seconds, evaluation, error, worker = outcome
        if status is not TrialStatus.COMPLETE:
            return Trial(
                number,
                proposal.params,
                status,
                seconds=seconds,
                error=error,
                budget=budget,
                worker=worker,
                is_cached=is_cached,
            )
        metrics, returns, stopped = evaluation[:3]
        scores: tuple[float, ...] = ()
        failed: tuple[str, ...] = ()
        if stopped:
            status, error = TrialStatus.STOPPED, stopped
        else:
            scores = tuple([objective.score(metrics) for objective in self.goal.objectives])
            judged = [(constraint, *constraint.judge(metrics)) for constraint in self.goal.constraints]
            failed = tuple([str(constraint) for constraint, missed, _ in judged if missed > 0])
            error = "\n".join([raised for _, _, raised in judged if raised])
        bars = len(returns) // 4
        return Trial(
            number,
            proposal.params,
            status,
            scores,
            metrics,
            seconds,
            error,
            returns,
            failed,
            budget,
            bars,
            worker,
            is_cached,
        )

    def settle(self, trial: Trial) -> None:
        """Take a trial, and let the search learn from it."""
        assert self.schedule is not None
        self.trials[trial.number] = trial
        if self.schedule.proposals.lookahead is not None:  # nobody else listens
            self.schedule.hear(trial.number, self.goal.feedback(trial))

    @property
    def best(self) -> Trial | None:
        """The best trial so far, the earliest of equals; None where none is eligible."""
        best: Trial | None = None
        for number in sorted(self.trials):
            if self.goal.better(self.trials[number], best):
                best = self.trials[number]
        return best

    def settings(self) -> Mapping[str, Any]:
        """Say over what it runs, for a journal."""
        return {"spans": [list(span) for span in self.scope.spans], "warmup": self.scope.warmup}
