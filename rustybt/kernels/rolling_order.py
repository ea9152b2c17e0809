"""What is the median of every window of a column, and where does its last value rank?

For medians the window's values are kept sorted. A value that comes takes the place of one that goes: what lies between
the two places moves by one.
"""

import numpy as np
from numpy.typing import NDArray

from rustybt.kernels.compiled import compiled

Array = NDArray[np.float64]


@compiled
def place(ordered: Array, count: int, value: float) -> int:
    """Give how many of the first `count` ordered values are less than a value."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def sift_down(values: Array, root: int, count: int) -> None:
    """Let a value sink, in place, until none of the two below its place is greater."""
    value = values[root]
    child = 2 * root + 1
    while child < count:
        if child + 1 < count and values[child + 1] > values[child]:
            child += 1
        if values[child] <= value:
            break
        values[root] = values[child]
        root, child = child, 2 * child + 1
    values[root] = value


@compiled
def sort_values(values: Array, count: int) -> None:
    """Sort the first `count` values, none of them NaN, in place, by a heap (Williams 1964).

    NumPy's sort would do the same, after three seconds more of compiling.

    Examples
    --------
    >>> values = np.array([2.0, -np.inf, 3.0, 2.0])
    >>> sort_values(values, 3)
    >>> values.tolist()
    [-inf, 2.0, 3.0, 2.0]
    """
    for root in range(count // 2 - 1, -1, -1):
        sift_down(values, root, count)
    for last in range(count - 1, 0, -1):
        values[0], values[last] = values[last], values[0]
        sift_down(values, 0, last)


@compiled
def exchange(ordered: Array, count: int, old: float, new: float) -> int:
    """Take one value out of the first `count` ordered ones, put another in, and give their number; NaN is none.

    Examples
    --------
    >>> ordered = np.array([1.0, 2.0, 4.0])
    >>> exchange(ordered, 3, 1.0, 3.0), ordered.tolist()
    (3, [2.0, 3.0, 4.0])
    """
    hole = count
    if old == old:
        hole = place(ordered, count, old)
        if new != new:
            for i in range(hole, count - 1):
                ordered[i] = ordered[i + 1]
            return count - 1
    elif new != new:
        return count
    while hole + 1 < count and ordered[hole + 1] < new:
        ordered[hole] = ordered[hole + 1]
        hole += 1
    while hole > 0 and ordered[hole - 1] > new:
        ordered[hole] = ordered[hole - 1]
        hole -= 1
    ordered[hole] = new
    return count if old == old else count + 1


@compiled
def rolling_medians(values: Array, begin: int, end: int, window: int, min_count: int, out: Array) -> None:
    """Give the median of each window.

    Parameters
    ----------
    values, begin, end, window, min_count, out
        As in `rustybt.kernels.rolling_blocks.rolling_sums`.

    Examples
    --------
    >>> out = np.empty(4)
    >>> rolling_medians(np.array([3.0, 1.0, 3.0, 2.0]), 0, 4, 3, 2, out)
    >>> out
    array([nan, 2., 3., 2.])
    """
    ordered = np.empty(window + 1)
    count = 0
    for i in range(max(begin - window, 0), begin):
        if values[i] == values[i]:
            ordered[count] = values[i]
            count += 1
    sort_values(ordered, count)
    for row in range(begin, end):
        gone = values[row - window] if row >= window else np.nan
        count = exchange(ordered, count, gone, values[row])
        half = count // 2
        if count < min_count:
            out[row] = np.nan
        else:
            out[row] = ordered[half] if count % 2 else (ordered[half - 1] + ordered[half]) / 2.0


@compiled
def rank_last(cells: Array, min_count: int) -> float:
    """Give the rank of the last of some values as a fraction of their number; see `rolling_ranks`."""
    value = cells[-1]
    less = equal = known = 0
    for i in range(len(cells)):
        less += cells[i] < value
        equal += cells[i] == value
        known += cells[i] == cells[i]
    if known < min_count or value != value:
        return np.nan
    return (less + (equal + 1) * 0.5) / known


@compiled
def rolling_ranks(values: Array, begin: int, end: int, window: int, min_count: int, out: Array) -> None:
    """Give the rank of each window's last value as a fraction of the number of values, 1 for the greatest.

    Equal ones share the mean of their ranks, as in pandas' `rank(pct=True)`. NaN where the last value is missing. Every
    window is counted anew: several values are compared at a time, which beats keeping hundreds sorted.

    Parameters
    ----------
    values, begin, end, window, min_count, out
        As in `rustybt.kernels.rolling_blocks.rolling_sums`.

    Examples
    --------
    >>> out = np.empty(4)
    >>> rolling_ranks(np.array([3.0, 1.0, 3.0, 3.0]), 0, 4, 4, 4, out)
    >>> out
    array([ nan,  nan,  nan, 0.75])
    """
    for row in range(begin, end):
        out[row] = rank_last(values[max(row - window + 1, 0) : row + 1], min_count)
