"""At which bars does an event rule trigger?

A rule answers for one moment (`should_trigger`), or for all bars of a run at once (`triggers`), which is how the engine
asks: once, when a function is scheduled. A rule of one's own overrides `should_trigger`, and may be composed with the
others by `&`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Optional

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray, IntArray
from rustybt.calendars import SessionTable, get_calendar, session_table
from rustybt.constants import NS_PER_DAY
from rustybt.errors import InvalidParameter

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

MARGIN = pd.Timedelta(days=14)
"""Longer than any market stays closed: what a moment's neighbours are looked up in."""


class Bars:
    """Consecutive bars, and the sessions of the calendar by which rules are read.

    Parameters
    ----------
    label_ns : int64 array, shape (n_bars,)
        The bars' labels, ascending, nanoseconds UTC.
    sessions : SessionTable
        Consecutive sessions that reach over all bars.
    """

    def __init__(self, label_ns: IntArray, sessions: SessionTable) -> None:
        self.label_ns = label_ns
        self.sessions = sessions

    @cached_property
    def rows(self) -> IntArray:
        """The session that each bar is in, or the next one where the market is closed."""
        found: IntArray = np.searchsorted(self.sessions.close_ns, self.label_ns, side="left")
        return np.minimum(found, len(self.sessions.close_ns) - 1)

    @cached_property
    def open(self) -> BoolArray:
        """Whether each bar is within a session."""
        inside: BoolArray = (self.sessions.open_ns[self.rows] <= self.label_ns) & (
            self.label_ns <= self.sessions.close_ns[self.rows]
        )
        return inside

    def among(self, moments_ns: IntArray) -> BoolArray:
        """Say which bars are one of some ascending moments."""
        if not len(moments_ns):
            return np.zeros(len(self.label_ns), dtype=bool)
        nearest = np.minimum(np.searchsorted(moments_ns, self.label_ns), len(moments_ns) - 1)
        same: BoolArray = moments_ns[nearest] == self.label_ns
        return same


class EventRule(ABC):
    """Base of rules.

    Attributes
    ----------
    cal : ExchangeCalendar or None
        The calendar by which the rule is read; set when a function is scheduled.
    """

    _cal: "str | ExchangeCalendar | None" = None

    @property
    def cal(self) -> Optional["ExchangeCalendar"]:
        """The calendar by which the rule is read."""
        return get_calendar(self._cal) if isinstance(self._cal, str) else self._cal

    @cal.setter
    def cal(self, value: "str | ExchangeCalendar") -> None:
        self._cal = value

    @property
    def calendar_name(self) -> str | None:
        """The calendar's name, known without loading it."""
        return self._cal if self._cal is None or isinstance(self._cal, str) else str(self._cal.name)

    @abstractmethod
    def should_trigger(self, dt: pd.Timestamp) -> bool:
        """Say whether the rule triggers at a moment.

        Parameters
        ----------
        dt : pd.Timestamp
            A bar's label, UTC.

        Returns
        -------
        bool
        """

    def triggers(self, bars: Bars) -> BoolArray:
        """Say at which bars the rule triggers; each is asked for once, in order.

        Parameters
        ----------
        bars : Bars
            All bars from now to the run's end.

        Returns
        -------
        bool array, shape (n_bars,)
        """
        times = pd.DatetimeIndex(bars.label_ns.view("M8[ns]")).tz_localize("UTC")
        return np.fromiter((bool(self.should_trigger(dt)) for dt in times), dtype=bool, count=len(times))


class StatelessRule(EventRule):
    """Base of rules that answer the same however often they are asked; `a & b` triggers where both do."""

    def and_(self, rule: "StatelessRule") -> "ComposedRule":
        """Give the rule that triggers where this one and another do."""
        return ComposedRule(self, rule, ComposedRule.lazy_and)

    __and__ = and_


Triggers = Callable[[pd.Timestamp], bool]


class ComposedRule(StatelessRule):
    """Two rules as one.

    Parameters
    ----------
    first, second : StatelessRule
        The rules.
    composer : callable of (first.should_trigger, second.should_trigger, dt)
        Says whether the two together trigger.

    Raises
    ------
    InvalidParameter
        If one of them is no stateless rule.
    """

    def __init__(
        self, first: StatelessRule, second: StatelessRule, composer: Callable[[Triggers, Triggers, pd.Timestamp], bool]
    ) -> None:
        if not (isinstance(first, StatelessRule) and isinstance(second, StatelessRule)):
            raise InvalidParameter(f"Only two StatelessRules can be composed, got {first!r} and {second!r}")
        self.first = first
        self.second = second
        self.composer = composer

    @property
    def cal(self) -> Optional["ExchangeCalendar"]:
        """The calendar by which the rules are read."""
        return self.first.cal

    @cal.setter
    def cal(self, value: "str | ExchangeCalendar") -> None:
        self._cal = value
        self.first.cal = value
        self.second.cal = value

    @staticmethod
    def lazy_and(first: Triggers, second: Triggers, dt: pd.Timestamp) -> bool:
        """Say whether both trigger; the second is not asked where the first does not."""
        return first(dt) and second(dt)

    def should_trigger(self, dt: pd.Timestamp) -> bool:
        """Say what the composer says."""
        return self.composer(self.first.should_trigger, self.second.should_trigger, dt)

    def triggers(self, bars: Bars) -> BoolArray:
        """Say at which bars the composer says so."""
        if self.composer is not ComposedRule.lazy_and:
            return super().triggers(bars)
        both: BoolArray = self.first.triggers(bars) & self.second.triggers(bars)
        return both


