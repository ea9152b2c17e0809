import math
import struct
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.errors import InvalidParameter, StorageError
from rustybt.optimization.result_cache import (
    ENTRY_BYTES,
    METRIC_BYTES,
    PROCESS_CACHE,
    ResultCache,
    ResultCacheStatistics,
)
from rustybt.optimization.result_store import CachedResult


def result(number, sessions=10, seconds=2.0):
    return CachedResult({"sharpe": float(number), "fills": 3.0}, b"\0" * 4 * sessions, "", seconds)


def key(number):
    return b"%d" % number


def filled(cache, count):
    for number in range(count):
        cache.put(key(number), result(number))
    return cache


def kept(cache, count):
    return [number for number in range(count) if cache.get(key(number)) is not None]


def test_it_gives_what_was_put_in():
    cache = filled(ResultCache(), 3)
    assert cache.get(key(1)) == result(1)
    assert cache.get(key(7)) is None


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_values_come_back_bit_for_bit(tmp_path, where):
    nan = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_0042))[0]
    metrics = {"nan": nan, "inf": math.inf, "-inf": -math.inf, "-0": -0.0, "tiny": 5e-324, "é ": 0.1 + 0.2}
    returns = struct.pack("<3f", math.nan, -0.0, 1e-45)
    first = ResultCache(folder=tmp_path)
    first.put(b"k", CachedResult(metrics, returns, "stopped at ☃", 0.1))
    with first if where == "memory" else ResultCache(folder=tmp_path) as cache:
        found = cache.get(b"k")
    first.close()
    assert list(found.metrics) == list(metrics)
    assert struct.pack("<6d", *found.metrics.values()) == struct.pack("<6d", *metrics.values())
    assert (found.returns, found.stopped, found.seconds) == (returns, "stopped at ☃", 0.1)


def test_the_one_that_was_asked_for_longest_ago_goes_first():
    cache = filled(ResultCache(3), 3)
    assert cache.get(key(0)) is not None
    cache.put(key(3), result(3))
    assert kept(cache, 4) == [0, 2, 3]
    assert cache.statistics.evictions == 1


def test_ten_thousand_are_kept_if_nothing_else_is_said():
    cache = filled(ResultCache(), 10_001)
    assert cache.statistics.entries == 10_000
    assert cache.get(key(0)) is None and cache.get(key(1)) is not None


def test_bytes_are_limited():
    size = ENTRY_BYTES + 2 * METRIC_BYTES + 40
    cache = filled(ResultCache(max_bytes=3 * size), 5)
    assert kept(cache, 5) == [2, 3, 4]
    assert cache.statistics.total_bytes == 3 * size
    cache.put(key(4), result(4, sessions=0))
    assert cache.statistics.total_bytes == 3 * size - 40
    cache.put(key(9), result(9, sessions=10_000))  # alone it does not fit
    assert kept(cache, 10) == [2, 3, 4]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 40)), max_size=40), st.integers(1, 5), st.integers(1, 3))
def test_limits_hold_whatever_happens(puts, entries, full):
    cache = ResultCache(entries, max_bytes=full * 1000)
    model = {}
    for number, sessions in puts:
        cache.put(key(number), result(number, sessions))
        model.pop(number, None)
        model[number] = ENTRY_BYTES + 2 * METRIC_BYTES + 4 * sessions
        while len(model) > entries or sum(model.values()) > full * 1000:
            del model[next(iter(model))]
    assert kept(cache, 7) == sorted(model)
    assert cache.statistics.total_bytes == sum(model.values())


def test_what_is_given_cannot_change_what_is_kept():
    metrics = {"sharpe": 1.0}
    cache = ResultCache()
    cache.put(b"k", CachedResult(metrics, b""))
    metrics["sharpe"] = 2.0
    assert cache.get(b"k").metrics == {"sharpe": 1.0}
    with pytest.raises(TypeError):
        cache.get(b"k").metrics["sharpe"] = 3.0


