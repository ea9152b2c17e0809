"""Do random kills of workers, many of them, lose a trial or change a number?"""

import os
import random
import signal
import threading
import time

import numpy as np
import psutil
import pytest

from rustybt.optimization.trial import TrialStatus
from rustybt.optimization.workers.pool import PersistentWorkerPool
from rustybt.optimization.workers.serial import SerialPool
from tests.optimization.processes import alive
from tests.optimization.workers.contract import CallJob, taker, values


def walk(x):
    """Take 2 to 5 ms for a number that depends on nothing but the task."""
    generator = np.random.default_rng(x)
    return [float(generator.normal(size=50_000).cumsum().max()) for _ in range(1 + x % 3)]


class Killer(threading.Thread):
    """Kills a random worker as the run goes on, each when a random number of outcomes is there and some ms later."""

    def __init__(self, pool, tasks, kills, seed):
        super().__init__(daemon=True)
        self.pool, self.random = pool, random.Random(seed)
        self.plan = sorted(self.random.sample(range(1, tasks - 10), kills))
        self.seen, self.killed = 0, set()

    def run(self):
        for count in self.plan:
            while self.seen < count:
                time.sleep(0.0005)
            time.sleep(self.random.uniform(0, 0.01))
            while not (living := sorted(set(self.pool.pids) - self.killed)):
                time.sleep(0.0005)
            pid = self.random.choice(living)
            self.killed.add(pid)
            os.kill(pid, signal.SIGKILL)


def outcomes_under_fire(pool, tasks, kills, seed):
    killer, seen = Killer(pool, tasks, kills, seed), {}
    values(pool, abs, range(4))
    killer.start()
    for number, outcome in pool.run(CallJob(walk), taker(range(tasks)), total=tasks):
        assert number not in seen
        seen[number], killer.seen = outcome, killer.seen + 1
    killer.join(10)
    assert len(killer.killed) == kills
    return [seen[number] for number in range(tasks)]


def check(start_method, tasks, kills, seed):
    expected = values(SerialPool(), walk, range(tasks))
    with PersistentWorkerPool(2, start_method=start_method) as pool:
        outcomes = outcomes_under_fire(pool, tasks, kills, seed)
        endings = [worker.ending for worker in pool.statistics if not worker.alive]
        family = psutil.Process().children(recursive=True)
        pids = pool.pids
    assert {outcome.status for outcome in outcomes} == {TrialStatus.COMPLETE}
    assert [outcome.value for outcome in outcomes] == expected
    assert endings.count("was killed by SIGKILL") >= kills - 2  # those of the last moment are not noticed
    assert not any(alive(process) for process in family if process.pid in pids)
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_few_kills_lose_no_trial_and_change_no_number():
    check("fork", tasks=150, kills=6, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize(("start_method", "seed"), [("fork", 11), ("fork", 12), ("spawn", 13)])
def test_a_hundred_kills_in_two_thousand_trials_lose_no_trial_and_change_no_number(start_method, seed):
    check(start_method, tasks=2000, kills=100, seed=seed)
