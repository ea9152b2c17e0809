"""Does the Optimizer pay over a walk-forward, against the plain loops over windows and parameters?

usage: python scripts/benchmarks/audit_walk_forward_benchmark.py mag-7 --num-runs 10 --num-windows 5
           --trials-per-window 5 --num-assets 8 --start-date 2023-01-01 --end-date 2023-12-31 [--num-workers N]
           [--leave-one-out] [--quick] [--output FOLDER]

Both sides run in pairs, in random order and in fresh processes, and must find the same results: every trial of every
window, the parameters that were best, and how these did in the sessions after. The exit code is 0 only where the
criterion of the scale holds: from 100 backtests on that of production, below that of micro scale.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.benchmarks.audit.command import audit_alone, count_of, parser_of
from scripts.benchmarks.audit.workload import Scale


def main(given: Sequence[str] | None = None) -> int:
    """Run the audit."""
    parser = parser_of("audit_walk_forward_benchmark.py", __doc__)
    parser.add_argument("--num-windows", type=count_of, default=5, help="windows, one after the other")
    parser.add_argument("--trials-per-window", type=count_of, default=5, help="combinations of parameters in each")
    options = parser.parse_args(given)
    scale = Scale(
        options.bundle,
        options.start_date,
        options.end_date,
        options.num_assets,
        options.trials_per_window,
        options.num_windows,
    )
    return audit_alone("walk-forward", scale, options)


if __name__ == "__main__":
    sys.exit(main())
