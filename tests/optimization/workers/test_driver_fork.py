"""Is a fork of the driver a template as good as a fresh interpreter, and never one where it could not be?

Each test is a program of its own: the process that runs the tests has threads, and is never forked so.
"""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from rustybt.optimization.workers.driver_fork import may_fork
from rustybt.optimization.workers.forked_process import ForkedProcess

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a driver is forked on Linux alone")

HEAD = """
import json, os, sys, threading, time
from rustybt.optimization.workers.forked_process import ForkedProcess
from rustybt.optimization.workers.pool import PersistentWorkerPool
from tests.optimization.workers.contract import CallJob, taker

def ask(pool, function, count=4):
    return [outcome.value for _, outcome in sorted(pool.run(CallJob(function), taker(range(count)), total=count))]

def is_fork(pool):
    return isinstance(pool._crew.launcher.template, ForkedProcess)
"""


def program(body):
    """Give the command and the environment of a program."""
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    environment.pop("OMP_NUM_THREADS", None)
    return [sys.executable, "-c", HEAD + textwrap.dedent(body)], environment


def run(body):
    """Run a program, and give what it printed and the lines on stderr."""
    command, environment = program(body)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done


def test_a_driver_of_one_thread_is_forked_and_its_workers_work():
    said, done = run(
        """
        sys.stdout.write("once\\n")
        with PersistentWorkerPool(2) as pool:
            values = ask(pool, lambda x: x * x, 50)
            print(json.dumps([is_fork(pool), values]), flush=True)
    """.replace('print("once", end=" ")', 'sys.stdout.write("once\\n")')
    )
    assert said == [True, [x * x for x in range(50)]]
    assert done.stdout.count("once") == 1
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("preparing", "why"),
    [
        ("threading.Thread(target=time.sleep, args=(60,), daemon=True).start()", "a thread of Python's"),
        ("import duckdb; held = duckdb.connect(); held.execute('SELECT 1')", "threads of a library"),
        ("held = bytearray(os.urandom(1 << 20) * 300)", "300 MB"),
    ],
)
def test_a_driver_whose_state_a_fork_would_not_have_is_not_forked(preparing, why):
    said, _ = run(f"""
        {preparing}
        with PersistentWorkerPool(2) as pool:
            values = ask(pool, abs)
            print(json.dumps([is_fork(pool), values]), flush=True)
    """)
    assert said == [False, [0, 1, 2, 3]], why


def test_a_fork_made_for_nothing_is_gone():
    said, _ = run("""
        import duckdb
        held = duckdb.connect()
        held.execute("SELECT count(*) FROM range(10_000_000)").fetchall()
        with PersistentWorkerPool(1) as pool:
            ask(pool, abs)
            children = open(f"/proc/self/task/{os.getpid()}/children").read().split()
            print(json.dumps([len(children), int(children[0]) == pool._crew.launcher.template.pid]), flush=True)
    """)
    assert said == [1, True]


def test_blas_has_one_thread_in_workers_and_as_many_as_before_in_the_driver():
    said, _ = run("""
        import numpy as np
        import threadpoolctl
        def threads(x=0):
            np.ones((300, 300)) @ np.ones((300, 300))
            return sorted({pool["num_threads"] for pool in threadpoolctl.threadpool_info()})
        before = threads()
        with PersistentWorkerPool(1) as pool:
            found = ask(pool, threads, 1)[0]
            print(json.dumps([is_fork(pool), found, before == threads()]), flush=True)
    """)
    assert said == [True, [1], True]


def test_workers_hold_no_descriptor_of_the_driver_and_heed_none_of_its_signal_handlers(tmp_path):
    said, _ = run(f"""
        import fcntl, signal
        signal.signal(signal.SIGUSR1, lambda *_: None)
        held = open({str(tmp_path / "lock")!r}, "w")
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write("unwritten")
        number = held.fileno()
        def look(x):
            return os.readlink(f"/proc/self/fd/{{number}}"), signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
        with PersistentWorkerPool(1) as pool:
            found = ask(pool, look, 1)[0]
            held.close()  # nobody else has it, or the lock would stay
            again = open({str(tmp_path / "lock")!r})
            fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
            print(json.dumps([is_fork(pool), *found, again.read()]), flush=True)
    """)
    assert said == [True, os.devnull, True, "unwritten"]


def test_caches_begin_empty_and_in_use_whatever_the_driver_has_switched_off():
    said, _ = run("""
        import numpy as np
        from rustybt.data.history_cache import BlockKey, disable_history_cache, shared_history
        from rustybt.data.predictions import disable_prediction_cache, shared_predictions
        shared_history().get(BlockKey(("a", "b", None), (1,), "close", 9, 5, "1d"), lambda: np.ones((5, 1)))
        assert shared_history().statistics.blocks == 1
        def look(x):
            return shared_history().is_on, shared_predictions().is_on, shared_history().statistics.blocks
        with disable_history_cache(), disable_prediction_cache(), PersistentWorkerPool(1) as pool:
            found = ask(pool, look, 1)[0]
            print(json.dumps([is_fork(pool), *found]), flush=True)
    """)
    assert said == [True, True, True, 0]


