"""Versions from the command line: appended, restated, shown, verified, asked by SQL, and run as of a time."""

import json

import pandas as pd
import pytest

from rustybt import run_algorithm
from rustybt.api import record, symbol
from rustybt.constants import OHLCV
from rustybt.data import bundles
from rustybt.errors import IngestWarning

HEADER = "date,open,high,low,close,volume"
ROWS = [f"2020-01-{day:02},{price},{price + 1},{price - 1},{price},1000" for day, price in ((2, 10), (3, 11), (6, 12))]


@pytest.fixture
def prices(workplace):
    """Write rows into the one file of a folder of CSV files."""
    folder = workplace / "prices"
    (folder / "daily").mkdir(parents=True)

    def put(*rows, header=HEADER):
        (folder / "daily" / "AAA.csv").write_text("\n".join((header, *rows)) + "\n")

    put(*ROWS[:2])
    return put


@pytest.fixture
def two_versions(prices):
    """Ingest two versions of which only the second knows the last session."""
    first = bundles.ingest_csvdir("prices", "mine", timestamp="2021-01-01 12:00")
    prices(*ROWS)
    return first, bundles.ingest_csvdir("prices", "mine", timestamp="2022-01-01 12:00")


def test_an_append_adds_and_says_where_nothing_is_new(rustybt, prices):
    assert rustybt("ingest csvdir prices --name mine").exit_code == 0
    prices(ROWS[2])
    done = rustybt("ingest csvdir prices --name mine --append")
    assert done.stdout == "mine: 1 symbol, 3 daily bars, 2020-01-02 to 2020-01-06 (XNYS)\n"
    done = rustybt("ingest -b mine --append")
    assert done.stdout == "mine: 1 symbol, 3 daily bars, 2020-01-02 to 2020-01-06 (XNYS); nothing is new\n"
    assert len(bundles.versions("mine")) == 2


def test_a_past_that_changed_needs_restate(rustybt, one_line, prices):
    assert rustybt("ingest csvdir prices --name mine").exit_code == 0
    prices(ROWS[0].replace("1000", "1001"), *ROWS[1:])
    said = one_line("ingest csvdir prices --name mine --append")
    assert said.startswith("AAA (sid 0), 2020-01-02: volume was 1000 and is 1001")
    assert one_line("ingest csvdir prices --name mine --restate") == (
        "restate changes what append goes on from: give append too"
    )
    assert "3 daily bars" in rustybt("ingest csvdir prices --name mine --append --restate").stdout
    assert bundles.load("mine").daily("volume")[0, 0] == 1001.0


@pytest.mark.parametrize(("choice", "closes"), [("drop", [10.0, None, 12.0]), ("keep", [10.0, 99.0, 12.0])])
def test_bad_bars_are_errors_unless_the_user_decides(rustybt, one_line, prices, choice, closes):
    prices(ROWS[0], "2020-01-03,11,12,13,99,1000", ROWS[2])
    assert "high 12 is below low 13" in one_line("ingest csvdir prices --name mine")
    done = rustybt(f"ingest csvdir prices --name mine --on-bad-bars {choice}")
    assert done.exit_code == 0 and "AAA.csv line 3 (AAA, 2020-01-03): high 12 is below low 13" in done.stderr
    got = bundles.load("mine").daily("close")[:, 0].tolist()
    assert [None if price != price else price for price in got] == closes
    assert "high 12 is below low 13" in rustybt("bundles show mine").stdout
    assert rustybt("ingest csvdir prices --name mine --on-bad-bars guess").exit_code == 2


def test_dividends_are_paid_after_the_lag(rustybt, prices):
    prices(*(f"{row},{paid}" for row, paid in zip(ROWS, (0, 0.5, 0), strict=True)), header=HEADER + ",dividend")
    with pytest.warns(IngestWarning, match="1 of 1 dividends have no pay date"):
        assert rustybt("ingest csvdir prices --name mine").exit_code == 0
    assert rustybt("ingest csvdir prices --name mine --dividend-pay-lag 2").stderr == ""
    (paid,) = bundles.load("mine").adjustments.dividends
    assert pd.Timestamp(int(paid["pay_ns"])) == pd.Timestamp("2020-01-06")  # the 5th is a Sunday
    assert rustybt("ingest csvdir prices --name mine --dividend-pay-lag -1").exit_code == 2


def test_a_long_table_is_read_by_a_mapping_of_columns(rustybt, one_line, workplace):
    rows = [row.split(",") for row in ROWS]
    table = pd.DataFrame([map(float, row[1:]) for row in rows], columns=list(OHLCV)).rename(columns={"close": "last"})
    table = table.assign(day=pd.DatetimeIndex([row[0] for row in rows]), instrument_id="AAA")
    table.to_parquet(workplace / "long.parquet")
    assert "there is no column 'close'" in one_line("ingest parquetdir long.parquet --name mine")
    mapping = "--columns close=last --columns symbol=instrument_id"
    done = rustybt(f"ingest parquetdir long.parquet --name mine {mapping}")
    assert done.stdout == "mine: 1 symbol, 3 daily bars, 2020-01-02 to 2020-01-06 (XNYS)\n", done.output
    assert bundles.load("mine").daily("close")[:, 0].tolist() == [10.0, 11.0, 12.0]
    assert "3 daily bars" in rustybt("ingest -b mine").stdout, "the mapping is remembered"
    assert rustybt("ingest parquetdir long.parquet --name mine --columns close").exit_code == 2
    assert "columns name 'price'" in one_line("ingest parquetdir long.parquet --name mine --columns price=last")