class BarRule(StatelessRule):
    """Base of rules that are arithmetic on labels."""

    @abstractmethod
    def matches(self, bars: Bars) -> BoolArray:
        """Say at which bars the rule triggers.

        Parameters
        ----------
        bars : Bars
            In any span.

        Returns
        -------
        bool array, shape (n_bars,)
        """

    def should_trigger(self, dt: pd.Timestamp) -> bool:
        """Say whether the rule triggers at a moment, by the sessions of `cal`."""
        cal = self.cal
        if cal is None:
            raise InvalidParameter(f"{self!r} has no calendar yet: schedule a function by it, or set its cal")
        label_ns = pd.Timestamp(dt).as_unit("ns").value
        return bool(self.matches(Bars(np.array([label_ns]), _sessions_around(cal.name, label_ns // NS_PER_DAY)))[0])

    def triggers(self, bars: Bars) -> BoolArray:
        """Say at which bars the rule triggers."""
        if type(self).should_trigger is not BarRule.should_trigger:
            return super().triggers(bars)  # a derived rule has the last word
        return self.matches(bars)


class Always(BarRule):
    """Trigger at every bar."""

    def matches(self, bars: Bars) -> BoolArray:
        """Give True."""
        return np.ones(len(bars.label_ns), dtype=bool)


class Never(BarRule):
    """Trigger at no bar."""

    def matches(self, bars: Bars) -> BoolArray:
        """Give False."""
        return np.zeros(len(bars.label_ns), dtype=bool)


class StatefulRule(EventRule):
    """Base of rules whose answer depends on what was asked before; they cannot be composed.

    Parameters
    ----------
    rule : EventRule, optional
        What it is about; every bar if omitted.
    """

    def __init__(self, rule: EventRule | None = None) -> None:
        self.rule = rule or Always()

    @property
    def cal(self) -> Optional["ExchangeCalendar"]:
        """The calendar by which the rule is read."""
        return self.rule.cal

    @cal.setter
    def cal(self, value: "str | ExchangeCalendar") -> None:
        self._cal = value
        self.rule.cal = value


class OncePerDay(StatefulRule):
    """Trigger where a rule does for the first time in 24 hours.

    Notes
    -----
    The 24 hours begin at the first bar, and anew at the first bar after their end. In a daily simulation a rule that
    triggered on a full day does not on a half day after it, whose close is less than 24 hours later.
    """

    def __init__(self, rule: EventRule | None = None) -> None:
        super().__init__(rule)
        self._until_ns: int | None = None
        self._triggered = False

    def should_trigger(self, dt: pd.Timestamp) -> bool:
        """Say whether the rule triggers now and has not within the current 24 hours."""
        now_ns = pd.Timestamp(dt).as_unit("ns").value
        if self._until_ns is None or now_ns >= self._until_ns:
            self._until_ns = now_ns + NS_PER_DAY
            self._triggered = False
        if self._triggered or not self.rule.should_trigger(dt):
            return False
        self._triggered = True
        return True

    def triggers(self, bars: Bars) -> BoolArray:
        """Say at which bars the rule triggers for the first time in 24 hours."""
        out = np.zeros(len(bars.label_ns), dtype=bool)
        if type(self) is not OncePerDay or not len(out):
            return super().triggers(bars)
        after: list[int] = np.searchsorted(bars.label_ns, bars.label_ns + NS_PER_DAY).tolist()
        begins = [0]
        while after[begins[-1]] < len(after):
            begins.append(after[begins[-1]])
        found = np.flatnonzero(self.rule.triggers(bars))
        first = np.searchsorted(found, begins)
        some = first < len(found)
        candidates, ends = found[first[some]], np.r_[begins[1:], len(after)][some]
        out[candidates[candidates < ends]] = True
        return out


@lru_cache(maxsize=16)
def _sessions_around(calendar_name: str, day: int) -> SessionTable:
    """Give the sessions near a day, counted from 1970."""
    date = pd.Timestamp(day * NS_PER_DAY)
    return session_table(calendar_name, date - MARGIN, date + MARGIN)
