"""What is one number for all of a session's values? And what for all of a column's, without a word about NaNs?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from rustybt._typing import FloatArray, IntArray


def nanmean(values: Any, axis: int = 0) -> FloatArray:
    """Give the mean of what is there, NaN of nothing.

    Examples
    --------
    >>> nanmean(np.array([[1.0, np.nan], [3.0, np.nan]]))
    array([ 2., nan])
    """
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(there, values, 0.0).sum(axis=axis) / there.sum(axis=axis))


def nanstd(values: Any, axis: int = 0) -> FloatArray:
    """Give the deviation (ddof 0) of what is there, NaN of nothing."""
    center = np.expand_dims(nanmean(values, axis), axis)
    with np.errstate(invalid="ignore"):  # of infinite values
        return np.asarray(np.sqrt(nanmean((values - center) ** 2, axis)))


def nansum(values: Any, axis: int = 0) -> FloatArray:
    """Give the sum of what is there, 0 of nothing."""
    return np.asarray(np.nansum(values, axis=axis))


def nanmax(values: Any, axis: int = 0) -> FloatArray:
    """Give the greatest of what is there, NaN of nothing."""
    return np.asarray(np.fmax.reduce(values, axis=axis))


def nanmin(values: Any, axis: int = 0) -> FloatArray:
    """Give the smallest of what is there, NaN of nothing."""
    return np.asarray(np.fmin.reduce(values, axis=axis))


def nanmedian(values: Any, axis: int = 0) -> FloatArray:
    """Give the median of what is there, NaN of nothing."""
    empty = np.isnan(values).all(axis=axis)
    filled = np.where(np.expand_dims(empty, axis), 0.0, values)
    return np.asarray(np.where(empty, np.nan, np.nanmedian(filled, axis=axis)))


def notnull_count(values: Any, axis: int = 0) -> IntArray:
    """Count what is there."""
    return np.asarray((~np.isnan(values)).sum(axis=axis))


SUMMARIES: Final[dict[str, Callable[[Any], Any]]] = {
    "mean": lambda values: nanmean(values, 1),
    "stddev": lambda values: nanstd(values, 1),
    "max": lambda values: nanmax(values, 1),
    "min": lambda values: nanmin(values, 1),
    "median": lambda values: nanmedian(values, 1),
    "sum": lambda values: nansum(values, 1),
    "notnull_count": lambda values: notnull_count(values, 1),
}
"""Of each row, by the name of the factor's method."""
