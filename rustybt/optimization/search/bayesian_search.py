"""How does one learn from the trials so far where the next one should be?"""

from optuna.samplers import TPESampler

from rustybt.optimization.conditions import Conditions
from rustybt.optimization.parameter_space import ParameterSpace, Params
from rustybt.optimization.search.base import Search, at_least
from rustybt.optimization.search.optuna_proposals import Manner, OptunaProposals, sampler_seed

MAX_ASKS = 5
"""Asks for one proposal: the model costs milliseconds, and what it repeats once it mostly repeats again."""


class BayesianSearch(Search):
    """Combinations that are likely to be good, by a model of the good and of the other trials (TPE), none twice.

    The model is Optuna's tree-structured Parzen estimator, joint over all parameters. Trials without a score, and those
    that miss a constraint, count as bad ones; so do trials that run, until they are known, so that workers spread out.

    Parameters
    ----------
    trials : int, optional
        How many; fewer where the space holds fewer.
    seed : int, optional
        Same seed, same proposals.
    startup : int, optional
        How many of them are drawn at random before the model is asked.
    lookahead : int, optional
        How many trials may be under way at once: each is proposed without knowing the ones that many before it. More
        keep more workers busy and learn later; results depend on it, and not on the number of workers.
    conditions : condition or iterable of conditions, optional
        Combinations that do not meet them are not proposed, and the model learns where they are.

    Raises
    ------
    InvalidParameter
        If a number is out of range; when a pass begins, if no combination meets the conditions.

    Notes
    -----
    Watanabe, "Tree-Structured Parzen Estimator" (2023), arXiv:2304.11127.

    Examples
    --------
    >>> from rustybt.optimization import Integer
    >>> proposals = BayesianSearch(trials=20).begin(ParameterSpace({"fast": Integer(5, 50)}))
    >>> len(proposals.ask(8)), proposals.lookahead
    (8, 8)
    """

    max_objectives = None

    def __init__(
        self, trials: int = 100, seed: int = 0, startup: int = 10, lookahead: int = 8, conditions: Conditions = ()
    ) -> None:
        super().__init__(conditions)
        self.trials, self.seed = at_least(1, "trials", trials, self), at_least(0, "seed", seed, self)
        self.startup, self.lookahead = at_least(1, "startup", startup, self), at_least(1, "lookahead", lookahead, self)

    def propose(self, space: ParameterSpace, objectives: int, first: list[Params]) -> OptunaProposals:
        """Start a pass."""
        sampler = TPESampler(seed=sampler_seed(self.seed), n_startup_trials=1, multivariate=True)
        manner = Manner(self.lookahead, startup=self.startup, asks=MAX_ASKS)
        return OptunaProposals(space, sampler, manner, objectives, self.trials, first, self.seed)
