"""How does each run of a side get a fresh process at once? It is a fork of one that has imported all and run nothing.

A line of JSON with "argument", for `side.main`, and "root", of the data, is answered by a line with "code", "out" and
"err". What a run keeps ends with its process.
"""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from importlib import import_module
from typing import Any, Final

from scripts.benchmarks.audit.pairs import Measured
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
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        asked = {"argument": json.dumps(request), "root": os.environ.get("RUSTYBT_ROOT")}
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], TIMEOUT_S)
        if not ready:
            self.kill()
            raise SideFailed(f"{request} took longer than {TIMEOUT_S} s")
        line = process.stdout.readline()
        if not line:
            raise SideFailed(f"{request}: the process that sides are forks of ended with exit code {process.wait()}")
        said = json.loads(line)
        if said["code"]:
            raise SideFailed(f"{request} ended with exit code {said['code']}:\n{said['err'][-2000:]}")
        answer = json.loads(said["out"].splitlines()[-1])
        return Measured(answer["seconds"], answer["digest"], answer["notes"])

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


def serve() -> None:
    """Answer each line of standard input by a run in a fork."""
    side: Any = import_module("scripts.benchmarks.audit.side")
    for line in sys.stdin:
        request = json.loads(line)
        if json.loads(request["argument"])["scale"]["workload"] == FOREST:
            import_module("sklearn.ensemble")
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            child = os.fork()
            if child == 0:
                run(side, request, out.fileno(), err.fileno())
            _, status = os.waitpid(child, 0)
            out.seek(0)
            err.seek(0)
            said = {"code": os.waitstatus_to_exitcode(status), "out": out.read(), "err": err.read()}
        print(json.dumps(said), flush=True)


def run(side: Any, request: dict[str, Any], out: int, err: int) -> None:
    """Run a side in the fork, and never come back."""
    code = 1
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        if request["root"] is not None:
            os.environ["RUSTYBT_ROOT"] = request["root"]
        side.main(request["argument"])
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
