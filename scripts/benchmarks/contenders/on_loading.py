"""How long does it take until the bars of a bundle are there? Opened, with every field read once."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rustybt.constants import OHLCV
from rustybt.data import bundles
from scripts.benchmarks.answering import Job, serve
from scripts.benchmarks.contenders.on_scripts import ingest
from scripts.parity.data_sets import DataSet


def read(bundle: str) -> int:
    """Open a bundle, touch every number of its bars, and count the bars."""
    data = bundles.load(bundle)
    fields = {field: np.asarray(data.daily(field)) for field in OHLCV}
    assert all(np.isfinite(values.sum()) for values in fields.values())
    return int(fields["close"].size)


def load(arguments: dict[str, Any]) -> Callable[[dict[str, Any]], Job]:
    """Ingest the data sets."""
    root = Path(arguments["root"])
    os.environ["RUSTYBT_ROOT"] = str(root)
    for name, first, last, symbols in arguments["data_sets"]:
        ingest("rustybt", DataSet(name, first, last, tuple(symbols)), Path(arguments["folder"]))

    def prepare(request: dict[str, Any]) -> Job:
        if not request["derived"]:
            shutil.rmtree(root / "cache", ignore_errors=True)
        return Job(lambda: read(request["bundle"]), lambda bars: {"bars": bars})

    return prepare


if __name__ == "__main__":
    serve(load)
