"""Dense arrays of an opened bundle, against a pandas twin that reads the source files itself."""

import errno
import json
import multiprocessing
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import psutil
import pytest

from rustybt.constants import OHLCV
from rustybt.data import bundles
from rustybt.data.dense import fill_last_traded, open_dense, quantised
from rustybt.data.manifest import cache_path
from rustybt.data.store import open_version
from rustybt.errors import BundleCorrupt
from tests.builders import bars, days, make_bundle
from tests.golden.ingest import DATA


def twin(name: str, field: str, sessions: pd.DatetimeIndex) -> np.ndarray:
    """Read CSV files into a frame, sessions × symbols, quantised one value at a time."""
    columns = {}
    for path in sorted((DATA / name / "daily").glob("*.csv")):
        columns[path.stem] = pd.read_csv(path, index_col="date", parse_dates=True)[field]
    frame = pd.DataFrame(columns).reindex(sessions)
    if field == "volume":
        return frame.fillna(0.0).to_numpy(dtype=float)
    whole = frame.map(lambda price: float(np.rint(1000 * price)))
    return whole.map(lambda k: k * 0.001 if k else np.nan).to_numpy()


@pytest.mark.parametrize("name", ["quad", "holes"])
@pytest.mark.parametrize("field", OHLCV)
def test_dense_array_equals_the_csv_files(name, field, request):
    bundle = request.getfixturevalue(name)
    sessions = pd.DatetimeIndex(bundle.sessions.session_ns.view("M8[ns]"))
    np.testing.assert_array_equal(bundle.daily(field), twin(name, field, sessions))


def test_dense_array_is_a_read_only_contiguous_map(quad):
    close = quad.daily("close")
    assert isinstance(close, np.memmap)
    assert close.dtype == np.float64 and close.flags.c_contiguous and not close.flags.writeable
    assert close.shape == (754, 4) == (len(quad.sessions.session_ns), len(quad.asset_finder.sids))


@pytest.mark.skipif(sys.platform != "linux", reason="reads what the kernel says of mapped files")
def test_who_makes_the_rounded_array_does_not_hold_on_to_the_exact_one(tmp_path, monkeypatch):
    monkeypatch.setenv("RUSTYBT_ROOT", str(tmp_path))
    bundle = make_bundle({"AAA": bars(np.linspace(10.0, 20.0, 600))})
    raw = bundle.daily("open")
    exact = raw.tolist()
    assert resident(raw) >= raw.nbytes
    bundle.reported("open")
    assert resident(raw) == 0
    np.testing.assert_array_equal(raw, exact)


def resident(mapped: np.memmap) -> int:
    """Give how many bytes of a mapped file are in this process."""
    parts = psutil.Process().memory_maps(grouped=False)
    return sum(part.rss for part in parts if part.path == str(mapped.filename))


def test_last_traded_is_the_last_row_with_volume(holes):
    volume, got = holes.daily("volume"), holes.daily("last_traded")
    rows = pd.DataFrame(np.where(np.asarray(volume) > 0, np.arange(len(volume))[:, None], np.nan)).ffill().fillna(-1)
    assert got.dtype == np.int32
    np.testing.assert_array_equal(got, rows.to_numpy())


def test_last_traded_carries_over_from_block_to_block(monkeypatch):
    monkeypatch.setattr("rustybt.data.dense._CELLS_PER_BLOCK", 4)
    volume = np.array([[0, 1], [0, 0], [3, 0], [0, 0], [0, 5]], dtype=float)
    out = np.zeros(volume.shape, dtype=np.int32)
    fill_last_traded(out, volume)
    assert out.tolist() == [[-1, 0], [-1, 0], [2, 0], [2, 0], [2, 4]]


def test_reading_in_blocks_of_assets_gives_the_same_array(quad, monkeypatch):
    monkeypatch.setattr("rustybt.data.dense._CELLS_PER_BLOCK", 1000)
    again = open_version(quad.root, "quad", quad.version)
    out = np.empty(quad.daily("low").shape)
    again._fill(out, "low")
    np.testing.assert_array_equal(out, quad.daily("low"))


def test_quantised_prices_are_whole_thousandths_times_a_thousandth():
    prices = np.array([1.0005, 1.0015, 2.6789, 0.0004, 0.0, np.nan, 1e9 / 3, 40.715])
    want = [np.rint(1000 * p) * 0.001 for p in prices]
    want[3] = want[4] = np.nan
    np.testing.assert_array_equal(quantised(prices, 0.001), want)
    np.testing.assert_array_equal(quantised(prices, None), prices)


