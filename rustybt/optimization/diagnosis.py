"""What has this machine for an optimization, and what should be changed before one begins?"""

import os
import platform
import shutil
import time
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

from rustybt import __version__
from rustybt.data.bundles.catalog import available
from rustybt.data.bundles.layout import data_root
from rustybt.data.manifest import cache_path
from rustybt.optimization.workers.machine import WORKER_MB, Capacity, own_capacity

BYTES_PER_MB: Final = 1 << 20
LEAST_FREE_MB: Final = 1024
ONE_DAY_S: Final = 86_400


class Finding(NamedTuple):
    """One thing that was looked at: its name, what was found, and what to do about it, nothing if empty."""

    name: str
    found: str
    advice: str = ""


def diagnosis() -> list[Finding]:
    """Look at the machine, the libraries and the data folder.

    Returns
    -------
    list of Finding
        Always of the same things, in one order.
    """
    return [*_machine(own_capacity()), *_libraries(), *_data(data_root())]


def _machine(capacity: Capacity) -> Iterator[Finding]:
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = "" if capacity.quota == float("inf") else f", the time of {capacity.quota:g} of them"
    yield Finding(
        "cores",
        f"{capacity.cores} physical ({os.cpu_count()} CPUs, this process may use {allowed}){quota}",
        "" if capacity.workers > 1 else "workers bring nothing on one core: leave num_workers at 1",
    )
    memory = "not known" if capacity.memory_mb == float("inf") else f"{capacity.memory_mb:,.0f} MB free"
    short = capacity.memory_mb < WORKER_MB * capacity.cores
    yield Finding("memory", memory, "close other programs: it is too little for a worker on each core" if short else "")
    yield Finding("workers", f'num_workers="auto" starts {capacity.workers}')
    if hasattr(os, "getloadavg"):
        load = os.getloadavg()[0]
        busy = load > 0.5 * capacity.cores
        advice = "others use the cores: what is timed now is slower than it would be" if busy else ""
        yield Finding("load", f"{load:.1f} in the last minute", advice)
    forks = hasattr(os, "fork") and platform.system() == "Linux"
    yield Finding("start method", "fork of a template process" if forks else "spawn: each worker imports for itself")


def _libraries() -> Iterator[Finding]:
    names = ("numpy", "pandas", "numba", "duckdb", "optuna", "scipy")
    metadata: Any = import_module("importlib.metadata")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in names if find_spec(name) is not None)
    yield Finding("rustybt", f"{__version__} on Python {platform.python_version()}; {versions}")
    yield Finding("BLAS", blas())
    compiled: Any = import_module("rustybt.kernels.compiled")
    folder = compiled.cache_folder()
    if folder is None:
        yield Finding(
            "kernels", "compiled in a folder of the user's", "install where you may write, or every update compiles"
        )
    elif not any(folder.rglob("*.nbc")):
        yield Finding(
            "kernels", "not compiled yet", "the first vector strategy waits some 20 s, once: run rustybt demo"
        )
    else:
        yield Finding("kernels", f"compiled ({megabytes(folder)})")


def blas() -> str:
    """Say which BLAS NumPy has, and on how many threads; worker processes always use one."""
    config: Any = import_module("numpy").show_config(mode="dicts")
    name = config.get("Build Dependencies", {}).get("blas", {}).get("name", "unknown")
    pools = import_module("threadpoolctl").threadpool_info()
    threads = sorted({pool["num_threads"] for pool in pools if pool["user_api"] == "blas"})
    here = f"{'/'.join(map(str, threads)) or '?'} threads in this process"
    return f"{name}, {here}, 1 in workers"


def _data(root: Path) -> Iterator[Finding]:
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    writable = os.access(there, os.W_OK)
    free = shutil.disk_usage(there).free / BYTES_PER_MB
    advice = "" if writable else "bundles cannot be ingested: set RUSTYBT_ROOT to a folder that can be written"
    if writable and free < LEAST_FREE_MB:
        advice = "make room: arrays of bundles are written there"
    yield Finding("data folder", f"{root} ({free:,.0f} MB free)", advice)
    versions = [version for bundle in available() for version in bundle.versions]
    caches = root / "cache"
    damaged = sum(version.manifest is None for version in versions)
    yield Finding(
        "bundles",
        f"{len({version.name for version in versions})} with {len(versions)} versions, {megabytes(root / 'bundles')}",
        f"{damaged} damaged: ingest again, and remove them with rustybt clean" if damaged else "",
    )
    kept = {cache_path(root, version.manifest) for version in versions if version.manifest is not None}
    orphans = [] if damaged else [path for path in sorted(caches.glob("*/*")) if path not in kept and is_old(path)]
    names = ", ".join(str(path.relative_to(caches)) for path in orphans)
    yield Finding(
        "arrays",
        f"{caches}, {megabytes(caches)}",
        f"{len(orphans)} of versions that are gone: remove {names}" if orphans else "",
    )


def is_old(path: Path) -> bool:
    """Say whether a folder was made so long ago that no ingest which is under way can have made it."""
    return time.time() - path.stat().st_mtime > ONE_DAY_S


def megabytes(folder: Path) -> str:
    """Say how much a folder's files take."""
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    return f"{total / 1e6:,.1f} MB"
