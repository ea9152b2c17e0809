"""What does a process know of a fork of itself? What `subprocess.Popen` knows of a program that it started."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import Final

LONGEST_NAP_S: Final = 0.02


class ForkedProcess:
    """A fork of this process, with those parts of `subprocess.Popen` that a launcher uses.

    Parameters
    ----------
    pid : int
        Of the child.
    """

    stdin = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Collect the child if it has ended, and give its exit code."""
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # user code has collected it: nobody knows how it ended
                self.returncode = 0
            else:
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the child's end, and give its exit code; `subprocess.TimeoutExpired` if it does not come."""
        deadline, nap = None if timeout is None else time.monotonic() + timeout, 0.0005
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() >= deadline:
                raise subprocess.TimeoutExpired(f"fork {self.pid}", timeout or 0.0)
            time.sleep(nap)
            nap = min(2 * nap, LONGEST_NAP_S)
        return code

    def kill(self) -> None:
        """End the child at once, if it still lives."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ended just now, and the system or user code has collected it
                os.kill(self.pid, signal.SIGKILL)

    def end(self) -> None:
        """End the child at once, and collect it."""
        self.kill()
        self.wait()
