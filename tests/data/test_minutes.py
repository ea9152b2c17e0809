"""Minute blocks of an opened bundle, against a pandas twin."""

import json
import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt.constants import OHLCV
from rustybt.data import bundles
from rustybt.data.manifest import cache_path
from rustybt.data.store import open_version
from rustybt.errors import BundleCorrupt, NoMinuteBars
from tests.builders import bars, make_bundle
from tests.golden.ingest import DATA
from tests.minute_builders import make_minute_bundle, minute_bars, minutes_of
from tests.oracles import minute_bars as twin

SPANS = [
    ("XNYS", "2019-11-27", "2019-12-02"),  # a half day and the end of a month
    ("XNYS", "2019-10-31", "2019-11-04"),  # the end of daylight saving time
    ("XTKS", "2024-10-31", "2024-11-05"),  # lunch
    ("24/7", "2019-11-30", "2019-12-01"),  # a minute of December that belongs to November
]


def same_as_twin(bundle, frames, calendar, first, last):
    """Compare everything with the twin."""
    labels = twin.labels_by_session(calendar, first, last)
    table, months = bundle.minute_table, twin.months(labels)
    np.testing.assert_array_equal(table.label_ns.view("M8[ns]"), labels.index.to_numpy())
    assert np.diff(table.first).tolist() == labels.groupby(labels).size().tolist()
    assert np.diff(table.block_first).tolist() == [len(month) for month in months]
    for block, month in enumerate(months):
        for field in OHLCV:
            np.testing.assert_array_equal(bundle.minute(field, block), twin.block(frames, field, month))
        volume = twin.block(frames, "volume", month)
        assert bundle.minute("last_traded", block).tolist() == twin.last_traded(volume)
        assert bundle.traded(block).tolist() == twin.traded(volume)


@st.composite
def histories(draw):
    """Draw a span, and for each of some symbols bars in a random part of its minutes."""
    span = draw(st.sampled_from(SPANS))
    labels = minutes_of(span[1], span[2], span[0])
    frames = {}
    for symbol in "ABCDEFGHI"[: draw(st.sampled_from([1, 2, 9]))]:
        seed, share = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from([0.002, 0.1, 0.9, 1.0]))
        random = np.random.default_rng(seed)
        frame = minute_bars(labels, seed)
        frame[random.random(frame.shape) < 0.01] = np.nan
        kept = random.random(len(labels)) < share
        kept[random.integers(len(labels))] = True
        frames[symbol] = frame[kept]
    return span, frames


@settings(max_examples=12)
@given(histories())
@pytest.mark.filterwarnings("ignore:minute bars of sid.*lack some of their prices")
def test_random_histories_equal_the_twin(history):
    (calendar, first, last), frames = history
    ends = pd.DataFrame(dict.fromkeys(OHLCV, 1.0), index=pd.DatetimeIndex([first, last]))
    bundle = make_minute_bundle(frames, daily=dict.fromkeys(frames, ends), calendar=calendar)
    same_as_twin(bundle, frames, calendar, first, last)


@pytest.fixture(scope="module")
def golden(ingested_root):
    return bundles.load("minutes", {"RUSTYBT_ROOT": str(ingested_root)})


def test_golden_minutes_equal_the_csv_files(golden):
    files = sorted((DATA / "minutes" / "minute").glob("*.csv"))
    frames = {file.stem: pd.read_csv(file, index_col="date", parse_dates=True) for file in files}
    same_as_twin(golden, frames, "XNYS", "2019-11-18", "2019-12-06")
    assert golden.manifest.minute_rows == sum(map(len, frames.values()))


def test_a_block_is_a_read_only_contiguous_map(golden):
    close = golden.minute("close", 0)
    assert isinstance(close, np.memmap) and close.flags.c_contiguous and not close.flags.writeable
    assert (close.dtype, close.shape) == (np.float64, (3330, 3))
    assert golden.minute("last_traded", 1).dtype == np.int32
    assert (golden.traded(1).dtype, golden.traded(1).shape) == (np.uint8, (1950, 1))
    assert golden.minute("close", 0) is close and not golden.minute_table.label_ns.flags.writeable


def test_a_half_day_ends_at_one_oclock_and_no_night_is_between():
    bundle = make_minute_bundle({"A": minute_bars(minutes_of("2019-11-27", "2019-12-02"))})
    table = bundle.minute_table
    assert table.first.tolist() == [0, 390, 600, 990] and table.block_first.tolist() == [0, 600, 990]
    label = pd.DatetimeIndex(table.label_ns.view("M8[ns]"))
    assert [str(label[at]) for at in (389, 390, 599, 600)] == [
        *("2019-11-27 21:00:00", "2019-11-29 14:31:00", "2019-11-29 18:00:00", "2019-12-02 14:31:00")
    ]


def test_the_first_minute_follows_daylight_saving_time():
    label_ns = make_minute_bundle({"A": minute_bars(minutes_of("2019-11-01", "2019-11-04"))}).minute_table.label_ns
    label = pd.DatetimeIndex(label_ns.view("M8[ns]"))
    assert [str(label[at]) for at in (0, 390)] == ["2019-11-01 13:31:00", "2019-11-04 14:31:00"]


