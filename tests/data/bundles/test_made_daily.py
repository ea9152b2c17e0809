"""Daily bars where only minutes are known, against pandas groupby."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rustybt.constants import OHLCV
from rustybt.data.bundles.made_daily import bars_of_sessions
from rustybt.errors import IngestWarning
from tests.builders import bars
from tests.minute_builders import make_minute_bundle, minute_bars, minutes_of
from tests.oracles import minute_bars as twin

PRICES = st.one_of(st.floats(0, 1e9), st.just(np.nan))


@given(st.data())
def test_bars_of_sessions_equal_groupby(data):
    rows = np.array(data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=40).map(sorted)))
    values = data.draw(hnp.arrays(float, (5, len(rows)), elements=PRICES))
    values[4] = np.rint(np.nan_to_num(values[4]))
    sessions, got = bars_of_sessions(rows, values)
    want = twin.daily(pd.DataFrame(dict(zip(OHLCV, values, strict=True))), pd.Series(rows))
    assert sessions.tolist() == want.index.tolist()
    np.testing.assert_array_equal(got.T, want.to_numpy())


@pytest.mark.parametrize(
    ("calendar", "first", "last"),
    [("XNYS", "2019-11-27", "2019-12-03"), ("XTKS", "2024-10-31", "2024-11-05"), ("CMES", "2019-11-27", "2019-12-02")],
)
def test_daily_bars_equal_groupby(calendar, first, last, monkeypatch):
    monkeypatch.setattr("rustybt.data.bundles.made_daily._ROWS_PER_BLOCK", 1500)
    labels = minutes_of(first, last, calendar)
    sessions = twin.labels_by_session(calendar, first, last)
    frames = {symbol: minute_bars(labels[seed::seed], seed) for seed, symbol in enumerate("ABCD", start=1)}
    bundle = make_minute_bundle(frames, calendar=calendar, price_quantum=None)
    stored = pd.read_parquet(bundle.path / "daily.parquet")
    for sid, symbol in enumerate(frames):
        want = twin.daily(frames[symbol], sessions)
        got = stored[stored.sid == sid].set_index("session")[list(OHLCV)]
        assert pd.to_datetime(got.index).tolist() == want.index.tolist()
        np.testing.assert_array_equal(got, want)
        np.testing.assert_array_equal(bundle.daily("close")[:, sid], want["close"])
    assert bundle.manifest.rows == len(stored)


def test_a_session_without_a_minute_is_a_gap():
    labels = minutes_of("2019-11-27", "2019-12-03")
    frame = minute_bars(labels[labels.normalize() != "2019-11-29"])
    bundle = make_minute_bundle({"A": frame})
    assert np.isnan(bundle.daily("close")[:, 0]).tolist() == [False, True, False, False]
    assert bundle.daily("volume")[1, 0] == 0
    assert bundle.manifest.gaps == {"A 0": {"missing": 1, "first": "2019-11-29", "spans": [["2019-11-29"] * 2]}}


@pytest.mark.filterwarnings("ignore:minute bars of sid")
def test_a_price_that_is_missing_all_day_stays_missing():
    frame = minute_bars(minutes_of("2019-11-29", "2019-12-02"))
    frame.iloc[:210, 0] = np.nan
    frame.iloc[210:215, 0] = np.nan
    frame.iloc[-3:, 3] = np.nan
    bundle = make_minute_bundle({"A": frame}, price_quantum=None)
    np.testing.assert_array_equal(bundle.daily("open")[:, 0], [np.nan, frame["open"].iloc[215]])
    assert bundle.daily("close")[1, 0] == frame["close"].iloc[-4]


def test_daily_bars_that_are_given_are_kept():
    given_bars = bars([1.0, 2.0, 3.0], first="2019-11-27")
    bundle = make_minute_bundle({"A": minute_bars(minutes_of("2019-11-27", "2019-12-03"))}, daily={"A": given_bars})
    np.testing.assert_array_equal(bundle.daily("close")[:, 0], [1.0, 2.0, 3.0, np.nan])
    assert bundle.manifest.rows == 3 and len(bundle.minute_table.first) == 5


def test_sessions_span_daily_and_minute_bars():
    minutes = {"A": minute_bars(minutes_of("2019-11-29")), "B": minute_bars(minutes_of("2019-12-03"))}
    daily = {"A": bars([1.0, 2.0], first="2019-11-26"), "B": bars([1.0], first="2019-11-29")}
    bundle = make_minute_bundle(minutes, daily=daily)
    sessions = pd.DatetimeIndex(bundle.sessions.session_ns.view("M8[ns]"))
    assert sessions.strftime("%m-%d").tolist() == ["11-26", "11-27", "11-29", "12-02", "12-03"]
    assert np.diff(bundle.minute_table.first).tolist() == [390, 390, 210, 390, 390]
    assert bundle.daily("close").shape == (5, 2)


def test_assets_without_daily_bars_beside_others_are_warned_of():
    minutes = {symbol: minute_bars(minutes_of("2019-11-29")) for symbol in "ABC"}
    text = r"2 assets have minute bars but no daily bars \(sid 0, 2\), .*: their daily prices are missing"
    with pytest.warns(IngestWarning, match=text):
        bundle = make_minute_bundle(minutes, daily={"B": bars([1.0], first="2019-11-29")})
    np.testing.assert_array_equal(bundle.daily("close"), [[np.nan, 1.0, np.nan]])
    assert not np.isnan(bundle.minute("close", 0)).any()


def test_an_asset_without_any_bar_has_an_empty_column():
    bundle = make_minute_bundle({"B": minute_bars(minutes_of("2019-11-29"))}, assets=["A", "C"])
    assert np.isnan(bundle.minute("close", 0)).all(axis=0).tolist() == [True, False, True]
    assert np.isnan(bundle.daily("close")[0]).tolist() == [True, False, True]


def test_dividends_adjust_by_the_close_that_was_made():
    frame = minute_bars(minutes_of("2019-11-27", "2019-12-03"))
    day = pd.Timestamp("2019-12-02")
    dates = dict.fromkeys(["ex_date", "declared_date", "record_date", "pay_date"], day)
    bundle = make_minute_bundle({"A": frame}, dividends=pd.DataFrame([{"sid": 0, "amount": 0.01, **dates}]))
    before = np.rint(frame["close"].loc["2019-11-29 18:00"] * 1000) * 0.001
    (ratio,) = bundle.adjustments.dividend_ratios
    assert (ratio["effective_ns"], ratio["ratio"]) == (day.value, 1 - 0.01 / before)


@settings(max_examples=8)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.004, 0.5]))
def test_made_bars_have_the_fingerprint_of_the_same_bars_given(seed, share):
    labels = minutes_of("2019-11-27", "2019-12-03")
    kept = np.random.default_rng(seed).random(len(labels)) < share
    kept[seed % len(labels)] = True
    frame = minute_bars(labels[kept], seed)
    daily = twin.daily(frame, twin.labels_by_session("XNYS", "2019-11-27", "2019-12-03"))
    made, told = make_minute_bundle({"A": frame}), make_minute_bundle({"A": frame}, daily={"A": daily})
    assert made.fingerprint == told.fingerprint
