"""Is this commit slower than the one before? A gate for CI, in less than three minutes.

usage: python -m scripts.benchmarks.gate [--base REVISION] [--rounds N] [--only CASE ...]

The base is checked out beside, and runs twice: what its two runs differ by is noise. In each round the three sides take
turns at every case, in random order. A case fails where it is slower than noise and tolerance explain, in two passes
that have nothing in common: `gate_verdict` says how that is judged, `gate_sides` how it is timed. The exit code is 1
where one fails. Where nothing that is timed differs from the base, nothing is run.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from scripts.benchmarks.gate_cases import CASES
from scripts.benchmarks.gate_sides import Side, run_round, run_rounds
from scripts.benchmarks.gate_verdict import AGAIN, BASE, LEAST_ROUNDS, NEW, slower_cases

ROOT: Final = Path(__file__).resolve().parents[2]
TIMED: Final = ("rustybt", "scripts/benchmarks/gate*.py")
"""What makes a difference: the package, and the gate itself."""
ROUNDS: Final = 5


def differs(base: str) -> bool:
    """Say whether what is timed is another than the base's.

    Raises
    ------
    SystemExit
        If the base is no revision of this repository.
    """
    found = subprocess.run(
        ["git", "-C", str(ROOT), "diff", "--quiet", base, "--", *TIMED], capture_output=True, text=True, check=False
    )
    if found.returncode > 1:
        raise SystemExit(f"--base {base} cannot be compared with: {found.stderr.strip()}; name a commit that is here")
    return found.returncode == 1


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


@contextmanager
def sides_of(base: Path) -> Iterator[dict[str, Side]]:
    """Have both trees ready to be timed, each with data and compiled code of its own making."""
    with tempfile.TemporaryDirectory(prefix="gate-") as folder:
        old, new = Side(base, Path(folder) / "base"), Side(ROOT, Path(folder) / "new")
        for side in (old, new):
            side.root.mkdir()
        run_round({BASE: old, NEW: new}, dict.fromkeys(CASES, 1), random.Random(0))
        yield {BASE: old, AGAIN: old, NEW: new}


def main(given: Sequence[str] | None = None) -> int:
    """Run the gate."""
    parser = argparse.ArgumentParser(
        prog="gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default="HEAD~1", help="revision to compare with")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds of a pass, {LEAST_ROUNDS} at least")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), help="cases to run")
    parser.add_argument("--seed", type=int, default=0, help="of the order of sides")
    options = parser.parse_args(given)
    if options.rounds < LEAST_ROUNDS:
        parser.error(f"--rounds {options.rounds}: noise shows in {LEAST_ROUNDS} or more")
    if not differs(options.base):
        print(f"gate: passes: nothing that is timed differs from {options.base}")
        return 0
    began, chance = time.monotonic(), random.Random(options.seed)
    with checked_out(options.base) as base, sides_of(base) as sides:
        failing = slower_cases(
            options.only,
            lambda names: run_rounds(names, options.rounds, sides, chance),
            lambda text: print(text, flush=True),
        )
    verdict = f"FAILS: {', '.join(one.name for one in failing)} slower than {options.base}" if failing else "passes"
    print(f"gate: {verdict}; {time.monotonic() - began:.0f} s")
    return int(bool(failing))


if __name__ == "__main__":
    sys.exit(main())
