"""What makes one trial better than another?"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rustybt.optimization.constraints import Constraint
from rustybt.optimization.objective import Objective
from rustybt.optimization.search.base import Feedback
from rustybt.optimization.trial import Trial, TrialStatus


@dataclass(frozen=True)
class Goal:
    """What makes one trial better than another.

    Attributes
    ----------
    objectives : tuple of Objective
        The first one decides what is best.
    constraints : tuple of Constraint
        What a trial must meet to be compared.
    """

    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...] = ()

    def feedback(self, trial: Trial) -> Feedback:
        """Give what a search learns of a trial."""
        counts = trial.status is TrialStatus.COMPLETE and trial.traded and not trial.is_ruined
        counts = counts and all(map(math.isfinite, trial.scores))
        pairs = zip(self.objectives, trial.scores, strict=True) if counts else ()
        losses = tuple(objective.loss(score) for objective, score in pairs) or (math.nan,) * len(self.objectives)
        known = trial.status is TrialStatus.COMPLETE
        violations = tuple(c.violation(trial.metrics) if known else 1.0 for c in self.constraints)
        return Feedback(losses, violations)

    def notes(self, trials: Iterable[Trial]) -> tuple[str, ...]:
        """Say of each constraint that raised on some of the trials what it raised, on how many, and on which first."""
        complete = [trial for trial in trials if trial.status is TrialStatus.COMPLETE]
        found = []
        for constraint in self.constraints:
            begin = constraint.raising
            raised = [(t, line) for t in complete for line in t.error.splitlines() if line.startswith(begin)]
            if raised:
                trial, line = raised[0]
                found.append(
                    f"{line}, on {len(raised)} of {len(complete)} trials, first on {dict(trial.params)!r}: it counts "
                    "as missed there"
                )
        return tuple(found)

    def better(self, trial: Trial, best: Trial | None) -> bool:
        """Say whether a trial beats another by the first objective; only one that may be best does."""
        return trial.may_be_best and self.objectives[0].better(trial.score, best.score if best else math.nan)
