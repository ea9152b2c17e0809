"""What do pipelines' built-in factors say of many assets' windows at a time? See `windows.over_lanes` for the calls.

Sums run from a window's first value to its last, as NumPy's do over the rows of a table; what is missing adds 0.
"""

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

Array = NDArray[np.float64]


@register_jitable
def nanmeans(values: Array, begin: int, end: int, counts: Array, means: Array) -> None:
    """Give each lane's number of values that are there, and their mean, NaN of nothing.

    Parameters
    ----------
    values : float64 array, shape (n_rows, n_lanes)
        NaN where missing.
    begin, end : int
        Rows of the window.
    counts, means : float64 arrays, shape (n_lanes,)
        Filled.
    """
    lanes = range(values.shape[1])
    for a in lanes:
        counts[a] = 0.0
        means[a] = 0.0
    for i in range(begin, end):
        for a in lanes:
            value = values[i, a]
            there = value == value
            counts[a] += 1.0 if there else 0.0
            means[a] += value if there else 0.0
    for a in lanes:
        means[a] /= counts[a]


@register_jitable
def nanstds(values: Array, begin: int, end: int, counts: Array, means: Array, stds: Array) -> None:
    """Give the same as `nanmeans`, and the population's deviation (ddof 0)."""
    nanmeans(values, begin, end, counts, means)
    lanes = range(values.shape[1])
    for a in lanes:
        stds[a] = 0.0
    for i in range(begin, end):
        for a in lanes:
            value = values[i, a]
            deviation = value - means[a]
            stds[a] += deviation * deviation if value == value else 0.0
    for a in lanes:
        stds[a] = np.sqrt(stds[a] / counts[a])


@register_jitable
def products(values: Array, begin: int, end: int, sums: Array) -> None:
    """Give the sum of two inputs' products that are there, shape (n_lanes,)."""
    lanes = range(values.shape[2])
    for a in lanes:
        sums[a] = 0.0
    for i in range(begin, end):
        for a in lanes:
            product = values[0, i, a] * values[1, i, a]
            sums[a] += product if product == product else 0.0


def change_over_window(values: Array, begin: int, end: int, params: Array, scratch: Array, result: Array) -> None:
    """Give the last value less the first, over the first."""
    for a in range(values.shape[2]):
        first = values[0, begin, a]
        result[0, a] = (values[0, end - 1, a] - first) / first


def mean(values: Array, begin: int, end: int, params: Array, scratch: Array, result: Array) -> None:
    """Give the mean of what is there."""
    nanmeans(values[0], begin, end, scratch[0], result[0])


def weighted_by_input(values: Array, begin: int, end: int, params: Array, scratch: Array, result: Array) -> None:
    """Give the sum of both inputs' products over the sum of the second; what is missing is left out of each."""
    products(values, begin, end, result[0])
    weights = scratch[0]
    lanes = range(values.shape[2])
    for a in lanes:
        weights[a] = 0.0
    for i in range(begin, end):
        for a in lanes:
            weight = values[1, i, a]
            weights[a] += weight if weight == weight else 0.0
    for a in lanes:
        result[0, a] /= weights[a]


def mean_product(values: Array, begin: int, end: int, params: Array, scratch: Array, result: Array) -> None:
    """Give the sum of both inputs' products that are there, over the window's length."""
    products(values, begin, end, result[0])
    for a in range(values.shape[2]):
        result[0, a] /= end - begin


def scaled_std(values: Array, begin: int, end: int, params: Array, scratch: Array, result: Array) -> None:
    """Give the deviation of what is there times a parameter."""
    nanstds(values[0], begin, end, scratch[0], scratch[1], result[0])
    for a in range(values.shape[2]):
        result[0, a] *= params[0]


def bands(values: Array, begin: int, end: int, params: Array, scratch: Array, result: Array) -> None:
    """Give a mean and, a number of deviations below and above it, its bands: lower, middle, upper."""
    nanstds(values[0], begin, end, scratch[0], result[1], scratch[1])
    for a in range(values.shape[2]):
        difference = params[0] * scratch[1, a]
        result[0, a] = result[1, a] - difference
        result[2, a] = result[1, a] + difference


def relative_strength(values: Array, begin: int, end: int, params: Array, scratch: Array, result: Array) -> None:
    """Give 100 - 100 / (1 + mean rise / mean fall), of the changes that are there; NaN of none."""
    ups, downs, counts = scratch[0], scratch[1], scratch[2]
    lanes = range(values.shape[2])
    for a in lanes:
        ups[a] = 0.0
        downs[a] = 0.0
        counts[a] = 0.0
    for i in range(begin + 1, end):
        for a in lanes:
            moved = values[0, i, a] - values[0, i - 1, a]
            counts[a] += 1.0 if moved == moved else 0.0
            ups[a] += moved if moved > 0.0 else 0.0
            downs[a] += moved if moved < 0.0 else 0.0
    for a in lanes:
        result[0, a] = 100 - (100 / (1 + ((ups[a] / counts[a]) / abs(downs[a] / counts[a]))))