def test_show_says_what_a_version_holds(rustybt, one_line, two_versions):
    shown = dict(line.split(maxsplit=1) for line in rustybt("bundles show mine").stdout.splitlines())
    assert shown["version"] == two_versions[1] and shown["span"] == "2020-01-02 to 2020-01-06"
    assert shown["fingerprint"] == bundles.load("mine").fingerprint
    older = rustybt("bundles show mine --version 2021-06-01").stdout
    assert f"version      {two_versions[0]}\n" in older and "2020-01-02 to 2020-01-03" in older
    assert "no version on or before 2020-01-01" in one_line("bundles show mine --version 2020-01-01")


def test_verify_names_damaged_files_and_ends_with_1(rustybt, one_line, two_versions):
    done = rustybt("bundles verify mine")
    assert done.exit_code == 0 and done.stdout.count("whole: ") == 2
    path = bundles.load("mine").path / "daily.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    done = rustybt("bundles verify mine")
    assert done.exit_code == 1
    assert f"{two_versions[0]}  whole: " in done.stdout and f"{two_versions[1]}  DAMAGED: " in done.stdout
    assert f"  {path} is not what was ingested\n" in done.stdout
    assert rustybt("bundles verify mine --version", two_versions[0]).exit_code == 0
    assert "has no version '1999'" in one_line("bundles verify mine --version 1999")
    assert "bundle 'mein' is not known (did you mean 'mine'?)" in one_line("bundles verify mein")


def test_verify_removes_a_damaged_array_which_is_made_again(rustybt, data_root, two_versions):
    want = bundles.load("mine").daily("close").tolist()
    (array,) = data_root.rglob("close.npy")
    array.write_bytes(array.read_bytes()[:-9] + b"x" * 9)
    done = rustybt("bundles verify mine")
    assert done.exit_code == 0 and f"removed a damaged array, which will be made again: {array}\n" in done.stdout
    assert not array.exists() and bundles.load("mine").daily("close").tolist() == want


def test_sql_reads_the_version_of_a_time(rustybt, one_line, two_versions, workplace):
    query = "SELECT symbol, count(*) AS bars FROM bars_daily JOIN assets USING (sid) GROUP BY symbol"
    assert rustybt("sql -b mine --format csv", query).stdout == "symbol,bars\nAAA,3\n"
    older = rustybt("sql -b mine --bundle-timestamp 2021-06-01 --format json", query)
    assert json.loads(older.stdout) == [{"symbol": "AAA", "bars": 2}]
    assert rustybt("sql -b mine -o out.parquet", query).stdout == "written: out.parquet, 1 rows\n"
    assert pd.read_parquet(workplace / "out.parquet")["bars"].tolist() == [3]
    assert "The tables are assets, bars_daily, dividends, splits." in one_line("sql -b mine", "SELECT * FROM prices")
    assert "COPY is no query" in one_line("sql -b mine", "COPY (SELECT 1) TO 'x.csv'")
    assert not (workplace / "x.csv").exists()
    assert rustybt("sql -b mine -o out.txt", query).exit_code == 2


def test_sql_shows_every_column_where_two_have_one_name(rustybt, one_line, two_versions):
    query = "SELECT a.close, b.close, a.sid FROM bars_daily a ASOF JOIN bars_daily b ON a.session > b.session"
    assert rustybt("sql -b mine", query).stdout.split() == ["close", "close", "sid", *"11 10 0 12 11 0".split()]
    assert one_line("sql -b mine --format json", query) == "two columns are named 'close': name them apart with AS"


def test_sql_writes_json_with_all_digits(rustybt, two_versions):
    query = (
        "SELECT 1e-12::DOUBLE AS a, 1 / 3 AS b, [1.0, 'nan'::DOUBLE] AS c, DATE '2020-01-02' AS d, INTERVAL 1 DAY AS e"
    )
    found = json.loads(rustybt("sql -b mine --format json", query).stdout)
    assert found == [{"a": 1e-12, "b": 1 / 3, "c": [1.0, None], "d": "2020-01-02T00:00:00.000", "e": [0, 1, 0]}]


STRATEGY = """
from rustybt.api import record, symbol

def initialize(context):
    pass

def handle_data(context, data):
    record(high=data.current(symbol("AAA"), "high"))
"""


def test_a_run_reads_the_version_of_a_time(rustybt, prices, workplace):
    bundles.ingest_csvdir("prices", "mine", timestamp="2021-01-01 12:00")
    prices(*(row.replace("11,12,10,11", "11,19,10,11") for row in ROWS))
    bundles.ingest_csvdir("prices", "mine", timestamp="2022-01-01 12:00")

    def highs(timestamp):
        perf = run_algorithm(
            "2020-01-02",
            "2020-01-03",
            bundle="mine",
            bundle_timestamp=timestamp,
            initialize=lambda context: None,
            handle_data=lambda context, data: record(high=data.current(symbol("AAA"), "high")),
        )
        return perf["high"].tolist()

    (workplace / "strategy.py").write_text(STRATEGY)
    for timestamp, want in (("2021-06-01", [11.0, 12.0]), ("2022-06-01", [11.0, 19.0])):
        assert highs(timestamp) == want
        span = f"-s 2020-01-02 -e 2020-01-03 --bundle-timestamp {timestamp} --no-benchmark"
        done = rustybt(f"run -f strategy.py -b mine {span} -o perf.pickle")
        assert done.exit_code == 0, done.output
        assert pd.read_pickle(workplace / "perf.pickle")["high"].tolist() == want
