"""How does a worker process come to life, and how does it end?

`ForkLauncher` asks a template process for forks; `SpawnLauncher` starts a fresh interpreter for each worker, where fork
is missing or unwanted. Both start interpreters of their own and never run the user's main module again.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from rustybt.errors import WorkerError
from rustybt.optimization.workers.base import Preparation

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
BUFFER_BYTES = 1 << 20
SECRET_BYTES = 32


class Launched(NamedTuple):
    """A worker that was just started."""

    pid: int
    connection: Connection


class Launcher(ABC):
    """Starts, kills and collects worker processes."""

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
    def ending_of(self, pid: int) -> str:
        """Say how a worker ended whose connection closed."""

    @abstractmethod
    def close(self) -> None:
        """End all workers and collect every process."""

    @abstractmethod
    def disown(self) -> None:
        """Let go of inherited handles in a fork of the process that this belongs to."""


class TemplateLost(WorkerError):
    """The template process is gone, and its workers with it."""


class ForkLauncher(Launcher):
    """Workers as forks of a template process, which this starts, and starts again should it die."""

    def __init__(self) -> None:
        self.preparation = Preparation()
        self.start_template()

    def start_template(self) -> None:
        """Start the template process, with one end of a socket for messages."""
        self.endings: dict[int, int] = {}
        ours, theirs = socket.socketpair()
        with theirs:
            code = f"from rustybt.optimization.workers.template import main; main({theirs.fileno()})"
            self.template = start_interpreter(code, pass_fds=(theirs.fileno(),))
        self.socket, self.control = ours, Connection(os.dup(ours.fileno()))

    def prepare(self, preparation: Preparation) -> None:
        """Import and map in the template."""
        self.preparation = preparation
        self.tell({"do": "prepare", "modules": preparation.modules, "bundles": preparation.bundles})
        self.hear("prepared", START_TIMEOUT_S)

    def launch(self, count: int) -> list[Launched]:
        """Fork the template, or the one that follows it."""
        try:
            return [self.fork() for _ in range(count)]
        except TemplateLost:
            self.close()
            self.start_template()
            self.prepare(self.preparation)
            return [self.fork() for _ in range(count)]

    def fork(self) -> Launched:
        """Fork the template once, and keep this process's end of the worker's socket."""
        ours, theirs = worker_socket()
        connection = Connection(ours.detach())
        try:
            with theirs:
                self.tell({"do": "fork"})
                socket.send_fds(self.socket, [b"."], [theirs.fileno()])
            return Launched(self.hear("forked", START_TIMEOUT_S)["pid"], connection)
        except BaseException:
            connection.close()
            raise

    def kill(self, pid: int) -> None:
        """Let the template kill: only it knows that the pid is still the worker's."""
        self.tell({"do": "kill", "pid": pid})

    def ending_of(self, pid: int) -> str:
        """Say how a worker ended."""
        try:
            if pid not in self.endings:
                self.hear("exited", END_TIMEOUT_S, pid)
        except WorkerError as error:
            return f"ended: {error}"
        return describe_exit(self.endings.pop(pid))

    def tell(self, message: dict[str, Any]) -> None:
        """Send a message to the template."""
        try:
            self.control.send_bytes(json.dumps(message).encode())
        except ConnectionError:
            raise self.lost() from None

    def hear(self, wanted: str, timeout_s: float, pid: int | None = None) -> dict[str, Any]:
        """Wait for an answer of one kind, and note the endings that come before it."""
        deadline = time.monotonic() + timeout_s
        while self.control.poll(max(0.0, deadline - time.monotonic())):
            try:
                answer: dict[str, Any] = json.loads(self.control.recv_bytes())
            except (EOFError, ConnectionError):
                raise self.lost() from None
            if answer["is"] == "refused":
                raise WorkerError(f"worker processes cannot be started: {answer['text']}")
            if answer["is"] == "exited":
                self.endings[answer["pid"]] = answer["code"]
            if answer["is"] == wanted and pid in (None, answer["pid"]):
                return answer
        raise WorkerError(f"the template process {self.template.pid} did not answer within {timeout_s:g} s")

    def lost(self) -> TemplateLost:
        """Give the error of a template that is gone."""
        try:
            how = describe_exit(self.template.wait(END_TIMEOUT_S))
        except subprocess.TimeoutExpired:
            how = "closed its connection"
        return TemplateLost(f"the template process {self.template.pid} {how}; what it wrote is on stderr")

    def close(self) -> None:
        """Hang up: the template then kills and collects its children, and exits."""
        self.control.close()
        self.socket.close()
        end_process(self.template)

    def disown(self) -> None:
        """Close this process's copies: the template must see it when the owner's close."""
        self.control.close()
        self.socket.close()
        self.template.returncode = 0  # not a child of this process, and nothing to wait for


