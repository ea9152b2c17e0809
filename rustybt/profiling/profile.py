"""Where did the time of a run go, in this process and in those that worked for it?"""

from collections import defaultdict
from types import TracebackType
from typing import NamedTuple

from rustybt.profiling.categories import Category, category_of
from rustybt.profiling.sampler import INTERVAL_S, Place, Sampler, Samples, Stack, Stacks, add_stacks

OWN = Place("rustybt.profiling", "this process")
IDLE = Place("rustybt.profiling", "idle")


class Row(NamedTuple):
    """What one kind of work took.

    Attributes
    ----------
    category : Category
        The kind.
    seconds : float
        In this process.
    workers_seconds : float
        In all worker processes together.
    """

    category: Category
    seconds: float
    workers_seconds: float


class Profile:
    """Samples where this process's main thread is while a block runs.

    Parameters
    ----------
    interval_s : float, optional
        Time between two samples.

    Attributes
    ----------
    seconds : float
        How long the block took.
    workers : int
        Worker processes that it let work; 0 if none.
    workers_seconds : float
        Their number times how long they were there for its work.
    was_stopped : bool
        The program itself took the timer or its signal (SIGALRM) during the block: what came later is not known.

    Raises
    ------
    CannotProfile
        At the block's beginning: off the main thread, or where another profile runs.

    Notes
    -----
    Seconds are of the clock on the wall: waiting counts where it waits. Calls into compiled code count for the line
    that calls. An Optimizer that is given the profile lets its worker processes sample each of their trials.

    Examples
    --------
    >>> with Profile() as profile:
    ...     total = sum(range(200_000))
    >>> round(sum(row.seconds for row in profile.rows()) / profile.seconds, 6)
    1.0
    """

    def __init__(self, interval_s: float = INTERVAL_S) -> None:
        self._sampler = Sampler(interval_s)
        self._own = Samples(0.0, {})
        self._theirs = Samples(0.0, {})
        self.workers = 0
        self.workers_seconds = 0.0

    @property
    def interval_s(self) -> float:
        """Time between two samples."""
        return self._sampler.interval_s

    @property
    def seconds(self) -> float:
        """How long the block took."""
        return self._own.seconds

    @property
    def was_stopped(self) -> bool:
        """Whether the program, or a worker process's, took the timer away."""
        return self._own.was_stopped or self._theirs.was_stopped

    def __enter__(self) -> "Profile":
        self._sampler.start(frames_out=2)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sampler.stop()
        self._own = self._sampler.take()

    def add_workers(self, count: int, seconds: float) -> None:
        """Note that worker processes were there for some time, at work or not.

        Parameters
        ----------
        count : int
            How many.
        seconds : float
            How long each of them.
        """
        self.workers = max(self.workers, count)
        self.workers_seconds += count * seconds

    def add_samples(self, samples: Samples) -> None:
        """Add what a worker process saw of itself."""
        seconds, stacks, was_stopped = self._theirs
        add_stacks(stacks, samples.stacks)
        self._theirs = Samples(seconds + samples.seconds, stacks, was_stopped or samples.was_stopped)

    def rows(self) -> list[Row]:
        """Give the seconds of each kind of work that there was, in the order of `Category`.

        Returns
        -------
        list of Row
            Their seconds add up to `seconds`, and those of worker processes to `workers_seconds`.
        """
        own, workers = spent(self._own.scaled()), spent(self._of_workers())
        kinds = [category for category in Category if own[category] or workers[category]]
        return [Row(kind, own[kind], workers[kind]) for kind in kinds]

    def stacks(self) -> Stacks:
        """Give seconds by stack; where there are worker processes, theirs and this one's have a root of their own."""
        if not self.workers:
            return self._own.scaled()
        theirs = Place(OWN.module, f"{self.workers} worker processes")
        together: Stacks = {}
        add_stacks(together, below(OWN, self._own.scaled()))
        add_stacks(together, below(theirs, self._of_workers()))
        return together

    def _of_workers(self) -> Stacks:
        stacks = self._theirs.scaled()
        idle = self.workers_seconds - self._theirs.seconds
        if idle > 0.0:
            add_stacks(stacks, {(IDLE,): idle})
        return stacks


def spent(stacks: Stacks) -> "defaultdict[Category, float]":
    """Add the seconds of stacks up by what they are spent on."""
    seconds: defaultdict[Category, float] = defaultdict(float)
    for stack, taken in stacks.items():
        seconds[category_of(stack)] += taken
    return seconds


def below(root: Place, stacks: Stacks) -> Stacks:
    """Put a root under stacks."""
    placed: dict[Stack, float] = {(root, *stack): seconds for stack, seconds in stacks.items()}
    return placed
