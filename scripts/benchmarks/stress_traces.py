"""What do a pool's processes hold while they run, and what is left of them afterwards?"""

import gc
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import psutil
from scipy import stats

from scripts.benchmarks.stress_failed import require

SHARED_MEMORY: Final = Path("/dev/shm")
BYTES_PER_KB: Final = 1024
DRIVER, CHILDREN = "driver", "its processes"


class Held(NamedTuple):
    """What processes hold, in bytes.

    Attributes
    ----------
    pss : int
        Proportional set size: a page that several share counts for each by its part.
    own : int
        The same, but pages of files count whole: their part in the PSS changes whenever any program that has the same
        libraries open starts or ends.
    """

    pss: int
    own: int


def held_by(before: Iterable[psutil.Process] = ()) -> dict[str, Held]:
    """Measure this process and all below it, but for those that were there before.

    Garbage is collected first: the last results may wait for it, in cycles, for as long as few objects are made, and
    that is no growth.
    """
    gc.collect()
    here, known = psutil.Process(), set(before)
    below = [child for child in here.children(recursive=True) if child not in known]
    parts = [held_by_one(child.pid) for child in below]
    return {DRIVER: held_by_one(here.pid), CHILDREN: Held(*map(sum, zip(*parts, strict=True))) if parts else Held(0, 0)}


def held_by_one(pid: int) -> Held:
    """Measure one process; zeros where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    except (FileNotFoundError, ProcessLookupError):
        return Held(0, 0)
    found = {name: int(rest.split()[0]) * BYTES_PER_KB for name, _, rest in (line.partition(":") for line in lines)}
    return Held(found["Pss"], found["Pss_Anon"] + found["Rss"] - found["Anonymous"])


class Growth(NamedTuple):
    """By how much memory grows, in bytes a backtest.

    Attributes
    ----------
    slope, at_most : float
        Of all that driver and processes hold, with files' pages counted whole; and its one-sided upper 95% bound.
    parts : dict of str to float
        The slopes of driver and processes.
    pss : float
        The slope of plain PSS.
    pss_at_most : float
        Its one-sided upper 95% bound.
    """

    slope: float
    at_most: float
    parts: dict[str, float]
    pss: float
    pss_at_most: float

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {slope:+,.0f}" for name, slope in self.parts.items())
        return (
            f"{self.slope:+,.0f} bytes a backtest ({parts}), at most {self.at_most:,.0f}; "
            f"plain PSS {self.pss:+,.0f}, at most {self.pss_at_most:,.0f}"
        )


def growth_of(counts: Sequence[int], held: Sequence[dict[str, Held]], warm_up: int) -> Growth:
    """Fit lines to what was held.

    Parameters
    ----------
    counts : sequence of int
        Backtests up to each measurement.
    held : sequence of dict
        By part, as `held_by` gives it.
    warm_up : int
        Backtests up to which nothing counts; three measurements at least come later.

    Returns
    -------
    Growth
    """
    kept = [(count, parts) for count, parts in zip(counts, held, strict=True) if count > warm_up]
    require(len(kept) > 2, f"{len(kept)} measurements after {warm_up:,} backtests: a slope takes 3 or more")
    at = [count for count, _ in kept]
    slope, at_most = line(at, [sum(one.own for one in parts.values()) for _, parts in kept])
    pss, pss_at_most = line(at, [sum(one.pss for one in parts.values()) for _, parts in kept])
    parts = {name: line(at, [parts[name].own for _, parts in kept])[0] for name in kept[0][1]}
    return Growth(slope, at_most, parts, pss, pss_at_most)


def line(counts: Sequence[int], values: Sequence[float]) -> tuple[float, float]:
    """Give the least-squares slope and its one-sided upper 95% bound, by the t distribution."""
    if len(set(values)) == 1:  # no residuals, of which the fit would give no error
        return 0.0, 0.0
    fit = stats.linregress(counts, values)
    return float(fit.slope), float(fit.slope + stats.t.ppf(0.95, len(counts) - 2) * fit.stderr)


@dataclass(frozen=True)
class Surroundings:
    """What this process had at one time.

    Attributes
    ----------
    descriptors : dict of int to str
        What each open file descriptor leads to.
    children : frozenset of psutil.Process
        All processes below this one.
    segments : frozenset of str
        Names of shared memory on this machine.
    """

    descriptors: dict[int, str]
    children: frozenset[psutil.Process]
    segments: frozenset[str]

    @staticmethod
    def now() -> "Surroundings":
        """Look around."""
        children = frozenset(psutil.Process().children(recursive=True))
        segments = frozenset(os.listdir(SHARED_MEMORY)) if SHARED_MEMORY.is_dir() else frozenset()
        return Surroundings(open_descriptors(), children, segments)

    def require_nothing_left(self) -> None:
        """Raise StressFailed where there is more now."""
        now = Surroundings.now()
        opened = {at: target for at, target in now.descriptors.items() if self.descriptors.get(at) != target}
        require(not opened, f"file descriptors are left: {opened}")
        left = now.children - self.children
        require(not left, f"processes are left: {sorted(map(str, left))}")
        made = now.segments - self.segments
        segments = sorted(made - mapped_by_others(made)) if made else []
        require(not segments, f"shared memory is left in {SHARED_MEMORY}: {segments}")


def open_descriptors() -> dict[int, str]:
    """Tell what each open file descriptor leads to."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:  # that of the listing itself
            continue
    return found


def mapped_by_others(names: Iterable[str]) -> set[str]:
    """Give those segments that another living process has mapped: they are in use, and not left by this one."""
    found = set()
    for process in psutil.process_iter():
        if process.pid != os.getpid():
            try:
                text = Path(f"/proc/{process.pid}/maps").read_text()
            except OSError:
                continue
            found |= {name for name in names if f"{SHARED_MEMORY}/{name}" in text}
    return found
