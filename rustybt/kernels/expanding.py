"""What is the statistic of every prefix of a return series, in one pass?

Moments are Welford's (1962) updates: no cancellation where early returns are equal or zero, which is how most runs
begin.
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
    rows = []
    mean_r = mean_b = m2_r = m2_b = co = downside = 0.0
    for i, (r, b) in enumerate(zip(returns.tolist(), benchmark.tolist(), strict=True)):
        count = i + 1
        delta_r = r - mean_r
        mean_r += delta_r / count
        m2_r += delta_r * (r - mean_r)
        delta_b = b - mean_b
        mean_b += delta_b / count
        m2_b += delta_b * (b - mean_b)
        co += delta_r * (b - mean_b)
        if r < 0:
            downside += r * r
        rows.append((mean_r, m2_r, downside / count, mean_b, m2_b, co))
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 6)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3], table[:, 4], table[:, 5]


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
