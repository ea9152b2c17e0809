"""A mapping of names to frames that lives in a folder."""

import pandas as pd
import pytest

from rustybt.data.bundles.frame_cache import FrameCache
from rustybt.errors import InvalidParameter

FRAME = pd.DataFrame({"x": [1, 2], "y": ["a", None]}, index=pd.Index(["p", "q"], name="k"))


@pytest.fixture
def cache(tmp_path):
    return FrameCache(tmp_path / "cache")


def test_behaves_like_a_dict(cache):
    assert len(cache) == 0 and "a" not in cache and cache.get("a") is None
    cache["a"] = FRAME
    cache["b"] = FRAME * 2
    pd.testing.assert_frame_equal(cache["a"], FRAME)
    assert list(cache) == ["a", "b"] and len(cache) == 2
    del cache["a"]
    assert list(cache) == ["b"]
    with pytest.raises(KeyError):
        del cache["a"]
    with pytest.raises(KeyError):
        cache["a"]


@pytest.mark.parametrize("key", ["a/b", "../up", ".hidden", "x.y", "ü", "two words", "a%2Eb", "nul\0"])
def test_any_name_stays_in_the_folder(cache, key, tmp_path):
    cache[key] = FRAME
    assert list(cache) == [key]
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    pd.testing.assert_frame_equal(cache[key], FRAME)


@pytest.mark.parametrize("key", ["", "x" * 300])
def test_names_that_are_no_file_are_refused(cache, key):
    with pytest.raises(InvalidParameter, match="cache key"):
        cache[key] = FRAME


def test_clear_removes_the_folder(cache):
    cache["a"] = FRAME
    cache.clear()
    assert not cache.path.exists() and len(cache) == 0
    cache.clear()
