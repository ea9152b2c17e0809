"""How long would backtests take in a fresh process each? A sample of them, against all on the pool."""

import subprocess
import sys
import time
from statistics import median

from rustybt.optimization import PersistentWorkerPool, RandomSearch, space_of
from scripts.benchmarks.measuring import Figure
from scripts.benchmarks.optimizer.efficiency import SPAN, pooled
from scripts.benchmarks.optimizer.strategies import Crossover
from scripts.benchmarks.report import CaseReport

TRIALS, QUICK_TRIALS = 2_000, 20
SAMPLE, QUICK_SAMPLE = 20, 2

ALONE = """
import sys
from rustybt import run_algorithm
from scripts.benchmarks.optimizer.strategies import Crossover
strategy = Crossover(fast=int(sys.argv[1]), slow=int(sys.argv[2]))
perf = run_algorithm(sys.argv[3], sys.argv[4], strategy=strategy, bundle="mag-7")
print(repr(float(perf["portfolio_value"].iloc[-1])))
"""


def run(quick: bool, repeats: int) -> CaseReport:
    """Run all on two workers, and a sample in two fresh processes at a time."""
    trials, sample = (QUICK_TRIALS, QUICK_SAMPLE) if quick else (TRIALS, SAMPLE)
    report = CaseReport("fresh", f"{trials} event-tier backtests on two workers, against a fresh process each")
    params = [p.params for p in RandomSearch(trials, seed=1).begin(space_of(Crossover)).ask(sample)]
    with PersistentWorkerPool(2) as pool:
        pooled(pool, 8)
        seconds, _, _ = pooled(pool, trials)
    alone = [pair_seconds(params[i], params[i + 1]) for i in range(0, sample - 1, 2)]
    report.figures.append(Figure("all on the pool", seconds, "s"))
    note = f"extrapolated from {len(alone)} pairs of processes that ran side by side"
    report.figures.append(Figure("a fresh process each", trials / 2 * median(alone), "s", note=note))
    report.figures.append(Figure("the pool is faster", trials / 2 * median(alone) / seconds, "times"))
    return report


def pair_seconds(*pair: dict[str, int]) -> float:
    """Run two backtests side by side, each in a process of its own, and give the seconds until both are done."""
    began = time.perf_counter()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ALONE, str(one["fast"]), str(one["slow"]), SPAN["start"], SPAN["end"]],
            stdout=subprocess.DEVNULL,
        )
        for one in pair
    ]
    codes = [process.wait() for process in processes]
    if any(codes):
        raise AssertionError("a backtest in a fresh process failed")
    return time.perf_counter() - began
