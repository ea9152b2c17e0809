"""`data` in handle_data: the shapes of its answers, missing bars, lifetimes, and clear refusals."""

import math

import numpy as np
import pandas as pd
import pytest

from rustybt.data.bar_data import BarData
from rustybt.data.instant import Instant
from rustybt.data.market import DailyMarket
from rustybt.data.portal import portal_of


@pytest.fixture
def at(holes, quad):
    """Give `data` and assets of a bundle at a session."""

    def stand(bundle, day, *symbols):
        portal = portal_of(bundle)
        row = portal.row_of(pd.Timestamp(day))
        data = BarData(DailyMarket(portal))
        data._move(Instant(row, row, portal.close_times[row]))
        found = {equity.symbol: equity for equity in portal.finder.equities}
        return data, *(found[symbol] for symbol in symbols)

    return stand


def test_current_gives_scalar_series_or_frame(quad, at):
    data, msft, aapl = at(quad, "2012-01-09", "MSFT", "AAPL")
    assert data.current(msft, "close") == 286.878
    assert data.current(msft, "volume") == 4216970
    assert type(data.current(msft, "volume")) is int
    one = data.current(msft, ["close", "last_traded"])
    assert (one.name, one.index.tolist()) == ("MSFT", ["close", "last_traded"])
    assert one["last_traded"] == pd.Timestamp("2012-01-09")
    several = data.current([msft, aapl], "volume")
    assert (several.name, several.index.tolist(), several.dtype) == ("volume", [msft, aapl], np.int64)
    frame = data.current([msft, aapl], ["close", "volume"])
    assert (frame.index.tolist(), frame.columns.tolist()) == ([msft, aapl], ["close", "volume"])
    assert frame.loc[aapl, "close"] == 109472 * 0.001


def test_history_gives_series_frame_or_long_frame(quad, at):
    data, msft, aapl = at(quad, "2012-01-09", "MSFT", "AAPL")
    one = data.history(msft, "price", 2, "1d")
    assert (one.name, one.tolist()) == (msft, [288.521, 286.878])
    frame = data.history([msft, aapl], "close", 2, "1d")
    assert frame.columns.tolist() == [msft, aapl]
    assert frame.index.equals(pd.DatetimeIndex(["2012-01-06", "2012-01-09"]))
    long = data.history([msft, aapl], ["volume", "close"], 3, "1d")
    assert (long.shape, long.columns.tolist(), long.columns.name) == ((6, 2), ["volume", "close"], "fields")
    assert list(long.index.names) == ["date", None]
    assert long.index[0] == (pd.Timestamp("2012-01-05"), aapl)
    assert long.loc[(pd.Timestamp("2012-01-09"), msft), "volume"] == 4216970.0


def test_current_is_k_times_the_quantum_and_history_k_over_1000(quad, at):
    data, ko = at(quad, "2014-12-31", "KO")
    assert data.current(ko, "close") == 24862 * 0.001
    assert data.history(ko, "close", 1, "1d").iloc[0] == 24862 / 1000
    assert 24862 * 0.001 != 24862 / 1000


def test_a_missing_bar_is_stale_keeps_its_price_and_has_no_volume(holes, at):
    portal = portal_of(holes)
    gaps = next(e for e in portal.finder.equities if e.symbol == "GAPS")
    row = next(r for r in range(1, len(portal.session_ns)) if math.isnan(portal.array("close")[r, gaps.column]))
    data, gaps = at(holes, portal.session_labels[row], "GAPS")
    assert math.isnan(data.current(gaps, "close"))
    assert data.current(gaps, "volume") == 0
    assert data.current(gaps, "price") == portal.array("close")[row - 1, gaps.column]
    assert data.current(gaps, "last_traded") == portal.session_labels[row - 1]
    assert (data.is_stale(gaps), data.can_trade(gaps)) == (True, True)


def test_outside_its_life_an_asset_cannot_be_traded(holes, at):
    data, born, dead = at(holes, "2015-06-01", "BORN", "DEAD")
    assert data.can_trade([born, dead]).tolist() == [False, True]
    assert data.is_stale([born, dead]).tolist() == [False, False]
    assert math.isnan(data.current(born, "price"))
    assert data.current(born, "volume") == 0
    assert pd.isna(data.current(born, "last_traded"))
    data, dead = at(holes, "2018-06-01", "DEAD")
    assert not data.can_trade(dead)
    assert data.current(dead, "last_traded") == pd.Timestamp("2017-06-30")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda d, a: d.current("MSFT", "close"), TypeError, "look it up with symbol"),
        (lambda d, a: d.current([a, "MSFT"], "close"), TypeError, "got str"),
        (lambda d, a: d.current(a, 3), TypeError, "Expected fields argument to be of type str"),
        (lambda d, a: d.current(a, "clsoe"), KeyError, "Invalid column: clsoe"),
        (lambda d, a: d.history(a, "close", 2.5, "1d"), TypeError, "Expected bar_count argument to be of type int"),
        (lambda d, a: d.history(a, "close", True, "1d"), TypeError, "Expected bar_count"),
        (lambda d, a: d.history(a, "close", 2, "1m"), ValueError, "needs a minute simulation"),
        (lambda d, a: d.history(a, "close", 2, "2w"), ValueError, "Invalid frequency: 2w"),
        (lambda d, a: d.can_trade("MSFT"), TypeError, "look it up with symbol"),
        (lambda d, a: d.is_stale(7), TypeError, "look it up with symbol"),
    ],
)
def test_what_is_no_question_is_refused(quad, at, call, error, message):
    data, msft = at(quad, "2012-02-09", "MSFT")
    with pytest.raises(error, match=message):
        call(data, msft)


def test_the_minutes_of_a_session_end_early_on_a_half_day(quad, at):
    data, _ = at(quad, "2012-11-23", "KO")
    minutes = data.current_session_minutes
    assert (str(minutes[0]), str(minutes[-1]), len(minutes)) == (
        "2012-11-23 14:31:00+00:00",
        "2012-11-23 18:00:00+00:00",
        210,
    )
