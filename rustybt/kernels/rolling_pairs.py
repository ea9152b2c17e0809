"""How do two columns move together in every window, each window seen as of its last row?

Blocks are those of `rolling_blocks`; the co-moments of two parts are merged as Chan, Golub and LeVeque (1979) merge the
moments of one.
"""

import math

import numpy as np
from numpy.typing import NDArray

from rustybt.kernels.compiled import compiled
from rustybt.kernels.rolling import NOT_FILLED, next_change, open_column, put_column, see_at, take_column
from rustybt.kernels.rolling_blocks import reciprocals

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


Moments = tuple[int, float, float, float, float, float]
"""Number of pairs, both means, sums of squared deviations of both, and of their products."""

NO_PAIRS: Moments = (0, 0.0, 0.0, 0.0, 0.0, 0.0)


@compiled
def add_pair(moments: Moments, inverse: Array, x: float, y: float) -> Moments:
    """Give the moments with one pair more; NaN is no pair."""
    if x != x or y != y:
        return moments
    number, mean_x, mean_y, xx, yy, xy = moments
    number += 1
    weight = inverse[number]
    dx, dy = x - mean_x, y - mean_y
    mean_x += dx * weight
    mean_y += dy * weight
    return number, mean_x, mean_y, xx + dx * (x - mean_x), yy + dy * (y - mean_y), xy + dx * (y - mean_y)


@compiled
def correlate(a: Moments, b: Moments, inverse: Array, min_count: int) -> float:
    """Give the correlation of the pairs of two parts together; NaN for fewer than `min_count` or a constant one."""
    number = a[0] + b[0]
    if number < min_count or number < 2:
        return np.nan
    dx = dy = 0.0
    if a[0] > 0 and b[0] > 0:
        dx, dy = b[1] - a[1], b[2] - a[2]
    weight = a[0] * (b[0] * inverse[number])
    xx = a[3] + b[3] + dx * dx * weight
    yy = a[4] + b[4] + dy * dy * weight
    xy = a[5] + b[5] + dx * dy * weight
    if not (xx > 0 and yy > 0):
        return np.nan
    result = xy / math.sqrt(xx * yy)
    return max(-1.0, min(1.0, result)) if result == result else np.nan


@compiled
def run_pairs(x: Array, y: Array, begin: int, end: int, window: int, min_count: int, out: Array) -> None:
    """Fill out[begin:end] with the correlation of the windows of two columns that stay as they are."""
    inverse = reciprocals(window)
    counts = np.zeros(window, dtype=np.int64)
    suffixes = np.zeros((window, 5))
    start = begin
    while start < end:
        base = start - window + 1
        moments = NO_PAIRS
        for i in range(start - 1, max(base, 0) - 1, -1):
            moments = add_pair(moments, inverse, x[i], y[i])
            s = suffixes[i - base]
            counts[i - base], s[0], s[1], s[2], s[3], s[4] = moments
        moments = NO_PAIRS
        for row in range(start, min(start + window, end)):
            moments = add_pair(moments, inverse, x[row], y[row])
            oldest = max(row - start, -base)
            s = suffixes[oldest]
            out[row] = correlate((counts[oldest], s[0], s[1], s[2], s[3], s[4]), moments, inverse, min_count)
        start += window


@compiled
def rolling_correlation(
    values: Array,
    other: int,
    offsets: Rows,
    rows: Rows,
    factors: Array,
    ends: Rows,
    leads: Array,
    rounds: bool,
    window: int,
    min_count: int,
    skip: int,
) -> Array:
    """Give Pearson's correlation of each column with one of them, over the window that ends at each row.

    Parameters
    ----------
    values, offsets, rows, factors, ends, leads, rounds, window, skip
        As in `rustybt.kernels.rolling.rolling`.
    other : int
        The column that each is correlated with, itself too.
    min_count : int
        Pairs without a NaN that a window needs; never fewer than 2.

    Returns
    -------
    float64 array, shape (n - skip, k)
        In [-1, 1]; NaN where one of the two is constant.

    Examples
    --------
    >>> none = np.zeros(3, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0), np.full(2, -1), np.empty((0, 0))
    >>> table = np.array([[1.0, 2.0], [2.0, 1.0], [4.0, -1.0]])
    >>> rolling_correlation(table, 1, *none, False, 3, 3, 0)[2].round(12)
    array([-1.,  1.])
    """
    n, k = values.shape
    out = np.empty((n - skip, k))
    x, seen_x, lead_x, results = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    y, seen_y, lead_y = np.empty(n), np.empty(n), np.empty(n)
    kept = min(window, n)
    end_y, last_y = ends[other], offsets[other + 1]
    if end_y != NOT_FILLED:
        take_column(leads, other, lead_y)
    for column in range(k):
        end_x, event_x, last_x, event_y = ends[column], offsets[column], offsets[column + 1], offsets[other]
        open_column(values, column, end_x, rounds, x, seen_x)
        open_column(values, other, end_y, rounds, y, seen_y)
        if end_x != NOT_FILLED:
            take_column(leads, column, lead_x)
        row = 0
        while row < n:
            event_x = see_at(row, window, event_x, last_x, rows, factors, lead_x, end_x, rounds, x, seen_x)
            event_y = see_at(row, window, event_y, last_y, rows, factors, lead_y, end_y, rounds, y, seen_y)
            stop_x = next_change(row, window, event_x, last_x, rows, lead_x, end_x, x, seen_x)
            stop_y = next_change(row, window, event_y, last_y, rows, lead_y, end_y, y, seen_y)
            stop = min(stop_x, stop_y)
            run_pairs(seen_x, seen_y, row, stop, kept, min_count, results)
            row = stop
        put_column(results, skip, column, out)
    return out