class SpawnLauncher(Launcher):
    """Workers as fresh interpreters, which reach this process over the loopback interface.

    Each gets a secret over its standard input and must send it first: nobody else can take its place. The input stays
    open as long as this process lives, which is how a worker sees that it is gone.
    """

    def __init__(self) -> None:
        self.processes: dict[int, subprocess.Popen[bytes]] = {}

    def prepare(self, preparation: Preparation) -> None:
        """Leave it to the workers: each opens the job by itself, and maps the same files."""

    def launch(self, count: int) -> list[Launched]:
        """Start interpreters, all at once, and wait until each has called back."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0.1)
            code = f"from rustybt.optimization.workers.spawned import main; main({server.getsockname()[1]})"
            secret_of: dict[bytes, int] = {}
            for _ in range(count):
                process = start_interpreter(code, stdin=subprocess.PIPE)
                self.processes[process.pid] = process
                secret = secrets.token_bytes(SECRET_BYTES)
                secret_of[secret] = process.pid
                assert process.stdin is not None
                process.stdin.write(secret)
                process.stdin.flush()
            return [self.accept(server, secret_of) for _ in range(count)]

    def accept(self, server: socket.socket, secret_of: dict[bytes, int]) -> Launched:
        """Wait for the next worker to call back."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            for pid in secret_of.values():
                if self.processes[pid].poll() is not None:
                    raise WorkerError(f"a worker process cannot be started: it {self.ending_of(pid)}")
            try:
                caller, _ = server.accept()
            except TimeoutError:
                continue
            caller.settimeout(None)
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(caller.detach())
            if connection.poll(1.0) and (known := secret_of.pop(connection.recv_bytes(SECRET_BYTES), None)):
                return Launched(known, connection)
            connection.close()
        raise WorkerError(f"a worker process did not call back within {START_TIMEOUT_S:g} s")

    def kill(self, pid: int) -> None:
        """Kill the process."""
        self.processes[pid].kill()

    def ending_of(self, pid: int) -> str:
        """Collect the process and say how it ended."""
        process = self.processes.pop(pid)
        end_process(process)
        return describe_exit(process.returncode)

    def close(self) -> None:
        """Kill and collect all."""
        for process in self.processes.values():
            process.kill()
        while self.processes:
            end_process(self.processes.popitem()[1])

    def disown(self) -> None:
        """Close this process's copies of the workers' standard inputs."""
        for process in self.processes.values():
            assert process.stdin is not None
            process.stdin.close()
            process.returncode = 0
        self.processes.clear()


def start_interpreter(code: str, **options: Any) -> "subprocess.Popen[bytes]":
    """Start this Python on a line of code, with this process's import path and one thread a library.

    What it prints goes to this process's stderr. It leads a session of its own, so that Ctrl-C in a terminal reaches
    this process alone, which then decides.
    """
    if not sys.executable:
        raise WorkerError("sys.executable is empty: worker processes need a Python to start; use num_workers=1")
    path = [entry for entry in sys.path if isinstance(entry, str)]
    environment = {"PYTHONHASHSEED": "0", **os.environ, **QUIET_LIBRARIES}
    options.setdefault("stdin", subprocess.DEVNULL)
    output = 2 if is_open(2) else subprocess.DEVNULL
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path[:] = {path!r}; {code}"],
        env=environment,
        stdout=output,
        stderr=output,
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


def worker_socket() -> tuple[socket.socket, socket.socket]:
    """Make the two ends of a worker's connection, with room for a few records."""
    pair = socket.socketpair()
    for end in pair:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    return pair


def end_process(process: "subprocess.Popen[bytes]") -> None:
    """Collect a process that was asked to end; kill it if it does not."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def describe_exit(code: int) -> str:
    """Say in words how a process ended.

    Examples
    --------
    >>> describe_exit(-9), describe_exit(3)
    ('was killed by SIGKILL', 'exited with code 3')
    """
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
