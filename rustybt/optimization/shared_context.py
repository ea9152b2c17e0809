"""What do the workers of a pool share, and how much memory does that spare?

The template process imports the job's modules and maps the bundle's arrays before it forks: the pages of both are in
memory once, however many workers there are. What a worker writes to becomes its own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rustybt.errors import WorkerError
from rustybt.optimization.workers.mapped import BundleKey

PROC = Path("/proc")
BYTES_PER_KB = 1024
PRIVATE = ("Private_Clean", "Private_Dirty")
SHARED = ("Shared_Clean", "Shared_Dirty")


class SharedMemory(NamedTuple):
    """What some processes hold, in bytes.

    Attributes
    ----------
    processes : int
        That were looked at.
    pss : int
        Of all together: a page that several share counts for each by its part, so that this is what they take.
    private : int
        Pages that one of them alone has.
    shared : int
        Pages that others have too, counted once for each process that has them.

    Examples
    --------
    >>> held = SharedMemory(processes=4, pss=300 << 20, private=100 << 20, shared=800 << 20)
    >>> print(held)
    4 processes take 315 MB together: 105 MB their own, and 839 MB of shared pages that would else be copies
    """

    processes: int
    pss: int
    private: int
    shared: int

    def __str__(self) -> str:
        return (
            f"{self.processes} process{'' if self.processes == 1 else 'es'} take {self.pss / 1e6:,.0f} MB together: "
            f"{self.private / 1e6:,.0f} MB their own, and {self.shared / 1e6:,.0f} MB of shared pages that would else "
            "be copies"
        )


@dataclass(frozen=True)
class SharedBundleContext:
    """What the living workers of a pool inherited.

    Attributes
    ----------
    modules : tuple of str
        That were imported before they were forked.
    bundles : tuple of (root, name, version, fingerprint)
        Whose arrays were mapped.
    pids : tuple of int
        Of the workers.
    helper_pids : tuple of int
        Of the template process that they are forks of; empty for workers that are started one by one.
    """

    modules: tuple[str, ...]
    bundles: tuple[BundleKey, ...]
    pids: tuple[int, ...]
    helper_pids: tuple[int, ...] = ()

    def memory(self) -> SharedMemory:
        """Measure what the workers hold now, and the process that they are forks of.

        Returns
        -------
        SharedMemory
            Zeros without a worker; one that ends meanwhile counts as far as it was seen.

        Raises
        ------
        WorkerError
            If the system does not tell: it is Linux that does.
        """
        pids = (*self.pids, *self.helper_pids)
        if pids and not (PROC / "self/smaps_rollup").exists():
            raise WorkerError("this system does not tell which pages are shared: Linux does, in /proc/PID/smaps_rollup")
        return total_of([memory_of(pid) for pid in pids])


def memory_of(pid: int, proc: Path = PROC) -> SharedMemory:
    """Give what one process holds; zeros if it is gone."""
    try:
        lines = (proc / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return SharedMemory(0, 0, 0, 0)
    held = {name: int(rest.split()[0]) * BYTES_PER_KB for name, _, rest in (line.partition(":") for line in lines[1:])}
    return SharedMemory(1, held["Pss"], sum(held[name] for name in PRIVATE), sum(held[name] for name in SHARED))


def total_of(parts: list[SharedMemory]) -> SharedMemory:
    """Add up what several processes hold."""
    return SharedMemory(*(sum(column) for column in zip(*parts, strict=True))) if parts else SharedMemory(0, 0, 0, 0)
