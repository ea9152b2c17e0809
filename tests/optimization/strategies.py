"""Strategies that optimizer tests run."""

import random

import numpy as np

from rustybt import Strategy
from rustybt.api import order_target, order_target_percent, symbol
from rustybt.optimization import Categorical, GridSearch, Integer, RandomSearch

SPAN = {"bundle": "mag-7", "start": "2012-01-03", "end": "2012-06-29"}


class Crossover(Strategy):
    fast = Integer(2, 8, step=2)
    slow = Integer(4, 20, step=4)
    ticker = Categorical(["AAPL", "MSFT"])
    conditions = ["fast < slow"]

    def initialize(self, context):
        context.asset = symbol(self.ticker)

    def handle_data(self, context, data):
        prices = data.history(context.asset, "price", self.slow, "1d").to_numpy()
        order_target_percent(context.asset, 1.0 if prices[-self.fast :].mean() > prices.mean() else 0.0)


class Carrying(Crossover):
    bundle, start, end = SPAN["bundle"], SPAN["start"], SPAN["end"]
    capital_base = 50_000
    search = RandomSearch(trials=5, seed=3)
    objective = "minimize max_drawdown_duration"


class Choosy(Crossover):
    """Fails where fast is 4."""

    search = GridSearch("slow == 12")

    def handle_data(self, context, data):
        if self.fast == 4:
            raise ValueError("four is not welcome")
        super().handle_data(context, data)


class Idle(Strategy):
    days = Integer(1, 3)


class Gambler(Strategy):
    """Draws from every global generator."""

    shares = Integer(1, 6)

    def initialize(self, context):
        context.asset = symbol("AAPL")

    def handle_data(self, context, data):
        order_target(context.asset, self.shares * random.randint(0, 9) + int(np.random.mtrand.randint(10)))
