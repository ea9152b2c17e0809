"""How does a template process come to life at once? As a fork of the driver, where nothing but the driver is in it.

An interpreter that imports pandas takes a second, and user packages such as scikit-learn another; a fork of the driver
has them. It is safe only where the driver has one thread: what another holds at that moment, such as a lock, nobody
gives back in the child. Threads that libraries end themselves before a fork, as OpenBLAS does, are no hindrance. So the
driver forks, looks at the threads that it still has, and only then lets the child live.

The child keeps the driver's modules and mapped arrays. What a fresh interpreter would not have it forgets, see
`clean_slate`: descriptors, signal handlers, cached answers, log handlers, settings of warnings and of arithmetic. Two
things stay: what the program has changed in installed modules, and the seed of its hashes, so that sets of text have
the driver's order.
"""

import os
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

import threadpoolctl

from rustybt.optimization.workers.base import error_text
from rustybt.optimization.workers.clean_slate import can_forget, forget_driver
from rustybt.optimization.workers.forked_process import ForkedProcess
from rustybt.optimization.workers.memory import private_mb
from rustybt.optimization.workers.worker import flush_output

THREADS: Final = Path("/proc/self/task")

READY_FOR_FORKS: Final = frozenset({"jemalloc_bg_thd"})
"""Threads of libraries that take all their locks before a fork, and give them back on both sides: jemalloc's."""

MOST_MB: Final = 256.0
"""What a driver may hold for itself: all of it counts as each worker's, and lives until the pool is closed."""


def fork_driver(main: Callable[[int], None], descriptor: int) -> ForkedProcess | None:
    """Fork this process to run a function in the child, if that is safe.

    Parameters
    ----------
    main : callable of (int)
        What the child does; the process ends with it.
    descriptor : int
        What it is given: the one descriptor that the child keeps, beside those of the standard streams.

    Returns
    -------
    ForkedProcess or None
        None where this process has other threads, holds much memory, or the system does not show threads.
    """
    if not may_fork():
        return None
    flush_output()
    reader, writer = os.pipe()
    with (
        os.fdopen(reader, "rb", buffering=0) as lives,
        os.fdopen(writer, "wb", buffering=0) as release,
        threadpoolctl.threadpool_limits(1),  # from here on: in the child, the change itself would start threads again
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: they are looked for below
        pid = os.fork()
        if pid == 0:
            live_as_fork(main, descriptor, lives, release)
        process = ForkedProcess(pid)
        try:
            if not other_threads():
                release.write(b".")
                return process
        except BaseException:
            process.end()
            raise
    process.end()
    return None


def may_fork() -> bool:
    """Say whether a fork of this process is worth a try."""
    return (
        sys.platform == "linux"
        and THREADS.is_dir()
        and threading.active_count() == 1
        and threading.current_thread() is threading.main_thread()
        and private_mb(os.getpid()) <= MOST_MB
        and can_forget()
    )


def other_threads() -> list[str]:
    """Name the threads beside this one whose state a fork of this process would not have."""
    own = str(threading.get_native_id())
    names = [(thread / "comm").read_text().strip() for thread in THREADS.iterdir() if thread.name != own]
    return [name for name in names if name not in READY_FOR_FORKS]


def live_as_fork(main: Callable[[int], None], descriptor: int, lives: IO[bytes], release: IO[bytes]) -> None:
    """Run the function in the child once the driver lets it live, and never come back."""
    code = 1
    try:
        release.close()
        if lives.read(1):
            forget_driver(descriptor)
            main(descriptor)
            code = 0
    except BaseException as error:
        sys.stderr.write(error_text(error))
    finally:
        flush_output()
        os._exit(code)
