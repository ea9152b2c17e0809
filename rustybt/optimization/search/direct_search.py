"""How does one divide the space where it looks best, with SciPy's DIRECT?"""

import math
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import partial
from itertools import cycle, islice
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import differential_evolution, direct

from rustybt.optimization.conditions import Conditions
from rustybt.optimization.parameter_space import Categorical, Float, Parameter, ParameterSpace, Params
from rustybt.optimization.search.base import Feedback, Proposal, Proposals, Search, at_least, first_then
from rustybt.optimization.search.called import MAX_KNOWN, Algorithm, Called, Function, Point
from rustybt.optimization.search.random_search import random_draws, total_of

LARGEST = 1e80
"""Losses are brought within this limit."""
VIOLATING = 1e90
"""SciPy's value of a trial that fails a constraint, or up to twice that where it fails it by far."""
WORST = 1e100
"""Its value of a point without a loss: finite, above all others, and far enough from overflow to be divided."""


class DirectSearch(Search):
    """DIRECT: halve into thirds what may hold the best, judged by the middles of the parts.

    It needs no gradient and no random numbers, and it is serial by nature: each proposal waits for the one before, so
    that more than one worker does not help it. DIRECT knows numbers alone, each independent of the others. Where the
    space has choices without an order, parameters that are not always active, or conditions, SciPy's differential
    evolution runs in its place, from random combinations that meet the conditions. `notes` says which one runs.

    Integers and steps are searched as places on a line; a point that falls on a combination already tried is answered
    from memory and costs no trial. A trial without a loss counts as worse than any other.

    Parameters
    ----------
    trials : int, optional
        How many combinations at most. Either algorithm may end before, and then says so in `notes`.
    seed : int, optional
        Of differential evolution. DIRECT uses none.
    locally_biased : bool, optional
        True: the variant for few local minima, which divides one part of each size at a time. False: the original.
    conditions : condition or iterable of conditions, optional
        Combinations that do not meet them are not tried: functions of the params or expressions such as "fast < slow".

    Raises
    ------
    InvalidParameter
        If trials or seed is no whole number in range; when a pass begins, if no combination meets the conditions.

    Examples
    --------
    >>> from rustybt.optimization import Integer
    >>> proposals = DirectSearch(trials=3).begin(ParameterSpace({"fast": Integer(1, 9), "slow": Integer(1, 99)}))
    >>> for number in range(3):
    ...     (proposal,) = proposals.ask(1)
    ...     print(proposal.params)
    ...     proposals.tell(number, Feedback((float(proposal.params["slow"]),)))
    {'fast': 5, 'slow': 50}
    {'fast': 8, 'slow': 50}
    {'fast': 2, 'slow': 50}
    >>> proposals.notes[0]
    'DIRECT (locally biased) runs: one trial at a time, whatever the number of workers'
    """

    is_serial: ClassVar[bool] = True

    def __init__(
        self, trials: int = 100, seed: int = 0, locally_biased: bool = True, conditions: Conditions = ()
    ) -> None:
        super().__init__(conditions)
        self.trials, self.seed = at_least(1, "trials", trials, self), at_least(0, "seed", seed, self)
        self.locally_biased = bool(locally_biased)

    def propose(self, space: ParameterSpace, objectives: int, first: list[Params]) -> "PointProposals":
        """Start a pass with the algorithm that the space allows."""
        cube = Cube(space)
        obstacle = cube.obstacle
        if obstacle is None:
            name = f"DIRECT ({'locally biased' if self.locally_biased else 'unbiased'})"
            algorithm: Algorithm = partial(run_direct, cube.width, self.trials, self.locally_biased)
        else:
            name = f"differential evolution, because DIRECT does not take {obstacle},"
            members = first_then(space, first, random_draws(space, self.seed))
            population = cube.population(members, population_size(cube.width, self.trials))
            algorithm = partial(run_evolution, population, self.seed)
        proposals = PointProposals(cube, algorithm, self.trials, first)
        proposals.notes.append(f"{name} runs: one trial at a time, whatever the number of workers")
        return proposals


class Cube:
    """The space as the unit cube over the parameters that can vary.

    Parameters
    ----------
    space : ParameterSpace
        With all conditions.
    """

    def __init__(self, space: ParameterSpace) -> None:
        self.space = space
        self.is_free = [parameter.size != 1 for parameter in space.parameters.values()]

    @property
    def width(self) -> int:
        """Number of parameters that can vary."""
        return sum(self.is_free)

    @property
    def obstacle(self) -> str | None:
        """What of the space DIRECT cannot take; None where there is nothing."""
        if self.space.conditions:
            return "conditions"
        if self.space.has_inactive:
            return "parameters that are not always active"
        for name, parameter in self.space.parameters.items():
            if not is_ordered(parameter):
                return f"choices without an order ({name!r})"
        return None

    def params(self, point: Point) -> Params:
        """Give the combination that a point falls on."""
        units = iter(point)
        below_one = math.nextafter(1.0, 0.0)
        return self.space.from_unit(min(next(units), below_one) if free else 0.5 for free in self.is_free)

    def point(self, params: Params) -> list[float]:
        """Give a point that falls on a combination; the middle where a parameter is not active."""
        parameters = zip(self.space.parameters.items(), self.is_free, strict=True)
        free = [(name, parameter) for (name, parameter), is_free in parameters if is_free]
        return [unit_of(p, params[name]) if self.space.has(params, name) else 0.5 for name, p in free]

    def population(self, members: Iterator[Params], size: int) -> NDArray[np.float64]:
        """Give points of combinations, shape (size, width), again from the start where there are not enough."""
        points = [self.point(params) for params in islice(members, size)]
        return np.array(list(islice(cycle(points), size)))


