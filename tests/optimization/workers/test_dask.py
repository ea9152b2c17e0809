import os
import random
import signal
import socket
import subprocess
import sys
import textwrap
import time

import numpy as np
import psutil
import pytest
from pandas.testing import assert_frame_equal

import rustybt
from rustybt.data.bundles import load
from rustybt.errors import InvalidParameter, WorkerError
from rustybt.optimization.trial import TrialStatus
from rustybt.optimization.workers.base import Preparation
from rustybt.optimization.workers.dask import DaskPool
from rustybt.optimization.workers.pace import MAX_CHUNK
from rustybt.results.metrics import METRICS
from tests.optimization.processes import alive
from tests.optimization.strategies import SPAN, Crossover
from tests.optimization.workers.contract import CallJob, PoolContract, run, square, taker, values

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two worker processes with one thread each, as somebody else may have started them."""
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=2,
            processes=True,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            memory_limit=None,
            local_directory=str(tmp_path_factory.mktemp("dask")),
        ) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def dask_pool(cluster):
    with DaskPool(cluster.scheduler_address) as pool:
        yield pool


class TestDaskPool(PoolContract):
    @pytest.fixture
    def pool(self, dask_pool):
        return dask_pool


def test_an_optimizers_trials_are_those_of_a_run_without_processes(market, dask_pool):
    columns = ["trial", "fast", "slow", "ticker", "status", "score", *METRICS]
    serial = rustybt.Optimizer(strategy_class=Crossover, **SPAN).run().trials[columns]
    state = random.getstate(), np.random.mtrand.get_state()[1].tolist()
    trials = rustybt.Optimizer(strategy_class=Crossover, pool=dask_pool, **SPAN).run().trials[columns]
    assert (random.getstate(), np.random.mtrand.get_state()[1].tolist()) == state
    assert_frame_equal(trials, serial, check_exact=True)
    assert set(serial["status"]) == {"complete"}


def test_both_workers_open_the_job_once_a_run(dask_pool):
    class Counted:
        preparation = Preparation()

        def open(self):
            opened = time.monotonic_ns()
            return lambda x: time.sleep(0.01) or (os.getpid(), opened)

    runs = [[outcome for _, outcome in dask_pool.run(Counted(), taker(range(40)))] for _ in range(2)]
    for outcomes in runs:
        assert all(outcome.worker == outcome.value[0] != os.getpid() for outcome in outcomes)
        assert len({outcome.value for outcome in outcomes}) == len({outcome.worker for outcome in outcomes}) == 2
    assert not {outcome.value for outcome in runs[0]} & {outcome.value for outcome in runs[1]}
    assert dask_pool.num_workers == 2


def test_no_more_tasks_are_taken_than_chunks_are_under_way(dask_pool):
    taken = []

    def take(count):
        taken.extend(range(len(taken), len(taken) + count))
        return [(number, number) for number in taken[-count:]]

    outcomes = dask_pool.run(CallJob(abs), take)
    given = sum(1 for _ in zip(range(3000), outcomes, strict=False)) + 1  # zip asks for one more than it gives
    assert len(taken) - given <= 2 * 2 * MAX_CHUNK
    outcomes.close()


def test_results_of_several_megabytes_pass(dask_pool):
    payloads = [bytes([number]) * 2_000_000 for number in range(6)]
    assert values(dask_pool, lambda data: data + data, payloads) == [data + data for data in payloads]


def test_a_value_that_cannot_be_sent_fails_its_task_alone(dask_pool):
    outcomes = run(dask_pool, lambda x: sys if x == 2 else x, range(5))
    assert [outcome.status.value for outcome in outcomes] == ["complete"] * 2 + ["failed"] + ["complete"] * 2
    assert outcomes[2].error == "WorkerError: a module cannot be sent back from a worker process"


def test_a_task_that_ends_its_worker_twice_gets_a_status_and_the_run_goes_on(dask_pool):
    def task(x):
        if x == 7:
            os._exit(3)
        time.sleep(0.01)
        return x

    outcomes = run(dask_pool, task, range(40), total=40)
    assert [outcome.value for outcome in outcomes[:7] + outcomes[8:]] == [*range(7), *range(8, 40)]
    assert outcomes[7].status is TrialStatus.CRASHED
    assert outcomes[7].error.startswith("tried 2 times; the last time its worker process at tcp://127.0.0.1:")
    assert outcomes[7].error.endswith(" died, as Dask says")


def test_a_worker_that_is_killed_costs_no_task(dask_pool):
    seen = {}
    for number, outcome in dask_pool.run(CallJob(lambda x: time.sleep(0.01) or x), taker(range(100)), total=100):
        seen[number] = outcome.value
        if len(seen) == 30:
            os.kill(outcome.worker, signal.SIGKILL)
    assert seen == {x: x for x in range(100)}


def test_a_job_that_cannot_be_opened_says_why(dask_pool):
    class Broken:
        preparation = Preparation()

        def open(self):
            raise RuntimeError("no model file")

    with pytest.raises(WorkerError, match="cannot be opened in a Dask worker, .*(?s:.*)RuntimeError: no model file"):
        list(dask_pool.run(Broken(), taker(range(4))))
    assert values(dask_pool, square, range(4)) == [0, 1, 4, 9]


def test_a_bundle_that_is_another_on_the_workers_is_refused(market, dask_pool):
    bundle = load("mag-7")
    key = (str(bundle.root.resolve()), bundle.name, bundle.version, "0" * 64)
    with pytest.raises(WorkerError, match="has fingerprint .*, and had 0000"):
        list(dask_pool.run(CallJob(square, Preparation((), (key,))), taker([1])))
    elsewhere = ("/no/such/folder", bundle.name, bundle.version, bundle.fingerprint)
    with pytest.raises(
        WorkerError, match="needs the driver's packages, and the bundle in the same folder:(?s:.*)/no/such"
    ):
        list(dask_pool.run(CallJob(square, Preparation((), (elsewhere,))), taker([1])))


@pytest.mark.parametrize("limit", [{"timeout_s": 2}, {"memory_mb": 2000}])
def test_limits_are_refused(dask_pool, limit):
    message = (
        "cannot be kept by Dask, which does not end a single task: use PersistentWorkerPool, or leave the limit out"
    )
    with pytest.raises(InvalidParameter, match=message):
        run(dask_pool, square, [1], **limit)


def test_one_run_at_a_time(dask_pool):
    outcomes = dask_pool.run(CallJob(square), taker(range(10)))
    next(outcomes)
    with pytest.raises(WorkerError, match="the pool is in use by another run"):
        run(dask_pool, square, [1])
    assert len(list(outcomes)) == 9


def test_bad_options_say_what_is_wrong():
    with pytest.raises(InvalidParameter, match="num_workers 0 is neither 'auto' nor a whole number from 1 to 1024"):
        DaskPool(n_workers=0)
    with pytest.raises(InvalidParameter, match='address .10.0.0.1. is no scheduler.s: write "tcp://HOST:PORT"'):
        DaskPool("10.0.0.1")
    with pytest.raises(InvalidParameter, match="n_workers 2 is for a cluster of the pool's own"):
        DaskPool("tcp://127.0.0.1:1", n_workers=2)


def test_a_scheduler_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr("rustybt.optimization.workers.dask.CONNECT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(WorkerError, match=f"no Dask scheduler answers at {address} within 0.3 s"):
        run(DaskPool(address), square, [1])


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("rustybt.optimization.workers.dask.find_spec", lambda name: None)
    with pytest.raises(WorkerError, match=r'needs the package distributed: pip install "rustybt\[dask\]"'):
        DaskPool()


SCRIPT = """
import os, sys
from itertools import islice
from rustybt.optimization.workers.base import Preparation
from rustybt.optimization.workers.dask import DaskPool
class Job:
    preparation = Preparation()
    def open(self):
        print("opened on stdout")
        return lambda x: (os.getpid(), os.getcwd(), os.environ["OMP_NUM_THREADS"])
