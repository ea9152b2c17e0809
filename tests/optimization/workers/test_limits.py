import math
import mmap
import os
import re
import time

import numpy as np
import pytest

from rustybt.errors import InvalidParameter
from rustybt.optimization.trial import TrialStatus
from rustybt.optimization.workers.base import Preparation
from rustybt.optimization.workers.limits import Limits
from rustybt.optimization.workers.memory import private_mb
from rustybt.optimization.workers.pool import PersistentWorkerPool
from tests.optimization.workers.contract import CallJob, run, square, taker

LIMIT_MB = 200


def hold(mb, seconds):
    """Hold so much for a while, in pages that were written to."""
    block = np.ones(mb << 17)
    time.sleep(seconds)
    return int(block[0])


def test_memory_that_is_written_to_counts_and_a_mapped_file_does_not(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(64 << 17))
    before = private_mb(os.getpid())
    block = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # an allocator may have free pages
    for start in range(0, 64 << 20, 1 << 20):
        block[start : start + (1 << 20)] = b"1" * (1 << 20)
    assert private_mb(os.getpid()) - before == pytest.approx(64, abs=8)
    block.close()
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert mapped.sum() == 64 << 17
    assert private_mb(os.getpid()) - before == pytest.approx(0, abs=8)


def test_a_process_that_is_gone_holds_nothing_known():
    assert math.isnan(private_mb(2**22 + 1))


def test_a_system_that_does_not_say_needs_psutil(tmp_path, monkeypatch):
    import psutil

    unique = psutil.Process().memory_full_info().uss / (1 << 20)
    assert private_mb(os.getpid(), tmp_path) == pytest.approx(unique, rel=0.1)
    monkeypatch.setattr("rustybt.optimization.workers.memory.find_spec", lambda name: None)
    assert math.isnan(private_mb(os.getpid(), tmp_path))
    monkeypatch.setattr("rustybt.optimization.workers.limits.require_measurable", lambda pid: None)
    assert Limits(memory_mb=1).checked() == Limits(None, 1)


def test_where_nothing_measures_memory_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr("rustybt.optimization.workers.memory.private_mb", lambda pid: math.nan)
    with pytest.raises(
        InvalidParameter, match="memory_mb needs to know .*: pip install psutil, or leave the limit out"
    ):
        Limits(memory_mb=1).checked()


@pytest.mark.parametrize("name", ["timeout_s", "memory_mb"])
@pytest.mark.parametrize("limit", [0, -1, math.nan, math.inf, "2", True])
def test_a_limit_that_makes_no_sense_is_refused(name, limit):
    with pytest.raises(InvalidParameter, match=f"{name} .* is (not above 0|no number): give .*, or None for no limit"):
        Limits(**{name: limit}).checked()


def test_a_task_that_takes_too_much_memory_gets_a_status_and_the_run_goes_on(any_pool):
    def task(x):
        return hold(250 if x == 7 else 1, 5.0 if x == 7 else 0.002) and x

    outcomes = run(any_pool, task, range(40), total=40, memory_mb=LIMIT_MB)
    assert [outcome.value for outcome in outcomes[:7] + outcomes[8:]] == [*range(7), *range(8, 40)]
    assert outcomes[7].status is TrialStatus.MEMORY
    told = re.fullmatch(
        r"tried 2 times; the last time its worker process held (\d+) MB of its own, over the limit of 200 MB",
        outcomes[7].error,
    )
    assert LIMIT_MB <= int(told[1]) < 3 * LIMIT_MB  # told without decimals


def test_only_the_worker_over_the_limit_is_replaced(any_pool):
    run(any_pool, square, range(10))
    before = set(any_pool.pids)

    def task(x):
        if x == 0:
            return hold(250, 5.0)
        time.sleep(0.01)
        return x

    outcomes = run(any_pool, task, range(60), total=60, memory_mb=LIMIT_MB)
    assert [outcome.status.value for outcome in outcomes] == ["memory"] + ["complete"] * 59
    assert len(set(any_pool.pids) & before) == 1 and len(any_pool.pids) == 2


def test_a_worker_that_keeps_too_much_between_tasks_is_replaced_and_no_task_is_blamed(any_pool):
    kept = []

    def leak(x):
        kept.append(np.ones(30 << 17))
        time.sleep(0.06)
        return os.getpid()

    ended = sum(not worker.alive for worker in any_pool.statistics)
    outcomes = run(any_pool, leak, range(16), total=16, memory_mb=LIMIT_MB)
    assert {outcome.status for outcome in outcomes} == {TrialStatus.COMPLETE}
    assert len({outcome.value for outcome in outcomes}) > 2
    endings = [worker.ending for worker in any_pool.statistics[ended:] if not worker.alive]
    assert any("MB of its own, over the limit of 200 MB" in ending for ending in endings), endings


def test_what_an_earlier_run_left_is_nobodys_fault(any_pool):
    class Leaky:
        preparation = Preparation()

        def open(self):
            import builtins

            def task(x):
                if not hasattr(builtins, "kept"):
                    builtins.kept = np.ones(250 << 17)
                time.sleep(0.2)

            return task

    assert len(list(any_pool.run(Leaky(), taker(range(4))))) == 4
    pids = set(any_pool.pids)
    outcomes = run(any_pool, square, range(20), total=20, memory_mb=LIMIT_MB)
    assert [outcome.value for outcome in outcomes] == [x * x for x in range(20)]
    assert not pids & set(any_pool.pids)
    assert any("over the limit of 200 MB, from earlier runs" in worker.ending for worker in any_pool.statistics)


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_a_limit_below_what_an_idle_worker_holds_is_refused(start_method):
    message = r"memory_mb 5 is below the \d+ MB that a worker process holds before its first task: raise it"
    with PersistentWorkerPool(1, start_method=start_method) as pool, pytest.raises(InvalidParameter, match=message):
        list(pool.run(CallJob(square), taker([1]), memory_mb=5))


def test_a_task_that_follows_a_leak_up_to_the_limit_is_not_blamed(any_pool):
    kept = []

    def grow(x):
        kept.append(np.ones(20 << 17))
        return hold(30, 0.12) and x

    outcomes = run(any_pool, grow, range(14), total=14, memory_mb=LIMIT_MB)
    assert [outcome.value for outcome in outcomes] == list(range(14))
