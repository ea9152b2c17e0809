"""Which minutes is a market open? The labels of all minutes of some sessions, breaks left out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rustybt._typing import IntArray, Records
from rustybt.calendars import SessionTable
from rustybt.constants import NS_PER_MINUTE


class MarketMinutes(NamedTuple):
    """The minutes of consecutive sessions. A minute is labelled by its end.

    Attributes
    ----------
    sessions : SessionTable
        The sessions with their first and last minute.
    last_am_ns : int64 array, shape (n_sessions,)
        Label of the last minute before the break; without a break the session's last minute.
    first_pm_ns : int64 array, shape (n_sessions,)
        Label of the first minute after the break; without a break the minute after the session's last.
    """

    sessions: SessionTable
    last_am_ns: IntArray
    first_pm_ns: IntArray


def with_breaks(sessions: SessionTable, breaks: Records) -> MarketMinutes:
    """Put sessions and their breaks together.

    Parameters
    ----------
    sessions : SessionTable
        Consecutive sessions.
    breaks : structured array of `calendars.BREAK`
        Of these sessions, in their order; see `calendars.session_breaks`.

    Returns
    -------
    MarketMinutes
    """
    last_am, first_pm = sessions.close_ns.copy(), sessions.close_ns + NS_PER_MINUTE
    rows = np.searchsorted(sessions.session_ns, breaks["session_ns"])
    last_am[rows], first_pm[rows] = breaks["last_am_ns"], breaks["first_pm_ns"]
    return MarketMinutes(sessions, last_am, first_pm)


def minute_counts(market: MarketMinutes) -> IntArray:
    """Count the minutes of each session.

    Parameters
    ----------
    market : MarketMinutes
        The sessions.

    Returns
    -------
    int64 array, shape (n_sessions,)
    """
    morning = market.last_am_ns - market.sessions.open_ns
    afternoon = market.sessions.close_ns - market.first_pm_ns
    return (morning + afternoon) // NS_PER_MINUTE + 2


def minute_labels(market: MarketMinutes) -> IntArray:
    """List the labels of all minutes.

    Parameters
    ----------
    market : MarketMinutes
        The sessions.

    Returns
    -------
    int64 array, shape (n_minutes,)
        Nanoseconds UTC, ascending.

    Examples
    --------
    >>> from rustybt.calendars import session_breaks, session_table
    >>> sessions = session_table("XTKS", "2024-07-03", "2024-07-03")
    >>> len(minute_labels(with_breaks(sessions, session_breaks(sessions))))
    300
    """
    begin = np.stack([market.sessions.open_ns, market.first_pm_ns], axis=1).ravel()
    end = np.stack([market.last_am_ns, market.sessions.close_ns], axis=1).ravel()
    count = (end - begin) // NS_PER_MINUTE + 1
    before = np.cumsum(count) - count
    return np.repeat(begin - before * NS_PER_MINUTE, count) + np.arange(int(count.sum())) * NS_PER_MINUTE


def session_rows(market: MarketMinutes, label_ns: IntArray) -> IntArray:
    """Find the session of each minute.

    Parameters
    ----------
    market : MarketMinutes
        The sessions.
    label_ns : int64 array, shape (n,)
        Any times, nanoseconds UTC.

    Returns
    -------
    int64 array, shape (n,)
        Row of the session; -1 for a time that labels no minute of these sessions.

    Examples
    --------
    >>> from rustybt.calendars import session_breaks, session_table
    >>> sessions = session_table("XNYS", "2024-07-03", "2024-07-03")
    >>> market = with_breaks(sessions, session_breaks(sessions))
    >>> session_rows(market, sessions.open_ns + np.array([-1, 0, 1]) * NS_PER_MINUTE).tolist()
    [-1, 0, 0]
    """
    sessions = market.sessions
    if not len(sessions.close_ns):
        return np.full(len(label_ns), -1)
    rows = np.minimum(np.searchsorted(sessions.close_ns, label_ns), len(sessions.close_ns) - 1)
    open_ns = sessions.open_ns[rows]
    known = (label_ns >= open_ns) & (label_ns <= sessions.close_ns[rows]) & ((label_ns - open_ns) % NS_PER_MINUTE == 0)
    known &= (label_ns <= market.last_am_ns[rows]) | (label_ns >= market.first_pm_ns[rows])
    return np.where(known, rows, -1)


def months_of(session_ns: IntArray) -> IntArray:
    """Count the months from January 1970 to the calendar month of each session's label."""
    return session_ns.view("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
