"""What does each value say among those of its own session? Ranks, scores, quantiles and extremes, row by row.

Arrays have a row a session and a column an asset; values that do not count are NaN, or left out by a mask.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from rustybt._typing import BoolArray, FloatArray, IntArray

RANK_METHODS: Final = ("average", "min", "max", "dense", "ordinal")


def nan_means(values: FloatArray) -> FloatArray:
    """Give each row's mean of what is there, shape (n_rows, 1); NaN of nothing."""
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        means: FloatArray = np.where(there, values, 0.0).sum(axis=1, keepdims=True) / there.sum(axis=1, keepdims=True)
    return means


def nan_deviations(values: FloatArray) -> FloatArray:
    """Give each row's deviation (ddof 0) of what is there, shape (n_rows, 1); NaN of nothing."""
    return np.asarray(np.sqrt(nan_means(demeaned(values) ** 2)))


def demeaned(values: FloatArray) -> FloatArray:
    """Subtract each row's mean."""
    with np.errstate(invalid="ignore"):  # of infinite values
        return np.asarray(values - nan_means(values))


def zscored(values: FloatArray) -> FloatArray:
    """Subtract each row's mean, and divide by its deviation."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((values - nan_means(values)) / nan_deviations(values))


def winsorized(values: FloatArray, low: float, high: float) -> FloatArray:
    """Bring each row's values below one percentile, and above another, to the values that stand there.

    Parameters
    ----------
    values : float64 array, shape (n_rows, n_assets)
        NaN where there is none.
    low, high : float
        Percentiles from 0 to 1.
    """
    out = values.copy()
    counts = (~np.isnan(values)).sum(axis=1)
    order = np.argsort(values, axis=1, kind="quicksort")
    for row, count in enumerate(counts.tolist()):
        places = order[row]
        below = int(low * count)
        if low > 0 and count:
            out[row, places[:below]] = values[row, places[below]]
        above = math.ceil(count * high)
        if high < 1 and above < count:
            out[row, places[above:count]] = out[row, places[above - 1]]
    return out


def ranked(values: FloatArray, method: str = "ordinal") -> FloatArray:
    """Rank each row's values from 1 on, NaN where there is none.

    Parameters
    ----------
    values : float64 array, shape (n_rows, n_assets)
        NaN where there is none.
    method : one of RANK_METHODS
        What equal values get; see `scipy.stats.rankdata`.

    Examples
    --------
    >>> ranked(np.array([[3.0, np.nan, 1.0, 3.0]]))
    array([[ 2., nan,  1.,  3.]])
    """
    order = np.argsort(values, axis=1, kind="stable")
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, _ranks_in_order(np.take_along_axis(values, order, axis=1), method), axis=1)
    return np.asarray(np.where(np.isnan(values), np.nan, ranks))


def _ranks_in_order(ordered: FloatArray, method: str) -> FloatArray:
    """Rank the values of sorted rows; those that are equal stand side by side, and NaNs at the end."""
    places = np.broadcast_to(np.arange(1.0, ordered.shape[1] + 1), ordered.shape)
    if method == "ordinal" or not ordered.shape[1]:
        return np.asarray(places)
    runs = _dense(ordered)
    if method == "dense":
        return np.asarray(runs + 1.0, dtype=np.float64)
    begins = np.diff(runs, axis=1, prepend=-1) > 0
    first = np.maximum.accumulate(np.where(begins, places, 0.0), axis=1)
    ends = np.diff(runs, axis=1, append=runs[:, -1:] + 1) > 0
    last = np.minimum.accumulate(np.where(ends, places, np.inf)[:, ::-1], axis=1)[:, ::-1]
    return {"min": first, "max": last, "average": (first + last) / 2}[method]


def percentile_bounds(values: FloatArray, percentiles: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
    """Give two percentiles of each row, shape (n_rows, 1), NaN of nothing; interpolated linearly, as NumPy does.

    Examples
    --------
    >>> [bound.tolist() for bound in percentile_bounds(np.array([[1.0, 2.0, np.nan, 4.0]]), (0.0, 50.0))]
    [[[1.0]], [[2.0]]]
    """
    ordered = np.sort(values, axis=1)
    counts = (~np.isnan(values)).sum(axis=1)
    low, high = (_at_percentile(ordered, counts, percentile / 100.0) for percentile in percentiles)
    return low, high


def _at_percentile(ordered: FloatArray, counts: IntArray, quantile: float) -> FloatArray:
    place = quantile * np.maximum(counts - 1, 0)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(counts - 1, 0))
    rows, part = np.arange(len(ordered)), place - below
    a, b = ordered[rows, below], ordered[rows, above]
    with np.errstate(invalid="ignore"):
        step = b - a
        found = np.where(part >= 0.5, b - step * (1 - part), a + step * part)
        found = np.where(a == b, a, found)
    return np.asarray(np.where(counts > 0, found, np.nan)[:, None])


def quantile_bins(values: FloatArray, bins: int) -> IntArray:
    """Give the bin of each value, from 0, of `bins` bins that hold equally many of its row's; -1 where there is none.

    Raises
    ------
    ValueError
        If a row has so many equal values that bins would be empty.

    Examples
    --------
    >>> quantile_bins(np.array([[1.0, 2.0, 3.0, np.nan]]), 3).tolist()
    [[0, 1, 2, -1]]
    """
    out = np.full(values.shape, -1, dtype=np.int64)
    quantiles = np.linspace(0, 1, bins + 1) * 100
    for row, there in enumerate(~np.isnan(values)):
        if there.any():
            present = values[row, there]
            edges = np.percentile(present, quantiles)
            if len(np.unique(edges)) < len(edges):
                raise ValueError(
                    f"quantiles: Bin edges must be unique, but {bins} bins of {len(present)} values have edges "
                    f"{edges.tolist()}: ask for fewer bins, or mask out equal values"
                )
            found = np.searchsorted(edges, present, side="left")
            out[row, there] = np.where(present == edges[0], 1, found) - 1
    return out


def largest_in_groups(values: Any, groups: IntArray, there: BoolArray) -> BoolArray:
    """Say which value is the greatest of its row's group; of equal ones the first is.

    Parameters
    ----------
    values : array, shape (n_rows, n_assets)
        Of an ordered dtype.
    groups : int64 array of the same shape
        Group of each.
    there : bool array of the same shape
        Which count.
    """
    out = np.zeros(there.shape, dtype=bool)
    single = np.where(there, groups, 0)
    for group in np.unique(single[there]).tolist():
        member = there & (groups == group)
        order = np.argsort(values, axis=1, kind="stable")
        ranks = np.empty(values.shape, dtype=np.int64)
        np.put_along_axis(ranks, order, _dense(np.take_along_axis(values, order, axis=1)), axis=1)
        best = np.where(member, ranks, -1).argmax(axis=1)
        rows = np.flatnonzero(member.any(axis=1))
        out[rows, best[rows]] = True
    return out


def _dense(ordered: Any) -> IntArray:
    """Give the values of sorted rows numbers from 0 on; equal ones have the same."""
    changed = np.zeros(ordered.shape, dtype=np.int64)
    changed[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    return np.asarray(np.cumsum(changed, axis=1))


def in_groups(
    transform: Callable[[FloatArray], FloatArray], values: FloatArray, groups: IntArray, there: BoolArray
) -> FloatArray:
    """Apply a function of rows to each group by itself; NaN where nothing counts.

    Parameters
    ----------
    transform : callable of (float64 array)
        Ignores NaNs.
    values : float64 array, shape (n_rows, n_assets)
        To transform.
    groups : int64 array of the same shape
        Group of each.
    there : bool array of the same shape
        Which count.
    """
    out = np.full(values.shape, np.nan)
    for group in np.unique(groups[there]).tolist():
        member = there & (groups == group)
        columns = np.flatnonzero(member.any(axis=0))
        part = np.where(member[:, columns], values[:, columns], np.nan)
        found = transform(part)
        out[:, columns] = np.where(member[:, columns], found, out[:, columns])
    return out
