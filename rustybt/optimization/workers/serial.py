"""How do tasks run without any other process?"""

import random
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import numpy as np

from rustybt.optimization.workers.base import Job, Outcome, Take, attempt, outcome_of
from rustybt.optimization.workers.limits import Limits


class SerialPool:
    """Runs every task where it is called: for debuggers, for small runs, and as the measure of the other pools.

    Attributes
    ----------
    num_workers : int
        None: there is no other process.
    """

    num_workers = 0

    def run(
        self,
        job: Job,
        take: Take,
        *,
        total: int | None = None,
        timeout_s: float | None = None,
        memory_mb: float | None = None,
    ) -> Generator[tuple[int, Outcome], None, None]:
        """Run tasks one after the other, in order.

        Parameters
        ----------
        job, take, total
            As `WorkerPool.run` says; nothing depends on the total here.
        timeout_s, memory_mb : None
            A limit needs a process that can be ended.

        Yields
        ------
        tuple of (int, Outcome)
            In order of number.

        Raises
        ------
        InvalidParameter
            If a limit is given.
        """
        Limits(timeout_s, memory_mb).refuse("needs a worker process: use PersistentWorkerPool")
        with untouched_generators():
            function = job.open()
            while tasks := take(1):
                for number, payload in tasks:
                    yield number, outcome_of(*attempt(function, payload))


@contextmanager
def untouched_generators() -> Iterator[None]:
    """Put the global random generators back: jobs seed them, and the caller's draws go on as if nothing had run."""
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global one is meant
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002 - the global one is meant
