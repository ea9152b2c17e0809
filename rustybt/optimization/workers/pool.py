"""Who keeps the worker processes between runs?

A pool starts its workers when the first run needs them and keeps them until it is closed, collected or the program
ends. A run that is given up ends them at once; the next run starts new ones.
"""

import os
import threading
import weakref
from collections.abc import Generator
from types import TracebackType

from rustybt.errors import InvalidParameter, WorkerError
from rustybt.optimization.shared_context import SharedBundleContext
from rustybt.optimization.workers.base import Job, Outcome, Take
from rustybt.optimization.workers.crew import Crew
from rustybt.optimization.workers.dispatch import Dispatch
from rustybt.optimization.workers.limits import Limits
from rustybt.optimization.workers.machine import own_capacity
from rustybt.optimization.workers.parcel import pack
from rustybt.optimization.workers.statistics import WorkerStatistics

MAX_WORKERS = 1024
START_METHODS = ("fork", "spawn")


class PersistentWorkerPool:
    """Worker processes that outlive runs.

    Parameters
    ----------
    num_workers : int or "auto", optional
        How many; "auto" is one for each physical core that this process may use, within its share of a container's
        time and memory.
    start_method : {"fork", "spawn"}, optional
        "fork" forks a template process of the pool's own; "spawn" starts an interpreter a worker, which is slower to
        start. Forks where the system has them, if omitted.

    Raises
    ------
    InvalidParameter
        If the number or the method is none of these.

    Examples
    --------
    >>> with PersistentWorkerPool(num_workers=2) as pool:
    ...     pool.num_workers
    2
    """

    def __init__(self, num_workers: "int | str" = "auto", *, start_method: str | None = None) -> None:
        self.num_workers = worker_count(num_workers)
        self.start_method = start_method or ("fork" if hasattr(os, "fork") else "spawn")
        if self.start_method not in START_METHODS:
            raise InvalidParameter(f"start_method {start_method!r} is neither 'fork' nor 'spawn'")
        self._crew = Crew(self.start_method)
        self._running = threading.Lock()
        self._finalizer = weakref.finalize(self, self._crew.end)

    def check_limits(self, limits: Limits) -> None:
        """Refuse a limit that makes no sense, and one of memory where nothing measures it."""
        limits.checked()

    def run(
        self,
        job: Job,
        take: Take,
        *,
        total: int | None = None,
        timeout_s: float | None = None,
        memory_mb: float | None = None,
    ) -> Generator[tuple[int, Outcome], None, None]:
        """Run tasks until none is left, on all workers.

        Parameters
        ----------
        job, take, total
            As `WorkerPool.run` says.
        timeout_s : float, optional
            Limit of one task's time: a worker that is over it is ended, and the task tried once more.
        memory_mb : float, optional
            Limit of what a worker holds for itself, in units of 2**20 bytes, looked at every 50 ms: one that is over it
            in a task is ended, and the task tried once more in a worker that has run nothing; one that is over it
            between tasks is only replaced.

        Yields
        ------
        tuple of (int, Outcome)
            Number and outcome of each task, as they come.

        Raises
        ------
        InvalidParameter
            If a limit makes no sense, or is below what a worker holds before its first task.
        WorkerError
            If the job cannot be sent or opened, if workers cannot be started, or if the pool is in use.
        """
        limits = Limits(timeout_s, memory_mb)
        self.check_limits(limits)
        if not self.reserve():
            raise WorkerError("the pool is in use by another run: wait for it, or make another pool")
        yield from self.run_reserved(job, take, total, limits)

    def reserve(self) -> bool:
        """Let no run begin but the caller's, which must call `run_reserved`; False where one is under way."""
        return self._running.acquire(blocking=False)

    def run_reserved(
        self, job: Job, take: Take, total: int | None, limits: Limits
    ) -> Generator[tuple[int, Outcome], None, None]:
        """Run tasks on a pool that was reserved, and let go of it at the end; see `run`."""
        try:
            parcel, preparation = pack(job), job.preparation
            self._crew.begin_run(self.num_workers, preparation, counts_memory=limits.memory_mb is not None)
            yield from Dispatch(self._crew, parcel, preparation.modules, take, total, limits).outcomes()
            self._crew.end_run()
        except GeneratorExit:
            self._crew.abandon_run()
            raise
        except BaseException:
            self._crew.end()  # what is still in flight must not answer the next run
            raise
        finally:
            self._running.release()

    @property
    def in_use(self) -> bool:
        """Whether a run is under way."""
        return self._running.locked()

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers; empty before the first run and after `close`."""
        return tuple(seat.pid for seat in self._crew.seats)

    @property
    def statistics(self) -> tuple[WorkerStatistics, ...]:
        """What each worker of this pool has done: first those that ended, in that order, then those that live."""
        return self._crew.statistics()

    @property
    def context(self) -> SharedBundleContext:
        """What the living workers inherited, and how to measure it."""
        prepared, launcher = self._crew.prepared, self._crew.launcher
        helpers = () if launcher is None else launcher.helper_pids
        return SharedBundleContext(prepared.modules, prepared.bundles, self.pids, helpers)

    def close(self) -> None:
        """End all processes; a later run starts new ones."""
        self._crew.end()

    def __enter__(self) -> "PersistentWorkerPool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def worker_count(num_workers: "int | str") -> int:
    """Give a number of workers, "auto" being as many as this machine bears.

    Examples
    --------
    >>> worker_count(3)
    3
    >>> worker_count("auto") >= 1
    True
    """
    if num_workers == "auto":
        return min(own_capacity().workers, MAX_WORKERS)
    if isinstance(num_workers, bool) or not isinstance(num_workers, int) or not 1 <= num_workers <= MAX_WORKERS:
        raise InvalidParameter(
            f"num_workers {num_workers!r} is neither 'auto' nor a whole number from 1 to {MAX_WORKERS}"
        )
    return num_workers


class Shared:
    """The pool that runs without one of their own have in common.

    Attributes
    ----------
    pool : PersistentWorkerPool or None
        None before it is first asked for.
    """

    def __init__(self) -> None:
        self.pool: PersistentWorkerPool | None = None
        self.lock = threading.Lock()

    def reserved(self, count: int) -> PersistentWorkerPool:
        """Reserve the pool, made anew where another number of workers is wanted, or one apart where it is in use."""
        with self.lock:
            if self.pool is not None and self.pool.in_use:
                found = PersistentWorkerPool(count)
            else:
                if self.pool is None or self.pool.num_workers != count:
                    self.close()
                    self.pool = PersistentWorkerPool(count)
                found = self.pool
            if not found.reserve():
                raise WorkerError("the pool that runs share was taken by a run that did not ask for it")
            return found

    def close(self) -> None:
        """End the pool's processes."""
        if self.pool is not None:
            self.pool.close()
            self.pool = None


