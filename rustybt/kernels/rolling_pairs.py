"""How do two columns move together in every window, each window seen as of its last row?

Blocks are those of `rolling_blocks`; the co-moments of two parts are merged as Chan, Golub and LeVeque (1979) merge the
moments of one.
"""

import numpy as np
from numpy.typing import NDArray

from rustybt.kernels.compiled import compiled
from rustybt.kernels.rolling import NOT_FILLED, next_change, open_column, see_at
from rustybt.kernels.rolling_blocks import reciprocals

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@compiled
def add_pair(part: Array, inverse: Array, x: float, y: float) -> None:
    """Add a pair, in place, to (number, mean x, mean y, squares of x, squares of y, products); NaN is no pair."""
    if x == x and y == y:
        part[0] += 1.0
        weight = inverse[int(part[0])]
        dx, dy = x - part[1], y - part[2]
        part[1] += dx * weight
        part[2] += dy * weight
        part[3] += dx * (x - part[1])
        part[4] += dy * (y - part[2])
        part[5] += dx * (y - part[2])


@compiled
def correlate(a: Array, b: Array, inverse: Array, min_count: int) -> float:
    """Give the correlation of the pairs of two parts together; NaN for fewer than `min_count` or a constant one."""
    number = a[0] + b[0]
    if number < min_count or number < 2:
        return np.nan
    both = a[0] > 0 and b[0] > 0
    dx = b[1] - a[1] if both else 0.0
    dy = b[2] - a[2] if both else 0.0
    weight = a[0] * b[0] * inverse[int(number)]
    xx = a[3] + b[3] + dx * dx * weight
    yy = a[4] + b[4] + dy * dy * weight
    xy = a[5] + b[5] + dx * dy * weight
    if not (xx > 0 and yy > 0):
        return np.nan
    return max(-1.0, min(1.0, xy / (np.sqrt(xx) * np.sqrt(yy)))) if xy == xy else np.nan


@compiled
def run_pairs(x: Array, y: Array, begin: int, end: int, window: int, min_count: int, out: Array) -> None:
    """Fill out[begin:end] with the correlation of the windows of two columns that stay as they are."""
    inverse = reciprocals(window)
    parts = np.zeros((window, 6))
    part = np.zeros(6)
    start = begin
    while start < end:
        base = start - window + 1
        part[:] = 0.0
        for i in range(start - 1, max(base, 0) - 1, -1):
            add_pair(part, inverse, x[i], y[i])
            parts[i - base] = part
        part[:] = 0.0
        for row in range(start, min(start + window, end)):
            add_pair(part, inverse, x[row], y[row])
            out[row] = correlate(parts[max(row - start, -base)], part, inverse, min_count)
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
    results = np.empty(n)
    seen_x, seen_y = np.empty(n), np.empty(n)
    lead_x, lead_y = np.empty(0), np.empty(0)
    kept = min(window, n)
    end_y = ends[other]
    if end_y != NOT_FILLED:
        lead_y = leads[:, other].copy()
    rows_y = rows[offsets[other] : offsets[other + 1]]
    factors_y = factors[offsets[other] : offsets[other + 1]]
    for column in range(k):
        x, y = values[:, column].copy(), values[:, other].copy()
        end = ends[column]
        if end != NOT_FILLED:
            lead_x = leads[:, column].copy()
        rows_x = rows[offsets[column] : offsets[column + 1]]
        factors_x = factors[offsets[column] : offsets[column + 1]]
        open_column(x, end, rounds, seen_x)
        open_column(y, end_y, rounds, seen_y)
        row = event_x = event_y = 0
        while row < n:
            event_x = see_at(row, window, event_x, rows_x, factors_x, lead_x, end, rounds, x, seen_x)
            event_y = see_at(row, window, event_y, rows_y, factors_y, lead_y, end_y, rounds, y, seen_y)
            stop_x = next_change(row, window, event_x, rows_x, lead_x, end, x, seen_x)
            stop_y = next_change(row, window, event_y, rows_y, lead_y, end_y, y, seen_y)
            stop = min(stop_x, stop_y)
            run_pairs(seen_x, seen_y, row, stop, kept, min_count, results)
            row = stop
        out[:, column] = results[skip:]
    return out
