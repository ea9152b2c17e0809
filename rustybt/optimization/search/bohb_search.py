"""How does one find good combinations without running bad ones over the whole span?"""

import math
from collections import deque
from collections.abc import Hashable, Iterator
from fractions import Fraction
from itertools import chain, islice

import numpy as np
from scipy import stats

from rustybt.errors import InvalidParameter
from rustybt.optimization.conditions import Conditions
from rustybt.optimization.parameter_space import ParameterSpace, Params
from rustybt.optimization.parameters import finite
from rustybt.optimization.search.base import (
    Feedback,
    FixedProposals,
    Proposal,
    Proposals,
    Search,
    at_least,
    first_then,
)
from rustybt.optimization.search.budget_models import BudgetModels
from rustybt.optimization.search.fidelity import Fidelity
from rustybt.optimization.search.hyperband import Hyperband, Run
from rustybt.optimization.search.random_search import random_draws

LEAST_PAIRS = 10
"""A rank correlation of fewer configurations says nothing: its standard error is above a third."""


class BOHBSearch(Search):
    """BOHB: many combinations on a part of the span, the best of them on more, each proposed by what is known so far.

    Hyperband says how many combinations run on how many blocks. A model of the results on the largest budget that has
    enough of them (TPE) proposes new ones; one in three is drawn at random, so that a model that misleads cannot
    exclude the best.

    A part of the span may say nothing about the whole. So `check` random combinations are run on the least budget and
    on the whole first. Where the rank correlation of their losses is below `min_rank_correlation`, the search does not
    prune: it spends the same number of blocks on whole backtests that the model alone proposes. `notes` says which
    way it went, with the figure. The results of the check are used either way.

    Parameters
    ----------
    blocks : int, optional
        Into how many the span is divided; the least budget is blocks / eta^s blocks for the largest s that leaves one.
        Each should hold enough sessions for a strategy to trade.
    eta : int, optional
        One in eta combinations goes on, on eta times the budget.
    iterations : int, optional
        How often Hyperband's brackets are gone through. With 27 blocks and eta 3 each costs as much as 15 whole
        backtests and runs 49 combinations.
    seed : int, optional
        Same seed, same proposals.
    budget : {"blocks", "prefix"}, optional
        Which blocks a part is: in one shuffled order, or the first ones in time. See `Fidelity`.
    check : int, optional
        Random combinations to be checked, each at the cost of a whole backtest and a small one. 0: prune unchecked, at
        the risk of following noise.
    min_rank_correlation : float, optional
        Spearman's, below which nothing is pruned.
    random_fraction : float, optional
        Share of the proposals that are drawn at random, from 0 to 1.
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
    Falkner, Klein & Hutter, "BOHB: Robust and Efficient Hyperparameter Optimization at Scale", ICML 2018. Each
    combination enters one bracket, once. One without a score at its budget is promoted only where too few others are
    left, as is one that fails a constraint. A space of no more combinations than `check` is run whole.

    Examples
    --------
    >>> from rustybt.optimization import Integer
    >>> proposals = BOHBSearch(check=0).begin(ParameterSpace({"fast": Integer(1, 50), "slow": Integer(1, 200)}))
    >>> [proposal.budget for proposal in proposals.ask(30)] == [1] * 27 + [3] * 3
    True
    """

    def __init__(
        self,
        blocks: int = 27,
        eta: int = 3,
        iterations: int = 1,
        seed: int = 0,
        budget: str = "blocks",
        check: int = 50,
        min_rank_correlation: float = 0.4,
        random_fraction: float = 1 / 3,
        lookahead: int = 8,
        conditions: Conditions = (),
    ) -> None:
        super().__init__(conditions)
        self.eta, self.seed = at_least(2, "eta", eta, self), at_least(0, "seed", seed, self)
        self.blocks, self.budget = at_least(self.eta, "blocks", blocks, self), budget
        self.iterations = at_least(1, "iterations", iterations, self)
        self.lookahead = at_least(1, "lookahead", lookahead, self)
        self.check = at_least(0, "check", check, self)
        if 0 < self.check < LEAST_PAIRS:
            raise InvalidParameter(
                f"check {check} of BOHBSearch is below {LEAST_PAIRS}, which says nothing about a rank correlation: "
                "raise it, or pass 0 to prune unchecked"
            )
        self.min_rank_correlation = within(-1.0, "min_rank_correlation", min_rank_correlation)
        self.random_fraction = within(0.0, "random_fraction", random_fraction)
        self.fidelity: Fidelity = Fidelity(self.blocks, budget, self.seed)

    def propose(self, space: ParameterSpace, objectives: int, first: list[Params]) -> Proposals:
        """Start a pass; a space that the check would exhaust is run whole."""
        stream = first_then(space, first, random_draws(space, self.seed))
        known = list(islice(stream, len(first) + max(self.check, 1) + 1))
        if len(known) > len(first) + max(self.check, 1):
            return BOHBProposals(space, self, first, chain(known[len(first) :], stream))
        proposals = FixedProposals(iter(known), len(known))
        proposals.notes.append(f"the space holds no more than {len(known)} combinations: each runs on the whole span")
        return proposals


