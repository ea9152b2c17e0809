"""What is a statistic of every window of a table, each window seen as of its last row?

A split or dividend changes what a window's earlier rows look like, and so does a gap that reaches back over its first
row. Between two such rows the column stays as it is, and runs through a kernel of `rolling_blocks` or `rolling_order`
at O(1) a row; at such a row the window is made anew, and the kernel takes it up again.
"""

import numpy as np
from numpy.typing import NDArray

from rustybt.kernels.compiled import compiled
from rustybt.kernels.rolling_blocks import rolling_extremes, rolling_moments, rolling_sums
from rustybt.kernels.rolling_order import rolling_medians, rolling_ranks

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

SUM = 0
MEAN = 1
MIN = 2
MAX = 3
STD = 4  # of a sample, ddof 1
POPULATION_STD = 5  # ddof 0
ZSCORE = 6  # over the sample's deviation
MEDIAN = 7
RANK = 8
FIRST = 9  # the oldest value
CHANGE = 10  # the last value over the oldest, less 1

NOT_FILLED = -1  # as the end of a column whose gaps stay gaps


@compiled
def differ(a: float, b: float) -> bool:
    """Say whether two values are not equal; two NaNs are."""
    return a != b and (a == a or b == b)


@compiled
def multiply(values: Array, factor: float) -> None:
    """Multiply values in place."""
    for i in range(len(values)):
        values[i] *= factor


@compiled
def round_values(values: Array, rounds: bool, out: Array) -> None:
    """Copy values, to the nearest thousandth (ties to even, k/1000) where `rounds`.

    Counted from 0, so that the compiler need not think of negative indices, and takes several at once.
    """
    if rounds:
        for i in range(len(values)):
            out[i] = np.rint(values[i] * 1000.0) / 1000.0
    else:
        for i in range(len(values)):
            out[i] = values[i]


@compiled
def fill_rows(adjusted: Array, begin: int, end: int, seen: Array) -> None:
    """Carry, in place, what is seen over the gaps of rows [begin, end), from the row before them too."""
    for i in range(max(begin, 1), end):
        if adjusted[i] != adjusted[i]:
            seen[i] = seen[i - 1]


@compiled
def see_at(
    row: int,
    window: int,
    event: int,
    last_event: int,
    rows: Rows,
    factors: Array,
    leads: Array,
    end: int,
    rounds: bool,
    adjusted: Array,
    seen: Array,
) -> int:
    """Bring a column to what a window that ends at a row sees, in place, and give the next event to come.

    Parameters
    ----------
    row, window : int
        The window's last row and its length.
    event, last_event : int
        The column's first event that has not taken effect yet, and the end of its events.
    rows, factors : int64 and float64 arrays, shape (n_events,)
        As in `rolling`.
    leads : float64 array, shape (n,)
        What is known, as of each row, before the first bar of the window that ends there.
    end : int
        The first row after the asset's life, or NOT_FILLED.
    rounds : bool
        See `rolling`.
    adjusted, seen : float64 arrays, shape (n,)
        Values times the factors so far, and what windows show of them: rounded, and filled where `end` says so.

    Returns
    -------
    int
    """
    begin = max(row - window + 1, 0)
    before = event
    while event < last_event and rows[event] <= row:
        multiply(adjusted[begin:row], factors[event])
        event += 1
    if event != before:
        round_values(adjusted[begin:row], rounds, seen[begin:row])
        if end != NOT_FILLED:
            fill_rows(adjusted, begin + 1, min(row, end), seen)
            beyond = row
            while row > begin and beyond < end and adjusted[beyond] != adjusted[beyond]:
                seen[beyond] = seen[beyond - 1]
                beyond += 1
    oldest = row - window + 1
    if oldest >= 0 and differ_at_lead(row, oldest, leads, end, adjusted, seen):
        while oldest < end and adjusted[oldest] != adjusted[oldest]:
            seen[oldest] = leads[row]
            oldest += 1
    return event


@compiled
def differ_at_lead(row: int, oldest: int, leads: Array, end: int, adjusted: Array, seen: Array) -> bool:
    """Say whether a window begins in a gap that now shows another value than the one it was filled with."""
    return oldest < end and adjusted[oldest] != adjusted[oldest] and differ(seen[oldest], leads[row])


@compiled
def next_change(
    row: int,
    window: int,
    event: int,
    last_event: int,
    rows: Rows,
    leads: Array,
    end: int,
    adjusted: Array,
    seen: Array,
) -> int:
    """Give the first row after one at which `see_at` changes a column, or the column's length."""
    stop = len(adjusted)
    if event < last_event:
        stop = min(stop, rows[event])
    if end != NOT_FILLED:
        for later in range(max(row + 1, window - 1), stop):
            if differ_at_lead(later, later - window + 1, leads, end, adjusted, seen):
                return later
    return stop


