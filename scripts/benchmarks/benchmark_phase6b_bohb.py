"""Does BOHB find what random search finds, in less time, on real backtests?

usage: python scripts/benchmarks/benchmark_phase6b_bohb.py [BUNDLE] [--num-runs N] [--num-backtests N] [--num-workers N]
           [--start-date DAY] [--end-date DAY] [--quick] [--output FOLDER]

A crossover of two windows, some 11,000 combinations. Random search runs so many whole backtests; BOHB may spend a third
of their sessions, its check of whether parts of the span say anything of the whole included. Both sides of a pair draw
from the same seed, another one for each pair. The exit code is 0 only where BOHB takes less time, by the one-tailed
paired t-test, and the best Sharpe ratio that it finds is lower by no more than 0.05, as the lower 95% bound of the mean
difference says. What is spent without backtests, mostly by the model, counts as time. scripts/benchmarks/bench_bohb.py
counts blocks instead, on losses for which it is known what a part says of the whole.
"""

import itertools
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, stdev

from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.benchmarks.audit.audits import Audit, Criterion, pairs_criterion
from scripts.benchmarks.audit.command import data_of, parser_of, report, tell
from scripts.benchmarks.audit.paired import ALPHA, LEAST_PAIRS, PairedTest, paired_test
from scripts.benchmarks.audit.pairs import Measured, run_pairs
from scripts.benchmarks.audit.searching import BOHB, RANDOM
from scripts.benchmarks.audit.sides import ask
from scripts.benchmarks.audit.workload import Scale

QUICK_TRIALS = 3
LARGEST_LOSS = 0.05
"""Of the best Sharpe ratio."""


def main(given: Sequence[str] | None = None) -> int:
    """Run the audit."""
    parser = parser_of("benchmark_phase6b_bohb.py", __doc__)
    parser.set_defaults(start_date="2019-01-02", num_workers=1)
    parser.add_argument("--num-backtests", type=int, default=300, help="of random search")
    options = parser.parse_args(given)
    trials = QUICK_TRIALS if options.quick else options.num_backtests
    scale = Scale(options.bundle, options.start_date, options.end_date, options.num_assets, trials)
    if options.quick:
        scale = scale._replace(start=options.end_date[:4] + "-01-03")
    with data_of(options.bundle, options.num_assets) as fingerprint:
        searches = {name: seeded(scale, name, options.num_workers) for name in (RANDOM, BOHB)}
        found = run_pairs(searches, LEAST_PAIRS if options.quick else options.num_runs, options.seed, tell)
        audit = audit_of(scale, options.num_workers, found)
        if not options.quick:
            audit.criteria = criteria_of(audit.gain, found)
        tell(f"BOHB's checks: {'; '.join(str(one.notes['said']) for one in found[BOHB])}")
        return report(options.output, [audit], fingerprint)


def seeded(scale: Scale, name: str, workers: int) -> Callable[[], Measured]:
    """Give a side that takes another seed for each round."""
    seeds = itertools.count()

    def run() -> Measured:
        request = {"kind": "search", "search": name, "seed": next(seeds), "workers": workers}
        return ask(scale, request)._replace(digest=None)

    return run


def audit_of(scale: Scale, workers: int, found: dict[str, list[Measured]]) -> Audit:
    """Compare the time of both."""
    seconds = {name: [one.seconds for one in measured] for name, measured in found.items()}
    return Audit(
        name="BOHB and random search",
        scale=scale,
        workers=workers,
        seconds=seconds,
        gain=paired_test(seconds[RANDOM], seconds[BOHB]),
        words="BOHB against random search",
        notes={name: [one.notes for one in measured] for name, measured in found.items()},
    )


def criteria_of(gain: PairedTest, found: dict[str, list[Measured]]) -> list[Criterion]:
    """Hold BOHB to being faster and to finding as much."""
    scores = {name: [float(one.notes["score"]) for one in measured] for name, measured in found.items()}  # type: ignore[arg-type]
    more = [mine - theirs for mine, theirs in zip(scores[BOHB], scores[RANDOM], strict=True)]
    error = stdev(more) / math.sqrt(len(more))
    bound = fmean(more) - error * float(stats.t.ppf(1 - ALPHA, len(more) - 1))
    note = f"mean best Sharpe ratio {fmean(scores[BOHB]):.3f}, random search's {fmean(scores[RANDOM]):.3f}"
    return [
        pairs_criterion(gain),
        Criterion(f"the time that it saves is none of chance: p below {ALPHA}", gain.p, gain.p < ALPHA),
        Criterion(
            f"the best Sharpe ratio is lower by no more than {LARGEST_LOSS}, as the lower 95% bound says",
            bound,
            bound >= -LARGEST_LOSS,
            note,
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
