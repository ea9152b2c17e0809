"""Which blocks of bars, adjusted or resampled, were made before by any backtest of this process?

A window is a slice of a block. The block that the last window of some assets came from lies with them, where the next
window mostly comes from too; behind that, this cache holds the blocks of all runs, so that the hundredth backtest over
the same assets adjusts nothing. Both count towards one limit: a block that is given up here is given up there. What no
adjustment changes is read from the mapped arrays, which no cache improves on.
"""

import os
import time
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import RLock
from typing import Any, Final, NamedTuple, Protocol

from cachetools import LRUCache

from rustybt._typing import FloatArray
from rustybt.data.history_counts import HistoryCounts, HistoryStatistics
from rustybt.data.switch import Switch
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
        "1d" for adjusted sessions, and minutes such as "5m" for bars as they were traded.
    """

    source: tuple[str, str, float | None]
    sids: tuple[int, ...]
    field: str
    end: int
    length: int
    frequency: str


class Holder(Protocol):
    """Who keeps a block at hand beside the cache."""

    def let_go(self, rows: FloatArray) -> None:
        """Give up a block."""


@dataclass(slots=True)
class _Made:
    rows: FloatArray
    seconds: float
    nbytes: int
    holders: list[weakref.ref[Holder]] = field(default_factory=list)

    def held_by(self, holder: Holder) -> None:
        """Note who keeps it too; those who are gone are forgotten."""
        self.holders = [known for known in self.holders if known() not in (None, holder)]
        self.holders.append(weakref.ref(holder))

    def let_go(self) -> None:
        """Have everybody give it up."""
        for known in self.holders:
            holder = known()
            if holder is not None:
                holder.let_go(self.rows)


class _Blocks(LRUCache[Hashable, _Made]):
    """Blocks by their key, or by who alone holds them."""

    evictions = 0

    def popitem(self) -> tuple[Hashable, _Made]:
        """Give up the block that was asked for longest ago."""
        key, made = super().popitem()
        made.let_go()
        self.evictions += isinstance(key, BlockKey)
        return key, made

    def drain(self) -> Iterator[tuple[Hashable, _Made]]:
        """Take everything out, what would go first at first; who holds it keeps it."""
        while self:
            yield super().popitem()


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
        self._blocks = _lru(checked_bytes(max_memory_bytes))
        self._asked: dict[int, None] = {}
        self._lock = RLock()
        self._switch = Switch()
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
        checked_bytes(max_memory_bytes)
        with self._lock:
            if max_memory_bytes == self.max_memory_bytes:
                return
            before, self._blocks = self._blocks, _lru(max_memory_bytes)
            self._evictions += before.evictions
            for key, made in before.drain():
                if made.nbytes <= max_memory_bytes:
                    self._blocks[key] = made
                else:
                    made.let_go()
                    self._evictions += isinstance(key, BlockKey)

    @property
    def is_on(self) -> bool:
        """Whether blocks are kept and found by this thread, now."""
        return self._switch.is_on

    @property
    def statistics(self) -> HistoryStatistics:
        """What happened since the cache was made."""
        with self._lock:
            kept = sum(isinstance(key, BlockKey) for key in self._blocks)
            counts, size = self._counts(), int(self._blocks.currsize)
            return HistoryStatistics(*counts[:3], kept, size, *counts[3:])

    def take_counts(self) -> HistoryCounts:
        """Give what happened since the last time that this was asked."""
        with self._lock:
            now = self._counts()
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
            found = self._blocks.get(key) if self.is_on else None
            if found is not None:
                self._hits += 1
                self._saved += found.seconds
                rows: FloatArray = found.rows
                return rows
        began = time.perf_counter()
        rows = read_only(make())
        seconds = time.perf_counter() - began
        if not self.is_on:
            return rows
        made = _Made(rows, seconds, bytes_of(rows.size, len(key.sids)))
        with self._lock:
            self._misses += 1
            self._making += seconds
            if made.nbytes <= self._blocks.maxsize and key not in self._blocks:
                self._blocks[key] = made
        return rows

    def fits(self, bars: int, assets: int) -> bool:
        """Say whether a block of so many bars and assets could be kept at all."""
        return bytes_of(bars * assets, assets) <= self.max_memory_bytes

    def hold(self, key: BlockKey, rows: FloatArray, holder: Holder) -> None:
        """Count a block that somebody keeps at hand, also where nobody else could find it; where it goes, both let go.

        Parameters
        ----------
        key : BlockKey
            Of the block.
        rows : float64 array
            The block.
        holder : Holder
            Who keeps it; lets go of it at once if it does not fit, and of the last one of the same field.
        """
        with self._lock:
            own = (id(holder), key.field)
            self._blocks.pop(own, None)
            made = self._blocks.get(key)
            if made is None or made.rows is not rows:
                made = _Made(rows, 0.0, bytes_of(rows.size, len(key.sids)))
                if made.nbytes > self._blocks.maxsize:
                    holder.let_go(rows)
                    return
                self._blocks[own] = made
            made.held_by(holder)

    def repays(self, key: BlockKey) -> bool:
        """Say whether a block that serves few windows is worth being made whole and kept: from its second request on.

        Notes of requests lie beside the blocks and take some 2% of the limit; the oldest go first.
        """
        note = hash(key)
        with self._lock:
            if not self.is_on:
                return False
            if note in self._asked:
                return True
            self._asked[note] = None
            while len(self._asked) > self.max_memory_bytes // BYTES_A_NOTE:
                del self._asked[next(iter(self._asked))]
            return False

    def clear(self) -> None:
        """Give up all blocks, those at hand too; the figures stay."""
        with self._lock:
            for _, made in self._blocks.drain():
                made.let_go()
            self._asked.clear()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Make every block that this thread asks for until this ends; what is kept stays where it is."""
        with self._switch.paused():
            yield

    def renew(self) -> None:
        """Begin as in a new process: nothing is kept, and this thread uses it."""
        self.clear()
        self._switch.renew()

    def after_fork(self) -> None:
        """Begin anew in a child whose parent was just changing the blocks in another thread."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock, self._asked, self._blocks = RLock(), {}, _lru(self.max_memory_bytes)

    def _counts(self) -> HistoryCounts:
        evictions = self._evictions + self._blocks.evictions
        return HistoryCounts(self._hits, self._misses, evictions, self._making, self._saved)


def _lru(max_bytes: int) -> _Blocks:
    return _Blocks(maxsize=max_bytes, getsizeof=lambda made: made.nbytes)


def bytes_of(numbers: int, assets: int) -> int:
    """Give what a block of so many numbers takes, its key included."""
    return 8 * numbers + ENTRY_BYTES + 8 * assets


def read_only(rows: FloatArray) -> FloatArray:
    """Give rows that nobody can write, and that keep no greater array alive."""
    if rows.base is not None:
        rows = rows.copy()
    rows.flags.writeable = False
    return rows


def checked_bytes(limit: object, name: str = "max_memory_bytes") -> int:
    """Give a limit back, or say that it is none."""
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise InvalidParameter(f"{name} {limit!r} is no whole number of 0 or more: give bytes, such as 256 << 20")
    return limit


@cache
def shared_history() -> HistoryCache:
    """Give the process's one cache, which all its backtests share; its `max_memory_bytes` can be changed."""
    return HistoryCache(SHARED_BYTES)


def take_counts() -> HistoryCounts:
    """Give what the process's cache did since the last time that this was asked."""
    return shared_history().take_counts()


@contextmanager
def disable_history_cache() -> Iterator[HistoryCache]:
    """Let the backtests of this thread make each block that they need until the `with` ends.

    The block that the last window of the same assets came from is at hand all the same: the next one is a part of it.

    Yields
    ------
    HistoryCache
        The process's, whose hits and misses stand still.

    Examples
    --------
    >>> with disable_history_cache() as cache:
    ...     cache.is_on
    False
    """
    with shared_history().paused():
        yield shared_history()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: shared_history().after_fork())
