"""Windows of walk-forwards: by hand, and what holds for all of them."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt.calendars import session_table
from rustybt.errors import InvalidParameter, InvalidSpan
from rustybt.optimization.window_length import length_of
from rustybt.optimization.windows import every_second, window_rule

NYSE = pd.DatetimeIndex(session_table("XNYS", "2011-12-01", "2016-12-31").session_ns.view("M8[ns]"))


def rows(label_or_slice):
    """Give the rows of the sessions of a pandas label such as "2013" or "2013-05", first and last."""
    found = NYSE.slice_indexer(label_or_slice, label_or_slice)
    return found.start, found.stop - 1


def between(start, end):
    """Give the first and last row of the sessions between two dates."""
    inside = np.flatnonzero((pd.Timestamp(start) <= NYSE) & (pd.Timestamp(end) >= NYSE))
    return int(inside[0]), int(inside[-1])


def cut(*given, sessions=NYSE, first=0, last=None, **more):
    windows = window_rule(*given, **more).cut(sessions, first, last)
    return [(tuple(w.in_sample), tuple(w.out_of_sample)) for w in windows]


# By sessions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ({"in_sample": 4, "out_of_sample": 3}, [((0, 3), (4, 6)), ((3, 6), (7, 9))]),
        ({"in_sample": 4, "out_of_sample": 2}, [((0, 3), (4, 5)), ((2, 5), (6, 7)), ((4, 7), (8, 9))]),
        ({"in_sample": 4, "out_of_sample": 4}, [((0, 3), (4, 7)), ((4, 7), (8, 9))]),
        ({"in_sample": 4, "out_of_sample": 3, "anchored": True}, [((0, 3), (4, 6)), ((0, 6), (7, 9))]),
        ({"in_sample": 4, "out_of_sample": 2, "embargo": 1}, [((0, 3), (5, 6)), ((2, 5), (7, 8)), ((4, 7), (9, 9))]),
        ({"in_sample": 4, "out_of_sample": 2, "step": 4}, [((0, 3), (4, 5)), ((4, 7), (8, 9))]),
        ({"in_sample": 9, "out_of_sample": 30}, [((0, 8), (9, 9))]),
    ],
)
def test_sessions_by_hand(given_, expected):
    assert cut(sessions=NYSE[:10], **given_) == expected


def test_rows_are_those_of_the_whole_table():
    assert cut(4, 3, first=100, last=109) == [((100, 103), (104, 106)), ((103, 106), (107, 109))]


def test_the_last_window_says_that_it_is_partial():
    windows = window_rule(4, 4).cut(NYSE[:11])
    assert [(w.number, w.is_partial, w.out_of_sample.size) for w in windows] == [(0, False, 4), (1, True, 3)]
    assert [w.is_partial for w in window_rule(4, 4).cut(NYSE[:12])] == [False, False]
    assert [w.is_partial for w in window_rule(4, 4).cut(NYSE, 0, 10)] == [False, True]


@pytest.mark.parametrize("as_given", [NYSE, NYSE.tolist(), NYSE.asi8, NYSE.to_numpy(), NYSE.to_numpy("M8[D]")])
def test_sessions_come_in_many_forms(as_given):
    assert cut("1 year", "1 year", sessions=as_given) == cut("1 year", "1 year")


# By calendar --------------------------------------------------------------------------------------------------------


def test_years_begin_on_holidays():
    first = NYSE.get_loc("2012-01-03")
    assert NYSE[first - 1] == pd.Timestamp("2011-12-30")
    expected = [
        ((rows("2012")[0], rows("2013")[1]), rows("2014")),
        ((rows("2013")[0], rows("2014")[1]), rows("2015")),
        ((rows("2014")[0], rows("2015")[1]), rows("2016")),
    ]
    assert cut("2 years", "1 year", first=first) == expected
    assert cut("24 months", "4 quarters", first=first) == expected
    assert cut(pd.DateOffset(years=2), pd.DateOffset(months=6) * 2, first=first) == expected


def test_years_of_a_bundle_that_begins_with_the_first_session_of_one():
    sessions = NYSE[NYSE >= "2012-01-03"]
    (_, out_of_sample), *_ = cut("1 year", "1 year", sessions=sessions)
    assert sessions[out_of_sample[0]] == pd.Timestamp("2013-01-02")


def test_years_of_a_span_that_begins_within_a_month_begin_there():
    first = NYSE.get_loc("2012-03-15")
    (in_sample, out_of_sample), *_ = cut("1 year", "1 year", first=first)
    assert in_sample == between("2012-03-15", "2013-03-14")
    assert out_of_sample == between("2013-03-15", "2014-03-14")


def test_the_second_session_of_a_month_is_not_its_first():
    first = NYSE.get_loc("2012-01-04")
    assert cut("1 year", "1 year", first=first)[0][1] == between("2013-01-04", "2014-01-03")


def test_months_do_not_drift():
    first = NYSE.get_loc("2012-01-31")
    starts = [NYSE[out[0]].date().isoformat() for _, out in cut("1 month", "1 month", first=first)][:6]
    # From the 31st: 29 February, 31 March (a Saturday), 30 April, 31 May, 30 June (a Saturday), 31 July.
    assert starts == ["2012-02-29", "2012-04-02", "2012-04-30", "2012-05-31", "2012-07-02", "2012-07-31"]


def test_weeks_and_days():
    first = NYSE.get_loc("2012-01-09")  # a Monday
    assert cut("2 weeks", "1 week", first=first)[:2] == [
        (between("2012-01-09", "2012-01-20"), between("2012-01-23", "2012-01-27")),
        (between("2012-01-16", "2012-01-27"), between("2012-01-30", "2012-02-03")),
    ]
    assert cut("14 days", datetime.timedelta(days=7), first=first) == cut("2w", pd.Timedelta(days=7), first=first)


def test_an_embargo_of_calendar_time():
    first = NYSE.get_loc("2012-01-03")
    windows = cut("1 year", "1 year", embargo="1 month", first=first)
    assert windows[0] == (rows("2012"), between("2013-02-01", "2014-01-31"))
    assert windows[1][1] == between("2014-02-01", "2015-01-31")


def test_calendar_time_and_sessions_together():
    first = NYSE.get_loc("2012-01-03")
    year = rows("2012")
    windows = cut("1 year", 60, embargo=5, first=first)
    assert windows[0] == (year, (year[1] + 6, year[1] + 65))
    assert windows[1] == ((year[0] + 60, year[1] + 60), (year[1] + 66, year[1] + 125))


def test_an_embargo_of_calendar_time_after_sessions_is_never_shorter():
    first = NYSE.get_loc("2012-01-12")  # a Thursday; the Monday after was a holiday
    starts = [NYSE[out[0]].date().isoformat() for _, out in cut(2, 1, embargo="3 days", first=first, last=first + 6)]
    # After Friday 13, Tuesday 17 and so on, three days pass before the next session.
    assert starts == ["2012-01-17", "2012-01-23"]


def test_calendar_parts_say_when_they_are_partial():
    first = NYSE.get_loc("2012-01-03")
    assert [w.is_partial for w in window_rule("4 years", "1 year").cut(NYSE, first)] == [False]
    assert [w.is_partial for w in window_rule("4 years", "13 months").cut(NYSE, first)] == [True]
    early = NYSE.get_loc("2016-12-20")
    assert [w.is_partial for w in window_rule("4 years", "1 year").cut(NYSE, first, early)] == [True]


def test_a_part_without_a_session_is_left_out():
    first = NYSE.get_loc("2012-01-09")
    days = [NYSE[out[0]].day_name() for _, out in cut("1 week", "1 day", first=first, last=first + 9)]
    # Monday the 16th was a holiday; Saturday and Sunday have no session either.
    assert days == ["Tuesday", "Wednesday", "Thursday", "Friday", "Monday"]


def test_an_in_sample_part_without_a_session_is_an_error():
    first = NYSE.get_loc("2012-01-09")
    with pytest.raises(InvalidParameter, match="in_sample 1 day holds no session before .* at 2012-01-17"):
        cut("1 day", "1 day", first=first)


# By dates -----------------------------------------------------------------------------------------------------------


def test_windows_by_dates_may_be_unequal():
    dates = [
        (("2012-01-01", "2012-12-31"), ("2013-01-01", "2013-03-31")),
        ((pd.Timestamp("2012-06-01"), datetime.date(2013, 6, 30)), ["2013-07-01", "2014-12-31"]),
    ]
    assert cut(windows=dates) == [
        (rows("2012"), between("2013-01-01", "2013-03-31")),
        (between("2012-06-01", "2013-06-30"), between("2013-07-01", "2014-12-31")),
    ]


def test_dates_may_lie_in_the_rest_before_and_after_the_span():
    sessions = NYSE[(NYSE >= "2012-01-03") & (NYSE <= "2013-12-31")]
    dates = [(("2012-01-01", "2012-12-31"), ("2013-01-01", "2014-01-01"))]
    assert cut(windows=dates, sessions=sessions) == [((0, 249), (250, 501))]


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ((("2011-11-01", "2012-12-31"), ("2013-01-01", "2013-03-31")), "in-sample begins at 2011-11-01, outside"),
        ((("2012-01-01", "2012-12-31"), ("2016-01-01", "2017-03-31")), "out-of-sample ends at 2017-03-31, outside"),
        ((("2012-01-01", "2013-01-31"), ("2013-01-31", "2013-03-31")), "in-sample ends at 2013-01-31, and out-of"),
        ((("2012-01-07", "2012-01-08"), ("2013-01-31", "2013-03-31")), "from 2012-01-07 to 2012-01-08 holds no"),
        ((("2012-01-07", "2012-01-01"), ("2013-01-31", "2013-03-31")), "starts at 2012-01-07, after its end"),
        (("2012-01-07", "2012-01-01"), "in-sample '2012-01-07' is no pair"),
        ((("2012-01-07", "2012-02-01"),), "is no pair: write"),
        ("ab", r"windows\[0\] 'ab' is no pair"),
        (((1.5j, "2012-02-01"), ("2013-01-31", "2013-03-31")), "in-sample start 1.5j is no date"),
    ],
)
def test_dates_that_make_no_window(window, message):
    with pytest.raises((InvalidParameter, InvalidSpan), match=message):
        cut(windows=[window])


def test_dates_outside_of_the_span_but_in_the_bundle():
    dates = [(("2012-01-01", "2012-12-31"), ("2013-01-01", "2013-03-31"))]
    with pytest.raises(InvalidParameter, match="in-sample begins at 2012-01-01, outside of the span from 2012-01-04"):
        cut(windows=dates, first=NYSE.get_loc("2012-01-04"))
    with pytest.raises(InvalidParameter, match="out-of-sample ends at 2013-03-31, outside of the span"):
        cut(windows=dates, last=NYSE.get_loc("2013-03-27"))


def test_out_of_sample_dates_must_not_overlap():
    dates = [
        (("2012-01-01", "2012-12-31"), ("2013-01-01", "2013-03-31")),
        (("2012-01-01", "2012-12-31"), ("2013-03-28", "2013-06-30")),
    ]
    with pytest.raises(InvalidParameter, match=r"windows\[1\]: out-of-sample begins at 2013-03-28, and that of the"):
        cut(windows=dates)


@pytest.mark.parametrize("windows", [[], "2012", 5])
def test_no_windows_at_all(windows):
    with pytest.raises(InvalidParameter, match="windows"):
        cut(windows=windows)


# Errors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ((), "in_sample is missing: pass a length"),
        ((5,), "out_of_sample is missing"),
        ((0, 5), "in_sample 0 sessions is less than 1"),
        ((5, -1), "out_of_sample -1 sessions is less than 1"),
        ((5, 5, 0), "step 0 sessions is less than 1"),
        ((5, 5, 5, False, -1), "embargo -1 sessions is less than 0"),
        ((5.0, 5), "in_sample 5.0 is no length: write a number of sessions"),
        ((True, 5), "in_sample True is no length"),
        (("6m", 5), r"in_sample '6m' may be months or minutes: write '6 months' \(or mo\)"),
        (("6M", 5), "may be months or minutes"),
        (("6 moths", 5), r"unknown unit 'moths' \(did you mean 'months'\?\)"),
        (("a year", 5), "in_sample 'a year' is no length"),
        (("1.5 years", 5), "in_sample '1.5 years' is no length"),
        (("", 5), "in_sample '' is no length"),
        (("0 years", 5), "in_sample 0 years is less than 1"),
        (("99999999 years", 5), "beyond any market's history"),
        ((10**30, 5), "beyond any market's history"),
        ((pd.offsets.MonthEnd(3), 5), "is no length"),
        ((pd.DateOffset(day=3), 5), "is no length"),
        ((pd.Timedelta(hours=36), 5), "is no length"),
        ((None, None, None, True, 0, []), "windows gives the dates of all parts"),
        ((5, 5, None, False, 0, [((1, 2), (3, 4))]), "windows gives the dates of all parts"),
    ],
)
def test_lengths_that_are_none(given_, message):
    with pytest.raises(InvalidParameter, match=message):
        window_rule(*given_)


def test_a_short_step_is_refused():
    with pytest.raises(InvalidParameter, match="step 2 sessions is shorter than out_of_sample 3 sessions: .* overlaps"):
        cut(4, 3, 2)
    assert len(cut(4, 30, 2, sessions=NYSE[:6])) == 1  # there is no second one to overlap


def test_a_span_that_is_too_short():
    with pytest.raises(InvalidParameter, match="no window fits into the 10 sessions from 2011-12-01 to 2011-12-14"):
        cut(10, 1, sessions=NYSE[:10])
    with pytest.raises(InvalidParameter, match="in_sample 2 years, embargo 3 sessions and at least one"):
        cut("2 years", "1 year", embargo=3, sessions=NYSE[:503])


@pytest.mark.parametrize(("first", "last"), [(-1, 5), (5, 4), (0, 10)])
def test_rows_must_lie_in_the_table(first, last):
    with pytest.raises(InvalidParameter, match=f"rows {first} to {last} do not lie in the 10 sessions"):
        cut(1, 1, sessions=NYSE[:10], first=first, last=last)


@pytest.mark.parametrize(
    ("text", "months", "days", "sessions"),
    [
        ("2 years", 24, 0, 0),
        ("1y", 12, 0, 0),
        ("3Q", 9, 0, 0),
        (" 6 mo ", 6, 0, 0),
        ("26w", 0, 182, 0),
        ("90 d", 0, 90, 0),
        ("252 sessions", 0, 0, 252),
        (np.int64(5), 0, 0, 5),
        (pd.DateOffset(years=1, days=3), 12, 3, 0),
    ],
)
def test_lengths(text, months, days, sessions):
    length = length_of(text, "step")
    assert (length.months, length.days, length.sessions) == (months, days, sessions)


# What holds for all -------------------------------------------------------------------------------------------------

lengths = (
    st.integers(1, 300)
    | st.builds("{} days".format, st.integers(5, 400))
    | st.builds("{} weeks".format, st.integers(1, 60))
    | st.builds("{} months".format, st.integers(1, 20))
    | st.builds(lambda months, days: pd.DateOffset(months=months, days=days), st.integers(0, 9), st.integers(5, 40))
)


@settings(max_examples=60)
@given(
    in_sample=lengths,
    out_of_sample=lengths,
    step=st.none() | lengths,
    embargo=st.integers(0, 30) | st.builds("{} days".format, st.integers(0, 40)),
    anchored=st.booleans(),
    first=st.integers(0, 600),
    size=st.integers(1, 700),
)
def test_windows_are_in_order_and_keep_their_distance(in_sample, out_of_sample, step, embargo, anchored, first, size):
    last = min(first + size, len(NYSE)) - 1
    rule = window_rule(in_sample, out_of_sample, step, anchored, embargo)
    try:
        windows = rule.cut(NYSE, first, last)
    except InvalidParameter as error:
        assert "no window fits" in str(error) or (step is not None and "overlaps" in str(error))
        return
    assert [w.number for w in windows] == list(range(len(windows)))
    tested = [row for w in windows for row in range(w.out_of_sample.first, w.out_of_sample.last + 1)]
    assert tested == sorted(set(tested))
    assert tested[-1] <= last
    if step is None:
        assert tested == list(range(tested[0], last + 1))
    assert [w.is_partial for w in windows[:-1]] == [False] * (len(windows) - 1)
    for w in windows:
        gap = w.out_of_sample.first - w.in_sample.last - 1
        assert first <= w.in_sample.first <= w.in_sample.last < w.out_of_sample.first <= w.out_of_sample.last <= last
        if isinstance(embargo, int):
            assert gap == embargo
        else:
            days = pd.Timedelta(embargo)
            assert NYSE[w.out_of_sample.first] - NYSE[w.in_sample.last] > days
        if anchored:
            assert w.in_sample.first == first
    if isinstance(in_sample, int) and not anchored:
        assert {w.in_sample.size for w in windows} == {in_sample}
    if isinstance(out_of_sample, int) and isinstance(embargo, int):
        assert {w.out_of_sample.size for w in windows if not w.is_partial} <= {out_of_sample}


@given(st.integers(1, 40))
def test_every_second_window_keeps_the_last(count):
    windows = window_rule(2, 1).cut(NYSE[: count + 2])
    kept = every_second(windows)
    assert kept[-1] is windows[-1]
    assert [w.number for w in kept] == [n for n in range(count) if (count - 1 - n) % 2 == 0]
