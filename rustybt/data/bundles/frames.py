"""Is one asset's frame of bars fit to be stored? Frame to arrays, and what is wrong with them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray, FloatArray, IntArray
from rustybt.constants import NAT, NS_PER_DAY, OHLC, OHLCV
from rustybt.errors import BadData, IngestWarning, InvalidParameter, did_you_mean


class Problem(NamedTuple):
    """The first thing wrong with a table of bars.

    Attributes
    ----------
    row : int
        Position of the row.
    text : str
        What is wrong, and what to do.
    """

    row: int
    text: str


def bar_arrays(frame: pd.DataFrame, who: str) -> tuple[IntArray, FloatArray]:
    """Turn a frame of daily bars into arrays, refusing what is no bar.

    Parameters
    ----------
    frame : DataFrame
        Columns open, high, low, close, volume; the index are session labels.
    who : str
        Whose bars; for messages.

    Returns
    -------
    days : int64 array, shape (n,)
        Sessions in days since 1970, ascending.
    values : float64 array, shape (5, n)
        Open, high, low, close, volume; NaN prices where missing, volume never NaN.

    Raises
    ------
    BadData
        If a column is missing or no number, or `bar_problem` finds something.
    """
    times, values = column_arrays(frame, who, "sessions")
    problem = bar_problem(times, values)
    if problem is not None:
        raise BadData(f"{who}, {_day(times, problem.row)}: {problem.text}")
    values[-1][np.isnan(values[-1])] = 0.0
    return times // NS_PER_DAY, values


def column_arrays(frame: pd.DataFrame, who: str, labels: str) -> tuple[IntArray, FloatArray]:
    """Read the index and the columns of a frame of bars, whatever they hold.

    Parameters
    ----------
    frame : DataFrame
        Columns open, high, low, close, volume.
    who : str
        Whose bars; for messages.
    labels : str
        What the index must hold; for messages.

    Returns
    -------
    times : int64 array, shape (n,)
        The index in nanoseconds since 1970 (UTC), NAT where missing.
    values : float64 array, shape (5, n)
        Open, high, low, close, volume; NaN where missing.

    Raises
    ------
    BadData
        If a column is missing or holds no numbers, or the index no dates.
    """
    missing = [name for name in OHLCV if name not in frame.columns]
    if missing:
        near = did_you_mean(missing[0], [str(column) for column in frame.columns])
        raise BadData(f"{who}: no column {missing[0]!r}{near}: bars need {', '.join(OHLCV)}")
    twice = [name for name in OHLCV if (frame.columns == name).sum() > 1]
    if twice:
        raise BadData(f"{who}: column {twice[0]!r} comes twice: keep one")
    times = label_times(frame.index, who, labels)
    values = np.empty((len(OHLCV), len(frame)))
    for row, name in enumerate(OHLCV):
        values[row] = numbers(frame[name], name, who)
    return times, values


def label_times(index: Any, who: str, labels: str) -> IntArray:
    """Read an index of dates of any unit, with or without timezone, as nanoseconds; a missing date is NAT."""
    if pd.api.types.is_numeric_dtype(index.dtype) and len(index):
        raise BadData(f"{who}: the index holds numbers ({index[0]!r}), not dates: make it a DatetimeIndex of {labels}")
    try:
        times = pd.DatetimeIndex(index).as_unit("ns")
    except (ValueError, TypeError) as error:
        raise BadData(f"{who}: the index holds no dates ({error}): make it a DatetimeIndex of {labels}") from error
    if times.tz is not None:
        times = times.tz_convert("UTC").tz_localize(None)
    return np.asarray(times.asi8)


def numbers(column: pd.Series, name: str, who: str) -> FloatArray:
    """Read a column as float64, refusing text and truth values; missing values are NaN."""
    if getattr(column.dtype, "kind", "O") in "bmMc" or any(isinstance(cell, str) for cell in _objects(column)):
        raise BadData(f"{who}: column {name!r} holds {column.iloc[0]!r}, not numbers: convert it")
    try:
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise BadData(f"{who}: column {name!r} holds something else than numbers ({error}): convert it") from error


def _objects(column: pd.Series) -> Any:
    return () if pd.api.types.is_numeric_dtype(column.dtype) else column.tolist()


def bar_problem(times: IntArray, values: FloatArray) -> Problem | None:
    """Find the first row that cannot be a daily bar.

    Parameters
    ----------
    times : int64 array, shape (n,)
        Session labels, nanoseconds since 1970; NAT where missing.
    values : float64 array, shape (5, n)
        Open, high, low, close, volume.

    Returns
    -------
    Problem or None
    """
    return _date_problem(times) or value_problem(values)


def _date_problem(times: IntArray) -> Problem | None:
    if (row := first_row(times == NAT)) is not None:
        return Problem(row, "the date is missing: give every row one")
    if (row := first_row(times % NS_PER_DAY != 0)) is not None:
        time = pd.Timestamp(int(times[row]))
        return Problem(row, f"{time} has a time of day: a daily bar is labelled by its session's date alone")
    step = np.diff(times, prepend=times[:1] - 1)
    if (row := first_row(step <= 0)) is None:
        return None
    previous = _day(times, row - 1)
    if step[row] == 0:
        return Problem(row, f"the date {previous} comes twice: keep one row a session")
    return Problem(row, f"the date comes after {previous}: sort the rows by date, oldest first")


def value_problem(values: FloatArray) -> Problem | None:
    """Find the first row whose values cannot be a bar's: infinite, negative, or a high below the low."""
    finite = np.isfinite(values) | np.isnan(values)
    if (row := first_row(~finite.all(axis=0))) is not None:
        name = OHLCV[int(np.argmin(finite[:, row]))]
        return Problem(row, f"{name} is infinite: leave the cell empty if it is not known")
    if (row := first_row((values < 0).any(axis=0))) is not None:
        name = OHLCV[int(np.argmax(values[:, row] < 0))]
        return Problem(row, f"{name} {values[OHLCV.index(name), row]:g} is negative: correct it")
    high, low = values[OHLCV.index("high")], values[OHLCV.index("low")]
    if (row := first_row(high < low)) is not None:
        return Problem(row, f"high {high[row]:g} is below low {low[row]:g}: correct one of them")
    return None


