"""Fast strategies for tests that run many trials."""

from rustybt import VectorStrategy
from rustybt.optimization import Float, Integer

SPAN = {"bundle": "mag-7", "start": "2012-01-03", "end": "2012-12-31"}


class Cross(VectorStrategy):
    assets = ("AAPL", "MSFT")
    fast = Integer(2, 20)
    slow = Integer(5, 60, step=5)
    weight = Float(0.25, 1.0, step=0.25)
    conditions = ["fast < slow"]

    def target_percent(self, bars, fast, slow, weight):
        return weight * (bars.mean("close", fast) > bars.mean("close", slow)) / len(bars.assets)
