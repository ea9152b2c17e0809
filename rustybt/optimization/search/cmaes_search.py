"""How does one let a cloud of trials move towards the best of them?"""

import math

from optuna.distributions import BaseDistribution
from optuna.samplers import CmaEsSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from rustybt.optimization.conditions import Conditions
from rustybt.optimization.parameter_space import Categorical, ParameterSpace, Params
from rustybt.optimization.search.base import Search, at_least
from rustybt.optimization.search.optuna_proposals import Manner, OptunaProposals, sampler_seed
from rustybt.optimization.search.optuna_space import distributions_of


class CMAESSearch(Search):
    """Generations drawn from a normal distribution that moves and stretches towards the best (CMA-ES), none twice.

    Suits numbers, ten or twenty of them, and losses that change smoothly. Categorical parameters are drawn at random:
    the distribution has no place for them. So are conditional ones, where they are not active. A trial that misses a
    constraint or has no score counts as worse than the worst so far.

    Parameters
    ----------
    trials : int, optional
        How many; fewer where the space holds fewer.
    seed : int, optional
        Same seed, same proposals.
    population : int, optional
        Trials a generation, and the number that may be under way at once. A generation is proposed when all feedback
        of the one before is there. Without it 4 + 3·ln(n) for n numeric parameters.
    conditions : condition or iterable of conditions, optional
        Combinations that do not meet them are not proposed and count as bad.

    Raises
    ------
    InvalidParameter
        If a number is out of range; when a pass begins, if no combination meets the conditions or there is more than
        one objective.

    Notes
    -----
    Hansen, "The CMA Evolution Strategy: A Tutorial" (2016), arXiv:1604.00772, equation 48 for the population.

    Examples
    --------
    >>> from rustybt.optimization import Float
    >>> proposals = CMAESSearch(trials=60).begin(ParameterSpace({"x": Float(0, 1), "y": Float(0, 1)}))
    >>> len(proposals.ask(100)), proposals.lookahead
    (6, 6)
    """

    def __init__(
        self, trials: int = 100, seed: int = 0, population: int | None = None, conditions: Conditions = ()
    ) -> None:
        super().__init__(conditions)
        self.trials, self.seed = at_least(1, "trials", trials, self), at_least(0, "seed", seed, self)
        self.population = None if population is None else at_least(3, "population", population, self)

    def propose(self, space: ParameterSpace, objectives: int, first: list[Params]) -> OptunaProposals:
        """Start a pass."""
        numeric = numeric_of(space)
        population = self.population or 4 + math.floor(3 * math.log(max(len(numeric), 1)))
        sampler = _KnownSpaceSampler(sampler_seed(self.seed), population, numeric)
        manner = Manner(population, population, asks=3 * population, narrows=True, takes_violations=False)
        return OptunaProposals(space, sampler, manner, objectives, self.trials, first, self.seed)


def numeric_of(space: ParameterSpace) -> dict[str, BaseDistribution]:
    """Give the distributions of what a normal distribution can be over: numbers with more than one value."""
    return {
        name: distribution
        for name, distribution in distributions_of(space).items()
        if not isinstance(space.parameters[name], Categorical) and not distribution.single()
    }


class _KnownSpaceSampler(CmaEsSampler):
    """Knows the space beforehand, where Optuna's own learns it from a first trial at random."""

    def __init__(self, seed: int, population: int, numeric: dict[str, BaseDistribution]) -> None:
        super().__init__(seed=seed, popsize=population, n_startup_trials=0, warn_independent_sampling=False)
        self.numeric = numeric

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self.numeric
