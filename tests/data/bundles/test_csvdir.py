"""A folder of CSV files becomes a bundle, or an error that names file, line, symbol and date."""

import contextlib
import decimal
import gzip
import re

import numpy as np
import pandas as pd
import pytest

from rustybt.calendars import get_calendar
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


def test_endings_are_of_any_case(folder):
    text = "\n".join((HEADER, *ROWS))
    (folder / "daily" / "A.CSV").write_text(text)
    (folder / "daily" / "B.CSV.GZ").write_bytes(gzip.compress(text.encode()))
    pd.read_csv(folder / "daily" / "A.CSV").to_parquet(folder / "daily" / "C.PARQUET")
    assert load_csvs(folder, full_precision=True).daily("close")[0].tolist() == [11.0, 11.0, 11.0]


def test_decimals_in_parquet_are_read_as_the_nearest_number(folder):
    made = pd.DataFrame([row.split(",") for row in ROWS], columns=HEADER.split(","))
    close = [decimal.Decimal(text) for text in ("9.29", "10.16", "11.37")]
    made = made.astype(dict.fromkeys(HEADER.split(",")[1:], float)).assign(close=close)
    made.to_parquet(folder / "daily" / "A.parquet")
    assert load_csvs(folder, full_precision=True).daily("close")[:, 0].tolist() == [9.29, 10.16, 11.37]


