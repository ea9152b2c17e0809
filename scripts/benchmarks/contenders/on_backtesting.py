"""How long does backtesting.py take for the crossover of one asset? As its own documentation writes it."""

from collections.abc import Callable
from typing import Any

import pandas as pd
from backtesting import Backtest, Strategy
from backtesting.lib import crossover

from scripts.benchmarks.adjusted import read_bars
from scripts.benchmarks.answering import Job, serve


def mean(values: Any, window: int) -> pd.Series:
    """Give a rolling mean."""
    return pd.Series(values).rolling(window).mean()


class Crossover(Strategy):
    """Long from the day after the fast average rises above the slow one until the day after it falls below."""

    fast, slow = 10, 50

    def init(self) -> None:
        """Compute the averages."""
        self.quick = self.I(mean, self.data.Close, self.fast)
        self.calm = self.I(mean, self.data.Close, self.slow)

    def next(self) -> None:
        """Trade where they cross."""
        if crossover(self.quick, self.calm):
            self.buy(size=0.95)
        elif crossover(self.calm, self.quick):
            self.position.close()


def load(arguments: dict[str, Any]) -> Callable[[dict[str, Any]], Job]:
    """Read the bars, from as early that the slow average is there on the first day."""
    bars = read_bars(arguments["folder"], arguments["start"], arguments["end"], arguments["slow"] - 1)
    frame = bars.of(arguments["symbol"]).rename(columns=str.title)
    Crossover.fast, Crossover.slow = arguments["fast"], arguments["slow"]

    def prepare(request: dict[str, Any]) -> Job:
        costs = {"spread": 0.0005, "commission": lambda size, price: abs(size) * 0.001}
        test = Backtest(frame, Crossover, cash=arguments["capital"], finalize_trades=True, **costs)

        def describe(stats: pd.Series) -> dict[str, Any]:
            note = f"fills at the next open, {len(stats['_trades'])} round trips"
            return {"value": float(stats["Equity Final [$]"]), "note": note}

        return Job(test.run, describe)

    return prepare


if __name__ == "__main__":
    serve(load)
