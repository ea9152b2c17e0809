"""A folder of minute CSV files becomes a bundle, or an error that names file, line, symbol and time."""

import gzip
import re

import numpy as np
import pandas as pd
import pytest

from rustybt.constants import NAT, OHLCV
from rustybt.data import bundles
from rustybt.errors import BadData, IngestWarning, InvalidParameter
from tests.golden.ingest import DATA
from tests.minute_builders import minute_bars, minutes_of

HEADER = "date,open,high,low,close,volume"
DAILY = ("2019-11-27,10,12,9,11,1000", "2019-11-29,11,13,10,12,2000")
MINUTES = ("2019-11-29 14:31,5,7,4,6,10", "2019-11-29 14:33,6,8,5,7,20", "2019-12-02 14:31,7,9,6,8,30")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "csvs"


def put(folder, frame, symbol, *rows, header=HEADER):
    (folder / frame).mkdir(parents=True, exist_ok=True)
    path = folder / frame / f"{symbol}.csv"
    path.write_text("\n".join((header, *rows)) + "\n")
    return path


def load_csvs(folder, **options):
    bundles.ingest_csvdir(folder, "minute-csvs", **options)
    return bundles.load("minute-csvs")


def test_daily_and_minute_files_together(folder):
    put(folder, "daily", "A", *DAILY)
    put(folder, "minute", "A", *MINUTES)
    bundle = load_csvs(folder)
    assert (bundle.manifest.rows, bundle.manifest.minute_rows) == (2, 3)
    np.testing.assert_array_equal(bundle.daily("close")[:, 0], [11.0, 12.0, np.nan])
    assert bundle.minute("close", 0)[390:393, 0].tolist()[::2] == [6.0, 7.0]
    (asset,) = bundle.asset_finder.equities
    assert (str(asset.start_date.date()), str(asset.end_date.date())) == ("2019-11-27", "2019-12-02")
    assert str(asset.auto_close_date.date()) == "2019-12-03"


def test_minute_files_alone(folder):
    put(folder, "minute", "b", *MINUTES)
    put(folder, "minute", "A", *MINUTES[1:])
    bundle = load_csvs(folder)
    assert [(e.sid, e.symbol, str(e.start_date.date())) for e in bundle.asset_finder.equities] == [
        *((0, "A", "2019-11-29"), (1, "B", "2019-11-29"))
    ]
    bars = {field: bundle.daily(field)[:, 1].tolist() for field in OHLCV}
    assert bars == {"open": [5, 7], "high": [8, 9], "low": [4, 6], "close": [7, 8], "volume": [30, 30]}


def test_symbols_of_both_folders_are_numbered_together(folder):
    for symbol in ("C", "A"):
        put(folder, "daily", symbol, *DAILY)
    for symbol in ("C", "B"):
        put(folder, "minute", symbol, *MINUTES)
    with pytest.warns(IngestWarning, match=r"1 assets have minute bars but no daily bars \(sid 1\)"):
        bundle = load_csvs(folder)
    assert [e.symbol for e in bundle.asset_finder.equities] == ["A", "B", "C"]
    assert np.isnan(bundle.minute("close", 0)[390]).tolist() == [True, False, False]
    assert np.isnan(bundle.daily("close")[0]).tolist() == [False, True, False]


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%MZ", "%Y-%m-%d %H:%M:%S+00:00", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S"])
def test_forms_of_time(folder, form):
    frame = minute_bars(minutes_of("2019-11-29", "2019-12-02"))
    (folder / "minute").mkdir(parents=True)
    frame.to_csv(folder / "minute" / "A.csv", date_format=form)
    bundle = load_csvs(folder)
    assert bundle.manifest.minute_rows == 600
    np.testing.assert_array_equal(bundle.minute("volume", 1)[:, 0], frame["volume"].iloc[210:])


def test_an_offset_is_heeded_and_gz_is_unpacked(folder):
    (folder / "minute").mkdir(parents=True)
    with gzip.open(folder / "minute" / "A.csv.gz", "wt") as file:
        file.write(f"{HEADER}\n2019-11-29T09:31-05:00,1,1,1,1,1\n")
    assert load_csvs(folder).minute("close", 0)[0, 0] == 1.0


def test_bad_rows_are_named_by_file_line_symbol_and_time(folder):
    def fails(text, *rows):
        path = put(folder, "minute", "A", *rows)
        with pytest.raises(BadData, match=f"^{re.escape(str(path))} line {text}"):
            load_csvs(folder)

    good, later = "2019-11-29 14:31,5,7,4,6,10", "2019-11-29 14:40,5,7,4,6,10"
    fails(
        r"2 \(A, 2019-11-29 09:31\): 2019-11-29 09:31: none is among the market minutes", "2019-11-29 09:31,5,7,4,6,1"
    )
    fails(r"2 \(A, 2019-11-29 00:00\): .* \(label each by its end, in UTC\)", "2019-11-29,5,7,4,6,10")
    fails(r"\d \(A, 2019-11-29 14:40\): the date comes twice, with", good, later, later.replace(",10", ",11"))
    fails(r"3 \(A, noon\): date 'noon' cannot be read: write it like", good, "noon,5,7,4,6,10")
    fails(r"3 \(A, 2019-11-29 14:40\): high 3 is below low 4", good, "2019-11-29 14:40,5,3,4,6,10")
    fails(r"3 \(A, 2019-11-29 14:40\): open is 'x', not a number", good, "2019-11-29 14:40,x,7,4,6,10")


