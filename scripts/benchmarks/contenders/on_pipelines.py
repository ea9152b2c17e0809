"""How long does a pipeline take under Zipline, and under this project? The word zipline is replaced in its text."""

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scripts.benchmarks.answering import Job, serve
from scripts.benchmarks.contenders.on_scripts import namespace_of
from scripts.benchmarks.pipeline_data import BUNDLE, ingest_function

Compute = Callable[[Any, pd.Timestamp, pd.Timestamp], pd.DataFrame]


def ingest(package: str, source: Path) -> None:
    """Register and ingest a universe."""
    bundles = importlib.import_module(f"{package}.data.bundles")
    with np.load(source) as file:
        first, last = pd.DatetimeIndex(file["sessions"])[[0, -1]]
    bundles.register(BUNDLE, ingest_function(source), calendar_name="XNYS", start_session=first, end_session=last)
    bundles.ingest(BUNDLE, show_progress=False)


def zipline_computes() -> Compute:
    """Give what runs a pipeline with Zipline's engine, all sessions at once, as its research notebooks do."""
    from zipline.data import bundles
    from zipline.pipeline.domain import US_EQUITIES
    from zipline.pipeline.engine import SimplePipelineEngine
    from zipline.pipeline.loaders import EquityPricingLoader

    bundles.register(BUNDLE, lambda *_: None, calendar_name="XNYS")

    def compute(pipeline: Any, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        data = bundles.load(BUNDLE)
        loader = EquityPricingLoader.without_fx(data.equity_daily_bar_reader, data.adjustment_reader)
        engine = SimplePipelineEngine(lambda column: loader, data.asset_finder, default_domain=US_EQUITIES)
        return engine.run_pipeline(pipeline, start, end)

    return compute


def rustybt_computes() -> Compute:
    """Give what runs a pipeline here, with nothing kept from an earlier one."""
    from rustybt.pipeline import disable_pipeline_cache, run_pipeline

    def compute(pipeline: Any, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        with disable_pipeline_cache():
            return run_pipeline(pipeline, start, end, bundle=BUNDLE)

    return compute


COMPUTES = {"zipline": zipline_computes, "rustybt": rustybt_computes}


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a pipeline's frame as arrays: days and sids of its rows, and its columns."""
    days = frame.index.get_level_values(0).to_numpy().astype("datetime64[ns]")
    sids = np.array([equity.sid for equity in frame.index.levels[1]])[frame.index.codes[1]]
    np.savez(path, days=days, sids=sids, **{f"column {name}": frame[name].to_numpy() for name in frame})


def load(arguments: dict[str, Any]) -> Callable[[dict[str, Any]], Job]:
    """Ingest the universe into the root where that is asked for, and give what prepares runs over it."""
    package = arguments["package"]
    os.environ.update(dict.fromkeys(("ZIPLINE_ROOT", "RUSTYBT_ROOT"), arguments["root"]))
    importlib.import_module(package)
    if arguments.get("source"):
        ingest(package, Path(arguments["source"]))
    make_pipeline = namespace_of("five_factors", package)["make_pipeline"]
    compute = COMPUTES[package]()

    def prepare(request: dict[str, Any]) -> Job:
        pipeline, start, end = make_pipeline(), pd.Timestamp(request["start"]), pd.Timestamp(request["end"])

        def describe(frame: pd.DataFrame) -> dict[str, Any]:
            write_frame(frame, Path(request["output"]))
            return {"rows": len(frame)}

        return Job(lambda: compute(pipeline, start, end), describe)

    return prepare


if __name__ == "__main__":
    serve(load)
