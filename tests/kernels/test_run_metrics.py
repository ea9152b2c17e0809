"""Metrics in a few passes: what `rustybt.results.metrics` computes one by one, for any returns whatever."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt.finance.records import TRANSACTION
from rustybt.kernels import run_metrics as kernels
from rustybt.kernels import simulation_types as types
from rustybt.kernels.run_metrics import NAMES
from rustybt.results.metrics import METRICS, MetricInputs, compute_metrics
from rustybt.results.trades import round_trips

OF_RETURNS = NAMES[:24]


def by_kernels(returns, benchmark):
    out = np.full(len(NAMES), np.nan)
    with np.errstate(all="ignore"):
        height = np.log1p(returns).cumsum()
        ordered = np.partition(returns, kernels.places_of(len(returns))) if len(returns) else returns
        kernels.write_return_metrics(out, returns, ordered, height)
        kernels.write_benchmark_metrics(out, returns, benchmark)
    kernels.close_metrics(out)
    return dict(zip(NAMES, out.tolist(), strict=True))


def one_by_one(returns, benchmark):
    n, fills = len(returns), np.empty(0, TRANSACTION)
    return compute_metrics(MetricInputs(returns, benchmark, np.ones(n), 1.0, np.zeros(n), round_trips(fills), fills))


def differing(returns, benchmark, tolerance=1e-9):
    returns, benchmark = np.array(returns, dtype=float), np.array(benchmark, dtype=float)
    got, want = by_kernels(returns, benchmark), one_by_one(returns, benchmark)
    return {
        name: (got[name], want[name])
        for name in OF_RETURNS
        if not (
            math.isclose(got[name], want[name], rel_tol=tolerance, abs_tol=tolerance)
            or (math.isnan(got[name]) and math.isnan(want[name]))
        )
    }


def test_names_are_those_of_the_registry_in_its_order():
    assert list(NAMES) == list(METRICS)


@pytest.mark.parametrize(
    "returns",
    [
        [],
        [0.01],
        [0.0],
        [-1.0],
        [0.0] * 10,
        [0.01] * 10,
        [-0.01] * 10,
        [0.1] * 3,  # whose mean is not 0.1
        [-1.0, 0.0, 0.0],
        [0.5, -1.0, 0.5],
        [-1.0, -1.0],
        [-2.0, 3.0, -5.0],
        [math.nan, 0.1, 0.2],
        [0.1, math.inf],
        [0.1, -math.inf, math.nan],
        [1e-100, -1e-100, 3e-100],  # squares of less than 1e-154 would be 0
        [1e-17, 2e-17, 1e-17],
        [1e16, 1.0, -1e16, 2.0],
        [0.01, 0.02],
        [0.02, 0.01, 0.02],
        [-0.0, 0.0],
    ],
)
@pytest.mark.parametrize("bench", ["zeros", "same", "constant", "ramp", "nan", "inf"])
def test_adversarial_returns(returns, bench):
    n = len(returns)
    benchmark = {
        "zeros": [0.0] * n,
        "same": list(returns),
        "constant": [0.003] * n,
        "ramp": [0.001 * k for k in range(n)],
        "nan": [math.nan] * n,
        "inf": [math.inf] + [0.0] * (n - 1) if n else [],
    }[bench]
    assert differing(returns, benchmark) == {}


daily = st.floats(-0.2, 0.25) | st.sampled_from([0.0, 0.01, -0.01])


@settings(max_examples=300)
@given(st.lists(st.tuples(daily, daily), max_size=60))
def test_any_daily_returns(pairs):
    # Rounded, because a ratio to a spread that is nothing but rounding is no more than that.
    returns, benchmark = (
        (np.round(np.array(each, dtype=float), 6) for each in zip(*pairs, strict=True)) if pairs else ([], [])
    )
    assert differing(returns, benchmark, 1e-8) == {}


@pytest.mark.parametrize("seed", range(6))
def test_long_series(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(200, 6000))
    assert differing(rng.standard_t(3, n) * 0.01, rng.normal(0.0003, 0.01, n)) == {}


def test_by_hand():
    got = by_kernels(np.array([0.1, -0.5, 0.2]), np.array([0.1, 0.0, -0.1]))
    assert got["total_return"] == pytest.approx(1.1 * 0.5 * 1.2 - 1)
    assert (got["max_drawdown"], got["max_drawdown_duration"]) == (pytest.approx(-0.5), 2.0)
    assert got["beta"] == pytest.approx(((0.1 * 0.1) + (-0.1 * 0.2)) / 3 / (0.02 / 3))
    assert got["win_rate_days"] == pytest.approx(2 / 3)
    assert (got["best_day"], got["worst_day"]) == (0.2, -0.5)
    assert got["omega"] == pytest.approx(0.3 / 0.5)
    assert got["value_at_risk_95"] == pytest.approx(-0.5 + 0.1 * 0.6)
    assert got["cvar_95"] == -0.5


# Values, costs and fills ----------------------------------------------------------------------------------------------


def account_metrics(sessions, fills, capital=100.0):
    out = np.full(len(NAMES), np.nan)
    fields = np.zeros((types.N_SESSION_FIELDS, len(sessions)))
    for s, (value, gross, borrow, margin) in enumerate(sessions):
        fields[types.PORTFOLIO_VALUE, s], fields[types.GROSS_LEVERAGE, s] = value, gross
        fields[types.SESSION_BORROW_COST, s], fields[types.SESSION_MARGIN_INTEREST, s] = borrow, margin
    table = np.array([(*fill, 0.0) for fill in fills], dtype=float).reshape(-1, 4)
    kernels.write_account_metrics(out, fields, len(sessions), table, len(fills), capital)
    kernels.close_metrics(out)
    return dict(zip(NAMES, out.tolist(), strict=True))


@settings(max_examples=100)
@given(
    sessions=st.lists(
        st.tuples(st.floats(-1e3, 1e6), st.floats(0, 5) | st.just(math.inf), st.floats(0, 9), st.floats(0, 9)),
        max_size=20,
    ),
    fills=st.lists(st.tuples(st.integers(-50, 50).filter(bool), st.floats(0.01, 99), st.floats(0, 9)), max_size=9),
)
def test_any_account(sessions, fills):
    columns = np.array(sessions, dtype=float).reshape(-1, 4).T.copy()
    records = np.array([(0, 1, *fill, 0) for fill in fills], TRANSACTION)
    zeros = np.zeros(len(sessions))
    want = compute_metrics(
        MetricInputs(
            zeros, zeros, columns[0], 100.0, columns[1], round_trips(records), records,
            float(columns[2].sum()), float(columns[3].sum()),
        )
    )  # fmt: skip
    got = account_metrics(sessions, fills)
    for name in NAMES[24:34]:
        assert got[name] == pytest.approx(want[name], rel=1e-9, abs=1e-9, nan_ok=True), name
