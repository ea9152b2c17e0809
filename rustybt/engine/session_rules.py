"""Which rules know sessions: a time after the open or before the close, a session of a week or month, no half day?"""

import warnings
from datetime import timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray, IntArray
from rustybt.calendars import SessionTable, get_calendar
from rustybt.constants import NS_PER_DAY, NS_PER_MINUTE
from rustybt.engine.event_rules import BarRule, Bars
from rustybt.errors import InvalidParameter

MAX_MONTH_OFFSET = 22
MAX_WEEK_OFFSET = 4
LONGEST_PERIOD = 31
"""Sessions that a month may have, where the market never closes."""

THURSDAY = 3
"""The day of the week on which 1970 began, counted from Monday."""

SHORTEST_OFFSET = timedelta(minutes=1)
LONGEST_OFFSET = timedelta(hours=12)


class AfterOpen(BarRule):
    """Trigger a time after the open, at most at the close.

    Parameters
    ----------
    offset : datetime.timedelta, optional
        From 1 minute, the default and the session's first, to 12 hours.
    hours, minutes : int, optional
        Instead of an offset.

    Raises
    ------
    InvalidParameter
        If the offset is out of its bounds, or given twice.
    TypeError
        If it is none.
    """

    def __init__(self, offset: Any = None, hours: int | None = None, minutes: int | None = None) -> None:
        self.offset = _duration(offset, hours, minutes)

    def matches(self, bars: Bars) -> BoolArray:
        """Say which bars are that long after their session's open."""
        sessions = bars.sessions
        moments = sessions.open_ns + _ns(self.offset) - NS_PER_MINUTE
        return bars.among(moments[moments <= sessions.close_ns])


class BeforeClose(BarRule):
    """Trigger a time before the close; 1 minute before, by default, is the last minute but one.

    Parameters
    ----------
    offset : datetime.timedelta, optional
        From 1 minute, the default, to 12 hours.
    hours, minutes : int, optional
        Instead of an offset.

    Raises
    ------
    InvalidParameter
        If the offset is out of its bounds, or given twice.
    TypeError
        If it is none.
    """

    def __init__(self, offset: Any = None, hours: int | None = None, minutes: int | None = None) -> None:
        self.offset = _duration(offset, hours, minutes)

    def matches(self, bars: Bars) -> BoolArray:
        """Say which bars are that long before the close, and after the close before."""
        closes = bars.sessions.close_ns
        moments = closes - _ns(self.offset)
        return bars.among(moments[np.r_[True, moments[1:] > closes[:-1]]])


class NotHalfDay(BarRule):
    """Trigger in sessions that do not close early."""

    def matches(self, bars: Bars) -> BoolArray:
        """Say which bars are in such sessions."""
        full: BoolArray = ~np.isin(bars.sessions.session_ns, _early_closes(bars.sessions.name))
        return full[bars.rows]


class SessionOfPeriod(BarRule):
    """Trigger in one session of each week or month of the whole calendar.

    Parameters
    ----------
    n : int
        Sessions to skip, from the period's start or from its end.

    Attributes
    ----------
    period : {"week", "month"}
        A period without so many sessions triggers in none of them.
    from_end : bool
        Whether to count from the end.
    largest : int
        Of `n`.

    Raises
    ------
    InvalidParameter
        If n is out of bounds.
    TypeError
        If n is no whole number.
    """

    period: str
    from_end: bool
    largest: int

    def __init__(self, n: int) -> None:
        self.n = _offset(n, self.largest)

    def matches(self, bars: Bars) -> BoolArray:
        """Say which bars are in such sessions."""
        if not len(bars.label_ns):
            return np.zeros(0, dtype=bool)
        labels = _whole_periods(bars.sessions, int(bars.rows[0]), int(bars.rows[-1]), self.period, self.from_end)
        wanted = labels[_sessions_of(labels, self.period, self.n, self.from_end)]
        due: BoolArray = np.isin(bars.sessions.session_ns[bars.rows], wanted) & bars.open
        return due


