"""What does a window of raw values look like from its last row, after splits, mergers and dividends?

Zipline multiplies the earlier rows by each factor, one by one in date order, and rounds the window to three decimals at
the end. Cumulative factors would give other last bits, and another third decimal at ties.
"""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WINDOW_DECIMALS = 3


def apply_factors(column: NDArray[np.float64], start: int, rows: Sequence[int], factors: Sequence[float]) -> None:
    """Multiply a window's column, in place, by the factors that fall into it.

    Parameters
    ----------
    column : float64 array, shape (bars,)
        Raw values of one asset; NaN where missing. Changed in place.
    start : int
        Session row of column[0].
    rows : sequence of int
        Session rows at which factors take effect, ascending.
    factors : sequence of float
        Factor of each row: values before it are multiplied.

    Examples
    --------
    >>> prices = np.array([10.0, 10.0, 5.0])
    >>> apply_factors(prices, 7, [9], [0.5])
    >>> prices
    array([5., 5., 5.])
    """
    last = start + len(column) - 1
    for i in range(bisect_right(rows, start), bisect_right(rows, last)):
        column[: rows[i] - start] *= factors[i]


def round_window(window: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round a window as Zipline does: to the nearest thousandth, ties to even, k/1000.

    Examples
    --------
    >>> round_window(np.array([1.2345, 3 * 0.001]))
    array([1.234, 0.003])
    """
    rounded: NDArray[np.float64] = np.around(window, WINDOW_DECIMALS)
    return rounded
