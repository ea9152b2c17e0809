"""On which functions are searches compared, and how is one run of a search judged?

The optimum lies in the middle of no domain, where some algorithms begin.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import differential_evolution

from rustybt.optimization import Float, ParameterSpace
from rustybt.optimization.schedule import Schedule
from rustybt.optimization.search import Feedback, Search

CENTRE = (1.3, -2.1, 0.7, 2.9, -0.4)
"""Where the sphere and the steps are lowest."""

HARTMANN_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
HARTMANN_A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


class Case(NamedTuple):
    """A function to minimize.

    Attributes
    ----------
    name : str
        Its name in tables.
    bounds : tuple of (float, float)
        Of each dimension.
    value : callable
        Gives the true value of an array of shape (n_dimensions,).
    noise : float
        Standard deviation of what is added to the value that a search sees.
    """

    name: str
    bounds: tuple[tuple[float, float], ...]
    value: Callable[[np.ndarray], float]
    noise: float = 0.0

    @property
    def space(self) -> ParameterSpace:
        """One Float a dimension."""
        return ParameterSpace({f"x{i}": Float(low, high) for i, (low, high) in enumerate(self.bounds)})


def sphere(x: np.ndarray) -> float:
    """Give the squared distance from the centre; 0 at best."""
    return float(((x - CENTRE) ** 2).sum())


def branin(x: np.ndarray) -> float:
    """Give Branin's function (Dixon & Szegö 1978); 0.397887 at best, in three places."""
    a, b = x
    parabola = b - 5.1 / (4 * math.pi**2) * a**2 + 5 / math.pi * a - 6
    return float(parabola**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10)


def hartmann(x: np.ndarray) -> float:
    """Give Hartmann's function of six dimensions (Dixon & Szegö 1978); -3.32237 at best."""
    return float(-(HARTMANN_ALPHA * np.exp(-(HARTMANN_A * (x - HARTMANN_P) ** 2).sum(axis=1))).sum())


def steps(x: np.ndarray) -> float:
    """Give the sum of whole distances from the centre: flat but for its steps; 0 at best."""
    return float(np.floor(np.abs(x - CENTRE)).sum())


CASES = (
    Case("sphere", ((-5.0, 5.0),) * 5, sphere),
    Case("Branin", ((-5.0, 10.0), (0.0, 15.0)), branin),
    Case("Hartmann-6", ((0.0, 1.0),) * 6, hartmann),
    Case("noisy steps", ((-5.0, 5.0),) * 5, steps, noise=1.0),
)


class Seen:
    """A case's function as one run sees it: with noise, and with a record of what was best.

    Parameters
    ----------
    case : Case
        The function.
    seed : int
        Of the noise.
    limit : int
        How many evaluations count; later ones are not recorded.

    Attributes
    ----------
    best : float
        The true value of the point that looked best.
    """

    def __init__(self, case: Case, seed: int, limit: int) -> None:
        self.case, self.left = case, limit
        self.generator = np.random.default_rng(np.random.SeedSequence((seed, 1)))
        self.lowest, self.best = math.inf, math.inf

    def __call__(self, x: np.ndarray) -> float:
        """Give the value that is seen."""
        true = self.case.value(x)
        seen = true + self.case.noise * float(self.generator.standard_normal())
        if self.left > 0 and seen < self.lowest:
            self.lowest, self.best = seen, true
        self.left -= 1
        return seen


def best_of(search: Search, case: Case, seed: int, trials: int) -> float:
    """Run a search and give the true value of what looked best to it.

    Parameters
    ----------
    search : Search
        With so many trials.
    case : Case
        The function.
    seed : int
        Of the noise; whatever the search, evaluation k has the same.
    trials : int
        How many evaluations count.

    Returns
    -------
    float
        The lower, the better.
    """
    seen, schedule = Seen(case, seed, trials), Schedule(search.begin(case.space))
    while taken := schedule.take(1):
        for number, proposal in taken:
            schedule.hear(number, Feedback((seen(point_of(proposal.params)),)))
    return seen.best


def point_of(params: Mapping[str, Any]) -> np.ndarray:
    """Give params as an array, in order."""
    return np.array(list(params.values()))


def best_of_evolution(case: Case, seed: int, trials: int) -> float:
    """Run SciPy's differential evolution, five individuals a dimension, for so many evaluations."""
    seen = Seen(case, seed, trials)
    generations = math.ceil(trials / (5 * len(case.bounds)))
    differential_evolution(seen, case.bounds, popsize=5, maxiter=generations, polish=False, tol=0, rng=seed)
    return seen.best
