"""What do the workers of a pool share, and do their libraries leave the cores to the others?"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from rustybt.data.bundles import load
from rustybt.data.portal import portal_of
from rustybt.optimization.workers.base import Preparation
from rustybt.optimization.workers.mapped import BundleKey, open_mapped
from rustybt.optimization.workers.pool import PersistentWorkerPool
from tests.optimization.workers.contract import taker, values

LIBRARIES = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR", "NUMBA")


def test_linear_algebra_has_one_thread_in_a_worker(any_pool):
    import threadpoolctl

    def look(x):
        np.ones((300, 300)) @ np.ones((300, 300))
        pools = {(pool["user_api"], pool["num_threads"]) for pool in threadpoolctl.threadpool_info()}
        return pools, len(os.listdir("/proc/self/task"))

    for pools, threads in values(any_pool, look, range(4)):
        assert pools and {count for _, count in pools} == {1}
        assert threads <= 2  # a spawned worker has one that waits for the end of the driver


def test_every_library_is_told_to_use_one_thread(any_pool):
    def look(x):
        return [os.environ[f"{library}_NUM_THREADS"] for library in LIBRARIES]

    assert values(any_pool, look, [1]) == [["1"] * len(LIBRARIES)]


class Mapping(NamedTuple):
    """Reads prices, and says what the process has mapped."""

    bundle: BundleKey

    @property
    def preparation(self):
        return Preparation(("rustybt.data.portal",), (self.bundle,))

    def open(self):
        portal = portal_of(open_mapped(*self.bundle))

        def look(x):
            total = float(np.nansum(portal.array("close")))
            maps = Path("/proc/self/smaps").read_text().splitlines()
            return os.getpid(), total, sizes_of(maps)

        return look


def sizes_of(lines):
    """Give resident and proportional kB of each mapped .npy file."""
    sizes, file = {}, None
    for line in lines:
        words = line.split()
        if len(words) >= 5 and "-" in words[0]:
            file = words[5] if len(words) > 5 and words[5].endswith(".npy") else None
        elif file is not None and words[0] in ("Rss:", "Pss:"):
            sizes.setdefault(file, {})[words[0]] = sizes.get(file, {}).get(words[0], 0) + int(words[1])
    return sizes


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_workers_map_the_same_files_of_the_cache_and_hold_them_once(market, start_method):
    bundle = load("mag-7")
    key = (str(bundle.root.resolve()), bundle.name, bundle.version, bundle.fingerprint)
    close = portal_of(open_mapped(*key)).array("close")
    with PersistentWorkerPool(2, start_method=start_method) as pool:
        seen = {}
        for _, outcome in pool.run(Mapping(key), taker(range(40))):
            pid, total, sizes = outcome.value
            assert total == float(np.nansum(close))
            seen[pid] = sizes
    assert len(seen) == 2
    for sizes in seen.values():
        assert all(Path(file).is_relative_to(market / "cache") for file in sizes)
        assert any("close" in Path(file).name for file in sizes)
    for file in set.intersection(*(set(sizes) for sizes in seen.values())):
        for sizes in seen.values():
            assert sizes[file]["Pss:"] <= 0.6 * sizes[file]["Rss:"] + 4