def test_a_lost_fork_is_followed_by_another():
    said, _ = run("""
        import signal
        with PersistentWorkerPool(2) as pool:
            first, values = None, {}
            for number, outcome in pool.run(CallJob(lambda x: time.sleep(0.01) or x), taker(range(60)), total=60):
                values[number] = outcome.value
                if len(values) == 10:
                    first = pool._crew.launcher.template.pid
                    os.kill(first, signal.SIGKILL)
            second = pool._crew.launcher.template.pid
            print(json.dumps([is_fork(pool), first != second, values == {x: x for x in range(60)}]), flush=True)
    """)
    assert said == [True, True, True]


def test_a_fork_and_its_workers_end_with_the_driver():
    command, environment = program("""
        pool = PersistentWorkerPool(2)
        ask(pool, abs)
        print(json.dumps([pool._crew.launcher.template.pid, *pool.pids]), flush=True)
        time.sleep(60)
    """)
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as driver:
        pids = json.loads(driver.stdout.readline())
        family = [psutil.Process(pid) for pid in pids]
        driver.send_signal(signal.SIGKILL)
        gone, alive = psutil.wait_procs(family, timeout=20)
    assert len(gone) == 3 and not alive


def test_the_process_that_runs_the_tests_is_told_from_one_that_can_be_forked(fork_pool):
    import threading

    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert not may_fork()
    finally:
        stop.set()
        thread.join()


def test_a_forked_process_tells_how_it_ended():
    def forked(end):
        pid = os.fork()
        if pid == 0:
            end()
            os._exit(3)
        return ForkedProcess(pid)

    assert forked(lambda: None).wait(20) == 3
    sleeping = forked(lambda: time.sleep(60))
    with pytest.raises(subprocess.TimeoutExpired):
        sleeping.wait(0.01)
    assert sleeping.poll() is None
    sleeping.kill()
    assert sleeping.wait() == sleeping.poll() == -signal.SIGKILL
    sleeping.kill()  # and may be told so again
    collected = forked(lambda: None)
    os.waitpid(collected.pid, 0)
    assert collected.wait() == 0


def test_a_class_in_a_worker_is_the_one_that_was_sent_whatever_the_driver_has_made_of_it_since():
    said, _ = run("""
        class Base:
            weight = 1
        class Mine(Base):
            weight = 2
        def look(x):
            Mine.seen = getattr(Mine, "seen", 0) + 1
            return Mine.weight, Mine.seen
        with PersistentWorkerPool(1) as pool:
            first = ask(pool, look, 2)
            del Mine.weight
            print(json.dumps([is_fork(pool), first, ask(pool, look, 2)]), flush=True)
    """)
    assert said == [True, [[2, 1], [2, 2]], [[1, 1], [1, 2]]]


def test_nothing_that_the_drivers_modules_hold_is_tidied_up_in_a_worker(tmp_path):
    (tmp_path / "own.py").write_text(
        "import tempfile\nFOLDER = tempfile.TemporaryDirectory()\ndef look(x):\n    return 1\n"
    )
    said, _ = run(f"""
        sys.path.insert(0, {str(tmp_path)!r})
        import own
        with PersistentWorkerPool(1) as pool:
            values = ask(pool, own.look, 2)
            print(json.dumps([is_fork(pool), values, os.path.isdir(own.FOLDER.name)]), flush=True)
    """)
    assert said == [True, [1, 1], True]


def test_settings_of_the_driver_do_not_reach_a_worker(tmp_path):
    said, done = run(f"""
        import decimal, logging, warnings
        import numpy as np
        np.seterr(all="raise")
        decimal.getcontext().prec = 3
        warnings.simplefilter("error")
        logging.basicConfig(filename={str(tmp_path / "log")!r}, level="DEBUG")
        def look(x):
            warnings.warn("heard", RuntimeWarning)
            logging.getLogger("mine").warning("logged")
            logging.getLogger("mine").info("not logged")
            return sorted(np.geterr().values()), decimal.getcontext().prec, sys.argv
        with PersistentWorkerPool(1) as pool:
            found = ask(pool, look, 1)[0]
            print(json.dumps([is_fork(pool), *found]), flush=True)
    """)
    assert said == [True, ["ignore", "warn", "warn", "warn"], 28, ["-c"]]
    assert "RuntimeWarning: heard" in done.stderr and "logged" in done.stderr and "not logged" not in done.stderr


def test_a_run_that_limits_memory_has_workers_that_hold_nothing_of_the_drivers():
    said, _ = run("""
        held = bytearray(os.urandom(1 << 20) * 150)
        with PersistentWorkerPool(1) as pool:
            ask(pool, abs)
            before = is_fork(pool)
            job = CallJob(abs)
            values = [outcome.value for _, outcome in pool.run(job, taker(range(3)), total=3, memory_mb=200)]
            print(json.dumps([before, is_fork(pool), values]), flush=True)
    """)
    assert said == [True, False, [0, 1, 2]]


def test_an_interrupt_while_the_fork_is_made_leaves_no_process():
    said, _ = run("""
        from rustybt.optimization.workers import driver_fork
        def interrupted():
            raise KeyboardInterrupt
        driver_fork.other_threads = interrupted
        try:
            PersistentWorkerPool(1).run(CallJob(abs), taker(range(3))).__next__()
        except KeyboardInterrupt:
            children = open(f"/proc/self/task/{os.getpid()}/children").read().split()
            print(json.dumps(children), flush=True)
    """)
    assert said == []
