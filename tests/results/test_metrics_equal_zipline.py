"""Do the metrics of a run equal the last row of Zipline's perf frame?"""

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest

from rustybt.results import return_metrics

EXPECTED = sorted((Path(__file__).parents[1] / "golden" / "zipline" / "expected").glob("*.json.gz"))
RUNS = {path.name.partition(".")[0]: json.loads(gzip.decompress(path.read_bytes())) for path in EXPECTED}
FRAMES = {name: run["columns"] for name, run in RUNS.items() if "columns" in run}  # the others end in an error
COLUMNS = {
    "total_return": "algorithm_period_return",
    "annual_volatility": "algo_volatility",
    "sharpe": "sharpe",
    "sortino": "sortino",
    "max_drawdown": "max_drawdown",
}
AGAINST_BENCHMARK = ("alpha", "beta")


@pytest.fixture(params=FRAMES)
def columns(request):
    return FRAMES[request.param]


def last_of(columns, name):
    value = columns[name][-1]
    return math.nan if value is None else value


@pytest.mark.parametrize("metric", COLUMNS)
def test_metrics_of_returns(columns, metric):
    got = getattr(return_metrics, metric)(np.array(columns["returns"], dtype=float))
    assert got == pytest.approx(last_of(columns, COLUMNS[metric]), rel=1e-9, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("metric", AGAINST_BENCHMARK)
def test_metrics_against_the_benchmark(columns, metric):
    wealth = np.concatenate(([1.0], 1.0 + np.array(columns["benchmark_period_return"], dtype=float)))
    benchmark = wealth[1:] / wealth[:-1] - 1
    got = getattr(return_metrics, metric)(np.array(columns["returns"], dtype=float), benchmark)
    assert got == pytest.approx(last_of(columns, metric), rel=1e-9, nan_ok=True)


def test_some_run_has_a_benchmark():
    assert any(frame["beta"][-1] is not None for frame in FRAMES.values())
