"""Which layers of the Optimizer pay, at micro and at production scale, over grids and walk-forwards?

usage: python scripts/benchmarks/run_full_audit.py [BUNDLE] [--num-runs N] [--quick] [--output FOLDER]

micro          25 backtests in one process, and 5 windows of 5 trials: layers may not cost more than 3%
production     400 backtests of a year on two workers, and 10 windows of 39 trials; at the grid each layer is left out
               in turn

The exit code is 0 only where all criteria hold. --quick shows within two minutes that it works: its verdicts mean
nothing, and its exit code says only that all sides found the same.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.benchmarks.audit.audits import Audit, factor_criterion, micro_criteria, production_criteria, run_audit
from scripts.benchmarks.audit.command import data_of, parser_of, report, tell
from scripts.benchmarks.audit.workload import Scale

QUICK_RUNS = 3


class Planned(NamedTuple):
    """One audit of the whole: its name, backtests, windows, and workers."""

    name: str
    backtests: int
    windows: int
    workers: int
    leaves_out: bool = False


WHOLE = (
    Planned("grid, micro", 25, 0, 1),
    Planned("walk-forward, micro", 5, 5, 1),
    Planned("grid, production", 400, 0, 2, leaves_out=True),
    Planned("walk-forward, production", 39, 10, 2),
)
QUICK = (Planned("grid, micro", 4, 0, 1), Planned("grid, production", 8, 0, 2, leaves_out=True))


def main(given: Sequence[str] | None = None) -> int:
    """Run all audits."""
    parser = parser_of("run_full_audit.py", __doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it works, not what it finds")
    options = parser.parse_args(given)
    audits: list[Audit] = []
    with data_of(options.bundle) as fingerprint:
        for planned in QUICK if options.quick else WHOLE:
            scale = Scale(
                *(options.bundle, options.start_date, options.end_date, options.num_assets),
                *(planned.backtests, planned.windows),
            )
            audit = run_audit(
                planned.name,
                scale,
                workers=planned.workers,
                runs=QUICK_RUNS if options.quick else options.num_runs,
                leaves_out=planned.leaves_out,
                seed=options.seed,
                told=lambda text, name=planned.name: tell(f"{name}: {text}"),  # type: ignore[misc]
            )
            if not options.quick:
                audit.criteria = (micro_criteria if planned.workers == 1 else production_criteria)(audit.gain)
                audit.criteria += [factor_criterion(audit.gain)] * planned.leaves_out
            audits.append(audit)
        return report(options.output, audits, fingerprint)


if __name__ == "__main__":
    sys.exit(main())
