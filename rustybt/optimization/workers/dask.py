"""How do tasks run on the worker processes of a Dask cluster?

The same chunks go there as to a pool of this machine, and never any data: each worker opens the bundle by its folder,
name and fingerprint. The job crosses once a worker process.
"""

import threading
import weakref
from collections.abc import Generator
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from types import TracebackType
from typing import Any

from rustybt.errors import InvalidParameter, WorkerError
from rustybt.optimization.workers.base import Job, Outcome, Take
from rustybt.optimization.workers.dask_dispatch import DaskDispatch
from rustybt.optimization.workers.dask_host import DaskHost
from rustybt.optimization.workers.dask_worker import Place
from rustybt.optimization.workers.limits import Limits
from rustybt.optimization.workers.parcel import pack
from rustybt.optimization.workers.pool import worker_count
from rustybt.optimization.workers.serial import untouched_generators

CONNECT_S = 30.0


class DaskPool:
    """Worker processes of a Dask cluster: one that is there, or one on this machine that the pool starts for itself.

    Parameters
    ----------
    address : str, optional
        Of a scheduler, such as "tcp://10.0.0.1:8786". Its workers need the same Python packages, and the data folder at
        the same path as here.
    n_workers : int or "auto", optional
        Processes of the pool's own cluster; as many as this machine bears if omitted.

    Raises
    ------
    InvalidParameter
        If the number is none, or is given for a cluster that has its own.
    WorkerError
        If the package distributed is not installed.

    Notes
    -----
    Limits of a task's time or memory need a pool that can end a worker: use `PersistentWorkerPool`, or the limits of
    the cluster's own workers.

    Examples
    --------
    >>> DaskPool("tcp://10.0.0.1:8786").num_workers
    0
    """

    def __init__(self, address: str | None = None, *, n_workers: "int | str | None" = None) -> None:
        if find_spec("distributed") is None:
            raise WorkerError('DaskPool needs the package distributed: pip install "rustybt[dask]"')
        if address is not None and (not isinstance(address, str) or "://" not in address):
            raise InvalidParameter(f'address {address!r} is no scheduler\'s: write "tcp://HOST:PORT", or leave it out')
        if address is not None and n_workers is not None:
            raise InvalidParameter(
                f"n_workers {n_workers!r} is for a cluster of the pool's own; that at {address} has its workers"
            )
        self.address = address
        self._count = worker_count("auto" if n_workers is None else n_workers)
        self._link = Link()
        self._running = threading.Lock()
        self._finalizer = weakref.finalize(self, self._link.end)

    @property
    def num_workers(self) -> int:
        """Worker processes: of the pool's own cluster, or those that the scheduler had when it was last asked."""
        return self._count if self.address is None else self._link.workers

    def check_limits(self, limits: Limits) -> None:
        """Refuse every limit."""
        limits.refuse(
            "cannot be kept by Dask, which does not end a single task: use PersistentWorkerPool, or leave the limit out"
        )

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
        timeout_s, memory_mb : None
            Dask cannot end one task.

        Yields
        ------
        tuple of (int, Outcome)
            Number and outcome of each task, as they come.

        Raises
        ------
        InvalidParameter
            If a limit is given.
        WorkerError
            If the job cannot be sent or opened, if the scheduler cannot be reached, has no workers or is lost, or if
            the pool is in use.
        """
        self.check_limits(Limits(timeout_s, memory_mb))
        if not self._running.acquire(blocking=False):
            raise WorkerError("the pool is in use by another run: wait for it, or make another pool")
        try:
            parcel = pack(job)
            client = self._link.connect(self.address, self._count)
            dispatch = DaskDispatch(client, parcel, Place.here() if self.address is None else None, take, total)
            for outcome in dispatch.outcomes():
                self._link.workers = dispatch.workers
                yield outcome
        except BaseException:
            self._link.end()  # an own cluster's workers may be in the middle of tasks that nobody waits for
            raise
        finally:
            self._running.release()

    def close(self) -> None:
        """Let go of the scheduler, and end the pool's own cluster; a later run connects or starts again."""
        self._link.end()

    def __enter__(self) -> "DaskPool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Link:
    """The connection to a scheduler, apart from the pool, so that it can be closed when that is collected.

    Attributes
    ----------
    client : distributed.Client or None
        None while there is no connection.
    host : DaskHost or None
        The cluster, if it is the pool's own.
    workers : int
        Last known number of its workers.
    """

    def __init__(self) -> None:
        self.client: Any = None
        self.host: DaskHost | None = None
        self.workers = 0

    def connect(self, address: str | None, count: int) -> Any:
        """Give the client, connected to a scheduler that is there or is started now."""
        if self.client is not None and self.client.status == "running":
            return self.client
        self.end()
        with untouched_generators():
            distributed: Any = import_module("distributed")
            if address is None:
                self.host = DaskHost(count)
            where = address or self.host.address  # type: ignore[union-attr]
            try:
                self.client = distributed.Client(where, set_as_default=False, timeout=CONNECT_S)
            except (OSError, TimeoutError) as error:
                self.end()
                raise WorkerError(f"no Dask scheduler answers at {where} within {CONNECT_S:g} s: {error}") from error
        return self.client

    def end(self) -> None:
        """Close the connection, and end the cluster if it is the pool's own."""
        client, self.client = self.client, None
        if client is not None:
            with suppress(OSError, TimeoutError):
                client.close()
        host, self.host = self.host, None
        if host is not None:
            host.end()
