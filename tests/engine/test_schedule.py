"""Scheduled functions: at which bars rules trigger, alone and composed, and at most once in 24 hours."""

import datetime
import functools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt import api
from rustybt.calendars import get_calendar, session_table
from rustybt.data.bundles import ingest
from rustybt.engine.event_rules import Bars
from rustybt.engine.strategy import Hooks
from rustybt.errors import InvalidParameter, ScheduleFunctionInvalidCalendar
from rustybt.run import simulate
from rustybt.utils.events import (
    AfterOpen,
    Always,
    BeforeClose,
    ComposedRule,
    EventRule,
    NDaysBeforeLastTradingDayOfMonth,
    NDaysBeforeLastTradingDayOfWeek,
    Never,
    NotHalfDay,
    NthTradingDayOfMonth,
    NthTradingDayOfWeek,
    OncePerDay,
    StatelessRule,
    calendars,
    date_rules,
    make_eventrule,
    time_rules,
)
from tests.builders import bars, make_bundle


def daily(first, last, name="XNYS"):
    sessions = session_table(name, first, last)
    return Bars(sessions.close_ns, sessions)


def minutes(first, last, name="XNYS", by="XNYS"):
    """Every minute of the sessions of one calendar, with the sessions of another."""
    table = session_table(name, first, last)
    spans = zip(table.open_ns.tolist(), table.close_ns.tolist(), strict=True)
    label_ns = np.concatenate([np.arange(begin, end + 1, 60_000_000_000) for begin, end in spans])
    margin = pd.Timedelta(days=14)
    return Bars(label_ns, session_table(by, pd.Timestamp(first) - margin, pd.Timestamp(last) + margin))


def matching(rule, first, last):
    found = daily(first, last)
    return [str(pd.Timestamp(ns).date()) for ns in found.label_ns[rule.triggers(found)]]


def times(rule, of):
    return [str(pd.Timestamp(ns)) for ns in of.label_ns[rule.triggers(of)]]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (date_rules.month_start(), ["2019-11-01", "2019-12-02"]),
        (date_rules.month_start(days_offset=2), ["2019-11-05", "2019-12-04"]),
        (date_rules.month_end(), ["2019-11-29"]),
        (date_rules.month_end(days_offset=1), ["2019-11-27"]),
        (date_rules.week_start(), ["2019-11-04", "2019-11-11", "2019-11-18", "2019-11-25", "2019-12-02"]),
        (date_rules.week_end(days_offset=4), ["2019-11-04", "2019-11-11", "2019-11-18", "2019-12-02"]),
        (date_rules.week_start(days_offset=4), ["2019-11-01", "2019-11-08", "2019-11-15", "2019-11-22"]),
        (Never(), []),
    ],
)
def test_sessions_of_a_rule_in_a_span_that_begins_and_ends_mid_week(rule, expected):
    assert matching(rule, "2019-11-01", "2019-12-04") == expected


@pytest.mark.parametrize("offset", [0, 3, 19, 22])
def test_a_rule_equals_a_group_by_over_the_whole_calendar(offset):
    sessions = pd.DatetimeIndex(get_calendar("XNYS").sessions_in_range("2001-01-02", "2024-12-31"))
    by_month = pd.Series(sessions).groupby([sessions.year, sessions.month])
    expected = by_month.nth(-1 - offset).dropna().dt.strftime("%Y-%m-%d").tolist()
    assert matching(date_rules.month_end(offset), "2001-01-02", "2024-12-31") == expected


def test_half_days_can_be_left_out():
    every = matching(date_rules.every_day(), "2019-11-25", "2019-12-02")
    full = matching(date_rules.every_day() & NotHalfDay(), "2019-11-25", "2019-12-02")
    assert set(every) - set(full) == {"2019-11-29"}


@pytest.mark.parametrize("make", [date_rules.month_start, date_rules.month_end])
def test_month_offsets_end_at_22(make):
    make(22)
    with pytest.raises(ValueError, match="between 0 and 22 inclusive, got 23"):
        make(23)


