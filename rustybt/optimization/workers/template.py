"""Which process forks the workers?

A process with one thread: it imports what the job needs, maps the bundle, freezes the garbage collector and forks on
request. It is a fork of the driver where that is safe (`driver_fork`), else a fresh interpreter: the driver may hold
the threads of DuckDB or of a notebook, and the standard library's fork server runs an unguarded script a second time.
It ends when the driver's end of its control connection closes, and its workers end with it.

Messages are JSON: {"do": "prepare" | "fork" | "kill", ...}; after "fork" the worker's end of a socket follows as a file
descriptor. Answers: {"is": "prepared" | "forked" | "refused" | "exited", ...}.
"""

import ctypes
import gc
import json
import os
import signal
import socket
import sys
import threading
from importlib import import_module
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import Any

from rustybt.optimization.workers.base import error_text
from rustybt.optimization.workers.mapped import open_mapped
from rustybt.optimization.workers.worker import become_worker, flush_output, serve

THREADS = Path("/proc/self/task")
PR_SET_PDEATHSIG = 1


def main(descriptor: int) -> None:
    """Serve the driver over an inherited socket until it hangs up.

    Parameters
    ----------
    descriptor : int
        Of the control connection.
    """
    become_worker()
    with Connection(descriptor) as control:
        Template(control).serve()
    flush_output()
    os._exit(0)  # nothing is left to tidy, and taking pandas apart takes longer than all the rest


class Template:
    """The forking process's state: its control connection and its living children.

    Parameters
    ----------
    control : Connection
        To the driver.
    """

    def __init__(self, control: Connection) -> None:
        self.control = control
        self.children: set[int] = set()
        self.wake_reader, self.wake_writer = socket.socketpair()
        self.wake_reader.setblocking(False)
        self.wake_writer.setblocking(False)

    def serve(self) -> None:
        """Answer until the driver hangs up, then end the children."""
        signal.signal(signal.SIGCHLD, ignore)  # a handler must exist for the wake-up byte to be written
        signal.set_wakeup_fd(self.wake_writer.fileno())
        try:
            while True:
                ready = wait([self.control, self.wake_reader])
                if self.wake_reader in ready:
                    self.reap()
                if self.control in ready:
                    self.answer(json.loads(self.control.recv_bytes()))
        except (EOFError, ConnectionError):
            pass
        finally:
            self.end_children()

    def answer(self, message: dict[str, Any]) -> None:
        """Do what one message says."""
        if message["do"] == "prepare":
            self.say(prepare(message["modules"], message["bundles"]))
        elif message["do"] == "fork":
            self.fork()
        elif message["pid"] in self.children:
            os.kill(message["pid"], signal.SIGKILL)

    def say(self, answer: dict[str, Any]) -> None:
        """Send an answer."""
        self.control.send_bytes(json.dumps(answer).encode())

    def fork(self) -> None:
        """Fork a worker that serves the socket which follows the message."""
        with socket.fromfd(self.control.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as control:
            _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        template = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(descriptors[0])
            self.say({"is": "refused", "text": f"fork failed: {error}"})
            return
        if pid == 0:
            self.live_as_worker(descriptors[0], template)
        os.close(descriptors[0])
        self.children.add(pid)
        self.say({"is": "forked", "pid": pid})

    def live_as_worker(self, descriptor: int, template: int) -> None:
        """Serve the driver in the child, and never come back."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.control.close()
            self.wake_reader.close()
            self.wake_writer.close()
            die_with_parent(template)
            with Connection(descriptor) as connection:
                serve(connection)
            code = 0
        except BaseException as error:
            sys.stderr.write(error_text(error))
        finally:
            flush_output()
            os._exit(code)

    def reap(self) -> None:
        """Collect the children that ended, and tell the driver how."""
        while True:
            try:
                if not self.wake_reader.recv(4096):
                    break
            except BlockingIOError:
                break
        while self.children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self.children.discard(pid)
            self.say({"is": "exited", "pid": pid, "code": os.waitstatus_to_exitcode(status)})

    def end_children(self) -> None:
        """Kill and collect every child: a busy one would not see that the driver is gone."""
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
        for pid in self.children:
            os.waitpid(pid, 0)


def ignore(number: int, frame: FrameType | None) -> None:
    """Handle a signal by doing nothing."""


def prepare(modules: list[str], bundles: list[list[str]]) -> dict[str, Any]:
    """Import and map what the workers will share, and check that forking is safe."""
    try:
        for module in modules:
            import_module(module)
        for root, name, version, fingerprint in bundles:
            open_mapped(root, name, version, fingerprint)
    except Exception as error:
        return {"is": "refused", "text": error_text(error)}
    threads = thread_names()
    if len(threads) > 1:
        return {
            "is": "refused",
            "text": f"the template process has {len(threads)} threads ({', '.join(threads)}) and cannot be forked "
            'safely: use PersistentWorkerPool(..., start_method="spawn")',
        }
    gc.collect()
    gc.freeze()
    return {"is": "prepared", "pid": os.getpid()}


def thread_names() -> list[str]:
    """Name this process's threads, those of libraries too where the system shows them."""
    if not THREADS.is_dir():
        return [thread.name for thread in threading.enumerate()]
    return [(thread / "comm").read_text().strip() for thread in THREADS.iterdir()]


def die_with_parent(parent: int) -> None:
    """Ask Linux to end this process when the template ends, however that comes about."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
