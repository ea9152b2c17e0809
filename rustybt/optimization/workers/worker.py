"""What does a worker process do between its first message and its last?

It answers the driver over one connection until the driver hangs up. Messages to it: ("job", digest, payload, folder,
path) and ("chunk", digest, payloads). From it: ("ready", digest), ("broken", digest, text) and ("done", records) with
one `attempt` a payload. How it was started, forked or spawned, is none of its concern.
"""

import gc
import os
import pickle
import signal
import sys
from collections import deque
from multiprocessing.connection import Connection
from typing import Any

from rustybt.optimization.workers.base import TaskFunction, attempt, error_text
from rustybt.optimization.workers.parcel import unpack, user_modules

JOBS_KEPT = 4
"""Jobs that a worker holds, oldest out first; the driver counts along and sends again what was dropped."""


def serve(connection: Connection) -> None:
    """Answer the driver until it hangs up.

    Parameters
    ----------
    connection : Connection
        To the driver, and to nobody else.
    """
    jobs: deque[tuple[str, TaskFunction]] = deque(maxlen=JOBS_KEPT)
    while True:
        try:
            message = pickle.loads(connection.recv_bytes())
        except (EOFError, ConnectionError):
            return
        answer = answer_job(jobs, *message[1:]) if message[0] == "job" else answer_chunk(jobs, *message[1:])
        flush_output()
        try:
            connection.send_bytes(answer)
        except ConnectionError:
            return


def answer_job(
    jobs: deque[tuple[str, TaskFunction]], digest: str, payload: bytes, folder: str, path: list[str]
) -> bytes:
    """Open a job, in the folder and with the import path of the driver."""
    try:
        sys.path[:] = path
        if os.getcwd() != folder:
            os.chdir(folder)
        for name, _ in list(user_modules()):  # a hook that imports one reads it as it is now
            del sys.modules[name]
        jobs.append((digest, unpack(payload).open()))
    except (Exception, SystemExit) as error:
        return pickle.dumps(("broken", digest, error_text(error)))
    return pickle.dumps(("ready", digest))


def answer_chunk(jobs: deque[tuple[str, TaskFunction]], digest: str, payloads: list[Any]) -> bytes:
    """Run a chunk of tasks and give their records, each pickled alone where together they cannot be."""
    function = dict(jobs)[digest]
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
