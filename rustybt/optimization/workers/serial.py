"""How do tasks run without any other process?"""

import random
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from rustybt.optimization.workers.base import Job, Outcome, Take, Task, TaskFunction, attempt, outcome_of
from rustybt.optimization.workers.limits import Limits

MOST_AT_ONCE = 64
"""Short tasks that are asked for together: whoever makes them stays in the processor's caches for all of them."""
HELD_S = 0.005
"""Time for which outcomes are held back, for the same reason: tasks that take longer are told of one by one."""


class SerialPool:
    """Runs every task where it is called: for debuggers, for small runs, and as the measure of the other pools.

    Attributes
    ----------
    num_workers : int
        None: there is no other process.
    """

    num_workers = 0

    def check_limits(self, limits: Limits) -> None:
        """Refuse every limit: it needs a process that can be ended."""
        limits.refuse("needs a worker process: use PersistentWorkerPool")

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
        self.check_limits(Limits(timeout_s, memory_mb))
        with untouched_generators():
            function = job.open()
            count = 1
            while tasks := take(count):
                began = time.perf_counter()
                yield from outcomes_of(function, tasks)
                is_short = time.perf_counter() - began < HELD_S * len(tasks)
                count = min(2 * count, MOST_AT_ONCE) if is_short else 1


def outcomes_of(function: TaskFunction, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
    """Run tasks, and yield their outcomes in order; an interrupt comes after those of the tasks before it."""
    held: list[tuple[int, Outcome]] = []
    since = time.perf_counter()
    for number, payload in tasks:
        try:
            held.append((number, outcome_of(*attempt(function, payload))))
        except BaseException:
            yield from held
            raise
        if time.perf_counter() - since > HELD_S:
            yield from held
            held, since = [], time.perf_counter()
    yield from held


@contextmanager
def untouched_generators() -> Iterator[None]:
    """Put the global random generators back: jobs seed them, and the caller's draws go on as if nothing had run."""
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global one is meant
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002 - the global one is meant
