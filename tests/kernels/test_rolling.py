"""Rolling statistics: equal to windows made anew for each row, blind to the future, and never off after an infinity."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt.data.indicators import STATISTICS
from rustybt.kernels.rolling import NOT_FILLED, rolling
from rustybt.kernels.rolling_pairs import rolling_correlation
from tests.oracles import naive_rolling as naive

EXACT = ("min", "max", "median", "rank", "lag", "returns")
INF, NAN = np.inf, np.nan


def run(name, values, events=(), window=3, min_count=None, *, rounds=False, leads=None, end=None, skip=0):
    """The kernel on one column."""
    column = np.asarray(values, dtype=np.float64).reshape(-1, 1)
    rows, factors = np.array([r for r, _ in events], dtype=np.int64), np.array([f for _, f in events], dtype=np.float64)
    given_leads = np.empty((0, 0)) if leads is None else np.asarray(leads, dtype=np.float64).reshape(-1, 1)
    return rolling(
        STATISTICS[name], column, np.array([0, len(rows)]), rows, factors,
        np.array([NOT_FILLED if end is None else end]), given_leads, rounds, window, min_count or window, skip,
    )[:, 0]  # fmt: skip


def check(name, values, events=(), window=3, min_count=None, **view):
    got = run(name, values, events, window, min_count, **view)
    expected = naive.rolling(name, values, events, window, min_count or window, **view)
    if name in EXACT:
        np.testing.assert_array_equal(got, expected)
        return
    np.testing.assert_array_equal(np.isfinite(got), np.isfinite(expected))
    np.testing.assert_array_equal(got[~np.isfinite(got)], expected[~np.isfinite(got)])
    for row in np.flatnonzero(np.isfinite(got)).tolist():
        cells = np.abs(naive.known(naive.window_at(values, events, row, window, **view)))
        scale = {"sum": cells.sum(), "mean": cells.max(), "std": cells.max(), "population_std": cells.max()}
        spread = naive.deviation(cells.tolist(), 1) if name == "zscore" else 1.0
        # Rounding is relative to the numbers that went in; of a z-score, to their size in deviations.
        allowed = 1e-13 * scale.get(name, 1 + len(cells) * cells.max() / max(spread, 1e-300))
        assert abs(got[row] - expected[row]) <= max(allowed, 1e-12 * abs(expected[row])), (name, row)


COLUMNS = {
    "prices": [10.0, 10.25, 9.875, 9.5, 11.0, 12.125, 12.0, 11.75],
    "gaps": [NAN, 1.0, NAN, NAN, 2.0, 3.0, NAN, 5.0, 4.0, NAN, NAN, NAN, NAN, 1.0],
    "an infinity that leaves": [1.0, 2.0, INF, 3.0, 4.0, 5.0, 6.0, -INF, 2.0, 1.0, 3.0, 4.0],
    "both infinities": [1.0, INF, -INF, 2.0, 3.0, 4.0, 5.0],
    "a great number that leaves": [1.0, 2.0, 1e16, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0],
    "constant": [0.1] * 9,
    "ties": [2.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 3.0, 3.0],
    "nothing known": [NAN] * 5,
    "one row": [7.0],
    "empty": [],
}


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("window", [1, 2, 3, 5, 40])
def test_columns_equal_windows_made_anew(name, column, window):
    check(name, COLUMNS[column], (), window)
    check(name, COLUMNS[column], [(2, 0.5), (2, 0.99), (6, 2.0)], window, rounds=True)
    check(name, COLUMNS[column], [(0, 3.0), (4, 0.7), (50, 9.0)], window, 1)


number = st.one_of(st.just(NAN), st.floats(0.01, 1000).map(lambda x: round(x, 3)), st.floats(-1e6, 1e6))
table = st.integers(0, 40).flatmap(lambda n: st.lists(number, min_size=n, max_size=n))
factor = st.tuples(st.integers(0, 45), st.floats(0.05, 20))
changes = st.lists(factor, max_size=5).map(lambda rows: sorted(rows, key=lambda row: row[0]))


@pytest.mark.parametrize("name", STATISTICS)
@settings(max_examples=40, deadline=None)
@given(values=table, events=changes, window=st.integers(1, 45), share=st.floats(0, 1), rounds=st.booleans())
def test_any_column_equals_windows_made_anew(name, values, events, window, share, rounds):
    check(name, values, events, window, max(1, round(share * window)), rounds=rounds)


@pytest.mark.parametrize("name", STATISTICS)
@settings(max_examples=40, deadline=None)
@given(data=st.data(), events=changes, window=st.integers(1, 45), rounds=st.booleans())
def test_filled_gaps_equal_windows_made_anew(name, data, events, window, rounds):
    values = data.draw(table.filter(len), label="values")
    end = data.draw(st.integers(0, len(values)), label="end")
    values[end:] = [NAN] * (len(values) - end)
    # A gap in which windows begin shows one value until another bar, or an adjustment.
    leads = data.draw(st.lists(st.sampled_from([NAN, 7.0, 7.0005]), min_size=len(values), max_size=len(values)))
    check(name, values, events, window, 1, rounds=rounds, leads=leads, end=end)


@pytest.mark.parametrize("name", STATISTICS)
def test_no_row_looks_ahead(name):
    draw = np.random.default_rng(1)
    values = np.exp(draw.normal(3, 1, 60))
    values[draw.random(60) < 0.2] = NAN
    leads = np.where(draw.random(60) < 0.5, 7.0, 8.0)
    events = [(r, draw.uniform(0.5, 1.5)) for r in (4, 15, 16, 33, 50)]
    for end in (None, 60):
        before = run(name, values, events, 8, 3, rounds=True, leads=leads, end=end)
        for row in range(60):
            changed, later_leads = values.copy(), leads.copy()
            changed[row:], later_leads[row:] = 1.0, 99.0
            later = [(r, f if r < row else 7.0) for r, f in events] + [(59, 0.1)]
            after = run(name, changed, later, 8, 3, rounds=True, leads=later_leads, end=end)
            assert after[:row].tobytes() == before[:row].tobytes()


def test_the_first_rows_are_history_and_not_given_out():
    values = COLUMNS["prices"]
    assert run("mean", values, window=3, skip=4).tobytes() == run("mean", values, window=3)[4:].tobytes()
    assert run("mean", values, window=3, skip=8).shape == (0,)


def test_each_column_has_its_own_events():
    values = np.array([[10.0, 10.0, 10.0], [6.0, 6.0, 6.0]])
    ends = np.full(3, NOT_FILLED)
    got = rolling(
        STATISTICS["sum"], values, np.array([0, 1, 1, 3]), np.array([1, 0, 1]), np.array([0.5, 3.0, 0.1]), ends,
        np.empty((0, 0)), False, 2, 2, 0,
    )  # fmt: skip
    assert got[1].tolist() == [11.0, 16.0, 7.0]


def test_numbers_of_the_pandas_documentation():
    b = [0.0, 1.0, 2.0, NAN, 4.0]
    np.testing.assert_array_equal(run("sum", b, window=2), [NAN, 1, 3, NAN, NAN])
    np.testing.assert_array_equal(run("sum", b, window=2, min_count=1), [0, 1, 3, 2, 4])
    np.testing.assert_array_equal(run("rank", [1, 4, 2, 3, 5, 3], window=3) * 3, [NAN, NAN, 2, 2, 3, 1.5])
    np.testing.assert_allclose(
        run("std", [5, 5, 6, 7, 5, 5, 5], window=3), [NAN, NAN, 0.57735, 1, 1, 1.154701, 0], atol=1e-6
    )


def test_numbers_by_hand():
    values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]  # mean 5, squares 32
    assert run("population_std", values, window=8)[-1] == 2.0
    assert run("std", values, window=8)[-1] == pytest.approx((32 / 7) ** 0.5, rel=1e-15)
    assert run("zscore", values, window=8)[-1] == pytest.approx(4 / (32 / 7) ** 0.5, rel=1e-15)
    assert run("median", values, window=8)[-1] == 4.5
    split = [(2, 0.5)]
    assert run("mean", [10.0, 12.0, 7.0], split, window=3)[-1] == (5 + 6 + 7) / 3
    assert run("lag", [10.0, 12.0, 7.0], split, window=3)[-1] == 5.0
    assert run("returns", [10.0, 12.0, 7.0], split, window=2)[-1] == 7 / 6 - 1


@pytest.mark.parametrize("value", [0.1, 1e-9, 123456.789, 1e16])
def test_a_constant_window_does_not_deviate(value):
    got = run("std", [1e3, *[value] * 50], window=7)
    assert set(got[7:]) == {0.0}
    assert np.isnan(run("zscore", [value] * 50, window=7)).all()


def test_a_long_column_does_not_drift():
    draw = np.random.default_rng(2)
    values = np.exp(np.cumsum(draw.normal(0, 0.02, 20_000)) + 5)
    values[5_000] = 1e16
    for name in ("mean", "std", "median", "min"):
        expected = getattr(pd.Series(values[6_000:]).rolling(50), name)().to_numpy()
        np.testing.assert_allclose(run(name, values, window=50)[6_050:], expected[50:], rtol=1e-9)
        last = getattr(np, name)(values[-50:], **({"ddof": 1} if name == "std" else {}))
        assert run(name, values, window=50)[-1] == pytest.approx(last, rel=1e-13)


# Correlation ----------------------------------------------------------------------------------------------------


def correlate(x, y, events_x=(), events_y=(), window=4, min_count=None, rounds=False):
    events = [*events_x, *events_y]
    offsets = np.array([0, len(events_x), len(events)])
    rows, factors = np.array([r for r, _ in events], dtype=np.int64), np.array([f for _, f in events], dtype=np.float64)
    values = np.array([x, y], dtype=np.float64).T.reshape(-1, 2).copy()
    ends = np.full(2, NOT_FILLED)
    least = min_count or window
    none = np.empty((0, 0))
    return rolling_correlation(values, 1, offsets, rows, factors, ends, none, rounds, window, least, 0)


def naive_correlation(x, y, events_x, events_y, window, min_count, rounds):
    return np.array(
        [
            naive.correlation(
                naive.window_at(x, events_x, row, window, rounds=rounds),
                naive.window_at(y, events_y, row, window, rounds=rounds),
                min_count,
            )
            for row in range(len(x))
        ]
    )


cent = st.one_of(st.just(NAN), st.integers(1, 10_000).map(lambda x: x / 100))


@settings(max_examples=50, deadline=None)
@given(
    pairs=st.lists(st.tuples(cent, cent), max_size=40),
    events_x=changes,
    events_y=changes,
    window=st.integers(1, 45),
    rounds=st.booleans(),
)
def test_correlations_equal_windows_made_anew(pairs, events_x, events_y, window, rounds):
    x, y = [p[0] for p in pairs], [p[1] for p in pairs]
    got = correlate(x, y, events_x, events_y, window, 2, rounds)[:, 0]
    expected = naive_correlation(x, y, events_x, events_y, window, 2, rounds)
    # A value of a window that factors changed may be constant but for its last bits.
    clear = [spread(x, events_x, r, window, rounds) and spread(y, events_y, r, window, rounds) for r in range(len(x))]
    np.testing.assert_allclose(got[clear], expected[clear], rtol=1e-9, atol=1e-9)


def spread(values, events, row, window, rounds):
    cells = naive.known(naive.window_at(values, events, row, window, rounds=rounds))
    return len(cells) < 2 or len(set(cells)) == 1 or np.ptp(cells) > 1e-5 * max(np.abs(cells))


def test_correlations_by_hand():
    x, y = [1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 4.0]
    both = correlate(x, y)
    assert both[3, 0] == pytest.approx(0.8, rel=1e-15)
    assert both[3, 1] == 1.0
    assert np.isnan(both[:3]).all()
    assert correlate(x, [-2 * v for v in x])[3, 0] == -1.0
    # A 2:1 split of x at row 2: what looked like a fall was none.
    assert correlate([2.0, 4.0, 3.0, 4.0], y, [(2, 0.5)])[3, 0] == pytest.approx(0.8, rel=1e-15)


@pytest.mark.parametrize("constant", [0.1, 1e16, 3.0])
def test_with_a_constant_nothing_correlates(constant):
    assert np.isnan(correlate([1.0, 2.0, 4.0, 8.0, 3.0], [constant] * 5)).all()


def test_correlations_are_whole_again_after_an_infinity_has_left():
    x, y = [INF, 1.0, 2.0, 3.0, 4.0, 1e16, 1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 3.0, 2.0, 4.0, 0.0, 1.0, 3.0, 2.0, 4.0]
    got = correlate(x, y)[:, 0]
    assert np.isnan(got[:4]).all()
    assert got[[4, 9]].tolist() == pytest.approx([0.8, 0.8], rel=1e-15)
    assert correlate([], []).shape == (0, 2)
    assert np.isnan(correlate([1.0], [2.0], window=1)).all()


def test_no_correlation_looks_ahead():
    draw = np.random.default_rng(3)
    x, y = draw.normal(10, 1, (2, 40))
    before = correlate(x, y, [(5, 0.5), (20, 2.0)], [(11, 0.9)], 6, 3, True)
    for row in range(40):
        x_, y_ = x.copy(), y.copy()
        x_[row:], y_[row:] = 0.0, 5.0
        events = [(r, f if r < row else 9.0) for r, f in [(5, 0.5), (20, 2.0)]]
        after = correlate(x_, y_, events, [(11, 0.9 if row > 11 else 4.0)], 6, 3, True)
        assert after[:row].tobytes() == before[:row].tobytes()
