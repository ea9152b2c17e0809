"""What every worker pool must do; each member's test module inherits `PoolContract`."""

import sys
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, NamedTuple

import pytest

from rustybt.optimization.trial import TrialStatus
from rustybt.optimization.workers.base import Preparation


class CallJob(NamedTuple):
    """Calls a function on each task."""

    function: Callable[[Any], Any]
    preparation: Preparation = Preparation()

    def open(self):
        return self.function


def taker(payloads: Iterable[Any]):
    """Give numbered tasks as they are asked for."""
    tasks = iter(enumerate(payloads))
    return lambda count: list(islice(tasks, count))


def run(pool, function, payloads, **options):
    """Give the outcomes in order of number, and check that each came once."""
    outcomes = list(pool.run(CallJob(function), taker(payloads), **options))
    numbers = [number for number, _ in outcomes]
    assert sorted(numbers) == list(range(len(numbers)))
    return [outcome for _, outcome in sorted(outcomes, key=lambda pair: pair[0])]


def values(pool, function, payloads, **options):
    """Give what the function returned, which it must have done for each."""
    outcomes = run(pool, function, payloads, **options)
    assert {outcome.status for outcome in outcomes} <= {TrialStatus.COMPLETE}, outcomes
    return [outcome.value for outcome in outcomes]


def square(x):
    return x * x


def fail_at_three(x):
    if x == 3:
        raise ValueError("three is not welcome")
    return x


class PoolContract:
    """Override `pool` as a fixture."""

    def test_every_task_comes_back_with_its_value(self, pool):
        assert values(pool, square, range(500), total=500) == [x * x for x in range(500)]

    def test_the_total_need_not_be_known(self, pool):
        assert values(pool, square, range(50)) == [x * x for x in range(50)]

    def test_no_task_is_no_outcome(self, pool):
        assert run(pool, square, []) == []

    def test_a_task_that_raises_fails_alone_with_its_traceback(self, pool):
        outcomes = run(pool, fail_at_three, range(10))
        assert [outcome.status for outcome in outcomes].count(TrialStatus.COMPLETE) == 9
        failed = outcomes[3]
        assert (failed.status, failed.value) == (TrialStatus.FAILED, None)
        assert failed.error.startswith("Traceback (most recent call last):\n")
        assert "in fail_at_three" in failed.error
        assert failed.error.endswith("ValueError: three is not welcome\n")
        assert "attempt(" not in failed.error

    def test_a_task_that_exits_the_interpreter_fails_alone(self, pool):
        outcomes = run(pool, lambda x: sys.exit(f"bye {x}") if x == 1 else x, range(3))
        assert [outcome.status.value for outcome in outcomes] == ["complete", "failed", "complete"]
        assert "SystemExit: bye 1" in outcomes[1].error

    def test_seconds_are_those_of_the_task(self, pool):
        import time

        slow, fast = run(pool, time.sleep, [0.05, 0.0])
        assert 0.05 <= slow.seconds < 1 and fast.seconds < slow.seconds

    def test_tasks_may_depend_on_outcomes(self, pool):
        known, asked = [1], []

        def take(count):
            if len(asked) < len(known) <= 20:
                asked.append(known[-1])
                return [(len(asked) - 1, asked[-1])]
            return []

        for number, outcome in pool.run(CallJob(lambda x: x + 1), take):
            assert outcome.value == number + 2
            known.append(outcome.value)
        assert known == list(range(1, 22))

    def test_what_take_raises_comes_through_and_the_next_run_works(self, pool):
        def take(count):
            raise KeyError("from take")

        with pytest.raises(KeyError, match="from take"):
            list(pool.run(CallJob(square), take))
        assert values(pool, square, range(5)) == [0, 1, 4, 9, 16]

    def test_a_run_that_is_dropped_does_not_disturb_the_next(self, pool):
        outcomes = pool.run(CallJob(square), taker(range(10**6)))
        next(outcomes)
        outcomes.close()
        assert values(pool, lambda x: -x, range(100)) == [-x for x in range(100)]
