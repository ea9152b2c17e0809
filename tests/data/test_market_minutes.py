"""The labels of market minutes, against the minutes that exchange_calendars lists."""

import numpy as np
import pandas as pd
import pytest

from rustybt.calendars import session_breaks, session_table
from rustybt.constants import NS_PER_MINUTE
from rustybt.data.market_minutes import minute_counts, minute_labels, months_of, session_rows, with_breaks
from tests.oracles.minute_bars import labels_by_session

SPANS = [
    ("XNYS", "2019-10-28", "2019-12-31"),  # the end of daylight saving time, two half days
    ("XNYS", "2020-03-06", "2020-03-09"),
    ("XTKS", "2024-10-28", "2024-11-08"),  # lunch, and the afternoon longer from November 5 on
    ("XHKG", "2019-12-20", "2020-01-03"),  # half days end before lunch
    ("CMES", "2019-11-25", "2019-12-02"),  # a session begins the evening before
    ("24/7", "2019-11-29", "2019-12-02"),  # and this one ends at midnight
]


def market_of(calendar, first, last):
    sessions = session_table(calendar, first, last)
    return with_breaks(sessions, session_breaks(sessions))


@pytest.mark.parametrize(("calendar", "first", "last"), SPANS)
def test_labels_counts_and_sessions(calendar, first, last):
    market, want = market_of(calendar, first, last), labels_by_session(calendar, first, last)
    labels = minute_labels(market)
    np.testing.assert_array_equal(labels.view("M8[ns]"), want.index.to_numpy())
    assert minute_counts(market).tolist() == want.groupby(want).size().tolist()
    rows = session_rows(market, labels)
    np.testing.assert_array_equal(market.sessions.session_ns[rows].view("M8[ns]"), want.to_numpy())


@pytest.mark.parametrize(("calendar", "first", "last"), SPANS)
def test_every_other_minute_and_half_minute_has_no_session(calendar, first, last):
    market = market_of(calendar, first, last)
    labels = minute_labels(market)
    span = np.arange(labels[0] - 2000 * NS_PER_MINUTE, labels[-1] + 2000 * NS_PER_MINUTE, NS_PER_MINUTE)
    assert (session_rows(market, np.setdiff1d(span, labels)) == -1).all()
    assert (session_rows(market, labels + NS_PER_MINUTE // 2) == -1).all()


def test_no_sessions_have_no_minutes():
    market = market_of("XNYS", "2024-07-06", "2024-07-07")
    assert minute_labels(market).tolist() == minute_counts(market).tolist() == []
    assert session_rows(market, np.array([0])).tolist() == [-1]


def test_breaks_are_those_of_the_sessions_asked_for():
    sessions = session_table("XHKG", "2019-12-23", "2019-12-27")
    breaks = session_breaks(sessions)
    labels = pd.DatetimeIndex(breaks["session_ns"].view("M8[ns]"))
    assert labels.strftime("%m-%d").tolist() == ["12-23", "12-27"]
    assert len(sessions.session_ns) == 3
    assert len(session_breaks(session_table("XNYS", "2019-12-23", "2019-12-27"))) == 0


def test_months_are_those_of_labels():
    sessions = session_table("24/7", "2019-12-31", "2020-01-01")
    assert np.diff(months_of(sessions.session_ns)).tolist() == [1]
