"""The stop code, plain and compiled, against the rules in other words."""

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numba import njit

from rustybt.kernels.stops import DRAWDOWN, EQUITY, KEEP_ON, NEGATIVE_RETURN, stop_code

OFF = (math.inf, -math.inf, -1, 1, 0)

compiled = njit(error_model="numpy")(stop_code)
figures = st.floats(allow_nan=True, allow_infinity=True)


def in_other_words(bars, value, returns, peak, drawdown, floor, after, every, least):
    if bars < least or bars % every:
        return KEEP_ON
    with np.errstate(all="ignore"):
        lost = (np.float64(peak) - (1.0 + returns)) / np.float64(peak)
    reasons = {
        DRAWDOWN: lost > drawdown,
        EQUITY: value < floor,
        NEGATIVE_RETURN: after >= 0 and bars >= after and returns < 0,
    }
    return next((code for code, applies in reasons.items() if applies), KEEP_ON)


runs = st.tuples(st.integers(1, 50), figures, figures, st.floats(1, 1e9))
rules = st.tuples(
    st.floats(0.001, 2) | st.just(math.inf), figures, st.integers(-1, 60), st.integers(1, 9), st.integers(0, 60)
)


@given(runs, rules)
@example((5, math.nan, math.nan, 1.0), (0.1, 0.0, 0, 1, 0))
@example((5, 0.0, -1.0, 1.0), (0.999, -math.inf, -1, 1, 0))
def test_the_first_rule_that_applies(run, rule):
    assert stop_code(*run, *rule) == compiled(*run, *rule) == in_other_words(*run, *rule)


def test_by_hand():
    # From a peak of 1.5 to 1.2 is a drawdown of 20%.
    assert stop_code(3, 120.0, 0.2, 1.5, 0.19, *OFF[1:]) == DRAWDOWN
    assert stop_code(3, 120.0, 0.2, 1.5, 0.21, *OFF[1:]) == KEEP_ON
    assert stop_code(3, 120.0, 0.2, 1.5, math.inf, 120.01, -1, 1, 0) == EQUITY
    assert stop_code(3, 120.0, -0.1, 1.5, math.inf, 120.0, 3, 1, 0) == NEGATIVE_RETURN
    assert stop_code(3, 120.0, -0.1, 1.5, math.inf, 120.0, 4, 1, 0) == KEEP_ON
    assert stop_code(3, 120.0, 0.0, 1.5, math.inf, 120.0, 0, 1, 0) == KEEP_ON
    assert stop_code(7, -1.0, -1.0, 1.5, 0.1, 0.0, 0, 2, 0) == KEEP_ON
    assert stop_code(8, -1.0, -1.0, 1.5, 0.1, 0.0, 0, 2, 9) == KEEP_ON


def test_nothing_is_known_of_nan():
    assert stop_code(9, math.nan, math.nan, math.nan, 0.1, 1e9, 0, 1, 0) == KEEP_ON
