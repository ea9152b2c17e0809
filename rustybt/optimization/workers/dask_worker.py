"""What does a Dask worker process do with a chunk of tasks?

A chunk names its job by the run's key. A process that has not opened that job says so, and gets the chunk again with
the job in it; from then on the key is enough.
"""

import os
import pickle
import sys
import threading
from typing import Any, NamedTuple

from rustybt.optimization.workers.base import Job, TaskFunction, error_text
from rustybt.optimization.workers.mapped import open_mapped
from rustybt.optimization.workers.parcel import unpack, user_modules
from rustybt.optimization.workers.worker import flush_output, run_chunk

UNKNOWN = pickle.dumps(("unknown", None))


class Place(NamedTuple):
    """Where the driver is: for workers of its own, which stand in for it.

    Attributes
    ----------
    folder : str
        It runs in.
    path : list of str
        It imports from.
    """

    folder: str
    path: list[str]

    @staticmethod
    def here() -> "Place":
        """Give this process's."""
        return Place(os.getcwd(), [entry for entry in sys.path if isinstance(entry, str)])

    def take(self) -> None:
        """Be where the driver is, without modules of the user's that it may have changed."""
        sys.path[:] = self.path
        if os.getcwd() != self.folder:
            os.chdir(self.folder)
        for name, _ in list(user_modules()):
            del sys.modules[name]


class Holder:
    """The one job that this process holds."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.key = ""
        self.function: TaskFunction | None = None

    def run(self, key: str, payloads: list[Any], payload: bytes | None, place: Place | None) -> bytes:
        """Run a chunk; one at a time, however many threads the worker has: strategies share a process's state."""
        with self.lock:
            if self.key != key:
                if payload is None:
                    return UNKNOWN
                self.key, self.function = "", None
                try:
                    self.function = opened(payload, place)
                except (Exception, SystemExit) as error:
                    return pickle.dumps(("broken", error_text(error)))
                self.key = key
            assert self.function is not None
            answer = run_chunk(self.function, payloads)
            flush_output()
            return answer


def opened(payload: bytes, place: Place | None) -> TaskFunction:
    """Open a job, and its bundles first: that they are not here is then said once, and not by every task."""
    if place is not None:
        place.take()
    job: Job = unpack(payload)
    for key in job.preparation.bundles:
        open_mapped(*key)
    return job.open()


HOLDER = Holder()
"""A process has one; which job it holds changes no result."""


def run_dask_chunk(
    key: str, payloads: list[Any], payload: bytes | None = None, place: Place | None = None
) -> tuple[int, bytes]:
    """Run a chunk of tasks in a Dask worker.

    Parameters
    ----------
    key : str
        Of the job and run.
    payloads : list
        Of the tasks.
    payload : bytes, optional
        The job's parcel; may be left out for a process that has opened it.
    place : Place, optional
        Where to be; as the worker was started if omitted.

    Returns
    -------
    tuple of (int, bytes)
        Process id, and a pickled answer: ("done", records), ("broken", text) or ("unknown", None).
    """
    return os.getpid(), HOLDER.run(key, payloads, payload, place)
