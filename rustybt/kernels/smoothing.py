"""What are the smoothed averages of a table, whose state every row moves on by a fraction?

A row without a finite value leaves the state as it is. When an adjustment takes effect, the state is multiplied by its
factor, as everything that it was made of would be; it is not rounded again.
"""

import math

import numpy as np
from numpy.typing import NDArray

from rustybt.kernels.compiled import compiled

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@compiled
def step_wilder(state: float, value: float, count: int, window: int) -> float:
    """Move a Wilder average on: the mean of the first `window` values, then 1/window of each new one.

    Parameters
    ----------
    state, value : float
        The average of `count` - 1 values so far (their sum while they are fewer than `window`), and the next.
    count, window : int
        Values so far with this one, and the smoothing's length.

    Returns
    -------
    float

    Examples
    --------
    >>> step_wilder(6.0, 3.0, 3, 3), step_wilder(3.0, 9.0, 4, 3)
    (3.0, 5.0)
    """
    if count < window:
        return state + value
    if count == window:
        return (state + value) / window
    return (state * (window - 1) + value) / window


@compiled
def ema(values: Array, offsets: Rows, rows: Rows, factors: Array, span: float, skip: int) -> Array:
    """Give the exponential moving average of each column: pandas' `ewm(span=..., adjust=False, ignore_na=True)`.

    state = (1 - a) state + a value with a = 2 / (span + 1), beginning with the first value.

    Parameters
    ----------
    values : float64 array, shape (n, k)
        As each is seen at its own row; what is not finite leaves the state as it is.
    offsets, rows, factors
        As in `rustybt.kernels.rolling.rolling`.
    span : float
        At least 1.
    skip : int
        Rows before the first that is given out; they count as history.

    Returns
    -------
    float64 array, shape (n - skip, k)
        NaN before the first value.

    Examples
    --------
    >>> none = np.zeros(2, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
    >>> ema(np.array([[1.0], [3.0], [np.nan], [2.0]]), *none, 3.0, 0)[:, 0]
    array([1., 2., 2., 2.])
    """
    n, k = values.shape
    out = np.empty((n - skip, k))
    share = 2.0 / (span + 1.0)
    for column in range(k):
        state = np.nan
        event, last_event = offsets[column], offsets[column + 1]
        for row in range(n):
            while event < last_event and rows[event] <= row:
                state *= factors[event]
                event += 1
            value = values[row, column]
            if math.isfinite(value) and value != state:
                state = (1.0 - share) * state + share * value if state == state else value
            if row >= skip:
                out[row - skip, column] = state
    return out


@compiled
def rsi(values: Array, offsets: Rows, rows: Rows, factors: Array, window: int, skip: int) -> Array:
    """Give Wilder's (1978) relative strength index of each column, seeded as TA-Lib's.

    100 G / (G + L), of the Wilder averages of gains and of losses from value to value.

    Parameters
    ----------
    values, offsets, rows, factors, skip
        As in `ema`.
    window : int
        Of the smoothing, at least 1.

    Returns
    -------
    float64 array, shape (n - skip, k)
        From 0 to 100; NaN before `window` changes are known, and where no value ever changed.

    Examples
    --------
    >>> none = np.zeros(2, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
    >>> rsi(np.array([[10.0], [13.0], [12.0], [12.0]]), *none, 2, 0)[:, 0]
    array([nan, nan, 75., 75.])
    """
    n, k = values.shape
    out = np.empty((n - skip, k))
    for column in range(k):
        before = np.nan
        gain = loss = 0.0
        count = 0
        event, last_event = offsets[column], offsets[column + 1]
        for row in range(n):
            while event < last_event and rows[event] <= row:
                before *= factors[event]
                gain *= factors[event]
                loss *= factors[event]
                event += 1
            value = values[row, column]
            if math.isfinite(value):
                if before == before:
                    count += 1
                    gain = step_wilder(gain, max(value - before, 0.0), count, window)
                    loss = step_wilder(loss, max(before - value, 0.0), count, window)
                before = value
            if row >= skip:
                out[row - skip, column] = 100.0 * gain / (gain + loss) if count >= window else np.nan
    return out


@compiled
def atr(
    high: Array, low: Array, close: Array, offsets: Rows, rows: Rows, factors: Array, window: int, skip: int
) -> Array:
    """Give Wilder's (1978) average true range of each column, seeded as TA-Lib's.

    The Wilder average of max(high, close before) - min(low, close before), from the second bar on.

    Parameters
    ----------
    high, low, close : float64 arrays, shape (n, k)
        As each is seen at its own row; a row that lacks one leaves the state as it is.
    offsets, rows, factors, skip
        As in `ema`.
    window : int
        Of the smoothing, at least 1.

    Returns
    -------
    float64 array, shape (n - skip, k)
        In the currency of the prices; NaN before `window` true ranges are known.

    Examples
    --------
    >>> none = np.zeros(2, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
    >>> high, low, close = (np.array([row]).T for row in ([5.0, 6.0, 9.0], [4.0, 5.0, 8.0], [4.5, 5.5, 8.5]))
    >>> atr(high, low, close, *none, 2, 0)[:, 0]
    array([nan, nan, 2.5])
    """
    n, k = close.shape
    out = np.empty((n - skip, k))
    for column in range(k):
        before = np.nan
        state = 0.0
        count = 0
        event, last_event = offsets[column], offsets[column + 1]
        for row in range(n):
            while event < last_event and rows[event] <= row:
                before *= factors[event]
                state *= factors[event]
                event += 1
            top, bottom, value = high[row, column], low[row, column], close[row, column]
            if math.isfinite(top - bottom) and math.isfinite(value):
                if before == before:
                    count += 1
                    state = step_wilder(state, max(top, before) - min(bottom, before), count, window)
                before = value
            if row >= skip:
                out[row - skip, column] = state if count >= window else np.nan
    return out
