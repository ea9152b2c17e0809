"""Of which searches does a run consist, and what becomes of their trials?

A plain run has one part. A run per symbol has one a symbol, a run of many strategies one a strategy; each part is a
search of its own with a result of its own, and all share the workers.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import pandas as pd

from rustybt.optimization.backtest import BacktestJob
from rustybt.optimization.goal import Goal
from rustybt.optimization.result import OptimizationResult
from rustybt.optimization.returns_store import ReturnsStore
from rustybt.optimization.run_info import RunInfo
from rustybt.optimization.scope import Scope
from rustybt.optimization.search.base import Search
from rustybt.optimization.study import Study


class Part(Protocol):
    """One search of a run, of whatever kind."""

    @property
    def studies(self) -> tuple[Study, ...]:
        """What is to be run."""

    def result(self, info: RunInfo, returns: Callable[[str], ReturnsStore]) -> OptimizationResult:
        """Give what the trials that came back come to; `returns` gives a study's daily returns by its name."""


@dataclass(frozen=True)
class SearchPart:
    """One pass of a search over one span.

    Parameters
    ----------
    study : Study
        Of all trials.
    """

    study: Study

    @staticmethod
    def of(name: str, place: int, job: BacktestJob, goal: Goal, search: Search) -> "SearchPart":
        """Make the part of a search over a job's whole span."""
        return SearchPart(
            Study(
                name,
                place,
                job,
                goal,
                begin=lambda: search.begin(job.space, len(goal.objectives)),
                scope=Scope.of(job.span),
                fidelity=search.fidelity,
            )
        )

    @property
    def studies(self) -> tuple[Study, ...]:
        """The one study."""
        return (self.study,)

    def result(self, info: RunInfo, returns: Callable[[str], ReturnsStore]) -> OptimizationResult:
        """Give its trials in the order of proposal."""
        study, job = self.study, self.study.job
        records = [study.trials[number] for number in sorted(study.trials)]
        first, last = job.span
        sessions = pd.DatetimeIndex(job.portal.session_labels[first : last + 1])
        notes = (*info.notes, *notes_of(self.studies), *study.goal.notes(records))
        info = replace(info, sessions=sessions, notes=notes)
        return OptimizationResult(records, study.goal, job.space, job.rerun, returns(study.name), info)


def notes_of(studies: tuple[Study, ...]) -> tuple[str, ...]:
    """Give what the searches want the user to know, each once."""
    noted = (note for study in studies if study.schedule is not None for note in study.schedule.proposals.notes)
    return tuple(dict.fromkeys(noted))
