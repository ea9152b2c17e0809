"""`data.rolling_mean(...)` and the rest: equal to the statistic of `data.history`, in daily and in minute runs."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from rustybt import run_algorithm
from rustybt.api import symbols
from rustybt.data.bar_data import BarData
from rustybt.data.bars import Bars
from rustybt.data.instant import Instant
from rustybt.data.market import DailyMarket
from rustybt.data.minute_market import MinuteMarket
from rustybt.data.portal import portal_of
from rustybt.data.rolling_series import DailyStretch, MinuteStretches, Series, series_of
from rustybt.errors import InvalidParameter
from tests.builders import bars, make_bundle
from tests.minute_builders import make_minute_bundle, minute_bars, minutes_of
from tests.oracles import naive_rolling as naive

READS = {
    "sum": lambda d, a, f, w: d.rolling_sum(a, f, w),
    "mean": lambda d, a, f, w: d.rolling_mean(a, f, w),
    "std": lambda d, a, f, w: d.rolling_std(a, f, w),
    "min": lambda d, a, f, w: d.rolling_min(a, f, w),
    "max": lambda d, a, f, w: d.rolling_max(a, f, w),
    "median": lambda d, a, f, w: d.rolling_median(a, f, w),
    "rank": lambda d, a, f, w: d.rolling_rank(a, f, w),
    "zscore": lambda d, a, f, w: d.rolling_zscore(a, f, w),
    "lag": lambda d, a, f, w: d.lag(a, f, w - 1),
    "returns": lambda d, a, f, w: d.returns(a, w - 1, f),
}


def check_against_history(data, assets, window, frequency, fields=("close", "volume", "price")):
    for field in fields:
        frame = data.history(assets, field, window, frequency)
        for name, read in READS.items():
            expected = [naive.statistic(name, frame[asset].tolist(), window, window) for asset in assets]
            got = read(data, assets, field, window)
            assert got.index.tolist() == list(assets)
            np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-11, err_msg=f"{name} {field}")
            assert type(read(data, assets[0], field, window)) is float
            np.testing.assert_array_equal(read(data, assets[0], field, window), got.iloc[0])


def standing(market, row, bar=None):
    data = BarData(market)
    now = market.portal.close_times[row] if bar is None else pd.Timestamp(int(market.label_ns[bar]), tz="UTC")
    data._move(Instant(row, row if bar is None else bar, now))
    return data


@pytest.mark.parametrize("name", ["quad", "holes"])
@pytest.mark.parametrize("row", [60, 250, 411, 640])
def test_daily_reads_are_statistics_of_history(name, row, request):
    market = DailyMarket(portal_of(request.getfixturevalue(name)))
    check_against_history(standing(market, row), list(market.portal.finder.equities), 30, "1d")


def test_both_tiers_read_the_same_bits(quad):
    portal = portal_of(quad)
    a, b, *_ = assets = tuple(portal.finder.equities)
    read = Bars(portal, 300, 500, assets)
    data = standing(DailyMarket(portal), 411)
    pairs = [
        (data.rolling_std(assets, "price", 20), read.std("price", 20)),
        (data.volume_mean(assets, 20), read.volume_mean(20)),
        (data.ema(assets, "price", 12), read.ema("price", 12)),
        (data.rsi(assets), read.rsi()),
        (data.atr(assets), read.atr()),
        (data.bollinger(assets, "close", 10).lower, read.bollinger("close", 10).lower),
        (data.bollinger(assets, "close", 10, 1.0).upper, read.bollinger("close", 10, 1.0).upper),
        (data.rolling_correlation(assets, b, 20), read.correlation(b, 20)),
        (data.rolling_correlation(assets, b, 20, "close", False, 5), read.correlation(b, 20, "close", False, 5)),
    ]
    for series, array in pairs:
        assert series.to_numpy().tobytes() == array[111].tobytes()
    assert data.bollinger(a, "close").middle == data.rolling_mean(a, "close", 20)


def test_a_window_that_is_not_full_has_no_value(quad):
    market = DailyMarket(portal_of(quad))
    asset = market.portal.finder.equities[0]
    data = standing(market, 3)
    assert np.isnan(data.rolling_mean(asset, "close", 5))
    assert data.rolling_mean(asset, "close", 5, min_count=2) == data.history(asset, "close", 4, "1d").mean()


def test_before_the_first_bar_nothing_is_known(quad):
    market = DailyMarket(portal_of(quad))
    data = BarData(market)
    data._move(Instant(0, -1, market.portal.close_times[0]), Instant(-1, -1, market.portal.close_times[0]))
    assert np.isnan(data.rolling_mean(market.portal.finder.equities[0], "close", 1))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda d, a: d.rolling_mean(a, "clsoe", 5), InvalidParameter, r"did you mean 'close'"),
        (lambda d, a: d.rolling_mean(a, "close", 0), InvalidParameter, "window 0 is less than 1"),
        (lambda d, a: d.rolling_mean(a, "close", 20.0), InvalidParameter, "window 20.0 is no whole number"),
        (lambda d, a: d.rolling_mean(a, "close", True), InvalidParameter, "window True is no whole number"),
        (lambda d, a: d.rolling_mean(a, "close", 5, 6), InvalidParameter, "min_count 6 is greater"),
        (lambda d, a: d.lag(a, "close", 0), InvalidParameter, "bars 0 is less than 1"),
        (lambda d, a: d.ema(a, "close", "fast"), InvalidParameter, "span 'fast' is no finite number"),
        (lambda d, a: d.rsi(a, 0), InvalidParameter, "window 0 is less than 1"),
        (lambda d, a: d.bollinger(a, "close", 20, -2), InvalidParameter, "width -2 is no finite number"),
        (lambda d, a: d.rolling_mean("MSFT", "close", 5), TypeError, "look it up with symbol"),
        (lambda d, a: d.rolling_correlation(a, "MSFT", 5), TypeError, "Expected other argument"),
    ],
)
def test_what_is_no_question_is_refused(quad, call, error, message):
    market = DailyMarket(portal_of(quad))
    data, asset = standing(market, 100), market.portal.finder.equities[0]
    data.rolling_mean(asset, "close", 20)
    data.rolling_mean(asset, "close", 1)
    with pytest.raises(error, match=message):
        call(data, asset)


def test_a_column_is_computed_once_for_all_runs(quad):
    portal = portal_of(quad)
    asset = portal.finder.equities[0]
    before = series_of(portal, "daily").statistics
    for row in (100, 101, 200):
        standing(DailyMarket(portal), row).rolling_mean(asset, "open", 37)
    after = series_of(portal, "daily").statistics
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 2)


def test_an_algorithm_reads_them_and_one_without_does_not_load_the_compiler(tmp_path):
    make_bundle({"A": bars([10.0, 12.0, 14.0, 16.0], volume=[100.0, 200.0, 300.0, 400.0])})
    seen = []

    def initialize(context):
        (context.asset,) = symbols("A")

    def handle_data(context, data):
        seen.append((data.rolling_mean(context.asset, "volume", 2), data.rolling_max(context.asset, "close", 3, 1)))

    run_algorithm("2020-01-02", "2020-01-07", initialize, 1000.0, handle_data, bundle="made")
    assert seen[1:] == [(150.0, 12.0), (250.0, 14.0), (350.0, 16.0)]
    script = (
        "import sys; from rustybt import run_algorithm\n"
        "run_algorithm('2020-01-02', '2020-01-07', capital_base=1.0, handle_data=lambda c, d: None, bundle='made')\n"
        "print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_before_trading_start_the_night_counts():
    """At a split's session, before its bar, yesterday's window is seen in today's shares, as in `history`."""
    make_bundle({"A": bars([10.0, 12.0, 7.0, 8.0])}, splits=[("A", "2020-01-06", 0.5)])
    seen = {}

    def initialize(context):
        (context.asset,) = symbols("A")

    def before_trading_start(context, data):
        for field in ("close", "volume"):
            if len(seen) >= 2:
                window = data.history(context.asset, field, 2, "1d")
                assert data.rolling_mean(context.asset, field, 2) == window.mean()
        lower = data.bollinger(context.asset, "close", 1).lower
        seen[str(data.current_session.date())] = (
            data.rolling_max(context.asset, "close", 2), data.lag(context.asset, "close"), lower,
            data.rolling_sum(context.asset, "volume", 1), data.returns(context.asset),
        )  # fmt: skip

    run_algorithm(
        "2020-01-03", "2020-01-07", initialize, 1000.0, before_trading_start=before_trading_start, bundle="made",
        corrections={"no_lookahead_before_trading_start"},
    )  # fmt: skip
    assert seen["2020-01-06"] == (6.0, 5.0, 6.0, 2_000_000.0, 12 / 10 - 1)
    assert seen["2020-01-07"] == (7.0, 6.0, 7.0, 1_000_000.0, 7 / 6 - 1)
    assert np.isnan(seen["2020-01-03"][0])


