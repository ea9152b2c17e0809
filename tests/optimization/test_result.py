import math
import os
import pty
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rustybt.errors import InvalidParameter, NoBestTrial
from rustybt.optimization import Categorical, OptimizationResult, ParameterSpace, Trial, TrialStatus
from rustybt.optimization.constraints import constraints_of
from rustybt.optimization.goal import Goal
from rustybt.optimization.objective import objectives_of
from rustybt.optimization.result import RunInfo
from rustybt.optimization.returns_store import ReturnsStore
from tests.optimization.test_shipping import STRATEGY


def complete(number, score, **params):
    metrics = {"sharpe": score, "fills": 2.0}
    returns = np.array([0.1 * number, -0.1], dtype=np.float32).tobytes()
    return Trial(number, params, TrialStatus.COMPLETE, (score,), metrics, 0.5, "", returns, bars=2)


def failed(number, **params):
    return Trial(number, params, TrialStatus.FAILED, seconds=0.1, error="Traceback ...\nValueError: no\n")


def space_of(trials):
    """Give the choices that the trials took, whatever they are."""
    found = {}
    for trial in trials:
        for name, value in trial.params.items():
            choices = found.setdefault(name, [])
            if not any(type(value) is type(other) and value == other for other in choices):
                choices.append(value)
    return ParameterSpace({name: Categorical(choices) for name, choices in found.items()} if found else {})


def result_of(*trials, objective="sharpe", constraints=()):
    store = ReturnsStore()
    for trial in trials:
        store.add(trial.number, trial.returns)
    goal = Goal(objectives_of(objective), constraints_of(constraints, ["sharpe", "fills"]))
    return OptimizationResult(trials, goal, space_of(trials), None, store, RunInfo(seconds=1.0))


def test_best_is_the_best_finite_score_of_a_complete_trial():
    trials = (
        complete(0, math.nan, a=1),
        failed(1, a=2),
        complete(2, 1.0, a=3),
        complete(3, 2.0, a=4),
        complete(4, 2.0, a=5),
    )
    assert result_of(*trials).best.number == 3
    assert result_of(*trials, objective="minimize sharpe").best.params == {"a": 3}
    assert result_of(*trials).top()["trial"].tolist() == [3, 4, 2]
    assert result_of(*trials, objective="minimize sharpe").top(2)["trial"].tolist() == [2, 3]


def test_the_best_trial_shows_what_a_reader_wants():
    best = result_of(complete(0, 1.0, fast=5), complete(1, 2.5, fast=7)).best
    assert repr(best) == "BestTrial(1, score=2.5, params={'fast': 7})"


def test_infinity_is_no_score():
    assert result_of(complete(0, math.inf, a=1), complete(1, -5.0, a=2)).best.number == 1


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        ((), r"no trial has a finite 'sharpe' \(there is none\)"),
        ((failed(0),), r"no trial has a finite 'sharpe' \(1 failed\): choose another objective"),
        ((complete(0, math.nan), failed(1)), r"\(1 complete, 1 failed\): choose another objective"),
    ],
)
def test_without_a_best_trial_the_error_says_so(trials, message):
    with pytest.raises(NoBestTrial, match=message):
        _ = result_of(*trials).best


def test_a_row_a_trial_with_nothing_where_there_is_nothing():
    frame = result_of(complete(0, 1.5, a=1), failed(1, a=2)).trials
    names = "trial a status score sharpe fills passing budget bars seconds worker cached error"
    assert list(frame.columns) == names.split()
    assert frame["passing"].tolist() == [True, False]
    assert frame["status"].tolist() == ["complete", "failed"]
    assert frame["sharpe"].iloc[0] == 1.5 and math.isnan(frame["sharpe"].iloc[1])
    assert frame["error"].tolist() == ["", "Traceback ...\nValueError: no\n"]


def test_a_parameter_named_like_a_metric_or_column_gets_a_prefix():
    frame = result_of(complete(0, 1.5, sharpe=7, status="x", b=1)).trials
    assert (frame["param_sharpe"][0], frame["param_status"][0], frame["b"][0], frame["sharpe"][0]) == (7, "x", 1, 1.5)