def first_row(bad: Any) -> int | None:
    """Give the position of the first True of a bool array, None without one."""
    return int(np.argmax(bad)) if bad.any() else None


def _day(times: IntArray, row: int) -> str:
    return "row " + str(row) if times[row] == NAT else str(pd.Timestamp(int(times[row])).date())


def missing_bars(values: FloatArray) -> BoolArray:
    """Say which rows are no bars at all: every price missing, and no volume.

    Parameters
    ----------
    values : float64 array, shape (5, n)
        Open, high, low, close, volume.

    Returns
    -------
    bool array, shape (n,)
    """
    absent: BoolArray = np.isnan(values[: len(OHLC)]).all(axis=0) & (values[-1] == 0)
    return absent


def check_behavior(behavior: str) -> None:
    """Refuse what is no value of a writer's `invalid_data_behavior`."""
    if behavior not in ("warn", "raise", "ignore"):
        raise InvalidParameter(f"invalid_data_behavior {behavior!r} is not known: choose 'warn', 'raise' or 'ignore'")


def check_whole(values: FloatArray, who: str, behavior: str, label: Callable[[int], Any]) -> None:
    """Report bars that lack only some of their prices, as the caller of a writer asked.

    Parameters
    ----------
    values : float64 array, shape (5, n)
        Open, high, low, close, volume.
    who : str
        Whose bars; for messages.
    behavior : {"warn", "raise", "ignore"}
        What to do with them.
    label : callable
        Gives the session or minute of a row; for messages.

    Raises
    ------
    BadData
        If there are such bars, and they are to raise.
    """
    partial = np.isnan(values[: len(OHLC)]).any(axis=0) & ~missing_bars(values)
    if behavior == "ignore" or (row := first_row(partial)) is None:
        return
    text = f"{who}: {int(partial.sum())} bars lack some of their prices, the first on {label(row)}: they read as NaN"
    if behavior == "raise":
        raise BadData(text)
    warnings.warn(text, IngestWarning, stacklevel=5)
