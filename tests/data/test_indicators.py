"""Indicators of a bundle: the statistic of `history`'s window, in sessions and in minutes, to the last bits of that."""

import numpy as np
import pandas as pd
import pytest

from rustybt.data import indicators
from rustybt.data.history import daily_window
from rustybt.data.indicators import STATISTICS, check_count, check_field, check_min_count, check_positive, statistic
from rustybt.data.instant import Instant
from rustybt.data.minute_history import minute_window
from rustybt.data.minute_market import MinuteMarket
from rustybt.data.portal import portal_of
from rustybt.data.rolling_inputs import DailyTable, MinuteTable, known_prices
from rustybt.errors import HistoryWindowStartsBeforeData, IngestWarning, InvalidParameter
from tests.builders import bars, days, make_bundle
from tests.minute_builders import make_minute_bundle, minute_bars, minutes_of
from tests.oracles import naive_rolling as naive

EXACT = ("min", "max", "median", "rank", "lag")


def check_rows(table, window_of, rows, fields, window, least, names=tuple(STATISTICS)):
    """Compare results at some rows with the statistic of the window that a strategy sees there."""
    for field in fields:
        windows = {row: window_of(row, window, field) for row in rows}
        for name in names:
            needed = window if name in ("lag", "returns") else least
            got = statistic(table, name, field, window, needed)
            for row, cells in windows.items():
                for k, column in enumerate(cells.T.tolist()):
                    expected = naive.statistic(name, column, window, needed)
                    tolerance = {"rtol": 0} if name in EXACT else {"rtol": 1e-10 if name == "zscore" else 1e-12}
                    if name in ("std", "population_std", "zscore", "returns"):
                        tolerance["atol"] = 1e-9 if name == "zscore" else 1e-12
                    where = f"{name} {field} row {row} column {k}"
                    np.testing.assert_allclose(got[row, k], expected, **tolerance, err_msg=where)


def gapped(seed, count, share=0.3, volume_share=0.2):
    """Daily bars with days missing, days without volume, and a split's and a dividend's worth of room."""
    draw = np.random.default_rng(seed)
    frame = bars(np.round(np.exp(np.cumsum(draw.normal(0, 0.03, count)) + 3), 4))
    frame["high"], frame["low"] = frame["close"] * 1.01, frame["close"] * 0.99
    frame["volume"] = draw.integers(1, 9, count) * 1000.0 * (draw.random(count) > volume_share)
    keep = draw.random(count) > share
    keep[[0, -1]] = True
    return frame[keep]


@pytest.fixture
def made():
    day = [str(d.date()) for d in days(80)]
    frames = {symbol: gapped(seed, 80) for seed, symbol in enumerate("ABC")}
    with pytest.warns(IngestWarning, match="dividends do not adjust earlier prices"):  # of those after a gap
        return make_bundle(
            frames,
            assets={"B": {"end_date": days(80)[50]}, "C": {"start_date": days(80)[20]}},
            splits=[("A", day[10], 0.5), ("A", day[40], 1 / 3), ("B", day[30], 2.0)],
            dividends=[(s, day[row], day[row + 2], 0.11) for s in "ABC" for row in (15, 16, 33, 60)],
            mergers=[("C", day[45], 0.9)],
        )


@pytest.mark.parametrize("window", [1, 2, 7, 60])
@pytest.mark.parametrize("full_precision", [False, True])
def test_gaps_splits_dividends_and_lives_look_as_in_history(made, window, full_precision):
    portal = portal_of(made, full_precision)
    assets = portal.finder.equities
    table = DailyTable(portal, assets, 80)
    fields = ("close", "volume", "price") if window > 1 else indicators.FIELDS
    rows = range(window - 1, 80, 3 if window < 60 else 1)
    check_rows(table, lambda *asked: daily_window(portal, assets, *asked), rows, fields, window, 1)


