"""What does it bring that workers are forked from a process which has mapped the bundle?

usage: python scripts/benchmarks/benchmark_phase6b_shared_bundle_fork.py [BUNDLE] [--num-runs N] [--num-backtests N]
           [--num-workers N] [--output FOLDER]

Three ways to start a pool, in pairs and in random order: forked with the bundle, forked without it, and spawned. The
time is that of a short run on a cold pool, from the start of the pool to the last trial; the memory is the workers' PSS
at its end. The exit code is 0 where forked workers with the bundle start faster than spawned ones, by the one-tailed
paired t-test.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.benchmarks.audit.audits import Audit, Criterion
from scripts.benchmarks.audit.command import data_of, parser_of, report, tell
from scripts.benchmarks.audit.paired import ALPHA, holm, paired_test
from scripts.benchmarks.audit.pairs import Measured, run_pairs
from scripts.benchmarks.audit.sides import pool_side
from scripts.benchmarks.audit.workload import Scale

SHARED, APART, SPAWNED = "forked with the bundle", "forked without it", "spawned"
MB = 1e6


def main(given: Sequence[str] | None = None) -> int:
    """Run the audit."""
    parser = parser_of("benchmark_phase6b_shared_bundle_fork.py", __doc__)
    parser.add_argument("--num-backtests", type=int, default=8, help="combinations of parameters")
    options = parser.parse_args(given)
    scale = Scale(options.bundle, options.start_date, options.end_date, options.num_assets, options.num_backtests)
    workers = options.num_workers or 2
    sides = {
        SHARED: pool_side(scale, workers, "fork", shared_bundle="on"),
        APART: pool_side(scale, workers, "fork", shared_bundle="off"),
        SPAWNED: pool_side(scale, workers, "spawn", shared_bundle="on"),
    }
    with data_of(options.bundle) as fingerprint:
        found = run_pairs(sides, options.num_runs, options.seed, tell)
        for name, measured in found.items():
            print(f"{name}: {median_memory(measured) / MB:,.0f} MB of PSS, {workers} workers")
        return report(options.output, [judged(scale, workers, found)], fingerprint)


def median_memory(measured: Sequence[Measured]) -> float:
    """Give the median PSS of all workers at the end of a run, in bytes."""
    return float(median(one.notes["memory"]["pss"] for one in measured))  # type: ignore[index]


def judged(scale: Scale, workers: int, found: dict[str, list[Measured]]) -> Audit:
    """Test forked workers with the bundle against both other ways."""
    seconds = {name: [one.seconds for one in measured] for name, measured in found.items()}
    layers = {"the bundle before the fork": paired_test(seconds[APART], seconds[SHARED])}
    gain = paired_test(seconds[SPAWNED], seconds[SHARED])
    text = f"forked workers with the bundle start faster than spawned ones: p below {ALPHA}"
    return Audit(
        name="shared bundle and fork",
        scale=scale,
        workers=workers,
        seconds=seconds,
        gain=gain,
        layers=layers,
        adjusted=holm({name: test.p for name, test in layers.items()}),
        criteria=[Criterion(text, gain.p, gain.p < ALPHA)],
        words="forked with the bundle against spawned",
        notes={name: measured[-1].notes for name, measured in found.items()},
    )


if __name__ == "__main__":
    sys.exit(main())
