"""What a vector strategy reads: fields as `history` and `current` report them, indicators computed once."""

import numpy as np
import pandas as pd
import pytest

from rustybt.data.bars import Bars, bars_of
from rustybt.data.byte_cache import ByteCache
from rustybt.data.history import daily_window
from rustybt.data.portal import portal_of
from rustybt.errors import InvalidParameter, InvalidSpan
from tests.builders import bars, days, make_bundle

INDICATORS = {
    "sum": lambda b: b.sum("volume", 20),
    "mean": lambda b: b.mean("price", 20),
    "std": lambda b: b.std("close", 20, 10),
    "min": lambda b: b.min("low", 20),
    "max": lambda b: b.max("high", 20),
    "median": lambda b: b.median("close", 20, 5),
    "rank": lambda b: b.rank("volume", 20),
    "zscore": lambda b: b.zscore("price", 20),
    "lag": lambda b: b.lag("close", 3),
    "returns": lambda b: b.returns(5),
    "volume_mean": lambda b: b.volume_mean(20),
    "ema": lambda b: b.ema("price", 12),
    "rsi": lambda b: b.rsi(),
    "atr": lambda b: b.atr(),
    "bollinger": lambda b: b.bollinger("close").upper,
    "correlation": lambda b: b.correlation(b.assets[1], 20),
    "price": lambda b: b.price,
    "close": lambda b: b.close,
}


def of(bundle, first=0, last=None, **options):
    portal = portal_of(bundle)
    last = len(portal.session_ns) - 1 if last is None else last
    return Bars(portal, first, last, portal.finder.equities, **options)


@pytest.mark.parametrize("name", ["quad", "holes"])
def test_fields_are_windows_of_one_bar_and_price_is_the_portals(name, request):
    read = of(request.getfixturevalue(name), 100, 400)
    for field in ("open", "high", "low", "close", "volume"):
        expected = [daily_window(read.portal, read.assets, row, 1, field)[0] for row in range(100, 401)]
        np.testing.assert_array_equal(getattr(read, field), expected)
    prices = np.array([[read.portal.price(asset, row) for asset in read.assets] for row in range(100, 401)])
    assert read.price.tobytes() == prices.tobytes()


@pytest.mark.parametrize("name", INDICATORS)
def test_arrays_are_one_row_a_session_and_cannot_be_written(name, quad):
    read = of(quad, 100, 400)
    array = INDICATORS[name](read)
    assert array.shape == read.shape == (301, 4)
    assert (array.dtype, array.flags.c_contiguous, array.flags.writeable) == (np.float64, True, False)
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1.0


@pytest.mark.parametrize("name", INDICATORS)
def test_a_span_is_warm_and_shows_what_a_longer_one_shows(name, holes):
    whole, part = INDICATORS[name](of(holes)), INDICATORS[name](of(holes, 300, 700))
    assert part.tobytes() == whole[300:701].tobytes()


@pytest.mark.parametrize("name", INDICATORS)
def test_no_row_knows_later_bars_or_events(name):
    """Another end of the data, other prices in it, and a split and dividends there: what was before stays."""
    draw = np.random.default_rng(11)
    day = [str(d.date()) for d in days(60)]
    frames = {}
    for symbol in "AB":
        frames[symbol] = bars(np.round(draw.uniform(5, 50, 60), 3), volume=draw.integers(1, 99, 60) * 100.0)
    later = {s: f.assign(**{c: np.where(np.arange(60) < 40, f[c], 77.0) for c in f}) for s, f in frames.items()}
    early = [("A", day[25], 0.5)]
    before = INDICATORS[name](of(make_bundle(frames, name="before", splits=early)))
    after = INDICATORS[name](
        of(
            make_bundle(
                later, name="after", splits=[*early, ("B", day[40], 0.1)], dividends=[("A", day[45], day[50], 1.0)]
            )
        )
    )
    assert before[:40].tobytes() == after[:40].tobytes()
    assert np.isfinite(before[25:40]).any()
    assert before[40:].tobytes() != after[40:].tobytes()


def test_indicators_equal_pandas_where_nothing_is_adjusted():
    draw = np.random.default_rng(12)
    frame = bars(np.round(draw.uniform(5, 50, 90), 3), volume=draw.integers(1, 99, 90) * 100.0)
    other = bars(np.round(draw.uniform(5, 50, 90), 3))
    read = of(make_bundle({"A": frame, "B": other}))
    close, volume = frame["close"], frame["volume"]
    expected = {
        "sum": volume.rolling(20).sum(),
        "mean": close.rolling(20).mean(),
        "std": close.rolling(20, 10).std(),
        "min": close.rolling(20).min(),
        "max": close.rolling(20).max(),
        "median": close.rolling(20, 5).median(),
        "rank": volume.rolling(20).rank(pct=True),
        "zscore": (close - close.rolling(20).mean()) / close.rolling(20).std(),
        "lag": close.shift(3),
        "returns": close.pct_change(5),
        "volume_mean": volume.rolling(20).mean(),
        "ema": close.ewm(span=12, adjust=False).mean(),
        "bollinger": close.rolling(20).mean() + 2 * close.rolling(20).std(ddof=0),
        "correlation": close.pct_change().rolling(20).corr(other["close"].pct_change()),
    }
    for name, series in expected.items():
        np.testing.assert_allclose(INDICATORS[name](read)[:, 0], series, rtol=1e-9, atol=1e-11, err_msg=name)


