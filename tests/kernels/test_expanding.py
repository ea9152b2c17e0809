"""Expanding statistics against two-pass formulas on every prefix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rustybt.kernels.expanding import expanding_constant, expanding_drawdown, expanding_moments

returns_strategy = arrays(np.float64, st.integers(1, 40), elements=st.floats(-0.5, 0.5))


@given(returns_strategy, st.integers(0, 2**32 - 1))
def test_moments_of_every_prefix_equal_the_two_pass_formulas(returns, seed):
    benchmark = np.random.default_rng(seed).normal(0, 0.01, len(returns))
    mean, m2, downside, mean_b, m2_b, co = expanding_moments(returns, benchmark)
    for i in range(len(returns)):
        r, b = returns[: i + 1], benchmark[: i + 1]
        assert mean[i] == pytest.approx(r.mean(), abs=1e-15)
        assert m2[i] == pytest.approx(((r - r.mean()) ** 2).sum(), rel=1e-9, abs=1e-15)
        assert downside[i] == pytest.approx((np.minimum(r, 0) ** 2).mean(), rel=1e-9, abs=1e-18)
        assert mean_b[i] == pytest.approx(b.mean(), abs=1e-15)
        assert m2_b[i] == pytest.approx(((b - b.mean()) ** 2).sum(), rel=1e-9, abs=1e-18)
        assert co[i] == pytest.approx(((r - r.mean()) * (b - b.mean())).sum(), rel=1e-7, abs=1e-15)


def test_equal_returns_have_exactly_no_deviation():
    returns = np.full(500, 0.1)
    m2 = expanding_moments(returns, returns)[1]
    assert m2.tolist() == [0.0] * 500
    assert expanding_constant(returns).all()


def test_constant_until_the_first_other_value():
    assert expanding_constant(np.array([0.0, 0.0, 1e-12, 0.0])).tolist() == [True, True, False, False]


@given(returns_strategy)
def test_drawdown_of_every_prefix_equals_the_loop(returns):
    wealth, peak, deepest = 1.0, 1.0, 0.0
    expected = []
    for r in returns.tolist():
        wealth *= 1 + r
        peak = max(peak, wealth)
        deepest = min(deepest, (wealth - peak) / peak)
        expected.append(deepest)
    assert expanding_drawdown(returns) == pytest.approx(expected, abs=1e-12)


def test_no_returns_give_no_statistics():
    assert all(column.shape == (0,) for column in expanding_moments(np.empty(0), np.empty(0)))
