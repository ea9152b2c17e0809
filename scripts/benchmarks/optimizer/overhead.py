"""What does the optimizer add to each backtest? Against a plain loop over the same params in the same process."""

import math
import time
from statistics import median
from typing import Any

from rustybt import Optimizer
from rustybt.data.bundles import load
from rustybt.engine.setup import DEFAULT_SETUP
from rustybt.optimization import BayesianSearch, GridSearch, RandomSearch
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
    searches: dict[str, Any] = {
        "grid": lambda: GridSearch(f"fast < {2 + trials // 100} and slow <= 201"),
        "random": lambda: RandomSearch(trials, seed=1),
    }
    for name, search in searches.items():
        fixed = {"weight": 1.0} if name == "grid" else {}
        for cache in (False, True):
            added = [overhead_us(search(), fixed, cache) for _ in range(repeats + 1)][1:]
            label = f"{name}, {'with' if cache else 'without'} the result cache"
            report.figures.append(Figure(label, median(added), "us a trial", at_most=MOST_US))
    shares = [tpe_share(100 if quick else 500) for _ in range(1 if quick else 3)]
    note = "the sampler's share of the run's time, at half a millisecond a backtest; it does not grow with the backtest"
    report.figures.append(Figure("TPE: share of the run", median(share for share, _ in shares), "of it", note=note))
    report.figures.append(Figure("TPE: sampler", median(us for _, us in shares), "us a trial"))
    return report


def overhead_us(search: Any, fixed: dict[str, Any], cached: bool) -> float:
    """Run the optimizer, then a plain loop over the same params, and give what a trial of the first costs more."""
    optimizer = Optimizer(
        Quick, bundle="mag-7", search=search, fixed=fixed, result_cache=fresh_cache() if cached else False, **SPAN
    )
    began = time.perf_counter()
    result = optimizer.run()
    own = time.perf_counter() - began
    params = [dict(trial.params) for trial in result.records]
    batch = Batch.over(load("mag-7"), SPAN["start"], SPAN["end"], 10_000_000.0, DEFAULT_SETUP)
    began = time.perf_counter()
    values = [batch.run(Quick(**one)).metrics["ending_value"] for one in params]
    plain = time.perf_counter() - began
    if values != result.trials["ending_value"].tolist():
        raise AssertionError("the optimizer and a plain loop disagree")
    return 1e6 * (own - plain) / len(params)


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
