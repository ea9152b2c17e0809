"""Workers share what was mapped before they were forked: its pages are in memory once."""

import time

import pytest

from rustybt.errors import WorkerError
from rustybt.optimization import shared_context
from rustybt.optimization.shared_context import SharedBundleContext, SharedMemory, memory_of
from rustybt.optimization.workers.base import Preparation
from rustybt.optimization.workers.pool import PersistentWorkerPool
from tests.builders import bars, make_bundle
from tests.optimization.workers.contract import CallJob, run, square, taker

MB = 1 << 20


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """300 assets over 1,000 sessions: 2.4 MB a field."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUSTYBT_ROOT", str(tmp_path_factory.mktemp("shared")))
        made = make_bundle({f"S{number:03}": bars([10.0] * 1000) for number in range(300)})
        for field in ("close", "volume", "open", "high", "low"):
            made.daily(field)
        yield made


def key_of(bundle):
    return (str(bundle.root), bundle.name, bundle.version, bundle.fingerprint)


def imports(x):
    import optuna

    time.sleep(0.1)  # long enough that every worker gets a task
    return optuna.__name__


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_what_is_measured_are_the_workers_and_what_they_are_forks_of(bundle, start_method):
    job = CallJob(square, Preparation((), (key_of(bundle),)))
    with PersistentWorkerPool(2, start_method=start_method) as pool:
        list(pool.run(job, taker(range(8))))
        context = pool.context
        assert (context.bundles, len(context.pids)) == ((key_of(bundle),), 2)
        helpers = 1 if start_method == "fork" else 0
        assert len(set(context.helper_pids) - set(context.pids)) == helpers
        assert context.memory().processes == 2 + helpers


def test_workers_share_pages_that_they_would_else_have_for_themselves(bundle):
    held = {}
    for modules in ((), ("optuna",)):
        job = CallJob(imports, Preparation(modules, (key_of(bundle),)))
        with PersistentWorkerPool(4) as pool:
            assert {outcome.value for _, outcome in pool.run(job, taker(range(16)))} == {"optuna"}
            held[bool(modules)] = pool.context.memory()
    assert held[False].private - held[True].private > 20 * MB
    assert held[False].pss - held[True].pss > 20 * MB


def test_a_pool_without_workers_shares_nothing(bundle):
    with PersistentWorkerPool(2) as pool:
        assert pool.context.memory() == SharedMemory(0, 0, 0, 0)
        run(pool, square, range(4))
        kept = pool.context
    assert kept.memory().processes == 0  # they have ended


def test_figures_are_those_of_the_kernel(tmp_path):
    folder = tmp_path / "12"
    folder.mkdir()
    (folder / "smaps_rollup").write_text(
        "00400000-7ffe00000000 ---p 00000000 00:00 0 [rollup]\nRss: 500 kB\nPss: 300 kB\nPss_Dirty: 90 kB\n"
        "Shared_Clean: 250 kB\nShared_Dirty: 10 kB\nPrivate_Clean: 40 kB\nPrivate_Dirty: 200 kB\n"
    )
    assert memory_of(12, tmp_path) == SharedMemory(1, 300 * 1024, 240 * 1024, 260 * 1024)
    assert memory_of(13, tmp_path) == SharedMemory(0, 0, 0, 0)


def test_a_system_that_does_not_tell_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(shared_context, "PROC", tmp_path)
    with pytest.raises(WorkerError, match="this system does not tell which pages are shared"):
        SharedBundleContext((), (), (1,)).memory()