def test_returns_have_a_column_a_completed_trial():
    returns = result_of(complete(0, 1.0, a=1), failed(1, a=2), complete(2, 1.0, a=3)).returns
    assert list(returns.columns) == [0, 2]
    assert set(returns.dtypes) == {np.dtype(np.float32)}
    assert returns[2].tolist() == [np.float32(0.2), np.float32(-0.1)]


def test_what_is_not_eligible_is_never_best():
    ahead = [
        replace(complete(1, 9.0, a=2), metrics={"sharpe": 9.0, "fills": 0.0}),
        replace(complete(2, 8.0, a=3), budget=0.5),
        replace(complete(3, 7.0, a=4), failed_constraints=("fills > 5",)),
        replace(complete(4, 6.0, a=5), status=TrialStatus.STOPPED, scores=()),
    ]
    result = result_of(complete(0, 1.0, a=1), *ahead)
    assert result.best.number == 0
    assert result.top()["trial"].tolist() == [0]


def test_if_no_trial_meets_the_constraints_the_error_names_them():
    result = result_of(replace(complete(0, 1.0, a=1), failed_constraints=("fills > 5",)))
    with pytest.raises(NoBestTrial, match=r"none of 1 trials .* meets all constraints \(fills > 5\): loosen them"):
        _ = result.best


def test_the_pareto_front_holds_what_nothing_beats():
    points = [(1.0, 5.0), (2.0, 4.0), (2.0, 6.0), (0.5, 4.5), (2.0, 4.0), (3.0, 9.0)]
    trials = [
        replace(complete(n, sharpe, a=n), scores=(sharpe, fills), metrics={"sharpe": sharpe, "fills": fills})
        for n, (sharpe, fills) in enumerate(points)
    ]
    result = result_of(*trials, objective=["sharpe", "minimize fills"])
    assert result.pareto["trial"].tolist() == [1, 4, 5]
    assert result.best.number == 5


def test_no_trial_at_all_is_an_empty_frame():
    assert result_of().trials.empty
    assert result_of().returns.empty


def test_a_result_survives_the_disk(tmp_path):
    result = result_of(
        complete(0, 1.5, n=1, x=0.5, word="a", basket=["AAPL"], mixed=1, flag=True),
        failed(1, n=2, x=1.0, word="b", basket=["AAPL", "MSFT"], mixed="one", flag=None),
        constraints="fills > 1",
    )
    folder = result.save(tmp_path / "deep" / "run")
    assert sorted(os.listdir(folder)) == ["result.json", "returns.parquet", "trials.parquet"]
    back = OptimizationResult.load(folder)
    pd.testing.assert_frame_equal(back.trials, result.trials)
    pd.testing.assert_frame_equal(back.returns, result.returns)
    assert (back.best.params, repr(back)) == (result.best.params, repr(result))
    assert [str(c) for c in back.goal.constraints] == ["fills > 1"]
    with pytest.raises(InvalidParameter, match="a loaded result holds no strategy"):
        _ = back.best.run


def test_saving_again_replaces_the_files(tmp_path):
    result_of(complete(0, 1.0, a=1)).save(tmp_path)
    result_of(complete(0, 1.0, a=1), complete(1, 1.0, a=2)).save(tmp_path)
    assert len(OptimizationResult.load(tmp_path)) == 2


def test_repr_counts():
    assert repr(result_of(complete(0, 1.0), failed(1))) == (
        "OptimizationResult(1 complete, 1 failed; maximize sharpe; 1.0 s)"
    )


RUN = STRATEGY + "\nOptimizer(strategy_class=Hold, num_workers=2).run()"


def test_progress_is_quiet_where_stderr_is_no_terminal(market, tmp_path):
    done = subprocess.run([sys.executable, "-c", RUN], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_progress_shows_count_rate_and_best_on_a_terminal(market, tmp_path):
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", RUN], cwd=tmp_path, stderr=theirs, env={**os.environ, "COLUMNS": "120"}
    ):
        os.close(theirs)
        shown = b""
        while chunk := read(ours):
            shown += chunk
    os.close(ours)
    assert b"Hold" in shown and b"3/3" in shown and b"/s" in shown and b"best" in shown


def read(descriptor):
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the other end of a terminal was closed
        return b""
