import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.errors import InvalidParameter
from rustybt.optimization.constraints import FARTHEST, Constraint, constraints_of

NAMES = ("max_drawdown", "trades", "sharpe", "win_rate")


def violation(text, **metrics):
    return Constraint.of(text, NAMES).violation(metrics)


@pytest.mark.parametrize(
    ("text", "metrics", "expected"),
    [
        ("trades > 50", {"trades": 51.0}, 0.0),
        ("trades > 50", {"trades": 40.0}, 10.0),
        ("trades >= 50", {"trades": 50.0}, 0.0),
        ("50 < trades", {"trades": 20.0}, 30.0),
        ("sharpe <= -0.5", {"sharpe": 0.25}, 0.75),
        ("sharpe > 1", {"sharpe": -1e300}, FARTHEST),
    ],
)
def test_a_comparison_is_missed_by_its_distance(text, metrics, expected):
    assert violation(text, **metrics) == expected


def test_a_strict_comparison_is_missed_at_its_limit():
    assert violation("trades > 50", trades=50.0) > 0
    assert violation("trades < 50", trades=50.0) > 0


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("max_drawdown < 0.3", True),  # by its size
        ("max_drawdown < 0.2", False),
        ("0.3 > max_drawdown", True),
        ("max_drawdown > -0.3", True),  # as the metric is signed
        ("max_drawdown > -0.2", False),
    ],
)
def test_a_drawdown_is_meant_by_its_size_where_the_limit_is_positive(text, passes):
    assert (violation(text, max_drawdown=-0.25) == 0) is passes


@pytest.mark.parametrize("text", ["trades > 50", "trades < 50", "50 >= trades"])
def test_what_is_nan_or_missing_meets_nothing(text):
    assert violation(text, trades=math.nan) == FARTHEST
    assert violation(text) == FARTHEST


def test_longer_expressions_and_functions_are_yes_or_no():
    assert violation("trades > 50 and win_rate > 0.4", trades=60.0, win_rate=0.3) == 1.0
    assert violation("trades > 50 and win_rate > 0.4", trades=60.0, win_rate=0.5) == 0.0

    def busy(metrics):
        return metrics["trades"] > 10

    assert Constraint.of(busy, NAMES).violation({"trades": 5.0}) == 1.0
    assert str(Constraint.of(busy, NAMES)) == "busy"


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ("trade > 50", r"constraint 'trade > 50' names 'trade', which is no metric \(did you mean 'trades'\?\)"),
        ("trades >", "constraint 'trades >' is no expression"),
        ("__import__('os')", "constraint .* holds Call|which is no metric"),
        (5, "constraints 5 is neither a constraint nor a list"),
        ([5], "constraint 5 is neither an expression"),
    ],
)
def test_what_is_no_constraint_says_so(given_, message):
    with pytest.raises(InvalidParameter, match=message):
        constraints_of(given_, NAMES)


@given(st.floats(), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["<", "<=", ">", ">="]))
def test_a_violation_is_finite_and_zero_exactly_where_python_says_so(value, limit, sign):
    found = violation(f"sharpe {sign} {limit!r}", sharpe=value)
    assert math.isfinite(found) and found >= 0
    assert (found == 0) == {"<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit}[sign]
