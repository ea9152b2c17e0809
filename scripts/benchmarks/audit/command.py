"""What do the audits' command lines have in common?"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rustybt.data.bundles import ingest, load
from scripts.benchmarks.audit.audits import Audit, micro_criteria, production_criteria, run_audit
from scripts.benchmarks.audit.reporting import surroundings, text_of, write
from scripts.benchmarks.audit.workload import Scale

SAMPLE = "mag-7"

PRODUCTION = 100
"""Backtests from which on a run is held to the criterion of production, and is worth a second process."""


def parser_of(name: str, description: str | None) -> argparse.ArgumentParser:
    """Give a parser with the options of every audit."""
    parser = argparse.ArgumentParser(
        prog=name, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", nargs="?", default=SAMPLE, help="the data")
    parser.add_argument("--num-runs", type=int, default=10, help="pairs that count")
    parser.add_argument("--num-assets", type=int, default=8, help="stocks that are traded, the first of the bundle")
    parser.add_argument("--start-date", default="2023-01-01", help="first day of a backtest")
    parser.add_argument("--end-date", default="2023-12-31", help="last day of a backtest")
    parser.add_argument("--num-workers", type=int, help="worker processes; by default 2 from 100 backtests on, else 1")
    parser.add_argument("--leave-one-out", action="store_true", help="time the Optimizer without each layer, too")
    parser.add_argument("--seed", type=int, default=0, help="of the order in which sides run")
    parser.add_argument("--output", type=Path, default=Path("results/audit"), help="folder of the report")
    return parser


@contextmanager
def data_of(bundle: str) -> Iterator[str]:
    """Have the bundle, the sample one in a folder of its own, and give its fingerprint."""
    before = os.environ.get("RUSTYBT_ROOT")
    with tempfile.TemporaryDirectory(prefix="audit-") as root:
        if bundle == SAMPLE:
            os.environ["RUSTYBT_ROOT"] = root
            ingest(SAMPLE, show_progress=False)
        try:
            yield load(bundle).fingerprint
        finally:
            if before is None:
                os.environ.pop("RUSTYBT_ROOT", None)
            else:
                os.environ["RUSTYBT_ROOT"] = before


def workers_for(backtests: int, asked: int | None) -> int:
    """Give the workers of an audit: small runs are not worth a second process."""
    return asked or (2 if backtests >= PRODUCTION else 1)


def tell(text: str) -> None:
    """Say on standard error what is going on."""
    print(f"  {text}", file=sys.stderr, flush=True)


def report(folder: Path, audits: Sequence[Audit], fingerprint: str) -> int:
    """Write and print what was found, and give the exit code: 0 only where every criterion holds."""
    written = write(folder, audits, surroundings(fingerprint))
    for audit in audits:
        print(text_of(audit))
    print(f"written: {', '.join(map(str, written))}")
    return 0 if all(audit.holds for audit in audits) else 1


def audit_alone(name: str, scale: Scale, options: argparse.Namespace) -> int:
    """Run one audit, hold it to the criterion of its scale, and give the exit code."""
    with data_of(options.bundle) as fingerprint:
        audit = run_audit(
            name,
            scale,
            workers=workers_for(scale.total, options.num_workers),
            runs=options.num_runs,
            leaves_out=options.leave_one_out,
            seed=options.seed,
            told=tell,
        )
        audit.criteria = (production_criteria if scale.total >= PRODUCTION else micro_criteria)(audit.gain)
        return report(options.output, [audit], fingerprint)
