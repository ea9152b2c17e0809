"""Which chunks are under way in a Dask cluster, and what comes back of them?"""

import pickle
import time
import uuid
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from rustybt.errors import WorkerError
from rustybt.optimization.workers.base import Outcome, Take, outcome_of
from rustybt.optimization.workers.dask_worker import Place, run_dask_chunk
from rustybt.optimization.workers.ending import Ending
from rustybt.optimization.workers.pace import Pace, share_of_rest
from rustybt.optimization.workers.parcel import Parcel
from rustybt.optimization.workers.returns import Returns
from rustybt.optimization.workers.seat import Queued

CHUNK_S = 0.1
"""Work in a chunk: each costs Dask some milliseconds."""
CHUNKS_A_WORKER = 2
LOOK_EVERY_S = 1.0
"""How often it is asked which workers there are."""
WAIT_S = 0.02
STARVED_S = 60.0
"""How long a scheduler may have no worker at all."""
MAX_LOST = 6
"""Workers in a row, beyond two a worker, that may die before any task comes back."""


class DaskDispatch:
    """One run over the workers of a scheduler.

    Parameters
    ----------
    client : distributed.Client
        Of the scheduler.
    parcel : Parcel
        The job.
    place : Place or None
        Where the workers should be, if they are the driver's own.
    take : callable of (count)
        Gives the next tasks.
    total : int or None
        Number of tasks to come, at most.
    """

    def __init__(self, client: Any, parcel: Parcel, place: Place | None, take: Take, total: int | None) -> None:
        self.client, self.parcel, self.place, self.take, self.left = client, parcel, place, take, total
        self.key = f"{parcel.digest}-{uuid.uuid4().hex}"  # opened anew, so that a run finds no state of the one before
        self.distributed: Any = import_module("distributed")
        self.address = client.scheduler.address
        self.completed = self.distributed.as_completed(with_results=True, raise_errors=False, loop=client.loop)
        self.chunks: dict[Any, list[Queued]] = {}
        self.returned = Returns()
        self.pace = Pace(CHUNK_S)
        self.jobs_sent = self.lost = 0
        self.look_at = self.workers_seen_at = time.monotonic()
        self.workers = 0

    def outcomes(self) -> Iterator[tuple[int, Outcome]]:
        """Run until no task is left, and yield outcomes as they come."""
        self.look()
        while True:
            self.feed()
            if not self.chunks:
                return
            yield from self.hear(*self.next_done())

    def feed(self) -> None:
        """Have as many chunks under way as there should be.

        Where a worker died, no more than one a worker: Dask blames a death on all that the worker had been given.
        """
        while True:
            is_careful = bool(self.returned.tasks or self.returned.suspects)
            if len(self.chunks) >= max(1, self.workers) * (1 if is_careful else CHUNKS_A_WORKER):
                return
            chunk = self.next_chunk()
            if not chunk:
                return
            self.submit(chunk)

    def next_chunk(self) -> list[Queued]:
        """Take tasks: first what came back from workers that are gone, then new ones."""
        if self.returned.suspects:
            return [self.returned.suspects.popleft()]
        size = share_of_rest(self.pace.chunk_size(), self.left, max(1, self.workers))
        if self.returned.tasks:
            return self.returned.next_chunk(size)
        tasks = self.take(size)
        if self.left is not None:
            self.left = max(0, self.left - len(tasks))
        return [Queued(*task) for task in tasks]

    def submit(self, chunk: list[Queued], with_job: bool = False) -> None:
        """Send a chunk; the first ones, one a worker, carry the job."""
        with_job = with_job or self.jobs_sent < self.workers
        self.jobs_sent += with_job
        self.pace.last_size = len(chunk)
        future = self.client.submit(
            run_dask_chunk,
            self.key,
            [task.payload for task in chunk],
            self.parcel.payload if with_job else None,
            self.place,
            pure=False,
        )
        self.chunks[future] = chunk
        self.completed.add(future)

    def next_done(self) -> tuple[Any, Any]:
        """Wait for a chunk to come back."""
        while not self.completed.has_ready():
            with self.completed.thread_condition:
                self.completed.thread_condition.wait(WAIT_S)
            if time.monotonic() >= self.look_at:
                self.look()
        future, result = next(self.completed)
        return future, result

    def look(self) -> None:
        """Count the workers, which may come and go."""
        try:
            self.workers = len(self.client.nthreads())
        except (OSError, TimeoutError) as error:
            raise self.lost_scheduler() from error
        now = time.monotonic()
        self.look_at = now + LOOK_EVERY_S
        if self.workers:
            self.workers_seen_at = now
        elif now > self.workers_seen_at + STARVED_S:
            raise WorkerError(
                f"the Dask scheduler at {self.address} has had no worker for {STARVED_S:g} s: start some there"
            )

    def hear(self, future: Any, result: Any) -> list[tuple[int, Outcome]]:
        """Give the outcomes of a chunk that came back."""
        chunk = self.chunks.pop(future)
        status = future.status
        future.release()
        if status == "error":
            return self.hear_error(chunk, result[1])
        if status != "finished":
            raise self.lost_scheduler()
        pid, answer = result
        kind, content = pickle.loads(answer)
        if kind == "broken":
            raise WorkerError(
                "the strategy cannot be opened in a Dask worker, which needs the driver's packages, and the bundle in "
                f"the same folder:\n{content}"
            )
        if kind == "unknown":
            self.submit(chunk, with_job=True)
            return []
        self.lost = 0
        self.pace.learn(len(chunk), sum(record[1] for record in content), len(answer))
        return [
            (task.number, outcome_of(done, seconds, value, pid))
            for task, (done, seconds, value) in zip(chunk, content, strict=True)
        ]

    def hear_error(self, chunk: list[Queued], error: Exception) -> list[tuple[int, Outcome]]:
        """Give the outcomes of a chunk that did not come back: of a task that has had its chances, or none."""
        if not isinstance(error, self.distributed.KilledWorker):
            raise WorkerError(
                f"a Dask worker cannot run tasks ({type(error).__name__}: {error}): it needs the driver's packages"
            ) from error
        self.lost += 1
        if self.lost > MAX_LOST + 2 * max(1, self.workers):
            raise WorkerError("Dask workers die, one after the other, before any task comes back; see their logs")
        killed: Any = error
        ending = Ending(f"at {killed.last_worker.address} died, as Dask says", 1)
        return self.returned.judge(chunk, 0, ending, None, innocent=False)

    def lost_scheduler(self) -> WorkerError:
        """Give the error of a scheduler that does not answer any more."""
        return WorkerError(f"the connection to the Dask scheduler at {self.address} was lost")
