"""Which arrays were made before, and which of them are still kept?"""

import os
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import RLock
from typing import Final, NamedTuple

from rustybt._typing import FloatArray

_LOCK: Final = RLock()
"""Held while a cache of this process is looked into or changed; never while an array is made."""

if hasattr(os, "register_at_fork"):  # a child must not begin with a lock that a thread of its parent holds
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)


class CacheStatistics(NamedTuple):
    """What a cache did.

    Attributes
    ----------
    hits, misses : int
        Requests that found an array, and those that made one.
    arrays, total_bytes : int
        What is kept.
    """

    hits: int
    misses: int
    arrays: int
    total_bytes: int


class ByteCache:
    """Arrays by key, for all threads; of those that do not fit, the one that was asked for longest ago goes first.

    Parameters
    ----------
    max_bytes : int
        Of all arrays that are kept. A greater array is given, but not kept.
    entry_bytes : int
        What an array takes beside its numbers, for arrays so small that it counts.

    Examples
    --------
    >>> import numpy as np
    >>> cache = ByteCache(max_bytes=1000)
    >>> made = [cache.get("a", lambda: np.zeros(5)) for _ in range(3)]
    >>> cache.statistics
    CacheStatistics(hits=2, misses=1, arrays=1, total_bytes=40)
    """

    def __init__(self, max_bytes: int, entry_bytes: int = 0) -> None:
        self.max_bytes = max_bytes
        self.entry_bytes = entry_bytes
        self._arrays: OrderedDict[Hashable, FloatArray] = OrderedDict()
        self._hits = self._misses = self._bytes = 0

    @property
    def statistics(self) -> CacheStatistics:
        """What the cache did so far."""
        return CacheStatistics(self._hits, self._misses, len(self._arrays), self._bytes)

    def find(self, key: Hashable) -> FloatArray | None:
        """Give a key's array, None where it is not kept."""
        with _LOCK:
            found = self._arrays.get(key)
            if found is not None:
                self._hits += 1
                self._arrays.move_to_end(key)
            return found

    def get(self, key: Hashable, make: Callable[[], FloatArray]) -> FloatArray:
        """Give a key's array, made now if it is not kept; it becomes read-only."""
        found = self.find(key)
        if found is not None:
            return found
        array = make()
        array.flags.writeable = False
        with _LOCK:
            self._misses += 1
            kept = self._arrays.get(key)
            if kept is not None:  # another thread made it in the meantime
                return kept
            if self._size(array) <= self.max_bytes:
                self._arrays[key] = array
                self._bytes += self._size(array)
                self.resize(self.max_bytes)
        return array

    def resize(self, max_bytes: int) -> int:
        """Change the limit, and give how many arrays had to go."""
        with _LOCK:
            self.max_bytes = max_bytes
            before = len(self._arrays)
            while self._bytes > max_bytes:
                self._bytes -= self._size(self._arrays.popitem(last=False)[1])
            return before - len(self._arrays)

    def _size(self, array: FloatArray) -> int:
        return array.nbytes + self.entry_bytes
