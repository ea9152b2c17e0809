import math
import pickle

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


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("max_drawdown < 0.3 and trades > 50", True),
        ("max_drawdown < 0.2 and trades > 50", False),
        ("trades > 50 and (sharpe > 9 or 0.2 > max_drawdown)", False),
        ("not max_drawdown >= 0.3", True),
        ("not max_drawdown >= 0.2", False),
        ("0 < max_drawdown < 0.3", True),  # the 0.3 says at both ends that the size is meant
        ("0 <= max_drawdown < 0.2", False),
        ("0.3 > max_drawdown > 0.2", True),
        ("max_drawdown == 0.25", True),
        ("max_drawdown != 0.25", False),
        ("max_drawdown > 0.2 and max_drawdown < -0.2", True),  # each comparison by its own number
        ("-0.3 < max_drawdown < 0", True),  # as the metric is signed
        ("-0.3 < max_drawdown < -0.26 or trades < 50", False),
        ("max_drawdown < 0 and trades > 50", True),
        ("max_drawdown < 3 / 10 and trades > 50", True),
        ("max_drawdown < 0.1 + 0.1 or trades > 70", False),
        ("-max_drawdown * 100 < 20", False),
        ("-max_drawdown <= trades / 100", True),
        ("-max_drawdown < 0.3 and trades > 50", True),  # what is reckoned with it is not the metric itself
        ("-max_drawdown < 0.2 and trades > 50", False),
        ("trades in {60.0} and trades not in {win_rate}", True),
    ],
)
def test_a_drawdown_is_meant_by_its_size_in_every_comparison_of_an_expression(text, passes):
    found = Constraint.of(text, NAMES)
    for constraint in (found, pickle.loads(pickle.dumps(found))):
        assert str(constraint) == text
        violation = constraint.violation({"max_drawdown": -0.25, "trades": 60.0, "sharpe": 1.0, "win_rate": 0.5})
        assert violation == (0.0 if passes else 1.0)


@given(st.floats(-1, 0), st.floats(0.01, 1), st.integers(0, 3))
def test_a_longer_expression_takes_a_drawdown_as_the_comparison_alone_does(value, limit, which):
    comparison = [f"max_drawdown {sign} {limit!r}" for sign in ("<", "<=", ">", ">=")][which]
    alone = violation(comparison, max_drawdown=value)
    assert (violation(f"{comparison} and trades > 0", max_drawdown=value, trades=1.0) == 0) is (alone == 0)


@pytest.mark.parametrize("text", ["trades > 50", "trades < 50", "50 >= trades"])
def test_what_is_nan_or_missing_meets_nothing(text):
    assert violation(text, trades=math.nan) == FARTHEST
    assert violation(text) == FARTHEST


@pytest.mark.parametrize(
    ("text", "trades", "met"),
    [
        ("not sharpe < 1", 60.0, False),
        ("not sharpe > 1", 60.0, False),
        ("sharpe != 1", 60.0, False),
        ("sharpe == sharpe", 60.0, False),
        ("(sharpe > 1) == 0", 60.0, False),
        ("trades > 50 or not sharpe < 1", 60.0, True),
        ("not sharpe < 1 or trades > 50", 60.0, True),
        ("trades > 50 or not sharpe < 1", 40.0, False),
        ("not (trades < 50 and sharpe < 1)", 60.0, True),
        ("not (trades < 70 and sharpe < 1)", 60.0, False),
        ("trades > 50 and trades < 70", 60.0, True),
    ],
)
def test_what_is_nan_decides_nothing_in_longer_expressions_either(text, trades, met):
    assert (violation(text, trades=trades, sharpe=math.nan) == 0) is met


@pytest.mark.parametrize(
    "text",
    [
        "max_drawdown * 100 < 30",
        "100 * max_drawdown < 30",
        "max_drawdown <= trades / 100",
        "max_drawdown < sharpe",
        "+max_drawdown < 0.3",
        "trades > 5 and max_drawdown * 100 < 30",
        "(max_drawdown * 2 < 0.3) + (trades > 5) >= 1",
        "sharpe / max_drawdown > -3",
    ],
)
def test_a_drawdown_whose_sign_is_in_doubt_is_refused(text):
    with pytest.raises(InvalidParameter, match=r"its sign is in doubt here: .*'max_drawdown < 0.3'.*-max_drawdown"):
        Constraint.of(text, NAMES)


def test_longer_expressions_and_functions_are_yes_or_no():
    assert violation("trades > 50 and win_rate > 0.4", trades=60.0, win_rate=0.3) == 1.0
    assert violation("trades > 50 and win_rate > 0.4", trades=60.0, win_rate=0.5) == 0.0

    def busy(metrics):
        return metrics["trades"] > 10

    assert Constraint.of(busy, NAMES).violation({"trades": 5.0}) == 1.0
    assert str(Constraint.of(busy, NAMES)) == "busy"


def rude(metrics):
    raise ValueError("no sharp")


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        ("sharpe / trades > 1", "ZeroDivisionError: "),
        ("1 < sharpe / trades and trades > 0", "ZeroDivisionError: "),
        (rude, "ValueError: no sharp"),
        (Constraint("odd", lambda metrics: "much"), "TypeError: '>' not supported"),
    ],
)
def test_what_raises_is_missed_by_far_and_says_what_it_raised(constraint, reason):
    found = Constraint.of(constraint, NAMES)
    missed, raised = found.judge({"sharpe": 1.0, "trades": 0.0})
    assert missed == FARTHEST == found.violation({"sharpe": 1.0, "trades": 0.0})
    assert raised.startswith(f"constraint {str(found)!r} raised {reason}") and "\n" not in raised


def test_nobody_is_kept_from_interrupting_a_constraint():
    def interrupted(metrics):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Constraint.of(interrupted, NAMES).violation({})


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


@pytest.mark.parametrize("text", ["max_drawdown", "trades + 1", "trades > 5 and max_drawdown", "not trades"])
def test_an_expression_that_compares_nothing_is_refused(text):
    with pytest.raises(InvalidParameter, match="is no yes or no: compare each metric with a number"):
        Constraint.of(text, ["max_drawdown", "trades"])
