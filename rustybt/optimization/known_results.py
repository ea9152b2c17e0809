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

    def find(self, place: int, keys: tuple[Hashable, ...], scope: Scope) -> Evaluation | None:
        """Give the outcome of an equal trial, or None."""
        if self.cache is None:
            return None
        found = self.cache.get(self._keys[place].of(keys, scope))
        return None if found is None else Evaluation(dict(found.metrics), found.returns, found.stopped)

    def count_duplicate(self, seconds: float) -> None:
        """Count a trial that took the outcome of an equal one in flight, which ran for so many seconds."""
        if self.cache is not None:
            self.cache.count_duplicate(seconds)

    @property
    def statistics(self) -> ResultCacheStatistics:
        """What the cache did since this run began."""
        return ResultCacheStatistics() if self.cache is None else self.cache.statistics.since(self._before)

    def keep(self, place: int, keys: tuple[Hashable, ...], scope: Scope, value: Evaluation, seconds: float) -> None:
        """Remember an outcome."""
        if self.cache is not None:
            of_job = self._keys[place]
            result = CachedResult(value.metrics, value.returns, value.stopped, seconds)
            self.cache.put(of_job.of(keys, scope), result, on_disk=of_job.is_lasting)
