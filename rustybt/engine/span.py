"""Which sessions does a run simulate?"""

from typing import Any, NamedTuple

import pandas as pd

from rustybt.data.portal import Portal
from rustybt.errors import InvalidSpan


class Span(NamedTuple):
    """Rows of the bundle's session table, both included.

    Attributes
    ----------
    first, last : int
        Session rows.
    """

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many sessions there are."""
        return self.last - self.first + 1


def span_of(portal: Portal, start: Any, end: Any) -> Span:
    """Find the sessions between two dates.

    Parameters
    ----------
    portal : Portal
        Of the bundle to run on.
    start, end : date-like
        Anything pd.Timestamp takes; a time of day and a zone are dropped. None is the bundle's first or last session.

    Returns
    -------
    Span

    Raises
    ------
    InvalidSpan
        If a date is none, start is after end, either lies outside the bundle, or no session lies between them.
    """
    labels = portal.session_labels
    first_day = _day(start, "start", labels[0])
    last_day = _day(end, "end", labels[-1])
    name, begins, ends = portal.bundle.name, labels[0].date(), labels[-1].date()
    if start is not None and end is not None and first_day > last_day:
        raise InvalidSpan(f"start {first_day.date()} is after end {last_day.date()}: swap them")
    for which, day in (("start", first_day), ("end", last_day)):
        if day.date() < begins:
            raise InvalidSpan(
                f"{which} {day.date()} is before bundle {name!r} begins ({begins}): choose a later {which}"
            )
    if first_day.date() > ends:
        raise InvalidSpan(
            f"start {first_day.date()} is after bundle {name!r} ends ({ends}): "
            "ingest it again, or choose an earlier start"
        )
    first, last = portal.row_of(first_day), portal.row_of(last_day + pd.Timedelta(1, unit="ns")) - 1
    if last_day.date() > ends and portal.sessions_missing_until(last_day):
        raise InvalidSpan(
            f"end {last_day.date()} is after bundle {name!r} ends ({ends}): ingest it again, or choose an earlier end"
        )
    if first > last:
        raise InvalidSpan(
            f"there are no trading days between start {first_day.date()} and end {last_day.date()} "
            f"({portal.session_table.name} calendar): choose a longer span"
        )
    return Span(first, last)


def _day(when: Any, parameter: str, default: pd.Timestamp) -> pd.Timestamp:
    if when is None:
        return default
    try:
        stamp = pd.Timestamp(when)
    except (TypeError, ValueError) as error:
        raise InvalidSpan(f"{parameter} {when!r} is no date ({error}): write it as 2020-01-31") from None
    if pd.isna(stamp):
        raise InvalidSpan(f"{parameter} {when!r} is no date: write it as 2020-01-31")
    return stamp.tz_localize(None).normalize()
