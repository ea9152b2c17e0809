"""Runs benches and audits, one after the other, and tells what each found.

usage: python scripts/benchmarks/run.py [--only NAME ...] [--stress] [--quick] [--report] [--output FOLDER]
           [--zipline-python PATH]

Without --only all benches run, which takes hours; --quick runs each with tiny sizes, whose figures mean nothing.
--stress runs the stress part instead: 100 strategies on one pool, wide bundles, caches under load, long runs whose
memory must stay flat. --report writes what every bench printed into benches.md and benches.html. Each audit writes its
report into a folder of its name below that of --output. The exit code is 0 only where each one's is.
"""

import argparse
import html
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.benchmarks.report import load_average, machine_of

ROOT: Final = Path(__file__).resolve().parents[2]


class Bench(NamedTuple):
    """One bench, and which options of this runner it takes.

    Attributes
    ----------
    module : str
        Whose command line it is.
    quick : tuple of str
        The options with which it only shows that it works.
    writes : bool
        Whether it takes --output, a folder.
    runs_zipline : bool
        Whether it takes --zipline-python.
    """

    module: str
    quick: tuple[str, ...] = ("--quick",)
    writes: bool = False
    runs_zipline: bool = False

    def options(self, name: str, output: Path, quick: bool, zipline_python: Path | None) -> list[str]:
        """Give the options of a run."""
        given = list(self.quick) if quick else []
        if self.writes:
            given += ["--output", str(output / name)]
        if self.runs_zipline and zipline_python is not None:
            given += ["--zipline-python", str(zipline_python)]
        return given


BENCHES: Final = {
    "engine": Bench("scripts.benchmarks.bench_engine", runs_zipline=True),
    "layers": Bench("scripts.benchmarks.bench_layers"),
    "pipeline": Bench("scripts.benchmarks.bench_pipeline", runs_zipline=True),
    "optimizer": Bench("scripts.benchmarks.bench_optimizer"),
    "searches": Bench("scripts.benchmarks.bench_searches", quick=("--seeds", "7")),
    "bohb": Bench("scripts.benchmarks.bench_bohb", quick=("--seeds", "10", "--trials", "400")),
    "bohb-audit": Bench("scripts.benchmarks.benchmark_phase6b_bohb", writes=True),
    "predictions": Bench(
        "scripts.benchmarks.bench_predictions", quick=("--seconds-per-call", "0", "--prefixes", "3:6")
    ),
    "audit": Bench("scripts.benchmarks.run_full_audit", writes=True, runs_zipline=True),
    "audit-grid": Bench("scripts.benchmarks.audit_grid_search_benchmark", writes=True),
    "audit-walk-forward": Bench("scripts.benchmarks.audit_walk_forward_benchmark", writes=True),
    "shared-bundle": Bench("scripts.benchmarks.benchmark_phase6b_shared_bundle_fork", writes=True),
    "gate": Bench("scripts.benchmarks.gate", quick=("--rounds", "3", "--only", "search")),
}
"""By name."""

STRESS: Final = {"stress": Bench("scripts.benchmarks.stress")}


class Ran(NamedTuple):
    """What came of one bench."""

    name: str
    code: int
    seconds: float
    output: str


def run_one(name: str, module: str, options: Sequence[str]) -> Ran:
    """Run a bench in a process of its own, and show what it prints as it comes."""
    print(f"== {name}", flush=True)
    began, lines = time.monotonic(), []
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", module, *options]
    with subprocess.Popen(
        command, cwd=Path.cwd(), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return Ran(name, process.returncode, time.monotonic() - began, "".join(lines))


def markdown_of(ran: Sequence[Ran], load_before: str) -> str:
    """Write what the benches printed as Markdown."""
    machine = machine_of({}, f"load average {load_before} before and {load_average()} after")
    lines = ["# Benches", "", f"{machine['machine']}; {machine['python']}; {machine['how']}", ""]
    lines += ["| Bench | Exit code | Seconds |", "|---|---|---|"]
    lines += [f"| {one.name} | {one.code} | {one.seconds:,.0f} |" for one in ran]
    for one in ran:
        lines += ["", f"## {one.name}", "", "```text", one.output.rstrip(), "```"]
    return "\n".join(lines) + "\n"


def html_of(ran: Sequence[Ran], load_before: str) -> str:
    """Write the same as a page that needs nothing else."""
    machine = machine_of({}, f"load average {load_before} before and {load_average()} after")
    rows = "".join(f"<tr><td>{one.name}</td><td>{one.code}</td><td>{one.seconds:,.0f}</td></tr>" for one in ran)
    parts = "".join(f"<h2>{one.name}</h2><pre>{html.escape(one.output)}</pre>" for one in ran)
    about = html.escape(f"{machine['machine']}; {machine['python']}; {machine['how']}")
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Benches</title>"
        "<style>body{font:14px sans-serif;margin:2em}pre{background:#f4f4f4;padding:1em;overflow:auto}"
        "td,th{padding:.2em 1em;text-align:left}</style>"
        f"<h1>Benches</h1><p>{about}</p><table><tr><th>Bench</th><th>Exit code</th><th>Seconds</th></tr>{rows}</table>"
        f"{parts}</html>\n"
    )


def main(given: Sequence[str] | None = None) -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        prog="run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=[*BENCHES, *STRESS], help="benches to run")
    parser.add_argument("--stress", action="store_true", help="run the stress part")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it works")
    parser.add_argument("--report", action="store_true", help="write benches.md and benches.html")
    parser.add_argument("--output", type=Path, default=Path("results/benches"), help="folder of the reports")
    parser.add_argument("--zipline-python", type=Path, metavar="PATH", help="an interpreter that has zipline-reloaded")
    options = parser.parse_args(given)
    known = {**BENCHES, **STRESS}
    names = options.only or list(STRESS if options.stress else BENCHES)
    before = load_average()
    ran = []
    for name in names:
        bench_options = known[name].options(name, options.output, options.quick, options.zipline_python)
        ran.append(run_one(name, known[name].module, bench_options))
    if options.report:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "benches.md").write_text(markdown_of(ran, before))
        (options.output / "benches.html").write_text(html_of(ran, before))
        print(f"written: {options.output / 'benches.md'}, {options.output / 'benches.html'}")
    for one in ran:
        print(f"{one.name}: exit code {one.code}, {one.seconds:,.0f} s")
    return int(any(one.code for one in ran))


if __name__ == "__main__":
    sys.exit(main())
