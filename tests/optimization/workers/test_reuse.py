"""Can one pool run again and again, job after job, and hold no more than before?"""

import gc
import os
import time

import numpy as np
import psutil
import pytest

from rustybt.optimization.workers.memory import private_mb
from tests.optimization.workers.contract import CallJob, taker, values


def job_of(number):
    """Make a job of its own class, that holds some memory in each worker."""
    held = np.full(1 << 18, float(number))  # 2 MB

    class Task:
        factor = number

        def __call__(self, x):
            return x * self.factor + float(held[0])

    return Task()


def state(pool):
    """Count descriptors and processes, of this process and of the workers."""
    family = psutil.Process().children(recursive=True)
    descriptors = [len(os.listdir(f"/proc/{pid}/fd")) for pid in ("self", *pool.pids)]
    return descriptors, len(family), pool.pids


def test_thirty_jobs_leave_nothing_behind(any_pool):
    for number in range(3):
        assert values(any_pool, job_of(number), range(10)) == [x * number + number for x in range(10)]
    gc.collect()
    before, held = state(any_pool), [private_mb(pid) for pid in (os.getpid(), *any_pool.pids)]
    for number in range(30):
        assert values(any_pool, job_of(number), range(10)) == [x * number + number for x in range(10)]
    gc.collect()
    assert state(any_pool) == before
    for pid, size in zip((os.getpid(), *any_pool.pids), held, strict=True):
        assert private_mb(pid) - size < 20  # and not 30 times 2


def test_a_worker_lets_go_of_the_last_job_before_it_opens_the_next(any_pool):
    def peak(x):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    before = max(values(any_pool, peak, range(4)))
    for number in range(6):
        blob = np.full(20 << 17, float(number))
        values(any_pool, lambda x, blob=blob: blob[0], range(2))
    assert max(values(any_pool, peak, range(4))) - before < 80  # a message and what is in it, and not six of them


@pytest.mark.parametrize("ended", ["dropped", "raised"])
def test_a_run_that_ends_early_leaves_nothing_behind(any_pool, ended):
    def interrupted():
        outcomes = any_pool.run(CallJob(abs), taker(range(10**6)))
        next(outcomes)
        if ended == "dropped":
            outcomes.close()
        else:
            with pytest.raises(KeyError):
                outcomes.throw(KeyError("from the consumer"))

    values(any_pool, abs, range(4))
    before = state(any_pool)[:2]
    for _ in range(2):
        interrupted()
        values(any_pool, abs, range(4))
    assert state(any_pool)[:2] == before


def test_a_run_that_is_dropped_ends_its_workers_at_once_and_not_the_process_that_forks_them(fork_pool):
    outcomes = fork_pool.run(CallJob(lambda x: time.sleep(60 * x)), taker(range(4)))
    next(outcomes)
    pids, template = fork_pool.pids, psutil.Process(fork_pool.pids[0]).parent()
    outcomes.close()
    assert fork_pool.pids == () and not any(psutil.pid_exists(pid) for pid in pids)
    assert [worker.ending for worker in fork_pool.statistics[-2:]] == [
        "was ended by the pool: its run was given up"
    ] * 2
    assert values(fork_pool, abs, range(4)) == [0, 1, 2, 3]
    assert psutil.Process(fork_pool.pids[0]).parent() == template
