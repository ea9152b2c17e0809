"""EMA, RSI and ATR: equal to averages made anew for each row, to pandas, and to published numbers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt.kernels import smoothing
from tests.oracles import naive_rolling as naive

INF, NAN = np.inf, np.nan


def packed(events):
    rows, factors = np.array([r for r, _ in events], dtype=np.int64), np.array([f for _, f in events], dtype=np.float64)
    return np.array([0, len(rows)]), rows, factors


def column(values):
    return np.asarray(values, dtype=np.float64).reshape(-1, 1)


def ema(values, events=(), span=3.0, skip=0):
    return smoothing.ema(column(values), *packed(events), span, skip)[:, 0]


def rsi(values, events=(), window=3, skip=0):
    return smoothing.rsi(column(values), *packed(events), window, skip)[:, 0]


def atr(bars, events=(), window=3, skip=0):
    high, low, close = np.asarray(bars, dtype=np.float64).reshape(-1, 3).T
    return smoothing.atr(column(high), column(low), column(close), *packed(events), window, skip)[:, 0]


price = st.one_of(st.just(NAN), st.floats(1, 1000))
changes = st.lists(st.tuples(st.integers(0, 35), st.floats(0.1, 10)), max_size=4).map(
    lambda rows: sorted(rows, key=lambda row: row[0])
)


@settings(max_examples=80, deadline=None)
@given(values=st.lists(price, max_size=30), events=changes, span=st.floats(1, 40))
def test_an_ema_equals_one_made_anew(values, events, span):
    np.testing.assert_allclose(ema(values, events, span), naive.ema(values, events, span), rtol=1e-12)
    plain = pd.Series(values, dtype=float).ewm(span=span, adjust=False, ignore_na=True).mean()
    np.testing.assert_allclose(ema(values, (), span), plain, rtol=1e-12)


@settings(max_examples=80, deadline=None)
@given(values=st.lists(price, max_size=30), events=changes, window=st.integers(1, 12))
def test_an_rsi_equals_one_made_anew(values, events, window):
    got, expected = rsi(values, events, window), naive.rsi(values, events, window)
    # Where nothing changed but a factor's last bits there is no strength to speak of.
    moved = [np.ptp(naive.known(values[: row + 1]) or [0]) > 1e-3 for row in range(len(values))]
    np.testing.assert_allclose(got[moved], expected[moved], rtol=1e-7, atol=1e-7)


@settings(max_examples=80, deadline=None)
@given(
    bars=st.lists(st.tuples(price, st.floats(0, 5), st.floats(0, 1)), max_size=30),
    events=changes,
    window=st.integers(1, 12),
)
def test_an_atr_equals_one_made_anew(bars, events, window):
    low = np.array([bar[0] for bar in bars])
    high = low + [bar[1] for bar in bars]
    close = low + [bar[1] * bar[2] for bar in bars]
    got = atr(np.array([high, low, close]).T, events, window)
    np.testing.assert_allclose(got, naive.atr(high, low, close, events, window), rtol=1e-9, atol=1e-9)


CLOSES = (
    "44.3389 44.0902 44.1497 43.6124 44.3278 44.8264 45.0955 45.4245 45.8433 46.0826 45.8931 46.0328 45.6140 46.2820 "
    "46.2820 46.0028 46.0328 46.4116 46.2222 45.6439 46.2122 46.2521 45.7137 46.4515 45.7835 45.3548 44.0288 44.1783 "
    "44.2181 44.5672 43.4205 42.6628 43.1314"
)
STRENGTHS = (
    "70.53 66.32 66.55 69.41 66.36 57.97 62.93 63.26 56.06 62.38 54.71 50.42 39.99 41.46 41.87 45.46 37.30 33.08 37.77"
)


def test_the_rsi_of_the_chart_school():
    """The worked example of StockCharts' ChartSchool for 14 days, printed there to two decimals."""
    got = rsi([float(x) for x in CLOSES.split()], window=14)
    assert np.isnan(got[:14]).all()
    np.testing.assert_allclose(got[14:], [float(x) for x in STRENGTHS.split()], atol=0.006)


def test_numbers_by_hand():
    # 0, then halfway to each: 2, 1 (2 is missing), 5
    np.testing.assert_array_equal(ema([NAN, 0.0, 4.0, NAN, 8.0]), [NAN, 0, 2, 2, 5])
    # gains 3, 0, 0 and losses 0, 1, 0: means of two 1.5 and 0.5, then 0.75 and 0.25
    np.testing.assert_array_equal(rsi([10.0, 13.0, 12.0, 12.0], window=2), [NAN, NAN, 75, 75])
    # ranges: 6-4.5 (over the close before 4.5), 9-5.5; mean 2.5; then (2.5 + 1) / 2
    bars = [(5, 4, 4.5), (6, 5, 5.5), (9, 8, 8.5), (9, 8, 8.5)]
    np.testing.assert_array_equal(atr(bars, window=2), [NAN, NAN, 2.5, 1.75])


def test_a_split_multiplies_the_state():
    split = [(2, 0.5)]
    np.testing.assert_array_equal(ema([8.0, 8.0, 4.0], split), [8, 8, 4])
    np.testing.assert_array_equal(rsi([8.0, 10.0, 5.0, 4.5], split, window=2), [NAN, NAN, 100, 50])
    bars = [(10, 8, 8), (10, 8, 8), (5, 4, 4), (5, 4, 4)]
    np.testing.assert_array_equal(atr(bars, split, window=1), [NAN, 2, 1, 1])


def test_what_has_no_value_is_nan():
    assert np.isnan(rsi([5.0] * 9)).all()
    assert ema([]).shape == rsi([]).shape == atr([]).shape == (0,)
    assert ema([7.0]).tolist() == [7.0]
    assert np.isnan(rsi([7.0])).all() and np.isnan(atr([(3, 1, 2)])).all()
    assert np.isnan(rsi([1.0, 2.0, 3.0], window=40)).all()


def test_great_numbers_and_infinities_go_as_in_pandas():
    values = [1.0, 1e16, 2.0, INF, 3.0]
    expected = pd.Series(values).ewm(span=3, adjust=False, ignore_na=True).mean()
    np.testing.assert_allclose(ema(values), expected)
    np.testing.assert_array_equal(rsi([1.0, INF, 2.0, -INF, 1.0], window=2), [NAN, NAN, NAN, NAN, 50])
    np.testing.assert_array_equal(atr([(3, 1, 2), (INF, 1, 2), (4, 2, 3)], window=1), [NAN, NAN, 2])
    assert ema([0.1] * 50, span=7.0).tolist() == [0.1] * 50


@pytest.mark.parametrize("give", [ema, rsi, lambda v, e, skip=0: atr(np.array([v + 1, v - 1, v]).T, e, skip=skip)])
def test_no_row_looks_ahead_and_the_first_are_history(give):
    values = np.random.default_rng(4).normal(50, 3, 40)
    events = [(6, 0.5), (21, 2.0), (22, 0.9)]
    before = give(values, events)
    for row in range(40):
        changed = values.copy()
        changed[row:] = 1.0
        after = give(changed, [(r, f if r < row else 7.0) for r, f in events])
        assert after[:row].tobytes() == before[:row].tobytes()
        assert give(values, events, skip=row).tobytes() == before[row:].tobytes()
