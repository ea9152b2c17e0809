"""A run and a frame leave the collector as they found it."""

import gc

import pytest

from rustybt.engine.garbage import YOUNG_COLLECTIONS, YOUNG_OBJECTS, no_collections, rare_collections


@pytest.fixture(autouse=True)
def collector():
    enabled, threshold = gc.isenabled(), gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    (gc.enable if enabled else gc.disable)()


@pytest.mark.parametrize(
    ("before", "within"),
    [
        ((700, 10, 10), (YOUNG_OBJECTS, YOUNG_COLLECTIONS, 10)),
        ((10**6, 99, 5), (10**6, 99, 5)),
        ((0, 10, 10), (0, 10, 10)),
    ],
)
def test_collections_become_rare_unless_the_user_made_them_rarer(before, within):
    gc.set_threshold(*before)
    with pytest.raises(RuntimeError), rare_collections():
        assert gc.get_threshold() == within
        raise RuntimeError
    assert gc.get_threshold() == before


@pytest.mark.parametrize("enabled", [True, False])
def test_no_collection_in_the_block_and_the_same_state_after_it(enabled):
    (gc.enable if enabled else gc.disable)()
    with pytest.raises(RuntimeError), no_collections():
        assert not gc.isenabled()
        raise RuntimeError
    assert gc.isenabled() is enabled