def test_bands_lie_around_the_mean(quad):
    read = of(quad)
    lower, middle, upper = read.bollinger("close", 10, 1.5)
    assert middle is read.mean("close", 10)
    np.testing.assert_allclose(upper - middle, middle - lower)
    np.testing.assert_allclose(upper[200] - middle[200], 1.5 * read.std("close", 10)[200] * (9 / 10) ** 0.5)


def test_correlations_of_returns_and_of_values(quad):
    read = of(quad)
    symbol = read.symbols[2]
    assert (read.correlation(symbol, 30) is read.correlation(read.assets[2], 30)) is True
    one = read.correlation(symbol, 30)
    np.testing.assert_allclose(one[31:, 2], 1.0)
    assert np.nanmax(np.abs(one - read.correlation(symbol, 30, of_returns=False))) > 0.1


def test_sessions_and_columns_say_what_they_are(quad):
    read = of(quad, 3, 7)
    assert read.sessions.dtype == "datetime64[ns]"
    assert pd.DatetimeIndex(read.sessions).equals(read.portal.sessions[3:8])
    assert (len(read), read.symbols) == (5, tuple(asset.symbol for asset in read.assets))
    assert repr(read) == f"Bars(2012-01-06 to 2012-01-12, {', '.join(read.symbols)})"


# What is kept ---------------------------------------------------------------------------------------------------


def test_what_trials_share_is_computed_once(quad):
    read = of(quad)
    first = read.mean("price", 50)
    assert read.mean("price", 50) is first and read.mean("price", window=50, min_count=50) is first
    assert read.mean("price", np.int64(50)) is first
    assert read.mean("price", 51) is not first and read.mean("price", 50, 49) is not first
    assert read.statistics == (3, 3, 3, 3 * first.nbytes)


def test_kept_arrays_stay_within_their_bytes(quad):
    one = of(quad).close.nbytes
    read = of(quad, max_bytes=2 * one + 1)
    for window in (5, 6, 5, 7):
        read.mean("close", window)
    assert read.statistics == (1, 3, 2, 2 * one)
    read.mean("close", 5)  # was read after 6, so 6 went
    assert read.statistics.hits == 2
    small = of(quad, max_bytes=10)
    assert not small.mean("close", 5).flags.writeable
    assert small.statistics == (0, 1, 0, 0)


def test_a_cache_counts_what_it_finds():
    cache = ByteCache(100)
    assert cache.find("a") is None
    made = cache.get("a", lambda: np.zeros(4))
    assert cache.find("a") is made
    assert cache.statistics == (1, 1, 1, 32)


def test_a_process_shares_the_bars_of_a_span(quad):
    portal = portal_of(quad)
    assets = tuple(portal.finder.equities)
    assert bars_of(portal, 5, 9, assets) is bars_of(portal, 5, 9, assets)
    assert bars_of(portal, 5, 9, assets) is not bars_of(portal, 5, 8, assets)


# Refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda b: b.mean("clsoe", 5), r"field 'clsoe' is unknown \(did you mean 'close'\?\)"),
        (lambda b: b.mean("close", 0), "window 0 is less than 1: give a number of bars"),
        (lambda b: b.mean("close", 5.0), "window 5.0 is no whole number"),
        (lambda b: b.std("close", 5, 6), "min_count 6 is greater than the window 5"),
        (lambda b: b.lag("close", 0), "bars 0 is less than 1"),
        (lambda b: b.returns(field="prise"), r"field 'prise' is unknown \(did you mean 'price'\?\)"),
        (lambda b: b.ema("close", 0), "span 0 is no finite number from 1.0 on"),
        (lambda b: b.bollinger("close", width=-1), "width -1 is no finite number from 0.0 on"),
        (lambda b: b.correlation("MSTF", 5), r"asset 'MSTF' is not among .* \(did you mean 'MSFT'\?\)"),
        (lambda b: b.correlation(3, 5), "asset 3 is not among"),
    ],
)
def test_what_is_no_indicator_is_refused(quad, call, message):
    with pytest.raises(InvalidParameter, match=message):
        call(of(quad))


def test_what_is_no_span_is_refused(quad):
    portal = portal_of(quad)
    assets = portal.finder.equities
    for first, last in ((-1, 5), (5, 4), (0, len(portal.session_ns))):
        with pytest.raises(InvalidSpan, match=f"session rows {first} to {last} do not lie in the bundle's 0 to"):
            Bars(portal, first, last, assets)
    for chosen in ([], [assets[0], assets[0]]):
        with pytest.raises(InvalidParameter, match="hold none, or one twice"):
            Bars(portal, 0, 5, chosen)


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("indicator", INDICATORS)
@pytest.mark.parametrize("name", ["quad", "holes"])
def test_bars_until_a_session_are_those_of_a_span_that_ends_there(name, indicator, is_known, request):
    bundle = request.getfixturevalue(name)
    whole, shorter = of(bundle, 100, 400), of(bundle, 100, 250)
    if is_known:
        INDICATORS[indicator](whole)
    cut = whole.until(250)
    array = INDICATORS[indicator](cut)
    assert array.tobytes() == INDICATORS[indicator](shorter).tobytes()
    assert (cut.shape, array.flags.c_contiguous, array.flags.writeable) == (shorter.shape, True, False)
    assert cut.sessions.tolist() == shorter.sessions.tolist()
    assert (cut.statistics.arrays == 0) == is_known
