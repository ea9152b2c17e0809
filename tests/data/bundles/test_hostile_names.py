"""Names and paths are hostile: an error, or stored as they are; no file outside of the root, no SQL made of them."""

import json
import pathlib
import re
import zipfile

import pandas as pd
import pytest

from rustybt.constants import OHLCV
from rustybt.data import bundles
from rustybt.data.bundles.layout import bundle_path
from rustybt.data.manifest import MANIFEST, cache_path
from rustybt.errors import BadData, BundleCorrupt, InvalidParameter, RustyBTError

DAYS = pd.DatetimeIndex(["2020-01-02", "2020-01-03"])
STORED = [
    "BRK/B",
    "..",
    "../../UP",
    "O'NEIL",
    'SAY "HI"',
    "A; DROP TABLE bars_daily; --",
    "株式",
    "$1",
    "%s",
    "*",
    "X" * 128,
]
REFUSED = ["NUL\0", "\0", "", " A", "A ", "A\nB", "X" * 300, "\ud800", "A\u200b", "\x1b[31m"]
NAMES = [
    "a/b",
    "/etc/x",
    "..",
    "../up",
    "nul\0",
    "x" * 300,
    "é" * 61,
    "a\\b",
    "a\nb",
    'a"b',
    "\ud800",
    ".tmp-1",
    ".lock",
]


def frame_of(*closes):
    return pd.DataFrame(
        {**dict.fromkeys(OHLCV[:4], list(map(float, closes))), "volume": 1.0}, index=DAYS[: len(closes)]
    )


def outside(root):
    """Name what lies beside the root."""
    return sorted(
        path.relative_to(root.parent).as_posix() for path in root.parent.rglob("*") if root not in path.parents
    )


@pytest.fixture
def environ(tmp_path):
    """An environment whose root has company, so that what is written beside it would be seen."""
    root = tmp_path / "company" / 'it\'s a "root" [x] *'
    root.mkdir(parents=True)
    (root.parent / "precious").write_text("kept")
    return {"RUSTYBT_ROOT": str(root)}


@pytest.fixture
def untouched(environ):
    root = pathlib.Path(environ["RUSTYBT_ROOT"])
    before = outside(root)
    yield root
    assert outside(root) == before


@pytest.mark.parametrize("kind", ["frames", "parquetdir", "csvdir"])
def test_symbols_of_any_printable_text_are_stored_in_capitals(kind, environ, untouched, tmp_path):
    source = tmp_path / "so'urce [1]*"
    frames = {symbol: frame_of(10 + at, 11 + at) for at, symbol in enumerate(STORED)}
    if kind == "frames":
        bundles.ingest_frames(frames, "named", environ=environ)
    elif kind == "parquetdir":
        source.mkdir()
        table = pd.concat([frame.assign(symbol=one) for one, frame in frames.items()]).rename_axis("date").reset_index()
        table.to_parquet(source / "it's; --.parquet")
        bundles.ingest_parquetdir(source, "named", environ=environ)
    else:
        frames = {symbol: frame for symbol, frame in frames.items() if "/" not in symbol and symbol != ".."}
        (source / "daily").mkdir(parents=True)
        for one, frame in frames.items():
            frame.rename_axis("date").to_csv(source / "daily" / f"{one}.csv")
        bundles.ingest_csvdir(source, "named", environ=environ)
    bundle = bundles.load("named", environ)
    assert {asset.symbol for asset in bundle.asset_finder.equities} == {symbol.upper() for symbol in frames}
    statement = "SELECT symbol, min(close) AS low FROM assets JOIN bars_daily USING (sid) WHERE symbol = $1 GROUP BY 1"
    for symbol, frame in frames.items():
        column = bundle.asset_finder.lookup_symbol(symbol, DAYS[1]).column
        assert bundle.daily("close")[:, column].tolist() == frame["close"].tolist()
        asked = bundle.sql(statement, [symbol.upper()]).to_arrow().to_pylist()
        assert asked == [{"symbol": symbol.upper(), "low": frame["close"].iloc[0]}]
    assert bundles.ingest_frames(frames, "named", environ=environ, append=True) == bundle.version


