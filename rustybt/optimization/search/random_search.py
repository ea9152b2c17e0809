"""How does one try combinations at random, the same ones for the same seed?"""

from collections.abc import Iterator
from itertools import chain, islice

import numpy as np

from rustybt.errors import InvalidParameter
from rustybt.optimization.conditions import Conditions
from rustybt.optimization.parameter_space import ParameterSpace, Params
from rustybt.optimization.parameters import whole
from rustybt.optimization.search.base import FixedProposals, Search, first_then
from rustybt.optimization.workers.pool import PersistentWorkerPool

__all__ = ["PersistentWorkerPool", "RandomSearch"]

MAX_SHUFFLED = 1_000_000
"""Combinations up to which a finite space is shuffled whole: exact to the last one, at 8 bytes each."""
MAX_TRIES = 10_000
"""Draws in a row that conditions or repetition may refuse before the space counts as exhausted."""
DRAWN_AT_ONCE = 256


class RandomSearch(Search):
    """Combinations drawn at random, none twice.

    Integers, choices and steps are uniform over their values, a Float uniform over its range or, with log=True, over
    its logarithm. The first n proposals do not depend on how many are asked for.

    Parameters
    ----------
    trials : int, optional
        How many; fewer where the space holds fewer.
    seed : int, optional
        Same seed, same proposals.
    conditions : condition or iterable of conditions, optional
        Draws that do not meet them are drawn again: functions of the params or expressions such as "fast < slow".

    Raises
    ------
    InvalidParameter
        If trials or seed is no whole number in range; when a pass begins, if no draw meets the conditions.

    Examples
    --------
    >>> from rustybt.optimization import Integer
    >>> space = ParameterSpace({"fast": Integer(1, 50), "slow": Integer(1, 50)})
    >>> proposals = RandomSearch(trials=3, seed=7, conditions="fast < slow").begin(space)
    >>> all(p.params["fast"] < p.params["slow"] for p in proposals.ask(10))
    True
    """

    def __init__(self, trials: int = 100, seed: int = 0, conditions: Conditions = ()) -> None:
        super().__init__(conditions)
        self.trials, self.seed = whole("trials", trials), whole("seed", seed)
        if self.trials < 1:
            raise InvalidParameter(f"trials {trials} of RandomSearch is below 1")
        if self.seed < 0:
            raise InvalidParameter(f"seed {seed} of RandomSearch is below 0")

    max_objectives = None

    def propose(self, space: ParameterSpace, objectives: int, first: list[Params]) -> FixedProposals:
        """Start a pass: shuffled where the space is small and finite, drawn where it is not."""
        generator = np.random.default_rng(np.random.SeedSequence(self.seed))
        small = space.size is not None and space.size <= MAX_SHUFFLED
        draws = shuffled(space, generator) if small else drawn(space, generator)
        earliest = next(draws, None)
        if earliest is None:
            rules = ", ".join(map(str, space.conditions))
            raise InvalidParameter(
                f"no combination meets the conditions ({rules}) in {space.size if small else MAX_TRIES} draws: "
                "widen the ranges or drop a condition"
            )
        bounded = small and not space.conditions
        total = min(self.trials, space.size) if bounded and space.size is not None else self.trials
        stream = first_then(space, first, chain([earliest], draws))
        return FixedProposals(islice(stream, self.trials), total)


def shuffled(space: ParameterSpace, generator: np.random.Generator) -> Iterator[Params]:
    """Yield every allowed combination of a finite space once, in random order."""
    for index in generator.permutation(space.size or 1).tolist():
        params = space.at(index)
        if space.allows(params):
            yield params


def drawn(space: ParameterSpace, generator: np.random.Generator) -> Iterator[Params]:
    """Yield allowed combinations as they are drawn, none twice, until MAX_TRIES draws in a row are refused."""
    seen: set[tuple[object, ...]] = set()
    refused = 0
    while refused < MAX_TRIES:
        for point in generator.random((DRAWN_AT_ONCE, len(space.names))).tolist():
            params = space.from_unit(point)
            key = space.encode(params)
            if key in seen or not space.allows(params):
                refused += 1
                continue
            seen.add(key)
            refused = 0
            yield params