class BOHBProposals(Proposals):
    """One pass of BOHB.

    Parameters
    ----------
    space : ParameterSpace
        With all conditions.
    search : BOHBSearch
        Its options.
    first : list of dict
        Run on the whole span before all others; the model learns from them.
    draws : iterator of dict
        Allowed combinations at random, each once; its end is the end of the space.
    """

    def __init__(self, space: ParameterSpace, search: BOHBSearch, first: list[Params], draws: Iterator[Params]) -> None:
        super().__init__()
        self.space, self.search, self.lookahead = space, search, search.lookahead
        self._draws = draws
        self._models = BudgetModels(space, search.seed)
        self._hyperband = Hyperband(search.blocks, search.eta, search.iterations)
        self._coin = np.random.default_rng(np.random.SeedSequence((search.seed, search.blocks)))
        self._params: dict[Hashable, Params] = {}
        self._runs: list[Run] = []
        self._feedback: dict[Run, Feedback] = {}
        self._is_exhausted = False
        self._whole_left = search.iterations * self._hyperband.cost // search.blocks
        enqueued = [self._enter(params) for params in first]
        self._checked = deque(self._random() for _ in range(search.check))
        self._prunes: bool | None = None if search.check else True
        # Those on the least budget come last: what is waited for at the end of the check is short.
        least = self._hyperband.lowest
        check = [Run(key, budget) for budget in (search.blocks, least) for key in self._checked]
        self._todo = deque([*(Run(key, search.blocks) for key in enqueued), *check])
        self._reused = min(search.check, search.iterations * self._hyperband.table[0][0].size)
        self.total = len(self._todo) + max(self._whole_left, self._pruned_runs)
        if self._prunes:
            self.notes.append(f"not checked whether {self._share} of the span ranks as the whole does: prunes")

    @property
    def _share(self) -> Fraction:
        return Fraction(self._hyperband.lowest, self.search.blocks)

    @property
    def _pruned_runs(self) -> int:
        """The most runs that Hyperband hands out."""
        return self.search.iterations * self._hyperband.runs - self._reused

    def ask(self, count: int) -> list[Proposal]:
        """Give the next proposals; none while a check or the last rungs wait for results, and none at the end."""
        proposals: list[Proposal] = []
        while len(proposals) < count and (run := self._next()) is not None:
            self._runs.append(run)
            part = run.budget if run.budget < self.search.blocks else None
            proposals.append(Proposal(self._params[run.key], part))
        return proposals

    def _next(self) -> Run | None:
        if self._todo:
            return self._todo.popleft()
        if self._prunes is None:
            return None
        if self._prunes:
            return self._hyperband.next(self._draw)
        key = self._new(random_fraction=0.0, least=self.search.blocks) if self._whole_left else None
        if key is None:
            return None
        self._whole_left -= 1
        return Run(key, self.search.blocks)

    def _draw(self, budget: int) -> Hashable | None:
        """Give a bracket a configuration: one of the check where it starts on that budget, else a new one."""
        if budget == self._hyperband.lowest and self._checked:
            return self._checked.popleft()
        return self._new(self.search.random_fraction)

    def _new(self, random_fraction: float, least: int = 1) -> Hashable | None:
        """Give a configuration that was never proposed; None where the space is exhausted."""
        if self._is_exhausted:
            return None
        chance = self._coin.random() < random_fraction
        params = None if chance else self._models.suggest(self._params, least)
        key = self._random() if params is None else self._enter(params)
        self._is_exhausted = key is None
        return key

    def _random(self) -> Hashable | None:
        for params in self._draws:
            if self.space.encode(params) not in self._params:
                return self._enter(params)
        return None

    def _enter(self, params: Params) -> Hashable:
        key = self.space.encode(params)
        self._params[key] = params
        return key

    def tell(self, number: int, feedback: Feedback) -> None:
        """Learn what came of a run; after the last of the check, decide whether to prune."""
        run = self._runs[number]
        self._feedback[run] = feedback
        self._hyperband.learn(run, feedback)
        self._models.learn(run.budget, self._params[run.key], feedback)
        if self._prunes is None and not self._todo and len(self._feedback) == len(self._runs):
            self._decide()

    def _decide(self) -> None:
        """Compare the ranks that the least budget and the whole give the checked configurations."""
        least, blocks = self._hyperband.lowest, self.search.blocks
        pairs = [(self._feedback[Run(key, least)], self._feedback[Run(key, blocks)]) for key in self._checked]
        losses = [(low.losses[0], whole.losses[0]) for low, whole in pairs if low.has_losses and whole.has_losses]
        figure = rank_correlation(losses)
        self._prunes = figure >= self.search.min_rank_correlation  # NaN: no
        found = f"rank correlation between {self._share} of the span and the whole: {figure:.2f} on {len(losses)} "
        if self._prunes:
            self.notes.append(f"{found}configurations: prunes")
        else:
            why = f"below {self.search.min_rank_correlation:g}" if math.isfinite(figure) else "not to be measured"
            self.notes.append(f"{found}configurations, {why}: does not prune, every further one runs on the whole span")
        self.total = len(self._runs) + (self._pruned_runs if self._prunes else self._whole_left)


def rank_correlation(pairs: list[tuple[float, float]]) -> float:
    """Give Spearman's rank correlation; NaN for fewer than 10 pairs, or where one side is constant.

    Examples
    --------
    >>> round(rank_correlation([(x, (x - 1) ** 3) for x in range(10)]), 6)
    1.0
    """
    if len(pairs) < LEAST_PAIRS or any(len(set(side)) == 1 for side in zip(*pairs, strict=True)):
        return math.nan
    return float(stats.spearmanr(*zip(*pairs, strict=True)).statistic)


def within(low: float, name: str, value: float) -> float:
    """Give an option of BOHBSearch as a float, or say that it is not from `low` to 1."""
    number = finite(name, value)
    if not low <= number <= 1.0:
        raise InvalidParameter(f"{name} {value} of BOHBSearch is not from {low:g} to 1")
    return number
