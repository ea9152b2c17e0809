"""Do worker processes say where their time went, and does an optimization find the same with and without that?"""

import os
import signal
import time

import pandas as pd
import pytest

from rustybt import Optimizer
from rustybt.optimization.result import OptimizationInterrupted
from rustybt.optimization.sampled import Sampled, SampledJob, keep_samples
from rustybt.optimization.trial import TrialStatus
from rustybt.optimization.workers.base import Outcome
from rustybt.optimization.workers.pool import PersistentWorkerPool, SharedPool
from rustybt.profiling import Profile
from rustybt.profiling.categories import Category
from tests.optimization.strategies import SPAN, Choosy, Crossover
from tests.optimization.workers.contract import CallJob, taker
from tests.profiling.burning import burn


def in_workers(profile):
    return {row.category: row.workers_seconds for row in profile.rows()}


def run_in_pool(pool, function, payloads):
    """Run a sampled job as the Optimizer does; give its outcomes and the profile."""
    with Profile() as profile:
        outcomes = pool.run(SampledJob.of(CallJob(function), profile), taker(payloads))
        done = sorted(keep_samples(outcomes, profile, pool.num_workers))
    return [outcome for _, outcome in done], profile


def busy(x):
    burn(0.1)
    if x == 1:
        raise ValueError("one is not welcome")
    return x


def dies_at_one(x):
    burn(0.1)
    if x == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def takes_the_timer(x):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    return x


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_workers_send_what_they_saw(start_method):
    with PersistentWorkerPool(2, start_method=start_method) as pool:
        outcomes, profile = run_in_pool(pool, busy, range(6))
    assert [outcome.value for outcome in outcomes] == [0, None, 2, 3, 4, 5]
    assert outcomes[1].status is TrialStatus.FAILED
    seconds = in_workers(profile)
    assert profile.workers == 2
    assert sum(seconds.values()) == pytest.approx(profile.workers_seconds)
    assert 0.5 <= seconds[Category.USER] + seconds.get(Category.DRIVER, 0.0) <= profile.workers_seconds
    assert seconds[Category.USER] > 0.45
    assert {stack[0].function for stack in profile.stacks()} == {"2 worker processes", "this process"}


def test_a_worker_that_dies_takes_only_its_own_trial_along():
    with PersistentWorkerPool(2) as pool:
        outcomes, profile = run_in_pool(pool, dies_at_one, range(6))
    assert [outcome.status for outcome in outcomes].count(TrialStatus.CRASHED) == 1
    seconds = in_workers(profile)
    assert seconds[Category.USER] > 0.4
    assert sum(seconds.values()) == pytest.approx(profile.workers_seconds)


def test_a_trial_that_takes_the_timer_costs_samples_and_no_trial():
    with PersistentWorkerPool(1) as pool:
        outcomes, profile = run_in_pool(pool, takes_the_timer, range(4))
    assert [outcome.value for outcome in outcomes] == [0, 1, 2, 3]
    assert profile.was_stopped


def test_the_asking_process_is_not_sampled_twice():
    with Profile() as profile:
        function = SampledJob.of(CallJob(busy), profile).open()
        value, samples = function(3)
    assert (value, samples.seconds, samples.stacks) == (3, 0.0, {})


def test_a_trial_without_samples_passes_through():
    def outcomes():
        yield 0, Outcome(TrialStatus.TIMEOUT, float("nan"), None, "too long")
        yield 1, Outcome(TrialStatus.COMPLETE, 1.0, Sampled("value", Profile()._sampler.take()))

    profile = Profile()
    passed = list(keep_samples(outcomes(), profile, 3))
    assert [(number, outcome.status.value, outcome.value) for number, outcome in passed] == [
        (0, "timeout", None),
        (1, "complete", "value"),
    ]
    assert profile.workers == 3


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("strategy_class", [Crossover, Choosy])
def test_trials_are_the_same_under_a_profile(strategy_class, workers):
    plain = Optimizer(strategy_class, **SPAN, num_workers=workers, result_cache=False).run()
    with Profile() as profile:
        watched = Optimizer(strategy_class, **SPAN, num_workers=workers, profile=profile).run()
    frames = [result.trials.drop(columns=["seconds", "worker", "error"]) for result in (plain, watched)]
    pd.testing.assert_frame_equal(*frames)
    assert watched.best.run.perf.equals(plain.best.run.perf)
    assert profile.workers == (workers if workers > 1 else 0)
    data = {row.category: row.seconds + row.workers_seconds for row in profile.rows()}
    assert data[Category.DATA] > 0


@pytest.mark.usefixtures("market")
def test_an_interrupted_run_has_seen_its_finished_trials():
    heard = []

    def interrupt(number, outcome):
        heard.append(number)
        if len(heard) == 5:
            raise KeyboardInterrupt

    profile = Profile()
    optimizer = Optimizer(Crossover, **SPAN, pool=Listening(SharedPool(2), interrupt), profile=profile)
    began = time.perf_counter()
    with pytest.raises(OptimizationInterrupted), profile:
        optimizer.run()
    assert time.perf_counter() - began < 20
    seconds = in_workers(profile)
    assert seconds[Category.DATA] > 0
    assert sum(seconds.values()) == pytest.approx(profile.workers_seconds)


class Listening:
    """A pool that tells of each outcome."""

    def __init__(self, pool, hear):
        self.pool, self.hear = pool, hear
        self.num_workers = pool.num_workers

    def run(self, *arguments, **options):
        for number, outcome in self.pool.run(*arguments, **options):
            self.hear(number, outcome)
            yield number, outcome


def test_nothing_of_it_is_imported_for_a_job_that_is_not_sampled():
    def loaded(_):
        import sys

        return sorted(name for name in sys.modules if name.startswith("rustybt.profiling"))

    with PersistentWorkerPool(1) as pool:
        (outcome,) = [outcome for _, outcome in pool.run(CallJob(loaded), taker([0]))]
        assert outcome.value == []
        outcomes, _ = run_in_pool(pool, loaded, [0])
        assert "rustybt.profiling.sampler" in outcomes[0].value
