"""What does the driver know of a worker, and of the tasks that it gave it?"""

import time
from collections import deque
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from rustybt.optimization.trial import TrialStatus
from rustybt.optimization.workers.launch import Launched
from rustybt.optimization.workers.pace import Pace
from rustybt.optimization.workers.statistics import Tally

CHUNK_S = 0.03
"""Work in a chunk."""


class Queued(NamedTuple):
    """A task on its way.

    Attributes
    ----------
    number : int
        Of the task.
    payload : object
        For the job's function.
    alone : bool
        It must make a chunk of its own: a worker died under a chunk that it was in.
    deaths : int
        How many workers died while they ran it alone.
    kills : int
        How many of those may have been killed from outside.
    """

    number: int
    payload: Any
    alone: bool = False
    deaths: int = 0
    kills: int = 0


class Verdict(NamedTuple):
    """Why the pool ends a worker.

    Attributes
    ----------
    status : TrialStatus
        Of the task that it runs, if that happens again.
    reason : str
        In words, as what came of the task.
    """

    status: TrialStatus
    reason: str


@dataclass(eq=False)
class Seat:
    """A worker as the driver sees it.

    Attributes
    ----------
    pid : int
        Of its process.
    connection : Connection
        To it.
    has_job : bool
        It was sent the job of the run.
    chunks : deque of list of Queued
        In flight, the running one first.
    since : float or None
        Monotonic time from which the running chunk's limit counts; None until the job is open there.
    pace : Pace
        How fast tasks went.
    is_condemned : bool
        The pool has ended it.
    is_deaf : bool
        Something could not be sent to it.
    verdict : Verdict or None
        Why, where that is the running chunk's fault.
    tally : Tally
        What it has done.
    """

    pid: int
    connection: Connection
    has_job: bool = False
    chunks: deque[list[Queued]] = field(default_factory=deque)
    since: float | None = None
    pace: Pace = field(default_factory=lambda: Pace(CHUNK_S))
    is_condemned: bool = False
    is_deaf: bool = False
    verdict: Verdict | None = None
    tally: Tally = field(default_factory=Tally)

    @staticmethod
    def of(launched: Launched) -> "Seat":
        """Seat a worker that was just started."""
        return Seat(launched.pid, launched.connection)

    def begin_run(self) -> None:
        """Forget the last run: the job is sent again, so that a run finds no state of the one before."""
        self.has_job, self.since = False, None
        self.pace = Pace(CHUNK_S)
        self.tally.begin_run()

    @property
    def is_fresh(self) -> bool:
        """Whether it waits for a first task."""
        return not (self.tally.tasks or self.chunks or self.is_leaving)

    @property
    def is_at_work(self) -> bool:
        """Whether it has opened the job and runs a chunk."""
        return self.since is not None and bool(self.chunks)

    @property
    def is_leaving(self) -> bool:
        """Whether it gets nothing more, and its end is waited for."""
        return self.is_condemned or self.is_deaf

    def finish_chunk(self, seconds: float, size: int) -> list[Queued]:
        """Take the running chunk as done, in so much time and with results of so many bytes."""
        chunk = self.chunks.popleft()
        self.pace.learn(len(chunk), seconds, size)
        self.tally.count(len(chunk), seconds)
        self.since = time.monotonic()
        self.verdict = None  # it came back before its end did
        return chunk
