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

MAX_ASKS = 10
"""How often a sampler is asked for one proposal, where nothing else is said, before chance chooses."""
DONE = "after {} proposals the search proposed nothing but what it had proposed before; the others are drawn at random"
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
    asks : int
        How often it is asked for one proposal, at most, before chance chooses.
    narrows : bool
        It draws around one place, ever closer. What it repeats is told to it again, and what chance proposes in its
        place is not; when it does nothing but repeat itself it is asked no more. Else repetitions are withdrawn.
    learns_refusals : bool
        A point that a condition refuses is told as infeasible; else it is withdrawn.
    takes_violations : bool
        It ranks what misses a constraint by how far; else the loss itself is raised above the worst.
    """

    lookahead: int
    generation: int | None = None
    startup: int = 0
    asks: int = MAX_ASKS
    narrows: bool = False
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
        self._is_done = False
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
        if self._first:
            return None if self._waits() else self._impose(self._first.popleft())
        repeats = 0
        if len(self._keys) >= self.manner.startup and not self._is_done:
            for _ in range(self.manner.asks):
                if self._waits():
                    return None
                params, is_repeat = self._steered()
                if params is not None:
                    return params
                repeats += is_repeat
        return None if self._waits() else self._by_chance(repeats)

    def _by_chance(self, repeats: int) -> Params | None:
        """Propose a combination that was not tried; None at the end of the space."""
        untried = (params for params in self._draws if self.space.encode(params) not in self._feedback)
        params = next(untried, None)
        if params is None:
            return None
        if not self.manner.narrows:
            return self._impose(params)
        if repeats == self.manner.asks:
            self._is_done = True
            self.notes.append(DONE.format(len(self._keys)))
        return self._proposed([], params)

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
        return self._proposed([self._asked()], params)

    def _steered(self) -> tuple[Params | None, bool]:
        """Ask the sampler: no params where a condition refuses, or where it repeats itself, which the other says."""
        trial = self._asked()
        params = params_of(self.space, trial.params)
        key = self.space.encode(params)
        if key in self._feedback:
            self._repeat(trial, key)
            return None, True
        if not self.space.allows(params):
            self._refuse(trial)
            return None, False
        return self._proposed([trial], params), False

    def _asked(self) -> Trial:
        """Ask the study; a sampler of generations counts the trial, be the params its own or not, by sampling."""
        trial = self._study.ask(self._distributions)
        if self.manner.generation is not None:
            _ = trial.relative_params
            self._members += 1
        return trial

    def _proposed(self, trials: list[Trial], params: Params) -> Params:
        """Note a proposal, and whom its feedback is to be told."""
        key = self.space.encode(params)
        self._keys.append(key)
        self._feedback[key] = None
        self._open[key] = trials
        return params

    def _repeat(self, trial: Trial, key: Hashable) -> None:
        """Deal with a point that was proposed before."""
        feedback = self._feedback[key]
        if not self.manner.narrows:
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
                if violation:  # the sampler reads all constraints of all trials, each time
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
