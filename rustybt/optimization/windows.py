"""Which sessions are in-sample, and which out-of-sample, in each window of a walk-forward?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rustybt.calendars import naive_day
from rustybt.engine.span import Span
from rustybt.errors import InvalidParameter
from rustybt.optimization.window_length import Length, length_of

DAY = np.timedelta64(1, "D")

LONGEST_REST = np.timedelta64(4, "D")
"""A market rests no longer: a date may lie so far outside of a bundle's sessions and miss none."""


@dataclass(frozen=True)
class Window:
    """One window.

    Attributes
    ----------
    number : int
        From 0, in time.
    in_sample, out_of_sample : Span
        First and last session row, both included.
    is_partial : bool
        The span ends before the out-of-sample part is as long as it was asked for.
    """

    number: int
    in_sample: Span
    out_of_sample: Span
    is_partial: bool = False


class Windowing(Protocol):
    """What cuts a span into windows."""

    def cut(self, sessions: Any, first: int = 0, last: int | None = None) -> tuple[Window, ...]:
        """Give the windows of the rows from first to last of a table of sessions."""


@dataclass(frozen=True)
class WindowRule:
    """Windows of given lengths, one after another.

    A part that lasts calendar time is cut by dates, and holds the sessions between them. Time is counted from the
    span's first session, or from the first of its month where no session of the month is left out before it: years of
    a bundle that begins on 3 January begin on 1 January. All edges are counted from there, and not from the edge
    before, so that they do not drift at the ends of months; where calendar time and sessions come together, time is
    counted first. An embargo of calendar time after an in-sample part of sessions is counted from its last
    session; out-of-sample parts of so many sessions are then a little longer or shorter, and still leave none out.

    Attributes
    ----------
    in_sample, out_of_sample : Length
        Of the two parts.
    step : Length
        From one window's start to the next one's. Longer than `out_of_sample`, it leaves sessions out of the stitched
        curve; shorter, it would count some twice, which is refused.
    embargo : Length
        What lies between the two parts and belongs to neither.
    anchored : bool
        Every in-sample part begins with the span, and grows; else it moves along.
    """

    in_sample: Length
    out_of_sample: Length
    step: Length
    embargo: Length
    anchored: bool

    def cut(self, sessions: Any, first: int = 0, last: int | None = None) -> tuple[Window, ...]:
        """Give the windows of a span.

        Parameters
        ----------
        sessions : datetime64 or int64 array, DatetimeIndex or sequence of Timestamp, shape (n_sessions,)
            Labels of a bundle's sessions; int64 is nanoseconds.
        first, last : int
            Rows of the span in it, both included; all of them if omitted.

        Returns
        -------
        tuple of Window
            As many as begin their out-of-sample part within the span; the last one may be partial, and has at least one
            session. A window whose out-of-sample part would hold no session, such as a single Sunday, is left out.

        Raises
        ------
        InvalidParameter
            If there is no window, an in-sample part holds no session, or out-of-sample parts overlap.
        """
        table = _Table.of(sessions, first, last)
        found: list[Window] = []
        times = 0
        while True:
            move = self.step * times
            split = move + self.in_sample
            begin, _ = table.edge(split, self.embargo)
            end, end_day = table.edge(split + self.out_of_sample, self.embargo)
            if begin > table.last:
                break
            times += 1
            if end > begin:
                if found and begin <= found[-1].out_of_sample.last:
                    raise self._overlap(table, found[-1], begin)
                opening = table.first if self.anchored else table.row(move)
                in_sample = Span(opening, table.row(split) - 1)
                out_of_sample = Span(begin, min(end - 1, table.last))
                if not in_sample.size:
                    raise InvalidParameter(
                        f"in_sample {self.in_sample} holds no session before the out-of-sample part that begins at "
                        f"{table.days[begin]}: take a longer one"
                    )
                found.append(Window(len(found), in_sample, out_of_sample, table.misses(end, end_day)))
        if not found:
            raise InvalidParameter(
                f"no window fits into the {table.last - table.first + 1} sessions from {table.days[table.first]} to "
                f"{table.days[table.last]}: in_sample {self.in_sample}, embargo {self.embargo} and at least one "
                "session of out_of_sample are longer; shorten in_sample, or take a longer span"
            )
        return tuple(found)

    def _overlap(self, table: "_Table", before: Window, begin: int) -> InvalidParameter:
        return InvalidParameter(
            f"step {self.step} is shorter than out_of_sample {self.out_of_sample}: the out-of-sample part that begins "
            f"at {table.days[begin]} overlaps the one that ends at {table.days[before.out_of_sample.last]}, and "
            f"sessions would count twice; leave step out, or take a step of {self.out_of_sample} or more"
        )


