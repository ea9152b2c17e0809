"""What a frame of daily bars must be, and how it is stored."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.calendars import session_table
from rustybt.constants import OHLCV
from rustybt.data.bundles.daily_writer import DailyBarWriter
from rustybt.errors import BadData
from tests.builders import bars, days

SESSIONS = session_table("XNYS", "2019-12-02", "2020-12-31").session_ns


@pytest.fixture
def writer(tmp_path):
    return DailyBarWriter(tmp_path / "daily.parquet", SESSIONS, "XNYS")


def stored(tmp_path):
    return pd.read_parquet(tmp_path / "daily.parquet")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_index_of_any_unit_and_zone(writer, tmp_path, unit, zone):
    frame = bars([1.0, 2.0])
    frame.index = frame.index.as_unit(unit).tz_localize(zone)
    writer.write([(3, frame)])
    writer.close()
    table = stored(tmp_path)
    assert [str(day) for day in table["session"]] == ["2020-01-02", "2020-01-03"]
    assert list(table.columns) == ["sid", "session", *OHLCV] and table["sid"].tolist() == [3, 3]


def test_index_of_strings_or_dates(writer):
    writer.write([(0, bars([1.0, 2.0]).set_axis(["2020-01-02", "2020-01-03"]))])
    writer.write([(1, bars([1.0, 2.0]).set_axis(days(2).date))])
    assert writer.assets[0] == writer.assets[1]


def test_numbers_of_any_kind(writer, tmp_path):
    frame = bars([1.0, 2.0]).astype(object)
    frame["open"] = [1, Decimal("2.5")]
    frame["low"] = pd.array([1, None], dtype="Int64")
    frame["volume"] = np.array([5, 6], dtype=np.uint32)
    writer.write([(0, frame)], invalid_data_behavior="ignore")
    writer.close()
    assert stored(tmp_path)["open"].tolist() == [1.0, 2.5]
    assert np.isnan(stored(tmp_path)["low"].iloc[1])


def test_more_columns_are_passed_over_and_the_frame_is_left_alone(writer, tmp_path):
    frame = bars([1.0, np.nan]).assign(dividend=0.5)
    frame["volume"] = [5.0, np.nan]
    before = frame.copy()
    writer.write([(0, frame)])
    writer.close()
    pd.testing.assert_frame_equal(frame, before)
    assert len(stored(tmp_path)) == 1


def test_assets_may_come_in_any_order_and_in_several_calls(writer, tmp_path, monkeypatch):
    monkeypatch.setattr("rustybt.data.bundles.daily_writer.ROWS_PER_GROUP", 4)
    writer.write(iter([(5, bars([5.0] * 3)), (1, bars([1.0] * 3))]))
    writer.write([(3, bars([3.0] * 3))])
    writer.close()
    table = stored(tmp_path)
    assert table["sid"].tolist() == [1, 1, 1, 3, 3, 3, 5, 5, 5] and table["close"].tolist() == table["sid"].tolist()
    assert sorted(table["session"].tolist()[:3]) == table["session"].tolist()[:3]
    assert [path.name for path in tmp_path.iterdir()] == ["daily.parquet"]


def test_bars_are_written_while_they_come(writer, tmp_path, monkeypatch):
    monkeypatch.setattr("rustybt.data.bundles.daily_writer.ROWS_PER_GROUP", 10)
    held = []

    def frames():
        for sid in range(20):
            held.append(writer._pending_rows)
            yield sid, bars([1.0] * 4)

    writer.write(frames())
    writer.close()
    assert max(held) < 10
    assert pq.ParquetFile(tmp_path / "daily.parquet").num_row_groups > 4


def test_summary_counts_gaps_between_first_and_last(writer):
    writer.write([(0, bars([1.0] * 10).drop(days(10)[[3, 7]]))])
    got = writer.assets[0]
    assert (got.rows, got.missing) == (8, 2)
    spans = [[str(np.datetime64(day, "D")) for day in span] for span in got.missing_spans]
    assert spans == [["2020-01-07"] * 2, ["2020-01-13"] * 2]
    writer.write([(1, bars([1.0] * 10).drop(days(10)[[2, 3, 4, 7]]))])
    spans = [[str(np.datetime64(day, "D")) for day in span] for span in writer.assets[1].missing_spans]
    assert spans == [["2020-01-06", "2020-01-08"], ["2020-01-13"] * 2]


BAD = {
    "column": (
        lambda f: f.drop(columns="close"),
        r"sid 0: no column 'close': (daily )?bars need open, high, low, close",
    ),
    "near column": (lambda f: f.rename(columns={"close": "Close"}), r"no column 'close' \(did you mean 'Close'\?\)"),
    "text": (lambda f: f.astype({"open": object}).assign(open=["1.0", 2.0]), r"column 'open' holds '1.0', not numbers"),
    "truth": (lambda f: f.assign(open=True), r"column 'open' holds .*True.*, not numbers"),
    "objects": (lambda f: f.assign(low=[[1], [2]]), r"column 'low' holds something else than numbers"),
    "high below low": (lambda f: f.assign(high=[9.0, 0.5]), r"sid 0, 2020-01-03: high 0.5 is below low 2"),
    "negative": (lambda f: f.assign(low=[-1.0, 1.0]), r"sid 0, 2020-01-02: low -1 is negative"),
    "infinite": (lambda f: f.assign(volume=[1.0, np.inf]), r"sid 0, 2020-01-03: volume is infinite"),
    "twice": (lambda f: f.set_axis(days(1).repeat(2)), r"2020-01-02: the date 2020-01-02 comes twice"),
    "unsorted": (lambda f: f[::-1], r"2020-01-02: the date comes after 2020-01-03: sort the rows"),
    "no date": (lambda f: f.set_axis(pd.DatetimeIndex(["2020-01-02", None])), r"the date is missing"),
    "numbers": (lambda f: f.reset_index(drop=True), r"index holds numbers \(0\), not dates"),
    "words": (lambda f: f.set_axis(["soon", "later"]), r"index holds no dates"),
    "time": (lambda f: f.set_axis(days(2) + pd.Timedelta(hours=9)), r"09:00:00 has a time of day"),
    "weekend": (
        lambda f: f.set_axis(days(2) + pd.Timedelta(days=2)),
        r"2020-01-04, 2020-01-05 are no sessions of calendar",
    ),
    "before": (
        lambda f: f.set_axis(days(2, "2019-01-02")),
        r"2019-01-02, 2019-01-03 are no sessions .* from 2019-12-02",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_table_of_bars_is_refused(writer, case):
    change, message = BAD[case]
    with pytest.raises(BadData, match=message):
        writer.write([(0, change(bars([1.0, 2.0])))])
    assert writer.assets == {}


def test_sids_are_checked(writer):
    with pytest.raises(BadData, match=r"sid 7 were written, but assets names only \[1, 2\]"):
        writer.write([(7, bars([1.0]))], assets={1, 2})
    with pytest.raises(BadData, match=r"a sid is a number from 0 on"):
        writer.write([(-1, bars([1.0]))])
    writer.write([(1, bars([1.0]))], assets=[1, 2])
    with pytest.raises(BadData, match=r"sid 1 were written twice"):
        writer.write([(1, bars([1.0]))])


def test_an_empty_write_is_no_error(writer, tmp_path):
    writer.write(())
    writer.write([(0, bars([]))])
    writer.close()
    assert writer.assets == {} and not (tmp_path / "daily.parquet").exists()


@given(st.lists(st.floats(0, 1e12) | st.just(float("nan")), min_size=1, max_size=20), st.data())
def test_prices_come_back_bit_for_bit(tmp_path_factory, prices, data):
    folder = tmp_path_factory.mktemp("w")
    writer = DailyBarWriter(folder / "daily.parquet", SESSIONS, "XNYS")
    volume = data.draw(st.lists(st.floats(1, 1e15), min_size=len(prices), max_size=len(prices)))
    frame = bars(prices, volume)
    writer.write([(0, frame)], invalid_data_behavior="ignore")
    writer.close()
    table = stored(folder)
    np.testing.assert_array_equal(table[list(OHLCV)].to_numpy(), frame[list(OHLCV)].to_numpy(dtype=float))
