"""How many tasks make a chunk?

As many as take so much time, by how long the last ones took: few enough that the end is even, and enough that messages
cost little.
"""

from dataclasses import dataclass

CHUNK_BYTES = 4 << 20
"""Results in a chunk: they are in memory twice on both sides while they cross."""
MAX_CHUNK = 512
GROWTH = 4
"""A chunk is at most this many times as large as the last: the first tasks may be untypically short."""
NAN = float("nan")


@dataclass
class Pace:
    """What is known of the tasks of a run.

    Attributes
    ----------
    chunk_s : float
        Work in a chunk.
    mean_s : float
        Recent time of one task; NaN before the first.
    mean_bytes : float
        Recent size of one result.
    last_size : int
        Of the last chunk that was given.

    Examples
    --------
    >>> pace = Pace(chunk_s=0.03, last_size=4)
    >>> pace.chunk_size()
    1
    >>> pace.learn(tasks=4, seconds=0.004, size=400)
    >>> pace.chunk_size()
    16
    """

    chunk_s: float
    mean_s: float = NAN
    mean_bytes: float = 0.0
    last_size: int = 0

    def chunk_size(self) -> int:
        """Say how many tasks make the next chunk: one as long as nothing is known."""
        if not self.mean_s >= 0:
            return 1
        by_time, by_size = self.chunk_s / max(self.mean_s, 1e-9), CHUNK_BYTES / max(self.mean_bytes, 1.0)
        return max(1, int(min(by_time, by_size, GROWTH * self.last_size, MAX_CHUNK)))

    def learn(self, tasks: int, seconds: float, size: int) -> None:
        """Take note of a chunk that came back: its tasks, their time, and its bytes."""
        mean_s, mean_bytes = seconds / tasks, size / tasks
        if self.mean_s != self.mean_s:
            self.mean_s, self.mean_bytes = mean_s, mean_bytes
        else:
            self.mean_s = 0.7 * self.mean_s + 0.3 * mean_s
            self.mean_bytes = max(mean_bytes, 0.7 * self.mean_bytes + 0.3 * mean_bytes)


def share_of_rest(size: int, left: int | None, workers: int) -> int:
    """Give a chunk's size towards the end of a run, where it is known how many tasks are left: half a worker's share.

    Examples
    --------
    >>> share_of_rest(10, None, 2), share_of_rest(10, 12, 2), share_of_rest(10, 1, 2)
    (10, 3, 1)
    """
    return size if left is None else max(1, min(size, left // (2 * workers)))
