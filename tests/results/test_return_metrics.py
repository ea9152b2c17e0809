"""Do the metrics of returns agree with slow exact twins, with published numbers, and with themselves?"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.results import return_metrics as fast
from tests.oracles import metrics as slow

# Multiples of a basis point: exact enough for fractions, and no denormal noise that no market has.
RETURN = st.integers(-4000, 4000).map(lambda bp: bp / 10_000)
RETURNS = st.lists(RETURN, min_size=2, max_size=60)
TWINS = (
    "total_return max_drawdown max_drawdown_duration sharpe sortino omega skew kurtosis psr cvar_95 stability".split()
)
EVERY_NAME = [*TWINS, "annual_return", "annual_volatility", "downside_risk", "calmar", "tail_ratio"]
EVERY_NAME += ["value_at_risk_95", "best_day", "worst_day", "win_rate_days"]


@pytest.mark.parametrize("name", TWINS)
@given(returns=RETURNS)
def test_equals_the_slow_twin(name, returns):
    got = getattr(fast, name)(np.array(returns))
    try:
        want = getattr(slow, name)(returns)
    except (ZeroDivisionError, ValueError):
        assert math.isnan(got)
    else:
        assert got == pytest.approx(want, rel=1e-9, abs=1e-11)


@given(pairs=st.lists(st.tuples(RETURN, RETURN), min_size=2, max_size=60))
def test_alpha_and_beta_equal_the_slow_twins(pairs):
    returns, benchmark = (list(side) for side in zip(*pairs, strict=True))
    got = fast.beta(np.array(returns), np.array(benchmark)), fast.alpha(np.array(returns), np.array(benchmark))
    if len(set(benchmark)) == 1:
        assert all(map(math.isnan, got))
    else:
        want = slow.beta(returns, benchmark), slow.alpha(returns, benchmark)
        assert got[0] == pytest.approx(want[0], rel=1e-9, abs=1e-12)
        assert got[1] == pytest.approx(want[1], rel=1e-7, abs=1e-9)


@given(returns=RETURNS)
def test_quantiles_equal_the_slow_twin(returns):
    array = np.array(returns)
    assert fast.value_at_risk_95(array) == pytest.approx(slow.quantile(returns, 0.05), abs=1e-12)
    low, high = slow.quantile(returns, 0.05), slow.quantile(returns, 0.95)
    if abs(low) > 1e-9:
        assert fast.tail_ratio(array) == pytest.approx(abs(high / low), rel=1e-9)


@given(returns=RETURNS)
def test_ranges(returns):
    array = np.array(returns)
    assert -1 <= fast.max_drawdown(array) <= 0
    assert 0 <= fast.max_drawdown_duration(array) <= len(returns)
    assert fast.cvar_95(array) <= fast.value_at_risk_95(array) + 1e-15
    assert fast.worst_day(array) <= fast.cvar_95(array) + 1e-15
    assert not fast.kurtosis(array) < 1 - 1e-9
    assert not (fast.psr(array) < 0 or fast.psr(array) > 1)
    assert not (fast.stability(array) < 0 or fast.stability(array) > 1 + 1e-9)


@given(returns=RETURNS, factor=st.sampled_from([0.5, 2.0, 4.0]))
def test_ratios_do_not_depend_on_leverage(returns, factor):
    array = np.array(returns)
    for name in ("sharpe", "sortino", "omega", "skew", "kurtosis", "psr"):
        metric = getattr(fast, name)
        assert metric(array * factor) == pytest.approx(metric(array), rel=1e-9, abs=1e-9, nan_ok=True)


@given(returns=RETURNS)
def test_order_matters_only_to_the_path(returns):
    array, turned = np.array(returns), np.array(returns[::-1])
    for name in set(EVERY_NAME) - {"max_drawdown", "max_drawdown_duration", "calmar", "stability"}:
        metric = getattr(fast, name)
        assert metric(turned) == pytest.approx(metric(array), rel=1e-9, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", EVERY_NAME)
def test_nothing_is_nothing(name):
    with np.errstate(all="ignore"):
        assert math.isnan(getattr(fast, name)(np.array([])))


def test_one_session():
    one = np.array([0.02])
    assert fast.total_return(one) == pytest.approx(0.02)
    assert fast.annual_return(one) == pytest.approx(1.02**252 - 1)
    assert fast.max_drawdown(one) == 0
    for name in ("sharpe", "sortino", "annual_volatility", "omega", "stability", "skew", "kurtosis", "psr"):
        assert math.isnan(getattr(fast, name)(one))


@pytest.mark.parametrize("level", [0.1, 0.01, -0.003, 0.0])
def test_constant_returns_have_no_deviation(level):
    flat = np.full(1000, level)
    assert fast.annual_volatility(flat) == 0
    assert math.isnan(fast.sharpe(flat))
    assert math.isnan(fast.skew(flat))


def test_a_loss_of_everything():
    gone = np.array([0.1, -1.0, 0.0])
    assert fast.total_return(gone) == -1
    assert fast.annual_return(gone) == -1
    assert fast.max_drawdown(gone) == -1
    assert math.isnan(fast.stability(gone))


def test_an_account_below_zero_has_no_growth_rate():
    owing = np.array([0.1, -1.5, 0.1])
    assert fast.total_return(owing) < -1
    assert math.isnan(fast.annual_return(owing))


# Hand-worked: 1, 1.1, 0.99, 1.0395; deepest loss 0.1 from 1.1.
def test_three_sessions_by_hand():
    returns = np.array([0.1, -0.1, 0.05])
    assert fast.total_return(returns) == pytest.approx(0.0395)
    assert fast.max_drawdown(returns) == pytest.approx(-0.1)
    assert fast.max_drawdown_duration(returns) == 2
    assert fast.calmar(returns) == pytest.approx((1.0395 ** (252 / 3) - 1) / 0.1)
    assert fast.omega(returns) == pytest.approx(1.5)
    assert fast.win_rate_days(returns) == pytest.approx(2 / 3)
    # mean 1/60, squared deviations 25/3600 + 49/3600 + 4/3600 over n - 1 = 2
    assert fast.sharpe(returns) == pytest.approx((1 / 60) / math.sqrt(78 / 3600 / 2) * math.sqrt(252))
    assert fast.sortino(returns) == pytest.approx((1 / 60) * 252 / (math.sqrt(0.01 / 3) * math.sqrt(252)))


def test_drawdown_counts_the_start_as_a_peak():
    assert fast.max_drawdown(np.array([-0.2, 0.1])) == pytest.approx(-0.2)
    assert fast.max_drawdown_duration(np.array([-0.2, 0.1])) == 2


def test_beta_of_twice_the_benchmark_plus_a_basis_point():
    benchmark = np.array([0.01, -0.02, 0.005, 0.0])
    returns = 2 * benchmark + 0.0001
    assert fast.beta(returns, benchmark) == pytest.approx(2)
    assert fast.alpha(returns, benchmark) == pytest.approx(1.0001**252 - 1)
    assert fast.information_ratio(benchmark + np.array([0.01, 0.02, 0.01, 0.02]), benchmark) == pytest.approx(
        0.015 / math.sqrt(0.0001 / 3) * math.sqrt(252)
    )


@pytest.mark.parametrize("name", ["alpha", "beta", "information_ratio"])
def test_no_benchmark_no_comparison(name):
    assert math.isnan(getattr(fast, name)(np.array([0.1, -0.1, 0.2]), np.zeros(3)))


# Bailey & López de Prado (2012), hedge fund example; and with normal moments.
@pytest.mark.parametrize(("skewness", "kurt", "published"), [(-2.448, 10.164, 0.913), (0.0, 3.0, 0.982)])
def test_published_probabilistic_sharpe(skewness, kurt, published):
    assert fast.probabilistic_sharpe(0.458, 24, skewness, kurt) == pytest.approx(published, abs=5e-4)


# Bailey & López de Prado (2014): the deflated Sharpe ratio is this probability at the expected maximum.
def test_published_deflated_sharpe():
    daily = 2.5 / math.sqrt(250)
    assert fast.probabilistic_sharpe(daily, 1250, -3.0, 10.0, target=0.1132) == pytest.approx(0.9004, abs=5e-4)


def test_a_moment_survives_tiny_and_huge_scales():
    returns = np.array([1.0, -2.0, 3.0, 0.5])
    for scale in (1e-150, 1e150):
        assert fast.kurtosis(returns * scale) == pytest.approx(fast.kurtosis(returns))