@compiled
def open_column(values: Array, column: int, end: int, rounds: bool, adjusted: Array, seen: Array) -> None:
    """Take a table's column, and fill what is seen of it as long as nothing changes it."""
    take_column(values, column, adjusted)
    round_values(adjusted, rounds, seen)
    if end != NOT_FILLED:
        fill_rows(adjusted, 1, end, seen)


@compiled
def take_column(values: Array, column: int, out: Array) -> None:
    """Copy a table's column; contiguous values are read several times faster."""
    for row in range(len(out)):
        out[row] = values[row, column]


@compiled
def put_column(values: Array, skip: int, column: int, out: Array) -> None:
    """Write values from row `skip` on into a table's column."""
    for row in range(skip, len(values)):
        out[row - skip, column] = values[row]


@compiled
def rolling_lags(values: Array, begin: int, end: int, window: int, change: bool, out: Array) -> None:
    """Give the oldest value of each window, or the change since then; NaN where the window is not full."""
    for row in range(begin, end):
        oldest = values[row - window + 1] if row + 1 >= window else np.nan
        out[row] = values[row] / oldest - 1.0 if change else oldest


@compiled
def run_stretch(statistic: int, values: Array, begin: int, end: int, window: int, min_count: int, out: Array) -> None:
    """Fill out[begin:end] with a statistic of the windows of a column that stays as it is."""
    kept = min(window, len(values))  # a longer window holds nothing more
    if statistic <= MEAN:
        rolling_sums(values, begin, end, kept, min_count, statistic == MEAN, out)
    elif statistic <= MAX:
        rolling_extremes(values, begin, end, kept, min_count, 1.0 if statistic == MAX else -1.0, out)
    elif statistic <= ZSCORE:
        ddof = 0 if statistic == POPULATION_STD else 1
        rolling_moments(values, begin, end, kept, min_count, ddof, statistic == ZSCORE, out)
    elif statistic == MEDIAN:
        rolling_medians(values, begin, end, kept, min_count, out)
    elif statistic == RANK:
        rolling_ranks(values, begin, end, kept, min_count, out)
    else:
        rolling_lags(values, begin, end, window, statistic == CHANGE, out)


@compiled
def rolling(
    statistic: int,
    values: Array,
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
    """Give a statistic of the window that ends at each row of each column, as the window looks from there.

    Parameters
    ----------
    statistic : int
        SUM, MEAN, MIN, MAX, STD, POPULATION_STD, ZSCORE, MEDIAN, RANK, FIRST or CHANGE.
    values : float64 array, shape (n, k)
        Raw; NaN where missing.
    offsets : int64 array, shape (k + 1,)
        Where each column's events begin in `rows` and `factors`.
    rows, factors : int64 and float64 arrays, shape (n_events,)
        Rows at which an adjustment takes effect, ascending in each column, and what earlier values are multiplied by,
        one after the other.
    ends : int64 array, shape (k,)
        NOT_FILLED, or the row up to which a column's gaps are filled with the value before; values from there on are
        NaN already.
    leads : float64 array, shape (n, k), or (0, 0) where no column is filled
        What fills a gap with which the window of a row begins.
    rounds : bool
        Windows show values rounded to the nearest thousandth, ties to even, after the factors.
    window, min_count : int
        Rows of a window, and values that it needs, both at least 1. NaNs are skipped. FIRST and CHANGE need a full
        window.
    skip : int
        Rows before the first that is given out; they count as history.

    Returns
    -------
    float64 array, shape (n - skip, k)

    Examples
    --------
    A 2:1 split at the third row halves what the window shows of the rows before:

    >>> none = np.empty((0, 0))
    >>> split = np.array([0, 1]), np.array([2]), np.array([0.5]), np.array([NOT_FILLED])
    >>> rolling(MEAN, np.array([[10.0], [12.0], [7.0]]), *split, none, True, 2, 2, 0)[:, 0]
    array([ nan, 11. ,  6.5])
    """
    n, k = values.shape
    out = np.empty((n - skip, k))
    adjusted, seen, lead, results = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for column in range(k):
        end, event, last_event = ends[column], offsets[column], offsets[column + 1]
        open_column(values, column, end, rounds, adjusted, seen)
        if end != NOT_FILLED:
            take_column(leads, column, lead)
        row = 0
        while row < n:
            event = see_at(row, window, event, last_event, rows, factors, lead, end, rounds, adjusted, seen)
            stop = next_change(row, window, event, last_event, rows, lead, end, adjusted, seen)
            run_stretch(statistic, seen, row, stop, window, min_count, results)
            row = stop
        put_column(results, skip, column, out)
    return out
