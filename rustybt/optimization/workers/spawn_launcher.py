"""How are workers started where fork is missing or unwanted?"""

import secrets
import socket
import subprocess
import time
from multiprocessing.connection import Connection

from rustybt.errors import WorkerError
from rustybt.optimization.workers.base import Preparation
from rustybt.optimization.workers.ending import Ending
from rustybt.optimization.workers.launch import (
    START_TIMEOUT_S,
    Launched,
    Launcher,
    end_process,
    start_interpreter,
)

SECRET_BYTES = 32


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
                    raise WorkerError(f"a worker process cannot be started: it {self.ending_of(pid).text}")
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

    def is_gone(self, pid: int) -> bool:
        """Say whether the process has ended."""
        return self.processes[pid].poll() is not None

    def ending_of(self, pid: int) -> Ending:
        """Collect the process and say how it ended."""
        process = self.processes.pop(pid)
        end_process(process)
        return Ending.of(process.returncode)

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