def test_rows_in_any_order_twice_or_while_the_market_is_closed_are_reported(folder):
    good, later, closed = (f"2019-11-29 {time},5,7,4,6,10" for time in ("14:31", "14:40", "18:01"))
    path = put(folder, "minute", "A", closed, later, good, later)
    with pytest.warns(IngestWarning) as warned:
        bundle = load_csvs(folder)
    assert bundle.manifest.minute_rows == 2
    texts = [str(one.message) for one in warned]
    assert f"the first: {path} line 2 (A, 2019-11-29 18:01): it is none of the market minutes" in texts[0]
    assert f"the first: {path} line 5 (A, 2019-11-29 14:40): the row comes twice" in texts[1]


def test_splits_and_dividends_of_minutes_count_once_a_session(folder):
    header = f"{HEADER},split,dividend"
    rows = [f"{row},1,0" for row in MINUTES[:1]] + [f"{row},2,0.5" for row in MINUTES[1:]]
    put(folder, "minute", "A", *rows, rows[-1].replace("14:31", "14:32"), header=header)
    with pytest.warns(IngestWarning, match="2 of 2 dividends have no pay date"):
        bundle = load_csvs(folder)
    days = [pd.Timestamp("2019-11-29").value, pd.Timestamp("2019-12-02").value]
    assert bundle.adjustments.splits.tolist() == [(0, day, 0.5) for day in days]
    assert bundle.adjustments.dividends[["ex_ns", "amount", "pay_ns"]].tolist() == [(day, 0.5, NAT) for day in days]
    assert bundle.adjustments.dividend_ratios.tolist() == [(0, days[1], 1 - 0.5 / 7.0)]


@pytest.mark.parametrize(("column", "values"), [("split", "2 3"), ("dividend", "0.5 0.25")])
def test_two_values_in_one_session_are_refused(folder, column, values):
    first, second = values.split()
    put(folder, "minute", "A", f"{MINUTES[0]},{first}", f"{MINUTES[1]},{second}", header=f"{HEADER},{column}")
    text = f"line 3 (A, 2019-11-29 14:33:00): {column} is {second}, but {first} earlier in the session: write one value"
    with pytest.raises(BadData, match=re.escape(text)):
        load_csvs(folder)


def test_splits_of_a_minute_file_beside_a_daily_one_are_not_used(folder):
    put(folder, "daily", "A", *DAILY)
    path = put(folder, "minute", "A", *(f"{row},2" for row in MINUTES), header=f"{HEADER},split")
    with pytest.warns(IngestWarning, match=f"{path} .A. has splits or dividends, but those of its daily bars are used"):
        bundle = load_csvs(folder)
    assert len(bundle.adjustments.splits) == 0


def test_tframes_choose_the_folders(folder):
    put(folder, "daily", "A", *DAILY)
    put(folder, "minute", "A", *MINUTES)
    for tframes, rows in {("daily",): (2, 0), ("minute",): (2, 3), ("minute", "daily"): (2, 3)}.items():
        bundles.register("chosen", bundles.csvdir_equities(tframes, folder))
        bundles.ingest("chosen")
        bundles.unregister("chosen")
        bundle = bundles.load("chosen")
        assert (bundle.manifest.rows, bundle.manifest.minute_rows) == rows
    assert bundle.daily("close")[0, 0] == 11.0
    for wrong in ([], "daily", ["daily", "hourly"]):
        with pytest.raises(InvalidParameter, match=r"is not supported: use \['daily'\], \['minute'\] or both"):
            bundles.csvdir_equities(wrong, folder)


def test_a_folder_that_is_asked_for_must_be_there(folder):
    put(folder, "daily", "A", *DAILY)
    bundles.register("lacking", bundles.csvdir_equities(["daily", "minute"], folder))
    with pytest.raises(BadData, match="has no folder minute/ with <symbol>.csv files"):
        bundles.ingest("lacking")
    bundles.unregister("lacking")
    (folder / "minute").mkdir()
    with pytest.raises(BadData, match="minute has no <symbol>.csv, <symbol>.csv.gz or <symbol>.parquet files"):
        load_csvs(folder)


def test_the_source_is_remembered(folder):
    put(folder, "minute", "A", *MINUTES)
    load_csvs(folder)
    put(folder, "minute", "A", *MINUTES, "2019-12-03 14:31,7,9,6,8,30")
    bundles.ingest("minute-csvs")
    assert bundles.load("minute-csvs").manifest.minute_rows == 4


def test_golden_folder_equals_the_same_frames_written_by_hand(ingested_root):
    by_hand = bundles.load("minutes", {"RUSTYBT_ROOT": str(ingested_root)})
    bundle = load_csvs(DATA / "minutes")
    for block in (0, 1):
        for field in OHLCV:
            np.testing.assert_array_equal(bundle.minute(field, block), by_hand.minute(field, block))
    np.testing.assert_array_equal(bundle.daily("close"), by_hand.daily("close"))
