"""Does a perf frame survive the way into a file and back, and is an older file kept until then?"""

import json
from enum import Enum

import numpy as np
import pandas as pd
import pytest

from rustybt.assets import Equity
from rustybt.errors import InvalidParameter
from rustybt.results.export import as_json, plain_frame, require_writable, write_perf


class Side(Enum):
    BUY = 1


class Opaque:
    def __str__(self):
        return "opaque"


@pytest.fixture
def frame():
    index = pd.DatetimeIndex(["2020-01-02 21:00", "2020-01-03 21:00"], tz="UTC")
    when = pd.Timestamp("2020-01-03 21:00", tz="UTC")
    return pd.DataFrame(
        {
            "period_open": index,
            "returns": [0.0, 0.1],
            "sharpe": [None, 1.5],
            "alpha": [None, None],
            "orders": [[], [{"id": "a", "amount": 5, "dt": when, "limit": None, "price": np.float64("nan")}]],
            "period_label": ["2020-01", "2020-01"],
            "note": ["text", 3],
        },
        index=index,
    )


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_plain_formats_read_back_the_same(frame, tmp_path, suffix):
    path = tmp_path / f"perf{suffix}"
    write_perf(frame, path)
    read = pd.read_parquet(path) if suffix == ".parquet" else pd.read_csv(path, index_col="session_close")
    assert read.columns.tolist() == frame.columns.tolist()
    assert read["returns"].tolist() == [0.0, 0.1]
    assert np.isnan(read["sharpe"].iloc[0])
    assert read["sharpe"].iloc[1] == 1.5
    assert read["alpha"].isna().all()
    assert read["period_label"].tolist() == ["2020-01", "2020-01"]
    assert json.loads(read["orders"].iloc[1]) == [
        {"id": "a", "amount": 5, "dt": "2020-01-03T21:00:00+00:00", "limit": None, "price": None}
    ]
    assert [json.loads(cell) for cell in read["note"]] == ["text", 3]
    assert [pd.Timestamp(when) for when in read.index] == frame.index.tolist()


def test_a_pickle_holds_the_frame_as_it_is(frame, tmp_path):
    write_perf(frame, tmp_path / "perf.pickle")
    pd.testing.assert_frame_equal(pd.read_pickle(tmp_path / "perf.pickle"), frame)


def test_an_older_file_stays_whole_when_writing_fails(frame, tmp_path, monkeypatch):
    path = tmp_path / "perf.csv"
    path.write_text("older")
    monkeypatch.setattr(pd.DataFrame, "to_csv", lambda self, target: target.write_text("half") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_perf(frame, path)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("perf.parqet", r"output '.*perf.parqet' ends in no known format \(did you mean '.parquet'\?\): choose one of"),
        ("perf", r"output '.*perf' ends in no known format: choose one of .parquet, .csv, .pickle"),
        ("missing/perf.csv", r"is in a folder that does not exist: make '.*missing' first"),
    ],
)
def test_a_bad_output_is_named_before_the_run(tmp_path, name, message):
    with pytest.raises(InvalidParameter, match=message):
        require_writable(tmp_path / name)


def test_assets_and_odd_values_become_text():
    value = {"sid": Equity(3, "AAPL"), "n": np.int64(2), "flag": np.bool_(True), "side": Side.BUY, "none": pd.NaT}
    assert json.loads(as_json(value)) == {"sid": "AAPL", "n": 2, "flag": True, "side": "BUY", "none": None}
    assert json.loads(as_json([Opaque(), {1}, np.array([1.0, np.inf])])) == ["opaque", [1], [1.0, None]]


def test_an_empty_frame_is_written_too(frame):
    assert plain_frame(frame.iloc[:0]).columns.tolist() == frame.columns.tolist()