class PointProposals(Proposals):
    """What an algorithm over a cube comes to.

    Parameters
    ----------
    cube : Cube
        Maps its points onto combinations.
    algorithm : callable
        As `Called` takes it.
    trials : int
        How many combinations at most.
    first : list of dict
        Tried before, and known by the time that the algorithm comes to them.
    """

    lookahead: int | None = 1

    def __init__(self, cube: Cube, algorithm: Algorithm, trials: int, first: list[Params]) -> None:
        super().__init__()
        self.trials, self.total = trials, total_of(cube.space, trials)
        self._cube, self._first = cube, deque(first)
        self._values: dict[Hashable, float] = {}
        self._called = Called(algorithm, partial(known_value, cube, self._values))
        self._asked: Hashable = None

    def ask(self, count: int) -> list[Proposal]:
        """Give the next proposal; none before the feedback of the last, and none at the end."""
        if self._asked is not None or count < 1:
            return []
        params = self._next() if len(self._values) < self.trials else None
        if params is None:
            self._called.close()
            return []
        self._asked = self._cube.space.encode(params)
        return [Proposal(params)]

    def _next(self) -> Params | None:
        """Give the next combination that is not known."""
        if self._first:
            return self._first.popleft()
        if not self._cube.width:
            return None if self._values else self._cube.params(())
        point = self._called.point()
        if point is None:
            self._say_ended(self._called.message)
            return None
        return self._cube.params(point)

    def _say_ended(self, why: str) -> None:
        if why and len(self._values) != self.total:
            self.notes.append(f"ended after {len(self._values)} of {self.trials} trials: {why}")

    def tell(self, number: int, feedback: Feedback) -> None:
        """Remember the value of the combination, and give it to the algorithm where it waits for it."""
        self._values[self._asked] = value = value_of(feedback)
        self._asked = None
        if self._called.is_asked:
            self._called.tell(value)


def known_value(cube: Cube, values: Mapping[Hashable, float], point: Point) -> float | None:
    """Give the value of a point whose combination was tried or is excluded; None of others."""
    params = cube.params(point)
    value = values.get(cube.space.encode(params))
    return WORST if value is None and not cube.space.allows(params) else value


def value_of(feedback: Feedback) -> float:
    """Give one finite number, the lower the better: losses, then failed constraints, then no loss at all."""
    if not feedback.has_losses:
        return WORST
    if feedback.passes:
        return min(max(feedback.losses[0], -LARGEST), LARGEST)
    missed = sum(max(violation, 0.0) for violation in feedback.violations)
    return VIOLATING * (1.0 + (missed / (1.0 + missed) if math.isfinite(missed) else 1.0))


def is_ordered(parameter: Parameter) -> bool:
    """Say whether neighbours among the values are more alike than others: any two are, and sorted numbers."""
    if not isinstance(parameter, Categorical) or len(parameter.choices) < 3:
        return True
    if not all(isinstance(choice, int | float) and not isinstance(choice, bool) for choice in parameter.choices):
        return False
    return sorted(parameter.choices) in (list(parameter.choices), list(reversed(parameter.choices)))


def unit_of(parameter: Parameter, value: Any) -> float:
    """Give a number in [0, 1] that falls on the value."""
    if parameter.size is not None:
        return (parameter.index(value) + 0.5) / parameter.size
    assert isinstance(parameter, Float), "the only continuum"
    scale: Callable[[float], float] = math.log if parameter.log else float
    low, high = scale(parameter.low), scale(parameter.high)
    return min(max((scale(value) - low) / (high - low), 0.0), 1.0)


def population_size(width: int, trials: int) -> int:
    """Give the number of members: ten a parameter, few enough for five generations, and the 5 that SciPy asks for."""
    return max(5, min(10 * width, trials // 5))


def run_direct(width: int, trials: int, locally_biased: bool, function: Function) -> str:
    """Run SciPy's DIRECT over the unit cube, and give its message."""
    calls = min(100 * trials + MAX_KNOWN, 1_000_000)  # most fall on known combinations where steps are coarse
    found = direct(
        function, [(0.0, 1.0)] * width, maxfun=calls, maxiter=calls, vol_tol=0.0, locally_biased=locally_biased
    )
    return str(found.message)


def run_evolution(population: NDArray[np.float64], seed: int, function: Function) -> str:
    """Run SciPy's differential evolution over the unit cube, and give its message."""
    found = differential_evolution(
        function,
        [(0.0, 1.0)] * population.shape[1],
        init=population,
        rng=np.random.default_rng(np.random.SeedSequence(seed)),
        maxiter=1_000_000,
        tol=0.0,
        atol=-1.0,  # a plateau, such as a population that never trades, is no convergence
        polish=False,
    )
    return str(found.message)
