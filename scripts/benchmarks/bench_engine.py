"""How fast is the engine, against Zipline, vectorbt and other backtesters on the same data in the same session?

usage: python -m scripts.benchmarks.bench_engine [--zipline-python PATH] [--vectorbt-python PATH] [--peers-python PATH]
           [--only CASE ...] [--repeats N] [--clock wall|cpu] [--quick] [--markdown] [--json FILE]

Each contender is a process under its own interpreter: PATH is a Python that has zipline-reloaded; vectorbt; or bt,
backtesting, lib-pybroker, backtrader and nautilus_trader. Who has no interpreter is left out, and the report says so.
Imports, data and compilation are outside of what is timed; runs are interleaved, figures are medians over rounds. The
exit code is 0 whether targets are met or missed, and 1 if a case could not be measured.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scripts.benchmarks.bench import Bench, Options
from scripts.benchmarks.bench_data import write_sample
from scripts.benchmarks.cases import CASES
from scripts.benchmarks.contender import ContenderFailed
from scripts.benchmarks.report import CaseReport, json_of, load_average, machine_of, markdown_of, text_of

NOT_JUDGED = "These are tiny sizes: they show that it works, and the verdicts mean nothing."


def arguments_of(given: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="bench_engine",
        description=__doc__.partition("\n")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--zipline-python", type=Path, help="an interpreter with zipline-reloaded")
    parser.add_argument("--vectorbt-python", type=Path, help="an interpreter with vectorbt")
    parser.add_argument(
        "--peers-python", type=Path, help="one with bt, backtesting, lib-pybroker, backtrader, nautilus"
    )
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), help="cases to run; all by default")
    parser.add_argument("--repeats", type=int, default=5, help="rounds that count, after one that does not")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu on a machine that others use too")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it works, not how fast it is")
    parser.add_argument("--markdown", action="store_true", help="print the tables of docs/performance.md at the end")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single run there")
    options = parser.parse_args(given)
    if options.repeats < 1:
        parser.error(f"--repeats {options.repeats}: at least one round has to count")
    return options


def run_cases(names: Sequence[str], options: Options, folder: Path) -> tuple[list[CaseReport], dict[str, str]]:
    """Run cases one after the other, and print each when it is done.

    Parameters
    ----------
    names : sequence of str
        Of `CASES`.
    options : Options
        What takes part, and how often.
    folder : Path
        For data and roots.

    Returns
    -------
    list of CaseReport, dict of str to str
        The reports, and what machine and libraries they are of.
    """
    write_sample(folder)
    load = load_average()
    reports, versions = [], {}
    for name in names:
        with Bench(options, folder) as bench:
            bench.tell(name)
            try:
                report = CASES[name](bench)
            except ContenderFailed as failed:
                report = CaseReport(name, "could not be measured", failure=str(failed))
        report.notes += bench.left_out + [NOT_JUDGED] * options.quick
        versions |= bench.versions
        print(text_of(report), flush=True)
        reports.append(report)
    rounds = 1 if options.quick else options.repeats
    how = f"{options.clock} clock, {rounds} rounds, load average {load} before and {load_average()} after"
    return reports, machine_of(versions, how)


def main(given: Sequence[str] | None = None) -> None:
    """Run the bench."""
    asked = arguments_of(given)
    options = Options(
        asked.zipline_python, asked.vectorbt_python, asked.peers_python, asked.repeats, asked.quick, asked.clock
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        reports, machine = run_cases(asked.only, options, Path(folder))
    print(f"{machine['machine']}; {machine['python']}; {machine['how']}; {machine['libraries']}")
    if asked.markdown:
        print(markdown_of(reports, machine))
    if asked.json:
        asked.json.write_text(json.dumps(json_of(reports, machine), indent=1) + "\n")
    if any(report.failure for report in reports):
        sys.exit(1)


if __name__ == "__main__":
    main()
