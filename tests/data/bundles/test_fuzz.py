"""Whatever bytes a source or a version holds: a clear error, or numbers that these bytes say. Never anything else."""

import csv
import gzip
import io
import itertools
import math
import os
import random
import shutil
import warnings

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt.calendars import get_calendar
from rustybt.constants import OHLCV
from rustybt.data import bundles
from rustybt.data.manifest import cache_path
from rustybt.errors import BundleCorrupt, IngestWarning, RustyBTError

pytestmark = pytest.mark.filterwarnings("ignore::rustybt.errors.IngestWarning")

SIZES = [12, pytest.param(500, marks=pytest.mark.soak)]
"""Inputs of each kind: four kinds of sources and the files of a version make up the 2,000 and more of a soak."""
CALENDAR = get_calendar("XNYS")
DAYS = ("2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07", "2020-01-08")
NUMBERS = [(10.25 + i, 12.5 + i, 9.125 + i, 11.0625 + i, 1000.0 * i + 17) for i in range(5)]
TEXT = "date,open,high,low,close,volume\n" + "".join(
    f"{day},{','.join(map(repr, row))}\n" for day, row in zip(DAYS, NUMBERS, strict=True)
)
TELLING = b"\0\"',\r\n eE+-_.09\xff;#"
"""Bytes that mean something to a reader of tables."""
MISSING = {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"} | {
    *("NA", "NULL", "NaN", "None", "n/a", "nan", "null")
}


def damaged(good, rng):
    """Change one byte or some: bits, bytes that mean something, a piece lost, a byte more."""
    content = bytearray(good)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        at, how = rng.randrange(len(content)), rng.random()
        if how < 0.5:
            content[at] ^= 1 << rng.randrange(8)
        elif how < 0.8:
            content[at] = rng.choice(TELLING)
        elif how < 0.9:
            del content[at : at + rng.randrange(1, 20)]
        else:
            content.insert(at, rng.choice(TELLING))
    return bytes(content) or b"\0"


def table(**more):
    """Give the good bars as an Arrow table."""
    columns = dict(zip(OHLCV, map(list, zip(*NUMBERS, strict=True)), strict=True))
    return pa.table({"date": pa.array(pd.to_datetime(list(DAYS))), **columns, **more})


def naive_csv(text):
    """Read bars with nothing but csv and float: values by day, the last row of a day where it comes twice."""
    header, *rows = [cells for cells in csv.reader(io.StringIO(text, newline="")) if cells]
    columns = [cell.strip().lower() for cell in header]
    return {
        pd.Timestamp(cells[columns.index("date") if "date" in columns else 0]).tz_localize(None): [
            math.nan if (cell := cells[columns.index(name)]).strip() in MISSING else float(cell) for name in OHLCV
        ]
        for cells in rows
    }


def said_by_arrow(path):
    """Read bars with pyarrow alone, or with DuckDB what it does not mind, such as damaged statistics."""
    try:
        rows = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowException):
        with duckdb.connect() as connection:
            rows = connection.read_parquet(str(path)).to_arrow_table().to_pylist()
    at = {name.lower(): name for name in rows[0]}
    return {
        pd.Timestamp(row[at["date"]]): [math.nan if row[at[name]] is None else row[at[name]] for name in OHLCV]
        for row in rows
    }


def loaded(environ):
    """Give the bars of the newest version by day."""
    bundle = bundles.load("fuzzed", environ)
    days = bundle.sessions.session_ns.view("datetime64[ns]")
    values = np.stack([np.asarray(bundle.daily(name))[:, 0] for name in OHLCV], axis=1)
    return {pd.Timestamp(day): row for day, row in zip(days, values.tolist(), strict=True)}


def check_agrees(got, said):
    """Every stored bar is what the source says, and every bar of the source that has a session is stored."""
    for day, row in got.items():
        want = said.get(day, [math.nan] * 4 + [0.0])
        if all(map(math.isnan, want[:4])) and not want[4] > 0:
            want = [math.nan] * 4 + [0.0]
        want = [*want[:4], 0.0 if math.isnan(want[4]) else want[4]]
        np.testing.assert_array_equal(row, want, err_msg=str(day))
    for day, row in said.items():
        is_bar = not (all(map(math.isnan, row[:4])) and not row[4] > 0)
        assert day in got or not is_bar or not CALENDAR.is_session(day), f"{day} is lost"


def check_outcome(kind, source, environ, said):
    """Ingest: a clear error, or what the source says."""
    try:
        bundles.ingest_files(kind, source, "fuzzed", environ=environ, full_precision=True)
    except RustyBTError as error:
        assert str(error).strip() and len(str(error)) < 5000
        return False
    check_agrees(loaded(environ), said())
    bundles.clean("fuzzed", keep_last=1, environ=environ)
    return True


