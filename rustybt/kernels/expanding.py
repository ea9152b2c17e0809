"""What is the statistic of every prefix of a return series, in one pass?

Moments are Welford's (1962) updates, as running sums of what each value adds: no cancellation where early returns are
equal or zero, which is how most runs begin. The sums carry the widest floats of the machine.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def expanding_moments(returns: Array, benchmark: Array) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Give mean, spread and co-movement of every prefix of two aligned series.

    Parameters
    ----------
    returns, benchmark : float64 array, shape (n_sessions,)
        Simple returns; finite.

    Returns
    -------
    tuple of six float64 arrays, shape (n_sessions,)
        mean of returns, sum of squared deviations of returns, mean of squared negative returns, mean of benchmark,
        sum of squared deviations of benchmark, sum of co-deviations; row i is over returns[:i + 1].
    """
    count = np.arange(1, len(returns) + 1)
    mean_r, before_r, after_r = _deviations(returns, count)
    mean_b, before_b, after_b = _deviations(benchmark, count)
    losses = np.minimum(returns, 0.0)
    downside = np.cumsum(losses * losses, dtype=np.longdouble) / count
    sums = (np.cumsum(before_r * after_r), downside, np.cumsum(before_b * after_b), np.cumsum(before_r * after_b))
    m2_r, downside_r, m2_b, co = (column.astype(np.float64) for column in sums)
    return mean_r, m2_r, downside_r, mean_b, m2_b, co


def _deviations(
    values: Array, count: NDArray[np.int64]
) -> tuple[Array, NDArray[np.longdouble], NDArray[np.longdouble]]:
    """Give the mean of every prefix, and each value's deviation from the mean before it and from the one with it."""
    shifted = (values - values[:1]).astype(np.longdouble)  # equal values then have exactly no deviation
    means = np.cumsum(shifted) / count
    before = shifted - np.append(means[:1], means[:-1])
    return (means + values[:1]).astype(np.float64), before, shifted - means


def expanding_drawdown(returns: Array) -> Array:
    """Give the deepest drawdown of every prefix, from a start of 1 on; negative or 0.

    Examples
    --------
    >>> expanding_drawdown(np.array([0.1, -0.5, 0.2]))
    array([ 0. , -0.5, -0.5])
    """
    wealth = np.cumprod(np.concatenate(([1.0], 1.0 + returns)))
    peak = np.maximum.accumulate(wealth)
    drawdown: Array = np.minimum.accumulate((wealth - peak) / peak)[1:]
    return drawdown


def expanding_constant(returns: Array) -> NDArray[np.bool_]:
    """Say for every prefix whether all its values are equal, so that its deviation is exactly zero."""
    same: NDArray[np.bool_] = np.maximum.accumulate(returns) == np.minimum.accumulate(returns)
    return same
