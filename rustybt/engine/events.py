"""By which rules may a function be scheduled? The factories and classes that algorithms name."""

from enum import Enum
from typing import Any

from rustybt.engine.event_rules import (
    Always,
    BarRule,
    Bars,
    ComposedRule,
    EventRule,
    Never,
    OncePerDay,
    StatefulRule,
    StatelessRule,
)
from rustybt.engine.session_rules import (
    AfterOpen,
    BeforeClose,
    NDaysBeforeLastTradingDayOfMonth,
    NDaysBeforeLastTradingDayOfWeek,
    NotHalfDay,
    NthTradingDayOfMonth,
    NthTradingDayOfWeek,
)

__all__ = [
    "AfterOpen",
    "Always",
    "BarRule",
    "Bars",
    "BeforeClose",
    "ComposedRule",
    "EventRule",
    "NDaysBeforeLastTradingDayOfMonth",
    "NDaysBeforeLastTradingDayOfWeek",
    "Never",
    "NotHalfDay",
    "NthTradingDayOfMonth",
    "NthTradingDayOfWeek",
    "OncePerDay",
    "StatefulRule",
    "StatelessRule",
    "calendars",
    "date_rules",
    "make_eventrule",
    "time_rules",
]


class calendars(Enum):
    """Calendars by which rules can be read instead of the bundle's own."""

    US_EQUITIES = "XNYS"


class date_rules:
    """Rules for the first argument of `schedule_function`."""

    @staticmethod
    def every_day() -> StatelessRule:
        """Match every session."""
        return Always()

    @staticmethod
    def month_start(days_offset: int = 0) -> StatelessRule:
        """Match the session `days_offset` (0 to 22) after the first of each month."""
        return NthTradingDayOfMonth(days_offset)

    @staticmethod
    def month_end(days_offset: int = 0) -> StatelessRule:
        """Match the session `days_offset` (0 to 22) before the last of each month."""
        return NDaysBeforeLastTradingDayOfMonth(days_offset)

    @staticmethod
    def week_start(days_offset: int = 0) -> StatelessRule:
        """Match the session `days_offset` (0 to 4) after the first of each week; none in a shorter week."""
        return NthTradingDayOfWeek(days_offset)

    @staticmethod
    def week_end(days_offset: int = 0) -> StatelessRule:
        """Match the session `days_offset` (0 to 4) before the last of each week; none in a shorter week."""
        return NDaysBeforeLastTradingDayOfWeek(days_offset)


class time_rules:
    """Rules for the second argument of `schedule_function`."""

    @staticmethod
    def market_open(offset: Any = None, hours: int | None = None, minutes: int | None = None) -> StatelessRule:
        """Match a time from 1 minute (the default) to 12 hours after the open."""
        return AfterOpen(offset, hours, minutes)

    @staticmethod
    def market_close(offset: Any = None, hours: int | None = None, minutes: int | None = None) -> StatelessRule:
        """Match a time from 1 minute (the default) to 12 hours before the close."""
        return BeforeClose(offset, hours, minutes)

    @staticmethod
    def every_minute() -> StatelessRule:
        """Match every minute."""
        return Always()


def make_eventrule(date_rule: StatelessRule, time_rule: StatelessRule, cal: Any, half_days: bool = True) -> OncePerDay:
    """Give the rule by which a function is scheduled: once a day, where a date and a time rule match.

    Parameters
    ----------
    date_rule, time_rule : StatelessRule
        From `date_rules` and `time_rules`, or composed.
    cal : ExchangeCalendar or str
        By which they are read.
    half_days : bool
        False leaves out sessions that close early.

    Returns
    -------
    OncePerDay

    Raises
    ------
    TypeError
        If a rule is none, such as a factory that was not called.
    """
    _check_rule(date_rule, "date_rule")
    _check_rule(time_rule, "time_rule")
    rule = date_rule & time_rule
    once = OncePerDay(rule if half_days else rule & NotHalfDay())
    once.cal = cal
    return once


def _check_rule(rule: Any, parameter: str) -> None:
    if isinstance(rule, StatelessRule):
        return
    name = getattr(rule, "__name__", None)
    hint = f" (hint: did you mean {name}())" if name else ""
    raise TypeError(f"invalid rule: {parameter} is {rule!r}{hint}")
