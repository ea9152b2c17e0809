"""Does the parameter that decides the score come first, and is nothing said where nothing is known?"""

import math

import numpy as np
import pytest

from rustybt.errors import InvalidParameter, NoImportances
from rustybt.optimization.importances import importances
from rustybt.optimization.objective import Objective
from rustybt.optimization.parameter_space import Categorical, Float, Integer, ParameterSpace
from rustybt.optimization.trial import Trial, TrialStatus

SHARPE = [Objective("sharpe")]


def trials_of(space, score, count=300, seed=0, **fields):
    rng = np.random.default_rng(seed)
    drawn = [space.from_unit(rng.random(len(space.names))) for _ in range(count)]
    return [
        Trial(number, params, TrialStatus.COMPLETE, tuple(np.atleast_1d(score(params)).tolist()), **fields)
        for number, params in enumerate(drawn)
    ]


PLAIN = ParameterSpace({"noise": Float(0, 1), "strong": Float(-1, 1), "weak": Integer(0, 20, step=2)})


def plain_score(params):
    return -10 * params["strong"] ** 2 + 0.01 * params["weak"]


def test_what_decides_comes_first_and_the_sum_is_one():
    found = importances(trials_of(PLAIN, plain_score), PLAIN, SHARPE)
    assert list(found.index) == ["strong", "weak", "noise"]
    assert found.sum() == pytest.approx(1.0) and (found >= 0).all() and found["strong"] > 0.7
    assert (found.name, found.index.name, found.dtype) == ("sharpe", "parameter", np.float64)


@pytest.mark.parametrize("seed", range(5))
def test_a_parameter_without_effect_is_not_important_on_a_whole_grid(seed):
    space = ParameterSpace({"b": Integer(0, 9), "a": Integer(0, 9)})
    trials = [Trial(n, space.at(n), TrialStatus.COMPLETE, (float(space.at(n)["a"]),)) for n in range(100)]
    order = np.random.default_rng(seed).permutation(100)
    found = importances([trials[n] for n in order], space, SHARPE)
    assert found["a"] > 0.99
    assert found.to_dict() == pytest.approx(importances(trials, space, SHARPE).to_dict())


def test_direction_decides_which_end_is_explained():
    def score(params):  # the highest where strong is high, the lowest where weak is low
        return float(params["strong"] > 0.8) - float(params["weak"] == 0) + 0.001 * params["noise"]

    trials = trials_of(PLAIN, score)
    assert importances(trials, PLAIN, SHARPE).index[0] == "strong"
    assert importances(trials, PLAIN, [Objective("sharpe", "minimize")]).index[0] == "weak"


def test_each_objective_has_its_own():
    goal = [Objective("sharpe"), Objective("turnover", "minimize")]
    trials = trials_of(PLAIN, lambda params: (params["strong"], params["noise"]))
    assert importances(trials, PLAIN, goal).index[0] == "strong"
    assert importances(trials, PLAIN, goal, "turnover").equals(importances(trials, PLAIN, goal, 1))
    assert importances(trials, PLAIN, goal, 1).index[0] == "noise"
    for which in ("turnovre", 2, -1, True, 1.0):
        with pytest.raises(InvalidParameter, match=r"is no objective.*choose one of sharpe, turnover"):
            importances(trials, PLAIN, goal, which)


def test_trials_that_cannot_be_compared_do_not_count():
    trials = trials_of(PLAIN, plain_score)
    misleading = [
        Trial(300, {"noise": 0.5, "strong": 1.0, "weak": 0}, TrialStatus.COMPLETE, (math.nan,)),
        Trial(301, {"noise": 0.5, "strong": 1.0, "weak": 0}, TrialStatus.COMPLETE, (math.inf,)),
        Trial(302, {"noise": 0.5, "strong": 1.0, "weak": 0}, TrialStatus.COMPLETE, (99.0,), budget=0.5),
        Trial(303, {"noise": 0.5, "strong": 1.0, "weak": 0}, TrialStatus.STOPPED),
        Trial(304, {"noise": 0.5, "strong": 1.0, "weak": 0}, TrialStatus.FAILED),
    ]
    assert importances([*trials, *misleading * 20], PLAIN, SHARPE).equals(importances(trials, PLAIN, SHARPE))


def test_a_parameter_with_one_value_has_none():
    space = ParameterSpace(
        {"only": Integer(3, 3), "one": Categorical([["AAPL"]]), "fixed": Float(0, 1), "a": Float(0, 1)}
    )
    trials = [
        Trial(t.number, {**t.params, "fixed": 0.5}, t.status, t.scores)
        for t in trials_of(space, lambda params: params["a"])
    ]
    assert importances(trials, space, SHARPE).to_dict() == {"a": 1.0, "only": 0.0, "one": 0.0, "fixed": 0.0}


def test_choices_of_any_kind_and_parameters_that_are_not_always_active():
    space = ParameterSpace(
        {
            "basket": Categorical([["AAPL"], ["MSFT"], None, 1, True, 1.0]),
            "exit": Categorical(["none", "stop"]),
            "stop": Float(0.001, 1.0, log=True, when="exit == 'stop'"),
            "noise": Float(0, 1),
        }
    )
    by_basket = importances(
        trials_of(space, lambda p: float(p["basket"] == ["MSFT"]) + 0.01 * p["noise"]), space, SHARPE
    )
    assert by_basket.index[0] == "basket"
    by_stop = importances(trials_of(space, lambda p: p["stop"] or 0.1), space, SHARPE)
    assert by_stop.index[0] == "stop" and by_stop.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("count", [10, 11, 30])
def test_ten_trials_are_enough_to_say_something(count):
    assert importances(trials_of(PLAIN, plain_score, count), PLAIN, SHARPE).sum() == pytest.approx(1.0)


def test_a_tie_of_many_at_the_top_is_no_error():
    found = importances(trials_of(PLAIN, lambda params: float(params["strong"] > 0)), PLAIN, SHARPE)
    assert found.index[0] == "strong"


@pytest.mark.parametrize(
    ("trials", "space", "message"),
    [
        ([], PLAIN, "need at least 10 trials .* and there are 0: run more trials"),
        (trials_of(PLAIN, plain_score, 9), PLAIN, "and there are 9: run more trials"),
        (
            trials_of(PLAIN, lambda params: 0.25),
            PLAIN,
            "all 300 trials have the 'sharpe' 0.25: no parameter changes it",
        ),
        (
            [Trial(n, {"a": 1}, TrialStatus.COMPLETE, (float(n),)) for n in range(20)],
            ParameterSpace({"a": Integer(1, 2)}),
            "no parameter varies in the 20 trials",
        ),
        (
            [Trial(n, {}, TrialStatus.COMPLETE, (float(n),)) for n in range(20)],
            ParameterSpace({}),
            "no parameter varies",
        ),
    ],
)
def test_where_nothing_is_known_the_error_says_why(trials, space, message):
    with pytest.raises(NoImportances, match=message):
        importances(trials, space, SHARPE)
