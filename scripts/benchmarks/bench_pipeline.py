"""How much faster is a pipeline than Zipline's, on the same bars, and how much memory does it take?

usage: python -m scripts.benchmarks.bench_pipeline [--zipline-python PATH] [--assets N] [--sessions N] [--repeats N]
           [--quick] [--json FILE]

Five factors, a screen of the liquid half and a rank, over 3,000 assets and 1,260 sessions after those that the windows
need. Both run the same text, in which the word zipline is replaced, over bundles that the same ingest function makes;
ingesting is not timed. PATH is a Python that has zipline-reloaded; without it this project runs alone.

Every run is the first of a process of its own, on one thread: the bundle is opened and nothing is kept from an earlier
run, but kernels are compiled and the bundle's arrays are made, by a run that does not count. Runs take turns; imports
are not timed. Memory is the peak of such a process during its run. Every pair of results must be equal: the same rows,
the same columns, and values that differ by no more than 1e-9 of them. The exit code is 0 only if they are.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from rustybt.calendars import session_table
from scripts.benchmarks.contender import Contender
from scripts.benchmarks.measuring import Answer, Figure, interleave, seconds_of, times_faster
from scripts.benchmarks.pipeline_data import write_universe
from scripts.benchmarks.report import CaseReport, Row, json_of, load_average, machine_of, number, text_of

BEFORE: Final = 260
"""Sessions before the first that is computed: the longest window takes 253, and one more is the bar before."""

FIRST: Final = pd.Timestamp("2010-01-04")
TIMES_FASTER: Final = 5.0
MOST_MB: Final = 2048.0
TOLERANCE: Final = 1e-9
QUICK: Final = {"assets": 40, "sessions": 30, "repeats": 1}


class Side(NamedTuple):
    """A package under its interpreter, and the root that its bundle is in."""

    name: str
    package: str
    python: Path
    root: Path

    def start(self, source: Path | None = None) -> Contender:
        """Start a process, which first ingests a universe where one is given."""
        packages = ["zipline-reloaded" if self.package == "zipline" else self.package, "numpy", "pandas"]
        arguments = {"package": self.package, "root": str(self.root), "packages": packages}
        return Contender(self.name, self.python, "on_pipelines", {**arguments, "source": source and str(source)})


def universe(path: Path, n_assets: int, n_sessions: int) -> dict[str, str]:
    """Write a universe, and give the first and the last session that are computed."""
    table = session_table("XNYS", FIRST, FIRST + pd.Timedelta(days=2 * (BEFORE + n_sessions) + 30))
    sessions = pd.DatetimeIndex(table.session_ns.view("datetime64[ns]"))[: BEFORE + n_sessions]
    write_universe(path, sessions, n_assets)
    return {"start": str(sessions[BEFORE].date()), "end": str(sessions[-1].date())}


def ingest_and_compile(side: Side, source: Path, span: dict[str, str], output: Path) -> dict[str, str]:
    """Let a process ingest, make the bundle's arrays and compile what a run needs; give its libraries' versions."""
    contender = side.start(source)
    try:
        contender.ask(**span, output=str(output))
        return {f"{name} ({side.name})": version for name, version in contender.about["versions"].items()}
    finally:
        contender.stop()


def run_once(side: Side, span: dict[str, str], output: Path) -> Answer:
    """Run the pipeline in a process of its own."""
    contender = side.start()
    try:
        return {**contender.ask(**span, output=str(output)), "output": str(output)}
    finally:
        contender.stop()


def difference(mine: Path, theirs: Path) -> float:
    """Give by how much values of two results differ, as a share of them; infinity if rows, columns or gaps do.

    Parameters
    ----------
    mine, theirs : Path
        As `contenders.on_pipelines.write_frame` writes frames.
    """
    most = 0.0
    with np.load(mine) as own, np.load(theirs) as other:
        if own.files != other.files or any(not np.array_equal(own[name], other[name]) for name in ("days", "sids")):
            return np.inf
        for name in own.files[2:]:
            a, b = own[name].astype(np.float64), other[name].astype(np.float64)
            if not np.array_equal(np.isfinite(a), np.isfinite(b)) or not np.array_equal(
                a[~np.isfinite(a)], b[~np.isfinite(b)], equal_nan=True
            ):
                return np.inf
            there = np.isfinite(a) & (a != b)
            gaps = np.abs(a[there] - b[there]) / np.maximum(np.abs(b[there]), np.finfo(np.float64).tiny)
            most = max(most, float(gaps.max(initial=0.0)))
    return most


def measure(sides: Sequence[Side], options: argparse.Namespace, folder: Path) -> tuple[CaseReport, dict[str, str]]:
    """Run all sides in turns, and give what they come to with their libraries' versions."""
    source = folder / "universe.npz"
    span = universe(source, options.assets, options.sessions)
    versions: dict[str, str] = {}
    for side in sides:
        tell(f"{side.name} ingests and compiles")
        versions |= ingest_and_compile(side, source, span, folder / f"{side.package}.npz")
    source.unlink()
    runs = {side.name: lambda side=side: run_once(side, span, folder / f"{side.package}.npz") for side in sides}
    gaps: list[float] = []

    def compared() -> Answer:
        answer = runs[sides[-1].name]()
        gaps.append(difference(*(folder / f"{side.package}.npz" for side in sides)))
        return answer

    turns = {**runs, sides[-1].name: compared} if len(sides) == 2 else runs
    answers = interleave(turns, options.repeats, 0, tell)
    size = f"{options.assets:,} assets, {options.sessions:,} sessions, {next(iter(answers.values()))[0]['rows']:,} rows"
    case = CaseReport("pipeline", f"five factors, a screen and a rank; {size}")
    case.figures += figures_of([answers[side.name] for side in sides], gaps)
    for side in sides:
        got = answers[side.name]
        seconds = seconds_of(got, "wall")
        each = f"each run: {', '.join(map(number, seconds))} s"
        case.rows.append(Row(side.name, seconds, None, median(one["peak_mb"] or np.nan for one in got), each))
    return case, versions


