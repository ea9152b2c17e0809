"""Which questions has a model answered before, and what did that spare?

Only NumPy is imported here: who reads the figures, in a process that never predicts, should not wait for more.
"""

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any, NamedTuple, TypeAlias

from numpy.typing import NDArray

from rustybt.data.byte_cache import ByteCache
from rustybt.data.switch import Switch
from rustybt.errors import InvalidParameter

MAX_BYTES = 256 << 20

ENTRY_BYTES = 500
"""What an answer takes beside its own numbers: a key with a digest and a day, and its place in the cache."""

MODELS_KEPT = 1024
"""Models whose cost is remembered; a strategy that fits one every day should not fill the memory with them."""

Answer: TypeAlias = NDArray[Any]


class PredictionKey(NamedTuple):
    """What an answer depends on.

    Attributes
    ----------
    model : str
        Fingerprint of the model: its artefact, how it is called, and the end of its training window.
    output : str, int or None
        Which of its outputs; None for all.
    kind : str
        How it is asked: one call a question, or many rows at once, whose answers may differ in the last bit.
    features : bytes
        Digest of the features.
    day_ns : int
        Label of the session at which the features end, in nanoseconds since 1970.
    """

    model: str
    output: str | int | None
    kind: str
    features: bytes
    day_ns: int


class PredictionStatistics(NamedTuple):
    """What models were asked for, and what the cache spared.

    Attributes
    ----------
    calls : int
        Predictions that were asked for; rows, where many are asked for at once.
    unique : int
        Those that a model had to compute: the first of each in a process, and any again that did not fit or was
        switched off.
    evictions : int
        Answers that were given up because they did not fit.
    seconds_computing : float
        Spent in models.
    seconds_saved : float
        Each hit at the mean cost of the model's computed answers, less all the time spent on looking answers up; below
        0 where a model costs less than the look-up.

    Examples
    --------
    >>> print(PredictionStatistics(46_340, 800, 0, 2.24, 126.9))
    46,340 predictions, 800 unique (hit rate 98.3%), 2.24 s in models, 126.90 s saved
    """

    calls: int = 0
    unique: int = 0
    evictions: int = 0
    seconds_computing: float = 0.0
    seconds_saved: float = 0.0

    @property
    def hits(self) -> int:
        """Calls that were answered without the model."""
        return self.calls - self.unique

    @property
    def hit_rate(self) -> float:
        """The share of hits in all calls; NaN without a call."""
        return self.hits / self.calls if self.calls else float("nan")

    @classmethod
    def total(cls, parts: Iterable[tuple[float, ...]]) -> "PredictionStatistics":
        """Add up the figures of several processes or trials; plain tuples of the same numbers will do.

        Parameters
        ----------
        parts : iterable of tuple
            Figures in the order of the fields.

        Returns
        -------
        PredictionStatistics
            Zeros without any.

        Examples
        --------
        >>> PredictionStatistics.total([(5, 2, 0, 0.5, 1.0), (5, 1, 0, 0.25, 1.0)])
        PredictionStatistics(calls=10, unique=3, evictions=0, seconds_computing=0.75, seconds_saved=2.0)
        """
        sums: list[Any] = [sum(column) for column in zip(*parts, strict=True)]
        return cls(*sums)

    def __str__(self) -> str:
        rate = f" (hit rate {self.hit_rate:.1%})" if self.calls else ""
        asked = f"{self.calls:,} predictions, {self.unique:,} unique{rate}"
        return f"{asked}, {self.seconds_computing:.2f} s in models, {self.seconds_saved:.2f} s saved"


NOTHING_ASKED = PredictionStatistics()


