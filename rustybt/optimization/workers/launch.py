"""How does a worker process come to life, and how does it end?

A launcher starts interpreters of its own and never runs the user's main module again.
"""

import os
import subprocess
import sys
from abc import ABC, abstractmethod
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from rustybt.errors import WorkerError
from rustybt.optimization.workers.base import Preparation
from rustybt.optimization.workers.ending import Ending
from rustybt.optimization.workers.forked_process import ForkedProcess

QUIET_LIBRARIES = {
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
    ),
    **dict.fromkeys(("VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS"), "1"),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""One thread a process: the processes are the parallelism, and a fork must find no thread but its own."""

START_TIMEOUT_S = 60.0
END_TIMEOUT_S = 0.5


class Launched(NamedTuple):
    """A worker that was just started."""

    pid: int
    connection: Connection


class Launcher(ABC):
    """Starts, kills and collects worker processes.

    Attributes
    ----------
    helper_pids : tuple of int
        Processes beside the workers, which these are started from.
    """

    helper_pids: tuple[int, ...] = ()

    @property
    def has_forked_driver(self) -> bool:
        """Whether workers come from this process, whose memory counts as theirs."""
        return False

    @abstractmethod
    def prepare(self, preparation: Preparation) -> None:
        """Let workers that are started from now on share what a job will use."""

    @abstractmethod
    def launch(self, count: int) -> list[Launched]:
        """Start workers that wait for messages."""

    @abstractmethod
    def kill(self, pid: int) -> None:
        """End a worker at once, if it still lives."""

    @abstractmethod
    def is_gone(self, pid: int) -> bool:
        """Say whether a worker has ended, even where a child of its own keeps the connection open."""

    @abstractmethod
    def ending_of(self, pid: int) -> Ending:
        """Collect a worker whose connection closed, or that was killed, and say how it ended."""

    @abstractmethod
    def close(self) -> None:
        """End all workers and collect every process."""

    @abstractmethod
    def disown(self) -> None:
        """Let go of inherited handles in a fork of the process that this belongs to."""


def start_interpreter(code: str, **options: Any) -> "subprocess.Popen[bytes]":
    """Start this Python on a line of code, with this process's import path and one thread a library.

    What it prints goes to this process's stderr. It leads a session of its own, so that Ctrl-C in a terminal reaches
    this process alone, which then decides.
    """
    if not sys.executable:
        raise WorkerError("sys.executable is empty: worker processes need a Python to start; use num_workers=1")
    path = [entry for entry in sys.path if isinstance(entry, str)]
    environment = {"PYTHONHASHSEED": "0", **os.environ, **QUIET_LIBRARIES}
    output = 2 if is_open(2) else subprocess.DEVNULL
    options = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output, **options}
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path[:] = {path!r}; {code}"],
        env=environment,
        start_new_session=True,
        **options,
    )


def is_open(descriptor: int) -> bool:
    """Say whether a file descriptor is open."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def end_process(process: "subprocess.Popen[bytes] | ForkedProcess") -> None:
    """Collect a process that was asked to end; kill it if it does not."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