# Minutes --------------------------------------------------------------------------------------------------------


@pytest.fixture
def minutes():
    """Three months' ends, a symbol with half of its minutes, a split and dividends at nights."""
    labels = minutes_of("2020-01-30", "2020-03-03")
    draw = np.random.default_rng(6)
    frames = {"A": minute_bars(labels[draw.random(len(labels)) < 0.5], 7), "B": minute_bars(labels, 8)}
    split = pd.DataFrame([{"sid": sid, "effective_date": "2020-02-03", "ratio": 0.5} for sid in (0, 1)])
    dates = ["ex_date", "record_date", "declared_date", "pay_date"]
    paid = [{"sid": 0, "amount": 0.5, **dict.fromkeys(dates, day)} for day in ("2020-01-31", "2020-03-02")]
    daily = {s: bars([20.0] * 23, first="2020-01-30") for s in "AB"}
    return make_minute_bundle(frames, daily=daily, splits=split, dividends=pd.DataFrame(paid))


@pytest.mark.parametrize(("bar", "window"), [(100, 30), (779, 30), (780, 30), (900, 400), (8190, 8000), (8500, 20)])
def test_minute_reads_are_statistics_of_history_over_months(minutes, bar, window):
    """The months begin at minutes 0, 780 and 8190."""
    market = MinuteMarket(portal_of(minutes))
    assert market.portal.bundle.minute_table.block_first.tolist() == [0, 780, 8190, 8970]
    data = standing(market, market.row_of(bar), bar)
    fields = ("close", "volume", "price") if window < 8000 else ("price",)
    check_against_history(data, list(market.portal.finder.equities), window, "1m", fields)


