"""A bundle that Zipline ingested becomes the bundle that its CSV files would have become, and is only read."""

import json
import pickle
import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rustybt.constants import NAT, OHLCV
from rustybt.data import bundles
from rustybt.data.bundles import bcolz_column
from rustybt.errors import BadData, IngestWarning, InvalidParameter

pytest.importorskip("bcolz", reason="the extra zipline is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::rustybt.errors.IngestWarning")

ARCHIVE = Path(__file__).parents[2] / "golden/zipline/bundles.tar.gz"
TIME = "2020-01-02T00;00;00"
TABLES = ("splits", "mergers", "dividends", "stock_dividends", "dividend_ratios")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """Give the folder of what make_bundle.py made, which tests must only read."""
    folder = tmp_path_factory.mktemp("zipline")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture
def copied(unpacked, tmp_path):
    """Give a copy of the bundle `whole` that a test may damage."""
    return Path(shutil.copytree(unpacked / "whole", tmp_path / "whole"))


@pytest.fixture(scope="module")
def whole(unpacked, tmp_path_factory):
    environ = {"RUSTYBT_ROOT": str(tmp_path_factory.mktemp("root"))}
    bundles.ingest_zipline(unpacked / "whole", "whole", environ=environ, full_precision=True)
    return bundles.load("whole", environ)


def ingested(path, **how):
    bundles.ingest_zipline(path, "mine", **how)
    return bundles.load("mine")


def csv(unpacked, frame, symbol):
    return pd.read_csv(unpacked / f"csvs/{frame}/{symbol}.csv", index_col="date", parse_dates=True)


def day(table, column, name):
    return str(pd.Timestamp(int(table[name][column])).date())


def test_it_is_what_its_csv_files_would_be(unpacked, tmp_path):
    shutil.copytree(unpacked / "csvs/daily", tmp_path / "csvs/daily")
    bundles.ingest_csvdir(tmp_path / "csvs", "csvs")
    got, want = ingested(unpacked / "plain"), bundles.load("csvs")
    for field in OHLCV:
        np.testing.assert_array_equal(got.daily(field), want.daily(field))
    for name in TABLES:
        assert getattr(got.adjustments, name).tolist() == getattr(want.adjustments, name).tolist()
    assert [asset.to_dict() for asset in got.asset_finder.equities] == [
        asset.to_dict() for asset in want.asset_finder.equities
    ]
    assert got.manifest.fingerprint == want.manifest.fingerprint
    assert "suspect" not in got.manifest.findings


def test_daily_bars_are_those_of_the_csv_files(unpacked, whole):
    bars = {
        0: csv(unpacked, "daily", "AAA"),
        1: csv(unpacked, "daily", "BBB"),
        2: csv(unpacked, "daily", "CCC").iloc[12:],
        3: csv(unpacked, "daily", "CCC").iloc[:10],
    }
    sessions = pd.DatetimeIndex(whole.sessions.session_ns)
    for sid, frame in bars.items():
        want = frame.reindex(sessions)
        for field in OHLCV:
            cells = want[field].fillna(0.0) if field == "volume" else want[field]
            np.testing.assert_array_equal(whole.daily(field)[:, sid], cells.to_numpy())


def test_minute_bars_are_those_of_the_csv_files_with_the_digits_of_each_asset(unpacked, whole):
    assert whole.manifest.minute_rows == sum(len(csv(unpacked, "minute", symbol)) for symbol in ("AAA", "BBB"))
    stored = pd.concat(pd.read_parquet(path) for path in sorted((whole.path / "minutes").glob("*.parquet")))
    for sid, symbol in enumerate(("AAA", "BBB")):
        want, got = csv(unpacked, "minute", symbol), stored[stored["sid"] == sid].set_index("minute")
        assert got.index.tolist() == want.index.tolist()
        assert np.array_equal(got[list(OHLCV)].to_numpy(), want[list(OHLCV)].to_numpy().astype(float))
    assert (csv(unpacked, "minute", "BBB")["close"].round(3) != csv(unpacked, "minute", "BBB")["close"]).any()


def test_digits_that_the_engine_would_not_see_are_named(unpacked):
    with pytest.warns(IngestWarning, match="minutes of BBB are finer than thousandths"):
        bundles.ingest_zipline(unpacked / "whole", "mine")


