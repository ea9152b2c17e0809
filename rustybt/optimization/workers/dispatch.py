"""Which worker gets which tasks?

One `Dispatch` lives as long as one run. A worker has at most two chunks in flight, so that it never waits for the
driver; a chunk is as many tasks as take some tens of milliseconds, so that messages cost little and the end is even.
Nothing is taken while nobody asks for outcomes.
"""

import os
import pickle
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

from rustybt.errors import InvalidParameter, WorkerError
from rustybt.optimization.trial import TrialStatus
from rustybt.optimization.workers.base import Outcome, Take, outcome_of
from rustybt.optimization.workers.crew import Crew
from rustybt.optimization.workers.limits import Limits
from rustybt.optimization.workers.memory import private_mb
from rustybt.optimization.workers.pace import share_of_rest
from rustybt.optimization.workers.parcel import Parcel
from rustybt.optimization.workers.returns import Returns
from rustybt.optimization.workers.seat import CHUNK_S, Queued, Seat, Verdict

PREFETCH_BELOW_S = 0.05
"""Tasks longer than this gain nothing from a second chunk in flight, and an uneven end loses."""
SAFE_BYTES = 1 << 15
"""What a busy worker's socket takes without being read; more waits until the worker is idle."""
MAX_STILLBORN = 3
"""Workers in a row, beyond one a seat, that may die before they have opened the job."""
MAX_STILLBORN_FROM_OUTSIDE = 30
"""As many, where somebody may have killed them: a slow machine opens the job more slowly than it is killed."""
WEIGH_EVERY_S = 0.05
"""How often memory is looked at; a peak that is shorter may pass."""
LOOK_EVERY_S = 1.0
"""How often it is asked whether a silent worker is still there: a child of its own may keep its connection open."""
INF = float("inf")


