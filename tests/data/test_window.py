"""`data.window`: the values of `data.history`, read-only, without a frame and where possible without a copy."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt.data.bar_data import BarData
from rustybt.data.history import HISTORY_FIELDS
from rustybt.data.instant import Instant
from rustybt.data.market import DailyMarket
from rustybt.data.minute_market import MinuteMarket
from rustybt.data.portal import portal_of
from rustybt.errors import HistoryWindowStartsBeforeData, NoMinuteBars
from tests.builders import bars, days, make_bundle
from tests.minute_builders import make_minute_bundle, minute_bars, minutes_of


def daily(bundle, row, full_precision=False):
    portal = portal_of(bundle, full_precision)
    data = BarData(DailyMarket(portal))
    data._move(Instant(row, row, portal.close_times[row]))
    return data, portal.finder.equities


@pytest.mark.parametrize("name", ["quad", "holes", "mag7"])
@pytest.mark.parametrize("full_precision", [False, True])
@settings(max_examples=40, deadline=None)
@given(drawn=st.data())
def test_a_window_holds_what_history_holds(name, full_precision, drawn, request):
    bundle = request.getfixturevalue(name)
    count = drawn.draw(st.integers(1, 90), label="bars")
    row = drawn.draw(st.integers(count - 1, len(bundle.sessions.session_ns) - 1), label="row")
    field = drawn.draw(st.sampled_from(HISTORY_FIELDS), label="field")
    data, equities = daily(bundle, row, full_precision)
    chosen = drawn.draw(st.lists(st.sampled_from(equities), min_size=1, max_size=8), label="assets")
    window = data.window(chosen, field, count)
    assert (window.shape, window.dtype) == ((count, len(chosen)), np.float64)
    np.testing.assert_array_equal(window, data.history(chosen, field, count, "1d").to_numpy())
    one = data.window(chosen[0], field, count)
    assert one.shape == (count,)
    np.testing.assert_array_equal(one, data.history(chosen[0], field, count, "1d").to_numpy())


@pytest.fixture
def plain():
    return make_bundle({s: bars([1.0 + k, 2.0, 3.0, 4.0]) for k, s in enumerate("ABC")})


@pytest.mark.parametrize("pick", [slice(0, 3), slice(1, 2), slice(1, 3)])
def test_assets_side_by_side_are_seen_without_a_copy(plain, pick):
    data, equities = daily(plain, 3)
    assert np.shares_memory(data.window(equities[pick], "close", 3), data._portal.reported("close"))


def test_other_assets_and_adjusted_windows_are_copies():
    split = make_bundle({s: bars([2.0, 2.0, 1.0, 1.0]) for s in "AB"}, splits=[("A", str(days(3)[2].date()), 0.5)])
    data, (a, b) = daily(split, 3)
    reported = data._portal.reported("close")
    assert not np.shares_memory(data.window([b, a], "close", 2), reported)
    assert np.shares_memory(data.window([a, b], "close", 2), reported)
    assert data.window([a, b], "close", 4).tolist() == [[1.0, 2.0], [1.0, 2.0], [1.0, 1.0], [1.0, 1.0]]
    assert data.window([a, b], "volume", 4)[0].tolist() == [2_000_000.0, 1_000_000.0]


def test_windows_between_two_events_come_from_the_same_rows():
    splits = [("A", str(days(12)[k].date()), ratio) for k, ratio in ((4, 0.5), (9, 0.25))]
    bundle = make_bundle({s: bars([8.0] * 12) for s in "AB"}, splits=splits)
    portal = portal_of(bundle)
    data, expected = BarData(DailyMarket(portal)), {}
    for fresh in (True, False):
        for row in range(3, 12):
            data._move(Instant(row, row, portal.close_times[row]))
            if fresh:
                portal.selection(tuple(portal.finder.equities)).kept.clear()
            windows = [data.window(portal.finder.equities, "close", count) for count in (4, 2, 3)]
            assert [w.tolist() for w in windows] == expected.setdefault(row, [w.tolist() for w in windows])
    assert [day[0] for day in expected[11][0]] == [2.0, 8.0, 8.0, 8.0]
    data._move(Instant(5, 5, portal.close_times[5]))
    first = data.window(portal.finder.equities, "close", 4)
    data._move(Instant(6, 6, portal.close_times[6]))
    assert np.shares_memory(first, data.window(portal.finder.equities, "close", 4))


@pytest.mark.parametrize("field", HISTORY_FIELDS)
@pytest.mark.parametrize("count", [1, 4])
def test_a_window_cannot_be_written_to(plain, field, count):
    data, equities = daily(plain, 3)
    for chosen in (equities, equities[0], [equities[2], equities[0]]):
        with pytest.raises(ValueError, match="read-only"):
            data.window(chosen, field, count)[0] = 0.0


def test_what_history_gives_is_the_callers_own(plain):
    data, equities = daily(plain, 3)
    frame, series = data.history(equities, "close", 3, "1d"), data.history(equities[0], "close", 3, "1d")
    frame.iloc[0, 0], series.iloc[0] = 99.0, 99.0
    frame.index.name = frame.columns.name = "changed"
    again = data.history(equities, "close", 3, "1d")
    assert (again.iloc[0, 0], again.index.name, again.columns.name) == (2.0, None, None)
    assert data.history(equities[0], "close", 3, "1d").iloc[0] == 2.0


def test_a_window_is_blind_to_later_bars_and_later_events():
    closes = [10.0 + 0.1 * i for i in range(30)]
    later = str(days(30)[20].date())
    known = make_bundle({"A": bars(closes)}, name="known")
    changed = make_bundle({"A": bars([*closes[:20], *([99.0] * 10)])}, name="changed", splits=[("A", later, 0.5)])
    for field in HISTORY_FIELDS:
        for row in range(20):
            first, second = (
                daily(bundle, row)[0].window(daily(bundle, row)[1], field, row + 1) for bundle in (known, changed)
            )
            assert first.tobytes() == second.tobytes()


def test_before_a_session_the_night_adjusts_a_window():
    bundle = make_bundle({"A": bars([2.0, 2.0, 1.0, 1.0])}, splits=[("A", str(days(3)[2].date()), 0.5)])
    data, (a,) = daily(bundle, 1)
    portal = data._portal
    seen = Instant(1, 1, portal.close_times[1])
    data._move(Instant(2, 1, portal.open_times[2]), seen)
    assert data.window(a, "close", 2).tolist() == data.history(a, "close", 2, "1d").tolist() == [1.0, 1.0]


@pytest.mark.parametrize("pick", [[0, 1], [1], [1, 0]])
@pytest.mark.parametrize("frequency", ["1d", "1m", "7m"])
@pytest.mark.parametrize("field", HISTORY_FIELDS)
def test_in_minutes_a_window_holds_what_history_holds(pick, frequency, field):
    labels = minutes_of("2019-11-27", "2019-12-02")
    frames = {"A": minute_bars(labels, 1), "B": minute_bars(labels, 2).iloc[::7]}
    splits = pd.DataFrame([{"sid": 0, "effective_date": pd.Timestamp("2019-12-02"), "ratio": 0.5}])
    market = MinuteMarket(portal_of(make_minute_bundle(frames, splits=splits)))
    data = BarData(market)
    chosen = [market.portal.finder.equities[k] for k in pick]
    for minute in (market.first[2] - 1, market.first[2], market.first[2] + 20, len(labels) - 1):
        data._move(Instant(market.row_of(minute), minute, pd.Timestamp(int(market.label_ns[minute]), tz="UTC")))
        window = data.window(chosen, field, 2, frequency)
        np.testing.assert_array_equal(window, data.history(chosen, field, 2, frequency).to_numpy())
        assert not window.flags.writeable
    assert data.window(chosen, field, 2).tolist() == data.window(chosen, field, 2, "1d").tolist()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda data, a: data.window(a, "close", 5),
            HistoryWindowStartsBeforeData,
            "bar_count 5 .* reaches back before",
        ),
        (lambda data, a: data.window(a, "close", 0), ValueError, "bar_count must be >= 1"),
        (lambda data, a: data.window(a, "close", 1.5), TypeError, "bar_count argument to be of type int"),
        (lambda data, a: data.window(a, "vwap", 1), ValueError, "Invalid field: vwap"),
        (lambda data, a: data.window(a, ["close"], 1), TypeError, "an array has one field"),
        (lambda data, a: data.window("A", "close", 1), TypeError, "look it up with symbol"),
        (lambda data, a: data.window([0], "close", 1), TypeError, "look it up with symbol"),
        (lambda data, a: data.window(a, "close", 1, "1m"), NoMinuteBars, "needs a minute simulation"),
        (lambda data, a: data.window(a, "close", 1, "1w"), ValueError, "Invalid frequency: 1w"),
    ],
)
def test_what_is_no_window_is_refused(plain, call, error, message):
    data, (a, *_) = daily(plain, 3)
    with pytest.raises(error, match=message):
        call(data, a)


def test_the_rounded_array_is_made_once_and_again_if_damaged(plain):
    data, equities = daily(plain, 3)
    data.window(equities, "close", 1)
    (path,) = plain.root.rglob("reported_close.npy")
    made = path.stat().st_mtime_ns
    again = type(plain)(plain.root, plain.version, plain.manifest)
    assert again.reported("close").tolist() == plain.daily("close").round(3).tolist()
    assert path.stat().st_mtime_ns == made
    path.write_bytes(path.read_bytes()[:-40])
    third = type(plain)(plain.root, plain.version, plain.manifest)
    assert third.reported("close").tolist() == plain.daily("close").round(3).tolist()
