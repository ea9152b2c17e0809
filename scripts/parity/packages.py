"""How does one interpreter ask another what a package answers? A process that stays, one line for each algorithm."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.parity.generate import Case

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "rustybt" / "data" / "bundles" / "mag7.parquet"
TIMEOUT_S = 120.0


@contextlib.contextmanager
def with_mag7(data: Path) -> Iterator[Path]:
    """Give a folder of csvdirs that has mag7 too, written from the package's Parquet file where it is missing."""
    if (data / "mag7").is_dir():
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="parity-data-") as name:
        folder = Path(name)
        for entry in data.iterdir():
            (folder / entry.name).symlink_to(entry.resolve())
        daily = folder / "mag7" / "daily"
        daily.mkdir(parents=True)
        for symbol, rows in pd.read_parquet(SAMPLE).groupby("symbol"):
            rows.drop(columns="symbol").to_csv(daily / f"{symbol}.csv", index=False)
        yield folder


class Package:
    """A package's worker process, started when first asked and again after it dies.

    Parameters
    ----------
    name : {"zipline", "rustybt"}
        The package.
    python : Path
        Its interpreter.
    data : Path
        The folder of the csvdirs.
    """

    def __init__(self, name: str, python: Path, data: Path) -> None:
        self.name = name
        self._command = [str(python), "-X", "faulthandler", "-m", "scripts.parity.run_one", name, str(data.resolve())]
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""

    def __enter__(self) -> "Package":
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.stop()

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()  # standard input closes, the worker cleans up and ends
            self._process = None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._rest = b""
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        return self._process

    def _line(self, process: subprocess.Popen[bytes]) -> bytes:
        """Read an answer's line; empty when the process ended or took too long."""
        assert process.stdout is not None
        while b"\n" not in self._rest:
            ready, _, _ = select.select([process.stdout], [], [], TIMEOUT_S)
            if not ready:
                process.send_signal(signal.SIGABRT)  # its traceback goes to standard error
            chunk = os.read(process.stdout.fileno(), 1 << 20) if ready else b""
            if not chunk:
                return b""
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def answer(self, case: Case) -> dict[str, Any]:
        """Run a case.

        Parameters
        ----------
        case : Case
            The algorithm.

        Returns
        -------
        dict
            What `run_one` gives; an "error" of its own kind if the process died or hung.
        """
        process = self._started()
        assert process.stdin is not None
        process.stdin.write(json.dumps({"bundle": case.bundle, "source": case.source}).encode() + b"\n")
        process.stdin.flush()
        line = self._line(process)
        if not line:
            self.stop()
            message = f"the process of {self.name} ended, or took longer than {TIMEOUT_S:g} s"
            return {"error": "NoAnswer", "kinds": ["NoAnswer"], "message": message, "log": [], "seconds": TIMEOUT_S}
        answer: dict[str, Any] = json.loads(line)
        return answer


def this_project(data: Path) -> Package:
    """Give this project's worker, under this interpreter."""
    return Package("rustybt", Path(sys.executable), data)
