"""How does a contender's process answer the bench? A line of JSON for each line of standard input.

It runs under the contender's own interpreter, so it imports the standard library alone. A request is prepared first
(data, scripts), then run and timed, then described: only the middle part counts.
"""

import contextlib
import gc
import json
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any, NamedTuple

STATUS = Path("/proc/self/status")
RESET_PEAK = Path("/proc/self/clear_refs")


class Job(NamedTuple):
    """What is timed, and what is then said of its result."""

    run: Callable[[], Any]
    describe: Callable[[Any], dict[str, Any]]


def memory_mb(name: str) -> float | None:
    """Read this process's VmRSS or VmHWM (its peak), in megabytes; None where the system does not tell."""
    if not STATUS.exists():
        return None
    words = next(line.split() for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(words[1]) / 1024


def reset_peak() -> None:
    """Let the peak be counted from now on; elsewhere than on Linux nothing is counted."""
    with contextlib.suppress(OSError):
        RESET_PEAK.write_text("5")


def timed(job: Job) -> dict[str, Any]:
    """Run a job once."""
    gc.collect()
    reset_peak()
    before, cpu, wall = memory_mb("VmRSS"), time.process_time(), time.perf_counter()
    result = job.run()
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    peak = memory_mb("VmHWM")
    measured = {"seconds": seconds, "cpu_seconds": cpu_seconds, "before_mb": before, "peak_mb": peak}
    return {**measured, **job.describe(result)}


def answer(prepare: Callable[[dict[str, Any]], Job], request: dict[str, Any]) -> dict[str, Any]:
    """Prepare a request and run it; what is raised is the answer's "error"."""
    try:
        return timed(prepare(request))
    except Exception as error:  # the bench prints whatever a contender raises, and goes on with the others
        return failure(error)


@contextlib.contextmanager
def own_output() -> Iterator[IO[str]]:
    """Keep standard output for answers; whatever the packages print goes nowhere."""
    answers = os.fdopen(os.dup(1), "w")
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    yield answers


def serve(load: Callable[[dict[str, Any]], Callable[[dict[str, Any]], Job]]) -> None:
    """Load data once, then answer each line of standard input.

    Parameters
    ----------
    load : callable
        Takes the arguments of the process and gives the function that makes a job of a request. Of the arguments,
        "packages" are the distributions whose versions are told first.
    """
    warnings.simplefilter("ignore")
    with own_output() as answers:
        try:
            arguments = json.loads(sys.argv[1])
            prepare = load(arguments)
            say(answers, about_itself(arguments.get("packages", ())))
        except Exception as error:  # as in `answer`; nothing can be asked of it
            say(answers, failure(error))
            return
        for line in sys.stdin:
            say(answers, answer(prepare, json.loads(line)))


def about_itself(packages: Sequence[str]) -> dict[str, Any]:
    """Give interpreter, versions and memory after loading."""
    python = ".".join(map(str, sys.version_info[:3]))
    versions = {name: version_of(name) for name in packages}
    return {"python": python, "versions": versions, "loaded_mb": memory_mb("VmRSS")}


def version_of(distribution: str) -> str:
    """Give an installed version; a package that is run from its source tree has none."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "from source"


def failure(error: Exception) -> dict[str, Any]:
    """Give what is said instead of figures."""
    return {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}


def say(answers: IO[str], line: dict[str, Any]) -> None:
    """Write one answer."""
    answers.write(json.dumps(line) + "\n")
    answers.flush()