SHARED = Shared()
"""Later runs find their workers alive; they end with the program."""


class SharedPool:
    """The pool that runs without one of their own have in common, or one apart while another run is on it.

    Parameters
    ----------
    num_workers : int or "auto"
        As `PersistentWorkerPool` takes it.

    Attributes
    ----------
    pool : PersistentWorkerPool or None
        On which the last run was; which one that is shows when a run begins.
    """

    def __init__(self, num_workers: "int | str") -> None:
        self.num_workers = worker_count(num_workers)
        self.pool: PersistentWorkerPool | None = None

    def check_limits(self, limits: Limits) -> None:
        """Refuse a limit that makes no sense, and one of memory where nothing measures it."""
        limits.checked()

    def run(
        self,
        job: Job,
        take: Take,
        *,
        total: int | None = None,
        timeout_s: float | None = None,
        memory_mb: float | None = None,
    ) -> Generator[tuple[int, Outcome], None, None]:
        """Run tasks as `PersistentWorkerPool.run` does."""
        limits = Limits(timeout_s, memory_mb)
        self.check_limits(limits)
        self.pool = pool = SHARED.reserved(self.num_workers)
        try:
            yield from pool.run_reserved(job, take, total, limits)
        finally:
            if pool is not SHARED.pool:  # one apart, which no later run finds
                pool.close()

    @property
    def statistics(self) -> tuple[WorkerStatistics, ...]:
        """What each worker of the pool has done."""
        return () if self.pool is None else self.pool.statistics
