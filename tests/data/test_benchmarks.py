"""Benchmark returns from a file: what is read, and where a bad cell is."""

import pandas as pd
import pytest

from rustybt.data.benchmarks import get_benchmark_returns_from_file
from rustybt.errors import BadData


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "returns.csv"
        path.write_text(text)
        return path

    return write


def test_dates_with_and_without_zone_in_any_order(written):
    text = "name, date, return\nx,2020-01-03 00:00:00+00:00,-0.02\nx,2020-01-02,1e-2\n"
    series = get_benchmark_returns_from_file(written(text))
    assert series.index.tolist() == [pd.Timestamp("2020-01-02"), pd.Timestamp("2020-01-03")]
    assert series.tolist() == [0.01, -0.02]


def test_a_file_without_rows_is_no_return(written):
    assert len(get_benchmark_returns_from_file(written("date,return\n"))) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"returns.csv is no CSV file \(No columns"),
        ("date,retrun\n2020-01-02,1\n", r"has no column 'return' \(did you mean 'retrun'\?\): write a line"),
        ("day,return\n2020-01-02,1\n", "has no column 'date'"),
        ("date,return\n2020-01-02,1\n2020-13-02,1\n", "line 3: date is '2020-13-02'"),
        ("date,return\n2020-01-02,\n", "line 2: return is ''"),
        ("date,return\n2020-01-02,inf\n", "line 2: return is 'inf'"),
        ("date,return\n2020-01-02,1\n2020-01-02,2\n", "has two returns of 2020-01-02"),
    ],
)
def test_what_cannot_be_read_is_said(written, text, message):
    with pytest.raises(BadData, match=message):
        get_benchmark_returns_from_file(written(text))
