"""When is a market open? Sessions of an exchange calendar as arrays.

A session's label is its date at midnight, without timezone. Minutes carry the label of their end, as in Zipline, so the
first minute of a New York session is 14:31 UTC in winter.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import IntArray, Records
from rustybt.constants import NAT
from rustybt.errors import InvalidParameter, InvalidSpan, did_you_mean

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

CALENDAR_START = pd.Timestamp("1990-01-01")
"""A fixed first day: the library's own default moves with today's date, and bundles would move with it."""


BREAK: Final = np.dtype([("session_ns", "i8"), ("last_am_ns", "i8"), ("first_pm_ns", "i8")])
"""A session with a break, and the labels of the last minute before it and the first after it."""


class SessionTable(NamedTuple):
    """Consecutive sessions of one calendar.

    Attributes
    ----------
    name : str
        Calendar, e.g. "XNYS".
    session_ns : int64 array, shape (n_sessions,)
        Midnight label of each session, nanoseconds since 1970.
    open_ns : int64 array, shape (n_sessions,)
        Label of the first minute, nanoseconds UTC.
    close_ns : int64 array, shape (n_sessions,)
        Label of the last minute, nanoseconds UTC.
    """

    name: str
    session_ns: IntArray
    open_ns: IntArray
    close_ns: IntArray


def naive_day(value: Any, parameter: str = "date") -> pd.Timestamp:
    """Read a date with or without timezone as the tz-naive midnight of its UTC day.

    Parameters
    ----------
    value : Timestamp, datetime, str or anything pandas reads as one date
        The date.
    parameter : str
        What the caller's user calls it; for the message.

    Returns
    -------
    pd.Timestamp
        tz-naive midnight in nanoseconds.

    Raises
    ------
    InvalidSpan
        If the value is no date.

    Examples
    --------
    >>> naive_day("2020-01-02")
    Timestamp('2020-01-02 00:00:00')
    """
    try:
        stamp = pd.Timestamp(value)
    except (ValueError, TypeError):
        stamp = pd.Timestamp("NaT")
    if pd.isna(stamp):
        raise InvalidSpan(f"{parameter} {value!r} is no date: write it like '2020-01-31'")
    if stamp.tzinfo is not None:
        stamp = stamp.tz_convert("UTC").tz_localize(None)
    return stamp.normalize().as_unit("ns")


def get_calendar(name: str) -> ExchangeCalendar:
    """Give an exchange calendar whose minutes carry the label of their end.

    Parameters
    ----------
    name : str
        ISO 10383 code such as "XNYS" or "XLON", an alias such as "NYSE", or "24/7".

    Returns
    -------
    exchange_calendars.ExchangeCalendar
        From 1990 (or the first year the calendar knows) to about a year ahead; one object a calendar and process.

    Raises
    ------
    InvalidParameter
        If no calendar has this name, or the library cannot build it.

    Examples
    --------
    >>> get_calendar("NYSE").name
    'XNYS'
    """
    # Loading the library takes most of a second, and a bundle that is already ingested never needs it.
    import exchange_calendars

    known = exchange_calendars.get_calendar_names(include_aliases=True)
    if name not in known:
        raise InvalidParameter(
            f"calendar {name!r} is not known{did_you_mean(str(name), known)}: "
            "use an exchange code such as 'XNYS', 'XLON' or '24/7'"
        )
    return _build(exchange_calendars.resolve_alias(name))


@cache
def _build(name: str) -> ExchangeCalendar:
    import exchange_calendars

    with warnings.catch_warnings():
        # The library reads timezone-aware series in a way that pandas 3.1 announces to change.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return exchange_calendars.get_calendar(name, start=CALENDAR_START, side="right")
        except ValueError:
            return _from_its_first_year(name)


def _from_its_first_year(name: str) -> ExchangeCalendar:
    import exchange_calendars

    try:
        bound = exchange_calendars.get_calendar(name, side="right").bound_min()
        return exchange_calendars.get_calendar(name, start=bound, side="right")
    except ValueError as error:
        reason = str(error).splitlines()[0][:120]
        raise InvalidParameter(
            f"calendar {name!r} cannot be built by the installed exchange_calendars ({reason}): use another calendar"
        ) from error


def session_table(name: str, first: Any, last: Any) -> SessionTable:
    """Tabulate the sessions of a calendar between two days, both included.

    Parameters
    ----------
    name : str
        Calendar, see `get_calendar`.
    first, last : date-like
        Any days; they need not be sessions.

    Returns
    -------
    SessionTable
        Possibly of no session.

    Raises
    ------
    InvalidSpan
        If a day is no date, first is after last, or the calendar does not reach that far.

    Examples
    --------
    >>> table = session_table("XNYS", "2024-07-03", "2024-07-05")
    >>> len(table.session_ns), str(table.close_ns.view("datetime64[ns]")[0])
    (2, '2024-07-03T17:00:00.000000000')
    """
    begin, end = naive_day(first, "first"), naive_day(last, "last")
    if begin > end:
        raise InvalidSpan(f"first {begin.date()} is after last {end.date()}: exchange them")
    calendar = get_calendar(name)
    _check_reach(calendar, begin, end)
    rows = slice(
        int(calendar.sessions.searchsorted(begin, side="left")),
        int(calendar.sessions.searchsorted(end, side="right")),
    )
    sessions = calendar.sessions[rows]
    return SessionTable(
        calendar.name,
        _nanoseconds(sessions),
        _nanoseconds(calendar.first_minutes.iloc[rows]),
        _nanoseconds(calendar.last_minutes.iloc[rows]),
    )


def session_breaks(sessions: SessionTable) -> Records:
    """Tabulate the breaks (lunch, in Tokyo or Hong Kong) of sessions.

    Parameters
    ----------
    sessions : SessionTable
        Consecutive sessions, see `session_table`.

    Returns
    -------
    structured array of `BREAK`
        Of the sessions that have one; nanoseconds UTC.

    Examples
    --------
    >>> noon = session_breaks(session_table("XTKS", "2024-07-03", "2024-07-05"))
    >>> len(noon), str(noon["last_am_ns"].view("datetime64[ns]")[0])
    (3, '2024-07-03T02:30:00.000000000')
    """
    calendar = get_calendar(sessions.name)
    begin = int(_nanoseconds(calendar.sessions).searchsorted(sessions.session_ns[0])) if len(sessions.session_ns) else 0
    rows = slice(begin, begin + len(sessions.session_ns))
    out = np.empty(len(sessions.session_ns), BREAK)
    out["session_ns"] = sessions.session_ns
    out["last_am_ns"] = _nanoseconds(calendar.last_am_minutes.iloc[rows])
    out["first_pm_ns"] = _nanoseconds(calendar.first_pm_minutes.iloc[rows])
    breaks: Records = out[out["last_am_ns"] != NAT]
    return breaks


def _check_reach(calendar: ExchangeCalendar, first: pd.Timestamp, last: pd.Timestamp) -> None:
    if first < CALENDAR_START and first < calendar.first_session:
        raise InvalidSpan(
            f"first {first.date()} is before calendar {calendar.name} begins ({calendar.first_session.date()}): "
            "choose a later day"
        )
    if last > calendar.last_session + pd.Timedelta(days=7):
        raise InvalidSpan(
            f"last {last.date()} is after calendar {calendar.name} ends ({calendar.last_session.date()}): "
            "choose an earlier day"
        )


def _nanoseconds(times: Any) -> IntArray:
    """Give times of any unit and timezone as int64 nanoseconds UTC."""
    index = pd.DatetimeIndex(times)
    if index.tz is not None:
        index = index.tz_convert("UTC").tz_localize(None)
    return np.ascontiguousarray(index.as_unit("ns").asi8)
