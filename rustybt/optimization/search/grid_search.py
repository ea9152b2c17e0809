"""How does one try every combination?"""

from collections.abc import Iterator
from itertools import chain

from rustybt.errors import InvalidParameter
from rustybt.optimization.parameter_space import ParameterSpace, Params
from rustybt.optimization.search.base import FixedProposals, Search, first_then

MAX_COUNTED = 100_000
"""Combinations up to which a grid is made once more, only to know beforehand how many meet the conditions."""


class GridSearch(Search):
    """Every combination once, the last parameter changing fastest, made as it is asked for.

    Parameters
    ----------
    conditions : condition or iterable of conditions, optional
        Combinations that do not meet them are left out: functions of the params or expressions such as "fast < slow".

    Raises
    ------
    InvalidParameter
        When a pass begins: if a parameter is a continuum, or if the conditions leave no combination.

    Examples
    --------
    >>> from rustybt.optimization import Integer
    >>> space = ParameterSpace({"fast": Integer(1, 2), "slow": Integer(1, 3)})
    >>> [p.params for p in GridSearch(conditions="fast < slow").begin(space).ask(10)]
    [{'fast': 1, 'slow': 2}, {'fast': 1, 'slow': 3}, {'fast': 2, 'slow': 3}]
    """

    max_objectives = None
    learns = False

    def propose(self, space: ParameterSpace, objectives: int, first: list[Params]) -> FixedProposals:
        """Start a pass through a finite space."""
        for name, parameter in space.parameters.items():
            if parameter.size is None:
                raise InvalidParameter(
                    f"GridSearch cannot enumerate {name!r}: {parameter!r} is a continuum; give it a step, "
                    "or use RandomSearch"
                )
        combinations = allowed(space)
        earliest = next(combinations, None)
        if earliest is None:
            rules = ", ".join(map(str, space.conditions))
            raise InvalidParameter(
                f"a grid of zero combinations: none of {space.size} meets the conditions ({rules}); "
                "widen the ranges or drop a condition"
            )
        return FixedProposals(first_then(space, first, chain([earliest], combinations)), count(space))


def allowed(space: ParameterSpace) -> Iterator[Params]:
    """Yield the combinations that meet the conditions, in the grid's order."""
    return filter(space.allows, space.combinations())


def count(space: ParameterSpace) -> int | None:
    """Count the combinations; None where counting those of a large grid would be a run of its own."""
    if not space.conditions and not space.has_inactive:
        return size(space)
    return sum(1 for _ in allowed(space)) if size(space) <= MAX_COUNTED else None


def size(space: ParameterSpace) -> int:
    """Give the number of combinations before conditions."""
    assert space.size is not None, "a finite space"
    return space.size
