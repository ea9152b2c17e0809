import math
import os
import signal
import time

import pytest

from rustybt.optimization.workers.pool import PersistentWorkerPool
from rustybt.optimization.workers.statistics import Tally, WorkerStatistics
from tests.optimization.workers.contract import CallJob, run, taker


def nap(x):
    time.sleep(0.02)
    return x


@pytest.fixture(params=["fork", "spawn"])
def pool(request):
    with PersistentWorkerPool(2, start_method=request.param) as made:
        yield made


def test_each_worker_says_what_it_has_done_over_all_runs(pool):
    assert pool.statistics == ()
    outcomes = run(pool, nap, range(20)) + run(pool, nap, range(20))
    assert [worker.pid for worker in pool.statistics] == list(pool.pids)
    for worker in pool.statistics:
        own = [outcome for outcome in outcomes if outcome.worker == worker.pid]
        assert worker.tasks == len(own) > 0
        assert worker.busy_s == pytest.approx(sum(outcome.seconds for outcome in own))
        assert 1 <= worker.chunks <= worker.tasks
        assert worker.busy_s < worker.run_s
        assert worker.idle_share == 1 - worker.busy_s / worker.run_s
        assert (worker.alive, worker.ending) == (True, "")
        assert 1 < worker.peak_private_mb < 1000
    assert sum(worker.tasks for worker in pool.statistics) == 40


def test_time_between_runs_does_not_count(pool):
    run(pool, nap, range(4))
    before = [worker.run_s for worker in pool.statistics]
    time.sleep(0.2)
    assert [worker.run_s for worker in pool.statistics] == before


def test_workers_that_ended_are_kept_with_how_they_did(pool):
    run(pool, nap, range(4))
    crashed, other = pool.pids
    os.kill(crashed, signal.SIGSEGV)
    run(pool, nap, range(4))
    run(pool, lambda x: x and time.sleep(60), [0, 1], timeout_s=0.2)
    pool.close()
    endings = [(worker.pid, worker.ending) for worker in pool.statistics]
    assert not any(worker.alive for worker in pool.statistics)
    assert endings[0] == (crashed, "was killed by SIGSEGV")
    assert [ending for _, ending in endings[1:3]] == [
        "was ended by the pool: it ran past its limit of 0.2 s",
        "was ended by the pool: it ran past its limit of 0.2 s",
    ]
    assert [ending for _, ending in endings[3:]] == ["was ended with its pool"] * 2
    assert len({pid for pid, _ in endings}) == 5 and other in dict(endings)


def test_time_in_a_task_that_did_not_come_back_counts(pool):
    run(pool, lambda x: x and time.sleep(60), [0, 1], timeout_s=0.3)
    lost = [worker for worker in pool.statistics if not worker.alive]
    assert len(lost) == 2
    assert sum(worker.busy_s for worker in lost) == pytest.approx(0.6, abs=0.3)


def test_outcomes_name_the_worker_that_ran_them(pool):
    outcomes = run(pool, lambda x: os.getpid() if x % 2 else 1 // 0, range(30))
    assert [outcome.worker for outcome in outcomes[1::2]] == [outcome.value for outcome in outcomes[1::2]]
    assert {outcome.worker for outcome in outcomes} <= set(pool.pids)


def test_statistics_may_be_read_in_the_middle_of_a_run(pool):
    for count, _ in enumerate(pool.run(CallJob(nap), taker(range(10))), start=1):
        assert sum(worker.tasks for worker in pool.statistics) >= count
        assert all(worker.run_s > 0 for worker in pool.statistics)


def test_counting_a_chunk_is_cheap():
    tally = Tally()
    began = time.perf_counter()
    for _ in range(10_000):
        tally.count(5, 0.001)
    assert time.perf_counter() - began < 1.0
    assert (tally.tasks, tally.chunks, tally.busy_s) == (50_000, 10_000, pytest.approx(10.0))


def test_idle_share_is_a_share():
    assert math.isnan(WorkerStatistics(1, 0, 0, 0.0, 0.0).idle_share)
    assert WorkerStatistics(1, 1, 1, 2.0, 1.0).idle_share == 0
    assert WorkerStatistics(1, 1, 1, 0.0, 1.0).idle_share == 1


def test_the_peak_is_the_largest_known_size():
    tally = Tally()
    for held in (math.nan, 5.0, 7.0, math.nan, 6.0):
        tally.weigh(held)
    assert tally.peak_mb == 7.0
