"""How does the bench ask a contender? Its process stays alive between requests, so that runs can be interleaved."""

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 900.0
ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "NUMBA", "NUMEXPR", "RAYON", "POLARS")


class ContenderFailed(RuntimeError):
    """A contender could not start or run what it was asked.

    Parameters
    ----------
    message : str
        Why.
    is_own : bool
        Whether it is this project: without it there is nothing to compare.
    """

    def __init__(self, message: str, is_own: bool = False) -> None:
        super().__init__(message)
        self.is_own = is_own


class Contender:
    """A process that runs what it is asked under its own interpreter, on one thread.

    Parameters
    ----------
    name : str
        As tables show it.
    python : Path
        Its interpreter.
    module : str
        Its module in scripts/benchmarks/contenders.
    arguments : dict
        What its `load` gets.
    """

    def __init__(self, name: str, python: Path, module: str, arguments: dict[str, Any]) -> None:
        self.name = name
        self._is_own = python == Path(sys.executable)
        command = [str(python), "-m", f"scripts.benchmarks.contenders.{module}", json.dumps(arguments)]
        threads = {f"{library}_NUM_THREADS": "1" for library in ONE_THREAD} | {"POLARS_MAX_THREADS": "1"}
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **threads, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._about: dict[str, Any] | None = None

    @property
    def about(self) -> dict[str, Any]:
        """Its interpreter, its libraries' versions, and its memory after loading; waits until it is ready."""
        if self._about is None:
            self._about = self._line()
        return self._about

    def ask(self, **request: Any) -> dict[str, Any]:
        """Let it run something once.

        Returns
        -------
        dict
            "seconds", "cpu_seconds", "before_mb", "peak_mb", and what the contender says of the result.

        Raises
        ------
        ContenderFailed
            If it raised, or its process ended.
        """
        assert self.about and self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], TIMEOUT_S)
        if not ready:
            self._process.kill()
            raise ContenderFailed(f"{self.name}: it took longer than {TIMEOUT_S:g} s", self._is_own)
        line = self._process.stdout.readline()
        if not line:
            raise ContenderFailed(f"{self.name}: its process ended with exit code {self._process.wait()}", self._is_own)
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            raise ContenderFailed(f"{self.name}: {said['error']}\n{said['traceback']}", self._is_own)
        return said

    def stop(self) -> None:
        """End the process."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
