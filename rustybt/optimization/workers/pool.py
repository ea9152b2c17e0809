"""Who keeps the worker processes between runs?

A pool starts its workers when the first run needs them and keeps them until it is closed, collected or the program
ends. An interrupted run ends them at once; the next run starts new ones.
"""

import os
import threading
import weakref
from collections.abc import Generator
from types import TracebackType

from rustybt.errors import InvalidParameter, WorkerError
from rustybt.optimization.workers.base import Job, Outcome, Preparation, Take
from rustybt.optimization.workers.dispatch import Dispatch, Seat
from rustybt.optimization.workers.launch import ForkLauncher, Launcher, SpawnLauncher
from rustybt.optimization.workers.parcel import pack

MAX_WORKERS = 1024
START_METHODS = ("fork", "spawn")


class PersistentWorkerPool:
    """Worker processes that outlive runs.

    Parameters
    ----------
    num_workers : int or "auto", optional
        How many; "auto" is one for each core that this process may use.
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
        self._processes = Processes()
        self._running = threading.Lock()
        self._finalizer = weakref.finalize(self, self._processes.end)

    def run(
        self, job: Job, take: Take, *, total: int | None = None, timeout_s: float | None = None
    ) -> Generator[tuple[int, Outcome], None, None]:
        """Run tasks until none is left, on all workers.

        Parameters
        ----------
        job, take, total
            As `WorkerPool.run` says.
        timeout_s : float, optional
            Limit of one task's time: a worker that is over it is ended, and the task tried once more.

        Yields
        ------
        tuple of (int, Outcome)
            Number and outcome of each task, as they come.

        Raises
        ------
        WorkerError
            If the job cannot be sent or opened, if workers cannot be started, or if the pool is in use.
        """
        if timeout_s is not None and not timeout_s > 0:
            raise InvalidParameter(f"timeout_s {timeout_s} is not above 0")
        if not self._running.acquire(blocking=False):
            raise WorkerError("the pool is in use by another run: wait for it, or make another pool")
        try:
            parcel = pack(job)
            seats = self._processes.ready(self.num_workers, self.start_method, job.preparation)
            assert self._processes.launcher is not None
            yield from Dispatch(seats, self._processes.launcher, parcel, take, total, timeout_s).outcomes()
        except BaseException:
            self._processes.end()  # what is still in flight must not answer the next run
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
        return tuple(seat.pid for seat in self._processes.seats)

    def close(self) -> None:
        """End all processes; a later run starts new ones."""
        self._processes.end()

    def __enter__(self) -> "PersistentWorkerPool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Processes:
    """The processes of a pool, apart from it, so that they can be ended when it is collected.

    Attributes
    ----------
    launcher : Launcher or None
        None before the first run.
    seats : list of Seat
        The workers.
    owner : int
        The process that started them; a fork of it only lets go of its copies of the connections.
    """

    def __init__(self) -> None:
        self.launcher: Launcher | None = None
        self.prepared = Preparation()
        self.seats: list[Seat] = []
        self.owner = os.getpid()
        LIVING.add(self)

    def ready(self, count: int, start_method: str, preparation: Preparation) -> list[Seat]:
        """Give that many living workers, and start those that are missing."""
        if self.launcher is None:
            self.owner = os.getpid()
            self.launcher = ForkLauncher() if start_method == "fork" else SpawnLauncher()
        if preparation != self.prepared:
            self.launcher.prepare(preparation)
            self.prepared = preparation
        for seat in [seat for seat in self.seats if seat.connection.poll()]:  # an idle worker says nothing but its end
            self.seats.remove(seat)
            seat.connection.close()
            self.launcher.ending_of(seat.pid)
        self.seats += [Seat.of(launched) for launched in self.launcher.launch(count - len(self.seats))]
        return self.seats

    def end(self) -> None:
        """End and collect every process; where this is interrupted it may be called again."""
        for seat in self.seats:
            seat.connection.close()
        if self.launcher is not None:
            if self.owner == os.getpid():
                self.launcher.close()
            else:
                self.launcher.disown()
        self.seats, self.launcher, self.prepared = [], None, Preparation()


LIVING: "weakref.WeakSet[Processes]" = weakref.WeakSet()


def let_go_after_fork() -> None:
    """Close, in a fork of this process, what belongs to this process's pools."""
    for processes in list(LIVING):
        processes.end()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=let_go_after_fork)


def worker_count(num_workers: "int | str") -> int:
    """Give a number of workers, "auto" being one for each core that this process may use.

    Examples
    --------
    >>> worker_count(3)
    3
    >>> worker_count("auto") >= 1
    True
    """
    if num_workers == "auto":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
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

    def of(self, num_workers: "int | str") -> PersistentWorkerPool:
        """Give the pool, made anew where another number of workers is wanted, or one apart where it is in use."""
        count = worker_count(num_workers)
        with self.lock:
            if self.pool is not None and self.pool.in_use:
                return PersistentWorkerPool(count)
            if self.pool is None or self.pool.num_workers != count:
                self.close()
                self.pool = PersistentWorkerPool(count)
            return self.pool

    def close(self) -> None:
        """End the pool's processes."""
        if self.pool is not None:
            self.pool.close()
            self.pool = None


SHARED = Shared()
"""Later runs find their workers alive; they end with the program."""