@pytest.mark.parametrize("name", ["quad", "holes", "mag7"])
def test_bundles_look_as_in_history(name, request):
    portal = portal_of(request.getfixturevalue(name))
    assets = portal.finder.equities
    sessions = len(portal.session_ns)
    table = DailyTable(portal, assets, sessions)
    rows = np.random.default_rng(5).integers(50, sessions, 12).tolist()
    check_rows(table, lambda *asked: daily_window(portal, assets, *asked), rows, ("close", "volume", "price"), 50, 50)


def test_a_window_of_volume_reaches_back_before_the_first_bar():
    """History shows sessions from the bundle's start on, with volume 0."""
    frame = bars([10.0, 11.0, 12.0], volume=[300.0, 600.0, 900.0], first="2020-01-10")
    bundle = make_minute_bundle({}, daily={"A": frame}, start_session=pd.Timestamp("2020-01-08"))
    portal = portal_of(bundle)
    table = DailyTable(portal, portal.finder.equities, 3)
    assert len(portal.sessions_before) == 2
    assert statistic(table, "mean", "volume", 3, 3)[:, 0].tolist() == [100.0, 300.0, 600.0]
    assert daily_window(portal, portal.finder.equities, 0, 3, "volume").mean() == 100.0
    np.testing.assert_array_equal(statistic(table, "mean", "volume", 4, 4, 1)[:, 0], [225.0, 450.0])
    np.testing.assert_array_equal(statistic(table, "mean", "volume", 5, 5)[:, 0], [np.nan, np.nan, 360.0])
    with pytest.raises(HistoryWindowStartsBeforeData):
        daily_window(portal, portal.finder.equities, 1, 5, "volume")


@pytest.mark.parametrize("name", ["made", "holes", "quad"])
def test_known_prices_are_the_portals(name, request):
    portal = portal_of(request.getfixturevalue(name))
    count = len(portal.session_ns)
    for asset in portal.finder.equities:
        expected = np.array([portal.price(asset, row) for row in range(count)])
        assert known_prices(portal, asset, count).tobytes() == expected.tobytes()
        assert known_prices(portal, asset, 30).tobytes() == expected[:30].tobytes()


def test_products_are_those_of_single_spans(made):
    portal = portal_of(made)
    after, until = np.triu_indices(80)
    for field in ("price", "volume"):
        got = portal.factors.products(0, portal.session_ns[after], portal.session_ns[until], field)
        spans = zip(portal.session_ns[after].tolist(), portal.session_ns[until].tolist(), strict=True)
        assert got.tolist() == [portal.factors.between(0, a, b, field) for a, b in spans]


# Minutes --------------------------------------------------------------------------------------------------------


@pytest.fixture
def minute_market():
    labels = minutes_of("2020-01-30", "2020-02-04")
    draw = np.random.default_rng(6)
    frames = {
        "A": minute_bars(labels[draw.random(len(labels)) < 0.5], 7),
        "B": minute_bars(labels[400:700], 8),
        "C": minute_bars(labels, 9),
    }
    splits = pd.DataFrame([{"sid": sid, "effective_date": "2020-02-03", "ratio": 0.5} for sid in (0, 1)])
    dividends = pd.DataFrame(
        [
            {"sid": 0, "amount": 0.5, **dict.fromkeys(["ex_date", "record_date", "declared_date", "pay_date"], day)}
            for day in ("2020-01-31", "2020-02-04")
        ]
    )
    daily = {s: bars([20.0] * 4, first="2020-01-30") for s in "ABC"}
    return MinuteMarket(portal_of(make_minute_bundle(frames, daily=daily, splits=splits, dividends=dividends)))


@pytest.mark.parametrize(("begin", "window"), [(0, 1), (0, 30), (350, 45), (395, 500), (700, 390)])
def test_minutes_look_as_in_history(minute_market, begin, window):
    assets = minute_market.portal.finder.equities
    table = MinuteTable(minute_market, assets, begin, 1500)

    def window_of(row, count, field):
        bar = begin + row
        at = Instant(minute_market.row_of(bar), bar, pd.Timestamp(int(minute_market.label_ns[bar]), tz="UTC"))
        return minute_window(minute_market, assets, at, count, field)

    rows = [window - 1, *range(window + 5, 1500 - begin, 41)]
    names = ("mean", "min", "std", "median", "rank", "lag", "returns")
    check_rows(table, window_of, rows, ("close", "volume", "price"), window, 1, names)


