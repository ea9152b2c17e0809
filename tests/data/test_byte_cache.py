"""A cache of arrays keeps count of what it holds, also when several threads use it."""

import sys
from threading import Thread

import numpy as np
import pytest

from rustybt.data.byte_cache import ByteCache


@pytest.fixture
def frequent_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_an_array_that_another_thread_made_in_the_meantime_is_counted_once():
    cache = ByteCache(max_bytes=1000)

    def make():
        cache.get("a", lambda: np.zeros(5))
        return np.zeros(5)

    cache.get("a", make)
    assert cache.statistics.total_bytes == 40
    assert cache.resize(0) == 1
    assert cache.statistics.total_bytes == 0


def test_threads_may_share_it(frequent_switches):
    cache, errors = ByteCache(max_bytes=2000), []

    def use(key):
        try:
            for _ in range(20_000):
                key = (key * 7 + 3) % 11
                cache.find(key)
                cache.get(key, lambda: np.zeros(40))
        except KeyError as error:
            errors.append(error)

    threads = [Thread(target=use, args=(key,)) for key in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert cache.statistics.total_bytes == 320 * cache.statistics.arrays
