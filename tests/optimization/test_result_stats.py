import math

import pytest

from rustybt.optimization.objective import Objective
from rustybt.optimization.result_stats import failed_constraints, obstacles, stats
from rustybt.optimization.trial import Trial, TrialStatus

SHARPE = [Objective("sharpe")]


def complete(number, score, **fields):
    metrics = {"sharpe": score, "fills": fields.pop("fills", 2.0), "max_drawdown": -0.25}
    return Trial(number, {"n": number, "word": "a"}, TrialStatus.COMPLETE, (score,), metrics, **fields)


TRIALS = [
    complete(0, -1.0, seconds=0.5),
    complete(1, 2.0, seconds=1.5),
    complete(2, 1.0, seconds=1.0),
    complete(3, 4.0, seconds=0.0, is_cached=True),
    complete(4, math.nan, seconds=0.5, fills=0.0),
    complete(5, 8.0, seconds=0.5, failed_constraints=("trades > 50",)),
    complete(6, 16.0, seconds=0.5, budget=0.5),
    Trial(7, {}, TrialStatus.STOPPED, seconds=0.25),
    Trial(8, {}, TrialStatus.FAILED, error="no"),
]


def test_trials_are_counted_by_what_became_of_them():
    found = stats(TRIALS, SHARPE)
    expected = {"trials": 9, "complete": 7, "stopped": 1, "failed": 1, "eligible": 4, "never traded": 1}
    assert {name: found[name] for name in expected} == expected
    assert (found["against a constraint"], found["on a part of the span"], found["known already"]) == (1, 1, 1)
    assert "timeout" not in found and found["objective"] == "maximize sharpe"


def test_what_keeps_trials_from_being_the_best_is_counted():
    more = complete(9, 1.0, failed_constraints=("sharpe > 2", "trades > 50"))
    assert obstacles([*TRIALS, more]) == {
        "on a part of the span": 1,
        "never traded": 1,
        "ruined": 0,
        "without a finite score": 1,
        "against a constraint": 2,
    }
    assert list(failed_constraints([more, *TRIALS]).items()) == [("trades > 50", 2), ("sharpe > 2", 1)]


def test_the_scores_of_comparable_trials_are_described():
    found = stats(TRIALS, SHARPE)  # of -1, 2, 1, 4, 8
    assert (found["score mean"], found["score median"], found["score > 0"]) == (pytest.approx(2.8), 2.0, 0.8)
    assert found["score std"] == pytest.approx(math.sqrt(46.8 / 4))
    assert (found["score 25%"], found["score 75%"]) == (1.0, 4.0)
    assert found["score 5%"] == pytest.approx(-0.6) and found["score 95%"] == pytest.approx(7.2)


def test_costs_leave_out_what_was_not_simulated():
    found = stats(TRIALS, SHARPE, seconds=4.5, search_seconds=0.9, workers=2)
    assert (found["seconds"], found["seconds in trials"], found["seconds a trial"]) == (4.5, 4.75, 0.5)
    assert (found["trials per second"], found["search share"], found["workers"]) == (2.0, pytest.approx(0.2), 2)


def test_the_best_trial_is_described_objectives_first():
    found = stats(TRIALS, [*SHARPE, Objective("fills")], best=TRIALS[3])
    assert list(found.index[-7:]) == [
        *("best trial", "best score", "best n", "best word", "best sharpe", "best fills", "best max_drawdown")
    ]
    assert (found["best trial"], found["best score"], found["best word"], found["best fills"]) == (3, 4.0, "a", 2.0)
    assert "best score" not in stats(TRIALS, SHARPE)


def test_nothing_is_not_an_error():
    found = stats([], SHARPE)
    assert found["trials"] == found["complete"] == 0
    unknown = ("score median", "score > 0", "seconds a trial", "trials per second", "search share", "seconds")
    assert all(math.isnan(found[name]) for name in unknown)
    assert math.isnan(stats(TRIALS[:1], SHARPE)["score std"])
