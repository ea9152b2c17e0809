"""How much of two cores do two workers use? Against two processes that know nothing of each other."""

import subprocess
import sys
import time
from statistics import median

from rustybt import Optimizer
from rustybt.optimization import PersistentWorkerPool, RandomSearch
from scripts.benchmarks.measuring import Figure
from scripts.benchmarks.optimizer.strategies import Crossover
from scripts.benchmarks.report import CaseReport

SPAN = {"start": "2017-01-03", "end": "2017-05-31"}
TRIALS, QUICK_TRIALS = 400, 20
LEAST = 0.92

PLAIN = """
import sys
from rustybt.data.bundles import load
from rustybt.engine.strategy import hooks_of
from rustybt.optimization import RandomSearch, space_of
from rustybt.run import simulate
from scripts.benchmarks.optimizer.strategies import Crossover
half, trials = int(sys.argv[1]), int(sys.argv[2])
params = [p.params for p in RandomSearch(trials, seed=1).begin(space_of(Crossover)).ask(trials)][half::2]
data = load("mag-7")
def one(p):
    return simulate(hooks_of(Crossover(**p)), data, *sys.argv[3:]).metrics["ending_value"]
one(params[0])
print("ready", flush=True)
sys.stdin.readline()
values = [one(p) for p in params]
print(repr(sum(values)), flush=True)
"""


def run(quick: bool, repeats: int) -> CaseReport:
    """Measure both in turns, on the same params."""
    trials = QUICK_TRIALS if quick else TRIALS
    report = CaseReport("efficiency", f"{trials} event-tier backtests on two cores")
    ratios, each = [], []
    with PersistentWorkerPool(2) as pool:
        pooled(pool, 8)
        for _ in range(repeats):
            plain_s, plain_sum = plain(trials)
            pooled_s, pooled_sum, mean_s = pooled(pool, trials)
            if abs(plain_sum - pooled_sum) > 1e-9 * abs(plain_sum):
                raise AssertionError("the pool and plain processes disagree")
            ratios.append(plain_s / pooled_s)
            each.append(1e3 * mean_s)
    report.figures.append(Figure("two workers against two plain processes", median(ratios), "of it", at_least=LEAST))
    report.figures.append(Figure("a backtest in a worker", median(each), "ms"))
    return report


def pooled(pool: PersistentWorkerPool, trials: int) -> tuple[float, float, float]:
    """Run them on the pool: seconds, sum of the final values, mean seconds in a worker."""
    search = RandomSearch(trials, seed=1)
    optimizer = Optimizer(Crossover, bundle="mag-7", search=search, pool=pool, result_cache=False, **SPAN)
    began = time.perf_counter()
    result = optimizer.run()
    return time.perf_counter() - began, result.trials["ending_value"].sum(), result.trials["seconds"].mean()


def plain(trials: int) -> tuple[float, float]:
    """Run each half in a process of its own: seconds from the signal to the later end, sum of the final values."""
    arguments = [str(trials), SPAN["start"], SPAN["end"]]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PLAIN, str(half), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for half in (0, 1)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    began = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    sums = [float(process.communicate()[0]) for process in processes]
    return time.perf_counter() - began, sum(sums)
