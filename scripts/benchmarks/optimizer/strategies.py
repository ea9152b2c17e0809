"""Which strategies does the optimizer's bench run?"""

from typing import Any

from rustybt import Strategy, VectorStrategy
from rustybt.api import order_target_percent, symbols
from rustybt.optimization import Float, Integer


class Quick(VectorStrategy):
    """Half a millisecond or so a backtest: what the optimizer adds shows."""

    assets = ("AAPL",)
    fast = Integer(2, 101)
    slow = Integer(102, 301)
    weight = Float(0.1, 1.0)

    def target_percent(self, bars: Any, fast: int, slow: int, weight: float) -> Any:
        """Hold it while the fast average is above the slow one."""
        return weight * (bars.mean("close", fast) > bars.mean("close", slow))


class Crossover(Strategy):
    """An equal share in each of four assets whose fast average is above its slow one, every session."""

    fast = Integer(2, 49)
    slow = Integer(50, 249)

    def initialize(self, context: Any) -> None:
        """Choose the assets."""
        context.assets = symbols("AAPL", "AMZN", "GOOGL", "MSFT")

    def handle_data(self, context: Any, data: Any) -> None:
        """Decide a session."""
        prices = data.window(context.assets, "close", self.slow)
        rising = prices[-self.fast :].mean(axis=0) > prices.mean(axis=0)
        for asset, up in zip(context.assets, rising.tolist(), strict=True):
            order_target_percent(asset, 0.25 if up else 0.0)


class Toucher(Strategy):
    """Reads every price of every field of a large bundle, and holds nothing."""

    part = Integer(0, 99)

    def handle_data(self, context: Any, data: Any) -> None:
        """Look at all that came since the last look."""
        context.seen = getattr(context, "seen", 0) + 1
        if context.seen % 250 == 0:
            assets = context.asset_finder.equities
            context.total = sum(
                float(data.window(assets, field, 250).sum()) for field in ("open", "high", "low", "close", "volume")
            )