class NthTradingDayOfWeek(SessionOfPeriod):
    """Trigger in the session `n` (0 to 4) after the first of each week."""

    period, from_end, largest = "week", False, MAX_WEEK_OFFSET


class NDaysBeforeLastTradingDayOfWeek(SessionOfPeriod):
    """Trigger in the session `n` (0 to 4) before the last of each week."""

    period, from_end, largest = "week", True, MAX_WEEK_OFFSET


class NthTradingDayOfMonth(SessionOfPeriod):
    """Trigger in the session `n` (0 to 22) after the first of each month."""

    period, from_end, largest = "month", False, MAX_MONTH_OFFSET


class NDaysBeforeLastTradingDayOfMonth(SessionOfPeriod):
    """Trigger in the session `n` (0 to 22) before the last of each month."""

    period, from_end, largest = "month", True, MAX_MONTH_OFFSET


def _whole_periods(sessions: SessionTable, first: int, last: int, period: str, from_end: bool) -> IntArray:
    """Give the labels of the sessions of the periods that two rows of a table are in, and of those between.

    Who counts from the start of a period has to know its first session, who counts from the end its last. A table that
    begins or ends within it does not say: then the whole calendar is given, whose library takes most of a second to
    load.
    """
    begin = max(first - LONGEST_PERIOD, 0)
    near = sessions.session_ns[begin : last + 1 + LONGEST_PERIOD]
    first_key, first_in, last_in, last_key = _period_keys(near[[0, first - begin, last - begin, -1]], period).tolist()
    if last_in < last_key if from_end else first_key < first_in:
        return near
    labels: IntArray = pd.DatetimeIndex(get_calendar(sessions.name).sessions).as_unit("ns").asi8
    return labels


def _period_keys(labels: IntArray, period: str) -> IntArray:
    """Give the number of each label's month, or of its week from Monday to Sunday."""
    if period == "month":
        months: IntArray = labels.view("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
        return months
    return (labels // NS_PER_DAY + THURSDAY) // 7


def _sessions_of(labels: IntArray, period: str, n: int, from_end: bool) -> IntArray:
    """Give the places of the n-th sessions of the periods of consecutive sessions."""
    keys = _period_keys(labels, period)
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    ends = np.r_[starts[1:], len(keys)]
    places = ends - 1 - n if from_end else starts + n
    within: IntArray = places[(places >= starts) & (places < ends)]
    return within


@lru_cache(maxsize=16)
def _early_closes(calendar_name: str) -> IntArray:
    early: IntArray = pd.DatetimeIndex(get_calendar(calendar_name).early_closes).as_unit("ns").asi8
    return early


def _ns(offset: timedelta) -> int:
    return pd.Timedelta(offset).as_unit("ns").value


def _offset(days: Any, largest: int) -> int:
    if isinstance(days, float):
        if days != int(days):
            raise TypeError(f"days_offset {days} must be a whole number of sessions")
        warnings.warn(f"days_offset should be an int, got the float {days}", stacklevel=4)
        days = int(days)
    if not 0 <= days <= largest:
        raise InvalidParameter(f"days_offset must be in between 0 and {largest} inclusive, got {days}")
    return int(days)


def _duration(offset: Any, hours: int | None, minutes: int | None) -> timedelta:
    given = {name: value for name, value in (("hours", hours), ("minutes", minutes)) if value is not None}
    if offset is None and not given:
        return SHORTEST_OFFSET
    if offset is not None and given:
        raise InvalidParameter("Cannot pass kwargs and an offset: pass hours and minutes, or offset")
    if offset is None:
        offset = timedelta(**given)
    if not isinstance(offset, timedelta):
        raise TypeError("Must pass 'hours' and/or 'minutes' as keywords, or a datetime.timedelta as offset")
    if not SHORTEST_OFFSET <= offset <= LONGEST_OFFSET:
        raise InvalidParameter(f"offset must be in between 1 minute and 12 hours, inclusive, got {offset}")
    return offset
