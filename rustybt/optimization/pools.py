"""Which pool runs the trials of an optimizer?"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from rustybt.errors import InvalidParameter, did_you_mean
from rustybt.optimization.workers.base import WorkerPool
from rustybt.optimization.workers.pool import SharedPool, worker_count
from rustybt.optimization.workers.serial import SerialPool

BACKENDS = ("processes", "dask")


def pool_choice(
    pool: WorkerPool | None, num_workers: int | str, backend: str, scheduler: str | None, needs_process: bool
) -> Callable[[], WorkerPool]:
    """Read what a user says of workers, and give what chooses the pool when a run begins.

    Parameters
    ----------
    pool : WorkerPool or None
        One of the user's own goes before all else.
    num_workers : int or "auto"
        Processes.
    backend : {"processes", "dask"}
        Where they run.
    scheduler : str or None
        Address of a Dask scheduler.
    needs_process : bool
        A trial has limits, which only a process of its own can be held to.

    Returns
    -------
    callable
        Gives the pool.

    Raises
    ------
    InvalidParameter
        If the number or the backend is none, or a scheduler is given to processes.
    """
    count = worker_count(num_workers)
    if backend not in BACKENDS:
        raise InvalidParameter(
            f"backend {backend!r} is neither 'processes' nor 'dask'{did_you_mean(backend, BACKENDS)}"
        )
    if scheduler is not None and backend != "dask":
        raise InvalidParameter(f"scheduler {scheduler!r} belongs to backend='dask': pass both")
    if pool is not None:
        given = pool
        return lambda: given
    if backend == "dask":
        return lambda: dask_pool(scheduler, count)
    if count == 1 and not needs_process:
        return SerialPool
    return lambda: SharedPool(count)


@lru_cache(maxsize=2)
def dask_pool(scheduler: str | None, count: int) -> Any:
    """Give the process's pool on a Dask cluster."""
    from rustybt.optimization.workers.dask import DaskPool  # an optional dependency, a second to import

    return DaskPool(scheduler, n_workers=count) if scheduler is None else DaskPool(scheduler)
