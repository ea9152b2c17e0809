"""A folder of CSV files becomes a bundle, or an error that names file, line, symbol and date."""

import gzip
import re

import numpy as np
import pandas as pd
import pytest

from rustybt.constants import NAT
from rustybt.data import bundles
from rustybt.errors import BadData, IngestWarning, InvalidParameter
from tests.golden.ingest import DATA

HEADER = "date,open,high,low,close,volume"
ROWS = ("2020-01-02,10,12,9,11,1000", "2020-01-03,11,13,10,12,2000", "2020-01-06,12,14,11,13,3000")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "csvs" / "daily").mkdir(parents=True)
    return tmp_path / "csvs"


def put(folder, symbol, *rows, header=HEADER):
    path = folder / "daily" / f"{symbol}.csv"
    path.write_text("\n".join((header, *rows)) + "\n")
    return path


def load_csvs(folder, **options):
    bundles.ingest_csvdir(folder, "csvs", **options)
    return bundles.load("csvs")


def test_symbols_are_numbered_alphabetically(folder):
    for symbol in ("ZED", "abc", "MID"):
        put(folder, symbol, *ROWS)
    finder = load_csvs(folder).asset_finder
    assert [(e.sid, e.symbol) for e in finder.equities] == [(0, "ABC"), (1, "MID"), (2, "ZED")]


def test_asset_lives_from_first_to_last_row_and_closes_a_day_later(folder):
    put(folder, "A", *ROWS)
    (asset,) = load_csvs(folder).asset_finder.equities
    assert (str(asset.start_date.date()), str(asset.end_date.date())) == ("2020-01-02", "2020-01-06")
    assert str(asset.auto_close_date.date()) == "2020-01-07"
    assert (asset.exchange, asset.country_code) == ("CSVDIR", "US")


def test_values_gz_any_case_and_any_order_of_columns(folder):
    put(folder, "A", *ROWS)
    text = "Volume,Close,Low,High,Open,Date\n1000,11,9,12,10,1/2/2020\n"
    with gzip.open(folder / "daily" / "B.csv.gz", "wt") as file:
        file.write(text)
    (folder / "daily" / "notes.txt").write_text("no bars")
    (folder / "daily" / ".hidden.csv").write_text("no bars")
    bundle = load_csvs(folder)
    assert bundle.daily("close")[0].tolist() == [11.0, 11.0]
    assert bundle.daily("volume")[:, 1].tolist() == [1000.0, 0.0, 0.0]
    assert bundle.daily("open")[2, 0] == 12.0 and bundle.daily("low")[1, 0] == 10.0


def test_splits_are_stored_inverted_and_dividends_never_paid(folder):
    rows = [f"{row},{d},{s}" for row, d, s in zip(ROWS, ("", 0.5, 0), (1, 2, ""), strict=True)]
    put(folder, "A", *rows, header=f"{HEADER},dividend,split")
    with pytest.warns(IngestWarning, match="1 of 1 dividends have no pay date"):
        bundle = load_csvs(folder)
    day = pd.Timestamp("2020-01-03").as_unit("ns").value
    assert bundle.adjustments.splits.tolist() == [(0, day, 0.5)]
    (paid,) = bundle.adjustments.dividends
    assert (paid["amount"], paid["ex_ns"], paid["pay_ns"]) == (0.5, day, NAT)
    assert bundle.adjustments.dividend_ratios["ratio"].tolist() == [1 - 0.5 / 11]


def test_blank_lines_empty_cells_and_a_byte_order_mark_are_fine(folder):
    path = folder / "daily" / "A.csv"
    path.write_text(f"\ufeff{HEADER}\n{ROWS[0]}\n\n2020-01-03,,,,,\n{ROWS[2]}\n\n", encoding="utf-8")
    bundle = load_csvs(folder)
    np.testing.assert_array_equal(bundle.daily("close")[:, 0], [11.0, np.nan, 13.0])
    assert bundle.manifest.rows == 2 and bundle.manifest.gaps == {"A 0": {"missing": 1, "first": "2020-01-03"}}


