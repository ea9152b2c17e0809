"""How does one try combinations at random, the same ones for the same seed?"""

from collections.abc import Iterator
from itertools import chain, islice

import numpy as np

from rustybt.errors import InvalidParameter
from rustybt.optimization.conditions import Conditions
from rustybt.optimization.parameter_space import ParameterSpace, Params
from rustybt.optimization.search.base import FixedProposals, Search, at_least, first_then
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

    max_objectives = None
    learns = False

    def __init__(self, trials: int = 100, seed: int = 0, conditions: Conditions = ()) -> None:
        super().__init__(conditions)
        self.trials, self.seed = at_least(1, "trials", trials, self), at_least(0, "seed", seed, self)

    def propose(self, space: ParameterSpace, objectives: int, first: list[Params]) -> FixedProposals:
        """Start a pass: shuffled where the space is small and finite, drawn where it is not."""
        stream = first_then(space, first, random_draws(space, self.seed))
        return FixedProposals(islice(stream, self.trials), total_of(space, self.trials))


def total_of(space: ParameterSpace, trials: int) -> int:
    """Give the most combinations that a search of so many trials, none twice, can propose."""
    return trials if space.size is None else min(trials, space.size)


def random_draws(space: ParameterSpace, seed: int) -> Iterator[Params]:
    """Give allowed combinations at random, each once: all of a small finite space, uniformly.

    Parameters
    ----------
    space : ParameterSpace
        With all conditions.
    seed : int
        At least 0.

    Returns
    -------
    iterator of dict
        Drawn as they are taken. It ends with the space, or after MAX_TRIES draws in a row that gave nothing else.

    Raises
    ------
    InvalidParameter
        At once, if no draw meets the conditions.
    """
    generator = np.random.default_rng(np.random.SeedSequence(seed))
    if is_small(space):
        return never_empty(space, shuffled(space, generator))
    return never_empty(space, drawn(space, uniform(space, generator)))


def is_small(space: ParameterSpace) -> bool:
    """Say whether all combinations of a space can be held in memory."""
    return space.size is not None and space.size <= MAX_SHUFFLED


def never_empty(space: ParameterSpace, draws: Iterator[Params]) -> Iterator[Params]:
    """Give the draws, or raise if there are none."""
    earliest = next(draws, None)
    if earliest is None:
        rules = ", ".join(map(str, space.conditions))
        raise InvalidParameter(
            f"no combination meets the conditions ({rules}) in {space.size if is_small(space) else MAX_TRIES} draws: "
            "widen the ranges or drop a condition"
        )
    return chain([earliest], draws)


def shuffled(space: ParameterSpace, generator: np.random.Generator) -> Iterator[Params]:
    """Yield every allowed combination of a finite space once, in random order."""
    for index in generator.permutation(space.size or 1).tolist():
        params = space.at(index)
        if space.allows(params) and (not space.has_inactive or space.number(params) == index):
            yield params


def uniform(space: ParameterSpace, generator: np.random.Generator) -> Iterator[list[float]]:
    """Yield points of the unit cube without end."""
    while True:
        yield from generator.random((DRAWN_AT_ONCE, len(space.names))).tolist()


def drawn(space: ParameterSpace, points: Iterator[list[float]]) -> Iterator[Params]:
    """Yield the allowed combinations that points fall on, none twice, until MAX_TRIES in a row are refused."""
    seen: set[tuple[object, ...]] = set()
    refused = 0
    for point in points:
        params = space.from_unit(point)
        key = space.encode(params)
        if key not in seen and space.allows(params):
            seen.add(key)
            refused = 0
            yield params
        else:
            refused += 1
            if refused == MAX_TRIES:
                return