tasks = iter([(i, i) for i in range(8)])
pool = DaskPool(n_workers=1)
for number, outcome in pool.run(Job(), lambda count: list(islice(tasks, count))):
    print(*outcome.value)
sys.stdout.flush()
"""


@pytest.mark.parametrize("ending", ["", pytest.param("os.kill(os.getpid(), 9)", marks=pytest.mark.soak)])
def test_an_unguarded_script_starts_a_cluster_of_its_own_and_leaves_nothing(tmp_path, ending):
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT) + ending)
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 8 and len(set(lines)) == 1, done.stderr
    pid, folder, threads = lines[0].split()
    assert (folder, threads) == (str(tmp_path), "1")
    assert done.stderr == "opened on stdout\n"
    deadline = time.monotonic() + 20
    while psutil.pid_exists(int(pid)) and alive(psutil.Process(int(pid))) or list(tmp_path.glob("rustybt-dask-*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert os.listdir(tmp_path) == ["script.py"]


@pytest.mark.soak
def test_a_scheduler_that_is_lost_in_mid_run_is_named_and_the_next_run_starts_another():
    with DaskPool(n_workers=1) as pool:
        outcomes = pool.run(CallJob(lambda x: time.sleep(0.02)), taker(range(1000)))
        next(outcomes)
        os.killpg(pool._link.host.process.pid, signal.SIGKILL)
        with pytest.raises(WorkerError, match="the connection to the Dask scheduler at tcp://127.0.0.1:.* was lost"):
            list(outcomes)
        assert values(pool, square, range(10)) == [x * x for x in range(10)]
