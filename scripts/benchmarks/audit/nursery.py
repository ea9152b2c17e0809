"""How does each run of a side get a fresh process at once? It is a fork of one that has imported all and run nothing.

A line of JSON with "requests", for `side.main`, and "root", of the data, is answered by a line with a list of "code",
"out", "err" and "turns", one for each. Several runs take turns, see `turns`. What a run keeps ends with its process.
"""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import import_module
from typing import IO, Any, Final

from rustybt.optimization.workers.template import die_with_parent
from scripts.benchmarks.audit.pairs import Measured
from scripts.benchmarks.audit.turns import Ended, Turn, seconds_within, take_turns
from scripts.benchmarks.audit.workload import FOREST
from scripts.benchmarks.contender import ROOT

TIMEOUT_S: Final = 600
ONE_THREAD: Final = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}


class SideFailed(Exception):
    """A side's process did not answer."""


class Nursery:
    """The process that sides are forks of; it is started when it is first asked, and ends with this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def ask(self, request: dict[str, Any]) -> Measured:
        """Run one side once.

        Parameters
        ----------
        request : dict
            See `side.main`.

        Returns
        -------
        Measured

        Raises
        ------
        SideFailed
            With what the side wrote.
        """
        return self._run([request])[0]

    def ask_in_turns(self, requests: Sequence[dict[str, Any]]) -> list[Measured]:
        """Run sides of one process each in turns, and count for each only the seconds in which it was let go.

        Parameters
        ----------
        requests : sequence of dict
            See `side.main`; their runs may start no processes.

        Returns
        -------
        list of Measured
            In the order of the requests.

        Raises
        ------
        SideFailed
            With what the first side that failed wrote.
        """
        return self._run([{**request, "takes_turns": True} for request in requests])

    def _run(self, requests: Sequence[dict[str, Any]]) -> list[Measured]:
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps({"requests": requests, "root": os.environ.get("RUSTYBT_ROOT")}) + "\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], TIMEOUT_S)
        if not ready:
            self.kill()
            raise SideFailed(f"{requests} took longer than {TIMEOUT_S} s")
        line = process.stdout.readline()
        if not line:
            raise SideFailed(f"{requests}: the process that sides are forks of ended with exit code {process.wait()}")
        return [measured(request, said) for request, said in zip(requests, json.loads(line), strict=True)]

    def close(self) -> None:
        """End the process; it has no run under way."""
        if self._process is not None and self._process.stdin is not None and self._process.stdout is not None:
            self._process.stdin.close()
            self._process.wait()
            self._process.stdout.close()
        self._process = None

    def kill(self) -> None:
        """End the process and the run that is under way."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self.close()

    def _started(self) -> "subprocess.Popen[str]":
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "scripts.benchmarks.audit.nursery"],
                cwd=ROOT,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            atexit.register(self.close)
        return self._process


NURSERY: Final = Nursery()


def measured(request: dict[str, Any], said: dict[str, Any]) -> Measured:
    """Read what was said of one run."""
    if said["code"]:
        raise SideFailed(f"{request} ended with exit code {said['code']}:\n{said['err'][-2000:]}")
    answer = json.loads(said["out"].splitlines()[-1])
    began, ended = answer["began"], answer["ended"]
    turns = [Turn(*turn) for turn in said["turns"]] if request.get("takes_turns") else [Turn(began, ended)]
    return Measured(seconds_within(turns, began, ended), answer["digest"], answer["notes"])


def serve() -> None:
    """Answer each line of standard input by runs in forks."""
    side: Any = import_module("scripts.benchmarks.audit.side")
    for line in sys.stdin:
        asked = json.loads(line)
        if any(request["scale"]["workload"] == FOREST for request in asked["requests"]):
            import_module("sklearn.ensemble")
        with ExitStack() as stack:
            children = []
            for request in asked["requests"]:
                out, err = (stack.enter_context(tempfile.TemporaryFile("w+")) for _ in range(2))
                children.append(Child(side, request, asked["root"], out, err))
            pids, takes_turns = [child.pid for child in children], asked["requests"][0].get("takes_turns")
            ends = take_turns(pids) if takes_turns else [end_of(pid) for pid in pids]
            said = [child.said(ended) for child, ended in zip(children, ends, strict=True)]
        print(json.dumps(said), flush=True)


class Child:
    """A fork that runs one side.

    Parameters
    ----------
    side : module
        `scripts.benchmarks.audit.side`.
    request : dict
        See `side.main`.
    root : str or None
        Of the data.
    out, err : file
        Take what it writes.
    """

    def __init__(self, side: Any, request: dict[str, Any], root: str | None, out: IO[str], err: IO[str]) -> None:
        self.out, self.err = out, err
        self.pid = os.fork()
        if self.pid == 0:
            run(side, request, root, self.out.fileno(), self.err.fileno())

    def said(self, ended: Ended) -> dict[str, Any]:
        """Give what it wrote, after its end."""
        self.out.seek(0)
        self.err.seek(0)
        return {"out": self.out.read(), "err": self.err.read(), **ended._asdict()}


def end_of(pid: int) -> Ended:
    """Wait for the end of a run that takes no turns."""
    _, status = os.waitpid(pid, 0)
    return Ended(os.waitstatus_to_exitcode(status), [])


def run(side: Any, request: dict[str, Any], root: str | None, out: int, err: int) -> None:
    """Run a side in the fork, and never come back."""
    code = 1
    try:
        die_with_parent(os.getppid())  # one that is stopped would stay for ever
        os.dup2(out, 1)
        os.dup2(err, 2)
        if root is not None:
            os.environ["RUSTYBT_ROOT"] = root
        side.main(request)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
