"""What do the audits' command lines have in common?"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from rustybt.data.bundles import available, ingest, load
from scripts.benchmarks.audit.audits import Audit, micro_criteria, production_criteria, run_audit
from scripts.benchmarks.audit.paired import LEAST_PAIRS
from scripts.benchmarks.audit.reporting import surroundings, text_of, write
from scripts.benchmarks.audit.workload import Scale

SAMPLE = "mag-7"

PRODUCTION = 100
"""Backtests from which on a run is held to the criterion of production, and is worth a second process."""


QUICK_BACKTESTS = 2


def parser_of(name: str, description: str | None) -> argparse.ArgumentParser:
    """Give a parser with the options of every audit."""
    parser = argparse.ArgumentParser(
        prog=name, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", nargs="?", default=SAMPLE, help="the data")
    parser.add_argument("--num-runs", type=pairs_of, default=10, help="pairs that count; 10 at least for a verdict")
    parser.add_argument(
        "--num-assets", type=count_of, default=8, help="stocks that are traded, the first of the bundle"
    )
    parser.add_argument("--start-date", type=day_of, default="2023-01-01", help="first day of a backtest")
    parser.add_argument("--end-date", type=day_of, default="2023-12-31", help="last day of a backtest")
    parser.add_argument(
        "--num-workers", type=count_of, help="worker processes; by default 2 from 100 backtests on, else 1"
    )
    parser.add_argument("--leave-one-out", action="store_true", help="time the Optimizer without each layer, too")
    parser.add_argument("--seed", type=int, default=0, help="of the order in which sides run")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it works, not what it finds")
    folder = Path("results", name.removesuffix(".py"))
    parser.add_argument("--output", type=Path, default=folder, help=f"folder of the report, by default {folder}")
    return parser


def count_of(text: str) -> int:
    """Read a number of things, of which there is at least one."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: it must be a whole number of at least 1")
    return int(text)


def day_of(text: str) -> str:
    """Read a day."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: write a day like 2023-01-31") from None


def pairs_of(text: str) -> int:
    """Read a number of pairs that a test can be made of."""
    if not text.isdecimal() or int(text) < LEAST_PAIRS:
        raise argparse.ArgumentTypeError(f"{text}: a paired test takes at least {LEAST_PAIRS} pairs")
    return int(text)


@contextmanager
def data_of(bundle: str, assets: int) -> Iterator[str]:
    """Have the bundle, the sample one in a folder of its own, and give its fingerprint.

    Raises
    ------
    SystemExit
        If it has fewer assets than are to be traded.
    """
    before = os.environ.get("RUSTYBT_ROOT")
    with tempfile.TemporaryDirectory(prefix="audit-") as root:
        if bundle == SAMPLE:
            os.environ["RUSTYBT_ROOT"] = root
            ingest(SAMPLE, show_progress=False)
        try:
            if bundle not in {one.name for one in available() if one.versions}:
                raise SystemExit(f"bundle {bundle!r} is not ingested: rustybt bundles lists what there is")
            known = len(load(bundle).asset_finder.equities)
            if not 1 <= assets <= known:
                raise SystemExit(f"--num-assets {assets}: bundle {bundle!r} has {known}; ask for 1 to {known}")
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
    if options.quick:
        scale = scale._replace(backtests=QUICK_BACKTESTS, windows=min(scale.windows, QUICK_BACKTESTS))
    workers = workers_for(scale.total, options.num_workers)
    with data_of(options.bundle, options.num_assets) as fingerprint:
        audit = run_audit(
            name,
            scale,
            workers=workers,
            runs=LEAST_PAIRS if options.quick else options.num_runs,
            leaves_out=options.leave_one_out,
            takes_turns=workers == 1 and scale.total < PRODUCTION,
            seed=options.seed,
            told=tell,
        )
        if not options.quick:
            audit.criteria = (production_criteria if scale.total >= PRODUCTION else micro_criteria)(audit.gain)
        return report(options.output, [audit], fingerprint)
