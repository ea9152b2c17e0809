"""What do paired runs say of a gain? The mean log-ratio, its interval, and whether chance would give as much.

Seconds of one pair share the state of the machine, and their ratio is what a user sees; its logarithm is close to
normal and has the same meaning in both directions. All tests are of the log-ratios of the pairs.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy import stats

ALPHA: Final = 0.05
LEAST_PAIRS: Final = 3


class PairedTest(NamedTuple):
    """What was found of optimized against baseline seconds.

    Attributes
    ----------
    pairs : int
        How many.
    ratio : float
        Geometric mean of optimized / baseline; below 1 where it is faster.
    low, high : float
        Of the ratio, the two-sided 95% interval by the t distribution.
    at_least, at_most : float
        Of the ratio, the one-sided 95% bounds.
    p : float
        One-tailed paired t-test: how likely so low a ratio, or a lower one, is where there is no gain.
    p_wilcoxon : float
        The same question to the signed-rank test.
    deviation : float
        Standard deviation of the pairs' log-ratios.
    """

    pairs: int
    ratio: float
    low: float
    high: float
    at_least: float
    at_most: float
    p: float
    p_wilcoxon: float
    deviation: float

    @property
    def gain(self) -> float:
        """The share of the baseline's time that is saved; negative where it is slower."""
        return 1.0 - self.ratio

    @property
    def gain_at_least(self) -> float:
        """The gain's lower one-sided 95% bound."""
        return 1.0 - self.at_most

    @property
    def factor(self) -> float:
        """How many times faster."""
        return 1.0 / self.ratio


def paired_test(baseline: Sequence[float], optimized: Sequence[float]) -> PairedTest:
    """Test pairs of runs.

    Parameters
    ----------
    baseline, optimized : sequence of float
        Seconds, of one pair at each place.

    Returns
    -------
    PairedTest

    Raises
    ------
    ValueError
        If the lengths differ, there are fewer than 3 pairs, or a time is not finite and above 0.

    Examples
    --------
    >>> found = paired_test([2.0, 2.2, 1.8, 2.1], [1.0, 1.2, 0.9, 1.0])
    >>> round(found.factor, 2), found.p < 0.001
    (1.98, True)
    """
    if len(baseline) != len(optimized) or len(baseline) < LEAST_PAIRS:
        raise ValueError(f"{len(baseline)} and {len(optimized)} times: a test takes at least {LEAST_PAIRS} pairs")
    if not all(math.isfinite(seconds) and seconds > 0 for seconds in (*baseline, *optimized)):
        raise ValueError("every time has to be finite and above 0")
    logs = np.log(optimized) - np.log(baseline)
    pairs, mean, deviation = len(logs), float(logs.mean()), float(logs.std(ddof=1))
    error = deviation / math.sqrt(pairs)
    two_sided, one_sided = (error * stats.t.ppf(level, pairs - 1) for level in (1 - ALPHA / 2, 1 - ALPHA))
    p = float(stats.t.cdf(mean / error, pairs - 1)) if error > 0 else float(mean >= 0)
    return PairedTest(
        pairs=pairs,
        ratio=math.exp(mean),
        low=math.exp(mean - two_sided),
        high=math.exp(mean + two_sided),
        at_least=math.exp(mean - one_sided),
        at_most=math.exp(mean + one_sided),
        p=p,
        p_wilcoxon=float(stats.wilcoxon(logs, alternative="less").pvalue) if logs.any() else 1.0,
        deviation=deviation,
    )


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjust p-values of several tests, so that all of them together are wrong in at most a share of ALPHA.

    Parameters
    ----------
    p_values : mapping of str to float
        By name of the test.

    Returns
    -------
    dict of str to float
        In the same order; each is to be compared with ALPHA.

    Examples
    --------
    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'b': 0.06, 'c': 0.06}
    """
    adjusted, highest = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}


def power(gain: float, deviation: float, pairs: int) -> float:
    """Give how likely the one-tailed test is to find a gain.

    Parameters
    ----------
    gain : float
        Share of the baseline's time that is saved.
    deviation : float
        Standard deviation of the pairs' log-ratios.
    pairs : int
        How many.

    Returns
    -------
    float
        From ALPHA, for no gain, to 1.

    Examples
    --------
    >>> round(power(0.0, 0.1, 10), 3), power(0.1, 0.05, 10) > 0.99
    (0.05, True)
    """
    away = -math.log1p(-gain) / deviation * math.sqrt(pairs)
    return float(stats.nct.sf(stats.t.ppf(1 - ALPHA, pairs - 1), pairs - 1, away))
