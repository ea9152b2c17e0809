"""Is one asset's frame of minute bars fit to be stored? Every label must be a minute in which the market was open."""

from __future__ import annotations

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray, IntArray
from rustybt.constants import NAT, NS_PER_DAY, NS_PER_MINUTE
from rustybt.data.bundles.frames import Problem, column_arrays, first_row, value_problem
from rustybt.data.market_minutes import MarketMinutes, session_rows
from rustybt.errors import BadData


def minute_arrays(frame: pd.DataFrame, who: str, market: MarketMinutes) -> tuple[IntArray, FloatArray]:
    """Turn a frame of minute bars into arrays, refusing what is no bar.

    Parameters
    ----------
    frame : DataFrame
        Columns open, high, low, close, volume; the index are labels of minutes, UTC or without timezone.
    who : str
        Whose bars; for messages.
    market : MarketMinutes
        The sessions that may have bars.

    Returns
    -------
    label_ns : int64 array, shape (n,)
        Labels, nanoseconds UTC, ascending.
    values : float64 array, shape (5, n)
        Open, high, low, close, volume; NaN prices where missing, volume never NaN.

    Raises
    ------
    BadData
        If a column is missing or no number, or `minute_problem` finds something.
    """
    label_ns, values = column_arrays(frame, who, "minutes in UTC")
    problem = minute_problem(label_ns, values, market)
    if problem is not None:
        raise BadData(f"{who}, {minute_text(label_ns, problem.row)}: {problem.text}")
    values[-1][np.isnan(values[-1])] = 0.0
    return label_ns, values


def minute_problem(label_ns: IntArray, values: FloatArray, market: MarketMinutes) -> Problem | None:
    """Find the first row that cannot be a minute bar.

    Parameters
    ----------
    label_ns : int64 array, shape (n,)
        Labels, nanoseconds UTC; NAT where missing.
    values : float64 array, shape (5, n)
        Open, high, low, close, volume.
    market : MarketMinutes
        The sessions that may have bars.

    Returns
    -------
    Problem or None
    """
    return _order_problem(label_ns) or market_problem(label_ns, market) or value_problem(values)


def minute_text(label_ns: IntArray, row: int) -> str:
    """Write the label of a row for a message."""
    return f"row {row}" if label_ns[row] == NAT else str(pd.Timestamp(int(label_ns[row])))


def _order_problem(label_ns: IntArray) -> Problem | None:
    if (row := first_row(label_ns == NAT)) is not None:
        return Problem(row, "the time is missing: give every row one")
    if (row := first_row(label_ns[1:] <= label_ns[:-1])) is None:
        return None
    previous = minute_text(label_ns, row)
    if label_ns[row + 1] == label_ns[row]:
        return Problem(row + 1, "the minute comes twice: keep one row a minute")
    return Problem(row + 1, f"the minute comes after {previous}: sort the rows by time, oldest first")


def market_problem(label_ns: IntArray, market: MarketMinutes) -> Problem | None:
    """Find the first label that is no minute of the market.

    Parameters
    ----------
    label_ns : int64 array, shape (n,)
        Labels, nanoseconds UTC.
    market : MarketMinutes
        The sessions that may have bars.

    Returns
    -------
    Problem or None
    """
    wrong = session_rows(market, label_ns) < 0
    if (row := first_row(wrong)) is None:
        return None
    more = f", nor are {int(wrong.sum()) - 1} more rows" if wrong.sum() > 1 else ""
    sessions = market.sessions
    near = min(int(np.searchsorted(sessions.close_ns, label_ns[row])), len(sessions.close_ns) - 1)
    return Problem(
        row,
        f"this is no market minute of calendar {sessions.name}{more}: {_session_text(market, near)}; label each minute "
        "by its end, in UTC, and keep to the sessions of the calendar and the bundle",
    )


def _session_text(market: MarketMinutes, row: int) -> str:
    sessions = market.sessions
    day = np.datetime64(int(sessions.session_ns[row]) // NS_PER_DAY, "D")
    opened, closed = pd.Timestamp(int(sessions.open_ns[row])), pd.Timestamp(int(sessions.close_ns[row]))
    last_am, first_pm = int(market.last_am_ns[row]), int(market.first_pm_ns[row])
    pause = ""
    if first_pm - last_am > NS_PER_MINUTE:
        pause = f" with a break after {pd.Timestamp(last_am):%H:%M} until {pd.Timestamp(first_pm):%H:%M}"
    return f"session {day} has {opened:%Y-%m-%d %H:%M} to {closed:%Y-%m-%d %H:%M} UTC{pause}"
