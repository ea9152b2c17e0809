"""What does the Optimizer ask of whatever runs its trials?

A job is what one run repeats: it is opened once in each process, and its function is then called with one task after
the other. A pool pulls numbered tasks as it has room for them, and gives back one outcome each, in any order.
"""

import time
import traceback
from collections.abc import Callable, Generator
from typing import Any, NamedTuple, Protocol, TypeAlias

from rustybt.optimization.trial import TrialStatus
from rustybt.optimization.workers.limits import Limits

TaskFunction: TypeAlias = Callable[[Any], Any]
Task: TypeAlias = tuple[int, Any]
"""Number and payload; payloads are plain numbers, words and tuples, which cross a pipe fast."""

Take: TypeAlias = Callable[[int], list[Task]]
"""Gives the next tasks: at most that many; none while the outcomes to come decide what is next, and none at the end."""

MAX_ERROR_CHARACTERS = 20_000


class Outcome(NamedTuple):
    """What came of a task.

    Attributes
    ----------
    status : TrialStatus
        How it ended.
    seconds : float
        Time in the job's function; NaN where it did not come back.
    value : object
        What the function returned; None unless complete.
    error : str
        Traceback or reason; empty if complete.
    worker : int
        Process id of the worker that ran it last; 0 for this process.
    """

    status: TrialStatus
    seconds: float
    value: Any = None
    error: str = ""
    worker: int = 0


class Preparation(NamedTuple):
    """What a process may load before it knows the job.

    Attributes
    ----------
    modules : tuple of str
        To import.
    bundles : tuple of (root, name, version, fingerprint)
        To map.
    """

    modules: tuple[str, ...] = ()
    bundles: tuple[tuple[str, str, str, str], ...] = ()


class Job(Protocol):
    """The part of a run that every worker holds."""

    @property
    def preparation(self) -> Preparation:
        """What the job will use."""

    def open(self) -> TaskFunction:
        """Give the function of a task; called once in each process."""


class WorkerPool(Protocol):
    """Runs tasks of one job at a time."""

    @property
    def num_workers(self) -> int:
        """Processes beside this one."""

    def check_limits(self, limits: Limits) -> None:
        """Raise InvalidParameter where `run` would not keep these limits; asked before a run that has any begins."""

    def run(
        self,
        job: Job,
        take: Take,
        *,
        total: int | None = None,
        timeout_s: float | None = None,
        memory_mb: float | None = None,
    ) -> Generator[tuple[int, Outcome], None, None]:
        """Run tasks until none is left.

        Parameters
        ----------
        job : Job
            What the tasks are given to.
        take : callable of (count)
            Gives the next tasks.
        total : int, optional
            Number of tasks to come, at most, where it is known.
        timeout_s : float, optional
            Limit of one task's time.
        memory_mb : float, optional
            Limit of what one task's process holds for itself, in units of 2**20 bytes.

        Yields
        ------
        tuple of (int, Outcome)
            Number and outcome of each task, as they come.
        """


def attempt(function: TaskFunction, payload: Any) -> tuple[bool, float, Any]:
    """Call a job's function at the boundary where an exception turns into data.

    Parameters
    ----------
    function : callable
        Of a job.
    payload : object
        Of a task.

    Returns
    -------
    tuple of (bool, float, object)
        Whether it returned, seconds, and what it returned or the traceback's text.

    Examples
    --------
    >>> attempt(len, "four")[::2]
    (True, 4)
    >>> done, _, text = attempt(len, 4)
    >>> done, text.splitlines()[-1]
    (False, "TypeError: object of type 'int' has no len()")
    """
    began = time.perf_counter()
    try:
        value = function(payload)
    except (Exception, SystemExit) as error:
        return False, time.perf_counter() - began, error_text(error)
    return True, time.perf_counter() - began, value


def error_text(error: BaseException) -> str:
    """Give a traceback without this boundary's own frame, cut in the middle where it is very long."""
    if error.__traceback__ is not None:
        error = error.with_traceback(error.__traceback__.tb_next)
    text = "".join(traceback.format_exception(error))
    half = MAX_ERROR_CHARACTERS // 2
    return text if len(text) <= 2 * half else f"{text[:half]}\n[...]\n{text[-half:]}"


def outcome_of(done: bool, seconds: float, value: Any, worker: int = 0) -> Outcome:
    """Give what `attempt` gave as an outcome of the worker with a process id."""
    if done:
        return Outcome(TrialStatus.COMPLETE, seconds, value, worker=worker)
    return Outcome(TrialStatus.FAILED, seconds, None, value, worker)
