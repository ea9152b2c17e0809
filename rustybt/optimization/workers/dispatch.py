"""Which worker gets which tasks, and what becomes of them when it dies?

One `Dispatch` lives as long as one run. A worker has at most two chunks in flight, so that it never waits for the
driver; a chunk is as many tasks as take some tens of milliseconds, so that messages cost little and the end is even.
The tasks of a worker that dies go back to the queue, those of its running chunk one by one. A task that was alone when
its worker died gets one more worker, and after that a status.
"""

import os
import pickle
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

from rustybt.errors import WorkerError
from rustybt.optimization.trial import TrialStatus
from rustybt.optimization.workers.base import Outcome, Take, outcome_of
from rustybt.optimization.workers.launch import Launched, Launcher
from rustybt.optimization.workers.parcel import Parcel
from rustybt.optimization.workers.worker import JOBS_KEPT

CHUNK_S = 0.03
"""Work in a chunk."""
MAX_CHUNK = 512
GROWTH = 4
"""A chunk is at most this many times as large as the worker's last: the first tasks may be untypically short."""
PREFETCH_BELOW_S = 0.05
"""Tasks longer than this gain nothing from a second chunk in flight, and an uneven end loses."""
SAFE_BYTES = 1 << 15
"""What a busy worker's socket takes without being read; more waits until the worker is idle."""
MAX_DEATHS = 2
MAX_STILLBORN = 3
"""Workers in a row, beyond one a seat, that may die before they have opened the job."""
NAN = float("nan")


class Queued(NamedTuple):
    """A task, whether it must run alone, and how often a worker died under it alone."""

    number: int
    payload: Any
    alone: bool = False
    deaths: int = 0


@dataclass
class Seat:
    """A worker as the driver sees it.

    Attributes
    ----------
    pid : int
        Of its process.
    connection : Connection
        To it.
    digests : deque of str
        Jobs that it holds.
    chunks : deque of list of Queued
        In flight, the running one first.
    since : float or None
        Monotonic time from which the running chunk's limit counts; None until the job is open there.
    mean_s : float
        Recent time of one task; NaN before the first.
    last_size : int
        Of the last chunk.
    expired : bool
        Killed for a chunk over its limit.
    """

    pid: int
    connection: Connection
    digests: deque[str] = field(default_factory=lambda: deque(maxlen=JOBS_KEPT))
    chunks: deque[list[Queued]] = field(default_factory=deque)
    since: float | None = None
    mean_s: float = NAN
    last_size: int = 0
    expired: bool = False

    @staticmethod
    def of(launched: Launched) -> "Seat":
        """Seat a worker that was just started."""
        return Seat(launched.pid, launched.connection)


