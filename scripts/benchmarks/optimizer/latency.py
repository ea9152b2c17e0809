"""How long is it from `run()` to the first trial, with workers that live and with none?"""

import subprocess
import sys
import time
from collections.abc import Generator
from statistics import median
from typing import Any

from rustybt import Optimizer
from rustybt.optimization import PersistentWorkerPool, RandomSearch
from scripts.benchmarks.measuring import Figure
from scripts.benchmarks.optimizer.strategies import Crossover
from scripts.benchmarks.report import CaseReport

SPAN = {"start": "2012-01-03", "end": "2012-03-30"}
WARM_MS = 20.0
COLD_MS = 150.0
IMPORTS = "import rustybt.optimization.backtest"
COLD = """
import sys
from scripts.benchmarks.optimizer.latency import first_trial_ms
from rustybt.optimization import PersistentWorkerPool
with PersistentWorkerPool(2) as pool:
    print(first_trial_ms(pool))
"""


class Stopwatch:
    """A pool that notes when the first trial was begun: its outcome's arrival, less the time that it ran."""

    def __init__(self, pool: PersistentWorkerPool) -> None:
        self.pool, self.num_workers, self.first_begun = pool, pool.num_workers, 0.0

    def run(self, *arguments: Any, **options: Any) -> Generator[Any, None, None]:
        """Run tasks as the pool does."""
        for number, outcome in self.pool.run(*arguments, **options):
            if not self.first_begun:
                self.first_begun = time.perf_counter() - outcome.seconds
            yield number, outcome


def first_trial_ms(pool: PersistentWorkerPool) -> float:
    """Run a few trials, and give the milliseconds from the call of `run` to the begin of the first."""
    watch = Stopwatch(pool)
    search = RandomSearch(4, seed=1)
    optimizer = Optimizer(Crossover, bundle="mag-7", search=search, pool=watch, result_cache=False, **SPAN)
    began = time.perf_counter()
    optimizer.run()
    return 1e3 * (watch.first_begun - began)


def cold_ms() -> float:
    """Give the same for a new process without workers, less what an interpreter takes to start and import."""
    out = subprocess.run([sys.executable, "-c", COLD], capture_output=True, text=True, check=True).stdout
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)
    return float(out) - 1e3 * (time.perf_counter() - began)


def run(quick: bool, repeats: int) -> CaseReport:
    """Measure warm and cold."""
    report = CaseReport("latency", "from run() to the first trial")
    with PersistentWorkerPool(2) as pool:
        first_trial_ms(pool)
        warm = [first_trial_ms(pool) for _ in range(3 if quick else 4 * repeats)]
    cold_ms()
    cold = [cold_ms() for _ in range(repeats)]
    report.figures.append(Figure("warm pool", median(warm), "ms", at_most=WARM_MS))
    note = "beyond starting an interpreter and importing"
    report.figures.append(Figure("cold pool", median(cold), "ms", at_most=COLD_MS, note=note))
    return report
