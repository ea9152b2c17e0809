import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from rustybt.errors import InvalidParameter, WorkerError
from rustybt.optimization.trial import TrialStatus
from rustybt.optimization.workers.base import Preparation
from rustybt.optimization.workers.pool import SHARED, PersistentWorkerPool, SharedPool, worker_count
from tests.optimization.processes import alive
from tests.optimization.workers.contract import CallJob, PoolContract, run, square, taker, values


class TestForkPool(PoolContract):
    @pytest.fixture
    def pool(self, fork_pool):
        return fork_pool


class TestSpawnPool(PoolContract):
    @pytest.fixture
    def pool(self, spawn_pool):
        return spawn_pool


def nap(x):
    time.sleep(0.02)
    return x


def own_end(how):
    def task(x):
        if x == 7:
            how()
        return x

    return task


def descendants():
    return [process for process in psutil.Process().children(recursive=True) if alive(process)]


def parents_of(pids):
    return {psutil.Process(pid).ppid() for pid in pids}


def wait_until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_workers_stay_alive_between_runs(any_pool):
    run(any_pool, square, range(10))
    pids = any_pool.pids
    assert len(set(pids)) == 2
    assert (
        set(values(any_pool, lambda x: time.sleep(0.01) or os.getpid(), range(20))) == set(pids) == set(any_pool.pids)
    )


def test_a_job_is_opened_once_in_each_worker(any_pool):
    class Counted:
        preparation = Preparation()

        def open(self):
            opened = []
            opened.append(os.getpid())
            return lambda x: time.sleep(0.002) or (os.getpid(), id(opened))

    seen = {outcome.value for _, outcome in any_pool.run(Counted(), taker(range(100)))}
    assert len(seen) == len({pid for pid, _ in seen}) == 2


def test_a_worker_has_one_thread_and_one_thread_a_library(fork_pool):
    def look(x):
        return len(os.listdir("/proc/self/task")), os.environ["OMP_NUM_THREADS"]

    assert set(values(fork_pool, look, range(4))) == {(1, "1")}


@pytest.mark.parametrize("kills", [1, 3])
def test_every_task_survives_workers_that_are_killed_in_mid_run(any_pool, kills):
    killed = []
    seen = {}
    for number, outcome in any_pool.run(CallJob(nap), taker(range(60)), total=60):
        seen[number] = outcome
        if len(seen) in [5 + 15 * k for k in range(kills)]:
            killed.append(any_pool.pids[len(killed) % 2])
            os.kill(killed[-1], signal.SIGKILL)
    assert {number: outcome.value for number, outcome in seen.items()} == {x: x for x in range(60)}
    assert len(any_pool.pids) == 2 and not set(killed) & set(any_pool.pids)
    assert not any(psutil.pid_exists(pid) for pid in killed)


@pytest.mark.parametrize(
    ("how", "tries", "ending"),
    [
        (lambda: os._exit(3), 2, "exited with code 3"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), 2, "was killed by SIGSEGV"),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), 6, "was killed by SIGTERM"),
    ],
)
def test_a_task_that_ends_its_worker_each_time_gets_a_status_and_the_run_goes_on(any_pool, how, tries, ending):
    outcomes = run(any_pool, own_end(how), range(40), total=40)
    assert [outcome.value for outcome in outcomes[:7] + outcomes[8:]] == [*range(7), *range(8, 40)]
    assert outcomes[7].status is TrialStatus.CRASHED
    assert outcomes[7].error == f"tried {tries} times; the last time its worker process {ending}"


def test_a_task_that_hangs_past_its_limit_gets_a_status_and_the_run_goes_on(any_pool):
    outcomes = run(any_pool, own_end(lambda: time.sleep(60)), range(20), timeout_s=0.5)
    assert [outcome.value for outcome in outcomes[:7] + outcomes[8:]] == [*range(7), *range(8, 20)]
    assert outcomes[7].status is TrialStatus.TIMEOUT
    assert outcomes[7].error == "tried 2 times; the last time it ran past its limit of 0.5 s"


def test_the_limit_does_not_count_the_time_of_opening_the_job(any_pool):
    class SlowToOpen:
        preparation = Preparation()

        def open(self):
            time.sleep(1.0)
            return square

    outcomes = list(any_pool.run(SlowToOpen(), taker(range(4)), timeout_s=0.5))
    assert {outcome.status for _, outcome in outcomes} == {TrialStatus.COMPLETE}


def test_workers_killed_between_runs_are_replaced_before_the_next(any_pool):
    run(any_pool, square, range(4))
    for pid in any_pool.pids:
        os.kill(pid, signal.SIGKILL)
    assert values(any_pool, square, range(20)) == [x * x for x in range(20)]


def test_a_killed_template_is_replaced_in_mid_run(fork_pool):
    seen = {}
    for number, outcome in fork_pool.run(CallJob(nap), taker(range(60)), total=60):
        seen[number] = outcome.value
        if len(seen) == 10:
            os.kill(psutil.Process(fork_pool.pids[0]).ppid(), signal.SIGKILL)
    assert seen == {x: x for x in range(60)}


