"""What does it bring that workers are forked from a process which has mapped the bundle?

usage: python scripts/benchmarks/benchmark_phase6b_shared_bundle_fork.py [BUNDLE] [--num-runs N] [--num-backtests N]
           [--num-workers N] [--output FOLDER]

Three ways to start a pool, in pairs and in random order: forked with the bundle, forked without it, and spawned. The
time is that of a short run on a cold pool, from the start of its processes to the last trial; the memory is the PSS, at
its end, of the workers and of the process that they are forks of. A pool's first run waits for that process too, which
later runs and workers that follow others do not. The exit code is 0 where forked workers with the bundle take less
memory than spawned ones in every pair, and are not slower by more than 3%, as the upper 95% bound says.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.benchmarks.audit.audits import MICRO_RATIO, Audit, Criterion, pairs_criterion
from scripts.benchmarks.audit.command import data_of, parser_of, report, tell
from scripts.benchmarks.audit.paired import LEAST_PAIRS, PairedTest, paired_test
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
    with data_of(options.bundle, options.num_assets) as fingerprint:
        found = run_pairs(sides, LEAST_PAIRS if options.quick else options.num_runs, options.seed, tell)
        for name, measured in found.items():
            print(f"{name}: {median(map(memory, measured)) / MB:,.0f} MB of PSS, {workers} workers")
        audit = judged(scale, workers, found)
        if not options.quick:
            audit.criteria = criteria_of(audit.gain, found)
        return report(options.output, [audit], fingerprint)


def memory(measured: Measured) -> float:
    """Give the PSS of all processes at the end of a run, in bytes."""
    return float(measured.notes["memory"]["pss"])  # type: ignore[index]


def criteria_of(gain: PairedTest, found: dict[str, list[Measured]]) -> list[Criterion]:
    """Hold forked workers to what they are for."""
    less = [memory(forked) / memory(spawned) for forked, spawned in zip(found[SHARED], found[SPAWNED], strict=True)]
    return [
        pairs_criterion(gain),
        Criterion("forked workers with the bundle take less memory than spawned ones", max(less), max(less) < 1),
        Criterion(
            f"their start takes at most {MICRO_RATIO} of the time, as the upper 95% bound says",
            gain.at_most,
            gain.at_most <= MICRO_RATIO,
        ),
    ]


def judged(scale: Scale, workers: int, found: dict[str, list[Measured]]) -> Audit:
    """Test forked workers with the bundle against both other ways."""
    seconds = {name: [one.seconds for one in measured] for name, measured in found.items()}
    return Audit(
        name="shared bundle and fork",
        scale=scale,
        workers=workers,
        seconds=seconds,
        gain=paired_test(seconds[SPAWNED], seconds[SHARED]),
        layers={"the bundle before the fork": paired_test(seconds[APART], seconds[SHARED])},
        words="forked with the bundle against spawned",
        notes={name: measured[-1].notes for name, measured in found.items()},
    )


if __name__ == "__main__":
    sys.exit(main())
