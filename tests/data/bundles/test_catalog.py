"""Finding, listing and removing versions."""

import inspect
import multiprocessing
import shutil

import pandas as pd
import pytest

from rustybt import run_algorithm
from rustybt.data import bundles
from rustybt.data.bundles.layout import bundle_path, ingestions
from rustybt.data.bundles.layout import data_root as root_of
from rustybt.data.manifest import cache_path
from rustybt.errors import BadClean, BundleCorrupt, BundleInUse, InvalidParameter, UnknownBundle
from tests.builders import bars, make_bundle

TIMES = ["2020-01-01", "2020-01-02", "2020-01-03T12", "2020-01-04"]


def ingest_at(*times, name="made", closes=None):
    """Ingest one version a time, each with its own price."""
    for number, time in enumerate(times):
        price = number + 1.0 if closes is None else closes

        def ingest(environ, assets, minutes, daily, *rest, price=price):
            assets.write(equities=pd.DataFrame({"symbol": ["A"], "exchange": ["X"]}, index=[0]))
            daily.write([(0, bars([price]))])

        bundles.register(name, ingest)
        bundles.ingest(name, timestamp=time)
        bundles.unregister(name)


def times(name="made"):
    return [str(record.ingested) for record in bundles.versions(name)]


def test_load_opens_the_newest_or_the_newest_by_then():
    ingest_at(*TIMES)
    assert bundles.load("made").daily("close").item() == 4.0
    assert bundles.load("made", timestamp="2020-01-03 11:59").daily("close").item() == 2.0
    assert bundles.load("made", timestamp=pd.Timestamp("2020-01-03 12:00", tz="UTC")).daily("close").item() == 3.0
    with pytest.raises(UnknownBundle, match=r"no version on or before 2019-01-01 .*: its oldest is of 2020-01-01"):
        bundles.load("made", timestamp="2019-01-01")


def test_load_says_what_to_do():
    with pytest.raises(UnknownBundle, match=r"bundle 'mag-7' is not ingested yet: run `rustybt ingest -b mag-7`"):
        bundles.load("mag-7")
    make_bundle({"A": bars([1.0])}, name="prices")
    with pytest.raises(
        UnknownBundle, match=r"'price' is not known \(did you mean 'prices'\?\): .*csvdir, mag-7, prices"
    ):
        bundles.load("price")


def test_environ_chooses_the_root(tmp_path):
    make_bundle({"A": bars([1.0])})
    with pytest.raises(UnknownBundle):
        bundles.load("made", {"RUSTYBT_ROOT": str(tmp_path)})
    assert root_of({}).name == ".rustybt"


def test_list_of_bundles():
    ingest_at("2020-01-01", "2020-01-02")
    listed = {record.name: record for record in bundles.available()}
    assert set(listed) == {"csvdir", "mag-7", "made"}
    assert listed["mag-7"].registered and listed["mag-7"].versions == ()
    made = listed["made"]
    assert not made.registered and [v.version for v in made.versions] == ["2020-01-01T00;00;00", "2020-01-02T00;00;00"]
    manifest = made.versions[-1].manifest
    assert (manifest.rows, manifest.assets, manifest.first_session, manifest.source["kind"]) == (
        1,
        1,
        "2020-01-02",
        "function",
    )


def test_damaged_version_is_listed_without_manifest():
    ingest_at("2020-01-01")
    (bundle_path(root_of(), "made") / "2020-01-01T00;00;00" / "manifest.json").write_text("{")
    (record,) = bundles.versions("made")
    assert record.manifest is None
    with pytest.raises(BundleCorrupt):
        bundles.load("made")


def test_a_source_is_read_again_where_the_newest_version_is_damaged(tmp_path):
    (tmp_path / "daily").mkdir()
    bars([1.0]).rename_axis("date").to_csv(tmp_path / "daily" / "A.csv")
    folder = bundle_path(root_of(), "files")
    for time in ("2020-01-01", "2020-01-02"):
        bundles.ingest_csvdir(tmp_path, "files", timestamp=time)
    (folder / "2020-01-02T00;00;00" / "manifest.json").write_text("{")
    bundles.ingest("files", timestamp="2020-01-03")
    assert bundles.load("files").daily("close").item() == 1.0
    for version in ("2020-01-01T00;00;00", "2020-01-03T00;00;00"):
        (folder / version / "manifest.json").write_text("{")
    with pytest.raises(BundleCorrupt, match="2020-01-03T00;00;00"):
        bundles.ingest("files")


def test_a_time_in_the_place_of_environ_is_refused():
    make_bundle({"A": bars([1.0])})
    with pytest.raises(InvalidParameter, match=r"environ '2020-01-01' holds no environment variables: .*timestamp='"):
        bundles.load("made", "2020-01-01")


@pytest.mark.parametrize(
    "function", [bundles.load, bundles.ingest, bundles.ingest_frames, bundles.clean, run_algorithm]
)
def test_no_signature_shows_the_environment(function):
    assert inspect.signature(function).parameters["environ"].default is None


def test_other_files_in_the_folder_are_no_versions():
    ingest_at("2020-01-01")
    folder = bundle_path(root_of(), "made")
    (folder / "notes").mkdir()
    (folder / "2020-01-05T00;00;00").write_text("a file")
    (folder / ".tmp-x").mkdir()
    assert ingestions(root_of(), "made") == ["2020-01-01T00;00;00"]
    assert bundles.ingestions_for_bundle("made") == [pd.Timestamp("2020-01-01")]