class Dispatch:
    """One run over the workers of a pool.

    Parameters
    ----------
    seats : list of Seat
        The workers; one that dies is replaced in place.
    launcher : Launcher
        Starts, kills and collects them.
    parcel : Parcel
        The job.
    take : callable of (count)
        Gives the next tasks.
    total : int or None
        Number of tasks to come, at most.
    timeout_s : float or None
        Limit of one task's time.
    """

    def __init__(
        self,
        seats: list[Seat],
        launcher: Launcher,
        parcel: Parcel,
        take: Take,
        total: int | None,
        timeout_s: float | None,
    ) -> None:
        self.seats, self.launcher, self.parcel = seats, launcher, parcel
        self.take, self.left, self.timeout_s = take, total, timeout_s
        self.again: deque[Queued] = deque()
        self.done: list[tuple[int, Outcome]] = []
        self.stillborn = 0
        for seat in seats:
            seat.mean_s, seat.last_size = NAN, 0  # another job's tasks took another time
            seat.digests.clear()  # opened anew, so that a run finds neither state nor modules of the one before

    def outcomes(self) -> Iterator[tuple[int, Outcome]]:
        """Run until no task is left, and yield outcomes as they come."""
        while True:
            for seat in self.seats:
                self.feed(seat)
            if any(seat.chunks for seat in self.seats):
                self.listen()
            elif not self.done and not self.again:
                return
            done, self.done = self.done, []
            yield from done

    def feed(self, seat: Seat) -> None:
        """Give a worker as many chunks as it should have in flight."""
        while len(seat.chunks) < self.wanted_chunks(seat):
            chunk = self.next_chunk(seat)
            if not chunk or not self.send(seat, chunk):
                return

    def wanted_chunks(self, seat: Seat) -> int:
        """Say how many chunks a worker should have in flight."""
        if seat.since is None or not seat.mean_s < PREFETCH_BELOW_S:
            return 1
        near_end = self.left is not None and self.left < 2 * len(self.seats) * self.chunk_size(seat)
        return 1 if near_end else 2

    def chunk_size(self, seat: Seat) -> int:
        """Say how many tasks make a chunk for a worker."""
        if not seat.mean_s >= 0:
            return 1
        size = min(int(CHUNK_S / max(seat.mean_s, 1e-9)), GROWTH * seat.last_size, MAX_CHUNK)
        if self.left is not None:
            size = min(size, self.left // (2 * len(self.seats)))
        return max(size, 1)

    def next_chunk(self, seat: Seat) -> list[Queued]:
        """Take tasks: alone one that a worker died under, then what was put back, then new ones."""
        if not self.again:
            tasks = self.take(self.chunk_size(seat))
            if self.left is not None:
                self.left = max(0, self.left - len(tasks))
            return [Queued(*task) for task in tasks]
        chunk = [self.again.popleft()]
        while not chunk[0].alone and self.again and not self.again[0].alone and len(chunk) < self.chunk_size(seat):
            chunk.append(self.again.popleft())
        return chunk

    def send(self, seat: Seat, chunk: list[Queued]) -> bool:
        """Send a chunk, and before it the job where the worker has it not; False if the worker is busy or gone."""
        message = pickle.dumps(("chunk", self.parcel.digest, [task.payload for task in chunk]))
        if seat.chunks and len(message) > SAFE_BYTES:
            self.again.extendleft(reversed(chunk))
            return False
        if not seat.chunks and seat.since is not None:
            seat.since = time.monotonic()
        seat.chunks.append(chunk)
        seat.last_size = len(chunk)
        try:
            self.send_job(seat)
            seat.connection.send_bytes(message)
        except ConnectionError:
            self.replace(seat, ran=len(seat.chunks) > 1)
            return False
        return True

    def send_job(self, seat: Seat) -> None:
        """Send the job to a worker that does not hold it; it is idle then, and reads."""
        if self.parcel.digest not in seat.digests:
            seat.since = None
            seat.digests.append(self.parcel.digest)
            job = ("job", *self.parcel, os.getcwd(), [entry for entry in sys.path if isinstance(entry, str)])
            seat.connection.send_bytes(pickle.dumps(job))

    def listen(self) -> None:
        """Wait until a worker says something, dies, or runs over its limit."""
        seat_of = {seat.connection: seat for seat in self.seats}
        for connection in wait(list(seat_of), 0 if self.done else self.seconds_to_deadline()):
            assert isinstance(connection, Connection)
            seat = seat_of[connection]
            try:
                message = pickle.loads(connection.recv_bytes())
            except (EOFError, ConnectionError):
                self.replace(seat)
            else:
                self.hear(seat, *message)
        for seat in self.seats:
            if self.deadline(seat) <= time.monotonic():
                seat.expired = True
                self.launcher.kill(seat.pid)

    def hear(self, seat: Seat, kind: str, *content: Any) -> None:
        """Act on a worker's message."""
        seat.since = time.monotonic()
        self.stillborn = 0
        if kind == "broken":
            raise WorkerError(f"the strategy cannot be opened in a worker process:\n{content[1]}")
        if kind == "done":
            chunk = seat.chunks.popleft()
            mean = sum(record[1] for record in content[0]) / len(chunk)
            seat.mean_s = mean if seat.mean_s != seat.mean_s else 0.7 * seat.mean_s + 0.3 * mean
            self.done += [(task.number, outcome_of(*record)) for task, record in zip(chunk, content[0], strict=True)]

    def replace(self, seat: Seat, ran: bool = True) -> None:
        """Put a new worker on the seat of one that died, and its tasks back into the queue.

        `ran` says whether it may have been at work on the first of its chunks, if it had opened the job at all.
        """
        ran = ran and seat.since is not None and bool(seat.chunks)
        how = self.launcher.ending_of(seat.pid)
        seat.connection.close()
        back: list[Queued] = []
        for position, chunk in enumerate(seat.chunks):
            back += self.survivors(chunk, seat.expired, how) if ran and position == 0 else chunk
        self.again.extendleft(reversed(back))
        self.stillborn += not ran
        if self.stillborn > MAX_STILLBORN + len(self.seats):
            raise WorkerError(f"worker processes die before they have opened the strategy; the last one {how}")
        self.seats[self.seats.index(seat)] = Seat.of(self.launcher.launch(1)[0])

    def survivors(self, chunk: list[Queued], expired: bool, how: str) -> list[Queued]:
        """Give the tasks of a running chunk that are tried again; one that has had its second chance gets a status."""
        if len(chunk) > 1 or chunk[0].deaths + 1 < MAX_DEATHS:
            return [task._replace(alone=True, deaths=task.deaths + (len(chunk) == 1)) for task in chunk]
        if expired:
            outcome = Outcome(TrialStatus.TIMEOUT, NAN, None, f"ran past its limit of {self.timeout_s:g} s, twice")
        else:
            reason = f"two worker processes died under these parameters; the last one {how}"
            outcome = Outcome(TrialStatus.CRASHED, NAN, None, reason)
        self.done.append((chunk[0].number, outcome))
        return []

    def deadline(self, seat: Seat) -> float:
        """Give the monotonic time at which a worker's running chunk is over its limit; inf without one.

        A chunk of several has hardly more time than one task: if each was within its limit after all, they pass alone.
        """
        if self.timeout_s is None or seat.since is None or not seat.chunks or seat.expired:
            return float("inf")
        return seat.since + self.timeout_s + (CHUNK_S if len(seat.chunks[0]) > 1 else 0.0)

    def seconds_to_deadline(self) -> float | None:
        """Give the time until the next limit; None without one."""
        nearest = min(map(self.deadline, self.seats))
        return None if nearest == float("inf") else max(0.0, nearest - time.monotonic())
