"""How long does an optimization take whose trials run in the event tier?"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rustybt import Optimizer, Strategy
from rustybt.api import order_target_percent, symbols
from rustybt.optimization import GridSearch, Integer
from scripts.benchmarks.answering import Job, serve
from scripts.benchmarks.contenders.on_scripts import ingest
from scripts.parity.data_sets import DataSet


class Crossover(Strategy):
    """An equal share in each of four assets whose fast average is above its slow one, every session."""

    fast = Integer(2, 40)
    slow = 50

    def initialize(self, context: Any) -> None:
        """Choose the assets."""
        context.assets = symbols("S000", "S001", "S002", "S003")

    def handle_data(self, context: Any, data: Any) -> None:
        """Decide a session."""
        prices = data.history(context.assets, "close", self.slow, "1d").to_numpy()
        rising = prices[-self.fast :].mean(axis=0) > prices.mean(axis=0)
        for asset, up in zip(context.assets, rising.tolist(), strict=True):
            order_target_percent(asset, 0.25 if up else 0.0)


def load(arguments: dict[str, Any]) -> Callable[[dict[str, Any]], Job]:
    """Ingest the data sets."""
    os.environ["RUSTYBT_ROOT"] = arguments["root"]
    for name, first, last, symbols_of in arguments["data_sets"]:
        ingest("rustybt", DataSet(name, first, last, tuple(symbols_of)), Path(arguments["folder"]))

    def prepare(request: dict[str, Any]) -> Job:
        span = {name: request[name] for name in ("bundle", "start", "end")}
        strategy = type("Crossover", (Crossover,), {"fast": Integer(2, 1 + request["trials"])})
        optimizer = Optimizer(
            strategy,
            search=GridSearch(),
            capital_base=request["capital"],
            num_workers=1,
            progress=False,
            **span,
        )
        return Job(optimizer.run, lambda result: {"value": float(result.best.score), "trials": len(result.trials)})

    return prepare


if __name__ == "__main__":
    serve(load)
