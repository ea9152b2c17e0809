"""Is this commit slower than the one before? A gate for CI, in less than three minutes.

usage: python -m scripts.benchmarks.gate [--base REVISION] [--rounds N] [--only CASE ...]

The base is checked out beside, and both trees run the same cases in random order within each round, the base twice:
what its two runs differ by is noise. A case fails where the lower 95% bound of its slowdown is above
both the tolerance and the upper bound of the noise. The exit code is 1 where one fails.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from scripts.benchmarks.audit.paired import PairedTest, paired_test
from scripts.benchmarks.gate_cases import CASES

ROOT: Final = Path(__file__).resolve().parents[2]
SCRIPT: Final = Path(__file__).with_name("gate_cases.py")
TOLERANCE: Final = 1.05
TIMEOUT_S: Final = 120
BASE, AGAIN, NEW = "base", "base again", "new"


class Judged(NamedTuple):
    """What was found of a case: new against base, and base against itself."""

    name: str
    slowdown: PairedTest
    noise: PairedTest

    @property
    def limit(self) -> float:
        """The ratio up to which nothing is said."""
        return max(TOLERANCE, self.noise.high, 1 / self.noise.low)

    @property
    def fails(self) -> bool:
        """Whether it is slower by more than noise and tolerance."""
        return self.slowdown.at_least > self.limit

    def __str__(self) -> str:
        found = self.slowdown
        return (
            f"{self.name}: {found.ratio:.3f} of the base's time (95% interval {found.low:.3f} to {found.high:.3f}), "
            f"limit {self.limit:.3f}: {'SLOWER' if self.fails else 'fine'}"
        )


def judge(name: str, seconds: dict[str, list[float]]) -> Judged:
    """Judge a case by its seconds of each side, one a round."""
    return Judged(name, paired_test(seconds[BASE], seconds[NEW]), paired_test(seconds[BASE], seconds[AGAIN]))


def time_case(tree: Path, name: str) -> float:
    """Time a case of a tree's package, in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), name],
        env={**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"case {name} of {tree} ended with exit code {done.returncode}:\n{done.stderr[-2000:]}")
    return float(json.loads(done.stdout.splitlines()[-1]))


def rounds_of(name: str, rounds: int, timed: dict[str, Callable[[], float]], seed: int) -> dict[str, list[float]]:
    """Run every side once a round, in an order that is drawn anew for each."""
    chance, seconds = random.Random(f"{seed} {name}"), {side: [] for side in timed}
    for _ in range(rounds):
        for side in chance.sample(list(timed), len(timed)):
            seconds[side].append(timed[side]())
    return seconds


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """Have a revision in a folder beside."""
    with tempfile.TemporaryDirectory(prefix="gate-base-") as folder:
        tree = Path(folder) / "tree"
        git = ["git", "-C", str(ROOT)]
        subprocess.run([*git, "worktree", "add", "--detach", "--quiet", str(tree), revision], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "worktree", "remove", "--force", str(tree)], check=True)


def main(given: Sequence[str] | None = None) -> int:
    """Run the gate."""
    parser = argparse.ArgumentParser(
        prog="gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default="HEAD~1", help="revision to compare with")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each case")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), help="cases to run")
    parser.add_argument("--seed", type=int, default=0, help="of the order of sides")
    options = parser.parse_args(given)
    failed = False
    with checked_out(options.base) as base:
        for name in options.only:
            timed = {
                BASE: lambda name=name: time_case(base, name),
                AGAIN: lambda name=name: time_case(base, name),
                NEW: lambda name=name: time_case(ROOT, name),
            }
            judged = judge(name, rounds_of(name, options.rounds, timed, options.seed))
            print(judged, flush=True)
            failed |= judged.fails
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
