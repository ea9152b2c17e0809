"""How does one breed trials towards the best trade-offs between several objectives?"""

from optuna.samplers import NSGAIISampler

from rustybt.optimization.conditions import Conditions
from rustybt.optimization.parameter_space import ParameterSpace, Params
from rustybt.optimization.search.base import Search, at_least
from rustybt.optimization.search.optuna_proposals import Manner, OptunaProposals, sampler_seed


class NSGA2Search(Search):
    """Generations bred from the trials that no other beats in every objective (NSGA-II), none twice.

    Parents are chosen by dominance and then by distance from their like, so that the front is covered widely. A trial
    that misses a constraint is a parent only where too few meet it.

    Parameters
    ----------
    trials : int, optional
        How many; fewer where the space holds fewer.
    seed : int, optional
        Same seed, same proposals.
    population : int, optional
        Trials a generation, and the number that may be under way at once. The first generation is drawn at random;
        each other is proposed when all feedback of the one before is there. Without it a tenth of the trials, at least
        10 and at most 50.
    conditions : condition or iterable of conditions, optional
        Combinations that do not meet them are not proposed.

    Raises
    ------
    InvalidParameter
        If a number is out of range; when a pass begins, if no combination meets the conditions.

    Notes
    -----
    Deb, Pratap, Agarwal & Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II" (2002).

    Examples
    --------
    >>> from rustybt.optimization import Integer
    >>> proposals = NSGA2Search(trials=100).begin(ParameterSpace({"fast": Integer(5, 50)}), objectives=2)
    >>> len(proposals.ask(100)), proposals.lookahead
    (10, 10)
    """

    max_objectives = None

    def __init__(
        self, trials: int = 100, seed: int = 0, population: int | None = None, conditions: Conditions = ()
    ) -> None:
        super().__init__(conditions)
        self.trials, self.seed = at_least(1, "trials", trials, self), at_least(0, "seed", seed, self)
        size = min(max(self.trials // 10, 10), 50) if population is None else population
        self.population = at_least(2, "population", size, self)

    def propose(self, space: ParameterSpace, objectives: int, first: list[Params]) -> OptunaProposals:
        """Start a pass."""
        sampler = NSGAIISampler(seed=sampler_seed(self.seed), population_size=self.population)
        size = self.population
        manner = Manner(size, size, startup=size, learns_refusals=False)
        return OptunaProposals(space, sampler, manner, objectives, self.trials, first, self.seed)