@dataclass(frozen=True)
class DatedWindows:
    """Windows by their dates, of whatever lengths.

    Attributes
    ----------
    dates : tuple of ((in_sample_start, in_sample_end), (out_of_sample_start, out_of_sample_end))
        Midnights, all included.
    """

    dates: tuple[tuple[tuple[pd.Timestamp, pd.Timestamp], tuple[pd.Timestamp, pd.Timestamp]], ...]

    @staticmethod
    def of(windows: Iterable[Any]) -> "DatedWindows":
        """Read windows; see `window_rule`."""
        dates = []
        for number, window in enumerate(_listed(windows)):
            where = f"windows[{number}]"
            parts = _pair(window, where, "((start, end), (start, end)), in-sample and out-of-sample dates")
            dates.append((_dates(parts[0], f"{where} in-sample"), _dates(parts[1], f"{where} out-of-sample")))
        return DatedWindows(tuple(dates))

    def cut(self, sessions: Any, first: int = 0, last: int | None = None) -> tuple[Window, ...]:
        """Give the windows of a span; see `WindowRule.cut`.

        Raises
        ------
        InvalidParameter
            If a part reaches out of the span or holds no session, an in-sample part does not end before its
            out-of-sample part begins, or out-of-sample parts overlap or are not in time.
        """
        table = _Table.of(sessions, first, last)
        found: list[Window] = []
        for number, (in_dates, out_dates) in enumerate(self.dates):
            where = f"windows[{number}]"
            in_sample = table.between(*in_dates, f"{where} in-sample")
            out_of_sample = table.between(*out_dates, f"{where} out-of-sample")
            if in_sample.last >= out_of_sample.first:
                raise InvalidParameter(
                    f"{where}: in-sample ends at {table.days[in_sample.last]}, and out-of-sample begins at "
                    f"{table.days[out_of_sample.first]}: the in-sample part must end before"
                )
            if found and out_of_sample.first <= found[-1].out_of_sample.last:
                raise InvalidParameter(
                    f"{where}: out-of-sample begins at {table.days[out_of_sample.first]}, and that of the window "
                    f"before ends at {table.days[found[-1].out_of_sample.last]}: give windows in time whose "
                    "out-of-sample parts do not overlap"
                )
            found.append(Window(number, in_sample, out_of_sample))
        return tuple(found)


def window_rule(
    in_sample: Any = None,
    out_of_sample: Any = None,
    step: Any = None,
    anchored: bool = False,
    embargo: Any = 0,
    windows: Iterable[Any] | None = None,
) -> WindowRule | DatedWindows:
    """Read how a span is to be cut into windows.

    Parameters
    ----------
    in_sample, out_of_sample : length
        A number of sessions, or calendar time such as "2 years"; see `rustybt.optimization.window_length.length_of`.
    step : length, optional
        From one window's start to the next one's; as long as `out_of_sample` if omitted, so that no session is left
        out.
    anchored : bool
        Every in-sample part begins with the span.
    embargo : length
        Left out between the two parts.
    windows : iterable of ((start, end), (start, end)), optional
        Instead of lengths: the dates of each window's in-sample and out-of-sample part, first and last day included.

    Returns
    -------
    WindowRule or DatedWindows

    Raises
    ------
    InvalidParameter, InvalidSpan
        If lengths are missing or none, windows are given beside lengths, or a date is none.

    Examples
    --------
    >>> sessions = np.arange("2020-01-01", "2020-01-13", dtype="datetime64[D]")
    >>> for window in window_rule(6, 3, embargo=1).cut(sessions):
    ...     print(tuple(window.in_sample), tuple(window.out_of_sample), window.is_partial)
    (0, 5) (7, 9) False
    (3, 8) (10, 11) True
    """
    if windows is not None:
        if (in_sample, out_of_sample, step, anchored, embargo) != (None, None, None, False, 0):
            raise InvalidParameter(
                "windows gives the dates of all parts: leave in_sample, out_of_sample, step, anchored and embargo out"
            )
        return DatedWindows.of(windows)
    for name, value in (("in_sample", in_sample), ("out_of_sample", out_of_sample)):
        if value is None:
            raise InvalidParameter(f"{name} is missing: pass a length, such as {name}='1 year', or windows=[...]")
    length = length_of(out_of_sample, "out_of_sample")
    return WindowRule(
        length_of(in_sample, "in_sample"),
        length,
        length if step is None else length_of(step, "step"),
        length_of(embargo, "embargo", least=0),
        bool(anchored),
    )


def windows_of(spec: Any, sessions: Any, span: Span) -> tuple[Window, ...]:
    """Give the windows that a walk-forward makes of a span.

    Parameters
    ----------
    spec : object
        Its attributes in_sample, out_of_sample, step, anchored, embargo and windows are what `window_rule` takes.
    sessions : array of session labels
        Of the bundle; see `WindowRule.cut`.
    span : Span
        First and last row, both included.

    Returns
    -------
    tuple of Window
    """
    rule = window_rule(spec.in_sample, spec.out_of_sample, spec.step, spec.anchored, spec.embargo, spec.windows)
    return rule.cut(sessions, span.first, span.last)


