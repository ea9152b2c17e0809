"""What is the demo's strategy as an event strategy, which decides at one close after the other?"""

from typing import Any

from rustybt.api import order_target_percent, symbols
from rustybt.cli import crossover
from rustybt.engine.strategy import Strategy


class EventCrossover(Strategy):
    """Hold an eighth in each stock whose fast average is above its slow one; order where they cross."""

    fast = crossover.Crossover.fast
    slow = crossover.Crossover.slow

    def initialize(self, context: Any) -> None:
        """Choose the stocks; none is held."""
        context.assets = symbols(*crossover.Crossover.assets)
        context.held = set()

    def handle_data(self, context: Any, data: Any) -> None:
        """Order where the averages crossed; a stock that was not yet listed has no average, and is not held."""
        closes = data.window(context.assets, "close", self.slow)
        rising = closes[-self.fast :].mean(axis=0) > closes.mean(axis=0)
        for asset, up in zip(context.assets, rising.tolist(), strict=True):
            if up != (asset in context.held):
                order_target_percent(asset, 1 / len(context.assets) if up else 0.0)
                (context.held.add if up else context.held.discard)(asset)
