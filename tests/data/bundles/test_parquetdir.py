"""Long tables in Parquet become a bundle, whatever their columns are called and however their rows lie."""

import datetime
import re
import time

import numpy as np
import pandas as pd
import pytest

from rustybt.data import bundles
from rustybt.data.bundles import parquetdir
from rustybt.errors import BadData, IngestWarning, InvalidParameter
from tests.data.bundles.histories import SESSIONS

PRICES = ("open", "high", "low", "close")


def table(symbols=("A", "B"), rows=4, **columns):
    """Make a long table, whose close is 10 times the number of the symbol plus that of the row."""
    frame = pd.DataFrame({"symbol": np.repeat(list(symbols), rows), "date": np.tile(SESSIONS[:rows], len(symbols))})
    close = 10.0 * np.repeat(np.arange(1, len(symbols) + 1), rows) + np.tile(np.arange(rows), len(symbols))
    return frame.assign(**dict.fromkeys(PRICES, close), volume=100.0, **columns)


def ingested(path, **how):
    bundles.ingest_parquetdir(path, "long", **how)
    return bundles.load("long")


def test_columns_are_named_by_a_mapping_or_by_their_usual_names(tmp_path):
    expected = None
    for renamed, columns in (
        ({}, {}),
        ({"symbol": "Ticker", "date": "Timestamp", "volume": "Vol"}, {}),
        ({"symbol": "id", "close": "last price"}, {"symbol": "id", "close": "last price"}),
    ):
        table().rename(columns=renamed).to_parquet(tmp_path / "prices.parquet")
        bundle = ingested(tmp_path / "prices.parquet", columns=columns)
        assert bundle.daily("close").tolist() == [[10.0, 20.0], [11.0, 21.0], [12.0, 22.0], [13.0, 23.0]]
        expected = expected or bundle.fingerprint
        assert bundle.fingerprint == expected
    bundles.ingest("long")  # which remembers the mapping
    assert bundles.load("long").fingerprint == expected


def test_a_mapping_goes_before_a_usual_name(tmp_path):
    table(adjusted=1.0).to_parquet(tmp_path / "prices.parquet")
    assert ingested(tmp_path, columns={"close": "adjusted", "low": "adjusted"}).daily("close")[0].tolist() == [1.0, 1.0]


def test_without_a_column_of_symbols_each_file_is_one(tmp_path):
    for symbol in ("x", "y.z"):
        table((symbol,)).drop(columns="symbol").to_parquet(tmp_path / f"{symbol}.parquet")
    assert [equity.symbol for equity in ingested(tmp_path).asset_finder.equities] == ["X", "Y.Z"]


@pytest.mark.parametrize(
    "dates",
    [
        lambda days: days.date,
        lambda days: days.strftime("%Y-%m-%d"),
        lambda days: days.as_unit("s"),
        lambda days: days.tz_localize("UTC"),
    ],
)
def test_dates_are_of_any_kind(tmp_path, dates):
    made = table()
    made.assign(date=dates(pd.DatetimeIndex(made["date"]))).to_parquet(tmp_path / "a.parquet")
    assert ingested(tmp_path).daily("close")[:, 1].tolist() == [20.0, 21.0, 22.0, 23.0]


def test_minutes_are_seen_from_the_labels(tmp_path):
    minutes = pd.date_range("2020-01-02 14:31", periods=4, freq="min")
    made = table()
    made.assign(date=np.tile(minutes, 2)).to_parquet(tmp_path / "a.parquet")
    bundle = ingested(tmp_path)
    assert (bundle.manifest.minute_rows, bundle.daily("close").tolist()) == (8, [[13.0, 23.0]])


def test_daily_and_minute_folders_together(tmp_path):
    for kind, dates in (("daily", SESSIONS[:4]), ("minute", pd.date_range("2020-01-02 14:31", periods=4, freq="min"))):
        (tmp_path / kind).mkdir()
        table().assign(date=np.tile(dates, 2)).to_parquet(tmp_path / kind / "a.parquet")
    manifest = ingested(tmp_path).manifest
    assert (manifest.rows, manifest.minute_rows) == (8, 8)


def test_files_are_read_some_symbols_at_a_time(tmp_path, monkeypatch):
    made = table(tuple("ABCDEFG"), rows=5).sample(frac=1, random_state=3)
    for number, part in enumerate(np.array_split(np.arange(len(made)), 3)):
        made.iloc[part].to_parquet(tmp_path / f"{number}.parquet")
    whole = ingested(tmp_path).fingerprint
    monkeypatch.setattr(parquetdir, "ROWS_PER_BLOCK", 11)
    assert ingested(tmp_path).fingerprint == whole


def test_rows_that_are_dropped_are_named_by_file_and_number(tmp_path):
    made = table()
    made.loc[5, "date"] = pd.Timestamp("2020-01-04")
    made[:3].to_parquet(tmp_path / "a.parquet")
    made[3:].to_parquet(tmp_path / "b.parquet")
    with pytest.warns(IngestWarning, match="rows outside of the calendar"):
        bundle = ingested(tmp_path)
    (named,) = bundle.manifest.findings["outside"]["named"]
    assert (named["symbol"], named["file"], named["line"]) == ("B", str(tmp_path / "b.parquet"), 3)