def test_lines_are_counted_with_those_of_blanks_alone(folder):
    put(folder, "A", ROWS[0], "  ", "\t", "2020-01-03,x,1,1,1,1")
    with pytest.raises(BadData, match=r"line 5 \(A, 2020-01-03\): open is 'x'"):
        load_csvs(folder)


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
    assert bundle.manifest.rows == 2 and bundle.manifest.gaps == {
        "A 0": {"missing": 1, "first": "2020-01-03", "spans": [["2020-01-03", "2020-01-03"]]}
    }


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
    "date twice": ((HEADER, ROWS[0], ROWS[0].replace("11", "11.5")), r"\(A, 2020-01-02\): the date comes twice, with"),
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
    "column twice": (
        (HEADER + ",Close", ROWS[0] + ",1"),
        r"line 1 \(A\): column 'close' comes twice \('close' and 'Close'\)",
    ),
    "negative dividend": ((HEADER + ",dividend", ROWS[0] + ",-1"), r"line 2 .*dividend -1 is not a possible amount"),
    "zero split": ((HEADER + ",split", ROWS[0] + ",0"), r"line 2 .*split 0 is not a possible ratio"),
    "no session": (
        (HEADER, "2020-01-04,1,1,1,1,1"),
        r"2020-01-04: none is among the sessions of calendar XNYS from 1990",
    ),
    "before the calendar": (
        (HEADER, "1980-01-02,1,1,1,1,1"),
        r"1980-01-02: none is among the sessions of calendar XNYS from 1990",
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


def test_a_file_of_another_calendar_is_refused_by_its_first_dates(folder):
    put(folder, "A", *(f"2020-02-{day:02},1,1,1,1,1" for day in (1, 2, 8, 9, 15, 16)))
    with pytest.raises(
        BadData, match=r"2020-02-01, 2020-02-02, 2020-02-08, 2020-02-09, 2020-02-15 and 1 more: none is"
    ):
        load_csvs(folder)


def test_rows_in_any_order_twice_or_on_a_holiday_are_ingested_and_reported(folder):
    path = put(folder, "A", ROWS[2], "2020-01-04,1,1,1,1,1", ROWS[0], ROWS[1], ROWS[0])
    with pytest.warns(IngestWarning) as warned:
        bundle = load_csvs(folder)
    assert bundle.daily("close")[:, 0].tolist() == [11.0, 12.0, 13.0]
    assert [str(one.message) for one in warned] == [
        f"1 rows outside of the calendar's sessions were dropped; the first: {path} line 3 (A, 2020-01-04): it is none "
        f"of the sessions of calendar XNYS from 1990-01-02 to {bundle_end()}",
        f"1 rows that repeat another were dropped; the first: {path} line 6 (A, 2020-01-02): the row comes twice",
    ]
    found = bundle.manifest.findings
    assert (found["outside"]["count"], found["duplicate"]["symbols"]) == (1, {"A": 1})
    assert found["duplicate"]["named"] == [
        {"symbol": "A", "date": "2020-01-02", "file": str(path), "line": 6, "text": "the row comes twice"}
    ]


def bundle_end():
    return str(get_calendar("XNYS").last_session.date())


def test_the_first_impossible_bar_is_shown_and_the_others_counted(folder):
    put(folder, "A", ROWS[0], "2020-01-03,1,0.5,1,1,1", "2020-01-06,1,0.5,1,1,1", "2020-01-07,-1,1,1,1,1")
    with pytest.raises(BadData, match=r"line 3 .*below low 1 \(2 more rows of the symbol cannot be either\): correct"):
        load_csvs(folder)


@pytest.mark.parametrize("on_bad_bars", ["drop", "keep"])
def test_impossible_bars_are_dropped_or_kept_where_the_user_wants_it(folder, on_bad_bars):
    path = put(folder, "A", ROWS[0], "2020-01-03,2,1,3,2,5", ROWS[2])
    with pytest.warns(
        IngestWarning, match=f"1 impossible bars were .*: {path} line 3 .A, 2020-01-03.: high 1 is below"
    ):
        bundle = load_csvs(folder, on_bad_bars=on_bad_bars)
    expected = [11.0, np.nan if on_bad_bars == "drop" else 2.0, 13.0]
    np.testing.assert_array_equal(bundle.daily("close")[:, 0], expected)
    with pytest.warns(IngestWarning, match="impossible"):
        bundles.ingest("csvs")  # which remembers it
    with pytest.raises(InvalidParameter, match="on_bad_bars 'ignore' is not known: choose 'error', 'drop' or 'keep'"):
        load_csvs(folder, on_bad_bars="ignore")


def test_columns_go_by_their_usual_names(folder):
    header = "Timestamp,Open,High,Low,Close,Adj Close,Vol,Dividends,Stock Splits"
    put(folder, "A", "2020-01-02,10,12,9,11,5.5,1000,0,0", "2020-01-03,5,6,4,5,5,9,0.5,2", header=header)
    with pytest.warns(IngestWarning) as warned:
        bundle = load_csvs(folder)
    assert [str(one.message).partition(":")[0] for one in warned] == [
        "1 of 1 dividends have no pay date",
        "column 'Adj Close' is not read",
    ]
    assert bundle.daily("close")[:, 0].tolist() == [11.0, 5.0]
    assert bundle.adjustments.splits["ratio"].tolist() == [0.5]


def test_parquet_files_of_one_symbol_are_read_as_csv_files_are(folder):
    put(folder, "A", *ROWS)
    expected = load_csvs(folder).fingerprint
    frame = pd.read_csv(folder / "daily" / "A.csv", parse_dates=["date"])
    (folder / "daily" / "A.csv").unlink()
    for made in (frame, frame.assign(date=frame["date"].dt.date), frame.assign(date=frame["date"].astype(str))):
        made.sample(frac=1, random_state=1).to_parquet(folder / "daily" / "A.parquet")
        assert load_csvs(folder).fingerprint == expected
    (folder / "daily" / "A.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(BadData, match=r"A\.parquet is no readable Parquet file|A\.parquet \(A\) cannot be read"):
        load_csvs(folder)


def test_tables_beside_the_bars_say_what_these_do_not(folder):
    rows = [f"{row},{d}" for row, d in zip(ROWS, ("", 0.5, 0), strict=True)]
    put(folder, "a", *rows, header=f"{HEADER},dividend")
    put(folder, "B", *ROWS)
    (folder / "assets.csv").write_text(
        "Symbol,Name,Exchange,Country,Start,End,Auto Close,tick_size\n"
        "A,Apple Pie,NYSE,US,2019-12-30,,2021-01-04,0.05\nZ,Nobody,NYSE,US,,,,\n"
    )
    (folder / "dividends.csv").write_text(
        "symbol,ex_date,amount,pay_date\nA,2020-01-03,0.6,2020-01-06\nB,2020-01-06,1,\n"
    )
    (folder / "splits.csv").write_text("symbol,date,ratio\nB,2020-01-03,4\n")
    with pytest.warns(IngestWarning) as warned:
        bundle = load_csvs(folder)
    assert sorted(str(one.message).partition(":")[0] for one in warned) == [
        "1 assets are described but have no bars, and are left out",
        "1 of 2 dividends have no pay date",
    ]
    first, second = bundle.asset_finder.equities
    assert (first.asset_name, first.exchange, first.country_code, first.tick_size) == ("Apple Pie", "NYSE", "US", 0.05)
    assert (str(first.start_date.date()), str(first.auto_close_date.date())) == ("2019-12-30", "2021-01-04")
    assert (second.exchange, second.tick_size) == ("CSVDIR", 0.01)
    assert bundle.adjustments.splits[["sid", "ratio"]].tolist() == [(1, 0.25)]
    days = [pd.Timestamp(day).value for day in ("2020-01-03", "2020-01-06")]
    assert bundle.adjustments.dividends[["sid", "ex_ns", "amount", "pay_ns"]].tolist() == [
        (0, days[0], 0.6, days[1]),
        (1, days[1], 1.0, NAT),
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("dividends.csv", "symbol,amount\nA,1\n", r"line 1: there is no column 'ex_date'"),
        ("dividends.csv", "symbol,ex_date,amount\nA,2020-01-03,x\n", r"line 2 \(A\): amount is 'x': write a number"),
        ("dividends.csv", "symbol,ex_date,amount\nA,soon,1\n", r"line 2 \(A\): ex_date is 'soon': write a date like"),
        ("splits.csv", "symbol,date,ratio\nA,2020-01-03,0\n", r"line 2 \(A\): ratio is '0': write a number"),
        ("splits.csv", "symbol,date,ratio,split\nA,2020-01-03,2,2\n", r"line 1: column 'ratio' comes twice"),
        ("assets.csv", "name\nApple\n", r"line 1: there is no column 'symbol'"),
        ("assets.csv", "symbol\nA\na\n", r"line 3 \(A\): the symbol comes twice"),
        ("assets.csv", "symbol,tick_size\nA,-1\n", r"line 2 \(A\): tick_size is '-1'"),
        ("assets.csv", "symbol,exchange,country\nA,X,US\nB,X,GB\n", r"exchange 'X' is in country"),
    ],
)
def test_broken_tables_are_refused_where_they_break(folder, name, text, message):
    put(folder, "A", *ROWS)
    put(folder, "B", *ROWS)
    (folder / name).write_text(text)
    with pytest.raises(BadData, match=message):
        load_csvs(folder)


@pytest.mark.parametrize("time", ["", "T00:00:00+09:00", " 20:00-05:00", "T15:30:00Z"])
def test_dates_beside_the_bars_are_those_that_are_written(folder, time):
    put(folder, "A", *ROWS)
    (folder / "dividends.csv").write_text(f"symbol,ex_date,amount,pay_date\nA,2020-01-03{time},1,2020-01-06{time}\n")
    (paid,) = load_csvs(folder).adjustments.dividends
    days = [pd.Timestamp(day).value for day in ("2020-01-03", "2020-01-06")]
    assert [int(paid[name]) for name in ("ex_ns", "pay_ns")] == days


def test_dividends_without_a_pay_date_are_paid_after_a_lag_where_it_is_given(folder):
    rows = [f"{row},{d}" for row, d in zip(ROWS, ("", 0.5, 0), strict=True)]
    put(folder, "A", *rows, header=f"{HEADER},dividend")
    bundle = load_csvs(folder, dividend_pay_lag=1)
    assert bundle.adjustments.dividends["pay_ns"].tolist() == [
        pd.Timestamp("2020-01-06").value
    ]  # the 4th is a Saturday
    with pytest.raises(InvalidParameter, match="dividend_pay_lag -1 is no whole number of days from 0 to 3650"):
        load_csvs(folder, dividend_pay_lag=-1)


def test_jumps_that_look_like_splits_are_told(folder):
    put(folder, "A", ROWS[0], "2020-01-03,5.4,5.6,5.3,5.5,2000", "2020-01-06,5.5,5.6,5.4,5.5,3000")
    with pytest.warns(
        IngestWarning, match="1 jumps look like splits .*the close goes from 11 to 5.5, which looks like"
    ):
        bundle = load_csvs(folder)
    assert bundle.manifest.findings["suspect"]["named"][0]["line"] == 3


def test_jumps_of_recorded_splits_are_not_told(folder):
    halved = ("2020-01-03,5.4,5.6,5.3,5.5,2000", "2020-01-06,5.5,5.6,5.4,5.5,3000")
    put(folder, "A", ROWS[0], *halved)
    (folder / "splits.csv").write_text("symbol,date,ratio\nA,2020-01-03,2\n")
    assert "suspect" not in load_csvs(folder).manifest.findings
    (folder / "splits.csv").unlink()
    put(folder, "A", f"{ROWS[0]},1", "2020-01-03,5.4,5.2,5.3,5.5,2000,2", f"{halved[1]},1", header=f"{HEADER},split")
    with pytest.warns(IngestWarning, match="1 impossible bars were dropped"):
        bundle = load_csvs(folder, on_bad_bars="drop")
    assert list(bundle.manifest.findings) == ["bad"]
    assert bundle.adjustments.splits["ratio"].tolist() == [0.5]


def test_actions_of_symbols_without_bars_are_told(folder):
    put(folder, "BRK.B", *ROWS)
    (folder / "splits.csv").write_text("symbol,date,ratio\nBRK-B,2020-01-03,2\nBRK-B,2020-01-06,2\n")
    (folder / "dividends.csv").write_text("symbol,ex_date,amount,pay_date\nC,2020-01-03,1,2020-01-06\n")
    with pytest.warns(IngestWarning) as warned:
        load_csvs(folder)
    assert [str(one.message) for one in warned] == [
        "dividends of 1 symbols that have no bars are left out: C",
        "splits of 1 symbols that have no bars are left out: BRK-B (did you mean 'BRK.B'?)",
    ]


@pytest.mark.parametrize(
    ("rows", "close", "ratios"),
    [
        (("5.4,5.6,5.3,5.5,2000,2", "5.4,5.6,5.3,5.5,2001,2"), np.nan, [0.5]),
        (("5.4,5.6,5.3,5.5,2000,2", "5.4,5.6,5.3,5.5,2001,2", "5.4,5.6,5.3,5.5,2002,2"), np.nan, [0.5]),
        (("5.4,5.6,5.3,5.5,2000,2", "5.4,5.6,5.3,5.5,2000,4"), np.nan, []),
        (("5.4,5.6,5.3,5.5,2000,2", "5.4,5.6,5.3,-5.5,2000,2"), 5.5, [0.5]),
        (("5.4,5.6,5.3,-5.5,2000,2", "5.4,5.6,5.3,-5.5,2001,2"), np.nan, [0.5]),
    ],
)
@pytest.mark.filterwarnings("ignore::rustybt.errors.IngestWarning")
def test_splits_of_rows_that_are_dropped_stay_where_all_rows_of_the_date_agree(folder, rows, close, ratios):
    first, *rest = [f"2020-01-03,{row}" for row in rows]
    put(folder, "A", f"{ROWS[0]},1", first, *rest, "2020-01-06,5.5,5.6,5.4,5.5,3000,1", header=f"{HEADER},split")
    bundle = load_csvs(folder, on_bad_bars="drop")
    np.testing.assert_array_equal(bundle.daily("close")[:, 0], [11.0, close, 5.5])
    assert bundle.adjustments.splits["ratio"].tolist() == ratios


@pytest.mark.parametrize(
    ("splits", "told"),
    [
        ("A,2020-01-06,2", False),
        ("A,2020-01-03,2", False),  # a session without a bar, between the two closes
        ("A,2020-01-02,2", True),
        ("A,2020-01-07,2", True),
        ("B,2020-01-06,2", True),
    ],
)
def test_jumps_of_splits_in_the_table_beside_are_not_told(folder, splits, told):
    put(folder, "A", ROWS[0], "2020-01-06,5.4,5.6,5.3,5.5,2000", "2020-01-07,5.5,5.6,5.4,5.5,3000")
    put(folder, "B", *ROWS)
    (folder / "splits.csv").write_text(f"symbol,date,ratio\n{splits}\n")
    with pytest.warns(IngestWarning) if told else contextlib.nullcontext():
        bundle = load_csvs(folder)
    assert ("suspect" in bundle.manifest.findings) is told


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("splits.csv", "symbol,date,ratio\nAAX,2020-01-06,2\n", r"splits of 1 symbols .* left out: AAX \(did you mean"),
        ("dividends.csv", "symbol,ex_date,amount\nX,2020-01-06,2\nY,2020-01-06,2\n", r"dividends of 2 .*: X, Y$"),
        (
            "assets.csv",
            "symbol,exchnge,note\nAA,NYSE,\n",
            r"column 'exchnge' is not read \(did you mean 'exchange'\?\)$",
        ),
        (
            "dividends.csv",
            "symbol,ex_date,amount,pay_date\nAA,2020-01-04,2,2020-01-06\n",
            "^1 dividends have an ex-date that is no session, and are never paid; the first: AA, ex-date 2020-01-04$",
        ),
        (
            "dividends.csv",
            "symbol,ex_date,amount,pay_date\nAA,2020-01-06,2,2020-01-03\n",
            "^1 dividends have a pay date before their ex-date, and are never paid",
        ),
        (
            "dividends.csv",
            "symbol,ex_date,amount,pay_date\nAA,2020-01-03,2,2020-01-04\n",
            "^1 dividends have a pay date that is no session, and are paid only by runs that correct",
        ),
    ],
)
def test_what_a_table_beside_says_in_vain_is_told(folder, name, text, message):
    put(folder, "AA", *ROWS)
    (folder / name).write_text(text)
    with pytest.warns(IngestWarning, match=message):
        bundle = load_csvs(folder)
    (note,) = bundle.manifest.findings["notes"]
    assert re.search(message, note)


@pytest.mark.parametrize("symbol", ["A B\tC", " A", "A" * 129])
def test_symbols_that_cannot_be_told_apart_are_refused(folder, symbol):
    put(folder, symbol, *ROWS)
    with pytest.raises(BadData, match=r"symbol '.*(is empty, or has blanks|has more than 128 characters)"):
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