def test_full_precision_is_kept_on_disk_and_on_request_in_memory():
    frame = bars([1.00049, 0.0003, 7.123456789], volume=[1.5, 5e9, 2**53])
    rounded = make_bundle({"A": frame})
    np.testing.assert_array_equal(rounded.daily("close")[:, 0], [1 * 1.0, np.nan, 7123 * 0.001])
    np.testing.assert_array_equal(rounded.daily("volume")[:, 0], [1.5, 5e9, 2**53])
    stored = pd.read_parquet(rounded.path / "daily.parquet")
    assert stored["close"].tolist() == [1.00049, 0.0003, 7.123456789]


def test_price_quantum_none_serves_prices_as_given():
    def ingest(environ, assets, minutes, daily, adjustments, *rest):
        assets.write(equities=pd.DataFrame({"symbol": ["BTC"], "exchange": ["X"]}, index=[0]))
        daily.write([(0, bars([0.00012345, 2.0]))])

    bundles.register("fine", ingest, calendar_name="24/7", price_quantum=None)
    bundles.ingest("fine")
    bundles.unregister("fine")
    bundle = bundles.load("fine")
    assert bundle.price_quantum is None
    assert bundle.daily("close")[:, 0].tolist() == [0.00012345, 2.0]


def test_sessions_run_from_the_first_to_the_last_bar():
    frames = {"A": bars([1.0, 2.0], first="2020-01-06"), "B": bars([1.0], first="2020-01-10")}
    bundle = make_bundle(frames)
    labels = pd.DatetimeIndex(bundle.sessions.session_ns.view("M8[ns]"))
    assert labels.equals(pd.date_range("2020-01-06", "2020-01-10"))
    assert bundle.sessions.name == bundle.calendar_name == "XNYS"


def test_a_session_without_a_row_is_a_missing_bar():
    bundle = make_bundle({"A": bars([1.0, 2.0, 3.0, 4.0]).drop(days(4)[2])})
    np.testing.assert_array_equal(bundle.daily("close")[:, 0], [1.0, 2.0, np.nan, 4.0])
    assert bundle.daily("volume")[:, 0].tolist() == [1e6, 1e6, 0.0, 1e6]
    assert bundle.manifest.gaps == {"A 0": {"missing": 1, "first": "2020-01-06", "spans": [["2020-01-06"] * 2]}}


def test_an_asset_without_bars_has_an_empty_column():
    def ingest(environ, assets, minutes, daily, adjustments, *rest):
        assets.write(equities=pd.DataFrame({"symbol": ["A", "B", "C"], "exchange": ["X"] * 3}, index=[3, 5, 9]))
        daily.write([(9, bars([1.0])), (3, bars([2.0]))])

    bundles.register("gap", ingest)
    bundles.ingest("gap")
    bundles.unregister("gap")
    bundle = bundles.load("gap")
    assert bundle.asset_finder.sids.tolist() == [3, 5, 9]
    np.testing.assert_array_equal(bundle.daily("close"), [[2.0, np.nan, 1.0]])
    np.testing.assert_array_equal(bundle.daily("last_traded"), [[0, -1, 0]])


def test_an_array_has_its_room_on_the_disk_before_it_is_filled(tmp_path):
    """Whoever writes to a page for which the disk has no room is killed, without a message."""
    room = []

    def fill(out):
        (file,) = tmp_path.glob(".made.npy.*")
        room.append(file.stat().st_blocks * 512)

    array = open_dense(tmp_path / "made.npy", (1000, 100), np.float64, fill)
    assert room == [pytest.approx(array.nbytes, rel=0.1)]


