"""What does the optimizer add to each backtest? Against a plain loop over the same params in the same process."""

import math
import time
from statistics import median
from typing import Any

from rustybt import Optimizer
from rustybt.data.bundles import load
from rustybt.engine.setup import DEFAULT_SETUP
from rustybt.optimization import BayesianSearch, GridSearch, Integer, RandomSearch, space_of
from rustybt.vector_run import Batch
from scripts.benchmarks.measuring import Figure
from scripts.benchmarks.optimizer.strategies import Quick
from scripts.benchmarks.report import CaseReport

SPAN = {"start": "2012-01-03", "end": "2012-12-31"}
TRIALS, QUICK_TRIALS = 2_000, 100
MOST_US = 60.0


def run(quick: bool, repeats: int) -> CaseReport:
    """Measure grid, random and TPE."""
    report = CaseReport("overhead", "what the optimizer adds to a backtest, serial, microseconds a trial")
    trials = QUICK_TRIALS if quick else TRIALS
    sized = {"fast": Integer(2, 1 + trials // 20), "slow": Integer(102, 121), "weight": 1.0}
    cases: dict[str, Any] = {
        "grid": (type("Quick", (Quick,), sized), GridSearch()),
        "random": (Quick, RandomSearch(trials, seed=1)),
    }
    for name, (strategy, search) in cases.items():
        for cache in (False, True):
            added = [overhead_us(strategy, search, cache) for _ in range(repeats + 1)][1:]
            label = f"{name}, {'with' if cache else 'without'} the result cache"
            report.figures.append(Figure(label, median(added), "us a trial", at_most=MOST_US))
    shares = [tpe_share(100 if quick else 500) for _ in range(1 if quick else 3)]
    note = "the sampler's share of the run's time, at half a millisecond a backtest; it does not grow with the backtest"
    report.figures.append(Figure("TPE: share of the run", median(share for share, _ in shares), "of it", note=note))
    report.figures.append(Figure("TPE: sampler", median(us for _, us in shares), "us a trial"))
    return report


def overhead_us(strategy: Any, search: Any, cached: bool) -> float:
    """Run the optimizer between two plain loops over the same params, and give what a trial of it costs more.

    A loop before them fills what both read; the mean of the loops before and after takes the machine's drift out.
    """
    params = [proposal.params for proposal in search.begin(space_of(strategy)).ask(10 * TRIALS)]
    batch = Batch.over(load("mag-7"), SPAN["start"], SPAN["end"], 10_000_000.0, DEFAULT_SETUP)
    plain_loop(strategy, batch, params)
    optimizer = Optimizer(
        strategy, bundle="mag-7", search=search, result_cache=fresh_cache() if cached else False, **SPAN
    )
    before, values = plain_loop(strategy, batch, params)
    began = time.perf_counter()
    result = optimizer.run()
    own = time.perf_counter() - began
    after, _ = plain_loop(strategy, batch, params)
    if values != result.trials["ending_value"].tolist():
        raise AssertionError("the optimizer and a plain loop disagree")
    return 1e6 * (own - (before + after) / 2) / len(params)


def plain_loop(strategy: Any, batch: Batch, params: list[dict[str, Any]]) -> tuple[float, list[float]]:
    """Run the params one after the other, and give the seconds and what came of them."""
    began = time.perf_counter()
    values = [batch.run(strategy(**one)).metrics["ending_value"] for one in params]
    return time.perf_counter() - began, values


def fresh_cache() -> Any:
    """Give a result cache that knows nothing yet."""
    from rustybt.optimization.result_cache import ResultCache

    return ResultCache()


def tpe_share(trials: int) -> tuple[float, float]:
    """Give the sampler's share of a run, and its microseconds a trial."""
    result = Optimizer(Quick, bundle="mag-7", search=BayesianSearch(trials), result_cache=False, **SPAN).run()
    seconds = result.info.search_seconds
    assert math.isfinite(seconds)
    return seconds / result.seconds, 1e6 * seconds / len(result)
