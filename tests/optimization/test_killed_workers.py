"""A run whose workers are killed at random loses no trial and changes no number."""

import os
import random
import signal
import threading
from contextlib import suppress

import pytest
from pandas.testing import assert_frame_equal

from rustybt import Optimizer, Strategy
from rustybt.api import order_target_percent, symbol
from rustybt.optimization import Integer, PersistentWorkerPool, RandomSearch


class Crossover(Strategy):
    fast = Integer(2, 30)
    slow = Integer(31, 120)

    def initialize(self, context):
        context.asset = symbol("AAPL")

    def handle_data(self, context, data):
        prices = data.window(context.asset, "close", self.slow)
        order_target_percent(context.asset, 1.0 if prices[-self.fast :].mean() > prices.mean() else 0.0)


class Killer(threading.Thread):
    """Kills a worker of the pool now and then, by SIGKILL, until it has killed enough or is stopped."""

    def __init__(self, pool, kills, pause_s, seed):
        super().__init__(daemon=True)
        self.pool, self.kills, self.pause_s, self.chance = pool, kills, pause_s, random.Random(seed)
        self.killed, self.stopped = 0, threading.Event()

    def run(self):
        while self.killed < self.kills and not self.stopped.wait(self.pause_s * self.chance.uniform(0.2, 1.8)):
            if pids := self.pool.pids:
                with suppress(ProcessLookupError):
                    os.kill(self.chance.choice(pids), signal.SIGKILL)
                    self.killed += 1


def check(trials, kills, pause_s, seed):
    span = {"bundle": "mag-7", "start": "2012-01-03", "end": "2012-06-29"}
    options = {"search": RandomSearch(trials, seed=1), "result_cache": False, **span}
    expected = Optimizer(Crossover, num_workers=1, **options).run()
    with PersistentWorkerPool(2) as pool:
        killer = Killer(pool, kills, pause_s, seed)
        killer.start()
        result = Optimizer(Crossover, pool=pool, **options).run()
        killer.stopped.set()
        killer.join()
    apart = ["seconds", "worker"]
    assert_frame_equal(result.trials.drop(columns=apart), expected.trials.drop(columns=apart), check_exact=True)
    assert_frame_equal(result.returns, expected.returns, check_exact=True)
    return killer.killed


def test_a_few_kills_change_nothing(market):
    assert check(trials=300, kills=6, pause_s=0.15, seed=3) >= 2


@pytest.mark.soak
def test_a_hundred_kills_over_two_thousand_trials_change_nothing(market):
    assert check(trials=2000, kills=100, pause_s=0.06, seed=11) >= 100
