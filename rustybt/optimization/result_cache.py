"""Which outcomes of trials are known already?

In memory, for all runs of a process; on disk too where a folder is named. A key (see `trial_keys`) is equal only where
the outcome must be. What raised is not kept; what a stop rule ended early is.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass, fields, replace
from pathlib import Path
from threading import RLock
from types import MappingProxyType
from typing import Final, Self

from rustybt._typing import PathLike
from rustybt.errors import InvalidParameter
from rustybt.optimization.result_store import CachedResult, ResultStore

MAX_ENTRIES: Final = 10_000
MAX_BYTES: Final = 256 << 20

ENTRY_BYTES: Final = 500
METRIC_BYTES: Final = 64
"""What an entry takes beside its returns, and each of its metrics; their names are shared."""


@dataclass(frozen=True, slots=True)
class ResultCacheStatistics:
    """What a result cache did.

    Attributes
    ----------
    hits, misses : int
        Trials whose outcome was known, and those whose was not.
    disk_hits : int
        Those of the hits that only the disk knew.
    duplicates : int
        Trials that waited for an equal one which was being simulated.
    seconds_saved : float
        What the simulations of hits and duplicates took, once.
    evictions : int
        Outcomes that were given up because they did not fit.
    damaged : int
        Outcomes on disk that were not as they were written.
    entries, total_bytes : int
        What is kept in memory now.

    Examples
    --------
    >>> print(ResultCacheStatistics(hits=3, misses=1, seconds_saved=4.5, entries=1, total_bytes=12_000))
    3 hits, 1 miss (75.0%), 0 duplicates, 4.50 s saved; 1 kept in 0.0 MB, 0 evicted
    """

    hits: int = 0
    misses: int = 0
    disk_hits: int = 0
    duplicates: int = 0
    seconds_saved: float = 0.0
    evictions: int = 0
    damaged: int = 0
    entries: int = 0
    total_bytes: int = 0

    @property
    def hit_rate(self) -> float:
        """The share of hits in all look-ups; NaN without one."""
        return self.hits / (self.hits + self.misses) if self.hits + self.misses else math.nan

    def since(self, earlier: "ResultCacheStatistics") -> "ResultCacheStatistics":
        """Give what was done since earlier statistics of the same cache; what is kept is as it is now."""
        now = ("entries", "total_bytes")
        counts = (field.name for field in fields(self) if field.name not in now)
        return replace(self, **{name: getattr(self, name) - getattr(earlier, name) for name in counts})

    def __str__(self) -> str:
        disk = f" ({self.disk_hits:,} from disk)" if self.disk_hits else ""
        rate = f" ({self.hit_rate:.1%})" if self.hits + self.misses else ""
        misses = f"{self.misses:,} miss{'' if self.misses == 1 else 'es'}"
        asked = f"{self.hits:,} hit{'' if self.hits == 1 else 's'}{disk}, {misses}{rate}"
        return (
            f"{asked}, {self.duplicates:,} duplicate{'' if self.duplicates == 1 else 's'}, "
            f"{self.seconds_saved:,.2f} s saved; {self.entries:,} kept in {self.total_bytes / 1e6:,.1f} MB, "
            f"{self.evictions:,} evicted"
        )


class ResultCache:
    """Outcomes of trials by key; of those that do not fit, the one that was asked for longest ago goes first.

    Parameters
    ----------
    max_entries : int, optional
        How many are kept in memory.
    max_bytes : int, optional
        How much memory they may take.
    folder : path-like, optional
        Keeps outcomes on disk too, for other runs and processes, without limit. The folder is made if it is missing,
        holds nothing else, and can be removed at any time. None keeps nothing on disk.

    Raises
    ------
    InvalidParameter
        If a limit is no whole number of at least 1.
    StorageError
        If the folder cannot be made.

    Examples
    --------
    >>> cache = ResultCache()
    >>> cache.put(b"key", CachedResult({"sharpe": 1.5}, b"", seconds=2.0))
    >>> cache.get(b"key").metrics["sharpe"], cache.get(b"other")
    (1.5, None)
    >>> cache.statistics.seconds_saved
    2.0
    """

    def __init__(
        self, max_entries: int = MAX_ENTRIES, *, max_bytes: int = MAX_BYTES, folder: PathLike | None = None
    ) -> None:
        for name, value in (("max_entries", max_entries), ("max_bytes", max_bytes)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InvalidParameter(
                    f"{name} {value!r} is no whole number of at least 1: pass result_cache=False to keep nothing"
                )
        self.max_entries, self.max_bytes = max_entries, max_bytes
        self.folder = None if folder is None else Path(folder)
        self._store = None if self.folder is None else ResultStore(self.folder)
        self._lock = RLock()
        self._kept: OrderedDict[bytes, CachedResult] = OrderedDict()
        self._bytes = 0
        self._counts = dict.fromkeys(("hits", "misses", "disk_hits", "duplicates", "evictions"), 0)
        self._seconds = 0.0

    def __repr__(self) -> str:
        where = "" if self.folder is None else f", folder={str(self.folder)!r}"
        return f"ResultCache({self.max_entries}, max_bytes={self.max_bytes}{where})"

    def get(self, key: bytes) -> CachedResult | None:
        """Give the outcome of an equal trial.

        Parameters
        ----------
        key : bytes
            Of `TrialKeys`.

        Returns
        -------
        CachedResult or None
            Bit for bit what was put in; its metrics can only be read.
        """
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            elif self._store is not None:
                found = self._store.get(key)
                if found is not None:
                    self._counts["disk_hits"] += 1
                    found = self._keep(key, found)
            if found is None:
                self._counts["misses"] += 1
                return None
            self._counts["hits"] += 1
            self._save(found.seconds)
            return found

    def put(self, key: bytes, result: CachedResult, *, on_disk: bool = True) -> None:
        """Remember an outcome.

        Parameters
        ----------
        key : bytes
            Of `TrialKeys`.
        result : CachedResult
            Of a trial that came to its end, or was stopped by a rule.
        on_disk : bool
            Whether to keep it on disk too, if this cache has a folder; not where no other run can have this key.
        """
        with self._lock:
            self._keep(key, result)
            if on_disk and self._store is not None:
                self._store.put(key, result)

    def count_duplicate(self, seconds: float) -> None:
        """Count a trial that took the outcome of an equal one in flight, which ran for so many seconds."""
        with self._lock:
            self._counts["duplicates"] += 1
            self._save(seconds)

    @property
    def statistics(self) -> ResultCacheStatistics:
        """What was done since this cache was made."""
        with self._lock:
            return ResultCacheStatistics(
                **self._counts,
                seconds_saved=self._seconds,
                damaged=0 if self._store is None else self._store.damaged,
                entries=len(self._kept),
                total_bytes=self._bytes,
            )

    def clear(self) -> None:
        """Forget what is in memory; the disk keeps its own."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def close(self) -> None:
        """Close the file on disk; it is opened again when it is needed."""
        with self._lock:
            if self._store is not None:
                self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _keep(self, key: bytes, result: CachedResult) -> CachedResult:
        """Put an outcome into memory, and give it as it is kept."""
        kept = result._replace(metrics=MappingProxyType(dict(result.metrics)))
        self._drop(self._kept.pop(key, None))
        if size_of(kept) <= self.max_bytes:
            self._kept[key] = kept
            self._bytes += size_of(kept)
        while len(self._kept) > self.max_entries or self._bytes > self.max_bytes:
            self._drop(self._kept.popitem(last=False)[1])
            self._counts["evictions"] += 1
        return kept

    def _drop(self, result: CachedResult | None) -> None:
        if result is not None:
            self._bytes -= size_of(result)

    def _save(self, seconds: float) -> None:
        if math.isfinite(seconds):
            self._seconds += seconds


def size_of(result: CachedResult) -> int:
    """Give about how many bytes an outcome takes in memory."""
    return ENTRY_BYTES + METRIC_BYTES * len(result.metrics) + len(result.returns) + len(result.stopped)


PROCESS_CACHE: Final = ResultCache()
"""Of all runs of this process that are given no other."""
