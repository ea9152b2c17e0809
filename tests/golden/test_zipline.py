"""Zipline's scripts give Zipline's numbers: every cell of the perf frame and of the scripts' logs, to 1e-9."""

import gzip
import json
from pathlib import Path

import pytest

from tests.golden.oracle import differences, run

HERE = Path(__file__).parent / "zipline"
SCRIPTS = sorted(path.stem for path in (HERE / "algos").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_zipline_script_gives_ziplines_numbers(script, ingested):
    want = json.loads(gzip.decompress((HERE / "expected" / f"{script}.json.gz").read_bytes()))
    got = run(HERE / "algos" / f"{script}.py", "rustybt")
    assert differences(want, got, 1e-9) == []


def test_a_difference_is_found_and_named():
    want = {"index": ["2020-01-02"], "columns": {"pnl": [1.0]}, "log": []}
    got = {"index": ["2020-01-02"], "columns": {"pnl": [1.0 + 3e-9]}, "log": []}
    (line,) = differences(want, got, 1e-9)
    assert line.startswith("column pnl: 1 of 1 differ, first on 2020-01-02")


def test_prices_and_windows_agree_to_the_last_bit(ingested):
    """Comparisons of current with past values branch on the last bit, so 1e-9 is not enough for them."""
    want = json.loads(gzip.decompress((HERE / "expected" / "adversarial_prices.json.gz").read_bytes()))
    got = run(HERE / "algos" / "adversarial_prices.py", "rustybt")
    assert want["log"] == json.loads(json.dumps(got["log"]))
