"""Lists of assets that are known: of the version that was asked for, whatever is ingested meanwhile."""

import pytest

from rustybt.data import bundles
from rustybt.errors import UnknownBundle
from rustybt.optimization.cache_invalidation import get_bundle_hash, get_cached_assets
from tests.builders import bars, make_bundle

pytestmark = pytest.mark.usefixtures("market")


def ingest(*symbols):
    make_bundle({symbol: bars([1.0, 2.0, 3.0]) for symbol in symbols})
    return get_bundle_hash("made")


def symbols_of(assets):
    return [asset.symbol for asset in assets]


def test_a_list_is_read_once():
    get_cached_assets.cache_clear()
    bundle_hash = ingest("A", "B")
    assert symbols_of(get_cached_assets("made", bundle_hash)) == ["A", "B"]
    assert get_cached_assets("made", bundle_hash) is get_cached_assets("made", get_bundle_hash("made"))
    found = get_cached_assets.cache_info()
    assert (found.hits, found.misses, found.maxsize) == (2, 1, 128)


def test_a_run_keeps_its_version_and_the_next_one_sees_the_new_ingest():
    before = ingest("A", "B")
    now = ingest("A", "B", "C")
    assert before != now == get_bundle_hash("made")
    get_cached_assets.cache_clear()
    assert symbols_of(get_cached_assets("made", now)) == ["A", "B", "C"]
    assert symbols_of(get_cached_assets("made", before)) == ["A", "B"]


def test_the_same_data_ingested_again_is_known_already():
    first = ingest("A", "B")
    assets = get_cached_assets("made", first)
    assert get_cached_assets("made", ingest("A", "B")) is assets


def test_a_version_that_is_gone_is_an_error_that_is_not_remembered():
    with pytest.raises(UnknownBundle, match="no version with the hash 'x': ask get_bundle_hash"):
        get_cached_assets("mag-7", "x")
    bundle_hash = ingest("A", "D")
    get_cached_assets.cache_clear()
    bundles.clean("made", keep_last=0)
    for _ in range(2):
        with pytest.raises(UnknownBundle):
            get_cached_assets("made", bundle_hash)
    ingest("A", "D")
    assert symbols_of(get_cached_assets("made", bundle_hash)) == ["A", "D"]


def test_a_version_below_another_root_is_found_there(tmp_path, monkeypatch):
    elsewhere = {"RUSTYBT_ROOT": str(tmp_path)}
    with monkeypatch.context() as patch:
        patch.setenv("RUSTYBT_ROOT", str(tmp_path))
        ingest("E", "F")
    there = get_bundle_hash("made", elsewhere)
    get_cached_assets.cache_clear()
    assert symbols_of(get_cached_assets("made", there, str(tmp_path))) == ["E", "F"]
    with pytest.raises(UnknownBundle):
        get_cached_assets("made", there)