def test_a_minute_run_reads_minutes(minutes):
    found = []

    def initialize(context):
        context.assets = symbols("A", "B")

    def handle_data(context, data):
        if data.current_dt.minute == 0:
            window = data.history(context.assets, "price", 45, "1m")
            np.testing.assert_allclose(data.rolling_mean(context.assets, "price", 45), window.mean(), rtol=1e-12)
            found.append(data.rolling_correlation(context.assets[0], context.assets[1], 20))

    run_algorithm(
        "2020-01-31", "2020-02-04", initialize, 1000.0, handle_data, bundle="minute-made", data_frequency="minute"
    )
    assert len(found) == 21 and np.isfinite(found[2:]).all()


@pytest.mark.parametrize("begin", [0, 780, 8190])
def test_smoothed_minutes_do_not_depend_on_where_months_begin(minutes, begin):
    """Against averages from the first minute on, over the split and the dividends."""
    market = MinuteMarket(portal_of(minutes))
    assets = market.portal.finder.equities
    one_table = Series(OneStretch(market), 1 << 20)
    months = Series(MinuteStretches(market.portal), 1 << 20)
    for bar in (begin + 100, begin + 101, begin + 500):
        for asset in assets:
            for name, field, length in (
                ("ema", "close", 20.5),
                ("ema", "price", 9),
                ("rsi", "close", 14),
                ("atr", "close", 5),
            ):
                asked = (bar, asset, name, field, length, None, None)
                np.testing.assert_allclose(months.at(*asked), one_table.at(*asked), rtol=1e-12)


class OneStretch(MinuteStretches):
    """All minutes of a small bundle at once."""

    def __init__(self, market):
        super().__init__(market.portal)

    def around(self, bar):
        return 0, len(self._market.label_ns)


def test_a_smoothing_looks_back_for_bars_with_a_value():
    """Of a symbol with one minute in forty, forty times as many minutes are read; but none before its listing."""
    labels = minutes_of("2020-01-02", "2020-02-04")
    frames = {"A": minute_bars(labels[::40], 7), "B": minute_bars(labels, 8)}
    bundle = make_minute_bundle(frames, daily={s: bars([20.0] * 22) for s in "AB"})
    market = MinuteMarket(portal_of(bundle))
    rare, common = market.portal.finder.equities
    stretches = MinuteStretches(market.portal)
    begin = stretches.around(len(labels) - 1)[0]
    assert begin - stretches.begin_smoothing(common, "close", begin, 100) == 4096
    assert stretches.begin_smoothing(rare, "close", begin, 200) == 0
    assert stretches.begin_smoothing(rare, "price", begin, 100) == begin - 4096
    asked = (len(labels) - 1, rare, "ema", "close", 9, None, None)
    assert Series(stretches).at(*asked) == pytest.approx(Series(OneStretch(market)).at(*asked), rel=1e-12)
    assert DailyStretch(market.portal).begin_smoothing(rare, "close", 0, 100) == 0