@pytest.mark.parametrize("symbol", REFUSED)
@pytest.mark.parametrize("kind", ["frames", "parquetdir", "function"])
def test_symbols_that_nobody_could_tell_apart_are_refused(symbol, kind, environ, untouched, tmp_path):
    def function(environ, assets, minutes, daily, *rest):
        assets.write(equities=pd.DataFrame({"symbol": [symbol], "exchange": ["X"]}, index=[0]))
        daily.write([(0, frame_of(1))])

    if kind == "frames":
        with pytest.raises(BadData, match="symbol"):
            bundles.ingest_frames({symbol: frame_of(1)}, "named", environ=environ)
    elif kind == "parquetdir":
        if symbol == "\ud800":
            pytest.skip("Parquet has no such text")
        frame_of(1).rename_axis("date").reset_index().assign(symbol=symbol).to_parquet(tmp_path / "x.parquet")
        with pytest.raises(BadData, match="symbol"):
            bundles.ingest_parquetdir(tmp_path / "x.parquet", "named", environ=environ)
    elif "\0" in symbol:
        bundles.register("named", function)
        try:
            with pytest.raises(BadData, match="which has a NUL or no valid Unicode"):
                bundles.ingest("named", environ)
        finally:
            bundles.unregister("named")
    assert bundles.versions("named", environ) == ()


@pytest.mark.parametrize(("one", "other"), [("abc", "ABC"), ("straße", "STRASSE"), ("é", "É")])
def test_symbols_that_differ_in_capitals_alone_are_refused(one, other, environ):
    with pytest.raises(BadData, match="comes twice, in other capitals"):
        bundles.ingest_frames({one: frame_of(1), other: frame_of(2)}, "named", environ=environ)


def test_composed_and_decomposed_letters_are_two_symbols_and_two_bundles(environ):
    frames = {"\u00c9": frame_of(1), "E\u0301": frame_of(2)}
    for name, frame in zip(("\u00e9", "e\u0301"), frames.values(), strict=True):
        bundles.ingest_frames({"A": frame}, name, environ=environ)
    assert [bundles.load(name, environ).daily("close").item() for name in ("\u00e9", "e\u0301")] == [1.0, 2.0]
    bundles.ingest_frames(frames, "both", environ=environ)
    closes = bundles.load("both", environ).daily("close")
    assert sorted(closes[0].tolist()) == [1.0, 2.0]


def test_names_in_other_capitals_are_other_bundles(environ):
    for name, close in (("Mine", 1), ("mine", 2)):
        bundles.ingest_frames({"A": frame_of(close)}, name, environ=environ)
    assert [bundles.load(name, environ).daily("close").item() for name in ("Mine", "mine")] == [1.0, 2.0]


@pytest.mark.parametrize("name", NAMES)
def test_bundle_names_that_are_no_folder_are_refused_everywhere(name, environ, untouched, tmp_path):
    calls = (
        lambda: bundles.ingest_frames({"A": frame_of(1)}, name, environ=environ),
        lambda: bundles.ingest_csvdir(tmp_path, name, environ=environ),
        lambda: bundles.ingest_parquetdir(tmp_path, name, environ=environ),
        lambda: bundles.load(name, environ),
        lambda: bundles.verify(name, environ=environ),
        lambda: bundles.clean(name, keep_last=0, environ=environ),
    )
    for call in calls:
        with pytest.raises(InvalidParameter, match="bundle name") as caught:
            call()
        assert str(caught.value).isprintable() and len(str(caught.value)) < 250
    assert list(untouched.iterdir()) == []


@pytest.mark.parametrize("column", ['a"b', "a'b", "a.b", "a; DROP", "株", "x" * 300, "select"])
def test_columns_of_any_name_can_be_mapped(column, environ, tmp_path):
    table = frame_of(10, 11).rename_axis("date").reset_index().assign(symbol="A").rename(columns={"close": column})
    table.to_parquet(tmp_path / "x.parquet")
    bundles.ingest_parquetdir(tmp_path / "x.parquet", "named", environ=environ, columns={"close": column})
    assert bundles.load("named", environ).daily("close")[:, 0].tolist() == [10.0, 11.0]


def test_a_column_that_would_be_all_columns_is_refused(environ, tmp_path):
    table = frame_of(10, 11).rename_axis("date").reset_index().assign(symbol="A").rename(columns={"close": "*"})
    table.to_parquet(tmp_path / "x.parquet")
    with pytest.raises(BadData, match=r"column '\*' would be read as all columns: rename it"):
        bundles.ingest_parquetdir(tmp_path / "x.parquet", "named", environ=environ, columns={"close": "*"})


