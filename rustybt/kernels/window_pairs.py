"""How do two inputs of one window go together? Correlations and regressions, called as `window_statistics` are."""

import math

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

Array = NDArray[np.float64]


@register_jitable
def moments(x: Array, y: Array) -> tuple[float, float, float, float, float]:
    """Give both means, both variances and the covariance (ddof 0)."""
    n = len(x)
    mean_x = 0.0
    mean_y = 0.0
    for i in range(n):
        mean_x += x[i]
        mean_y += y[i]
    mean_x /= n
    mean_y /= n
    variance_x = 0.0
    variance_y = 0.0
    covariance = 0.0
    for i in range(n):
        dx, dy = x[i] - mean_x, y[i] - mean_y
        variance_x += dx * dx
        variance_y += dy * dy
        covariance += dx * dy
    return mean_x, mean_y, variance_x / n, variance_y / n, covariance / n


@register_jitable
def average_ranks(values: Array) -> Array:
    """Rank values from 1 on; equal ones share the mean of their places."""
    order = np.argsort(values, kind="mergesort")
    ranks = np.empty(len(values))
    i = 0
    while i < len(order):
        stop = i + 1
        while stop < len(order) and values[order[stop]] == values[order[i]]:
            stop += 1
        for place in range(i, stop):
            ranks[order[place]] = (i + stop + 1) / 2
        i = stop
    return ranks


def pearson(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give Pearson's correlation; NaN where a value is missing."""
    _, _, variance_x, variance_y, covariance = moments(values[1, begin:end], values[0, begin:end])
    result[0] = covariance / math.sqrt(variance_x * variance_y)


def spearman(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give Spearman's correlation of ranks; NaN where a value is missing."""
    x, y = values[0, begin:end], values[1, begin:end]
    result[0] = np.nan
    if not (np.isnan(x).any() or np.isnan(y).any()):
        _, _, variance_x, variance_y, covariance = moments(average_ranks(x), average_ranks(y))
        result[0] = covariance / math.sqrt(variance_x * variance_y)


def regression(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give, of the first input on the second: intercept, slope, correlation, and the slope's standard error.

    The fourth result is left for the p-value; where the second input never changes all are NaN.
    """
    mean_x, mean_y, variance_x, variance_y, covariance = moments(values[1, begin:end], values[0, begin:end])
    slope = covariance / variance_x if variance_x > 0.0 else np.nan
    r = np.nan
    if variance_x > 0.0 and variance_y > 0.0:
        r = min(max(covariance / math.sqrt(variance_x * variance_y), -1.0), 1.0)
    n = end - begin
    result[0] = mean_y - slope * mean_x
    result[1] = slope
    result[2] = r
    result[3] = np.nan
    result[4] = math.sqrt((1 - r * r) * variance_y / variance_x / (n - 2)) if n > 2 else slope * 0.0