def test_week_offsets_end_at_4_and_are_whole():
    with pytest.raises(ValueError, match="between 0 and 4 inclusive, got -1"):
        date_rules.week_start(-1)
    with pytest.raises(TypeError, match=r"days_offset 1.5 must be a whole number"):
        date_rules.week_end(1.5)
    with pytest.warns(UserWarning, match=r"should be an int, got the float 2.0"):
        assert date_rules.week_end(2.0).n == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"minutes": 0}, "between 1 minute and 12 hours"),
        ({"hours": 12, "minutes": 1}, "between 1 minute and 12 hours"),
        ({"offset": datetime.timedelta(minutes=5), "minutes": 5}, "Cannot pass kwargs and an offset"),
    ],
)
def test_time_offsets_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        time_rules.market_open(**arguments)


def test_a_number_is_no_time_offset():
    with pytest.raises(TypeError, match="Must pass 'hours' and/or 'minutes'"):
        time_rules.market_close(5)


def test_open_and_close_rules_find_their_minute_on_half_days_too():
    span = minutes("2019-11-27", "2019-11-29")
    assert times(AfterOpen(minutes=5), span) == ["2019-11-27 14:35:00", "2019-11-29 14:35:00"]
    assert times(BeforeClose(minutes=7), span) == ["2019-11-27 20:53:00", "2019-11-29 17:53:00"]
    assert times(time_rules.market_open(), span)[0] == "2019-11-27 14:31:00"
    assert times(time_rules.market_close(), span)[0] == "2019-11-27 20:59:00"


def test_an_offset_longer_than_the_session_never_fires():
    span = minutes("2019-11-20", "2019-11-20", name="24/7")
    assert times(AfterOpen(hours=11), span) == []
    assert times(AfterOpen(hours=6, minutes=30), span) == ["2019-11-20 21:00:00"]


def test_a_time_before_the_close_may_lie_before_the_open():
    span = minutes("2019-11-19", "2019-11-20", name="24/7")
    assert times(BeforeClose(hours=12), span) == ["2019-11-19 09:00:00", "2019-11-20 09:00:00"]


def test_rules_of_another_calendar_skip_its_closed_days():
    weekend = minutes("2019-11-22", "2019-11-25", name="24/7")
    once = OncePerDay(date_rules.week_start() & AfterOpen(minutes=1))
    assert times(once, weekend) == ["2019-11-25 14:31:00"]


def test_every_minute_fires_once_a_day():
    assert times(OncePerDay(), minutes("2019-11-20", "2019-11-21")) == ["2019-11-20 14:31:00", "2019-11-21 14:31:00"]


def test_a_daily_half_day_after_a_full_day_falls_into_the_same_24_hours():
    assert matching(OncePerDay(), "2019-07-02", "2019-07-05") == ["2019-07-02", "2019-07-05"]


def test_24_hours_begin_at_the_first_bar_asked_for():
    whole = minutes("2019-11-20", "2019-11-21")
    late = Bars(whole.label_ns[90:], whole.sessions)
    assert times(OncePerDay(), late) == ["2019-11-20 16:01:00", "2019-11-21 16:01:00"]
    assert times(OncePerDay(AfterOpen(minutes=60)), late) == ["2019-11-21 15:30:00"]


label_lists = st.lists(st.integers(0, 4000), min_size=1, max_size=60, unique=True).map(sorted)


