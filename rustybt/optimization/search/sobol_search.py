"""How does one spread combinations more evenly than chance does?"""

from collections.abc import Iterator
from itertools import chain, islice

import numpy as np
from scipy.stats.qmc import Sobol

from rustybt.optimization.conditions import Conditions
from rustybt.optimization.parameter_space import ParameterSpace, Params
from rustybt.optimization.search.base import FixedProposals, Search, at_least, first_then
from rustybt.optimization.search.random_search import drawn, is_small, never_empty, shuffled, total_of

DRAWN_AT_ONCE = 256
"""A power of two, at which Sobol's points are balanced."""


class SobolSearch(Search):
    """Combinations along Sobol's scrambled sequence, none twice.

    They leave smaller gaps than random ones: each half, quarter and eighth of every parameter's range has the same
    share of the first 2, 4 and 8 trials, as far as its values allow. A power of two is therefore a good number of
    trials. The first n proposals do not depend on how many are asked for.

    Parameters
    ----------
    trials : int, optional
        How many; fewer where the space holds fewer.
    seed : int, optional
        Of the scrambling. Same seed, same proposals.
    conditions : condition or iterable of conditions, optional
        Points that do not meet them are left out: functions of the params or expressions such as "fast < slow".

    Raises
    ------
    InvalidParameter
        If trials or seed is no whole number in range; when a pass begins, if no point meets the conditions.

    Notes
    -----
    Owen, "Scrambling Sobol' and Niederreiter-Xing Points" (1998).

    Examples
    --------
    >>> from rustybt.optimization import Float
    >>> proposals = SobolSearch(trials=4).begin(ParameterSpace({"x": Float(0, 4)}))
    >>> sorted(int(p.params["x"]) for p in proposals.ask(4))
    [0, 1, 2, 3]
    """

    max_objectives = None
    learns = False

    def __init__(self, trials: int = 128, seed: int = 0, conditions: Conditions = ()) -> None:
        super().__init__(conditions)
        self.trials, self.seed = at_least(1, "trials", trials, self), at_least(0, "seed", seed, self)

    def propose(self, space: ParameterSpace, objectives: int, first: list[Params]) -> FixedProposals:
        """Start a pass."""
        stream = first_then(space, first, never_empty(space, sobol_draws(space, self.seed)))
        return FixedProposals(islice(stream, self.trials), total_of(space, self.trials))


def sobol_draws(space: ParameterSpace, seed: int) -> Iterator[Params]:
    """Yield allowed combinations along the sequence, each once, and at last what it left out of a small space."""
    seen = set()
    for params in drawn(space, sobol_points(len(space.names), seed)):
        seen.add(space.encode(params))
        yield params
    if is_small(space):
        generator = np.random.default_rng(np.random.SeedSequence(seed))
        yield from (params for params in shuffled(space, generator) if space.encode(params) not in seen)


def sobol_points(dimensions: int, seed: int) -> Iterator[list[float]]:
    """Yield points of the unit cube, without end in practice: 2 ** 30."""
    if not dimensions:
        return iter([[]])
    sequence = Sobol(dimensions, rng=np.random.default_rng(np.random.SeedSequence(seed)))
    chunks = iter(lambda: sequence.random(DRAWN_AT_ONCE).tolist(), None)
    return chain.from_iterable(chunks)
