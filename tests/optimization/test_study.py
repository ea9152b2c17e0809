import math
from dataclasses import replace

from rustybt.optimization.constraints import constraints_of
from rustybt.optimization.goal import Goal
from rustybt.optimization.objective import objectives_of
from rustybt.optimization.trial import Trial, TrialStatus

GOAL = Goal(objectives_of(["sharpe", "minimize turnover"]), constraints_of(["trades > 10"], ["trades"]))
GOOD = Trial(0, {}, TrialStatus.COMPLETE, (1.5, 3.0), {"fills": 4.0, "trades": 12.0})


def test_losses_fall_where_the_user_maximizes():
    assert GOAL.feedback(GOOD) == ((-1.5, 3.0), (0.0,))


def test_what_has_no_score_has_no_losses():
    idle = replace(GOOD, metrics={"fills": 0.0, "trades": 0.0})
    odd = replace(GOOD, scores=(math.nan, 3.0))
    stopped = replace(GOOD, status=TrialStatus.STOPPED, scores=())
    failed = Trial(0, {}, TrialStatus.FAILED)
    for trial in (idle, odd, stopped, failed):
        assert all(map(math.isnan, GOAL.feedback(trial).losses)) and len(GOAL.feedback(trial).losses) == 2
        assert not GOAL.feedback(trial).has_losses


def test_a_missed_constraint_is_told_by_its_distance_and_a_failure_misses_all():
    assert GOAL.feedback(replace(GOOD, metrics={"fills": 4.0, "trades": 4.0})).violations == (6.0,)
    assert GOAL.feedback(Trial(0, {}, TrialStatus.TIMEOUT)).violations == (1.0,)
    assert not GOAL.feedback(Trial(0, {}, TrialStatus.TIMEOUT)).passes


def test_a_part_of_the_budget_has_losses_and_is_never_best():
    part = replace(GOOD, budget=0.25)
    assert GOAL.feedback(part).has_losses
    assert not GOAL.better(part, None)
    assert GOAL.better(GOOD, None) and not GOAL.better(GOOD, GOOD)