def test_assets_keep_names_dates_exchange_and_all_their_symbols(whole):
    finder = whole.asset_finder
    assert [(one.symbol, one.asset_name) for one in finder.equities] == [
        ("AAA", "Alpha Ltd."),
        ("BBB", "Beta Ltd."),
        ("CCC", "Delta Ltd."),
        ("CCC", "Gamma Ltd."),
    ]
    alpha, beta, delta, gamma = finder.equities
    assert (alpha.exchange, alpha.exchange_full, alpha.country_code) == ("New York Stock Exchange", "NYSE", "US")
    assert str(alpha.auto_close_date.date()) == "2019-12-30"
    assert (str(gamma.end_date.date()), str(delta.start_date.date())) == ("2019-11-13", "2019-11-18")
    assert delta.auto_close_date is None
    assert finder.lookup_symbol("OLD", as_of_date=pd.Timestamp("2019-11-10")) == beta
    assert finder.lookup_symbol("BBB", as_of_date=pd.Timestamp("2019-12-10")) == beta
    assert finder.lookup_symbol("CCC", as_of_date=pd.Timestamp("2019-11-10")) == gamma
    assert finder.lookup_symbol("CCC", as_of_date=pd.Timestamp("2019-12-10")) == delta


def test_corporate_actions_keep_ratios_and_dates(whole):
    actions = whole.adjustments
    assert actions.splits[["sid", "ratio"]].tolist() == [(0, 0.5), (1, 1 / 3), (1, 0.7)]
    assert day(actions.splits, 1, "effective_ns") == "2019-12-06"
    assert actions.mergers[["sid", "ratio"]].tolist() == [(2, 0.9)]
    assert actions.dividends[["sid", "amount"]].tolist() == [(0, 0.53), (1, 0.07)]
    dates = [day(actions.dividends, 0, name) for name in ("declared_ns", "ex_ns", "record_ns", "pay_ns")]
    assert dates == ["2019-11-04", "2019-11-18", "2019-11-19", "2019-11-26"]
    assert actions.stock_dividends[["sid", "payment_sid", "ratio"]].tolist() == [(0, 1, 0.1)]
    assert day(actions.stock_dividends, 0, "pay_ns") == "2019-12-05"


def test_two_splits_of_one_day_both_count(copied):
    with closing(sqlite3.connect(copied / TIME / "adjustments.sqlite")) as connection, connection:
        connection.execute("INSERT INTO splits SELECT 9, sid, effective_date, 0.25 FROM splits WHERE sid = 2")
    assert ingested(copied).adjustments.splits["ratio"].tolist() == [0.5, 0.25, 1 / 3, 0.7]


def test_dates_beyond_time_are_missing(copied):
    with closing(sqlite3.connect(copied / TIME / "adjustments.sqlite")) as connection, connection:
        connection.execute("UPDATE dividend_payouts SET pay_date = -9223372036854775808 WHERE sid = 2")
        connection.execute("UPDATE dividend_payouts SET pay_date = NULL WHERE sid = 7")
    assert ingested(copied).adjustments.dividends["pay_ns"].tolist() == [NAT, NAT]


def test_actions_and_bars_of_nothing_known_are_left_out_and_named(copied):
    with closing(sqlite3.connect(copied / TIME / "adjustments.sqlite")) as connection, connection:
        connection.execute("UPDATE stock_dividend_payouts SET payment_sid = 55")
    with closing(sqlite3.connect(copied / TIME / "assets-7.sqlite")) as connection, connection:
        connection.execute("DELETE FROM equities WHERE sid = 4")
        dates = "start_date, end_date, notice_date, expiration_date, auto_close_date"
        connection.execute(f"INSERT INTO futures_contracts (sid, {dates}) VALUES (70, 0, 0, 0, 0, 0)")
    bundle = ingested(copied)
    notes = bundle.manifest.findings["notes"]
    assert "1 stock dividends are of no asset with bars: they are left out" in notes
    assert "1 futures are left out: only equities are supported" in notes
    assert "1 sids have daily bars, but are no equities: 4 left out" in notes
    assert [asset.symbol for asset in bundle.asset_finder.equities] == ["AAA", "BBB", "CCC"]


def test_the_newest_version_of_a_bundle_is_read(copied):
    newer = copied / "2020-01-03T00;00;00.5"
    shutil.copytree(copied / TIME, newer)
    (copied / ".cache").mkdir()
    with closing(sqlite3.connect(newer / "assets-7.sqlite")) as connection, connection:
        connection.execute("UPDATE equities SET asset_name = 'Newer' WHERE sid = 2")
    assert ingested(copied).asset_finder.equities[0].asset_name == "Newer"
    bundles.ingest_zipline(copied / TIME, "old")
    assert bundles.load("old").asset_finder.equities[0].asset_name == "Alpha Ltd."