class Dispatch:
    """One run over the workers of a pool.

    Parameters
    ----------
    crew : Crew
        The workers; one that dies is replaced in place.
    parcel : Parcel
        The job.
    modules : tuple of str
        That it uses.
    take : callable of (count)
        Gives the next tasks.
    total : int or None
        Number of tasks to come, at most.
    limits : Limits
        Of one task.
    """

    def __init__(
        self, crew: Crew, parcel: Parcel, modules: tuple[str, ...], take: Take, total: int | None, limits: Limits
    ) -> None:
        self.crew, self.seats, self.parcel, self.modules = crew, crew.seats, parcel, modules
        self.take, self.left, self.limits = take, total, limits
        self.returned = Returns()
        self.done: list[tuple[int, Outcome]] = []
        self.stillborn = 0
        self.weigh_at = self.look_at = time.monotonic()

    def outcomes(self) -> Iterator[tuple[int, Outcome]]:
        """Run until no task is left, and yield outcomes as they come."""
        while True:
            self.feed_suspects()
            for seat in list(self.seats):
                self.feed(seat)
            if any(seat.chunks or seat.is_leaving for seat in self.seats):
                self.listen()
            elif self.returned.suspects:
                self.recycle(self.seats[0], "the task that is next needs a worker that has run nothing")
            elif not self.done and not self.returned.tasks:
                return
            done, self.done = self.done, []
            yield from done

    def feed_suspects(self) -> None:
        """Give the tasks that a worker died under to workers that have run nothing, whose death is then their own."""
        for seat in list(self.seats):
            if self.returned.suspects and seat.is_fresh:
                self.send(seat, [self.returned.suspects.popleft()])

    def feed(self, seat: Seat) -> None:
        """Give a worker as many chunks as it should have in flight."""
        while not seat.is_leaving and len(seat.chunks) < self.wanted_chunks(seat):
            chunk = self.next_chunk(self.chunk_size(seat))
            if not chunk or not self.send(seat, chunk):
                return

    def wanted_chunks(self, seat: Seat) -> int:
        """Say how many chunks a worker should have in flight."""
        if seat.since is None or not seat.pace.mean_s < PREFETCH_BELOW_S:
            return 1
        near_end = self.left is not None and self.left < 2 * len(self.seats) * self.chunk_size(seat)
        return 1 if near_end else 2

    def chunk_size(self, seat: Seat) -> int:
        """Say how many tasks make a chunk for a worker: few where few are left."""
        return share_of_rest(seat.pace.chunk_size(), self.left, len(self.seats))

    def next_chunk(self, size: int) -> list[Queued]:
        """Take tasks: first what came back from workers that are gone, then new ones."""
        if self.returned.tasks:
            return self.returned.next_chunk(size)
        tasks = self.take(size)
        if self.left is not None:
            self.left = max(0, self.left - len(tasks))
        return [Queued(*task) for task in tasks]

    def send(self, seat: Seat, chunk: list[Queued]) -> bool:
        """Send a chunk, and before it the job where the worker has it not; False if the worker is busy or gone.

        One that is gone may have said something before, which is heard first.
        """
        message = pickle.dumps(("chunk", [task.payload for task in chunk]))
        if seat.chunks and len(message) > SAFE_BYTES:
            self.returned.put_back(chunk)
            return False
        if not seat.chunks and seat.since is not None:
            seat.since = time.monotonic()
        try:
            self.send_job(seat)
            seat.connection.send_bytes(message)
        except OSError:
            seat.is_deaf = True
            self.returned.put_back(chunk)
            return False
        seat.chunks.append(chunk)
        seat.pace.last_size = len(chunk)
        return True

    def send_job(self, seat: Seat) -> None:
        """Send the job to a worker that does not hold it; it is idle then, and reads."""
        if not seat.has_job:
            seat.since, seat.has_job = None, True
            path = [entry for entry in sys.path if isinstance(entry, str)]
            seat.connection.send_bytes(pickle.dumps(("job", self.parcel.payload, self.modules, os.getcwd(), path)))

    def listen(self) -> None:
        """Wait until a worker says something, dies, or runs over a limit."""
        seat_of = {seat.connection: seat for seat in self.seats}
        for connection in wait(list(seat_of), 0 if self.done else self.seconds_to_look()):
            assert isinstance(connection, Connection)
            seat = seat_of[connection]
            try:
                message = connection.recv_bytes()
            except (EOFError, OSError):  # the latter in the middle of a message
                self.replace(seat)
            else:
                self.hear(seat, len(message), *pickle.loads(message))
        self.look()

    def hear(self, seat: Seat, size: int, kind: str, content: Any) -> None:
        """Act on a worker's message."""
        self.stillborn = 0
        if kind == "broken":
            raise WorkerError(f"the strategy cannot be opened in a worker process:\n{content}")
        if kind == "ready":
            seat.since = time.monotonic()
            self.weigh_opened(seat, content)
        if kind == "done":
            chunk = seat.finish_chunk(sum(record[1] for record in content), size)
            for task, (done, seconds, value) in zip(chunk, content, strict=True):
                self.done.append((task.number, outcome_of(done, seconds, value, seat.pid)))
            if not seat.chunks and self.limits.memory_mb is not None:
                self.weigh(seat)

    def look(self) -> None:
        """End workers that are over a limit, and replace those that are gone without a word, where it is time to."""
        now = time.monotonic()
        for seat in self.seats:
            if self.deadline(seat) <= now:
                self.condemn(seat, TrialStatus.TIMEOUT, f"it ran past its limit of {self.limits.timeout_s:g} s")
        if self.limits.memory_mb is not None and now >= self.weigh_at:
            self.weigh_at = now + WEIGH_EVERY_S
            for seat in list(self.seats):
                self.weigh(seat)
        if now >= self.look_at:
            self.look_at = now + LOOK_EVERY_S
            for seat in list(self.seats):
                if self.crew.is_gone(seat) and not seat.connection.poll():
                    self.replace(seat)

    def weigh(self, seat: Seat) -> None:
        """End a worker that holds more than the limit: for the task that it runs, or for what others left behind."""
        held, limit = private_mb(seat.pid), self.limits.memory_mb
        seat.tally.weigh(held)
        if limit is None or not held > limit or seat.is_condemned:
            return
        if seat.is_at_work:
            self.condemn(seat, TrialStatus.MEMORY, f"its worker process held {over(held, limit)}")
        elif not seat.chunks:
            self.recycle(seat, f"it held {over(held, limit)}, between tasks")

    def weigh_opened(self, seat: Seat, held: float) -> None:
        """Take what a worker says that it holds before its first task of this run."""
        seat.tally.weigh(held)
        limit = self.limits.memory_mb
        if limit is None or not held > limit:
            return
        if not seat.tally.tasks:
            raise InvalidParameter(
                f"memory_mb {limit:g} is below the {held:.0f} MB that a worker process holds before its first task: "
                "raise it"
            )
        self.recycle(seat, f"it held {over(held, limit)}, from earlier runs")

    def condemn(self, seat: Seat, status: TrialStatus, reason: str) -> None:
        """End a worker for what it runs."""
        seat.verdict = Verdict(status, reason)
        self.crew.kill(seat)

    def recycle(self, seat: Seat, reason: str) -> None:
        """End a worker and start another; nobody is to blame."""
        self.crew.kill(seat)
        position = self.seats.index(seat)
        self.crew.collect(seat, reason)
        for chunk in reversed(seat.chunks):
            self.returned.put_back(chunk)
        self.crew.hire(position)

    def replace(self, seat: Seat) -> None:
        """Put a new worker on the seat of one that ended, and its tasks back."""
        ran = seat.is_at_work
        if ran and seat.since is not None:
            seat.tally.busy_s += time.monotonic() - seat.since
        position = self.seats.index(seat)
        ending = self.crew.collect(seat, seat.verdict.reason if seat.verdict is not None else "")
        while len(seat.chunks) > ran:
            self.returned.put_back(seat.chunks.pop())
        if ran:
            innocent = seat.is_condemned and seat.verdict is None
            self.done += self.returned.judge(seat.chunks.pop(), seat.pid, ending, seat.verdict, innocent)
        self.stillborn += not ran
        most = MAX_STILLBORN_FROM_OUTSIDE if ending.may_come_from_outside else MAX_STILLBORN
        if self.stillborn > most + len(self.seats):
            raise WorkerError(f"worker processes die before they have opened the strategy; the last one {ending.text}")
        self.crew.hire(position)

    def deadline(self, seat: Seat) -> float:
        """Give the monotonic time at which a worker's running chunk is over its limit; inf without one.

        A chunk of several has hardly more time than one task: if each was within its limit after all, they pass alone.
        """
        if self.limits.timeout_s is None or seat.since is None or not seat.chunks or seat.is_condemned:
            return INF
        return seat.since + self.limits.timeout_s + (CHUNK_S if len(seat.chunks[0]) > 1 else 0.0)

    def seconds_to_look(self) -> float:
        """Give the time until the next look at the workers is due."""
        weigh_at = self.weigh_at if self.limits.memory_mb is not None else INF
        return max(0.0, min(self.look_at, weigh_at, *map(self.deadline, self.seats)) - time.monotonic())


def over(held: float, limit: float) -> str:
    """Say by how much a limit is exceeded."""
    return f"{held:.0f} MB of its own, over the limit of {limit:g} MB"
