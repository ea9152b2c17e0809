"""Run random algorithms under Zipline and under this project, and say where the answers differ.

usage: fuzz.py --seeds 0:300 --zipline-python PATH     compare; exit code 1 when any seed differs
       fuzz.py --show 17                               print the algorithm of a seed
       fuzz.py --seeds 17 --narrow --zipline-python P  leave parts out of a differing algorithm while it differs
       fuzz.py --seeds 0:150 --write-golden DIR --zipline-python PATH    keep what Zipline answers
       fuzz.py [--seeds 0:20] --check-golden DIR       compare with what was kept; needs no Zipline
       fuzz.py ... --without controls batch            leave parts out, by name or family (`minute`: daily runs only)

From a seed comes a legal algorithm as source (orders of all styles and units, cancels, schedules, reads of all kinds,
cost models, controls) over the synthetic data of tests/golden/data. PATH is a Python that has zipline-reloaded 3.2.1.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from scripts.parity import golden  # noqa: E402
from scripts.parity.compare import differences  # noqa: E402
from scripts.parity.generate import Case, generate  # noqa: E402
from scripts.parity.narrow import narrowed  # noqa: E402
from scripts.parity.packages import Package, this_project, with_mag7  # noqa: E402

SHOWN = 6  # differences a seed


def seeds_of(text: str) -> range:
    """Read `A:B` (B excluded) or a single seed."""
    first, colon, last = text.partition(":")
    return range(int(first), int(last) if colon else int(first) + 1)


def report(case: Case, lines: list[str], seconds: float, zipline_seconds: float | None = None) -> bool:
    """Print a case's line and its first differences; whether it is the same."""
    against = f", Zipline {zipline_seconds:.2f} s" if zipline_seconds is not None else ""
    print(
        f"{'DIFFER' if lines else 'same  '} {case.seed} {case.bundle} {seconds:.2f} s{against} [{' '.join(case.parts)}]"
    )
    for line in lines[:SHOWN]:
        print("      ", line)
    sys.stdout.flush()
    return not lines


def summary(results: Iterable[bool]) -> int:
    """Run all comparisons, print the count, and give the exit code."""
    began = time.perf_counter()
    outcomes = list(results)
    print(f"{sum(outcomes)} of {len(outcomes)} seeds the same, {time.perf_counter() - began:.0f} s")
    return int(not outcomes or not all(outcomes))


def compare(cases: Iterable[Case], zipline: Package, project: Package, narrow: bool) -> Iterator[bool]:
    """Run each case under both packages."""
    for case in cases:
        want, got = zipline.answer(case), project.answer(case)
        lines = differences(want, got)
        yield report(case, lines, got["seconds"], want["seconds"])
        if lines and narrow:
            smallest, remaining = narrowed(case, zipline, project)
            print(smallest.source)
            report(smallest, remaining, 0.0)


def check(paths: Iterable[Path], project: Package) -> Iterator[bool]:
    """Run each golden case under this project."""
    for path in paths:
        kept = golden.read(path)
        case = golden.case_of(kept)
        got = project.answer(case)
        yield report(case, golden.golden_differences(kept, got), got["seconds"])


def write(folder: Path, cases: Iterable[Case], zipline: Package) -> int:
    """Keep what Zipline answers."""
    total = 0
    for case in cases:
        answer = zipline.answer(case)
        if answer.get("error") == "NoAnswer":
            print(f"{case.seed}: {answer['message']}", file=sys.stderr)
            return 1
        size = golden.write(folder, case, answer)
        total += size
        print(f"{case.seed} {case.bundle} {answer['seconds']:.2f} s {size} bytes {answer.get('error', '')}", flush=True)
    print(f"{total} bytes")
    return 0


def arguments() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds_of, help="A:B, or a single one")
    parser.add_argument("--zipline-python", type=Path, metavar="PATH", help="an interpreter that has Zipline")
    parser.add_argument(
        "--data", type=Path, default=ROOT / "tests" / "golden" / "data", help="the folder of the csvdirs"
    )
    parser.add_argument("--without", nargs="+", default=[], metavar="PART", help="parts to leave out of the algorithms")
    parser.add_argument("--narrow", action="store_true", help="leave parts out of each differing case while it differs")
    task = parser.add_mutually_exclusive_group()
    task.add_argument("--show", type=int, metavar="SEED", help="print the algorithm")
    task.add_argument("--write-golden", type=Path, metavar="DIR")
    task.add_argument("--check-golden", type=Path, metavar="DIR")
    return parser


def main() -> int:
    parser = arguments()
    args = parser.parse_args()
    if args.show is not None:
        print(generate(args.show, args.without).source)
        return 0
    if args.check_golden:
        wanted = sorted(args.check_golden.glob("*.json.gz"))
        if args.seeds is not None:
            wanted = [path for path in wanted if int(path.name.partition(".")[0]) in args.seeds]
        with with_mag7(args.data) as data, this_project(data) as project:
            return summary(check(wanted, project))
    if args.seeds is None or args.zipline_python is None:
        parser.error("--seeds and --zipline-python are needed to compare and to write golden files")
    cases = (generate(seed, args.without) for seed in args.seeds)
    with ExitStack() as stack:
        data = stack.enter_context(with_mag7(args.data))
        zipline = stack.enter_context(Package("zipline", args.zipline_python, data))
        if args.write_golden:
            return write(args.write_golden, cases, zipline)
        return summary(compare(cases, zipline, stack.enter_context(this_project(data)), args.narrow))


if __name__ == "__main__":
    sys.exit(main())