def test_lunch_is_left_out():
    bundle = make_minute_bundle({"A": minute_bars(minutes_of("2024-10-31", calendar="XTKS"))}, calendar="XTKS")
    label = pd.DatetimeIndex(bundle.minute_table.label_ns.view("M8[ns]"))
    assert len(label) == 300
    assert [str(time.time()) for time in label[[0, 149, 150, 299]]] == ["00:01:00", "02:30:00", "03:31:00", "06:00:00"]
    assert not np.isnan(bundle.minute("close", 0)).any()


def test_a_session_that_ends_at_midnight_stays_in_its_month():
    frame = minute_bars(minutes_of("2019-11-30", "2019-12-01", "24/7"))
    bundle = make_minute_bundle({"A": frame}, calendar="24/7")
    assert bundle.minute_table.block_first.tolist() == [0, 1440, 2880]
    assert str(bundle.minute_table.label_ns.view("M8[ns]")[1439])[:16] == "2019-12-01T00:00"
    assert sorted(name for name in bundle.manifest.files if "/" in name) == [
        *("minutes/2019-11.parquet", "minutes/2019-12.parquet")
    ]


def test_last_traded_begins_anew_in_each_block():
    frame = minute_bars(minutes_of("2019-11-29", "2019-12-02")).assign(volume=0.0)
    frame.iloc[[3, 212], -1] = 5.0
    bundle = make_minute_bundle({"A": frame})
    assert bundle.minute("last_traded", 0)[:, 0].tolist() == [-1] * 3 + [3] * 207
    assert bundle.minute("last_traded", 1)[:3, 0].tolist() == [-1, -1, 2]


def test_a_month_without_bars_is_empty():
    frames = {"A": minute_bars(minutes_of("2019-12-02"))}
    daily = {"A": bars([1.0, 2.0], first="2019-11-29")}
    bundle = make_minute_bundle(frames, daily=daily)
    assert np.isnan(bundle.minute("open", 0)).all() and not bundle.minute("volume", 0).any()
    assert (bundle.minute("last_traded", 0) == -1).all() and not bundle.traded(0).any()
    assert len(bundle.minute("open", 0)) == 210 and bundle.minute("open", 1).shape == (390, 1)


def test_only_what_is_asked_for_is_made():
    bundle = make_minute_bundle({"A": minute_bars(minutes_of("2019-11-29", "2019-12-02"))})
    cache = cache_path(bundle.root, bundle.manifest) / "minutes"
    assert not cache.exists()
    bundle.minute("low", 1)
    assert sorted(path.relative_to(cache).as_posix() for path in cache.rglob("*.npy")) == [
        "2019-12/low.npy",
        "labels.npy",
    ]


def test_few_blocks_stay_mapped(monkeypatch):
    monkeypatch.setattr("rustybt.data.minutes._MOST_MAPPED", 2)
    bundle = make_minute_bundle({"A": minute_bars(minutes_of("2019-11-29", "2019-12-02"))})
    first = np.array(bundle.minute("close", 0))
    for field in OHLCV:
        bundle.minute(field, 1)
    assert len(bundle._minutes._mapped) == 2
    np.testing.assert_array_equal(bundle.minute("close", 0), first)


def test_reading_a_few_assets_at_a_time_gives_the_same_block(golden, monkeypatch):
    monkeypatch.setattr("rustybt.data.dense._CELLS_PER_BLOCK", 4000)
    out = np.empty(golden.minute("high", 1).shape)
    golden._minutes._fill(out, "high", 1)
    np.testing.assert_array_equal(out, golden.minute("high", 1))


def test_prices_are_stored_as_given_and_served_so_without_a_quantum():
    frame = minute_bars(minutes_of("2019-11-29"))
    frame.iloc[5, :4] = 0.0004
    rounded, exact = make_minute_bundle({"A": frame}), make_minute_bundle({"A": frame}, price_quantum=None)
    assert np.isnan(rounded.minute("close", 0)[5, 0])
    np.testing.assert_array_equal(exact.minute("close", 0)[:, 0], frame["close"])
    stored = pd.read_parquet(rounded.path / "minutes" / "2019-11.parquet")
    assert list(stored.columns) == ["sid", "minute", *OHLCV] and str(stored["minute"].dtype) == "datetime64[ns]"
    np.testing.assert_array_equal(stored[list(OHLCV)], frame)
    np.testing.assert_array_equal(stored["minute"], frame.index)


def test_errors_name_what_there_is(golden):
    with pytest.raises(ValueError, match=r"field 'price' is not stored: choose among open, high"):
        golden.minute("price", 0)
    with pytest.raises(ValueError, match=r"field 'traded' is not stored"):
        golden.minute("traded", 0)
    for block in (2, -1):
        with pytest.raises(IndexError, match=f"block {block} is none of bundle 'minutes': it has 2"):
            golden.minute("close", block)


