"""How are workers forked from a template process?"""

import json
import os
import socket
import subprocess
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from rustybt.errors import WorkerError
from rustybt.optimization.workers.base import Preparation
from rustybt.optimization.workers.driver_fork import fork_driver
from rustybt.optimization.workers.ending import Ending, describe_exit
from rustybt.optimization.workers.forked_process import ForkedProcess
from rustybt.optimization.workers.launch import (
    END_TIMEOUT_S,
    START_TIMEOUT_S,
    Launched,
    Launcher,
    end_process,
    start_interpreter,
)
from rustybt.optimization.workers.template import main

BUFFER_BYTES = 1 << 20


class TemplateLost(WorkerError):
    """The template process is gone, and its workers with it."""


class ForkLauncher(Launcher):
    """Workers as forks of a template process, which this starts, and starts again should it die.

    Parameters
    ----------
    may_fork_driver : bool
        Whether the template may be a fork of this process, whose memory would count as the workers' own.
    """

    def __init__(self, may_fork_driver: bool = True) -> None:
        self.may_fork_driver = may_fork_driver
        self.preparation = Preparation()
        self.start_template()

    def start_template(self) -> None:
        """Start the template process, with one end of a socket for messages."""
        self.children: set[int] = set()
        self.endings: dict[int, int] = {}
        ours, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            code = f"from rustybt.optimization.workers.template import main; main({descriptor})"
            forked = fork_driver(main, descriptor) if self.may_fork_driver else None
            self.template: ForkedProcess | subprocess.Popen[bytes] = forked or start_interpreter(
                code, pass_fds=(descriptor,)
            )
            self.helper_pids = (self.template.pid,)
        self.socket, self.control = ours, Connection(os.dup(ours.fileno()))

    @property
    def has_forked_driver(self) -> bool:
        """Whether the template is a fork of this process."""
        return isinstance(self.template, ForkedProcess)

    def prepare(self, preparation: Preparation) -> None:
        """Import and map in the template, or in the one that follows it."""
        self.preparation = preparation
        try:
            self.prepare_template()
        except TemplateLost:
            self.follow_template()

    def prepare_template(self) -> None:
        """Import and map in the template that there is."""
        self.tell({"do": "prepare", "modules": self.preparation.modules, "bundles": self.preparation.bundles})
        self.hear("prepared", START_TIMEOUT_S)

    def follow_template(self) -> None:
        """Put another template in the place of one that is gone."""
        self.close()
        self.start_template()
        self.prepare_template()

    def launch(self, count: int) -> list[Launched]:
        """Fork the template, or the one that follows it."""
        try:
            return [self.fork() for _ in range(count)]
        except TemplateLost:
            self.follow_template()
            return [self.fork() for _ in range(count)]

    def fork(self) -> Launched:
        """Fork the template once, and keep this process's end of the worker's socket."""
        ours, theirs = worker_socket()
        connection = Connection(ours.detach())
        try:
            with theirs:
                self.tell({"do": "fork"}, theirs)
            pid = self.hear("forked", START_TIMEOUT_S)["pid"]
        except BaseException:
            connection.close()
            raise
        self.children.add(pid)
        return Launched(pid, connection)

    def kill(self, pid: int) -> None:
        """Let the template kill: only it knows that the pid is still the worker's."""
        with suppress(TemplateLost):  # its workers end with it
            self.tell({"do": "kill", "pid": pid})

    def is_gone(self, pid: int) -> bool:
        """Say whether a worker has ended, as far as the template has told."""
        try:
            return pid in self.endings or self.hear_within("exited", 0.0, pid) is not None
        except TemplateLost:
            return True

    def ending_of(self, pid: int) -> Ending:
        """Collect a worker; one that only closed its connection is killed."""
        if pid not in self.children:
            return Ending("ended with the process that it was forked from")
        self.children.discard(pid)
        try:
            code = self.exit_code(pid)
        except TemplateLost as error:
            return Ending(f"ended with the process that it was forked from ({error})")
        return Ending("did not end") if code is None else Ending.of(code)

    def exit_code(self, pid: int) -> int | None:
        """Wait for the end of a worker; None where a kill does not end it."""
        for _ in range(2):
            if pid in self.endings or self.hear_within("exited", END_TIMEOUT_S, pid):
                return self.endings.pop(pid)
            self.tell({"do": "kill", "pid": pid})
        return None

    def tell(self, message: dict[str, Any], passed: socket.socket | None = None) -> None:
        """Send a message to the template, and the socket that goes with it."""
        try:
            self.control.send_bytes(json.dumps(message).encode())
            if passed is not None:
                socket.send_fds(self.socket, [b"."], [passed.fileno()])
        except ConnectionError:
            raise self.lost() from None

    def hear(self, wanted: str, timeout_s: float) -> dict[str, Any]:
        """Wait for an answer of one kind, which must come."""
        answer = self.hear_within(wanted, timeout_s)
        if answer is None:
            raise WorkerError(f"the template process {self.template.pid} did not answer within {timeout_s:g} s")
        return answer

    def hear_within(self, wanted: str, timeout_s: float, pid: int | None = None) -> dict[str, Any] | None:
        """Wait for an answer of one kind, and note the endings that come before it; None if it does not come."""
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
        return None

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


def worker_socket() -> tuple[socket.socket, socket.socket]:
    """Make the two ends of a worker's connection, with room for a few records."""
    pair = socket.socketpair()
    for end in pair:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    return pair
