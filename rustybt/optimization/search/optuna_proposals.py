"""How does a sampler of Optuna become proposals?

An in-memory study in the driver is asked and told in the order of proposal. What a sampler repeats or what conditions
refuse is never proposed: the sampler is asked again, and when it has nothing else, chance chooses among the rest.
"""

import sys
import warnings
from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from optuna.trial import Trial, TrialState

from rustybt.optimization.parameter_space import ParameterSpace, Params
from rustybt.optimization.search.base import Feedback, Proposal, Proposals
from rustybt.optimization.search.optuna_space import distributions_of, params_of, values_of
from rustybt.optimization.search.random_search import random_draws, total_of

MAX_ASKS = 20
"""How often a sampler is asked for one proposal before chance chooses."""
LARGEST = sys.float_info.max / 1e6
"""Losses and violations are brought within this limit, so that sums over them stay finite."""


class Manner(NamedTuple):
    """What a sampler can take.

    Attributes
    ----------
    lookahead : int
        How many proposals it makes without knowing what came of them.
    generation : int or None
        Number of trials that it wants to know all of before it proposes the next ones; None for a sampler that learns
        from each.
    startup : int
        Number of proposals that are drawn at random before it is asked.
    learns_repeats : bool
        A point that it repeats is told again; else the repetition is withdrawn.
    learns_refusals : bool
        A point that a condition refuses is told as infeasible; else it is withdrawn.
    takes_violations : bool
        It ranks what misses a constraint by how far; else the loss itself is raised above the worst.
    """

    lookahead: int
    generation: int | None = None
    startup: int = 0
    learns_repeats: bool = False
    learns_refusals: bool = True
    takes_violations: bool = True


class OptunaProposals(Proposals):
    """A pass that a sampler of Optuna steers.

    Parameters
    ----------
    space : ParameterSpace
        With all conditions.
    sampler : BaseSampler
        Fresh, seeded, used by this pass alone.
    manner : Manner
        What it can take.
    objectives : int
        How many losses the feedback will have.
    trials : int
        How many proposals; fewer where the space holds fewer.
    first : list of dict
        Checked params to propose first.
    seed : int
        Of the combinations at random.

    Raises
    ------
    InvalidParameter
        If no combination meets the conditions.
    """

    def __init__(
        self,
        space: ParameterSpace,
        sampler: BaseSampler,
        manner: Manner,
        objectives: int,
        trials: int,
        first: list[Params],
        seed: int,
    ) -> None:
        super().__init__()
        self.space, self.manner, self.trials = space, manner, trials
        self.lookahead = manner.lookahead
        self.total = total_of(space, trials)
        with quiet():
            self._study = optuna.create_study(sampler=sampler, directions=["minimize"] * objectives)
        self._distributions = distributions_of(space)
        self._first, self._draws = deque(first), random_draws(space, seed)
        self._keys: list[Hashable] = []
        self._feedback: dict[Hashable, Feedback | None] = {}
        self._open: dict[Hashable, list[Trial]] = {}
        self._members = 0
        self._worst: tuple[float, ...] | None = None
        self._objectives = objectives

    def ask(self, count: int) -> list[Proposal]:
        """Give the next proposals; none while a generation is not known whole."""
        proposals: list[Proposal] = []
        while len(proposals) < count and len(self._keys) < self.trials:
            params = self._next()
            if params is None:
                break
            proposals.append(Proposal(params))
        return proposals

    def _next(self) -> Params | None:
        """Give params that were not proposed before; None where there are none now."""
        for _ in range(MAX_ASKS):
            if self._waits():
                return None
            if self._first:
                return self._impose(self._first.popleft())
            if len(self._keys) < self.manner.startup:
                break
            params = self._steered()
            if params is not None:
                return params
        if self._waits():
            return None
        untried = (params for params in self._draws if self.space.encode(params) not in self._feedback)
        params = next(untried, None)
        return None if params is None else self._impose(params)

    def _waits(self) -> bool:
        """Say whether a generation has all its members and not all their feedback."""
        if self._members != self.manner.generation:
            return False
        if not self._open:
            self._members = 0
        return bool(self._open)

    def _impose(self, params: Params) -> Params:
        """Propose params of ours, as if the sampler had."""
        self._study.enqueue_trial(values_of(self.space, params))
        return self._proposed(self._asked(), params)

    def _steered(self) -> Params | None:
        """Ask the sampler; None where it repeats itself or a condition refuses."""
        trial = self._asked()
        params = params_of(self.space, trial.params)
        key = self.space.encode(params)
        if key in self._feedback:
            self._repeat(trial, key)
        elif not self.space.allows(params):
            self._refuse(trial)
        else:
            return self._proposed(trial, params)
        return None

    def _asked(self) -> Trial:
        """Ask the study; a sampler of generations counts the trial, be the params its own or not, by sampling."""
        trial = self._study.ask(self._distributions)
        if self.manner.generation is not None:
            _ = trial.relative_params
            self._members += 1
        return trial

    def _proposed(self, trial: Trial, params: Params) -> Params:
        key = self.space.encode(params)
        self._keys.append(key)
        self._feedback[key] = None
        self._open[key] = [trial]
        return params

    def _repeat(self, trial: Trial, key: Hashable) -> None:
        """Deal with a point that was proposed before."""
        feedback = self._feedback[key]
        if not self.manner.learns_repeats:
            self._withdraw(trial)
        elif feedback is None:
            self._open[key].append(trial)
        else:
            self._finish(trial, feedback)

    def _refuse(self, trial: Trial) -> None:
        """Deal with a point that a condition refuses."""
        if self.manner.learns_refusals:
            self._finish(trial, Feedback((float("nan"),) * self._objectives))
        else:
            self._withdraw(trial)

    def _withdraw(self, trial: Trial) -> None:
        self._study.tell(trial, state=TrialState.FAIL)
        if self.manner.generation is not None:
            self._members -= 1

    def tell(self, number: int, feedback: Feedback) -> None:
        """Learn what came of a proposal, and of its repetitions."""
        key = self._keys[number]
        self._feedback[key] = feedback
        if feedback.has_losses:
            known = feedback.losses if self._worst is None else map(max, self._worst, feedback.losses)
            self._worst = tuple(known)
        for trial in self._open.pop(key):
            self._finish(trial, feedback)

    def _finish(self, trial: Trial, feedback: Feedback) -> None:
        """Tell the sampler finite losses in any case, and how far the point is from being feasible."""
        worst = self._worst or (0.0,) * self._objectives
        losses = feedback.losses if feedback.has_losses else worst
        missed = [0.0 if feedback.has_losses else 1.0, *map(missed_by, feedback.violations)]
        if self.manner.takes_violations:
            for place, violation in enumerate(missed):
                trial.set_constraint(str(place), violation)
        elif sum(missed):
            losses = tuple(max(loss, bad) + sum(missed) for loss, bad in zip(losses, worst, strict=True))
        self._study.tell(trial, bounded(losses))


def sampler_seed(seed: int) -> int:
    """Give a seed that Optuna takes, below 2 ** 32, of any seed."""
    return int(np.random.SeedSequence(seed).generate_state(1)[0])


def missed_by(violation: float) -> float:
    """Give how far a constraint is missed as a finite number: 1 where that is not known."""
    if violation != violation:
        return 1.0
    return min(max(violation, 0.0), LARGEST)


def bounded(losses: Sequence[float]) -> list[float]:
    """Bring losses within finite limits."""
    return [min(max(loss, -LARGEST), LARGEST) for loss in losses]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what Optuna says about its own novelties, and its log, from the user; both are as before afterwards."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
