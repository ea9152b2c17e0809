"""The bars that contenders get are the sample's, adjusted as their users' data is, and the same for a seed."""

import numpy as np
import pandas as pd
import pytest

from scripts.benchmarks.adjusted import read_bars
from scripts.benchmarks.bench_data import DataSet, adjusted_bars, later_product, write_sample, write_walks


def test_bars_before_a_split_and_a_dividend_are_adjusted():
    days = pd.date_range("2020-01-01", periods=4, name="date")
    flat = {field: [100.0, 100.0, 50.0, 45.0] for field in ("open", "high", "low", "close")}
    actions = {"volume": [1, 1, 2, 2], "split": [1, 1, 2.0, 1], "dividend": [0, 0, 0, 5.0]}
    got = adjusted_bars(pd.DataFrame({**flat, **actions}, index=days))
    assert got["close"].tolist() == pytest.approx([45.0] * 4)  # 100·(1/2)·(1 − 5/50)
    assert got["volume"].tolist() == [2, 2, 2, 2]


def test_the_product_of_what_comes_later():
    assert later_product(np.array([7.0, 2.0, 3.0])).tolist() == [6.0, 3.0, 1.0]


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    write_sample(folder)
    return folder


def test_the_sample_is_written_as_csv_and_adjusted(sample, mag7):
    bars = read_bars(str(sample), "2001-01-03", "2024-12-31", 0)
    assert (len(bars.sessions), len(bars.symbols)) == (6036, 8)
    assert np.isfinite(bars.arrays["close"][-1]).all()
    last = mag7.daily("close")[-1]
    np.testing.assert_allclose(bars.arrays["close"][-1], last, rtol=1e-12)
    csv = pd.read_csv(sample / "mag7" / "daily" / "AAPL.csv", index_col="date")
    assert len(csv) == 6289


def test_bars_start_as_early_as_windows_need(sample):
    bars = read_bars(str(sample), "2001-01-03", "2001-12-31", 49)
    assert bars.before("2001-01-03") == 49
    assert bars.frame("close").shape == (len(bars.sessions), 8)
    assert bars.of("META").empty


def test_days_are_made_of_minutes_and_a_seed_gives_the_same(tmp_path):
    data_set = DataSet("three", "2019-11-27", "2019-11-29", ("S000",))  # the last is a half day
    for name in ("a", "b"):
        write_walks(tmp_path / name, data_set, minutes=True)
    first, second = (tmp_path / name / "three" / "minute" / "S000.csv" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    minutes = pd.read_csv(first, parse_dates=["date"])
    days = pd.read_csv(tmp_path / "a" / "three" / "daily" / "S000.csv", parse_dates=["date"])
    assert len(minutes) == 390 + 210 and len(days) == 2
    assert days["volume"].sum() == pytest.approx(minutes["volume"].sum())
    assert (minutes["low"] <= minutes[["open", "close"]].min(axis=1)).all()
    assert (minutes["high"] >= minutes[["open", "close"]].max(axis=1)).all()
