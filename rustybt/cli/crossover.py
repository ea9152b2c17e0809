"""Which strategy does `rustybt demo` optimize? Two moving averages of each of eight stocks."""

from typing import Any

from rustybt.api import order_target_percent, symbols
from rustybt.engine.strategy import Strategy
from rustybt.optimization.parameters import Integer


class Crossover(Strategy):
    """Hold an eighth in each stock whose fast average is above its slow one."""

    fast = Integer(5, 30, step=5)
    slow = Integer(50, 140, step=10)

    def initialize(self, context: Any) -> None:
        """Choose the stocks; none is held."""
        context.assets = symbols("AAPL", "AMZN", "AVGO", "GOOGL", "META", "MSFT", "NVDA", "TSLA")
        context.held = set()

    def handle_data(self, context: Any, data: Any) -> None:
        """Order where the averages crossed; a stock that was not yet listed has no average, and is not held."""
        closes = data.history(context.assets, "close", self.slow, "1d").to_numpy()
        rising = closes[-self.fast :].mean(axis=0) > closes.mean(axis=0)
        for asset, up in zip(context.assets, rising.tolist(), strict=True):
            if up != (asset in context.held):
                order_target_percent(asset, 1 / len(context.assets) if up else 0.0)
                (context.held.add if up else context.held.discard)(asset)
