"""What do pipelines' built-in factors say of one window? See `windows.over_windows` for how they are called.

NaNs are left out where a name begins with nan or the text says so, else they make the result NaN. A sum runs from the
window's first value to its last, as NumPy's does over the rows of a table.
"""

import math

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

Array = NDArray[np.float64]


@register_jitable
def nanextreme(values: Array, begin: int, end: int, sign: float) -> float:
    """Give the greatest (sign 1) or the least (-1) of what is there, NaN of nothing."""
    best = np.nan
    for i in range(begin, end):
        value = values[i]
        if value == value and (best != best or sign * value > sign * best):
            best = value
    return best


@register_jitable
def extreme(values: Array, begin: int, end: int, sign: float) -> float:
    """Give the greatest (sign 1) or the least (-1) value; NaN where one is."""
    best: float = values[begin]
    for i in range(begin, end):
        value = values[i]
        if value != value:
            return np.nan
        if sign * value > sign * best:
            best = value
    return best


@register_jitable
def place_of_extreme(values: Array, begin: int, end: int, sign: float) -> float:
    """Give how many values stand before the first greatest (sign 1) or least (-1) one; NaN of nothing."""
    best = np.nan
    place = np.nan
    for i in range(begin, end):
        value = values[i]
        if value == value and (best != best or sign * value > sign * best):
            best = value
            place = float(i - begin)
    return place


@register_jitable
def weighted_mean(values: Array, begin: int, weights: Array) -> float:
    """Give the mean of as many values as there are weights."""
    total = 0.0
    scale = 0.0
    for i in range(len(weights)):
        total += values[begin + i] * weights[i]
        scale += weights[i]
    return total / scale


def latest(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give the last value."""
    result[0] = values[0, end - 1]


def clipped(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give the last value between two bounds."""
    value = values[0, end - 1]
    if value < params[0]:
        value = params[0]
    if value > params[1]:
        value = params[1]
    result[0] = value


def change_over_size(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give the last value less the first, over the first one's size."""
    first = values[0, begin]
    result[0] = (values[0, end - 1] - first) / abs(first)


def rate_of_change(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give the change over the window in percent."""
    first = values[0, begin]
    result[0] = ((values[0, end - 1] - first) / first) * 100.0


def max_drawdown(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give the greatest fall from a peak, over the value that it fell to; the fall is measured in value, as it is."""
    peak = np.nan
    worst = -np.inf
    low = begin
    for i in range(begin, end):
        value = values[0, i]
        if value == value:
            if peak != peak or value > peak:
                peak = value
            if peak - value > worst:
                worst = peak - value
                low = i
    top = nanextreme(values[0], begin, low + 1, 1.0)
    result[0] = (top - values[0, low]) / values[0, low]


def weighted(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give the mean weighted by the parameters, one a row."""
    result[0] = weighted_mean(values[0], begin, params)


def weighted_std(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give the deviation weighted by the parameters, one a row, corrected for the bias of the weights."""
    center = weighted_mean(values[0], begin, params)
    total = 0.0
    scale = 0.0
    squares = 0.0
    for i in range(len(params)):
        deviation = values[0, begin + i] - center
        total += deviation * deviation * params[i]
        scale += params[i]
        squares += params[i] * params[i]
    correction = scale * scale / (scale * scale - squares)
    result[0] = math.sqrt(total / scale * correction)


def linear_weighted(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give the mean weighted by 1, 2, 3...; what is missing counts as 0."""
    total = 0.0
    for i in range(begin, end):
        product = values[0, i] * (i - begin + 1)
        if product == product:
            total += product
    length = end - begin
    result[0] = total / (length * (length + 1) / 2)


def aroon(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give, of lows and highs, how late in the window the lowest and the highest stand, in percent: down, up."""
    span = end - begin - 1
    result[0] = 100 * place_of_extreme(values[0], begin, end, -1.0) / span
    result[1] = 100 * place_of_extreme(values[1], begin, end, 1.0) / span


def stochastic(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give, of closes, lows and highs, where the last close stands between lowest and highest, in percent."""
    low = nanextreme(values[1], begin, end, -1.0)
    high = nanextreme(values[2], begin, end, 1.0)
    result[0] = ((values[0, end - 1] - low) / (high - low)) * 100


def ichimoku(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give, of highs, lows and closes: tenkan_sen, kijun_sen, senkou_span_a, senkou_span_b, chikou_span."""
    tenkan, kijun, chikou = int(params[0]), int(params[1]), int(params[2])
    result[0] = (extreme(values[0], end - tenkan, end, 1.0) + extreme(values[1], end - tenkan, end, -1.0)) / 2
    result[1] = (extreme(values[0], end - kijun, end, 1.0) + extreme(values[1], end - kijun, end, -1.0)) / 2
    result[2] = (result[0] + result[1]) / 2
    result[3] = (extreme(values[0], begin, end, 1.0) + extreme(values[1], begin, end, -1.0)) / 2
    result[4] = values[2, begin + chikou]


def true_range(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give, of highs, lows and closes, the last session's range with the close before it, of what is there."""
    high, low, before = values[0, end - 1], values[1, end - 1], values[2, end - 2]
    best = np.nan
    for size in (high - low, abs(high - before), abs(low - before)):
        if size == size and (best != best or size > best):
            best = size
    result[0] = best


def macd_signal(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give the exponential mean of the differences of a fast and a slow one.

    Parameters hold the three numbers of rows, then each one's weights: fast, slow, signal.
    """
    fast, slow, signal = int(params[0]), int(params[1]), int(params[2])
    of_fast = params[3 : 3 + fast]
    of_slow = params[3 + fast : 3 + fast + slow]
    of_signal = params[3 + fast + slow :]
    total = 0.0
    scale = 0.0
    for i in range(signal):
        difference = weighted_mean(values[0], begin + slow - fast + i, of_fast) - weighted_mean(
            values[0], begin + i, of_slow
        )
        total += difference * of_signal[i]
        scale += of_signal[i]
    result[0] = total / scale


def beta(values: Array, begin: int, end: int, params: Array, result: Array) -> None:
    """Give the slope of the first input on the second over rows that have both; NaN if too many have not."""
    count = 0
    total = 0.0
    for i in range(begin, end):
        if values[0, i] == values[0, i] and values[1, i] == values[1, i]:
            total += values[1, i]
            count += 1
    result[0] = np.nan
    if count and (end - begin - count) <= params[0]:
        center = total / count
        covariance = 0.0
        variance = 0.0
        for i in range(begin, end):
            if values[0, i] == values[0, i] and values[1, i] == values[1, i]:
                residual = values[1, i] - center
                covariance += residual * values[0, i]
                variance += residual * residual
        result[0] = (covariance / count) / (variance / count)