@pytest.mark.parametrize(
    ("made", "columns", "message"),
    [
        (table().drop(columns="close"), {}, "there is no column 'close': the table needs symbol, date, open"),
        (table(), {"close": "last"}, "there is no column 'last' to read close from"),
        (table(ticker="A"), {}, "'symbol' and 'ticker' are both symbol: say which by a mapping of columns"),
        (table(("A", "a")), {}, "'A' and 'a' are both of symbol A: keep one"),
        (table(("A", "")), {}, "symbol '' is empty"),
        (table().assign(symbol=[1] * 8), {}, "symbol 1 is no text"),
        (table().assign(symbol=None), {}, "symbol None is no text"),
        (table().assign(close="x"), {}, "column 'close' holds .*string, not numbers: convert it"),
        (table().assign(date=1), {}, "column 'date' holds int64, not dates|cannot be read"),
        (
            table().assign(date=datetime.date(1980, 1, 2)),
            {},
            "1980-01-02.*: none is among the sessions of calendar XNYS",
        ),
        (table().assign(high=0.5), {}, r"a.parquet line 1 \(A, 2019-12-20\): high 0.5 is below low 10"),
    ],
)
def test_tables_that_cannot_be_read_are_refused(tmp_path, made, columns, message):
    made.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(BadData, match=message) as caught:
        ingested(tmp_path, columns=columns)
    assert "\n" not in str(caught.value)


def test_places_that_hold_no_tables_are_refused(tmp_path):
    with pytest.raises(BadData, match="has no .parquet files"):
        ingested(tmp_path)
    with pytest.raises(BadData, match="is no file and no folder"):
        ingested(tmp_path / "nowhere")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no table PAR1")
    with pytest.raises(BadData, match=re.escape(str(tmp_path / "a.parquet")) + " is no readable Parquet file"):
        ingested(tmp_path)
    with pytest.raises(InvalidParameter, match="columns name 'clos', which bars do not have .did you mean 'close'"):
        ingested(tmp_path, columns={"clos": "x"})
    with pytest.raises(InvalidParameter, match="frame 'weekly' is not known: choose 'daily' or 'minute'"):
        ingested(tmp_path, frame="weekly")


def test_names_of_files_with_wildcards_are_taken_as_they_are(tmp_path):
    folder = tmp_path / "a[b]*"
    folder.mkdir()
    table().to_parquet(folder / "prices?.parquet")
    assert ingested(folder).manifest.rows == 8


def test_files_with_other_names_of_a_column_are_refused(tmp_path):
    table(("A",)).to_parquet(tmp_path / "a.parquet")
    for renamed, message in (
        ({"volume": "vol"}, "b.parquet: volume is column 'vol', but 'volume' in other files: rename one"),
        ({"close": "Last Price"}, "b.parquet: there is no column 'close'"),
        ({"symbol": "name"}, "b.parquet has no column of symbols, but .*a.parquet has one"),
    ):
        table(("B",)).rename(columns=renamed).to_parquet(tmp_path / "b.parquet")
        with pytest.raises(BadData, match=message):
            ingested(tmp_path)
    table(("B",)).rename(columns={"volume": "Volume"}).to_parquet(tmp_path / "b.parquet")
    assert ingested(tmp_path).daily("volume")[0].tolist() == [100.0, 100.0]


@pytest.mark.parametrize("name", ["a", "c"])
def test_splits_count_though_other_files_have_no_such_column(tmp_path, name):
    table(("B",)).to_parquet(tmp_path / "b.parquet")
    table(("A",)).assign(split=[1, 2, 1, 1]).to_parquet(tmp_path / f"{name}.parquet")
    assert ingested(tmp_path).adjustments.splits["ratio"].tolist() == [0.5]


def test_columns_that_differ_in_capitals_alone_are_refused(tmp_path):
    table().rename(columns={"close": "c"}).assign(C=5.0)[::-1].to_parquet(tmp_path / "a.parquet")
    with pytest.raises(BadData, match="columns 'c' and 'C' differ in capitals alone: rename one"):
        ingested(tmp_path, columns={"close": "c"})
    table().assign(t=1, T=2).to_parquet(tmp_path / "a.parquet")
    assert ingested(tmp_path).manifest.rows == 8


def test_times_mean_the_same_in_every_timezone_of_the_machine(tmp_path, monkeypatch):
    daily = table()
    daily.assign(date=pd.DatetimeIndex(daily["date"]).tz_localize("UTC")).to_parquet(tmp_path / "daily.parquet")
    minutes = pd.date_range("2020-01-02 14:31", periods=4, freq="min")
    for folder, other in (("naive", minutes), ("mixed", minutes.tz_localize("UTC"))):
        (tmp_path / folder).mkdir()
        table(("A",)).assign(date=minutes).to_parquet(tmp_path / folder / "a.parquet")
        table(("B",)).assign(date=other).to_parquet(tmp_path / folder / "b.parquet")
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert ingested(tmp_path / "daily.parquet").manifest.rows == 8
        assert ingested(tmp_path / "mixed").fingerprint == ingested(tmp_path / "naive").fingerprint
    finally:
        monkeypatch.undo()
        time.tzset()
