"""What does a worker process do between its first message and its last?

It answers the driver over one connection until the driver hangs up. Messages to it: ("job", payload, modules, folder,
path) and ("chunk", payloads). From it: ("ready", MB that it holds), ("broken", text) and ("done", records) with one
`attempt` a payload. How it was started, forked or spawned, is none of its concern.
"""

import gc
import os
import pickle
import signal
import sys
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from rustybt.optimization.workers.base import TaskFunction, attempt, error_text
from rustybt.optimization.workers.memory import private_mb
from rustybt.optimization.workers.parcel import unpack, user_modules


def serve(connection: Connection) -> None:
    """Answer the driver until it hangs up.

    Parameters
    ----------
    connection : Connection
        To the driver, and to nobody else.
    """
    function: TaskFunction | None = None
    while True:
        try:
            kind, *content = pickle.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        if kind == "job":
            function = None
            gc.collect()  # what the last run left is gone before the next one begins: its classes are cycles
            function, answer = open_job(*content)
        else:
            assert function is not None, "a chunk came before its job"
            answer = run_chunk(function, *content)
        flush_output()
        try:
            connection.send_bytes(answer)
        except OSError:
            return


def open_job(
    payload: bytes, modules: tuple[str, ...], folder: str, path: list[str]
) -> tuple[TaskFunction | None, bytes]:
    """Open a job, in the folder and with the import path of the driver, and give the answer too."""
    try:
        sys.path[:] = path
        if os.getcwd() != folder:
            os.chdir(folder)
        for name, _ in list(user_modules()):  # a hook that imports one reads it as it is now
            del sys.modules[name]
        import_for_good(modules)
        function = unpack(payload).open()
    except (Exception, SystemExit) as error:
        return None, pickle.dumps(("broken", error_text(error)))
    return function, pickle.dumps(("ready", private_mb(os.getpid())))


def import_for_good(modules: tuple[str, ...]) -> None:
    """Import what a job will use, and let the garbage collector never look at it again."""
    known = len(sys.modules)
    for module in modules:
        import_module(module)
    if len(sys.modules) > known:
        gc.freeze()


def run_chunk(function: TaskFunction, payloads: list[Any]) -> bytes:
    """Run a chunk of tasks and give their records, each pickled alone where together they cannot be."""
    records = [attempt(function, payload) for payload in payloads]
    try:
        return pickle.dumps(("done", records))
    except Exception:
        return pickle.dumps(("done", [record if sendable(record) else refusal(record) for record in records]))


def sendable(record: tuple[bool, float, Any]) -> bool:
    """Say whether a record can be pickled."""
    try:
        pickle.dumps(record)
    except Exception:
        return False
    return True


def refusal(record: tuple[bool, float, Any]) -> tuple[bool, float, str]:
    """Give the failure of a task whose value cannot leave the process."""
    return False, record[1], f"WorkerError: a {type(record[2]).__name__} cannot be sent back from a worker process"


def flush_output() -> None:
    """Hand on what user code printed, before the process may be ended without warning."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # closed, or replaced by user code: its loss, not the run's
            continue


def become_worker() -> None:
    """Set a fresh process up: the driver alone decides about Ctrl-C, and user code prints to its stderr."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for the rest of the process's life
    os.dup2(2, 1)
    gc.enable()
    gc.freeze()  # the collector need not look at the libraries again, and so copy the pages of a fork
