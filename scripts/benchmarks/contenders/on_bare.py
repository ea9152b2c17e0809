"""How long does the hand-written kernel take for all pairs of windows?"""

from collections.abc import Callable
from typing import Any

import numpy as np

from scripts.benchmarks.adjusted import read_bars
from scripts.benchmarks.answering import Job, serve
from scripts.benchmarks.bare_crossover import Costs, run_pairs


def load(arguments: dict[str, Any]) -> Callable[[dict[str, Any]], Job]:
    """Read the bars, from as early that every average is there on the first day."""
    bars = read_bars(arguments["folder"], arguments["start"], arguments["end"], arguments["lookback"])
    closes, volumes = bars.arrays["close"], bars.arrays["volume"]
    first = bars.before(arguments["start"])

    def prepare(request: dict[str, Any]) -> Job:
        pairs = np.array(request["pairs"], dtype=np.int64)

        def run() -> np.ndarray:
            return run_pairs(closes, volumes, pairs, first, arguments["capital"], Costs())

        return Job(run, lambda values: {"value": float(values[-1, -1]), "note": "no metrics; adjusted bars"})

    return prepare


if __name__ == "__main__":
    serve(load)