def test_it_is_read_again_by_name_and_never_written(copied):
    def content():
        return {path: path.read_bytes() for path in sorted(copied.rglob("*")) if path.is_file()}

    before = content()
    first = ingested(copied).manifest
    bundles.ingest("mine")
    assert bundles.load("mine").manifest.fingerprint == first.fingerprint
    assert content() == before


def test_append_finds_nothing_new_or_says_why_it_cannot(unpacked):
    bundles.ingest_zipline(unpacked / "plain", "plain")
    bundles.ingest_zipline(unpacked / "plain", "plain", append=True)
    assert len(bundles.versions("plain")) == 1
    with pytest.raises(BadData, match=r"asset CCC \(sid 4\): another asset has had the symbol CCC too"):
        bundles.ingest_zipline(unpacked / "whole", "plain", append=True, restate=True)
    bundles.ingest_zipline(unpacked / "whole", "whole")
    with pytest.raises(BadData, match="symbol 'CCC' is that of sid 2 and of sid 3 in the version before"):
        bundles.ingest_zipline(unpacked / "plain", "whole", append=True)


def test_another_calendar_is_refused_and_an_alias_is_not(unpacked):
    with pytest.raises(InvalidParameter, match=r"calendar 'XLON' is not that of the bundle in .*'XNYS': leave it out"):
        bundles.ingest_zipline(unpacked / "plain", "mine", "XLON")
    assert ingested(unpacked / "plain", calendar_name="NYSE").calendar_name == "XNYS"


def test_the_command_line_reads_it(unpacked, copied):
    from click.testing import CliRunner

    from rustybt.cli.main import cli

    done = CliRunner().invoke(cli, ["ingest", "zipline", str(unpacked / "whole"), "--name", "mine"])
    assert done.exit_code == 0, done.output
    assert done.stdout == "mine: 4 symbols, 102 daily bars, 1,520 minute bars, 2019-10-31 to 2019-12-27 (XNYS)\n"
    (copied / TIME / "adjustments.sqlite").unlink()
    done = CliRunner().invoke(cli, ["ingest", "zipline", str(copied), "--name", "mine"])
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ") and len(done.stderr.splitlines()) == 1


def test_without_the_extra_the_error_says_what_to_install(unpacked, monkeypatch):
    monkeypatch.setattr(bcolz_column, "find_spec", lambda name: None)
    with pytest.raises(BadData, match=r'pip install "rustybt\[zipline\]"'):
        bundles.ingest_zipline(unpacked / "plain", "mine")


def test_what_is_no_bundle_is_refused(tmp_path):
    with pytest.raises(BadData, match="is no folder: name that of a Zipline bundle"):
        bundles.ingest_zipline(tmp_path / "nothing", "mine")
    with pytest.raises(BadData, match=r"has no assets-7.sqlite, nor has a folder in it"):
        bundles.ingest_zipline(tmp_path, "mine")
    (tmp_path / "assets-6.sqlite").touch()
    with pytest.raises(BadData, match=r"assets-6.sqlite is of another version than the files that are read"):
        bundles.ingest_zipline(tmp_path, "mine")


def edit_json(name, **said):
    def damage(folder):
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | said))

    return damage


def cut(name, size):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def execute(name, statement):
    def damage(folder):
        with closing(sqlite3.connect(folder / name)) as connection, connection:
            connection.execute(statement)

    return damage


def remove(name):
    return lambda folder: (folder / name).unlink()


