"""What does the optimizer cost, beyond the backtests that it runs?

usage: python -m scripts.benchmarks.bench_optimizer [--only CASE ...] [--repeats N] [--quick] [--json FILE]

overhead     microseconds a trial beyond the simulation, for grid and random; the share of TPE's sampler
efficiency   two workers against two plain processes
latency      from run() to the first trial, on a warm pool and a cold one
memory       PSS of eight workers that read all of a bundle of 1 GB
fresh        2,000 event-tier backtests against a fresh process each

What is compared runs in turns; figures are medians over rounds. The exit code is 0 whether targets are met or missed.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rustybt.data.bundles import ingest
from scripts.benchmarks.optimizer import CASES
from scripts.benchmarks.report import json_of, load_average, machine_of, text_of


def arguments_of(given: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="bench_optimizer", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), help="cases to run; all by default")
    parser.add_argument("--repeats", type=int, default=5, help="rounds that count")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it works, not what it costs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Run the bench."""
    options = arguments_of(given)
    with tempfile.TemporaryDirectory(prefix="bench-") as root:
        os.environ["RUSTYBT_ROOT"] = root
        ingest("mag-7")
        before, reports = load_average(), []
        for name in options.only:
            report = CASES[name](options.quick, 1 if options.quick else options.repeats)
            if options.quick:
                report.notes.append("These are tiny sizes: they show that it works, and the verdicts mean nothing.")
            print(text_of(report), flush=True)
            reports.append(report)
    machine = machine_of({}, f"{options.repeats} rounds, load average {before} before and {load_average()} after")
    print(f"{machine['machine']}; {machine['python']}; {machine['how']}")
    if options.json:
        options.json.write_text(json.dumps(json_of(reports, machine), indent=1) + "\n")


if __name__ == "__main__":
    main()