def test_a_disk_without_room_for_an_array_is_named(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(OSError, match=r"No space left on device: '.*made\.npy\."):
        open_dense(tmp_path / "made.npy", (2, 2), np.float64, lambda out: None)
    assert [path.name for path in tmp_path.iterdir()] == ["made.lock"]


def test_unknown_field_is_named(quad):
    with pytest.raises(ValueError, match=r"field 'clse' is not stored: choose among open, high"):
        quad.daily("clse")


def damage_nothing(path):
    path.unlink()


def damage_head(path):
    path.write_bytes(b"\0" * 64 + path.read_bytes()[64:])


def damage_middle(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def damage_tail(path):
    path.write_bytes(path.read_bytes()[:-100])


def damage_all(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [damage_nothing, damage_head, damage_middle, damage_tail, damage_all])
def test_damaged_dense_array_is_made_again(damage):
    bundle = make_bundle({"A": bars(np.arange(1.0, 400.0))})
    want = np.array(bundle.daily("close"))
    path = cache_path(bundle.root, bundle.manifest) / "close.npy"
    damage(path)
    np.testing.assert_array_equal(bundles.load("made").daily("close"), want)


@pytest.mark.parametrize("damage", [damage_nothing, damage_head, damage_middle, damage_tail, damage_all])
def test_damaged_table_image_is_made_again_from_the_version(damage):
    bundle = make_bundle({"A": bars([1.0] * 9)}, splits=[("A", "2020-01-06", 0.5)])
    damage(cache_path(bundle.root, bundle.manifest) / "tables.npz")
    again = bundles.load("made")
    assert again.asset_finder.equities[0].to_dict() == bundle.asset_finder.equities[0].to_dict()
    np.testing.assert_array_equal(again.adjustments.splits, bundle.adjustments.splits)
    for got, want in zip(again.sessions, bundle.sessions, strict=True):
        np.testing.assert_array_equal(got, want)


def test_bars_that_are_not_those_ingested_are_refused():
    bundle = make_bundle({"A": bars(np.arange(1.0, 400.0))})
    path = bundle.path / "daily.parquet"
    damage_middle(path)
    with pytest.raises(BundleCorrupt, match=r"daily.parquet is not what was ingested"):
        bundles.load("made").daily("open")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: (path / "daily.parquet").unlink(), "is not whole .*daily.parquet"),
        (lambda path: (path / "daily.parquet").write_bytes(b"x"), "has 1 bytes, its manifest says"),
        (lambda path: (path / "manifest.json").write_text("{"), "is not whole"),
        (lambda path: (path / "manifest.json").write_text("[]"), "is not whole"),
        (
            lambda path: (path / "manifest.json").write_text('{"schema_version": 99}'),
            "has schema 99, this release reads 1",
        ),
        (lambda path: (path / "manifest.json").unlink(), "is not whole"),
    ],
)
def test_damaged_version_is_refused_with_what_to_do(change, message):
    bundle = make_bundle({"A": bars([1.0])})
    change(bundle.path)
    with pytest.raises(BundleCorrupt, match=message) as caught:
        bundles.load("made")
    assert "ingest" in str(caught.value)


def test_equal_content_under_other_sids_does_not_share_arrays():
    def ingest_as(sids):
        def ingest(environ, assets, minutes, daily, adjustments, *rest):
            assets.write(equities=pd.DataFrame({"symbol": ["A", "B"], "exchange": ["X", "X"]}, index=sids))
            daily.write(sorted(zip(sids, [bars([1.0]), bars([2.0])], strict=True), key=lambda pair: pair[0]))

        bundles.register("map", ingest)
        bundles.ingest("map")
        bundles.unregister("map")
        return bundles.load("map")

    one, other = ingest_as([0, 1]), ingest_as([1, 0])
    assert one.fingerprint == other.fingerprint
    assert one.daily("close").tolist() == [[1.0, 2.0]]
    assert other.daily("close").tolist() == [[2.0, 1.0]]


def _close_sum(root, version, start, results):
    start.wait()
    results.put(float(np.nansum(open_version(root, "made", version).daily("close"))))


def test_processes_that_build_one_array_at_once_agree():
    bundle = make_bundle({s: bars(np.arange(1.0, 900.0)) for s in "ABCDEFGH"})
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(3), context.Queue()
    workers = [context.Process(target=_close_sum, args=(bundle.root, bundle.version, start, results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    sums = {results.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join()
    assert sums == {8 * 899 * 900 / 2}
    assert sorted(path.name for path in cache_path(bundle.root, bundle.manifest).iterdir()) == [
        *("close.lock", "close.npy", "tables.lock", "tables.npz"),
    ]


def test_opening_needs_no_calendar_no_duckdb_and_one_thread(quad):
    for field in (*OHLCV, "last_traded"):
        quad.daily(field)
    script = (
        "import os, sys, json; from rustybt.data.store import open_version\n"
        f"b = open_version({str(quad.root)!r}, 'quad', {quad.version!r})\n"
        "total = float(b.daily('volume').sum()); len(b.asset_finder.equities), b.adjustments\n"
        "loaded = [m for m in ('duckdb', 'exchange_calendars', 'pyarrow.parquet', 'rich') if m in sys.modules]\n"
        "print(json.dumps([total, loaded, len(os.listdir('/proc/self/task'))]))"
    )
    quiet = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **quiet}, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [float(quad.daily("volume").sum()), [], 1]


def test_a_version_whose_tables_cannot_be_kept_in_the_cache_is_read():
    bundle = make_bundle({"A": bars([1.0])})
    shutil.rmtree(bundle.root / "cache")
    (bundle.root / "cache").write_text("in the way, as a file system that can only be read would be")
    opened = open_version(bundle.root, bundle.name, bundle.version)
    assert [equity.symbol for equity in opened.asset_finder.equities] == ["A"]


def test_a_root_with_glob_characters_works(tmp_path, monkeypatch):
    monkeypatch.setenv("RUSTYBT_ROOT", str(tmp_path / "a[1]*?"))
    assert make_bundle({"A": bars([3.0])}).daily("close").tolist() == [[3.0]]