def test_a_bundle_without_minutes_says_so(quad):
    assert not quad.has_minutes
    for ask in (lambda: quad.minute_table, lambda: quad.minute("close", 0), lambda: quad.traded(0)):
        with pytest.raises(NoMinuteBars, match="bundle 'quad' has daily bars only: ingest it with minute bars"):
            ask()


def test_a_version_older_than_minute_bars_opens():
    bundle = make_bundle({"A": bars([1.0, 2.0])}, name="older")
    path = bundle.path / "manifest.json"
    manifest = json.loads(path.read_text())
    for field in ("minute_rows", "market_minutes", "minute_gaps", "digest"):
        del manifest[field]
    path.write_text(json.dumps(manifest))
    again = bundles.load("older")
    assert not again.has_minutes and again.daily("close").tolist() == [[1.0], [2.0]]


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


DAMAGES = [flip, cut, lambda path: path.unlink(), lambda path: path.write_bytes(b"")]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["labels", "2019-12/close", "2019-12/volume", "2019-12/last_traded", "2019-12/traded"])
def test_damaged_arrays_are_made_again(name, damage):
    frames = {"A": minute_bars(minutes_of("2019-11-29", "2019-12-02"))}
    bundle = make_minute_bundle(frames)
    same_as_twin(bundle, frames, "XNYS", "2019-11-29", "2019-12-02")
    damage(cache_path(bundle.root, bundle.manifest) / "minutes" / f"{name}.npy")
    same_as_twin(bundles.load(bundle.name), frames, "XNYS", "2019-11-29", "2019-12-02")


@pytest.mark.parametrize("name", ["minutes/2019-11.parquet", "breaks.parquet"])
def test_bars_that_are_not_those_ingested_are_refused(name):
    bundle = make_minute_bundle({"A": minute_bars(minutes_of("2019-11-29"))})
    flip(bundle.path / name)
    with pytest.raises(BundleCorrupt, match=f"{name} is not what was ingested"):
        bundles.load(bundle.name).minute("open", 0)


def test_a_version_that_lacks_a_month_is_not_whole():
    bundle = make_minute_bundle({"A": minute_bars(minutes_of("2019-11-29"))})
    (bundle.path / "minutes" / "2019-11.parquet").unlink()
    with pytest.raises(BundleCorrupt, match=r"is not whole .*2019-11.parquet"):
        bundles.load(bundle.name)


def _sums(root, version, start, results):
    bundle = open_version(root, "minute-made", version)
    start.wait()
    last, close, bits = bundle.minute("last_traded", 0), bundle.minute("close", 0), bundle.traded(0)
    results.put((float(np.nansum(close)), int(last.sum()), int(bits.sum())))


def test_processes_that_build_one_block_at_once_agree():
    frames = {symbol: minute_bars(minutes_of("2019-11-18", "2019-11-29"), ord(symbol)) for symbol in "ABCDEF"}
    bundle = make_minute_bundle(frames)
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(3), context.Queue()
    workers = [context.Process(target=_sums, args=(bundle.root, bundle.version, start, results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    sums = {results.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join()
    close, last, bits = bundle.minute("close", 0), bundle.minute("last_traded", 0), bundle.traded(0)
    assert sums == {(float(np.nansum(close)), int(last.sum()), int(bits.sum()))}
    folder = cache_path(bundle.root, bundle.manifest) / "minutes" / "2019-11"
    assert sorted(path.name for path in folder.glob("*.npy")) == [
        *("close.npy", "last_traded.npy", "traded.npy", "volume.npy")
    ]
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_mapping_needs_no_calendar_no_duckdb_and_one_thread(golden):
    golden.minute("close", 0), golden.minute("last_traded", 1), golden.traded(1)
    script = (
        "import os, sys, json; from rustybt.data.store import open_version\n"
        f"b = open_version({str(golden.root)!r}, 'minutes', {golden.version!r})\n"
        "total = float(b.minute('volume', 0).sum()); b.minute_table, b.minute('last_traded', 1), b.traded(1)\n"
        "loaded = [m for m in ('duckdb', 'exchange_calendars', 'pyarrow.parquet', 'rich') if m in sys.modules]\n"
        "print(json.dumps([total, loaded, len(os.listdir('/proc/self/task'))]))"
    )
    quiet = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false", "OMP_NUM_THREADS": "1"}
    golden.minute("volume", 0)
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **quiet}, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [float(golden.minute("volume", 0).sum()), [], 1]


def test_a_root_with_glob_characters_works(tmp_path, monkeypatch):
    monkeypatch.setenv("RUSTYBT_ROOT", str(tmp_path / "a[1]*?"))
    frame = minute_bars(minutes_of("2019-11-29"))
    bundle = make_minute_bundle({"A": frame}, price_quantum=None)
    assert bundle.minute("close", 0)[:, 0].tolist() == frame["close"].tolist()
    assert bundle.daily("close").tolist() == [[frame["close"].iloc[-1]]]
