"""Workers share what was mapped before they were forked: its pages are in memory once."""

import numpy as np
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


def reads(key):
    """Give a task that reads all pages of a bundle."""

    def read(x):
        from rustybt.optimization.workers.mapped import open_mapped

        opened = open_mapped(*key)
        return float(sum(np.nansum(opened.daily(field)) for field in ("close", "open", "high", "low")))

    return read


def test_the_pages_of_a_bundle_are_there_once_however_many_read_them(bundle):
    key = (str(bundle.root), bundle.name, bundle.version, bundle.fingerprint)
    job = CallJob(reads(key), Preparation((), (key,)))
    held = {}
    for count in (1, 4):
        with PersistentWorkerPool(count) as pool:
            values = [outcome.value for _, outcome in pool.run(job, taker(range(4 * count)))]
            assert len(set(values)) == 1
            context = pool.context
            assert (context.bundles, len(context.pids)) == ((key,), count)
            held[count] = context.memory()
    arrays = 4 * 1000 * 300 * 8
    assert held[1].processes == 1 and held[4].processes == 4
    assert held[4].shared > 4 * arrays  # counted for each
    assert held[4].pss < held[1].pss + 3 * (held[1].pss - arrays)  # three more have what a process has, less the arrays


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
