"""Scheduled functions: which sessions a date rule matches, at which bar, and at most once in 24 hours."""

import datetime

import numpy as np
import pandas as pd
import pytest

from rustybt import api
from rustybt.calendars import get_calendar, session_table
from rustybt.engine.schedule import ScheduledFunction, TimeRule, date_rules, due_sessions, time_rules
from rustybt.engine.strategy import Hooks
from rustybt.run import simulate
from tests.builders import bars, make_bundle


def matching(rule, first, last, half_days=True):
    labels = session_table("XNYS", first, last).session_ns
    due = due_sessions(rule, half_days, "XNYS", labels)
    return [str(pd.Timestamp(ns).date()) for ns in labels[due]]


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
    ],
)
def test_sessions_of_a_rule_in_a_span_that_begins_and_ends_mid_week(rule, expected):
    assert matching(rule, "2019-11-01", "2019-12-04") == expected


def test_a_rule_equals_a_group_by_over_the_whole_calendar():
    sessions = pd.DatetimeIndex(get_calendar("XNYS").sessions_in_range("2001-01-02", "2024-12-31"))
    for offset in (0, 3, 19, 22):
        by_month = pd.Series(sessions).groupby([sessions.year, sessions.month])
        expected = by_month.nth(-1 - offset).dropna().dt.strftime("%Y-%m-%d").tolist()
        assert matching(date_rules.month_end(offset), "2001-01-02", "2024-12-31") == expected


def test_half_days_can_be_left_out():
    every = matching(date_rules.every_day(), "2019-11-25", "2019-12-02")
    full = matching(date_rules.every_day(), "2019-11-25", "2019-12-02", half_days=False)
    assert set(every) - set(full) == {"2019-11-29"}


@pytest.mark.parametrize("make", [date_rules.month_start, date_rules.month_end])
def test_month_offsets_end_at_22(make):
    make(22)
    with pytest.raises(ValueError, match="between 0 and 22 inclusive, got 23"):
        make(23)


def test_week_offsets_end_at_4_and_are_whole():
    with pytest.raises(ValueError, match="between 0 and 4 inclusive, got -1"):
        date_rules.week_start(-1)
    with pytest.raises(TypeError, match="days_offset 1.5 must be a whole number"):
        date_rules.week_end(1.5)
    with pytest.warns(UserWarning, match="should be an int, got the float 2.0"):
        assert date_rules.week_end(2.0).offset == 2


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


def minutes(day, first="14:31", count=390):
    return list(pd.date_range(f"{day} {first}", periods=count, freq="min", tz="UTC"))


def test_open_and_close_rules_find_their_minute():
    always = np.ones(2, dtype=bool)
    opening = ScheduledFunction(print, always, time_rules.market_open(minutes=5))
    closing = ScheduledFunction(print, always, time_rules.market_close(minutes=7))
    session = minutes("2019-11-20")
    assert [str(t.time()) for t in opening.due_at(0, session)] == ["14:35:00"]
    assert [str(t.time()) for t in closing.due_at(0, session)] == ["20:53:00"]
    half_day = minutes("2019-11-29", count=210)
    assert [str(t.time()) for t in closing.due_at(1, half_day)] == ["17:53:00"]


def test_an_offset_longer_than_the_session_never_fires():
    late = ScheduledFunction(print, np.ones(1, dtype=bool), time_rules.market_open(hours=11))
    assert late.due_at(0, minutes("2019-11-20")) == []


def test_every_minute_fires_once_a_day():
    often = ScheduledFunction(print, np.ones(1, dtype=bool), TimeRule())
    assert often.due_at(0, minutes("2019-11-20")) == [pd.Timestamp("2019-11-20 14:31", tz="UTC")]


def test_a_daily_half_day_after_a_full_day_falls_into_the_same_24_hours():
    daily = ScheduledFunction(print, np.ones(3, dtype=bool))
    closes = [pd.Timestamp(t, tz="UTC") for t in ("2019-07-02 20:00", "2019-07-03 17:00", "2019-07-05 20:00")]
    assert [daily.due_at(i, [close]) for i, close in enumerate(closes)] == [[closes[0]], [], [closes[2]]]


def test_a_late_open_leaves_the_next_days_first_minutes_to_the_old_24_hours():
    rule = ScheduledFunction(print, np.ones(2, dtype=bool), time_rules.market_open(minutes=1))
    late = minutes("2019-11-20", first="16:00", count=300)
    assert rule.due_at(0, late) == [late[0]]
    assert rule.due_at(1, minutes("2019-11-21")) == []


def test_scheduled_functions_run_after_handle_data_in_the_order_of_their_registration():
    calls = []

    def initialize(context):
        api.schedule_function(lambda c, d: calls.append("second"), api.date_rules.week_start())
        api.schedule_function(
            lambda c, d: calls.append("third"), api.date_rules.every_day(), api.time_rules.market_open()
        )

    bundle = make_bundle({"A": bars([1.0] * 3)})  # Thursday, Friday, Monday
    simulate(Hooks(initialize, lambda c, d: calls.append("first")), bundle, None, None, 1e5)
    assert calls == ["first", "third", "first", "third", "first", "second", "third"]


def test_a_factory_that_was_not_called_is_pointed_out():
    def initialize(context):
        api.schedule_function(lambda c, d: None, api.date_rules.month_start)

    with pytest.raises(TypeError, match=r"date_rule is <function .*hint: did you mean month_start\(\)"):
        simulate(Hooks(initialize), make_bundle({"A": bars([1.0] * 3)}), None, None, 1e5)
