"""How does one use Optuna's own combination of TPE and Hyperband?"""

from collections import deque
from collections.abc import Hashable
from typing import NamedTuple

import optuna
from optuna.pruners import HyperbandPruner
from optuna.samplers import TPESampler
from optuna.trial import Trial, TrialState

from rustybt.optimization.conditions import Conditions
from rustybt.optimization.parameter_space import ParameterSpace, Params
from rustybt.optimization.search.base import Feedback, Proposal, Proposals, Search, at_least
from rustybt.optimization.search.budget_models import ask_for_other, violations_of
from rustybt.optimization.search.fidelity import Fidelity
from rustybt.optimization.search.hyperband import brackets_of
from rustybt.optimization.search.optuna_proposals import bounded, quiet, sampler_seed
from rustybt.optimization.search.optuna_space import distributions_of, values_of
from rustybt.optimization.search.random_search import random_draws, total_of


class TPEHyperbandSearch(Search):
    """Optuna's TPESampler and HyperbandPruner: each combination runs on growing budgets until it is pruned.

    This is not BOHB. Optuna assigns each combination to a bracket by chance, with a model of its own for each, and a
    bracket begins to prune on the budget that the paper would start it on; here every combination starts on the least.
    It prunes as results come in, by those that are there, so that early ones go on more easily. `BOHBSearch` follows
    the paper, and checks first whether pruning is safe.

    Parameters
    ----------
    trials : int, optional
        How many combinations; fewer where the space holds fewer.
    blocks : int, optional
        Into how many the span is divided. With 27 blocks and eta 3 a combination runs on 1, 3, 9 and 27 of them.
    eta : int, optional
        About one in eta combinations goes on, on eta times the budget.
    seed : int, optional
        Same seed, same proposals.
    budget : {"blocks", "prefix"}, optional
        Which blocks a part is: in one shuffled order, or the first ones in time. See `Fidelity`.
    startup : int, optional
        How many combinations of each bracket are drawn at random before its model is asked.
    lookahead : int, optional
        How many trials may be under way at once: each is proposed without knowing the ones that many before it.
        Results depend on it, and not on the number of workers.
    conditions : condition or iterable of conditions, optional
        Combinations that do not meet them are not proposed: functions of the params or expressions.

    Raises
    ------
    InvalidParameter
        If an option is out of range; when a pass begins, if no combination meets the conditions.

    Notes
    -----
    Where its bracket prunes, a combination without a score is pruned; constraints do not decide what is.

    Examples
    --------
    >>> from rustybt.optimization import Integer
    >>> proposals = TPEHyperbandSearch().begin(ParameterSpace({"fast": Integer(1, 50)}))
    >>> [proposal.budget for proposal in proposals.ask(2)]
    [1, 1]
    >>> proposals.tell(0, Feedback((1.0,)))
    >>> [proposal.budget for proposal in proposals.ask(2)]
    [3, 1]
    """

    def __init__(
        self,
        trials: int = 100,
        blocks: int = 27,
        eta: int = 3,
        seed: int = 0,
        budget: str = "blocks",
        startup: int = 10,
        lookahead: int = 8,
        conditions: Conditions = (),
    ) -> None:
        super().__init__(conditions)
        self.trials, self.seed = at_least(1, "trials", trials, self), at_least(0, "seed", seed, self)
        self.eta = at_least(2, "eta", eta, self)
        self.blocks, self.budget = at_least(self.eta, "blocks", blocks, self), budget
        self.startup, self.lookahead = at_least(1, "startup", startup, self), at_least(1, "lookahead", lookahead, self)
        self.fidelity: Fidelity = Fidelity(self.blocks, budget, self.seed)

    def propose(self, space: ParameterSpace, objectives: int, first: list[Params]) -> "PrunedProposals":
        """Start a pass."""
        return PrunedProposals(space, self, first)


class Candidate(NamedTuple):
    """A combination on its way up.

    Attributes
    ----------
    trial : Trial
        Of the study.
    params : dict
        Its params.
    step : int
        Place of its budget among the pass's.
    """

    trial: Trial
    params: Params
    step: int


class PrunedProposals(Proposals):
    """One pass, with one study.

    Parameters
    ----------
    space : ParameterSpace
        With all conditions.
    search : TPEHyperbandSearch
        Its options.
    first : list of dict
        The first combinations.
    """

    def __init__(self, space: ParameterSpace, search: TPEHyperbandSearch, first: list[Params]) -> None:
        super().__init__()
        self.space, self.lookahead = space, search.lookahead
        self.budgets = tuple(rung.budget for rung in brackets_of(search.blocks, search.eta)[0])
        self.total = total_of(space, search.trials) * len(self.budgets)
        self._left = search.trials
        self._distributions = distributions_of(space)
        self._first, self._draws = deque(first), random_draws(space, search.seed)
        self._known: set[Hashable] = set()
        self._asked: list[Candidate] = []
        self._promoted: deque[Candidate] = deque()
        with quiet():
            self._study = optuna.create_study(
                study_name=f"seed {search.seed}",  # what Optuna draws brackets from
                sampler=TPESampler(seed=sampler_seed(search.seed), n_startup_trials=search.startup),
                pruner=HyperbandPruner(self.budgets[0], search.blocks, search.eta),
            )

    def ask(self, count: int) -> list[Proposal]:
        """Give the next proposals, of combinations that go on first; none while all wait, and none at the end."""
        proposals: list[Proposal] = []
        while len(proposals) < count and (candidate := self._next()) is not None:
            self._asked.append(candidate)
            is_whole = candidate.step == len(self.budgets) - 1
            proposals.append(Proposal(candidate.params, None if is_whole else self.budgets[candidate.step]))
        return proposals

    def _next(self) -> Candidate | None:
        if self._promoted:
            return self._promoted.popleft()
        found = self._new() if self._left else None
        if found is None:
            self._left = 0
            return None
        self._left -= 1
        self._known.add(self.space.encode(found[1]))
        return Candidate(*found, step=0)

    def _new(self) -> tuple[Trial, Params] | None:
        """Give a trial of a combination that was never tried; None where there is none."""
        if self._first:
            return self._imposed(self._first.popleft())
        found = ask_for_other(self._study, self.space, self._distributions, self._known)
        if found is not None:
            return found
        untried = (params for params in self._draws if self.space.encode(params) not in self._known)
        params = next(untried, None)
        return None if params is None else self._imposed(params)

    def _imposed(self, params: Params) -> tuple[Trial, Params]:
        """Give a trial of params of ours."""
        self._study.enqueue_trial(values_of(self.space, params))
        return self._study.ask(self._distributions), params

    def tell(self, number: int, feedback: Feedback) -> None:
        """Report a result; what Optuna does not prune goes on."""
        candidate = self._asked[number]
        trial, step = candidate.trial, candidate.step
        loss = bounded(feedback.losses)[0] if feedback.has_losses else float("nan")
        trial.report(loss, self.budgets[step])
        is_whole = step == len(self.budgets) - 1
        if not is_whole and not trial.should_prune():
            self._promoted.append(candidate._replace(step=step + 1))
            return
        for place, violation in enumerate(violations_of(feedback)):
            trial.set_constraint(str(place), violation)
        if is_whole:
            self._study.tell(trial, loss if feedback.has_losses else 0.0)
        else:
            self._study.tell(trial, state=TrialState.PRUNED)
