"""Which blocks of bars, adjusted or resampled, were made before by any backtest of this process?

A window is a slice of a block. A run holds the block that its last window came from, where the next one mostly comes
from too; behind that, this cache holds the blocks of all runs, so that the hundredth backtest over the same assets
adjusts nothing. What no adjustment changes is read from the mapped arrays, which no cache improves on.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import RLock
from typing import Any, Final, NamedTuple

from cachetools import LRUCache

from rustybt._typing import FloatArray
from rustybt.errors import InvalidParameter

MAX_BYTES: Final = 2_000_000_000
SHARED_BYTES: Final = 256 << 20
"""Of the process's own cache: every worker of a pool has one."""

ENTRY_BYTES: Final = 600
"""What a block takes beside its numbers: its key with the sids of a few assets, and its place in the cache."""

BYTES_A_NOTE: Final = 4096
"""One request is noted for so many bytes of the limit."""


class BlockKey(NamedTuple):
    """What a block depends on.

    Attributes
    ----------
    source : tuple of (str, str, float or None)
        Fingerprint, sid map and price quantum of the bundle version.
    sids : tuple of int
        The assets, in the order of the block's columns.
    field : str
        One of open, high, low, close, volume.
    end : int
        The block's last row: a session, or a minute. For sessions it says as of when they are adjusted too.
    length : int
        Rows.
    frequency : str
        "1d" for adjusted sessions, "1m" for minutes as they were, and minutes such as "5m".
    """

    source: tuple[str, str, float | None]
    sids: tuple[int, ...]
    field: str
    end: int
    length: int
    frequency: str


class HistoryStatistics(NamedTuple):
    """What a history cache did.

    Attributes
    ----------
    hits, misses : int
        Blocks that were there already, and those that were made.
    evictions : int
        Blocks that were given up because they did not fit.
    blocks, total_bytes : int
        What is kept now.
    seconds_making : float
        Time that the blocks took that were made.
    seconds_saved : float
        What the blocks of hits took when they were made.

    Examples
    --------
    >>> print(HistoryStatistics(30, 10, 0, 10, 5_000_000, 0.25, 0.75))
    30 hits, 10 made (75.0%), 0 evicted; 10 kept in 5.0 MB; 0.25 s making, 0.75 s saved
    """

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    blocks: int = 0
    total_bytes: int = 0
    seconds_making: float = 0.0
    seconds_saved: float = 0.0

    @property
    def hit_rate(self) -> float:
        """The share of hits in all requests; NaN without one."""
        return self.hits / (self.hits + self.misses) if self.hits + self.misses else float("nan")

    def __str__(self) -> str:
        rate = f" ({self.hit_rate:.1%})" if self.hits + self.misses else ""
        return (
            f"{self.hits:,} hits, {self.misses:,} made{rate}, {self.evictions:,} evicted; {self.blocks:,} kept in "
            f"{self.total_bytes / 1e6:,.1f} MB; {self.seconds_making:.2f} s making, {self.seconds_saved:.2f} s saved"
        )


class HistoryCounts(NamedTuple):
    """What history caches did for some windows: the part of `HistoryStatistics` that can be added up.

    Examples
    --------
    >>> HistoryCounts.total([HistoryCounts(3, 1, 0, 0.5, 1.5), (1, 1, 0, 0.5, 0.25)])
    HistoryCounts(hits=4, misses=2, evictions=0, seconds_making=1.0, seconds_saved=1.75)
    """

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    seconds_making: float = 0.0
    seconds_saved: float = 0.0

    @classmethod
    def total(cls, parts: Iterable[tuple[float, ...]]) -> "HistoryCounts":
        """Add up the figures of several processes or trials; zeros without any."""
        sums: list[Any] = [sum(column) for column in zip(*parts, strict=True)]
        return cls(*sums)


class _Made(NamedTuple):
    rows: FloatArray
    seconds: float
    nbytes: int


