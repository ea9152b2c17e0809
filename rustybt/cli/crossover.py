"""Which strategy does `rustybt demo` optimize? Two moving averages of each of eight stocks, all sessions at once."""

from typing import Any

import numpy as np

from rustybt._typing import FloatArray
from rustybt.engine.vector_strategy import VectorStrategy
from rustybt.optimization.parameters import Integer


class Crossover(VectorStrategy):
    """Hold an eighth in each stock whose fast average is above its slow one; order where they cross."""

    fast = Integer(5, 43, step=2)
    slow = Integer(50, 240, step=10)
    assets = ("AAPL", "AMZN", "AVGO", "GOOGL", "META", "MSFT", "NVDA", "TSLA")

    def target_percent(self, bars: Any, fast: int, slow: int) -> FloatArray:  # type: ignore[override]
        """Decide at each close; a stock that was not yet listed has no average, and is not held."""
        rising = bars.mean("close", fast) > bars.mean("close", slow)
        held = np.vstack([np.zeros((1, len(bars.assets)), dtype=bool), rising[:-1]])
        return np.where(rising != held, rising / len(bars.assets), np.nan)
