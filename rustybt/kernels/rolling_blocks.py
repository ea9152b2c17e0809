"""What is the sum, the extreme or the spread of every window of a column, in one pass and without drift?

Nothing is ever subtracted from a running total: that drifts, and infinity less infinity is NaN for ever. A block of
`window` rows gets an aggregate of every suffix; the block after it runs an aggregate of its prefix, and a window is a
suffix of the one and a prefix of the other (van Herk 1992, Gil and Werman 1993).

Functions fill out[begin:end] from the values of rows up to each; NaNs are skipped, and fewer than `min_count` values
give NaN. The first block begins at row `begin`, so a column that was changed is taken up again there.
"""

import math

import numpy as np
from numpy.typing import NDArray

from rustybt.kernels.compiled import compiled

Array = NDArray[np.float64]


@compiled
def rolling_sums(values: Array, begin: int, end: int, window: int, min_count: int, mean: bool, out: Array) -> None:
    """Give the sum, or the mean, of each window.

    Parameters
    ----------
    values : float64 array, shape (n,)
        NaN where missing.
    begin, end : int
        Rows whose results are wanted.
    window, min_count : int
        Rows of a window, at most n, and the values that it needs, at least 1.
    mean : bool
        Divide by the number of values.
    out : float64 array, shape (n,)
        Filled from begin to end.

    Examples
    --------
    >>> out = np.empty(4)
    >>> rolling_sums(np.array([1.0, np.inf, 3.0, 4.0]), 0, 4, 2, 2, False, out)
    >>> out
    array([nan, inf, inf,  7.])
    """
    sums = np.zeros(window)
    counts = np.zeros(window, dtype=np.int64)
    start = begin
    while start < end:
        base = start - window + 1
        total = 0.0
        count = 0
        for i in range(start - 1, max(base, 0) - 1, -1):
            value = values[i]
            if value == value:
                total += value
                count += 1
            sums[i - base] = total
            counts[i - base] = count
        total = 0.0
        count = 0
        for row in range(start, min(start + window, end)):
            value = values[row]
            if value == value:
                total += value
                count += 1
            oldest = max(row - start, -base)
            number = counts[oldest] + count
            result = sums[oldest] + total
            if mean:
                result /= number
            out[row] = result if number >= min_count else np.nan
        start += window


@compiled
def rolling_extremes(values: Array, begin: int, end: int, window: int, min_count: int, sign: float, out: Array) -> None:
    """Give the greatest (sign 1) or the least (sign -1) value of each window; the rest is as in `rolling_sums`.

    Examples
    --------
    >>> out = np.empty(4)
    >>> rolling_extremes(np.array([3.0, 1.0, np.nan, 2.0]), 0, 4, 3, 1, 1.0, out)
    >>> out
    array([3., 3., 3., 2.])
    """
    bests = np.full(window, -np.inf)
    counts = np.zeros(window, dtype=np.int64)
    start = begin
    while start < end:
        base = start - window + 1
        best = -np.inf
        count = 0
        for i in range(start - 1, max(base, 0) - 1, -1):
            value = values[i] * sign
            if value == value:
                best = max(best, value)
                count += 1
            bests[i - base] = best
            counts[i - base] = count
        best = -np.inf
        count = 0
        for row in range(start, min(start + window, end)):
            value = values[row] * sign
            if value == value:
                best = max(best, value)
                count += 1
            oldest = max(row - start, -base)
            out[row] = max(bests[oldest], best) * sign if counts[oldest] + count >= min_count else np.nan
        start += window


@compiled
def reciprocals(count: int) -> Array:
    """Give 1/i for i up to a count; a product is faster than a quotient. At 0 it is 0: no values weigh nothing."""
    out = np.zeros(count + 1)
    for i in range(1, count + 1):
        out[i] = 1.0 / i
    return out


@compiled
def rolling_moments(
    values: Array, begin: int, end: int, window: int, min_count: int, ddof: int, zscore: bool, out: Array
) -> None:
    """Give the standard deviation of each window, or how many of them its last value lies over its mean.

    Mean and squared deviations of a value more are Welford's (1962); two parts are merged by Chan, Golub and LeVeque
    (1979), so that a window of equal values deviates by exactly 0.

    Parameters
    ----------
    values, begin, end, window, min_count, out
        As in `rolling_sums`.
    ddof : int
        The squared deviations are divided by the number of values less this; NaN where that is none.
    zscore : bool
        Give (last value - mean) / deviation; NaN where the window is constant.

    Examples
    --------
    >>> out = np.empty(3)
    >>> rolling_moments(np.array([1.0, 3.0, 3.0]), 0, 3, 2, 2, 0, False, out)
    >>> out
    array([nan,  1.,  0.])
    """
    inverse = reciprocals(window)
    means = np.zeros(window)
    squares = np.zeros(window)
    counts = np.zeros(window, dtype=np.int64)
    start = begin
    while start < end:
        base = start - window + 1
        mean = square = 0.0
        count = 0
        for i in range(start - 1, max(base, 0) - 1, -1):
            value = values[i]
            if value == value:
                count += 1
                delta = value - mean
                mean += delta * inverse[count]
                square += delta * (value - mean)
            means[i - base], squares[i - base], counts[i - base] = mean, square, count
        mean = square = 0.0
        count = 0
        for row in range(start, min(start + window, end)):
            value = values[row]
            if value == value:
                count += 1
                delta = value - mean
                mean += delta * inverse[count]
                square += delta * (value - mean)
            oldest = max(row - start, -base)
            earlier = counts[oldest]
            number = earlier + count
            centre, spread = mean, square
            if earlier > 0:
                delta = mean - means[oldest] if count > 0 else 0.0
                weight = count * inverse[number]
                centre = means[oldest] + delta * weight
                spread = squares[oldest] + square + delta * delta * (earlier * weight)
            deviation = math.sqrt(spread / (number - ddof)) if number > ddof and number >= min_count else np.nan
            if zscore:
                deviation = (value - centre) / deviation if deviation > 0 else np.nan
            out[row] = deviation
        start += window