def every_second(windows: Sequence[Window]) -> tuple[Window, ...]:
    """Keep every second window, counted back from the last one, which is always among them.

    Examples
    --------
    >>> [window.number for window in every_second(window_rule(2, 1).cut(np.arange(7).astype("M8[D]")))]
    [0, 2, 4]
    """
    return tuple(windows[::-1][::2][::-1])


@dataclass(frozen=True)
class _Table:
    """A span of sessions, and the day from which its calendar time counts."""

    days: NDArray[np.datetime64]
    first: int
    last: int
    origin: np.datetime64

    @staticmethod
    def of(sessions: Any, first: int, last: int | None) -> "_Table":
        labels = np.asarray(sessions)
        labels = labels.view("datetime64[ns]") if labels.dtype == np.int64 else labels
        days = labels.astype("datetime64[D]")
        last = len(days) - 1 if last is None else last
        if not 0 <= first <= last < len(days):
            raise InvalidParameter(f"rows {first} to {last} do not lie in the {len(days)} sessions of the table")
        month = days[first].astype("datetime64[M]").astype("datetime64[D]")
        skips_none = days[first - 1] < month if first else days[first] - month < LONGEST_REST
        return _Table(days, first, last, month if skips_none else days[first])

    def row(self, after: Length) -> int:
        """Give the row of the first session that lies a length after the start; beyond the table, one past its end."""
        return self._row_after(self.origin, after) if _is_timed(after) else self.first + after.sessions

    def edge(self, split: Length, gap: Length) -> tuple[int, np.datetime64 | None]:
        """Give the first row after a gap that follows a length after the start, and its day, where time alone says."""
        if not (split.sessions and _is_timed(gap)):
            after = split + gap
            return self.row(after), None if after.sessions else _shifted(self.origin, after)
        row = self.row(split)
        if row > len(self.days):
            return row, None
        day_after = self.days[row - 1] + DAY
        return self._row_after(day_after, gap), None if gap.sessions else _shifted(day_after, gap)

    def _row_after(self, day: np.datetime64, after: Length) -> int:
        return int(np.searchsorted(self.days, _shifted(day, after))) + after.sessions

    def misses(self, end: int, end_day: np.datetime64 | None) -> bool:
        """Say whether the span lacks sessions of a part that ends before a row, and before its day if time decides."""
        if end - 1 != self.last or end < len(self.days) or end_day is None:
            return end - 1 > self.last
        return bool(end_day - DAY - self.days[self.last] > LONGEST_REST)

    def between(self, start: pd.Timestamp, end: pd.Timestamp, what: str) -> Span:
        """Give the sessions from one date to another, which must lie within the span."""
        begin, until = np.datetime64(start, "D"), np.datetime64(end, "D")
        first = int(np.searchsorted(self.days, begin))
        last = int(np.searchsorted(self.days, until, side="right")) - 1
        early = self.days[0] - begin > LONGEST_REST if not self.first else first < self.first
        late = until - self.days[-1] > LONGEST_REST if self.last == len(self.days) - 1 else last > self.last
        for is_out, day, which in ((early, begin, "begins"), (late, until, "ends")):
            if is_out:
                raise InvalidParameter(
                    f"{what} {which} at {day}, outside of the span from {self.days[self.first]} to "
                    f"{self.days[self.last]}: choose dates within it, or a longer span"
                )
        if first > last:
            raise InvalidParameter(f"{what} from {begin} to {until} holds no session: choose a longer part")
        return Span(first, last)


def _is_timed(length: Length) -> bool:
    return bool(length.months or length.days)


def _shifted(day: np.datetime64, after: Length) -> np.datetime64:
    """Give the day that lies calendar time after another; one that its month lacks becomes the month's last."""
    month = day.astype("datetime64[M]")
    there = month + np.timedelta64(after.months, "M")
    offset = day - month.astype("datetime64[D]")
    next_month = there + np.timedelta64(1, "M")
    latest = next_month.astype("datetime64[D]") - there.astype("datetime64[D]") - DAY
    moved: np.datetime64 = there.astype("datetime64[D]") + min(offset, latest) + after.days * DAY
    return moved


def _listed(windows: Any) -> list[Any]:
    if isinstance(windows, str) or not isinstance(windows, Iterable):
        raise InvalidParameter(f"windows {windows!r} is no list: give one ((start, end), (start, end)) a window")
    found = list(windows)
    if not found:
        raise InvalidParameter("windows is empty: give one ((start, end), (start, end)) a window")
    return found


def _pair(value: Any, where: str, form: str) -> tuple[Any, Any]:
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise InvalidParameter(f"{where} {value!r} is no pair: write {form}")
    return value[0], value[1]


def _dates(value: Any, what: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    start, end = _pair(value, what, "(start, end)")
    first, last = naive_day(start, f"{what} start"), naive_day(end, f"{what} end")
    if first > last:
        raise InvalidParameter(f"{what} starts at {first.date()}, after its end {last.date()}: swap them")
    return first, last