class HistoryCache:
    """Blocks by what they depend on; of those that do not fit, the one that was asked for longest ago goes first.

    Parameters
    ----------
    max_memory_bytes : int, optional
        Of all blocks that are kept, their keys included. A greater block is given, but not kept.

    Raises
    ------
    InvalidParameter
        If it is no whole number of 0 or more.

    Examples
    --------
    >>> import numpy as np
    >>> cache = HistoryCache(max_memory_bytes=10_000)
    >>> key = BlockKey(("fingerprint", "sids", 0.001), (1, 2), "close", end=63, length=64, frequency="1d")
    >>> made = [cache.get(key, lambda: np.ones((64, 2))) for _ in range(3)]
    >>> made[0] is made[2], cache.statistics.hits, cache.statistics.total_bytes
    (True, 2, 1640)
    """

    def __init__(self, max_memory_bytes: int = MAX_BYTES) -> None:
        self._blocks: LRUCache[BlockKey, _Made] = _lru(checked_bytes(max_memory_bytes))
        self._asked: dict[int, None] = {}
        self._lock = RLock()
        self._paused = 0
        self._hits = self._misses = self._evictions = 0
        self._making = self._saved = 0.0
        self._taken = HistoryCounts()

    def __repr__(self) -> str:
        return f"HistoryCache(max_memory_bytes={self.max_memory_bytes})"

    @property
    def max_memory_bytes(self) -> int:
        """What all blocks may take; where it becomes less, those that were asked for longest ago go."""
        return int(self._blocks.maxsize)

    @max_memory_bytes.setter
    def max_memory_bytes(self, max_memory_bytes: int) -> None:
        with self._lock:
            kept, self._blocks = self._blocks, _lru(checked_bytes(max_memory_bytes))
            before = len(kept)
            while kept:
                key, made = kept.popitem()  # the one that would go first
                if made.nbytes <= self._blocks.maxsize:
                    self._blocks[key] = made
            self._evictions += before - len(self._blocks)

    @property
    def is_on(self) -> bool:
        """Whether blocks are kept and found, now."""
        return not self._paused

    @property
    def statistics(self) -> HistoryStatistics:
        """What happened since the cache was made."""
        with self._lock:
            kept, size = len(self._blocks), int(self._blocks.currsize)
            return HistoryStatistics(self._hits, self._misses, self._evictions, kept, size, self._making, self._saved)

    def take_counts(self) -> HistoryCounts:
        """Give what happened since the last time that this was asked."""
        with self._lock:
            now = HistoryCounts(self._hits, self._misses, self._evictions, self._making, self._saved)
            before, self._taken = self._taken, now
        difference: list[Any] = [a - b for a, b in zip(now, before, strict=True)]
        return HistoryCounts(*difference)

    def get(self, key: BlockKey, make: Callable[[], FloatArray]) -> FloatArray:
        """Give a block, made now if it is not kept.

        Parameters
        ----------
        key : BlockKey
            What it depends on.
        make : callable
            Gives it. Two threads that ask for one block at once may both make it; one of them is kept.

        Returns
        -------
        float64 array, shape (length, n_assets)
            Read-only; the same object while it is kept.
        """
        with self._lock:
            if self._paused:
                return read_only(make())
            found = self._blocks.get(key)
            if found is not None:
                self._hits += 1
                self._saved += found.seconds
                rows: FloatArray = found.rows
                return rows
        began = time.perf_counter()
        rows = read_only(make())
        seconds = time.perf_counter() - began
        made = _Made(rows, seconds, rows.nbytes + ENTRY_BYTES + 8 * len(key.sids))
        with self._lock:
            self._misses += 1
            self._making += seconds
            if made.nbytes <= self._blocks.maxsize and key not in self._blocks:
                before = len(self._blocks)
                self._blocks[key] = made
                self._evictions += before + 1 - len(self._blocks)
        return rows

    def repays(self, key: BlockKey) -> bool:
        """Say whether a block that serves few windows is worth being made whole and kept: from its second request on.

        Notes of requests lie beside the blocks and take some 2% of the limit; the oldest go first.
        """
        note = hash(key)
        with self._lock:
            if self._paused:
                return False
            if note in self._asked:
                return True
            self._asked[note] = None
            while len(self._asked) > self.max_memory_bytes // BYTES_A_NOTE:
                del self._asked[next(iter(self._asked))]
            return False

    def clear(self) -> None:
        """Give up all blocks; the figures stay."""
        with self._lock:
            self._blocks.clear()
            self._asked.clear()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Make every block that is asked for until this ends, in all threads; what is kept stays where it is."""
        with self._lock:
            self._paused += 1
        try:
            yield
        finally:
            with self._lock:
                self._paused -= 1


def _lru(max_bytes: int) -> "LRUCache[BlockKey, _Made]":
    return LRUCache(maxsize=max_bytes, getsizeof=lambda made: made.nbytes)


def read_only(rows: FloatArray) -> FloatArray:
    """Give rows that nobody can write, and that keep no greater array alive."""
    if rows.base is not None:
        rows = rows.copy()
    rows.flags.writeable = False
    return rows


def checked_bytes(max_memory_bytes: object) -> int:
    """Give a limit back, or say that it is none."""
    if isinstance(max_memory_bytes, bool) or not isinstance(max_memory_bytes, int) or max_memory_bytes < 0:
        raise InvalidParameter(
            f"max_memory_bytes {max_memory_bytes!r} is no whole number of 0 or more: give bytes, such as 256 << 20"
        )
    return max_memory_bytes


@cache
def shared_history() -> HistoryCache:
    """Give the process's one cache, which all its backtests share; its `max_memory_bytes` can be changed."""
    return HistoryCache(SHARED_BYTES)


def take_counts() -> HistoryCounts:
    """Give what the process's cache did since the last time that this was asked."""
    return shared_history().take_counts()


@contextmanager
def disable_history_cache() -> Iterator[HistoryCache]:
    """Let the backtests of this process make each block that they need until the `with` ends.

    The block that a run's last window came from is no part of the cache: the next window comes from it as before.

    Yields
    ------
    HistoryCache
        The process's, whose figures stand still.

    Examples
    --------
    >>> with disable_history_cache() as cache:
    ...     cache.is_on
    False
    """
    with shared_history().paused():
        yield shared_history()