def test_prices_are_read_to_the_nearest_float(folder):
    cells = ["0.1234567890123456789", "9007199254740993.5", "1e-7", "0.30000000000000004"]
    put(folder, "A", *(f"{row[:10]},{c},{c},{c},{c},7" for row, c in zip(ROWS, cells, strict=False)))
    bundle = load_csvs(folder)
    stored = pd.read_parquet(bundle.path / "daily.parquet")["close"].tolist()
    assert stored == [float(cell) for cell in cells[:3]]


BROKEN = {
    "missing column": (
        (HEADER.replace("close", "clsoe"), ROWS[0]),
        r"line 1 \(A\): there is no column 'close' \(did you",
    ),
    "text for a number": ((HEADER, ROWS[0], "", "2020-01-03,11,x,10,12,5"), r"line 4 \(A, 2020-01-03\): high is 'x'"),
    "truth for a number": ((HEADER, "2020-01-02,True,2,1,1,5"), r"line 2 \(A, 2020-01-02\): open is 'True'"),
    "high below low": ((HEADER, "2020-01-02,2,1,3,2,5"), r"line 2 \(A, 2020-01-02\): high 1 is below low 3"),
    "date twice": ((HEADER, ROWS[0], ROWS[0]), r"line 3 \(A, 2020-01-02\): the date 2020-01-02 comes twice"),
    "unsorted": ((HEADER, ROWS[1], ROWS[0]), r"line 3 \(A, 2020-01-02\): the date comes after 2020-01-03: sort"),
    "no date": ((HEADER, ROWS[0], ",1,1,1,1,1"), r"line 3 \(A\): the date is missing"),
    "bad date": ((HEADER, "2020-02-30,1,1,1,1,1"), r"line 2 \(A, 2020-02-30\): date '2020-02-30' cannot be read"),
    "time of day": ((HEADER, "2020-01-02 09:30,1,1,1,1,1"), r"line 2 .*has a time of day"),
    "negative price": ((HEADER, "2020-01-02,-1,1,-1,1,1"), r"line 2 .*open -1 is negative"),
    "negative volume": ((HEADER, "2020-01-02,1,1,1,1,-5"), r"line 2 .*volume -5 is negative"),
    "infinite": ((HEADER, "2020-01-02,1,inf,1,1,1"), r"line 2 .*high is infinite"),
    "cut-off row": (
        (HEADER, ROWS[0], "2020-01-03,11,13"),
        r"line 3 \(A, 2020-01-03\): the row has 3 cells, the header 6",
    ),
    "long row": ((HEADER, ROWS[0] + ",1"), r"line 2 \(A, 2020-01-02\): the row has 7 cells, the header 6"),
    "no rows": ((HEADER,), r"\(A\): there is no row below the header"),
    "empty file": ((), r"\(A\): the file is empty"),
    "column twice": ((HEADER + ",Close", ROWS[0] + ",1"), r"line 1 \(A\): column 'close' comes twice"),
    "negative dividend": ((HEADER + ",dividend", ROWS[0] + ",-1"), r"line 2 .*dividend -1 is not a possible amount"),
    "zero split": ((HEADER + ",split", ROWS[0] + ",0"), r"line 2 .*split 0 is not a possible ratio"),
    "no session": ((HEADER, "2020-01-04,1,1,1,1,1"), r"\(A\): 2020-01-04 is no session of calendar XNYS from 1990"),
    "before the calendar": (
        (HEADER, "1980-01-02,1,1,1,1,1"),
        r"\(A\): 1980-01-02 is no session of calendar XNYS from 1990",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_file_is_refused_where_it_breaks(folder, case):
    lines, message = BROKEN[case]
    path = folder / "daily" / "A.csv"
    path.write_text("\n".join(lines) + ("\n" if lines else ""))
    with pytest.raises(BadData, match=re.escape(str(path)) + ".*" + message) as caught:
        load_csvs(folder)
    assert "\n" not in str(caught.value)
    assert bundles.versions("csvs") == ()


def test_no_session_names_the_first_dates_only(folder):
    put(folder, "A", *(f"2020-02-{day:02},1,1,1,1,1" for day in range(1, 29)))
    with pytest.raises(BadData, match=r"2020-02-01, 2020-02-02, 2020-02-08, 2020-02-09, 2020-02-15 and 4 more are no"):
        load_csvs(folder)


def test_bytes_that_are_no_text_are_refused(folder):
    (folder / "daily" / "A.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(BadData, match=r"A\.csv \(A\) is no readable text"):
        load_csvs(folder)
    (folder / "daily" / "A.csv").unlink()
    (folder / "daily" / "B.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(BadData, match=r"B\.csv\.gz \(B\) is no readable text"):
        load_csvs(folder)


def test_folder_errors(folder, tmp_path):
    with pytest.raises(BadData, match=r"daily has no <symbol>.csv"):
        load_csvs(folder)
    with pytest.raises(BadData, match=r"nowhere is not a directory"):
        load_csvs(tmp_path / "nowhere")
    with pytest.raises(BadData, match=r"has no folder daily/ with <symbol>.csv files:|has no folder daily/"):
        load_csvs(tmp_path)
    put(folder, "A", *ROWS).rename(folder / "A.csv")
    (folder / "daily").rmdir()
    with pytest.raises(BadData, match=r"move them into daily/"):
        load_csvs(folder)


def test_two_files_of_one_symbol_are_refused(folder):
    put(folder, "a", *ROWS)
    put(folder, "A", *ROWS)
    with pytest.raises(BadData, match=r"are both of symbol A: keep one"):
        load_csvs(folder)


def test_unknown_calendar(folder):
    put(folder, "A", *ROWS)
    with pytest.raises(InvalidParameter, match=r"calendar 'XNYZ' is not known"):
        load_csvs(folder, calendar_name="XNYZ")


def test_another_calendar(folder):
    put(folder, "BTC", "2020-01-04,1,1,1,1,1", "2020-01-05,1,1,1,1,1")
    bundle = load_csvs(folder, calendar_name="24/7")
    assert bundle.calendar_name == "24/7" and bundle.daily("close").shape == (2, 1)
    assert bundle.asset_finder.equities[0].country_code == "??"


def test_ingests_again_and_loads_from_disk_without_registration(folder):
    put(folder, "A", *ROWS)
    first = load_csvs(folder)
    put(folder, "A", *ROWS, "2020-01-07,1,1,1,1,1")
    version = bundles.ingest("csvs")
    again = bundles.load("csvs")
    assert (again.version, again.manifest.rows, first.manifest.rows) == (version, 4, 3)
    assert again.manifest.source == {"kind": "csvdir", "path": str(folder), "calendar": "XNYS"}
    assert "csvs" not in bundles.bundles


def test_name_of_a_registered_bundle_is_refused(folder):
    put(folder, "A", *ROWS)
    with pytest.raises(InvalidParameter, match=r"name 'mag-7' belongs to a registered bundle"):
        bundles.ingest_csvdir(folder, "mag-7")


def test_registered_csvdir_reads_the_environment(folder, monkeypatch):
    put(folder, "A", *ROWS)
    with pytest.raises(BadData, match="CSVDIR is not set"):
        bundles.ingest("csvdir")
    monkeypatch.setenv("CSVDIR", str(folder))
    bundles.ingest("csvdir")
    assert bundles.load("csvdir").manifest.rows == 3


def test_csvdir_equities_registers_like_zipline(folder):
    put(folder, "A", *ROWS)
    bundles.register("mine", bundles.csvdir_equities(["daily"], str(folder)), calendar_name="XNYS")
    bundles.ingest("mine")
    bundles.unregister("mine")
    assert bundles.load("mine").manifest.rows == 3
    with pytest.raises(InvalidParameter, match=r"tframes \['weekly'\] is not supported"):
        bundles.csvdir_equities(["weekly"], str(folder))


def test_golden_files_read_as_by_pandas():
    with pytest.warns(IngestWarning, match="48 of 48 dividends have no pay date"):
        bundles.ingest_csvdir(DATA / "quad", "quad")
    bundle = bundles.load("quad")
    frame = pd.read_csv(DATA / "quad" / "daily" / "KO.csv", index_col="date")
    column = bundle.asset_finder.lookup_symbol("KO", None).column
    np.testing.assert_array_equal(bundle.daily("close")[:, column], np.rint(frame.close * 1000) * 0.001)
