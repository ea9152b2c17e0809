"""The bench of pipelines draws a universe with all that it names, runs it, and sees results that differ."""

import numpy as np
import pandas as pd
import pytest

from rustybt.calendars import session_table
from scripts.benchmarks import bench_pipeline
from scripts.benchmarks.bench_pipeline import difference, figures_of, main
from scripts.benchmarks.pipeline_data import dividends, frames, splits, write_universe


@pytest.fixture(scope="module")
def universe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("universe")
    table = session_table("XNYS", pd.Timestamp("2010-01-04"), pd.Timestamp("2012-12-31"))
    sessions = pd.DatetimeIndex(table.session_ns.view("datetime64[ns]"))
    for name in ("first", "again"):
        write_universe(folder / f"{name}.npz", sessions, 60)
    with np.load(folder / "first.npz") as first, np.load(folder / "again.npz") as again:
        assert all(np.array_equal(first[name], again[name], equal_nan=True) for name in first.files)
        return dict(first), sessions


def test_assets_come_late_end_early_and_have_gaps_splits_and_dividends(universe):
    drawn, sessions = universe
    first, last, close = drawn["first"], drawn["last"], drawn["close"]
    assert (first > 0).sum() == 10 and (last < len(sessions) - 1).sum() == 10
    rows = np.arange(len(sessions))
    lives = (first[:, None] <= rows) & (rows <= last[:, None])
    assert np.isnan(close[~lives]).all()
    assert 0 < np.isnan(close[lives]).sum() < 200
    assert np.isfinite(close[np.arange(60), first]).all() and np.isfinite(close[np.arange(60), last]).all()
    assert len(splits(drawn, sessions)) > 3 and len(dividends(drawn, sessions)) > 30


def test_a_split_cuts_the_price_and_multiplies_the_shares(universe):
    drawn, _ = universe
    sids, rows = np.nonzero(drawn["split"] != 1.0)
    prices = drawn["close"][sids, rows] / drawn["close"][sids, rows - 1] / drawn["split"][sids, rows]
    assert np.isfinite(prices).sum() > 3
    assert prices[np.isfinite(prices)] == pytest.approx(1.0, abs=0.2)


def test_bars_of_an_asset_go_from_its_first_to_its_last(universe):
    drawn, sessions = universe
    for sid, frame in frames(drawn, sessions):
        assert frame.index[0] == sessions[drawn["first"][sid]] and frame.index[-1] == sessions[drawn["last"][sid]]
        there = frame.dropna()
        assert (there["high"] >= there[["open", "close"]].max(axis=1)).all()
        assert (there["low"] <= there[["open", "close"]].min(axis=1)).all()


def test_it_runs_alone_and_says_so(capsys, tmp_path):
    path = tmp_path / "bench.json"
    assert main(["--quick", "--assets", "12", "--json", str(path)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("pipeline: five factors, a screen and a rank; 40 assets, 30 sessions, ")
    assert "Zipline is left out" in shown and "peak memory: " in shown and path.exists()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, 0.0),
        ({"column a": [1.0, 2.0 + 1e-8, np.nan]}, 5e-9),
        ({"column a": [1.0, 2.0, 3.0]}, np.inf),
        ({"column a": [1.0, np.inf, np.nan]}, np.inf),
        ({"sids": [1, 2, 4]}, np.inf),
        ({"column b": [1.0, 2.0, 3.0]}, np.inf),
    ],
)
def test_results_that_differ_are_seen(tmp_path, changed, expected):
    plain = {"days": [0, 0, 1], "sids": [1, 2, 3], "column a": [1.0, 2.0, np.nan]}
    np.savez(tmp_path / "mine.npz", **plain)
    np.savez(tmp_path / "theirs.npz", **{**plain, **changed})
    assert difference(tmp_path / "mine.npz", tmp_path / "theirs.npz") == pytest.approx(expected, rel=1e-6)


def test_figures_are_the_median_ratio_the_most_memory_and_the_greatest_difference():
    own = [{"seconds": s, "cpu_seconds": s, "peak_mb": mb} for s, mb in ((1.0, 300.0), (2.0, 3000.0), (1.0, 310.0))]
    other = [{"seconds": s, "cpu_seconds": s, "peak_mb": 1.0} for s in (4.0, 12.0, 9.0)]
    ratio, memory, gap = figures_of([own, other], [0.0, 1e-8, 0.0])
    assert (ratio.value, ratio.verdict) == (6.0, "met")
    assert (memory.value, memory.verdict) == (3000.0, "missed")
    assert (gap.value, gap.verdict) == (1e-8, "missed")


def test_too_little_is_refused(capsys):
    with pytest.raises(SystemExit):
        bench_pipeline.arguments_of(["--repeats", "0"])
    assert "--repeats 0: give 1 or more" in capsys.readouterr().err
