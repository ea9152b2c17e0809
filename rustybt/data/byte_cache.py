"""Which arrays were made before, and which of them are still kept?"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import NamedTuple

from rustybt._typing import FloatArray


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
    """Arrays by key; of those that do not fit any more, the one that was asked for longest ago goes first.

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
        self._misses += 1
        array = make()
        array.flags.writeable = False
        if self._size(array) <= self.max_bytes:
            self._arrays[key] = array
            self._bytes += self._size(array)
            self.resize(self.max_bytes)
        return array

    def resize(self, max_bytes: int) -> int:
        """Change the limit, and give how many arrays had to go."""
        self.max_bytes = max_bytes
        before = len(self._arrays)
        while self._bytes > max_bytes:
            self._bytes -= self._size(self._arrays.popitem(last=False)[1])
        return before - len(self._arrays)

    def _size(self, array: FloatArray) -> int:
        return array.nbytes + self.entry_bytes