@pytest.fixture
def environ(data_root):
    return {"RUSTYBT_ROOT": str(data_root)}


@pytest.mark.parametrize("inputs", SIZES)
@pytest.mark.parametrize("packed", [False, True])
def test_damaged_csv_is_refused_or_read_as_it_is(tmp_path, environ, packed, inputs):
    path = tmp_path / "daily" / ("A.csv.gz" if packed else "A.csv")
    path.parent.mkdir()
    good, rng, read = TEXT.encode(), random.Random(inputs), 0
    for number in range(inputs):
        # Two of three packed files are whole, so that what is in them is damaged.
        outside = packed and number % 3 == 0
        content = good if outside else damaged(good, rng)
        path.write_bytes(
            damaged(gzip.compress(content), rng) if outside else gzip.compress(content) if packed else content
        )

        def said(path=path):
            text = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
            return naive_csv(text.decode("utf-8-sig"))

        read += check_outcome("csvdir", tmp_path, environ, said)
    assert 0 < read < inputs


@pytest.mark.parametrize("inputs", SIZES)
@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_damaged_parquet_is_refused_or_read_as_it_is(tmp_path, environ, long, compression, inputs):
    path = tmp_path / ("x.parquet" if long else "daily/A.parquet")
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table(symbol=["A"] * len(DAYS)) if long else table(), path, compression=compression)
    good, rng, read = path.read_bytes(), random.Random(inputs), 0
    for _ in range(inputs):
        path.write_bytes(damaged(good, rng))
        read += check_outcome("parquetdir" if long else "csvdir", tmp_path, environ, lambda: said_by_arrow(path))
    assert read < inputs


CELLS = st.one_of(
    st.floats(width=64).map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.text(alphabet="0123456789.eE+-_ xnaif,\"'\0\t١", max_size=12),
)


@settings(max_examples=int(os.environ.get("FUZZED_CELLS", "20")))
@given(cells=st.lists(st.lists(CELLS, min_size=5, max_size=5), min_size=1, max_size=4))
def test_cells_of_any_text_are_refused_or_read_to_the_last_digit(tmp_path_factory, cells):
    folder = tmp_path_factory.mktemp("cells")
    written = io.StringIO()
    csv.writer(written).writerows([("date", *OHLCV), *((day, *row) for day, row in zip(DAYS, cells, strict=False))])
    (folder / "daily").mkdir()
    (folder / "daily" / "A.csv").write_text(written.getvalue(), encoding="utf-8", newline="")
    environ = {"RUSTYBT_ROOT": str(folder / "root")}
    check_outcome("csvdir", folder, environ, lambda: naive_csv(written.getvalue()))


@settings(max_examples=int(os.environ.get("FUZZED_CELLS", "20")))
@given(data=st.data())
def test_frames_of_any_numbers_are_refused_or_stored_to_the_last_digit(tmp_path_factory, data):
    environ = {"RUSTYBT_ROOT": str(tmp_path_factory.mktemp("frames"))}
    rows = data.draw(st.lists(st.lists(st.floats(), min_size=5, max_size=5), min_size=1, max_size=5))
    frame = pd.DataFrame(rows, columns=list(OHLCV), index=pd.DatetimeIndex(DAYS[: len(rows)]))
    frame["dividend"], frame["split"] = data.draw(st.floats()), data.draw(st.floats())
    try:
        bundles.ingest_frames({"A": frame}, "fuzzed", environ=environ, full_precision=True)
    except RustyBTError as error:
        assert "A" in str(error) or "bars" in str(error)
        return
    check_agrees(loaded(environ), {day: row.tolist() for day, row in frame[list(OHLCV)].T.items()})
    for actions in bundles.load("fuzzed", environ).adjustments.tables().values():
        amounts = actions[(set(actions.dtype.names) & {"ratio", "amount"}).pop()]
        assert np.isfinite(amounts).all() and (amounts >= 0).all()


@pytest.fixture
def version(environ):
    """A version with daily bars made of minutes, dividends and splits; what it says, and all its files' bytes."""
    minutes = pd.date_range("2020-01-02 14:31", periods=40, freq="min").append(
        pd.date_range("2020-01-03 14:31", periods=40, freq="min")
    )
    price = np.linspace(10.0, 20.0, len(minutes))
    frame = pd.DataFrame({"open": price, "high": price + 1, "low": price - 1, "close": price}, index=minutes)
    frame["volume"], frame["dividend"], frame["split"] = 7.5, 0.0, 1.0
    frame.iloc[50, 5:] = (0.25, 2.0)
    bundles.ingest_frames({"A": frame, "B": frame * [2, 2, 2, 2, 1, 1, 1]}, "fuzzed", environ=environ)
    bundle = bundles.load("fuzzed", environ)
    said = everything(bundle)
    files = [path for folder in (bundle.path, cache_path(bundle.root, bundle.manifest)) for path in folder.rglob("*")]
    return bundle.path, said, {path: path.read_bytes() for path in files if path.is_file() and path.stat().st_size}


