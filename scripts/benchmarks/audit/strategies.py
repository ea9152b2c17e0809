"""What do audits trade? Strategies as users write them, whose layers have more or less to do.

crossover    windows whose length is a parameter: nothing is asked for twice but by the same parameters
forest       a fitted model whose features no parameter changes: every backtest asks it the same questions
"""

from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np

from rustybt import Model, Strategy
from rustybt._typing import FloatArray
from rustybt.api import date_rules, schedule_function
from rustybt.data.bundles import load
from rustybt.data.portal import portal_of
from rustybt.optimization import Integer
from scripts.benchmarks.audit.workload import CROSSOVER, Scale, combinations

FEATURE_DAYS: Final = 60
AHEAD_DAYS: Final = 20
TRAINED_EVERY: Final = 20
"""Sessions between two rows of training."""

LAGS: Final = (1, 5, 20, 59)
TREES: Final = 20

Bars: TypeAlias = Any


class Monthly(Strategy):
    """Trades the first stocks of a bundle at the first close of each month."""

    count = 8

    def initialize(self, context: Any) -> None:
        """Choose the stocks."""
        context.stocks = [context.sid(sid) for sid in sorted(context.asset_finder.sids)[: self.count]]
        schedule_function(self.rebalance, date_rules.month_start())

    def rebalance(self, context: Any, data: Bars) -> None:
        """Trade."""
        raise NotImplementedError


class Crossover(Monthly):
    """Holds each stock whose short mean is above its long one, with windows as frames."""

    fast = Integer(5, 5)
    slow = Integer(30, 30)

    def rebalance(self, context: Any, data: Bars) -> None:
        """Compare means."""
        prices = data.history(context.stocks, "close", self.slow, "1d")
        long, short = prices.mean(), prices.iloc[-self.fast :].mean()
        for stock in context.stocks:
            context.order_target_percent(stock, 1 / len(context.stocks) if short[stock] > long[stock] else 0.0)


class Forest(Monthly):
    """Holds each stock of which a fitted forest expects more than so many tenths of a percent."""

    least = Integer(0, 0)
    gross = Integer(50, 50)
    model: Model | None = None

    def rebalance(self, context: Any, data: Bars) -> None:
        """Ask the model."""
        prices = data.history(context.stocks, "close", FEATURE_DAYS, "1d").to_numpy()
        expected = context.predict(self.model, features_of(prices))
        for stock, gain in zip(context.stocks, expected.tolist(), strict=True):
            weight = self.gross / 100 / len(context.stocks) if gain > self.least / 1000 else 0.0
            context.order_target_percent(stock, weight)


def features_of(prices: FloatArray) -> FloatArray:
    """Give a row for each stock: its returns over some days, and how much it moves.

    Parameters
    ----------
    prices : float64 array, shape (FEATURE_DAYS, n_assets)
        Closes; NaN gives NaN.

    Returns
    -------
    float64 array, shape (n_assets, 5)
    """
    returns = [prices[-1] / prices[-1 - lag] - 1 for lag in LAGS]
    return np.column_stack([*returns, np.diff(np.log(prices), axis=0).std(axis=0)])


@cache
def forest_of(bundle: str, start: str, count: int) -> Model:
    """Fit a forest on what was known before a day.

    Parameters
    ----------
    bundle : str
        Whose closes, as traded: a split is a wrong row, which is nothing to a benchmark.
    start : str
        The first day on which it may be asked.
    count : int
        Stocks, the first by sid.

    Returns
    -------
    Model
    """
    from sklearn.ensemble import RandomForestRegressor  # slow to import, and only this strategy needs it

    data = load(bundle)
    labels = portal_of(data).sessions
    known = int(labels.searchsorted(np.datetime64(start, "ns")))
    closes = np.asarray(data.daily("close")[:known, :count])
    rows, gains = [], []
    for end in range(FEATURE_DAYS, known - AHEAD_DAYS, TRAINED_EVERY):
        rows.append(features_of(closes[end - FEATURE_DAYS : end]))
        gains.append(closes[end + AHEAD_DAYS - 1] / closes[end - 1] - 1)
    features, gain = np.concatenate(rows), np.concatenate(gains)
    whole = np.isfinite(features).all(axis=1) & np.isfinite(gain)
    fitted = RandomForestRegressor(TREES, max_depth=6, random_state=0).fit(features[whole], gain[whole])
    return Model.of(fitted, trained_until=labels[known - 1], name="forest")


def strategy_of(scale: Scale) -> type[Monthly]:
    """Give the strategy with as many combinations of parameters as a scale has backtests, and its model fitted."""
    chosen = combinations(scale)
    spaces = {name: Integer(chosen[0][name], chosen[-1][name]) for name in chosen[0]}
    if scale.workload == CROSSOVER:
        return type("Crossover", (Crossover,), {**spaces, "count": scale.assets})
    model = forest_of(scale.bundle, scale.start, scale.assets)
    return type("Forest", (Forest,), {**spaces, "count": scale.assets, "model": model})
