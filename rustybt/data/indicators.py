"""What is an indicator's value at every bar of a table, known at that bar?

A window is that of `data.history` at the bar: adjusted as of it, rounded where the bundle's prices are, gaps of "price"
filled with the last known one. The result of a row depends on no later row.
"""

from typing import Any, Final, NamedTuple, Protocol

from rustybt._typing import FloatArray
from rustybt.constants import OHLCV
from rustybt.data.factors import NO_FACTORS
from rustybt.data.rolling_inputs import NO_LEADS, Inputs, pack_events, unfilled
from rustybt.errors import InvalidParameter, did_you_mean
from rustybt.kernels import rolling, smoothing
from rustybt.kernels.adjust import round_window
from rustybt.kernels.rolling import NOT_FILLED
from rustybt.kernels.rolling_pairs import rolling_correlation

FIELDS: Final = (*OHLCV, "price")

STATISTICS: Final = {
    "sum": rolling.SUM,
    "mean": rolling.MEAN,
    "min": rolling.MIN,
    "max": rolling.MAX,
    "std": rolling.STD,
    "population_std": rolling.POPULATION_STD,
    "zscore": rolling.ZSCORE,
    "median": rolling.MEDIAN,
    "rank": rolling.RANK,
    "lag": rolling.FIRST,
    "returns": rolling.CHANGE,
}


class Bands(NamedTuple):
    """Bollinger's bands: the mean of a window, and so many deviations under and over it.

    Attributes
    ----------
    lower, middle, upper
        Arrays, Series or floats, as what they were asked of gives.
    """

    lower: Any
    middle: Any
    upper: Any


class Table(Protocol):
    """Bars of some assets, as `rustybt.data.rolling_inputs.DailyTable` and `MinuteTable` are."""

    def inputs(self, field: str, window: int) -> Inputs:
        """Give what a window of a field needs."""


def check_field(field: object) -> str:
    """Give a field's name back.

    Raises
    ------
    InvalidParameter
        If it is none.
    """
    if not isinstance(field, str) or field not in FIELDS:
        near = did_you_mean(field, FIELDS) if isinstance(field, str) else ""
        raise InvalidParameter(f"field {field!r} is unknown{near}: choose one of {', '.join(FIELDS)}")
    return field


def check_count(parameter: str, value: Any, least: int = 1) -> int:
    """Give a number of bars back as an int.

    Raises
    ------
    InvalidParameter
        If it is no whole number, or less than `least`.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InvalidParameter(f"{parameter} {value!r} is no whole number: give a number of bars, such as 20")
    if int(value) < least:
        raise InvalidParameter(f"{parameter} {int(value)} is less than {least}: give a number of bars, such as 20")
    return int(value)


def check_min_count(min_count: Any, window: int) -> int:
    """Give the number of values that a window needs, all of them for None.

    Raises
    ------
    InvalidParameter
        If it is no whole number from 1 to the window's length.
    """
    if min_count is None:
        return window
    count = check_count("min_count", min_count)
    if count > window:
        raise InvalidParameter(f"min_count {count} is greater than the window {window}: no window would have a value")
    return count


def check_positive(parameter: str, value: Any, least: float) -> float:
    """Give a number back as a float.

    Raises
    ------
    InvalidParameter
        If it is none, or less than `least`, or not finite.
    """
    if isinstance(value, bool) or not hasattr(value, "__float__") or not least <= float(value) < float("inf"):
        raise InvalidParameter(f"{parameter} {value!r} is no finite number from {least} on: give one, such as 20")
    return float(value)


def statistic(table: Table, name: str, field: str, window: int, min_count: int, skip: int = 0) -> FloatArray:
    """Give a statistic of the window that ends at each row, shape (n - skip, k).

    Parameters
    ----------
    table : Table
        Bars of k assets, n rows.
    name : str
        One of `STATISTICS`; "lag" is the oldest value of the window, and "returns" the last over it, less 1.
    field : str
        One of `FIELDS`.
    window, min_count : int
        Bars of a window, and values it needs.
    skip : int
        Rows before the first that is given out; they count as history.

    Returns
    -------
    float64 array, shape (n - skip, k)
        NaN where too few values are there.
    """
    values, before, offsets, rows, factors, ends, leads, rounds = table.inputs(field, window)
    code, skipped = STATISTICS[name], before + skip
    return rolling.rolling(code, values, offsets, rows, factors, ends, leads, rounds, window, min_count, skipped)


def correlation(table: Table, other: int, field: str, window: int, min_count: int, skip: int = 0) -> FloatArray:
    """Give the correlation of each column's field with that of the column `other`; see `statistic`."""
    values, before, offsets, rows, factors, ends, leads, rounds = table.inputs(field, window)
    skipped = before + skip
    return rolling_correlation(values, other, offsets, rows, factors, ends, leads, rounds, window, min_count, skipped)


def correlation_of_returns(
    table: Table, other: int, field: str, window: int, min_count: int, skip: int = 0
) -> FloatArray:
    """Give the correlation of one-bar returns of each column with those of the column `other`; see `statistic`.

    A return is that of its own bar; later adjustments leave it as it is.
    """
    values = statistic(table, "returns", field, 2, 2)
    offsets, rows, factors = pack_events([NO_FACTORS] * values.shape[1], [[]] * values.shape[1])
    ends = unfilled(values.shape[1])
    return rolling_correlation(values, other, offsets, rows, factors, ends, NO_LEADS, False, window, min_count, skip)


def levels(table: Table, field: str) -> FloatArray:
    """Give what a window of one bar shows at each row, shape (n, k)."""
    given = table.inputs(field, 1)
    if (given.ends != NOT_FILLED).any():
        return statistic(table, "lag", field, 1, 1)
    return round_window(given.values) if given.rounds else given.values


def ema(table: Table, field: str, span: float, skip: int = 0) -> FloatArray:
    """Give the exponential moving average of a field; see `rustybt.kernels.smoothing.ema`."""
    given = table.inputs(field, 1)
    return smoothing.ema(levels(table, field), given.offsets, given.rows, given.factors, span, skip)


def rsi(table: Table, field: str, window: int, skip: int = 0) -> FloatArray:
    """Give the relative strength index of a field; see `rustybt.kernels.smoothing.rsi`."""
    given = table.inputs(field, 1)
    return smoothing.rsi(levels(table, field), given.offsets, given.rows, given.factors, window, skip)


def atr(table: Table, window: int, skip: int = 0) -> FloatArray:
    """Give the average true range; see `rustybt.kernels.smoothing.atr`."""
    given = table.inputs("close", 1)
    high, low, close = (levels(table, field) for field in ("high", "low", "close"))
    return smoothing.atr(high, low, close, given.offsets, given.rows, given.factors, window, skip)