def everything(bundle):
    """Give what a simulation reads of a version."""
    arrays = [bundle.daily(name) for name in (*OHLCV, "last_traded")] + [bundle.reported("close")]
    arrays += [bundle.minute(name, 0) for name in (*OHLCV, "last_traded")] + [bundle.traded(0)]
    arrays += [bundle.minute_table.label_ns, *bundle.sessions[1:], *bundle.adjustments.tables().values()]
    about = (bundle.calendar_name, bundle.price_quantum, bundle.first_trading_session_ns, bundle.fingerprint)
    return [array.tobytes() for array in arrays], about, [asset.to_dict() for asset in bundle.asset_finder.equities]


def flips(files, rng, inputs):
    """Give files and what becomes of them, heads and tails more often than the middle."""
    for path in itertools.islice(itertools.cycle(sorted(files)), inputs):
        content = bytearray(files[path])
        at = rng.choice([rng.randrange(len(content)), rng.randrange(min(160, len(content)))])
        content[at] ^= 1 << rng.randrange(8)
        yield path, bytes(content[:at]) if rng.random() < 0.1 else bytes(content)


def restore(files):
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)


@pytest.mark.parametrize("inputs", [30, pytest.param(1000, marks=pytest.mark.soak)])
def test_every_flip_in_a_version_is_noticed_and_none_changes_a_number(environ, version, inputs):
    folder, said, files = version
    own = {path: content for path, content in files.items() if folder in path.parents}
    rng = random.Random(inputs)
    for path, content in flips(own, rng, inputs):
        if rng.random() < 0.5:
            shutil.rmtree(cache_path_of(files, folder))  # so that everything is read from the version again
        path.write_bytes(content)
        (found,) = bundles.verify("fuzzed", environ=environ)
        assert found.problems, f"verify does not notice a change of {path.name}"
        try:
            assert everything(bundles.load("fuzzed", environ)) == said, path.name
        except BundleCorrupt as error:
            assert "ingest" in str(error)
        restore(files)


def cache_path_of(files, folder):
    return next(path for path in files if folder not in path.parents and path.name == "tables.npz").parent


@pytest.mark.parametrize("inputs", [30, pytest.param(1000, marks=pytest.mark.soak)])
def test_flips_in_caches_are_made_good(environ, version, inputs):
    folder, said, files = version
    cached = {path: content for path, content in files.items() if folder not in path.parents}
    for number, (path, content) in enumerate(flips(cached, random.Random(inputs), inputs)):
        path.write_bytes(content)
        if number % 4 == 0:
            bundles.verify("fuzzed", environ=environ)
        assert everything(bundles.load("fuzzed", environ)) == said, path.name
        restore(files)


def test_an_append_refuses_to_go_on_from_damaged_bars(environ):
    frame = pd.DataFrame(dict(zip(OHLCV, zip(*NUMBERS, strict=True), strict=True)), index=pd.DatetimeIndex(DAYS))
    bundles.ingest_frames({"A": frame[:3]}, "fuzzed", environ=environ)
    path = bundles.load("fuzzed", environ).path / "daily.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleCorrupt, match=r"daily\.parquet is not what was ingested"):
        bundles.ingest_frames({"A": frame[3:]}, "fuzzed", environ=environ, append=True)


def test_an_infinite_dividend_or_split_is_refused(environ):
    frame = pd.DataFrame(dict(zip(OHLCV, zip(*NUMBERS, strict=True), strict=True)), index=pd.DatetimeIndex(DAYS))
    for column, what in (("dividend", "possible amount"), ("split", "possible ratio")):
        with pytest.raises(RustyBTError, match=what):
            bundles.ingest_frames({"A": frame.assign(**{column: math.inf})}, "fuzzed", environ=environ)


def test_a_price_of_more_digits_than_its_quantum_can_count_stays_as_it_is(environ):
    frame = pd.DataFrame(dict.fromkeys(OHLCV[:4], 1e306), index=pd.DatetimeIndex(DAYS[:1])).assign(volume=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", IngestWarning)
        bundles.ingest_frames({"A": frame}, "fuzzed", environ=environ)
        assert bundles.load("fuzzed", environ).daily("close").tolist() == [[1e306]]
