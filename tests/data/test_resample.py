"""Bars of several minutes: equal to a pandas twin, counted from each open, and blind to the minutes to come."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt.constants import OHLCV
from rustybt.data.instant import Instant
from rustybt.data.market import DailyMarket
from rustybt.data.minute_market import MinuteMarket
from rustybt.data.portal import portal_of
from rustybt.errors import HistoryWindowStartsBeforeData, NoMinuteBars
from tests.minute_builders import make_minute_bundle, minute_bars, minutes_of
from tests.oracles.minute_bars import block, labels_by_session

FIRST, SPLIT, LAST = "2019-11-27", "2019-12-02", "2019-12-03"  # a full day, a half day, the split's day, a full day
HOW = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}


def frames_with_gaps() -> dict[str, pd.DataFrame]:
    labels = minutes_of(FIRST, LAST)
    frames = {symbol: minute_bars(labels, seed) for seed, symbol in enumerate("AB")}
    frames["B"] = frames["B"][np.random.default_rng(5).random(len(labels)) < 0.2]
    return frames


FRAMES = frames_with_gaps()


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUSTYBT_ROOT", str(tmp_path_factory.mktemp("resample")))
        splits = pd.DataFrame([{"sid": 0, "effective_date": pd.Timestamp(SPLIT), "ratio": 0.5}])
        yield MinuteMarket(portal_of(make_minute_bundle(FRAMES, splits=splits)))


def at(market, minute):
    return Instant(market.row_of(minute), minute, pd.Timestamp(int(market.label_ns[minute]), tz="UTC"))


def twin(minute: int, length: int, field: str) -> pd.DataFrame:
    """Give all bars that end with a minute, one group of minutes at a time, in pandas."""
    sessions = labels_by_session("XNYS", FIRST, LAST)
    values = pd.DataFrame(block(FRAMES, field, sessions.index), index=sessions.index, columns=["A", "B"])
    known = values.assign(session=sessions, label=sessions.index).iloc[: minute + 1]
    known["number"] = known.groupby("session").cumcount() // length
    grouped = known.groupby(["session", "number"])
    out = grouped[["A", "B"]].agg(HOW[field])
    last_session = sessions.iloc[minute]
    if last_session >= pd.Timestamp(SPLIT):
        before = out.index.get_level_values("session") < pd.Timestamp(SPLIT)
        out.loc[before, "A"] = out.loc[before, "A"] / 0.5 if field == "volume" else out.loc[before, "A"] * 0.5
    return out.round(3).set_index(pd.DatetimeIndex(grouped["label"].last()).tz_localize("UTC"))


@settings(max_examples=80, deadline=None)
@given(
    minute=st.integers(0, 390 + 210 + 390 + 390 - 1),
    length=st.sampled_from([1, 2, 5, 7, 30, 60, 210, 389, 390, 391]),
    bars=st.integers(1, 40),
    field=st.sampled_from(OHLCV),
)
def test_bars_equal_the_pandas_twin(market, minute, length, bars, field):
    expected = twin(minute, length, field)
    equities = market.portal.finder.equities
    if bars > len(expected):
        with pytest.raises(HistoryWindowStartsBeforeData, match=f"ask for at most {len(expected)}"):
            market.window(equities, at(market, minute), bars, f"{length}m", field)
        return
    window = market.window(equities, at(market, minute), bars, f"{length}m", field)
    np.testing.assert_array_equal(window.array, expected.to_numpy()[-bars:])
    assert (window.labels == expected.index[-bars:]).all()


@pytest.mark.parametrize("field", [*OHLCV, "price"])
def test_bars_of_one_minute_are_the_minutes(market, field):
    # "01m" takes the way of longer bars.
    here, equities = at(market, 700), market.portal.finder.equities
    minutes, bars = (market.window(equities, here, 300, frequency, field) for frequency in ("1m", "01m"))
    np.testing.assert_array_equal(minutes.array, bars.array)
    assert minutes.labels.equals(bars.labels)


def test_price_is_the_last_close_and_missing_outside_of_a_life(market):
    equities = market.portal.finder.equities
    window = market.window(equities, at(market, 800), 100, "3m", "price").array
    closes = market.window(equities, at(market, 800), 100, "3m", "close").array
    assert np.isnan(closes[:, 1]).any()
    assert not np.isnan(window[:, 1]).any()
    filled = pd.Series(closes[:, 1]).ffill()
    np.testing.assert_array_equal(filled.dropna(), window[filled.notna().to_numpy(), 1])


def test_a_half_day_ends_with_a_short_bar_and_the_window_with_the_current_minute(market):
    half_day_close = 390 + 210 - 1
    window = market.window(market.portal.finder.equities, at(market, half_day_close + 8), 4, "60m", "close")
    local = window.labels.tz_convert("America/New_York").strftime("%d %H:%M").tolist()
    assert local == ["29 11:30", "29 12:30", "29 13:00", "02 09:38"]


def test_later_minutes_change_nothing(market, tmp_path, monkeypatch):
    monkeypatch.setenv("RUSTYBT_ROOT", str(tmp_path))
    changed = {symbol: frame.copy() for symbol, frame in FRAMES.items()}
    cut = market.label_ns[500].view("M8[ns]")
    for frame in changed.values():
        frame.loc[frame.index > cut, list(OHLCV)] = 77.0
    other = MinuteMarket(portal_of(make_minute_bundle(changed)))
    for field in (*OHLCV, "price"):
        first, second = (m.window(m.portal.finder.equities, at(m, 500), 60, "7m", field).array for m in (market, other))
        assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("frequency", ["0m", "m", "-5m", "5h", "1.5m", "5M"])
def test_what_is_no_frequency_is_refused(market, frequency):
    with pytest.raises(ValueError, match=f"Invalid frequency: {frequency} .*'5m'"):
        market.window(market.portal.finder.equities, at(market, 500), 3, frequency, "close")


def test_a_daily_run_has_no_minutes(market):
    daily = DailyMarket(market.portal)
    here = Instant(2, 2, market.portal.close_times[2])
    with pytest.raises(NoMinuteBars, match=r"history of frequency '5m' needs a minute simulation"):
        daily.window(market.portal.finder.equities, here, 1, "5m", "close")
