"""What does an audit run? A strategy as users write it, over a grid or through the windows of a walk-forward."""

import math
from typing import Any, NamedTuple

from rustybt import Strategy
from rustybt.api import date_rules, schedule_function
from rustybt.data.bundles import load
from rustybt.data.portal import portal_of
from rustybt.optimization import Integer


class Scale(NamedTuple):
    """How much is run.

    Attributes
    ----------
    bundle, start, end : str
        The data, and the days of the whole.
    assets : int
        How many are traded, the first by sid.
    backtests : int
        Of a grid; of each window where there are some.
    windows : int
        0 for a grid.
    """

    bundle: str
    start: str
    end: str
    assets: int
    backtests: int
    windows: int = 0

    @property
    def total(self) -> int:
        """All backtests."""
        return self.windows * (self.backtests + 1) if self.windows else self.backtests


class Spans(NamedTuple):
    """Sessions of each window's parts: those that a search sees, and those that its best parameters meet next."""

    in_sample: int
    out_of_sample: int


def spans_of(sessions: int, windows: int) -> Spans:
    """Divide sessions so that so many windows fit, with three parts in sample for one out of sample.

    Examples
    --------
    >>> spans_of(250, 5)
    Spans(in_sample=95, out_of_sample=31)
    """
    out_of_sample = sessions // (windows + 3)
    return Spans(sessions - windows * out_of_sample, out_of_sample)


def session_count(scale: Scale) -> int:
    """Count the sessions of a scale."""
    labels = portal_of(load(scale.bundle)).sessions
    return int(((labels >= scale.start) & (labels <= scale.end)).sum())


def factors_of(count: int) -> tuple[int, int]:
    """Divide a number of combinations over two parameters, as evenly as it goes.

    Examples
    --------
    >>> factors_of(400), factors_of(25), factors_of(10), factors_of(7)
    ((20, 20), (5, 5), (2, 5), (1, 7))
    """
    small = next(size for size in range(math.isqrt(count), 0, -1) if count % size == 0)
    return small, count // small


class Crossover(Strategy):
    """Holds each of some stocks whose short mean is above its long one, looked at weekly, with windows as frames."""

    fast = Integer(5, 5)
    slow = Integer(30, 30)
    count = 8

    def initialize(self, context: Any) -> None:
        """Choose the stocks."""
        context.stocks = [context.sid(sid) for sid in sorted(context.asset_finder.sids)[: self.count]]
        schedule_function(self.rebalance, date_rules.week_start())

    def rebalance(self, context: Any, data: Any) -> None:
        """Trade at the first close of a week."""
        prices = data.history(context.stocks, "close", self.slow, "1d")
        long, short = prices.mean(), prices.iloc[-self.fast :].mean()
        for stock in context.stocks:
            context.order_target_percent(stock, 1 / len(context.stocks) if short[stock] > long[stock] else 0.0)


def strategy_of(scale: Scale) -> type[Crossover]:
    """Give the strategy with as many combinations of parameters as a scale has backtests."""
    short, long = factors_of(scale.backtests)
    spaces = {"fast": Integer(5, 4 + short), "slow": Integer(30, 29 + long), "count": scale.assets}
    return type("Crossover", (Crossover,), spaces)


def combinations(scale: Scale) -> list[dict[str, int]]:
    """Give the parameters of every backtest, in the order of a grid search."""
    short, long = factors_of(scale.backtests)
    return [{"fast": 5 + i, "slow": 30 + j} for i in range(short) for j in range(long)]