CLOSE = "daily_equities.bcolz/close"
MINUTES = "minute_equities.bcolz"
DAMAGES = {
    "adjustments.sqlite is missing": remove("adjustments.sqlite"),
    "assets-7.sqlite cannot be read .file is not a database": lambda folder: (folder / "assets-7.sqlite").write_bytes(
        bytes(range(256)) * 16
    ),
    "assets-7.sqlite cannot be read .database disk image is malformed": cut("assets-7.sqlite", 20_000),
    "assets-7.sqlite is of version 5, but 7 and 8 are read": execute(
        "assets-7.sqlite", "UPDATE version_info SET version = 5"
    ),
    "assets-7.sqlite cannot be read .no such table: equities": execute("assets-7.sqlite", "DROP TABLE equities"),
    "sid 2 has no symbol in equity_symbol_mappings": execute(
        "assets-7.sqlite", "DELETE FROM equity_symbol_mappings WHERE sid = 2"
    ),
    "table equities has 'soon' in row 1, where a whole number belongs": execute(
        "assets-7.sqlite", "UPDATE equities SET end_date = 'soon'"
    ),
    "table splits has 'half' in row 1, where a number belongs": execute(
        "adjustments.sqlite", "UPDATE splits SET ratio = 'half'"
    ),
    "__attrs__ cannot be read": remove("daily_equities.bcolz/__attrs__"),
    "__attrs__ is damaged": cut("daily_equities.bcolz/__attrs__", 30),
    "__attrs__: first_row is no table of whole numbers": edit_json("daily_equities.bcolz/__attrs__", first_row=[1]),
    "sid 9 has rows 85 to 900 of 103": edit_json(
        "daily_equities.bcolz/__attrs__", last_row={"2": 39, "7": 74, "4": 84, "9": 900}
    ),
    "row 38 is not of sid 7": edit_json(
        "daily_equities.bcolz/__attrs__", first_row={"2": 0, "7": 37, "4": 75, "9": 85}
    ),
    "names no calendar": lambda folder: [
        edit_json("daily_equities.bcolz/__attrs__", calendar_name=None)(folder),
        shutil.rmtree(folder / MINUTES),
    ],
    "has no bars of equities: choose another version": lambda folder: [
        edit_json("daily_equities.bcolz/__attrs__", first_row={}, last_row={})(folder),
        shutil.rmtree(folder / MINUTES),
    ],
    "__0.blp cannot be read": remove(f"{CLOSE}/data/__0.blp"),
    "__0.blp has 20 bytes, too few": cut(f"{CLOSE}/data/__0.blp", 20),
    "__0.blp has 200 bytes, but 266 were written": cut(f"{CLOSE}/data/__0.blp", 200),
    "__0.blp holds 103 rows, but its column says 5000": edit_json(f"{CLOSE}/meta/sizes", shape=[5000]),
    "columns of several lengths .open 103, high 103, low 103, close 90": edit_json(f"{CLOSE}/meta/sizes", shape=[90]),
    "sizes says shape .1, 2., not one number": edit_json(f"{CLOSE}/meta/sizes", shape=[1, 2]),
    "storage says chunklen 0": edit_json(f"{CLOSE}/meta/storage", chunklen=0),
    "cannot be read .KeyError: 'dflt'": lambda folder: (folder / CLOSE / "meta/storage").write_text(
        '{"dtype": "uint32", "chunklen": 8192, "expectedlen": 3, "cparams": {"clevel": 5, "shuffle": 1}}'
    ),
    "metadata.json is of version 1, but 2 and 3 are read": edit_json(f"{MINUTES}/metadata.json", version=1),
    "metadata.json: ohlc_ratio is '1'": edit_json(f"{MINUTES}/metadata.json", ohlc_ratio="1"),
    "metadata.json has minutes_per_day or a ratio below 1": edit_json(f"{MINUTES}/metadata.json", minutes_per_day=0),
    "starts on 1950-01-03, but calendar XNYS is known from": edit_json(
        f"{MINUTES}/metadata.json", start_session="1950-01-03"
    ),
    "has daily bars of calendar XNYS and minutes of XLON": edit_json(f"{MINUTES}/metadata.json", calendar_name="XLON"),
}


@pytest.mark.parametrize("message", DAMAGES)
def test_a_damaged_folder_is_an_error_that_says_where(copied, message):
    DAMAGES[message](copied / TIME)
    with pytest.raises(BadData, match=message):
        bundles.ingest_zipline(copied, "mine")
    assert not bundles.versions("mine")


class Trap:
    """Something that must not be unpickled."""

    def __reduce__(self):
        return pytest.fail, ("unpickled",)


def test_a_column_of_objects_is_refused_and_never_unpickled(copied):
    import bcolz

    folder = copied / TIME / CLOSE
    shutil.rmtree(folder)
    column = bcolz.carray(np.array([1, 2], dtype=object), rootdir=str(folder), mode="w")
    column.flush()
    piece = folder / "data/__0.blp"
    piece.write_bytes(piece.read_bytes()[:16] + pickle.dumps(Trap()))
    with pytest.raises(BadData, match="holds 'object', not uint32"):
        bundles.ingest_zipline(copied, "mine")
