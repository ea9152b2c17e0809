"""Does the Optimizer pay over a grid of backtests, against the plain loop that a user would write?

usage: python scripts/benchmarks/audit_grid_search_benchmark.py mag-7 --num-runs 10 --num-backtests 25 --num-assets 8
           --start-date 2023-01-01 --end-date 2023-12-31 [--num-workers N] [--leave-one-out] [--quick] [--output FOLDER]

Both sides run in pairs, in random order and in fresh processes, and must find the same results. The exit code is 0 only
where the criterion of the scale holds: from 100 backtests on that of production, below that of micro scale.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.benchmarks.audit.command import audit_alone, count_of, parser_of
from scripts.benchmarks.audit.workload import Scale


def main(given: Sequence[str] | None = None) -> int:
    """Run the audit."""
    parser = parser_of("audit_grid_search_benchmark.py", __doc__)
    parser.add_argument("--num-backtests", type=count_of, default=25, help="combinations of parameters")
    options = parser.parse_args(given)
    scale = Scale(options.bundle, options.start_date, options.end_date, options.num_assets, options.num_backtests)
    return audit_alone("grid", scale, options)


if __name__ == "__main__":
    sys.exit(main())
