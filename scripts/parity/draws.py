"""How are random choices made that every Python version makes alike?"""

import math
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Random choices by a key; only `random.random()` is used, whose sequence Python guarantees.

    Parameters
    ----------
    key : int or str
        What the choices are for: the same key gives the same choices, another one independent choices.
    """

    def __init__(self, *key: object) -> None:
        self._random = random.Random(":".join(map(str, key)))

    def unit(self) -> float:
        """Draw from [0, 1)."""
        return self._random.random()

    def chance(self, probability: float) -> bool:
        """Say yes with a probability."""
        return self.unit() < probability

    def integer(self, low: int, high: int) -> int:
        """Draw an integer from low to high, both included."""
        return low + int(self.unit() * (high - low + 1))

    def growing(self, low: float, high: float) -> float:
        """Draw from low to high, each order of magnitude alike."""
        return math.exp(math.log(low) + self.unit() * (math.log(high) - math.log(low)))

    def number(self, low: float, high: float, digits: int = 4) -> float:
        """Draw a number of a few digits from low to high."""
        return round(low + self.unit() * (high - low), digits)

    def pick(self, choices: Sequence[T]) -> T:
        """Choose one."""
        return choices[int(self.unit() * len(choices))]

    def weighted(self, choices: Sequence[tuple[T, float]]) -> T:
        """Choose one by weight."""
        rest = self.unit() * sum(weight for _, weight in choices)
        for choice, weight in choices:
            rest -= weight
            if rest < 0:
                return choice
        return choices[-1][0]

    def some(self, choices: Sequence[T], low: int, high: int) -> list[T]:
        """Choose from low to high different ones, in their order."""
        left = list(range(len(choices)))
        count = min(self.integer(low, high), len(left))
        chosen = [left.pop(int(self.unit() * len(left))) for _ in range(count)]
        return [choices[i] for i in sorted(chosen)]
