"""Which outcomes does a run know before it simulates anything?"""

from collections.abc import Hashable, Sequence

from rustybt.optimization.backtest import BacktestJob, Evaluation
from rustybt.optimization.result_cache import ResultCache
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
    hits : int
        Outcomes found so far.
    """

    def __init__(self, cache: ResultCache | None, jobs: Sequence[BacktestJob]) -> None:
        self.cache = cache
        self.hits = 0
        self._keys = [] if cache is None else trial_keys_of(jobs)

    @property
    def is_on(self) -> bool:
        """Whether anything is ever known."""
        return self.cache is not None

    def find(self, place: int, keys: tuple[Hashable, ...], scope: Scope) -> Evaluation | None:
        """Give the outcome of an equal trial, or None."""
        if self.cache is None:
            return None
        found = self.cache.get(self._keys[place].of(keys, scope))
        if found is None:
            return None
        self.hits += 1
        return Evaluation(dict(found.metrics), found.returns, found.stopped)

    def keep(self, place: int, keys: tuple[Hashable, ...], scope: Scope, value: Evaluation, seconds: float) -> None:
        """Remember an outcome."""
        if self.cache is not None:
            of_job = self._keys[place]
            result = CachedResult(value.metrics, value.returns, value.stopped, seconds)
            self.cache.put(of_job.of(keys, scope), result, on_disk=of_job.is_lasting)
