"""Sessions of exchange calendars as arrays."""

import numpy as np
import pandas as pd
import pytest

from rustybt.calendars import get_calendar, naive_day, session_table
from rustybt.errors import InvalidParameter, InvalidSpan


def test_first_minute_is_labelled_by_its_end():
    table = session_table("XNYS", "2020-07-02", "2020-07-02")
    assert str(pd.Timestamp(table.open_ns[0])) == "2020-07-02 13:31:00"
    assert str(pd.Timestamp(table.close_ns[0])) == "2020-07-02 20:00:00"
    assert str(pd.Timestamp(table.session_ns[0])) == "2020-07-02 00:00:00"


def test_half_day_closes_early():
    table = session_table("XNYS", "2019-11-29", "2019-11-29")
    assert str(pd.Timestamp(table.close_ns[0])) == "2019-11-29 18:00:00"


@pytest.mark.filterwarnings("ignore:DatetimeIndex.values:DeprecationWarning")  # the library's own call, on pandas 3.1
def test_table_equals_the_calendar_one_session_at_a_time():
    calendar, table = get_calendar("XNYS"), session_table("XNYS", "2019-01-01", "2019-12-31")
    sessions = calendar.sessions_in_range("2019-01-01", "2019-12-31")
    assert [pd.Timestamp(ns) for ns in table.session_ns] == sessions.tolist()
    for ns, first, last in zip(*table[1:], strict=True):
        minutes = calendar.session_minutes(pd.Timestamp(ns))
        assert (pd.Timestamp(first, tz="UTC"), pd.Timestamp(last, tz="UTC")) == (minutes[0], minutes[-1])
    assert {array.dtype for array in table[1:]} == {np.dtype("int64")}


def test_ends_need_not_be_sessions_and_may_hold_none():
    assert len(session_table("XNYS", "2020-07-03", "2020-07-05").session_ns) == 0
    assert len(session_table("XNYS", "2020-07-03", "2020-07-06").session_ns) == 1


@pytest.mark.parametrize("alias", ["NYSE", "NASDAQ", "XNAS", "XNYS"])
def test_new_york_exchanges_are_one_calendar_from_1990(alias):
    calendar = get_calendar(alias)
    assert calendar is get_calendar("XNYS")
    assert calendar.first_session == pd.Timestamp("1990-01-02")
    assert calendar.side == "right"


def test_calendars_that_begin_later_begin_with_their_first_year():
    import exchange_calendars

    bounded = next(
        name
        for name in exchange_calendars.get_calendar_names(include_aliases=False)
        if name in ("XBDA", "XKRX", "XIDX", "XSHG", "XKLS")
        and get_calendar(name).bound_min() is not None
        and get_calendar(name).bound_min() > pd.Timestamp("1990-01-01")
    )
    assert get_calendar(bounded).first_session >= get_calendar(bounded).bound_min()


def test_always_open_calendar_has_every_day():
    assert len(session_table("24/7", "2020-01-01", "2020-12-31").session_ns) == 366


def test_unknown_calendar_names_a_near_miss():
    with pytest.raises(InvalidParameter, match=r"calendar 'XNYC' is not known \(did you mean 'XNYS'\?\)"):
        get_calendar("XNYC")


def test_span_errors_name_the_limit():
    with pytest.raises(InvalidSpan, match=r"first 2020-02-01 is after last 2020-01-01"):
        session_table("XNYS", "2020-02-01", "2020-01-01")
    with pytest.raises(InvalidSpan, match=r"first 1985-01-01 is before calendar XNYS begins \(1990-01-02\)"):
        session_table("XNYS", "1985-01-01", "2020-01-01")
    with pytest.raises(InvalidSpan, match=r"last 2200-01-01 is after calendar XNYS ends"):
        session_table("XNYS", "2020-01-01", "2200-01-01")


@pytest.mark.parametrize(
    "value",
    [
        "2020-01-02",
        pd.Timestamp("2020-01-02 17:30"),
        pd.Timestamp("2020-01-02", tz="UTC"),
        pd.Timestamp("2020-01-01 23:00", tz="US/Eastern"),
        np.datetime64("2020-01-02"),
    ],
)
def test_naive_day_reads_dates_of_any_kind(value):
    day = naive_day(value)
    assert day == pd.Timestamp("2020-01-02") and day.tzinfo is None and day.unit == "ns"


@pytest.mark.parametrize("value", ["soon", None, pd.NaT, object()])
def test_naive_day_refuses_what_is_no_date(value):
    with pytest.raises(InvalidSpan, match=r"start .* is no date: write it like"):
        naive_day(value, "start")
