"""What does a package answer to an algorithm? A worker that runs algorithms, one a line of standard input.

usage: python -m scripts.parity.run_one PACKAGE DATA

Each line is JSON with an algorithm's "source"; its answer is a line of JSON with every column of the perf frame (orders
and transactions without their ids), the algorithm's own log and, if it raised, the error. The worker runs under the
interpreter of the package (Zipline's or this project's), needs NumPy and pandas alone, and keeps its bundles in a
temporary folder.
"""

import contextlib
import importlib
import json
import logging
import math
import os
import re
import sys
import tempfile
import time
import types
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from scripts.parity.data_sets import ingest

ROOTS = ("ZIPLINE_ROOT", "RUSTYBT_ROOT")
IDS = ("id", "order_id")


def plain_scalar(value: Any) -> Any:
    """Give the JSON form of a single value; what is not finite becomes text, so that it stays apart from None."""
    if value is None or isinstance(value, str):
        return value
    if value is pd.NaT:
        return "NaT"
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.symbol if hasattr(value, "symbol") else str(value)


def plain(value: Any) -> Any:
    """Give the JSON form of whatever an algorithm logs or a perf cell holds."""
    if isinstance(value, dict):
        return {str(plain_scalar(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    return plain_scalar(value)


def without_ids(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop the ids of orders or transactions, and sort what is left."""
    rows = [{key: value for key, value in row.items() if key not in IDS} for row in rows]
    return sorted(rows, key=lambda row: [str(row.get("dt")), str(row.get("sid")), json.dumps(row, sort_keys=True)])


def is_missing(cell: Any) -> bool:
    """Whether a perf frame's cell is NaN or None, which are the same in a column of numbers."""
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def dump(perf: pd.DataFrame) -> dict[str, Any]:
    """Give the JSON form of a perf frame."""
    columns = {}
    for name in perf.columns:
        cells = [None if is_missing(cell) else plain(cell) for cell in perf[name]]
        columns[name] = [without_ids(cell) for cell in cells] if name in ("orders", "transactions") else cells
    return {"sessions": [label.strftime("%Y-%m-%d") for label in perf.index], "columns": columns}


def namespace_of(source: str, package: str) -> dict[str, Any]:
    """Execute a Zipline script, its package's name replaced."""
    module = types.ModuleType("algorithm")
    exec(compile(re.sub(r"\bzipline\b", package, source), "<algorithm>", "exec"), module.__dict__)
    return vars(module)


def call(package: str, algorithm: dict[str, Any], log: list[Any]) -> pd.DataFrame:
    """Run an algorithm with the arguments in its CONFIG; `log` becomes context.log."""
    config = dict(algorithm["CONFIG"])
    start, end = pd.Timestamp(config.pop("start")), pd.Timestamp(config.pop("end"))
    benchmark = config.pop("benchmark")
    if benchmark in ("", "series"):
        days = pd.date_range(start - pd.Timedelta(days=10), end)
        rises = [0.0 if not benchmark else (i * 7919 % 41 - 20) / 2000 for i in range(len(days))]
        config["benchmark_returns"] = pd.Series(rises, index=days)

    def initialize(context: Any) -> None:
        context.log = log
        algorithm["initialize"](context)

    hooks = {name: algorithm[name] for name in ("handle_data", "before_trading_start") if name in algorithm}
    run_algorithm = importlib.import_module(package).run_algorithm
    return run_algorithm(start=start, end=end, initialize=initialize, **hooks, **config)


def run(package: str, source: str, prepare: Callable[[], None]) -> dict[str, Any]:
    """Run an algorithm's source, and give what a user sees; an exception is part of the answer."""
    log: list[Any] = []
    began = time.perf_counter()
    try:
        prepare()
        result = dump(call(package, namespace_of(source, package), log))
    except Exception as error:  # whatever the algorithm or the package raises is what is compared
        kinds = [kind.__name__ for kind in type(error).__mro__]
        result = {"error": kinds[0], "kinds": kinds, "message": str(error)[:300]}
    return {**result, "log": plain(log), "seconds": round(time.perf_counter() - began, 3)}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings and logging of the packages."""
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def own_root() -> Iterator[None]:
    """Keep bundles in a folder of this process."""
    with tempfile.TemporaryDirectory(prefix="parity-") as root:
        os.environ.update(dict.fromkeys(ROOTS, root))
        yield


def serve(package: str, data: Path, requests: IO[str], answers: IO[str]) -> None:
    """Answer each request's line, ingesting a data set when first used."""
    ingested = set()

    def prepare(bundle: str) -> None:
        if bundle not in ingested:
            ingest(package, bundle, data)
            ingested.add(bundle)

    for line in requests:
        request = json.loads(line)
        answer = run(package, request["source"], partial(prepare, request["bundle"]))
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main() -> None:
    package, data = sys.argv[1], Path(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # whatever the packages print
    with quiet(), own_root():
        serve(package, data, sys.stdin, answers)


if __name__ == "__main__":
    main()