# Smoothing and correlation --------------------------------------------------------------------------------------


def test_smoothings_are_of_the_bars_and_their_adjustments(made):
    portal = portal_of(made)
    table = DailyTable(portal, portal.finder.equities, 80)
    for k, asset in enumerate(portal.finder.equities):
        events = list(zip(*portal.factors.of(asset.column, "close"), strict=True))
        one = {field: np.around(portal.array(field)[:, k], 3) for field in ("high", "low", "close")}
        np.testing.assert_allclose(
            indicators.ema(table, "close", 9)[:, k], naive.ema(one["close"], events, 9), rtol=1e-12
        )
        np.testing.assert_allclose(
            indicators.rsi(table, "close", 5)[:, k], naive.rsi(one["close"], events, 5), rtol=1e-9
        )
        expected = naive.atr(one["high"], one["low"], one["close"], events, 5)
        np.testing.assert_allclose(indicators.atr(table, 5)[:, k], expected, rtol=1e-9)
        prices = np.array([daily_window(portal, [asset], row, 1, "price")[0, 0] for row in range(80)])
        np.testing.assert_allclose(indicators.ema(table, "price", 9)[:, k], naive.ema(prices, events, 9), rtol=1e-12)


def test_a_correlation_is_that_of_the_returns_or_of_the_windows(quad):
    portal = portal_of(quad)
    assets = portal.finder.equities
    table = DailyTable(portal, assets, 300)
    returns = np.array([[np.nan] * 4] + [_returns(daily_window(portal, assets, r, 2, "price")) for r in range(1, 300)])
    of_returns = indicators.correlation_of_returns(table, 1, "price", 30, 30)
    of_prices = indicators.correlation(table, 1, "price", 30, 30)
    assert np.isnan(of_returns[:30]).all() and not np.isnan(of_returns[30]).any()
    for row in range(30, 300, 13):
        np.testing.assert_allclose(
            of_returns[row], np.corrcoef(returns[row - 29 : row + 1].T)[1], rtol=1e-9, atol=1e-12
        )
        window = daily_window(portal, assets, row, 30, "price")
        np.testing.assert_allclose(of_prices[row], np.corrcoef(window.T)[1], rtol=1e-9, atol=1e-12)


def _returns(window):
    return window[1] / window[0] - 1


# Refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: check_field("clsoe"),
            r"field 'clsoe' is unknown \(did you mean 'close'\?\): choose one of open, high",
        ),
        (lambda: check_field(3), "field 3 is unknown: choose one of"),
        (lambda: check_count("window", 0), "window 0 is less than 1: give a number of bars, such as 20"),
        (lambda: check_count("bars", 2.5), "bars 2.5 is no whole number"),
        (lambda: check_count("window", True), "window True is no whole number"),
        (lambda: check_min_count(0, 5), "min_count 0 is less than 1"),
        (lambda: check_min_count(6, 5), "min_count 6 is greater than the window 5: no window would have a value"),
        (lambda: check_positive("span", 0.5, 1.0), "span 0.5 is no finite number from 1.0 on"),
        (lambda: check_positive("span", float("nan"), 1.0), "span nan is no finite number"),
        (lambda: check_positive("width", "wide", 0.0), "width 'wide' is no finite number from 0.0 on"),
    ],
)
def test_what_is_no_indicator_is_refused(call, message):
    with pytest.raises(InvalidParameter, match=message):
        call()


def test_numbers_of_numpy_are_numbers():
    assert check_count("window", np.int64(5)) == 5
    assert check_positive("span", np.float32(2.5), 1.0) == 2.5
    assert check_min_count(None, 7) == 7
