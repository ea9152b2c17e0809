"""Parameters of a simulation: sessions move inwards, and what does not fit is said."""

import pandas as pd
import pytest

from rustybt.calendars import get_calendar
from rustybt.errors import InvalidParameter, InvalidSpan
from rustybt.finance.trading import SimulationParameters


def test_days_that_are_no_sessions_move_inwards():
    params = SimulationParameters(pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-05"), get_calendar("XNYS"))
    assert (params.start_session, params.end_session) == (pd.Timestamp("2020-01-02"), pd.Timestamp("2020-01-03"))
    assert [str(label.date()) for label in params.sessions] == ["2020-01-02", "2020-01-03"]
    assert str(params.first_open) == "2020-01-02 14:31:00+00:00"
    assert str(params.last_close) == "2020-01-03 21:00:00+00:00"
    assert (params.capital_base, params.data_frequency, params.emission_rate) == (100_000.0, "daily", "daily")


def test_the_same_for_other_sessions():
    params = SimulationParameters("2020-01-01", "2020-01-05", "NYSE", 5e5, data_frequency="minute", arena="live")
    other = params.create_new("2019-12-02", "2019-12-31")
    assert (other.capital_base, other.data_frequency, other.arena) == (5e5, "minute", "live")
    assert other.start_session == pd.Timestamp("2019-12-02")
    assert params.create_new("2019-12-02", "2019-12-31", "daily").data_frequency == "daily"


@pytest.mark.parametrize(
    ("first", "last", "given", "error", "message"),
    [
        ("2020-01-03", "2020-01-02", {}, InvalidSpan, "2020-01-03 is after last 2020-01-02"),
        ("2020-01-04", "2020-01-05", {}, InvalidSpan, "no trading days between start_session 2020-01-04"),
        ("soon", "2020-01-05", {}, InvalidSpan, "start_session 'soon' is no date"),
        ("2020-01-02", "2020-01-05", {"emission_rate": "minute"}, InvalidParameter, "emission_rate 'minute'"),
        ("2020-01-02", "2020-01-05", {"data_frequency": "weekly"}, InvalidParameter, "data_frequency 'weekly' is unk"),
    ],
)
def test_what_does_not_fit_is_said(first, last, given, error, message):
    with pytest.raises(error, match=message):
        SimulationParameters(first, last, "XNYS", **given)