class PredictionCache:
    """Answers of models by what they depend on; the least recently used go first where memory ends.

    Parameters
    ----------
    max_bytes : int
        Of all answers that are kept, about 500 bytes for each beside its numbers; 256 MB by default.

    Raises
    ------
    InvalidParameter
        If max_bytes is below 0 or no integer.

    Examples
    --------
    >>> import numpy as np
    >>> cache = PredictionCache()
    >>> key = PredictionKey("a model's fingerprint", None, "call", b"digest of the features", 0)
    >>> [float(cache.get(key, lambda: lambda: np.array(0.5))) for _ in range(4)]
    [0.5, 0.5, 0.5, 0.5]
    >>> cache.statistics.calls, cache.statistics.unique, cache.statistics.hit_rate
    (4, 1, 0.75)
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._answers = ByteCache(checked_bytes(max_bytes), ENTRY_BYTES)
        self._costs: OrderedDict[tuple[Any, ...], tuple[int, float]] = OrderedDict()
        self._lock = Lock()
        self._total = self._taken = PredictionStatistics()
        self._switch = Switch()

    @property
    def max_bytes(self) -> int:
        """What all answers that are kept may take; where it becomes less, the least recently used go."""
        return self._answers.max_bytes

    @max_bytes.setter
    def max_bytes(self, max_bytes: int) -> None:
        with self._lock:
            dropped = self._answers.resize(checked_bytes(max_bytes))
            self._total = self._total._replace(evictions=self._total.evictions + dropped)

    @property
    def total_bytes(self) -> int:
        """What the kept answers take."""
        return self._answers.statistics.total_bytes

    @property
    def is_on(self) -> bool:
        """Whether answers are kept and found by this thread, now."""
        return self._switch.is_on

    @property
    def statistics(self) -> PredictionStatistics:
        """What happened since the cache was made."""
        return self._total

    def take_statistics(self) -> PredictionStatistics:
        """Give what happened since the last time that this was asked."""
        if self._total is self._taken:  # figures are replaced, never changed
            return NOTHING_ASKED
        with self._lock:
            now, before = self._total, self._taken
            self._taken = now
        difference: list[Any] = [a - b for a, b in zip(now, before, strict=True)]
        return PredictionStatistics(*difference)

    def get(
        self,
        key: PredictionKey,
        begin: Callable[[], Callable[[], Answer]],
        count: int = 1,
        asked_at: float | None = None,
        keeps: bool = True,
    ) -> Answer:
        """Give an answer, computed now if it is not there.

        Parameters
        ----------
        key : PredictionKey
            What it depends on.
        begin : callable
            Gives the callable that computes. What it does itself, such as loading the model, counts as no cost of one
            answer. An exception of either passes through, and nothing is kept.
        count : int
            How many predictions the answer holds.
        asked_at : float, optional
            `time.perf_counter()` when the making of the key began; now if omitted.
        keeps : bool
            Whether this answer may be kept, and found.

        Returns
        -------
        array
            Read-only; the same object every time while it is kept.
        """
        began = time.perf_counter() if asked_at is None else asked_at
        keeps = keeps and self.is_on
        if keeps:
            with self._lock:
                found = self._answers.find(key)
                if found is not None:
                    self._note_hits(key, count, time.perf_counter() - began)
                    return found
        looking = time.perf_counter() - began if keeps else 0.0
        compute = begin()
        began = time.perf_counter()
        answer = compute()
        seconds = time.perf_counter() - began
        answer.flags.writeable = False
        with self._lock:
            self._note_computed(key, count, seconds, looking)
            return self._keep(key, answer) if keeps else answer

    def clear(self) -> None:
        """Give up all answers; the figures stay."""
        with self._lock:
            self._answers = ByteCache(self._answers.max_bytes, ENTRY_BYTES)
            self._costs.clear()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let every call of this thread go to its model until the block ends; kept answers stay where they are."""
        with self._switch.paused():
            yield

    def renew(self) -> None:
        """Begin as in a new process: nothing is kept, and this thread uses it."""
        self.clear()
        self._switch.renew()

    def after_fork(self) -> None:
        """Begin anew in a child whose parent was just changing the answers in another thread."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock = Lock()
            self.clear()

    def _keep(self, key: PredictionKey, answer: Answer) -> Answer:
        """Keep an answer, unless another thread was faster."""
        before = self._answers.statistics
        kept = self._answers.get(key, lambda: answer)
        after = self._answers.statistics
        dropped = before.arrays + after.misses - before.misses - after.arrays
        self._total = self._total._replace(evictions=self._total.evictions + dropped)
        return kept

    def _note_hits(self, key: PredictionKey, count: int, looking: float) -> None:
        calls, seconds = self._costs.get(key[:3], (0, 0.0))
        total = self._total
        saved = count * seconds / calls - looking if calls else -looking
        self._total = total._replace(calls=total.calls + count, seconds_saved=total.seconds_saved + saved)

    def _note_computed(self, key: PredictionKey, count: int, seconds: float, looking: float) -> None:
        calls, spent = self._costs.pop(key[:3], (0, 0.0))
        self._costs[key[:3]] = calls + count, spent + seconds
        if len(self._costs) > MODELS_KEPT:
            self._costs.popitem(last=False)
        total = self._total
        self._total = total._replace(
            calls=total.calls + count,
            unique=total.unique + count,
            seconds_computing=total.seconds_computing + seconds,
            seconds_saved=total.seconds_saved - looking,
        )


def checked_bytes(max_bytes: object) -> int:
    """Give a limit back, or say that it is none.

    Raises
    ------
    InvalidParameter
        If it is below 0 or no integer.
    """
    if isinstance(max_bytes, bool) or not isinstance(max_bytes, int) or max_bytes < 0:
        raise InvalidParameter(f"max_bytes {max_bytes!r} is no integer of 0 or more: give bytes, such as 256 << 20")
    return max_bytes


@cache
def shared_predictions() -> PredictionCache:
    """Give the process's one cache, which all its backtests share."""
    return PredictionCache()


def take_statistics() -> PredictionStatistics:
    """Give what this process's models were asked for since the last time that this was asked.

    Returns
    -------
    PredictionStatistics
        A tuple of numbers, which may cross to another process; zeros if no model was asked.

    Examples
    --------
    >>> _ = take_statistics()
    >>> take_statistics().calls
    0
    """
    return shared_predictions().take_statistics()


@contextmanager
def disable_prediction_cache() -> Iterator[None]:
    """Let every prediction of this thread be computed by its model until the block ends.

    Examples
    --------
    >>> with disable_prediction_cache():
    ...     shared_predictions().is_on
    False
    >>> shared_predictions().is_on
    True
    """
    with shared_predictions().paused():
        yield


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: shared_predictions().after_fork())
