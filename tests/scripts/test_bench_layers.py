"""The bench of layers runs what it says with a layer and without it, and writes a table."""

import pytest

from rustybt.data import bundles
from rustybt.data.history_cache import shared_history
from scripts.benchmarks import bench_layers
from scripts.benchmarks.bench_layers import CASES, SIZES, over_dividends, seconds_of
from scripts.benchmarks.layer_data import ingest_dividends, ingest_minutes


def test_a_case_is_timed_on_and_off_and_told(tmp_path, capsys):
    out = tmp_path / "layers.md"
    assert bench_layers.main(["--quick", "--only", "sample", "model", "--output", str(out)]) == 0
    table = out.read_text().splitlines()
    assert table[2:4] == ["| Layer | Case | 1 backtests | 2 backtests |", "|---|---|---|---|"]
    assert table[4].startswith("| `history_cache` | monthly frames of 8 assets | ")
    assert table[5].startswith("| `prediction_cache` | a forest of 20 trees, asked monthly | ")
    assert out.read_text().strip() == capsys.readouterr().out.strip()


@pytest.mark.usefixtures("data_root")
def test_windows_over_dividends_come_from_the_cache_only_where_it_is_on(monkeypatch):
    monkeypatch.setattr(bench_layers, "YEAR", {"start": "2023-01-03", "end": "2023-03-31"})
    ingest_dividends("dividends-3", 3)
    bundle = bundles.load("dividends-3")
    assert len(bundle.adjustments.dividends) == 3 * 12
    case = CASES["few"]._replace(options=over_dividends(3))
    before = shared_history().statistics
    assert seconds_of(case, 4, "off") > 0
    assert shared_history().statistics[:2] == before[:2]
    assert seconds_of(case, 4, "on") > 0
    assert shared_history().statistics.hits > before.hits


@pytest.mark.usefixtures("data_root")
def test_a_month_of_minutes_is_whole():
    made = ingest_minutes("minutes-2", 2)
    assert len(made.sessions.session_ns) == 20 and made.has_minutes
    assert {case.layer for case in CASES.values()} == {"history_cache", "prediction_cache", "result_cache"}
    assert SIZES[0] == 1
