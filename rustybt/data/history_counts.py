"""What did a history cache do?"""

from collections.abc import Iterable
from typing import Any, NamedTuple


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