def figures_of(answers: Sequence[Sequence[Answer]], gaps: Sequence[float]) -> list[Figure]:
    """Give ratio, memory and difference: of this project's runs, and of Zipline's where it ran."""
    own, *others = answers
    memory = Figure("peak memory", max(one["peak_mb"] or np.nan for one in own), "MB", at_most=MOST_MB)
    if not others:
        return [memory]
    ratio, cpu = (times_faster(seconds_of(others[0], clock), seconds_of(own, clock)) for clock in ("wall", "cpu"))
    return [
        Figure("against Zipline", ratio, "times", at_least=TIMES_FASTER, note=f"{number(cpu)} times by processor time"),
        memory,
        Figure("values: apart from Zipline's", max(gaps), "of them", at_most=TOLERANCE, note="in all pairs of runs"),
    ]


def tell(text: str) -> None:
    """Say on standard error what is going on."""
    print(f"  {text}", file=sys.stderr, flush=True)


def arguments_of(given: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="bench_pipeline", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--zipline-python", type=Path, metavar="PATH", help="an interpreter with zipline-reloaded")
    parser.add_argument("--assets", type=int, default=3_000, metavar="N", help="of the universe")
    parser.add_argument("--sessions", type=int, default=1_260, metavar="N", help="that are computed")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="runs of each side that count")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it works, not how fast it is")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single run there")
    options = parser.parse_args(given)
    for name, least in (("assets", 10), ("sessions", 1), ("repeats", 1)):
        if getattr(options, name) < least:
            parser.error(f"--{name} {getattr(options, name)}: give {least} or more")
    if options.quick:
        vars(options).update(QUICK)
    return options


def main(given: Sequence[str] | None = None) -> int:
    """Measure, print, and say by the exit code whether both sides gave the same."""
    options = arguments_of(given)
    before = load_average()
    with TemporaryDirectory(prefix="bench-pipeline-") as folder:
        sides = [Side("rustybt", "rustybt", Path(sys.executable), Path(folder, "rustybt"))]
        if options.zipline_python is not None:
            sides.append(Side("Zipline", "zipline", options.zipline_python, Path(folder, "zipline")))
        for side in sides:
            side.root.mkdir()
        case, versions = measure(sides, options, Path(folder))
    if len(sides) == 1:
        case.notes.append("Zipline is left out: no interpreter was given.")
    if options.quick:
        case.notes.append("These are tiny sizes: they show that it works, and the verdicts mean nothing.")
    machine = machine_of(versions, f"{options.repeats} rounds, load average {before} before and {load_average()} after")
    print(text_of(case))
    print(f"{machine['machine']}; {machine['python']}; {machine['how']}; {machine['libraries']}")
    if options.json is not None:
        options.json.write_text(json.dumps(json_of([case], machine), indent=1) + "\n", encoding="utf-8")
    return int(any(figure.unit == "of them" and figure.verdict != "met" for figure in case.figures))


if __name__ == "__main__":
    raise SystemExit(main())
