"""On which sessions, and when in them, does a scheduled function run?"""

import datetime
import warnings
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray, IntArray
from rustybt.calendars import get_calendar
from rustybt.engine.strategy import Callback

MAX_MONTH_OFFSET = 22
MAX_WEEK_OFFSET = 4
SHORTEST_OFFSET = datetime.timedelta(minutes=1)
MINUTE = pd.Timedelta(minutes=1)
DAY = pd.Timedelta(days=1)
LONGEST_OFFSET = datetime.timedelta(hours=12)


@dataclass(frozen=True)
class DateRule:
    """Which sessions of each period match.

    Attributes
    ----------
    period : {"day", "week", "month"}
        "day" matches every session.
    offset : int
        Sessions to skip from the start of the period, or from its end.
    from_end : bool
        Count from the period's last session.
    """

    period: str = "day"
    offset: int = 0
    from_end: bool = False


@dataclass(frozen=True)
class TimeRule:
    """At which minute of a session; a daily simulation has one bar, and does not look at it.

    Attributes
    ----------
    anchor : {"open", "close", "every"}
        "every" matches every minute.
    offset : datetime.timedelta
        After the open, or before the close.
    """

    anchor: str = "every"
    offset: datetime.timedelta = SHORTEST_OFFSET


class date_rules:
    """Rules for the first argument of `schedule_function`."""

    @staticmethod
    def every_day() -> DateRule:
        """Match every session."""
        return DateRule()

    @staticmethod
    def month_start(days_offset: int = 0) -> DateRule:
        """Match the session `days_offset` (0 to 22) after the first of each month."""
        return DateRule("month", _offset(days_offset, MAX_MONTH_OFFSET))

    @staticmethod
    def month_end(days_offset: int = 0) -> DateRule:
        """Match the session `days_offset` (0 to 22) before the last of each month."""
        return DateRule("month", _offset(days_offset, MAX_MONTH_OFFSET), from_end=True)

    @staticmethod
    def week_start(days_offset: int = 0) -> DateRule:
        """Match the session `days_offset` (0 to 4) after the first of each week; none in a shorter week."""
        return DateRule("week", _offset(days_offset, MAX_WEEK_OFFSET))

    @staticmethod
    def week_end(days_offset: int = 0) -> DateRule:
        """Match the session `days_offset` (0 to 4) before the last of each week; none in a shorter week."""
        return DateRule("week", _offset(days_offset, MAX_WEEK_OFFSET), from_end=True)


class time_rules:
    """Rules for the second argument of `schedule_function`."""

    @staticmethod
    def market_open(offset: Any = None, hours: int | None = None, minutes: int | None = None) -> TimeRule:
        """Match a time from 1 minute (the default) to 12 hours after the open."""
        return TimeRule("open", _duration(offset, hours, minutes))

    @staticmethod
    def market_close(offset: Any = None, hours: int | None = None, minutes: int | None = None) -> TimeRule:
        """Match a time from 1 minute (the default) to 12 hours before the close."""
        return TimeRule("close", _duration(offset, hours, minutes))

    @staticmethod
    def every_minute() -> TimeRule:
        """Match every minute."""
        return TimeRule()


class ScheduledFunction:
    """A function of the user's with the run's sessions, and their bar, on which it is due.

    Parameters
    ----------
    callback : callable of (context, data)
        To call.
    due : bool array, shape (n_run_sessions,)
        Whether its date rule matches.
    time_rule : TimeRule, optional
        None, or the rule for every minute, is due at every bar.

    Notes
    -----
    As in Zipline it fires at most once in 24 hours from the bar at which a day was seen first: in a daily simulation a
    function that fired on a full day is not called on a half day after it, whose close is less than 24 hours later.
    """

    __slots__ = ("_due", "_fired", "_time_rule", "_until", "callback")

    def __init__(self, callback: Callback, due: BoolArray, time_rule: TimeRule | None = None) -> None:
        self.callback = callback
        self._due: list[bool] = due.tolist()
        self._time_rule = time_rule or TimeRule()
        self._fired = False
        self._until: pd.Timestamp | None = None

    def due_at(self, session: int, times: list[pd.Timestamp]) -> list[pd.Timestamp]:
        """Give the bars of a session at which to call the function, and remember them.

        Parameters
        ----------
        session : int
            Index into the run's sessions; each is asked for once, in order.
        times : list of pd.Timestamp
            The session's bars, UTC.

        Returns
        -------
        list of pd.Timestamp
            None, one, or (where an old 24 hours end within the session) two of the times.
        """
        moments = []
        for begin, end in self._stretches(times):
            if self._fired or not self._due[session]:
                continue
            target = self._target(times) or begin
            if begin <= target <= end:
                self._fired = True
                moments.append(target)
        return moments

    def _stretches(self, times: list[pd.Timestamp]) -> Iterator[tuple[pd.Timestamp, pd.Timestamp]]:
        """Yield what is left of the old 24 hours, then the bars of the new ones, as first and last bar."""
        fresh = 0 if self._until is None else bisect_left(times, self._until)
        if fresh > 0:
            yield times[0], times[fresh - 1]
        if fresh < len(times):
            self._until = times[fresh] + DAY
            self._fired = False
            yield times[fresh], times[-1]

    def _target(self, times: list[pd.Timestamp]) -> pd.Timestamp | None:
        anchor, offset = self._time_rule.anchor, self._time_rule.offset
        if anchor == "every" or len(times) == 1:
            return None
        return times[0] + offset - MINUTE if anchor == "open" else times[-1] - offset


