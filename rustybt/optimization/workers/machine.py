"""How many worker processes does this machine bear?

As many as it has physical cores that this process may use, within the share of them and of the memory that a container
leaves to it. Two threads of one core, which is what operating systems count, do hardly more than one.
"""

import math
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

WORKER_MB = 256
"""What a worker is taken to need for itself: some 60 MB before its first task, and a strategy's own arrays."""
KB_PER_MB, BYTES_PER_MB = 1 << 10, 1 << 20
PROC, SYS = Path("/proc"), Path("/sys")


class Capacity(NamedTuple):
    """What a process may use.

    Attributes
    ----------
    cores : int
        Physical ones.
    quota : float
        Of the time of so many of them; inf for all.
    memory_mb : float
        That is free, in units of 2**20 bytes; inf where nobody says.

    Examples
    --------
    >>> Capacity(cores=8, quota=2.5, memory_mb=16_000.0).workers
    2
    >>> Capacity(cores=8, quota=math.inf, memory_mb=1_000.0).workers
    3
    """

    cores: int
    quota: float = math.inf
    memory_mb: float = math.inf

    @property
    def workers(self) -> int:
        """Processes that it bears; at least 1."""
        return max(1, int(min(self.cores, self.quota, self.memory_mb / WORKER_MB)))


def capacity_of(cpus: Collection[int], proc: Path = PROC, sys: Path = SYS) -> Capacity:
    """Find out what a process may use on Linux.

    Parameters
    ----------
    cpus : collection of int
        Numbers of the CPUs, each a thread of a core, that it may run on.
    proc, sys : Path
        Where the kernel tells.

    Returns
    -------
    Capacity
    """
    groups = list(control_groups(proc, sys))
    memory = min([available_mb(proc / "meminfo"), *(memory_left_mb(folder) for folder in groups)])
    return Capacity(physical_cores(cpus, sys), min([math.inf, *map(cpu_quota, groups)]), memory)


def own_capacity() -> Capacity:
    """Find out what this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return capacity_of(os.sched_getaffinity(0))
    cores: int | None = None
    if find_spec("psutil") is not None:
        psutil: Any = import_module("psutil")
        cores = psutil.cpu_count(logical=False)
    return Capacity(cores or os.cpu_count() or 1)


def physical_cores(cpus: Collection[int], sys: Path) -> int:
    """Count the cores whose threads some CPUs are; one each where the kernel does not say."""
    return max(1, len({siblings_of(cpu, sys / f"devices/system/cpu/cpu{cpu}/topology") for cpu in cpus}))


def siblings_of(cpu: int, topology: Path) -> str:
    """Give the CPUs of a CPU's core, as the kernel writes them."""
    for name in ("core_cpus_list", "thread_siblings_list"):
        if siblings := read(topology / name):
            return siblings
    return str(cpu)


def control_groups(proc: Path, sys: Path) -> Iterator[Path]:
    """Yield the folders of this process's control groups, and of those above them.

    A container may see its own group as the root of the tree, and be told a path that is not there.
    """
    for line in read(proc / "self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        names = {"cpu", "memory"} & set(controllers.split(",")) if controllers else {"", "unified"}
        for root in (sys / "fs/cgroup" / name for name in sorted(names)):
            folder = root / path.lstrip("/")
            yield folder
            while folder != root:
                folder = folder.parent
                yield folder


def cpu_quota(group: Path) -> float:
    """Give the number of CPUs whose time a control group may use; inf without a limit."""
    with suppress(ValueError, ZeroDivisionError):
        quota, period = (read(group / "cpu.max") or cpu_quota_of_old(group)).split()
        return float(quota) / float(period) if float(quota) > 0 else math.inf
    return math.inf


def cpu_quota_of_old(group: Path) -> str:
    """Give the two files of a version 1 group as version 2 writes them."""
    return read(group / "cpu.cfs_quota_us") + " " + read(group / "cpu.cfs_period_us")


def memory_left_mb(group: Path) -> float:
    """Give what a control group may still take, in MB; inf without a limit.

    Pages of files that were not used for a while count as free: the kernel drops them for whoever needs memory.
    """
    for limit, usage, idle in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        with suppress(ValueError):
            left = int(read(group / limit)) - int(read(group / usage)) + field_of(group / "memory.stat", idle)
            return max(0, left) / BYTES_PER_MB
    return math.inf


def available_mb(meminfo: Path) -> float:
    """Give the machine's free memory in MB; inf where it does not say."""
    kilobytes = field_of(meminfo, "MemAvailable:")
    return kilobytes / KB_PER_MB if kilobytes else math.inf


def field_of(path: Path, name: str) -> int:
    """Give the number behind a name in a file of names and numbers; 0 where it is not there."""
    rows = (line.split() for line in read(path).splitlines())
    return next((int(row[1]) for row in rows if row[:1] == [name]), 0)


def read(path: Path) -> str:
    """Give a file's text without space at its ends; empty where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