def test_what_cannot_be_a_bundle_is_not_listed():
    ingest_at("2020-01-01")
    for name in (".trash", " blank", "a:b"):
        (bundle_path(root_of(), name) / "2020-01-01").mkdir(parents=True)
    bundle_path(root_of(), "file").write_text("")
    assert [record.name for record in bundles.available()] == ["csvdir", "made", "mag-7"]


def test_a_version_moved_to_another_name_is_refused():
    ingest_at("2020-01-01")
    shutil.copytree(bundle_path(root_of(), "made"), bundle_path(root_of(), "stolen"))
    with pytest.raises(BundleCorrupt, match=r"of 'stolen' says it is of 'made'"):
        bundles.load("stolen")


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ({"keep_last": 1}, TIMES[3:]),
        ({"keep_last": 3}, TIMES[1:]),
        ({"keep_last": 9}, TIMES),
        ({"keep_last": 0}, []),
        ({"before": "2020-01-02"}, TIMES[1:]),
        ({"after": "2020-01-02"}, TIMES[:2]),
        ({"before": "2020-01-02", "after": pd.Timestamp("2020-01-03 12:00", tz="UTC")}, TIMES[1:3]),
    ],
)
def test_clean_removes_by_rule(rule, kept):
    ingest_at(*TIMES)
    before = {str(bundle_path(root_of(), "made") / record.version) for record in bundles.versions("made")}
    removed = bundles.clean("made", **rule)
    after = {str(bundle_path(root_of(), "made") / record.version) for record in bundles.versions("made")}
    assert times() == [str(pd.Timestamp(time)) for time in kept] and removed == before - after


@pytest.mark.parametrize(
    "rule", [{}, {"keep_last": 1, "before": "2020-01-01"}, {"keep_last": 1, "after": "2020-01-01"}, {"keep_last": -1}]
)
def test_clean_needs_one_rule(rule):
    ingest_at("2020-01-01")
    with pytest.raises(BadClean, match=r"got before="):
        bundles.clean("made", **rule)
    assert len(times()) == 1


def test_clean_of_an_unknown_bundle():
    with pytest.raises(UnknownBundle, match="did you mean 'mag-7'"):
        bundles.clean("mag-8", keep_last=1)


def test_clean_drops_the_cache_that_nobody_uses_any_more():
    ingest_at("2020-01-01", "2020-01-02", closes=5.0)
    ingest_at("2020-01-03", closes=6.0)
    shared, other = (bundles.load("made", timestamp=time) for time in ("2020-01-02", "2020-01-04"))
    for bundle in (shared, other):
        bundle.daily("close")
    bundles.clean("made", before="2020-01-02")
    kept, dropped = (cache_path(bundle.root, bundle.manifest) for bundle in (other, shared))
    assert dropped.is_dir()
    del bundle, shared
    bundles.clean("made", keep_last=1)
    assert not dropped.parent.exists()
    assert kept.is_dir()


def test_clean_removes_the_link_to_a_version_that_was_put_elsewhere(tmp_path):
    ingest_at("2020-01-01", closes=5.0)
    path = bundles.load("made").path
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert bundles.load("made").manifest.rows
    assert bundles.clean("made", keep_last=0) == {str(path)}
    assert not path.is_symlink() and (tmp_path / "elsewhere" / "manifest.json").is_file()


@pytest.mark.parametrize("lost", ["version", "manifest"])
def test_clean_drops_the_cache_of_versions_that_were_lost_otherwise(lost):
    ingest_at("2020-01-01", closes=5.0)
    bundle = bundles.load("made")
    bundle.daily("close")
    ingest_at("2020-01-02", closes=6.0)
    path, cache = bundle.path, cache_path(bundle.root, bundle.manifest)
    del bundle
    shutil.rmtree(path) if lost == "version" else (path / "manifest.json").write_text("{}")
    bundles.clean("made", keep_last=1)
    newest = bundles.load("made")
    assert not cache.parent.exists() and cache_path(newest.root, newest.manifest).is_dir()


@pytest.mark.parametrize("forked", [False, True])
def test_a_version_that_a_living_process_uses_is_not_removed(forked):
    ingest_at("2020-01-01", closes=5.0)
    ingest_at("2020-01-02", closes=6.0)
    used = bundles.load("made", timestamp="2020-01-01")
    if forked:
        ours, theirs = multiprocessing.Pipe()
        child = multiprocessing.get_context("spawn").Process(target=use_version, args=(str(root_of()), theirs))
        child.start()
        assert ours.recv() == "open"
        del used
    with pytest.warns(BundleInUse, match="bundle 'made': 2020-01-01T00;00;00 stays, as a living process uses it"):
        assert len(bundles.clean("made", keep_last=0)) == 1
    assert times() == ["2020-01-01 00:00:00"]
    if forked:
        ours.send("close")
        child.join()
    else:
        assert used.daily("close").tolist() == [[5.0]]
        del used
    assert len(bundles.clean("made", keep_last=0)) == 1


def use_version(root, connection):
    bundle = bundles.load("made", {"RUSTYBT_ROOT": root}, "2020-01-01")
    connection.send("open")
    connection.recv()
    del bundle


def test_a_run_keeps_no_version_from_being_removed(ingested_copy):
    run_algorithm(bundle="mag-7", start="2020-01-02", end="2020-02-03", initialize=lambda context: None)
    assert len(bundles.clean("mag-7", keep_last=0)) == 1


@pytest.fixture
def ingested_copy():
    bundles.ingest("mag-7")


def test_cleaned_arrays_stay_readable_where_they_are_mapped():
    ingest_at("2020-01-01")
    close = bundles.load("made").daily("close")
    bundles.clean("made", keep_last=0)
    assert close.tolist() == [[1.0]]
