"""How long does a Zipline script take under Zipline, and under this project? The word zipline is replaced."""

import hashlib
import importlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from scripts.benchmarks.answering import Job, serve
from scripts.parity.data_sets import DataSet, ingest_function

ALGORITHMS = Path(__file__).resolve().parents[1] / "algorithms"
Hook = Callable[[Any, Any], None]


def namespace_of(name: str, package: str) -> dict[str, Any]:
    """Execute an algorithm's text under a package."""
    path = ALGORITHMS / f"{name}.py"
    namespace: dict[str, Any] = {}
    exec(compile(re.sub(r"\bzipline\b", package, path.read_text()), str(path), "exec"), namespace)
    return namespace


def ingest(package: str, data_set: DataSet, folder: Path) -> None:
    """Register and ingest a csvdir of the bench."""
    bundles = importlib.import_module(f"{package}.data.bundles")
    first, last = pd.Timestamp(data_set.first), pd.Timestamp(data_set.last)
    function = ingest_function(data_set, folder)
    bundles.register(data_set.folder, function, calendar_name="XNYS", start_session=first, end_session=last)
    bundles.ingest(data_set.folder, show_progress=False)


def timing(hook: Hook, log: dict[str, Any]) -> Hook:
    """Wrap handle_data so that the seconds of the user's lines are known."""
    log["user_seconds"] = 0.0

    def timed(context: Any, data: Any) -> None:
        began = perf_counter()
        hook(context, data)
        log["user_seconds"] += perf_counter() - began

    return timed


def digest(perf: pd.DataFrame) -> str:
    """Digest every bit of the values, and of each transaction but its id: two runs are the same where it is."""
    sha = hashlib.sha256(np.ascontiguousarray(perf["portfolio_value"].to_numpy(float)).tobytes())
    for rows in perf["transactions"]:
        for row in rows:
            sha.update(repr([str(row["dt"]), row["amount"], row["price"], str(row["sid"])]).encode())
    return sha.hexdigest()


def describe(perf: pd.DataFrame, log: dict[str, Any], sizes: bool) -> dict[str, Any]:
    """Say what came out."""
    values = perf["portfolio_value"]
    said = {"value": float(values.iloc[-1]), "sessions": len(perf)}
    if sizes:
        said |= {"fills": sum(map(len, perf["transactions"])), "digest": digest(perf)}
    logged = {name: float(np.median(v)) if isinstance(v, list) else v for name, v in log.items()}
    return said | {"log": logged}


def load(arguments: dict[str, Any]) -> Callable[[dict[str, Any]], Job]:
    """Ingest the data sets into a root of this process's own, and give what prepares runs over them."""
    package, folder = arguments["package"], Path(arguments["folder"])
    os.environ.update(dict.fromkeys(("ZIPLINE_ROOT", "RUSTYBT_ROOT"), arguments["root"]))
    run_algorithm = importlib.import_module(package).run_algorithm
    for name, first, last, symbols in arguments["data_sets"]:
        ingest(package, DataSet(name, first, last, tuple(symbols)), folder)

    def prepare(request: dict[str, Any]) -> Job:
        algorithm = namespace_of(request["script"], package)
        algorithm.update(request.get("constants", {}))
        start, end = pd.Timestamp(request["start"]), pd.Timestamp(request["end"])
        log: dict[str, Any] = dict(request.get("log", {}))

        def initialize(context: Any) -> None:
            context.log = log
            algorithm["initialize"](context)

        handle_data = timing(algorithm["handle_data"], log) if request.get("user_time") else algorithm["handle_data"]
        flat = pd.Series(0.0, index=pd.date_range(start - pd.Timedelta(days=10), end))

        def run() -> pd.DataFrame:
            return run_algorithm(
                start=start,
                end=end,
                initialize=initialize,
                handle_data=handle_data,
                capital_base=request["capital"],
                data_frequency=request.get("frequency", "daily"),
                bundle=request["bundle"],
                benchmark_returns=flat,
            )

        return Job(run, lambda perf: describe(perf, log, request.get("sizes", True)))

    return prepare


if __name__ == "__main__":
    serve(load)
