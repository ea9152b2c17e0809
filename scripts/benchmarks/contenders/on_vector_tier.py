"""How long does the vector tier take for many pairs of windows, or for one asset with a perf frame?

Each request opens the bundle anew before it is timed: indicators and everything else that is kept with an opened bundle
are computed within the timed part, every time.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rustybt import VectorStrategy, run_algorithm, run_batch
from rustybt.constants import OHLCV
from rustybt.data import bundles
from scripts.benchmarks.answering import Job, serve
from scripts.benchmarks.contenders.on_scripts import ingest
from scripts.parity.data_sets import DataSet


class Crossover(VectorStrategy):
    """An equal share in each asset whose fast average is above its slow one, every session."""

    fast, slow = 10, 50

    def target_percent(self, bars: Any, fast: int, slow: int) -> np.ndarray:
        """Decide all sessions."""
        return (bars.mean("close", fast) > bars.mean("close", slow)) / len(bars.assets)


class OneAsset(VectorStrategy):
    """Buy where the averages cross, and sell where they cross back; in between the position is left as it is."""

    assets = ("AAPL",)
    fast, slow = 10, 50

    def target_percent(self, bars: Any, fast: int, slow: int) -> np.ndarray:
        """Decide the sessions on which the averages cross."""
        rising = bars.mean("close", fast) > bars.mean("close", slow)
        before = np.vstack([rising[:1], rising[:-1]])
        return np.where(rising == before, np.nan, np.where(rising, 0.95, 0.0))


def first_assets(count: int | None) -> type[Crossover]:
    """Give the crossover of so many assets; of all without a number."""
    if count is None:
        return Crossover
    return type("Crossover", (Crossover,), {"assets": tuple(f"S{number:03d}" for number in range(count))})


def batch(request: dict[str, Any]) -> Job:
    """Prepare a run of many pairs of windows."""
    data = bundles.load(request["bundle"])
    for field in OHLCV:
        np.asarray(data.daily(field)).sum()
    strategy = first_assets(request.get("assets"))
    sets = [{"fast": fast, "slow": slow} for fast, slow in request["pairs"]]

    def run() -> pd.DataFrame:
        return run_batch(strategy, sets, data, request["start"], request["end"], request["capital"])

    def describe(rows: pd.DataFrame) -> dict[str, Any]:
        return {"value": float(rows["ending_value"].iloc[-1]), "note": f"{len(rows.columns) - 2} metrics of each"}

    return Job(run, describe)


def one_asset(request: dict[str, Any]) -> Job:
    """Prepare a run of one asset; its perf frame is part of it."""
    days = pd.Timestamp(request["start"]), pd.Timestamp(request["end"])

    def run() -> pd.DataFrame:
        return run_algorithm(*days, capital_base=request["capital"], bundle=request["bundle"], strategy=OneAsset())

    return Job(run, lambda perf: {"value": float(perf["portfolio_value"].iloc[-1])})


def load(arguments: dict[str, Any]) -> Callable[[dict[str, Any]], Job]:
    """Ingest the data sets."""
    os.environ["RUSTYBT_ROOT"] = arguments["root"]
    for name, first, last, symbols in arguments["data_sets"]:
        ingest("rustybt", DataSet(name, first, last, tuple(symbols)), Path(arguments["folder"]))
    kinds = {"batch": batch, "one_asset": one_asset}
    return lambda request: kinds[request["kind"]](request)


if __name__ == "__main__":
    serve(load)
