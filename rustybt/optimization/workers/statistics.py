"""What has each worker process done?"""

import math
import time
from dataclasses import dataclass

from rustybt.optimization.workers.memory import private_mb


@dataclass(frozen=True, slots=True)
class WorkerStatistics:
    """One worker process of a pool.

    Attributes
    ----------
    pid : int
        Of the process.
    tasks : int
        That came back.
    chunks : int
        In which they came back.
    busy_s : float
        Time in tasks, those that did not come back too.
    run_s : float
        Time in which the pool had a run and this worker took part.
    alive : bool
        Whether the pool still has it.
    ending : str
        How it ended; empty while it is alive.
    peak_private_mb : float
        Most memory that it was seen to hold for itself, in units of 2**20 bytes; NaN where nobody looked. Runs with a
        memory limit look all the time, others where they begin.

    Examples
    --------
    >>> WorkerStatistics(pid=1, tasks=10, chunks=2, busy_s=3.0, run_s=4.0).idle_share
    0.25
    """

    pid: int
    tasks: int
    chunks: int
    busy_s: float
    run_s: float
    alive: bool = True
    ending: str = ""
    peak_private_mb: float = math.nan

    @property
    def idle_share(self) -> float:
        """Share of the time of its runs that it spent in no task, from 0 to 1; NaN where it took part in none."""
        return min(1.0, max(0.0, 1.0 - self.busy_s / self.run_s)) if self.run_s > 0 else math.nan


@dataclass(slots=True)
class Tally:
    """What is counted of a living worker, a few sums a chunk.

    Attributes
    ----------
    tasks, chunks, busy_s, run_s, peak_mb
        As `WorkerStatistics` says.
    since : float or None
        Monotonic time at which the run under way began for it; None between runs.
    """

    tasks: int = 0
    chunks: int = 0
    busy_s: float = 0.0
    run_s: float = 0.0
    peak_mb: float = math.nan
    since: float | None = None

    def begin_run(self) -> None:
        """Count the time from now on."""
        self.since = time.monotonic()

    def end_run(self) -> None:
        """Count no time any more."""
        self.run_s, self.since = self.seconds(), None

    def seconds(self) -> float:
        """Give the time in runs up to now."""
        return self.run_s + (time.monotonic() - self.since if self.since is not None else 0.0)

    def count(self, tasks: int, seconds: float) -> None:
        """Add a chunk that came back."""
        self.tasks += tasks
        self.chunks += 1
        self.busy_s += seconds

    def weigh(self, held_mb: float) -> None:
        """Note what the worker was seen to hold."""
        if not held_mb <= self.peak_mb and not math.isnan(held_mb):
            self.peak_mb = held_mb

    def of_living(self, pid: int) -> WorkerStatistics:
        """Give the statistics of a worker that is alive, and look at its memory."""
        self.weigh(private_mb(pid))
        return WorkerStatistics(pid, self.tasks, self.chunks, self.busy_s, self.seconds(), peak_private_mb=self.peak_mb)

    def of_ended(self, pid: int, ending: str) -> WorkerStatistics:
        """Give the statistics of a worker that is gone."""
        return WorkerStatistics(pid, self.tasks, self.chunks, self.busy_s, self.seconds(), False, ending, self.peak_mb)
