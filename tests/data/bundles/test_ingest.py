"""Ingesting: what the function receives, what a crash leaves, what is refused."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import warnings

import pandas as pd
import pytest

from rustybt.data import bundles
from rustybt.data.bundles.layout import bundle_path
from rustybt.data.files import file_lock
from rustybt.data.manifest import read_manifest
from rustybt.errors import BadData, IngestWarning, InvalidParameter, InvalidSpan, UnknownBundle
from tests.builders import bars, days, make_bundle


def one_asset(closes=(1.0, 2.0), symbol="A"):
    def ingest(environ, assets, minutes, daily, adjustments, *rest):
        assets.write(equities=pd.DataFrame({"symbol": [symbol], "exchange": ["X"]}, index=[0]))
        daily.write([(0, bars(closes))])

    return ingest


@pytest.fixture
def registered():
    """Register bundles that are forgotten after the test."""
    names = []

    def register(name, function, *args, **options):
        bundles.register(name, function, *args, **options)
        names.append(name)

    yield register
    for name in names:
        if name in bundles.bundles:
            bundles.unregister(name)


def leftovers(data_root, name):
    return sorted(p.name for p in bundle_path(data_root, name).iterdir() if p.name not in (".lock",))


def test_function_receives_what_zipline_passes(registered, data_root):
    seen = {}

    def ingest(
        environ, asset_db_writer, minute_bar_writer, daily_bar_writer, adjustment_writer, calendar, start_session,
        end_session, cache, show_progress, output_dir,
    ):  # fmt: skip
        seen.update(locals())
        one_asset()(environ, asset_db_writer, minute_bar_writer, daily_bar_writer, adjustment_writer)
        cache["raw"] = pd.DataFrame({"x": [1]})
        assert cache["raw"]["x"].tolist() == [1]

    registered("all", ingest, start_session=pd.Timestamp("2020-01-02", tz="UTC"), end_session="2020-12-31")
    environ = {"RUSTYBT_ROOT": str(data_root), "SECRET": "1"}
    bundles.ingest("all", environ, show_progress=True)
    assert seen["environ"] is environ and seen["calendar"].name == "XNYS" and seen["show_progress"] is True
    assert (seen["start_session"], seen["end_session"]) == (pd.Timestamp("2020-01-02"), pd.Timestamp("2020-12-31"))
    assert str(seen["output_dir"]).startswith(str(data_root)) and not os.path.exists(seen["output_dir"])
    assert not seen["cache"].path.exists()


def test_span_defaults_to_the_calendar_and_is_cut_to_it(registered):
    registered("wide", one_asset(), start_session="1950-01-01", end_session="2100-01-01")
    bundles.ingest("wide")
    first = bundles.load("wide").first_trading_session_ns
    assert pd.Timestamp(first) == pd.Timestamp("1990-01-02")


def test_registered_start_is_the_first_trading_session(registered):
    registered("late", one_asset(), start_session="2019-12-30")
    bundles.ingest("late")
    assert pd.Timestamp(bundles.load("late").first_trading_session_ns) == pd.Timestamp("2019-12-30")


@pytest.mark.parametrize(
    ("span", "message"),
    [
        ({"start_session": "2020-01-04"}, r"start_session 2020-01-04 is no session of calendar XNYS: use 2020-01-06"),
        ({"end_session": "2020-01-04"}, r"end_session 2020-01-04 is no session of calendar XNYS: use 2020-01-03"),
        (
            {"start_session": "2020-01-03", "end_session": "2020-01-02"},
            r"start_session 2020-01-03 is after end_session",
        ),
        ({"start_session": "soon"}, r"start_session 'soon' is no date"),
    ],
)
def test_impossible_span_is_named(registered, span, message):
    registered("span", one_asset(), **span)
    with pytest.raises(InvalidSpan, match=message):
        bundles.ingest("span")


def test_bars_outside_the_registered_span_are_refused(registered):
    registered("tight", one_asset(), end_session="2020-01-02")
    with pytest.raises(
        BadData, match=r"sid 0: 2020-01-03 is no session of calendar XNYS from 1990-01-02 to 2020-01-02"
    ):
        bundles.ingest("tight")


def test_timestamp_names_the_version_and_versions_never_change(registered):
    registered("v", one_asset())
    assert bundles.ingest("v", timestamp=pd.Timestamp("2020-01-02 03:04", tz="US/Eastern")) == "2020-01-02T08;04;00"
    with pytest.raises(InvalidParameter, match=r"version 2020-01-02T08;04;00 already, and versions never change"):
        bundles.ingest("v", timestamp="2020-01-02 08:04")
    with pytest.raises(InvalidSpan, match=r"timestamp 'x' is no time"):
        bundles.ingest("v", timestamp="x")


def test_older_asset_formats_are_refused():
    with pytest.raises(InvalidParameter, match=r"assets_versions \[6\] cannot be written"):
        bundles.ingest("mag-7", assets_versions=(6,))


def test_unknown_name_gets_a_near_miss():
    with pytest.raises(UnknownBundle, match=r"bundle 'mag7' is not known \(did you mean 'mag-7'\?\)"):
        bundles.ingest("mag7")


def test_function_that_raises_leaves_the_old_version_and_no_rest(registered, data_root):
    registered("crash", one_asset())
    version = bundles.ingest("crash")

    def broken(environ, assets, minutes, daily, *rest):
        daily.write([(0, bars([1.0]))])
        raise RuntimeError("network gone")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        registered("crash", broken)
    with pytest.raises(RuntimeError, match="network gone"):
        bundles.ingest("crash")
    assert leftovers(data_root, "crash") == [version]
    assert bundles.load("crash").daily("close").tolist() == [[1.0], [2.0]]


def test_cache_outlives_a_failed_ingest(registered):
    calls = []

    def flaky(environ, assets, minutes, daily, adjustments, calendar, start, end, cache, show, out):
        calls.append(list(cache))
        cache["down/load.1"] = pd.DataFrame({"x": [1.5]})
        if len(calls) == 1:
            raise RuntimeError("second request failed")
        one_asset()(environ, assets, minutes, daily, adjustments)

    registered("flaky", flaky)
    with pytest.raises(RuntimeError):
        bundles.ingest("flaky")
    bundles.ingest("flaky")
    bundles.ingest("flaky")
    assert calls == [[], ["down/load.1"], []]


KILLED = """
    import os, sys, time
    import pandas as pd
    from rustybt.data import bundles
    from tests.builders import bars

    def ingest(environ, assets, minutes, daily, *rest):
        assets.write(equities=pd.DataFrame({"symbol": ["A"], "exchange": ["X"]}, index=[0]))
        daily.write([(0, bars([7.0]))])
        print("writing", flush=True)
        time.sleep(60)

    bundles.register("killed", ingest)
    bundles.ingest("killed")