@settings(max_examples=50)
@given(label_lists, st.integers(0, 2**60))
def test_once_per_day_gives_at_once_what_it_gives_bar_by_bar(hours, pattern):
    class Pattern(StatelessRule):
        def should_trigger(self, dt):
            return bool(pattern >> (dt.value // 3_600_000_000_000 % 60) & 1)

    label_ns = pd.Timestamp("2019-01-01").value + np.array(hours) * 3_600_000_000_000
    span = Bars(label_ns, session_table("XNYS", "2018-12-01", "2019-07-31"))
    one_by_one = OncePerDay(Pattern())
    asked = [one_by_one.should_trigger(pd.Timestamp(ns, tz="UTC")) for ns in label_ns.tolist()]
    assert OncePerDay(Pattern()).triggers(span).tolist() == asked


RULES = [
    Always(),
    Never(),
    AfterOpen(minutes=30),
    BeforeClose(hours=2),
    NotHalfDay(),
    NthTradingDayOfWeek(1),
    NDaysBeforeLastTradingDayOfWeek(0),
    NthTradingDayOfMonth(2),
    NDaysBeforeLastTradingDayOfMonth(0),
    NthTradingDayOfWeek(2) & NotHalfDay() & AfterOpen(minutes=30),
]


PERIODS = [
    (NthTradingDayOfWeek, "W", 4),
    (NDaysBeforeLastTradingDayOfWeek, "W", 4),
    (NthTradingDayOfMonth, "M", 22),
    (NDaysBeforeLastTradingDayOfMonth, "M", 22),
]


@functools.cache
def periods_of(name, letter):
    whole = pd.DatetimeIndex(get_calendar(name).sessions).as_unit("ns")
    return [group.index for _, group in whole.to_series().groupby(whole.to_period(letter))]


@given(
    st.sampled_from(PERIODS),
    st.sampled_from(["XNYS", "24/7", "XTKS"]),
    st.integers(0, 22),
    *([st.integers(0, 120)] * 3),
    st.integers(0, 80),
)
def test_a_session_of_a_period_is_that_of_the_whole_calendar(kind, name, n, begins, before, length, after):
    """However little of the calendar the sessions tell, and wherever the bars begin and end in them."""
    rule, letter, largest = kind
    n = min(n, largest)
    whole = pd.DatetimeIndex(get_calendar(name).sessions).as_unit("ns")
    first = 6000 + begins
    table = session_table(name, whole[first], whole[first + before + length + after])
    sessions = whole[first + before : first + before + length + 1]
    wanted = {
        of_period[-1 - n if "Before" in rule.__name__ else n]
        for of_period in periods_of(name, letter)
        if len(of_period) > n
    }
    found = rule(n).triggers(Bars(table.close_ns[before : before + length + 1], table))
    assert found.tolist() == [label in wanted for label in sessions]


def test_a_session_of_a_period_needs_no_library_of_calendars(data_root):
    """Loading it takes most of a second, in every process that runs a backtest."""
    ingest("mag-7", show_progress=False)
    script = """
import sys
from rustybt import run_algorithm
from rustybt.api import date_rules, schedule_function
def initialize(context):
    context.called = 0
    for rule in (date_rules.month_start(), date_rules.month_end(2), date_rules.week_start(1), date_rules.week_end()):
        schedule_function(rebalance, rule)
def rebalance(context, data):
    context.called += 1
def analyze(context, perf):
    print(context.called, "exchange_calendars" in sys.modules)
run_algorithm(initialize=initialize, analyze=analyze, bundle="mag-7", start="2023-01-03", end="2023-12-29")
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert found.split() == [str(12 + 12 + 52 + 52), "False"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_rule_asked_for_one_moment_says_what_it_says_of_all(rule):
    rule.cal = get_calendar("XNYS")
    span = minutes("2019-11-25", "2019-12-04")
    some = Bars(span.label_ns[::31], span.sessions)
    asked = [rule.should_trigger(pd.Timestamp(ns, tz="UTC")) for ns in some.label_ns.tolist()]
    assert rule.triggers(some).tolist() == asked


def test_a_moment_cannot_be_asked_of_a_rule_without_a_calendar():
    with pytest.raises(InvalidParameter, match="has no calendar yet"):
        NotHalfDay().should_trigger(pd.Timestamp("2019-11-29", tz="UTC"))


def test_a_rule_of_ones_own_composes_and_sees_its_calendar():
    class Fifteenth(StatelessRule):
        def should_trigger(self, dt):
            return dt.day == 15 and self.cal.name == "XNYS"

    rule = make_eventrule(Fifteenth(), time_rules.market_open(minutes=2), "XNYS")
    assert times(rule, minutes("2019-10-01", "2019-11-30")) == ["2019-10-15 13:32:00", "2019-11-15 14:32:00"]


def test_a_rule_derived_from_another_has_the_last_word():
    class NotInDecember(NthTradingDayOfMonth):
        def should_trigger(self, dt):
            return dt.month != 12 and super().should_trigger(dt)

    rule = NotInDecember(0)
    rule.cal = "XNYS"
    assert matching(rule, "2019-11-01", "2019-12-04") == ["2019-11-01"]


def test_a_composer_of_ones_own():
    either = ComposedRule(NthTradingDayOfMonth(0), NthTradingDayOfMonth(2), lambda a, b, dt: a(dt) or b(dt))
    either.cal = "XNYS"
    assert matching(either, "2019-11-01", "2019-12-04") == ["2019-11-01", "2019-11-05", "2019-12-02", "2019-12-04"]


def test_stateful_rules_do_not_compose():
    with pytest.raises(ValueError, match="Only two StatelessRules can be composed"):
        Always() & OncePerDay()


def run(initialize, handle_data=None, count=3, **kwargs):
    simulate(Hooks(initialize, handle_data), make_bundle({"A": bars([1.0] * count, **kwargs)}), None, None, 1e5)


def test_scheduled_functions_run_after_handle_data_in_the_order_of_their_registration():
    calls = []

    def initialize(context):
        api.schedule_function(lambda c, d: calls.append("second"), api.date_rules.week_start())
        api.schedule_function(
            lambda c, d: calls.append("third"), api.date_rules.every_day(), api.time_rules.market_open()
        )

    run(initialize, lambda c, d: calls.append("first"))  # Thursday, Friday, Monday
    assert calls == ["first", "third", "first", "third", "first", "second", "third"]


def test_what_is_scheduled_in_handle_data_begins_at_the_same_bar():
    calls = []

    def handle_data(context, data):
        if context.get_datetime().day == 3:
            context.add_event(Always(), lambda c, d: calls.append(c.get_datetime().day))

    run(lambda context: None, handle_data)
    assert calls == [3, 6]


def test_an_event_is_not_limited_to_once_a_day():
    calls = []
    run(lambda context: context.add_event(Always(), lambda c, d: calls.append(c.get_datetime().day)))
    assert calls == [2, 3, 6]


def test_half_days_false():
    calls = []

    def initialize(context):
        api.schedule_function(lambda c, d: calls.append(c.get_datetime().day), half_days=False)

    run(initialize, count=4, first="2019-11-27")
    assert calls == [27, 2, 3]


def test_a_rule_is_read_by_the_calendar_that_is_named():
    seen = []

    class Asked(StatelessRule):
        def should_trigger(self, dt):
            seen.append(self.cal.name)
            return True

    run(lambda context: api.schedule_function(print_nothing, Asked(), calendar=calendars.US_EQUITIES))
    assert set(seen) == {"XNYS"}


def print_nothing(context, data):
    pass


def test_an_unknown_calendar():
    with pytest.raises(ScheduleFunctionInvalidCalendar, match=r"calendar is 'XNYS', pass one of calendars.US_EQUITIES"):
        run(lambda context: api.schedule_function(print_nothing, calendar="XNYS"))


def test_a_time_rule_in_the_place_of_a_date_rule_warns():
    with pytest.warns(UserWarning, match="got a time rule as its date_rule"):
        run(lambda context: api.schedule_function(print_nothing, api.time_rules.market_open()))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (api.date_rules.month_start, r"date_rule is <function .*hint: did you mean month_start\(\)"),
        (NotHalfDay, r"date_rule is <class .*hint: did you mean NotHalfDay\(\)"),
        (5, r"invalid rule: date_rule is 5$"),
    ],
)
def test_what_is_no_rule_is_pointed_out(rule, message):
    with pytest.raises(TypeError, match=message):
        run(lambda context: api.schedule_function(print_nothing, rule))


def test_event_rule_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        EventRule()