def due_sessions(rule: DateRule, half_days: bool, calendar_name: str, session_ns: IntArray) -> BoolArray:
    """Say on which sessions of a run a date rule matches.

    Parameters
    ----------
    rule : DateRule
        The rule.
    half_days : bool
        False leaves out the sessions that close early.
    calendar_name : str
        Weeks and months are those of the whole calendar: a run's first week need not begin with its first session.
    session_ns : int64 array, shape (n_run_sessions,)
        Labels of the run's sessions.

    Returns
    -------
    bool array, shape (n_run_sessions,)
    """
    due = np.ones(len(session_ns), dtype=bool)
    if rule.period != "day":
        due = np.isin(session_ns, _matching(rule, calendar_name))
    if not half_days:
        early = pd.DatetimeIndex(get_calendar(calendar_name).early_closes).as_unit("ns").asi8
        due &= ~np.isin(session_ns, early)
    return due


def check_rule(rule: Any, kind: type, parameter: str) -> None:
    """Refuse what is no rule, with a hint where a factory was not called.

    Raises
    ------
    TypeError
        If the rule is not of the kind.
    """
    if isinstance(rule, kind):
        return
    name = getattr(rule, "__name__", None)
    hint = f" (hint: did you mean {name}())" if name else ""
    raise TypeError(f"invalid rule: {parameter} is {rule!r}{hint}")


def _matching(rule: DateRule, calendar_name: str) -> IntArray:
    sessions = pd.DatetimeIndex(get_calendar(calendar_name).sessions).as_unit("ns")
    if rule.period == "month":
        keys = (sessions.year * 12 + sessions.month).to_numpy()
    else:
        iso = sessions.isocalendar()
        keys = (iso["year"].to_numpy(dtype=np.int64) * 100) + iso["week"].to_numpy(dtype=np.int64)
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    ends = np.r_[starts[1:], len(keys)]
    rows = ends - 1 - rule.offset if rule.from_end else starts + rule.offset
    inside = (rows >= starts) & (rows < ends)
    matching: IntArray = sessions.asi8[rows[inside]]
    return matching


def _offset(days: Any, largest: int) -> int:
    if isinstance(days, float):
        if days != int(days):
            raise TypeError(f"days_offset {days} must be a whole number of sessions")
        warnings.warn(f"days_offset should be an int, got the float {days}", stacklevel=3)
        days = int(days)
    if not 0 <= days <= largest:
        raise ValueError(f"days_offset must be in between 0 and {largest} inclusive, got {days}")
    return int(days)


def _duration(offset: Any, hours: int | None, minutes: int | None) -> datetime.timedelta:
    given = {name: value for name, value in (("hours", hours), ("minutes", minutes)) if value is not None}
    if offset is None and not given:
        return SHORTEST_OFFSET
    if offset is not None and given:
        raise ValueError("Cannot pass kwargs and an offset: pass hours and minutes, or offset")
    if offset is None:
        offset = datetime.timedelta(**given)
    if not isinstance(offset, datetime.timedelta):
        raise TypeError("Must pass 'hours' and/or 'minutes' as keywords, or a datetime.timedelta as offset")
    if not SHORTEST_OFFSET <= offset <= LONGEST_OFFSET:
        raise ValueError(f"offset must be in between 1 minute and 12 hours, inclusive, got {offset}")
    return offset
