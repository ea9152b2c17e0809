"""Which outcomes does a run know before it simulates anything?"""

from collections.abc import Hashable, Sequence

from rustybt.optimization.backtest import BacktestJob, Evaluation
from rustybt.optimization.result_cache import ResultCache, ResultCacheStatistics
from rustybt.optimization.result_store import CachedResult
from rustybt.optimization.scope import Scope
from rustybt.optimization.trial_keys import trial_keys_of


class KnownResults:
    """A result cache as one run sees it, which names a task by its job's place and by keys.

    Parameters
    ----------
    cache : ResultCache or None
        None: every trial is simulated, equal ones too.
    jobs : sequence of BacktestJob
        Of the run, in the order of their places. The outcomes of one that no digest can tell from others are known to
        this run alone.

    Attributes
    ----------
    reasons : tuple of str
        Why outcomes of a job are known to this run alone, each once.
    """

    def __init__(self, cache: ResultCache | None, jobs: Sequence[BacktestJob]) -> None:
        self.cache = cache
        self._keys = [] if cache is None else trial_keys_of(jobs)
        self._before = ResultCacheStatistics() if cache is None else cache.statistics
        self.reasons = tuple(dict.fromkeys(keys.reason for keys in self._keys if keys.reason))

    @property
    def is_on(self) -> bool:
        """Whether anything is ever known."""
        return self.cache is not None

    def key(self, place: int, keys: tuple[Hashable, ...], scope: Scope) -> bytes | None:
        """Give the key of a task: its job's place, its params as keys, its sessions. None where nothing is known."""
        return None if self.cache is None else self._keys[place].of(keys, scope)

    def find(self, key: bytes | None) -> Evaluation | None:
        """Give the outcome of an equal trial, or None."""
        if self.cache is None or key is None:
            return None
        found = self.cache.get(key)
        return None if found is None else Evaluation(dict(found.metrics), found.returns, found.stopped)

    def count_duplicate(self, seconds: float) -> None:
        """Count a trial that took the outcome of an equal one in flight, which ran for so many seconds."""
        if self.cache is not None:
            self.cache.count_duplicate(seconds)

    @property
    def statistics(self) -> ResultCacheStatistics:
        """What the cache did since this run began."""
        return ResultCacheStatistics() if self.cache is None else self.cache.statistics.since(self._before)

    def keep(self, place: int, key: bytes | None, value: Evaluation, seconds: float) -> None:
        """Remember the outcome of a task of the job at a place."""
        if self.cache is not None and key is not None:
            result = CachedResult(value.metrics, value.returns, value.stopped, seconds)
            self.cache.put(key, result, on_disk=self._keys[place].is_lasting)