"""


def test_killed_ingest_leaves_the_old_version_and_the_next_one_cleans_up(registered, data_root):
    registered("killed", one_asset())
    first = bundles.ingest("killed")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED)], stdout=subprocess.PIPE, text=True, env=environ
    )
    assert process.stdout.readline() == "writing\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert len(leftovers(data_root, "killed")) == 2
    assert [record.version for record in bundles.versions("killed")] == [first]
    assert bundles.load("killed").daily("close").tolist() == [[1.0], [2.0]]
    second = bundles.ingest("killed")
    assert leftovers(data_root, "killed") == [first, second]


@pytest.mark.parametrize("step", ["write_parquet", "_file_records", "fsync_path"])
def test_crash_while_finishing_leaves_the_old_version(registered, data_root, monkeypatch, step):
    registered("late", one_asset())
    version = bundles.ingest("late")

    def gone(*args, **options):
        raise OSError("no space left on device")

    monkeypatch.setattr(f"rustybt.data.bundles.version.{step}", gone)
    with pytest.raises(OSError, match="no space"):
        bundles.ingest("late")
    assert leftovers(data_root, "late") == [version]


def test_manifest_describes_every_file(data_root):
    bundle = make_bundle({"A": bars([1.0])})
    on_disk = {path.name for path in bundle.path.iterdir()} - {"manifest.json"}
    manifest = read_manifest(bundle.path)
    assert set(manifest.files) == on_disk
    assert (manifest.name, manifest.rows, manifest.assets, manifest.sessions) == ("made", 1, 1, 1)


def test_ingests_of_one_bundle_wait_for_each_other(registered):
    inside, most = [], []

    def slow(environ, assets, minutes, daily, adjustments, *rest):
        inside.append(1)
        most.append(len(inside))
        one_asset()(environ, assets, minutes, daily, adjustments)
        threading.Event().wait(0.05)
        inside.pop()

    registered("busy", slow)
    threads = [threading.Thread(target=bundles.ingest, args=("busy",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1] and len(bundles.versions("busy")) == 3


def test_an_ingest_that_waited_makes_the_newest_version(data_root, registered):
    registered("busy", one_asset())
    waiting = threading.Thread(target=bundles.ingest, args=("busy",))
    with file_lock(bundle_path(data_root, "busy") / ".lock"):
        waiting.start()
        waiting.join(0.5)  # for its turn
        released = pd.Timestamp.now(tz="UTC").tz_localize(None)
    waiting.join()
    (version,) = bundles.versions("busy")
    assert version.ingested >= released


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda environ, assets, *rest: None, "wrote no daily bars"),
        (lambda environ, assets, minutes, daily, *rest: daily.write([(0, bars([1.0]))]), "wrote no assets"),
        (
            lambda environ, assets, minutes, daily, *rest: daily.write([(0, bars([float("nan")], 0))]),
            "wrote no daily bars",
        ),
    ],
)
def test_an_empty_bundle_is_refused(registered, function, message):
    registered("empty", function)
    with pytest.raises(BadData, match=message):
        bundles.ingest("empty")


def test_bars_of_an_undescribed_asset_are_refused(registered):
    def ingest(environ, assets, minutes, daily, *rest):
        assets.write(equities=pd.DataFrame({"symbol": ["A"], "exchange": ["X"]}, index=[0]))
        daily.write([(0, bars([1.0])), (4, bars([1.0]))])

    registered("stray", ingest)
    with pytest.raises(BadData, match=r"daily bars of sid 4 were written, but asset_db_writer described no such asset"):
        bundles.ingest("stray")


def test_order_of_the_writers_does_not_matter(registered):
    def ingest(environ, assets, minutes, daily, adjustments, *rest):
        paid = {"sid": 0, "ex_date": days(2)[1], "amount": 0.5}
        dates = {name: days(2)[1] for name in ("declared_date", "record_date", "pay_date")}
        adjustments.write(dividends=pd.DataFrame([{**paid, **dates}]))
        one_asset()(environ, assets, minutes, daily, adjustments)

    registered("order", ingest)
    bundles.ingest("order")
    assert bundles.load("order").adjustments.dividend_ratios["ratio"].tolist() == [0.5]


def test_without_writers_a_whole_version_must_be_put_in_place(registered):
    import shutil

    source = make_bundle({"A": bars([3.0])}, name="copy")

    def copy(environ, assets, minutes, daily, adjustments, calendar, start, end, cache, show, output_dir):
        assert assets is minutes is daily is adjustments is None
        shutil.copytree(source.path, output_dir, dirs_exist_ok=True)

    registered("copy", copy, create_writers=False)
    bundles.ingest("copy")
    assert bundles.load("copy").fingerprint == source.fingerprint and len(bundles.versions("copy")) == 2
    registered("other", copy, create_writers=False)
    with pytest.raises(BadData, match=r"is of bundle 'copy', not 'other'"):
        bundles.ingest("other")
    registered("nothing", lambda *args: None, create_writers=False)
    with pytest.raises(BadData, match=r"its ingest function left no manifest.json in output_dir"):
        bundles.ingest("nothing")


HOSTILE = [
    "",
    " ",
    "a/b",
    "../up",
    "..",
    ".hidden",
    "-flag",
    "nul\0",
    "x" * 300,
    "a\nb",
    "C:",
    "back\\slash",
    "*",
    7,
    None,
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("call", ["register", "ingest", "load", "clean", "versions", "ingest_csvdir"])
def test_hostile_names_are_refused_before_anything_happens(name, call, data_root, tmp_path):
    calls = {
        "register": lambda: bundles.register(name, one_asset()),
        "ingest": lambda: bundles.ingest(name),
        "load": lambda: bundles.load(name),
        "clean": lambda: bundles.clean(name, keep_last=0),
        "versions": lambda: bundles.versions(name),
        "ingest_csvdir": lambda: bundles.ingest_csvdir(tmp_path, name),
    }
    with pytest.raises(InvalidParameter, match=r"bundle name .*such as 'my-data'") as caught:
        calls[call]()
    assert len(str(caught.value)) < 250 and str(caught.value).isprintable()
    assert list(data_root.iterdir()) == []


@pytest.mark.parametrize("name", ["mag-7", "quandl_2", "v1.0", "données", "two words", "x" * 120])
def test_ordinary_names_work(name, registered):
    registered(name, one_asset()) if name not in bundles.bundles else None
    bundles.ingest(name)
    assert bundles.load(name).name == name


def test_partial_bars_warn_raise_or_pass(registered):
    frame = bars([1.0, 2.0])
    frame.iloc[1, 3] = float("nan")

    def ingest_with(behavior):
        def ingest(environ, assets, minutes, daily, *rest):
            assets.write(equities=pd.DataFrame({"symbol": ["A"], "exchange": ["X"]}, index=[0]))
            daily.write([(0, frame)], invalid_data_behavior=behavior)

        return ingest

    registered("warn", ingest_with("warn"))
    with pytest.warns(IngestWarning, match=r"sid 0: 1 bars lack some of their prices, the first on 2020-01-03"):
        bundles.ingest("warn")
    assert bundles.load("warn").daily("high")[:, 0].tolist() == [1.0, 2.0]
    registered("ignore", ingest_with("ignore"))
    bundles.ingest("ignore")
    registered("raise", ingest_with("raise"))
    with pytest.raises(BadData, match="lack some of their prices"):
        bundles.ingest("raise")
    registered("typo", ingest_with("raises"))
    with pytest.raises(InvalidParameter, match=r"invalid_data_behavior 'raises' is not known"):
        bundles.ingest("typo")
