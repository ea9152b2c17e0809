"""What are positions worth at the end of each of several sessions in which nothing was booked?"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rustybt._typing import FloatArray, IntArray


class Stretch(NamedTuple):
    """The end of each session of a stretch in which cash and shares stay as they are.

    Attributes
    ----------
    prices : float64 array, shape (n_sessions, n_positions)
        Last known prices, without NaN.
    long_value, short_value : float64 array, shape (n_sessions,)
        What the positions of each side add up to; short figures are negative.
    longs_count, shorts_count : int64 array, shape (n_sessions,)
        How many positions a side has; one that is worth nothing is on none.
    """

    prices: FloatArray
    long_value: FloatArray
    short_value: FloatArray
    longs_count: IntArray
    shorts_count: IntArray


def value_stretch(amounts: Sequence[float], last_prices: Sequence[float], prices: FloatArray) -> Stretch:
    """Value positions at the end of several sessions.

    Parameters
    ----------
    amounts : sequence of float
        Signed shares of each position.
    last_prices : sequence of float
        Their prices before the first session.
    prices : float64 array, shape (n_sessions, n_positions)
        Last known prices at the end of each session; NaN where there is none, which leaves the one before.

    Returns
    -------
    Stretch
        Sums are made position by position, so that they are those of a loop over the positions to the last bit.

    Examples
    --------
    >>> value_stretch([10, -5], [1.0, 2.0], np.array([[1.5, np.nan], [2.0, 3.0]])).short_value.tolist()
    [-10.0, -15.0]
    """
    known = _without_gaps(last_prices, prices)
    sessions = len(known)
    long_value, short_value = np.zeros(sessions), np.zeros(sessions)
    longs_count, shorts_count = np.zeros(sessions, dtype=np.int64), np.zeros(sessions, dtype=np.int64)
    for k, amount in enumerate(amounts):
        worth = amount * known[:, k]
        long_value += np.maximum(worth, 0.0)
        short_value += np.minimum(worth, 0.0)
        longs_count += worth > 0
        shorts_count += worth < 0
    return Stretch(known, long_value, short_value, longs_count, shorts_count)


def _without_gaps(last_prices: Sequence[float], prices: FloatArray) -> FloatArray:
    """Fill each NaN with the price above it."""
    missing = np.isnan(prices)
    if not missing.any():
        return prices
    above = np.vstack([last_prices, prices])
    known = np.where(missing, 0, np.arange(1, len(above))[:, None])
    np.maximum.accumulate(known, axis=0, out=known)
    return np.take_along_axis(above, known, axis=0)