def test_large_tasks_and_values_do_not_block_one_another(any_pool):
    sizes = [300_000 + x for x in range(40)]
    assert values(any_pool, lambda data: data[::-1], [bytes(size) for size in sizes]) == [bytes(size) for size in sizes]


def test_many_small_tasks_with_large_values_pass(any_pool):
    assert sum(map(len, values(any_pool, lambda x: bytes(100_000), range(300)))) == 300 * 100_000


def test_a_value_that_cannot_be_sent_fails_its_task_alone(any_pool):
    outcomes = run(any_pool, lambda x: threading.Lock() if x == 2 else x, range(5))
    assert [outcome.status.value for outcome in outcomes] == ["complete"] * 2 + ["failed"] + ["complete"] * 2
    assert outcomes[2].error == "WorkerError: a lock cannot be sent back from a worker process"


def test_a_job_that_cannot_be_sent_says_why(any_pool):
    lock = threading.Lock()
    with pytest.raises(WorkerError, match=r"cannot be sent to worker processes \(TypeError: cannot pickle.*lock"):
        run(any_pool, lambda x: lock, [1])


def test_a_job_that_cannot_be_opened_says_why(any_pool):
    class Broken:
        preparation = Preparation()

        def open(self):
            raise RuntimeError("no model file")

    with pytest.raises(WorkerError, match="cannot be opened in a worker process:(?s:.*)RuntimeError: no model file"):
        list(any_pool.run(Broken(), taker(range(4))))
    assert values(any_pool, square, range(4)) == [0, 1, 4, 9]


def test_a_job_that_ends_every_process_that_opens_it_says_how(any_pool):
    class Deadly:
        preparation = Preparation()

        def open(self):
            os._exit(7)

    message = "worker processes die before they have opened the strategy; the last one exited with code 7"
    with pytest.raises(WorkerError, match=message):
        list(any_pool.run(Deadly(), taker(range(1000)), total=1000))
    assert values(any_pool, square, range(4)) == [0, 1, 4, 9]


def test_workers_killed_again_and_again_before_they_have_opened_the_job_are_replaced(fork_pool, tmp_path):
    class KilledAtFirst:
        preparation = Preparation()

        def open(self):
            for number in range(12):
                with contextlib.suppress(FileExistsError):
                    (tmp_path / str(number)).touch(exist_ok=False)
                    os.kill(os.getpid(), signal.SIGKILL)
            return square

    outcomes = list(fork_pool.run(KilledAtFirst(), taker(range(20)), total=20))
    assert sorted(outcome.value for _, outcome in outcomes) == [x * x for x in range(20)]
    assert len(list(tmp_path.iterdir())) == 12


def test_one_run_at_a_time(any_pool):
    outcomes = any_pool.run(CallJob(nap), taker(range(10)))
    next(outcomes)
    with pytest.raises(WorkerError, match="the pool is in use by another run"):
        run(any_pool, square, [1])
    assert len(list(outcomes)) == 9


