"""When is a case slower than it was? By a test of paired rounds, whose noise the base shows against itself.

A round has three times of a case, medians of some runs: base, base again and new, which share the state of the machine.
With

    y = log(new) - (log(base) + log(again)) / 2     of variance 3/2 s^2
    n = log(again) - log(base)                      of variance 2 s^2, and of mean 0

in R rounds, the variance of one log time is estimated from both, with R - 1 and R degrees of freedom:

    s^2 = (sum (y - mean y)^2 / (3/2) + sum n^2 / 2) / (2 R - 1)

and mean(y) - t(1 - alpha, 2 R - 1) sqrt(3/2 s^2 / R) is the lower bound of the slowdown's logarithm (Student's t, as
y and n are independent where times are log-normal). A case is suspect where that bound is above the tolerance; suspects
are timed once more, from nothing, and fail where it is so again. The second time alpha is divided by the number of all
cases (Bonferroni), so that noise fails a commit in at most 5% of gates whatever the first time found.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy import stats

ALPHA: Final = 0.05
TOLERANCE: Final = 1.05
LEAST_ROUNDS: Final = 3
BASE, AGAIN, NEW = "base", "base again", "new"
SIDES: Final = (BASE, AGAIN, NEW)

Seconds = dict[str, list[float]]
"""Of one case: by side, one a round."""


class Judged(NamedTuple):
    """What was found of a case.

    Attributes
    ----------
    name : str
        Of the case.
    ratio : float
        Geometric mean of new / base; above 1 where it is slower.
    at_least : float
        The ratio's lower bound.
    noise : float
        Standard deviation of the logarithm of one time.
    """

    name: str
    ratio: float
    at_least: float
    noise: float

    @property
    def is_slower(self) -> bool:
        """Whether it is slower by more than noise and tolerance."""
        return self.at_least > TOLERANCE

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.ratio:.3f} of the base's time, at least {self.at_least:.3f}; "
            f"tolerated {TOLERANCE}; noise of one time {self.noise:.1%}"
        )


def judge(name: str, seconds: Seconds, alpha: float = ALPHA) -> Judged:
    """Judge a case.

    Parameters
    ----------
    name : str
        Of the case.
    seconds : dict of str to list of float
        By side, one a round.
    alpha : float
        How often a case that is as slow as tolerated may be called slower.

    Returns
    -------
    Judged

    Raises
    ------
    ValueError
        If there are fewer than 3 rounds.
    """
    base, again, new = (np.log(seconds[side]) for side in SIDES)
    rounds = len(base)
    if rounds < LEAST_ROUNDS:
        raise ValueError(f"{rounds} rounds of case {name}: noise shows in {LEAST_ROUNDS} or more")
    slowdown, itself = new - (base + again) / 2, again - base
    degrees = 2 * rounds - 1
    squares = ((slowdown - slowdown.mean()) ** 2).sum() / 1.5 + (itself**2).sum() / 2
    noise = math.sqrt(squares / degrees)
    away = float(stats.t.ppf(1 - alpha, degrees)) * noise * math.sqrt(1.5 / rounds)
    mean = float(slowdown.mean())
    return Judged(name, math.exp(mean), math.exp(mean - away), noise)


def slower_cases(
    names: Sequence[str],
    measure: Callable[[Sequence[str]], dict[str, Seconds]],
    told: Callable[[str], object] = lambda text: None,
) -> list[Judged]:
    """Find the cases that are slower both times.

    Parameters
    ----------
    names : sequence of str
        All cases.
    measure : callable
        Times some cases, from nothing at each call.
    told : callable
        Hears what is found.

    Returns
    -------
    list of Judged
        As of the second time.
    """
    alpha, suspects, judged = ALPHA, list(names), []
    for words in ("slower: timed once more", "slower again: FAILS"):
        timed = measure(suspects) if suspects else {}
        judged = [judge(name, timed[name], alpha) for name in suspects]
        for one in judged:
            told(f"{one}: {words if one.is_slower else 'fine'}")
        judged = [one for one in judged if one.is_slower]
        suspects, alpha = [one.name for one in judged], ALPHA / len(names)
    return judged
