"""How long does bt take for the crossover? Weights by pandas, then its usual WeighTarget and Rebalance."""

from collections.abc import Callable
from typing import Any

import bt

from scripts.benchmarks.adjusted import read_bars
from scripts.benchmarks.answering import Job, serve


def commission(quantity: float, price: float) -> float:
    """Charge what the others are charged: a tenth of a cent a share."""
    return abs(quantity) * 0.001


def load(arguments: dict[str, Any]) -> Callable[[dict[str, Any]], Job]:
    """Read the bars, from as early that the slow average is there on the first day."""
    fast, slow = arguments["fast"], arguments["slow"]
    bars = read_bars(arguments["folder"], arguments["start"], arguments["end"], slow - 1)
    closes = bars.frame("close")

    def run() -> Any:
        means = closes.rolling(fast).mean(), closes.rolling(slow).mean()
        weights = (means[0] > means[1]).astype(float) / len(bars.symbols)
        weights = weights.shift().fillna(0.0)  # decided at a close, traded at the next one
        algos = [bt.algos.WeighTarget(weights.iloc[bars.before(arguments["start"]) :]), bt.algos.Rebalance()]
        test = bt.Backtest(
            bt.Strategy("crossover", algos),
            closes,
            initial_capital=arguments["capital"],
            commissions=commission,
            integer_positions=True,
            progress_bar=False,
        )
        return bt.run(test, progress_bar=False)

    def describe(result: Any) -> dict[str, Any]:
        strategy = next(iter(result.backtests.values())).strategy
        return {"value": float(strategy.values.iloc[-1]), "note": "fills at the next close, no slippage"}

    return lambda request: Job(run, describe)


if __name__ == "__main__":
    serve(load)
