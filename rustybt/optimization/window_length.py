"""How long is a part of a window: so many sessions, or calendar time?"""

import datetime
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rustybt.errors import InvalidParameter, did_you_mean

UNITS = {
    **dict.fromkeys(("session", "sessions"), ("sessions", 1)),
    **dict.fromkeys(("day", "days", "d"), ("days", 1)),
    **dict.fromkeys(("week", "weeks", "w"), ("days", 7)),
    **dict.fromkeys(("month", "months", "mo"), ("months", 1)),
    **dict.fromkeys(("quarter", "quarters", "q"), ("months", 3)),
    **dict.fromkeys(("year", "years", "y"), ("months", 12)),
}
OFFSETS = {"years": ("months", 12), "months": ("months", 1), "weeks": ("days", 7), "days": ("days", 1)}
MAX_COUNT = 1_000_000
WRITTEN = "write a number of sessions, such as 252, or calendar time, such as '6 months'"


@dataclass(frozen=True)
class Length:
    """How long something lasts: calendar time, sessions, or first the one and then the other.

    Attributes
    ----------
    months, days, sessions : int
        To be added, in this order.
    text : str
        As the user gave it.
    """

    months: int = 0
    days: int = 0
    sessions: int = 0
    text: str = ""

    def __add__(self, other: "Length") -> "Length":
        return Length(self.months + other.months, self.days + other.days, self.sessions + other.sessions)

    def __mul__(self, times: int) -> "Length":
        return Length(self.months * times, self.days * times, self.sessions * times)

    def __bool__(self) -> bool:
        return bool(self.months or self.days or self.sessions)

    def __str__(self) -> str:
        return self.text


def length_of(value: Any, parameter: str, least: int = 1) -> Length:
    """Read a length.

    Parameters
    ----------
    value : int, str, pd.DateOffset, pd.Timedelta or datetime.timedelta
        A number of sessions, or a number and a unit: "252 sessions", "90 days" (or d), "26 weeks" (w), "6 months" (mo),
        "2 quarters" (q), "1 year" (y). A DateOffset has years, months, weeks or days.
    parameter : str
        What the user calls it; for the message.
    least : int
        0 allows for nothing.

    Returns
    -------
    Length

    Raises
    ------
    InvalidParameter
        If it is none, or too short or long.

    Examples
    --------
    >>> length_of("2 years", "in_sample").months, length_of(21, "step").sessions
    (24, 21)
    """
    counts = _counts_of(value, parameter)
    length = Length(text=_shown(value), **counts)
    if any(count < 0 for count in counts.values()) or (least and not length):
        raise InvalidParameter(f"{parameter} {length} is less than {least}: {WRITTEN}")
    if any(count > MAX_COUNT for count in counts.values()):
        raise InvalidParameter(f"{parameter} {length} is beyond any market's history: {WRITTEN}")
    return length


def _counts_of(value: Any, parameter: str) -> dict[str, int]:
    if isinstance(value, str):
        return _read(value, parameter)
    if isinstance(value, datetime.timedelta):  # as a pd.Timedelta is
        days, rest = divmod(value, datetime.timedelta(days=1))
        if not rest:
            return {"days": days}
    if type(value) is pd.DateOffset and value.kwds.keys() <= OFFSETS.keys():
        counts = {"months": 0, "days": 0}
        for name, count in value.kwds.items():
            unit, size = OFFSETS[name]
            counts[unit] += int(count) * size * value.n
        return counts
    if hasattr(value, "__index__") and not isinstance(value, bool | np.bool):
        return {"sessions": int(value)}
    raise InvalidParameter(f"{parameter} {value!r} is no length: {WRITTEN}")


def _read(text: str, parameter: str) -> dict[str, int]:
    found = re.fullmatch(r"\s*(\d+)\s*([A-Za-z]+)\s*", text, re.ASCII)
    if found is None:
        raise InvalidParameter(f"{parameter} {text!r} is no length: {WRITTEN}")
    unit = found[2].lower()
    if unit == "m":
        raise InvalidParameter(f"{parameter} {text!r} may be months or minutes: write '{found[1]} months' (or mo)")
    if unit not in UNITS:
        raise InvalidParameter(
            f"{parameter} {text!r} has the unknown unit {found[2]!r}{did_you_mean(unit, UNITS)}: write sessions, days, "
            "weeks, months, quarters or years"
        )
    name, size = UNITS[unit]
    return {name: int(found[1]) * size}


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    return f"{value} sessions" if hasattr(value, "__index__") else str(value)