def test_user_code_runs_in_the_drivers_folder(any_pool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert set(values(any_pool, lambda x: os.getcwd(), range(4))) == {str(tmp_path)}


def test_a_template_with_a_second_thread_is_refused(tmp_path, monkeypatch):
    (tmp_path / "starts_a_thread.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    message = r'has 2 threads \(.*\) and cannot be forked safely: use .*start_method="spawn"'
    with PersistentWorkerPool(1, start_method="fork") as pool, pytest.raises(WorkerError, match=message):
        list(pool.run(CallJob(square, Preparation(("starts_a_thread",))), taker([1])))
    assert pool.pids == ()


def test_a_module_that_cannot_be_prepared_says_why(fork_pool):
    with pytest.raises(WorkerError, match="No module named 'no_such_module'"):
        list(fork_pool.run(CallJob(square, Preparation(("no_such_module",))), taker([1])))
    assert values(fork_pool, square, [3]) == [9]


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_closing_leaves_no_process_no_zombie_and_no_descriptor(start_method):
    psutil.Process().children()
    before, open_before = {p.pid for p in descendants()}, set(os.listdir("/proc/self/fd"))
    for _ in range(2):
        with PersistentWorkerPool(2, start_method=start_method) as pool:
            run(pool, square, range(10))
            os.kill(pool.pids[0], signal.SIGKILL)
            run(pool, square, range(10))
            assert len(descendants()) > len(before)
        assert {p.pid for p in psutil.Process().children(recursive=True)} <= before
        assert len(os.listdir("/proc/self/fd")) <= len(open_before)  # others' may be collected meanwhile


def test_closing_ends_workers_in_the_middle_of_a_task_at_once():
    pool = PersistentWorkerPool(2, start_method="fork")
    outcomes = pool.run(CallJob(lambda x: time.sleep(60 * x)), taker(range(4)))
    next(outcomes)
    pids = pool.pids
    began = time.monotonic()
    outcomes.close()
    assert time.monotonic() - began < 5  # and not the 60 s of the task; Ctrl-C's second is tested with a whole program
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_collected_pool_ends_its_processes():
    pool = PersistentWorkerPool(1, start_method="fork")
    run(pool, square, [1])
    (pid,) = pool.pids
    del pool
    wait_until(lambda: not psutil.pid_exists(pid))


def test_a_fork_of_the_driver_neither_uses_nor_ends_its_workers(fork_pool):
    run(fork_pool, square, range(4))
    pids = fork_pool.pids
    child = subprocess_free_fork(lambda: fork_pool.pids == () and os._exit(0))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert fork_pool.pids == pids
    assert values(fork_pool, square, [4]) == [16]


def subprocess_free_fork(action):
    pid = os.fork()
    if pid == 0:
        try:
            action()
        finally:
            os._exit(1)
    return pid


SCRIPT = """
import os, sys, time
from itertools import islice
from rustybt.optimization.workers.base import Preparation
from rustybt.optimization.workers.pool import PersistentWorkerPool
class Job:
    preparation = Preparation()
    def open(self):
        print("opened on stdout")
        return lambda x: print("task on stdout") or time.sleep(SLEEP) or x
tasks = iter([(i, i) for i in range(4)])
pool = PersistentWorkerPool(2, start_method="METHOD")
for number, outcome in pool.run(Job(), lambda count: list(islice(tasks, count))):
    print(*pool.pids, flush=True)
print("end", flush=True)
"""


def start_driver(method, sleep):
    code = SCRIPT.replace("METHOD", method).replace("SLEEP", sleep)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_program_that_ends_without_closing_leaves_nothing_and_prints_to_stderr(method):
    driver = start_driver(method, "0")
    out, err = driver.communicate(timeout=60)
    *pids, end = out.split("\n")[:-1]
    assert (driver.returncode, end) == (0, "end")
    assert err.count("opened on stdout") == 2 and err.count("task on stdout") == 4
    assert not any(psutil.pid_exists(int(pid)) for line in pids for pid in line.split())


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_end_with_a_driver_that_is_killed(method):
    driver = start_driver(method, "60 if x else 0")
    pids = [int(pid) for pid in driver.stdout.readline().split()]
    processes = [psutil.Process(pid) for pid in pids]
    driver.kill()
    driver.wait()
    wait_until(lambda: not any(alive(process) for process in processes))
    driver.stdout.close()
    driver.stderr.close()


def test_runs_without_a_pool_of_their_own_share_one():
    try:
        first, second = SharedPool(2), SharedPool(2)
        run(first, square, range(4))
        run(second, square, range(4))
        assert first.pool is second.pool is SHARED.pool
        outcomes = first.run(CallJob(nap), taker(range(3)))
        next(outcomes)
        run(second, square, range(4))
        assert first.pool is SHARED.pool is not second.pool
        outcomes.close()
        run(SharedPool(1), square, range(4))
        assert SHARED.pool.num_workers == 1
        assert first.pool.pids == ()
    finally:
        SHARED.close()


def test_runs_that_begin_at_once_do_not_take_one_another_s_pool():
    together, found = threading.Barrier(3), []
    SHARED.close()
    before = {process.pid for process in descendants()}

    def work(count):
        together.wait()
        try:
            outcomes = list(SharedPool(count).run(CallJob(square), taker(range(6))))
            found.append(sorted(outcome.value for _, outcome in outcomes))
        except Exception as error:
            found.append(repr(error))

    try:
        for _ in range(3):
            threads = [threading.Thread(target=work, args=(count,)) for count in (2, 2, 1)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert found == [[x * x for x in range(6)]] * 9
        shared = set() if SHARED.pool is None else set(SHARED.pool.pids)
        wait_until(lambda: {process.pid for process in descendants()} - before - parents_of(shared) <= shared)
    finally:
        SHARED.close()


def test_a_template_that_died_between_runs_is_replaced_for_a_job_that_needs_more(fork_pool):
    run(fork_pool, square, range(4))
    psutil.Process(fork_pool.pids[0]).parent().kill()
    job = CallJob(square, Preparation(("wave",), ()))
    assert sorted(outcome.value for _, outcome in fork_pool.run(job, taker(range(4)))) == [0, 1, 4, 9]


@pytest.mark.parametrize("number", [0, -1, 1.5, "many", True, 10**6])
def test_bad_numbers_of_workers_say_what_is_wrong(number):
    with pytest.raises(InvalidParameter, match="is neither 'auto' nor a whole number from 1 to 1024"):
        worker_count(number)


def test_bad_options_say_what_is_wrong(fork_pool):
    with pytest.raises(InvalidParameter, match="start_method 'forkserver' is neither 'fork' nor 'spawn'"):
        PersistentWorkerPool(1, start_method="forkserver")
    with pytest.raises(InvalidParameter, match="timeout_s 0 is not above 0: give a limit, or None for no limit"):
        run(fork_pool, square, [1], timeout_s=0)
    with pytest.raises(InvalidParameter, match="memory_mb '2 GB' is no number: give one, or None for no limit"):
        run(fork_pool, square, [1], memory_mb="2 GB")


def test_a_process_is_started_on_this_interpreter_and_path(any_pool):
    (seen,) = values(any_pool, lambda x: (sys.executable, sys.path), [1])
    assert seen == (sys.executable, sys.path)
