import math

import pytest

from rustybt.errors import InvalidParameter
from rustybt.optimization import Objective
from rustybt.results.metrics import METRICS


@pytest.mark.parametrize(
    ("text", "objective"),
    [
        ("sharpe", Objective("sharpe", "maximize")),
        ("maximize sharpe", Objective("sharpe", "maximize")),
        ("minimize turnover", Objective("turnover", "minimize")),
    ],
)
def test_an_objective_is_written_as_words(text, objective):
    assert Objective.of(text) == objective
    assert Objective.of(str(objective)) == objective
    assert Objective.of(objective) is objective


@pytest.mark.parametrize(
    ("best", "score", "direction", "expected"),
    [
        (1.0, 2.0, "maximize", True),
        (2.0, 2.0, "maximize", False),
        (1.0, 0.5, "minimize", True),
        (math.nan, -5.0, "maximize", True),
        (math.nan, math.nan, "maximize", False),
        (1.0, math.inf, "maximize", False),
        (1.0, -math.inf, "minimize", False),
    ],
)
def test_better_is_strict_and_finite(best, score, direction, expected):
    assert Objective("m", direction).better(score, best) is expected


def test_a_metric_that_a_trial_lacks_is_nan():
    assert math.isnan(Objective("sharpe").score({"pnl": 1.0}))


def test_an_unknown_metric_names_the_near_miss():
    with pytest.raises(InvalidParameter, match=r"unknown objective 'sharp' \(did you mean 'sharpe'\?\): choose one of"):
        Objective("sharp").require_known(["pnl", "sharpe"])


@pytest.mark.parametrize("text", ["Sharpe Ratio", "sharpe ratio", "minimize Sharpe Ratio"])
def test_words_that_are_no_direction_are_a_metric_that_is_unknown(text):
    metric = text.removeprefix("minimize ")
    with pytest.raises(InvalidParameter, match=rf"unknown objective '{metric}' \(did you mean 'sharpe'\?\)"):
        Objective.of(text).require_known(METRICS)


def test_a_metric_of_several_words_is_found_by_its_underscores():
    with pytest.raises(InvalidParameter, match=r"'Annual Return' \(did you mean 'annual_return'\?\)"):
        Objective.of("Annual Return").require_known(METRICS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("minimise turnover", r"direction 'minimise' .* \(did you mean 'minimize'\?\)"),
        ("", "objective '' is no metric's name"),
        (3, "objective 3 is no metric's name"),
    ],
)
def test_bad_objectives_say_what_is_wrong(text, message):
    with pytest.raises(InvalidParameter, match=message):
        Objective.of(text)
