"""Which outcomes does a run know before it simulates anything?"""

from collections.abc import Hashable, Sequence
from secrets import token_hex

from rustybt.optimization.backtest import Evaluation
from rustybt.optimization.result_cache import CachedResult, ResultCache, trial_key
from rustybt.optimization.scope import Scope


class KnownResults:
    """A result cache as one run sees it, which names a task by its job's place and by keys.

    Parameters
    ----------
    cache : ResultCache or None
        None: every trial is simulated, equal ones too.
    digests : sequence of (str or None)
        Of the run's jobs; None for one that no digest can tell from others, whose outcomes are known to this run alone.

    Attributes
    ----------
    hits : int
        Outcomes found so far.
    """

    def __init__(self, cache: ResultCache | None, digests: Sequence[str | None]) -> None:
        self.cache = cache
        self.hits = 0
        self._digests = [digest or token_hex(32) for digest in digests]

    @property
    def is_on(self) -> bool:
        """Whether anything is ever known."""
        return self.cache is not None

    def find(self, place: int, keys: tuple[Hashable, ...], scope: Scope) -> Evaluation | None:
        """Give the outcome of an equal trial, or None."""
        if self.cache is None:
            return None
        found = self.cache.get(trial_key(self._digests[place], keys, scope))
        if found is None:
            return None
        self.hits += 1
        return Evaluation(dict(found.metrics), found.returns, found.stopped)

    def keep(self, place: int, keys: tuple[Hashable, ...], scope: Scope, value: Evaluation, seconds: float) -> None:
        """Remember an outcome."""
        if self.cache is not None:
            key = trial_key(self._digests[place], keys, scope)
            self.cache.put(key, CachedResult(value.metrics, value.returns, value.stopped, seconds))