def test_statistics():
    cache = filled(ResultCache(), 2)
    before = cache.statistics
    for number in (0, 1, 1, 5):
        cache.get(key(number))
    cache.count_duplicate(1.5)
    cache.count_duplicate(math.nan)
    assert cache.statistics == ResultCacheStatistics(
        hits=3,
        misses=1,
        duplicates=2,
        seconds_saved=7.5,
        entries=2,
        total_bytes=2 * (ENTRY_BYTES + 2 * METRIC_BYTES + 40),
    )
    assert cache.statistics.hit_rate == 0.75
    assert cache.statistics.since(before) == cache.statistics
    assert cache.statistics.since(cache.statistics).hits == 0
    assert cache.statistics.since(cache.statistics).entries == 2
    assert math.isnan(ResultCacheStatistics().hit_rate)


@pytest.mark.parametrize(
    ("statistics", "text"),
    [
        (ResultCacheStatistics(), "0 hits, 0 misses, 0 duplicates, 0.00 s saved; 0 kept in 0.0 MB, 0 evicted"),
        (
            ResultCacheStatistics(1, 1, 1, 1, 1234.5, 2, 0, 3, 4_000_000),
            "1 hit (1 from disk), 1 miss (50.0%), 1 duplicate, 1,234.50 s saved; 3 kept in 4.0 MB, 2 evicted",
        ),
    ],
)
def test_statistics_read_well(statistics, text):
    assert str(statistics) == text


def test_what_was_put_on_disk_is_found_by_another_cache(tmp_path):
    with ResultCache(folder=tmp_path / "new" / "folder") as cache:
        filled(cache, 3)
    with ResultCache(folder=tmp_path / "new" / "folder") as other:
        assert [other.get(key(number)) for number in range(4)] == [result(0), result(1), result(2), None]
        assert other.get(key(0)) == result(0)
        statistics = other.statistics
    assert (statistics.hits, statistics.disk_hits, statistics.misses, statistics.entries) == (4, 3, 1, 3)


def test_what_memory_gave_up_is_found_on_disk(tmp_path):
    with filled(ResultCache(1, folder=tmp_path), 3) as cache:
        assert kept(cache, 3) == [0, 1, 2]
        assert cache.statistics.disk_hits == 3
        cache.clear()
        assert cache.statistics.entries == cache.statistics.total_bytes == 0
        assert cache.get(key(0)) == result(0)


def test_a_key_of_one_run_alone_is_not_put_on_disk(tmp_path):
    with ResultCache(folder=tmp_path) as cache:
        cache.put(b"k", result(1), on_disk=False)
        assert cache.get(b"k") == result(1)
        cache.clear()
        assert cache.get(b"k") is None


def test_nothing_is_written_unless_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    filled(ResultCache(), 3)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_cache_is_not_taken_for_none():
    assert ResultCache() and PROCESS_CACHE
    assert repr(ResultCache(5)) == "ResultCache(5, max_bytes=268435456)"


@pytest.mark.parametrize("limits", [{"max_entries": 0}, {"max_entries": 1.5}, {"max_bytes": -1}, {"max_bytes": True}])
def test_a_limit_that_makes_no_sense_is_an_error(limits):
    with pytest.raises(InvalidParameter, match="is no whole number of at least 1"):
        ResultCache(**limits)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be made"):
        ResultCache(folder=tmp_path / "file" / "below")


def test_threads_may_share_it(tmp_path):
    with ResultCache(50, folder=tmp_path) as cache:
        wrong = []

        def work(offset):
            for number in range(100):
                cache.put(key(number), result(number))
                found = cache.get(key((number * 7 + offset) % 100))
                wrong.extend([found] if found is not None and found.metrics["sharpe"] not in range(100) else [])

        threads = [threading.Thread(target=work, args=(offset,)) for offset in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong
        assert cache.statistics.hits + cache.statistics.misses == 400
        assert cache.statistics.entries == 50