def resealed(path, **changes):
    """Change a manifest, and let it look as written by an earlier release, without its digest."""
    said = json.loads(path.read_text())
    del said["digest"]
    path.write_text(json.dumps(said | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fingerprint": "../../precious"}, "fingerprint '../../precious', which is no digest"),
        ({"fingerprint": ".."}, "which is no digest"),
        ({"sid_map": "/" * 64}, "sid_map '/+', which is no digest"),
        ({"files": {"../../x": {"bytes": 1, "sha256": ""}}}, "names file '../../x', which is not inside of it"),
        ({"files": {"/etc/passwd": {"bytes": 1, "sha256": ""}}}, "names file '/etc/passwd', which is not inside"),
        ({"name": "other"}, "says it is of 'other'"),
        ({"surprise": 1}, "names 'surprise', which no manifest has"),
    ],
)
def test_a_manifest_cannot_lead_outside(changes, message, environ, untouched):
    for close in (1, 2):
        bundles.ingest_frames({"A": frame_of(close)}, "named", environ=environ, timestamp=f"2020-01-0{close}")
    path = bundle_path(untouched, "named") / "2020-01-01T00;00;00" / MANIFEST
    resealed(path, **changes)
    with pytest.raises(BundleCorrupt, match=message):
        bundles.load("named", environ, "2020-01-01").daily("close")
    bundles.clean("named", keep_last=1, environ=environ)
    assert (untouched.parent / "precious").read_text() == "kept"
    assert bundles.load("named", environ).daily("close").item() == 2.0


def test_a_manifest_nested_without_end_is_an_error(environ):
    bundles.ingest_frames({"A": frame_of(1)}, "named", environ=environ)
    path = bundles.load("named", environ).path / MANIFEST
    path.write_text("[" * 200_000)
    with pytest.raises(BundleCorrupt, match="RecursionError"):
        bundles.load("named", environ)


def test_a_source_that_this_release_does_not_know_is_an_error(environ, tmp_path):
    (tmp_path / "s" / "daily").mkdir(parents=True)
    frame_of(1).rename_axis("date").to_csv(tmp_path / "s" / "daily" / "A.csv")
    bundles.ingest_csvdir(tmp_path / "s", "named", environ=environ)
    path = bundles.load("named", environ).path / MANIFEST
    resealed(path, source={"kind": "csvdir", "path": str(tmp_path / "s"), "turbo": True})
    with pytest.raises(BundleCorrupt, match="cannot be read again"):
        bundles.ingest("named", environ)


@pytest.mark.parametrize("folder", ["now", "today", "2020-01-01T00;00;00+01;00", "NaT", "2020", "1e9"])
def test_folders_with_odd_names_break_nothing(folder, environ, untouched):
    bundles.ingest_frames({"A": frame_of(7)}, "named", environ=environ)
    (bundle_path(untouched, "named") / folder).mkdir()
    assert bundles.load("named", environ).daily("close").item() == 7.0
    bundles.ingest_frames({"A": frame_of(8)}, "named", environ=environ)
    assert bundles.load("named", environ).daily("close").item() == 8.0


def test_nothing_in_a_bundle_is_a_pickle(environ, untouched):
    frame = frame_of(1, 2).assign(dividend=[0.0, 0.1], split=[1.0, 2.0])
    with pytest.warns(match="no pay date"):
        bundles.ingest_frames({"A": frame}, "named", environ=environ)
    bundle = bundles.load("named", environ)
    for field in (*OHLCV, "last_traded"):
        bundle.daily(field)
    endings = {path.suffix for path in untouched.rglob("*") if path.is_file() and path.name != ".lock"}
    assert endings <= {".parquet", ".json", ".npy", ".npz", ".lock"}
    image = cache_path(bundle.root, bundle.manifest) / "tables.npz"
    with zipfile.ZipFile(image) as archive:
        heads = [archive.read(name)[:200] for name in archive.namelist()]
    assert heads and not any(re.search(rb"'descr': .*O'", head) for head in heads)
    with pytest.raises(RustyBTError):
        bundles.load("named", environ, "1999-01-01")
