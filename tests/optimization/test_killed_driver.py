"""A run whose process is killed again and again, and resumed, ends as one that was left alone."""

import random
import subprocess
import sys
import time

import psutil
import pytest

from rustybt.optimization import OptimizationResult
from tests.optimization.processes import alive

SCRIPT = """
import sys
from rustybt import Optimizer, Strategy
from rustybt.api import order_target_percent, symbol
from rustybt.errors import JournalExists
from rustybt.optimization import BayesianSearch, Integer, RandomSearch, WalkForward

class Crossover(Strategy):
    fast = Integer(2, 30)
    slow = Integer(31, 120)
    def initialize(self, context):
        context.asset = symbol("AAPL")
    def handle_data(self, context, data):
        prices = data.window(context.asset, "close", self.slow)
        order_target_percent(context.asset, 1.0 if prices[-self.fast:].mean() > prices.mean() else 0.0)

SEARCHES = {
    "random": RandomSearch(TRIALS, seed=1),
    "bayesian": BayesianSearch(TRIALS, seed=1),
    "walk": WalkForward(RandomSearch(TRIALS // 8, seed=1), in_sample="6 months", out_of_sample="3 months"),
}
optimizer = Optimizer(Crossover, bundle="mag-7", start="2012-01-03", end="2014-12-31", search=SEARCHES[sys.argv[1]],
                      num_workers=2, storage=sys.argv[2], result_cache=False, progress=False)
print("begun", flush=True)
try:
    result = optimizer.run()
except JournalExists:
    result = optimizer.resume()
result.save(sys.argv[3])
"""


def start(folder, search, storage, trials):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT.replace("TRIALS", str(trials)), search, str(storage), str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )


def run_with_kills(tmp_path, search, trials, kills, seed):
    """Kill the driver that often, in the middle of its work, and let the last one come to its end."""
    chance, killed, orphans = random.Random(seed), 0, []
    storage, saved = tmp_path / "storage", tmp_path / "saved"
    while True:
        process = start(saved, search, storage, trials)
        assert process.stdout.readline() == "begun\n"
        lines = storage / "trials.jsonl"
        before = lines.stat().st_size if lines.exists() else 0
        if killed < kills:
            wanted = before + chance.randint(1, trials // (kills + 1)) * 900  # bytes, a line a trial
            while process.poll() is None and (lines.stat().st_size if lines.exists() else 0) < wanted:
                time.sleep(0.005)
        if killed == kills or process.poll() is not None:
            process.communicate()
            assert process.returncode == 0
            return OptimizationResult.load(saved), killed, orphans
        orphans += psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate()
        killed += 1


def check(market, tmp_path, search, trials, kills, seed=0):
    for name in ("alone", "killed"):
        (tmp_path / name).mkdir()
    left_alone, _, _ = run_with_kills(tmp_path / "alone", search, trials, 0, seed)
    result, killed, orphans = run_with_kills(tmp_path / "killed", search, trials, kills, seed)
    assert killed == kills
    apart = ["seconds", "worker"]
    assert result.trials.drop(columns=apart).equals(left_alone.trials.drop(columns=apart))
    assert result.returns.equals(left_alone.returns)
    assert (result.best.number, result.best.params) == (left_alone.best.number, left_alone.best.params)
    deadline = time.monotonic() + 10
    while any(map(alive, orphans)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [process for process in orphans if alive(process)], "workers outlive their driver"


def test_a_run_that_is_killed_twice_ends_as_one_that_was_not(market, tmp_path):
    check(market, tmp_path, "bayesian", trials=60, kills=2)


@pytest.mark.soak
@pytest.mark.parametrize("search", ["random", "bayesian", "walk"])
def test_twenty_kills_change_nothing(market, tmp_path, search):
    check(market, tmp_path, search, trials=800, kills=20, seed=7)
