"""Which terms were computed before, by this process, over the same data and sessions?"""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import AbstractContextManager
from typing import Any, Final

from rustybt.data.byte_cache import ByteCache, CacheStatistics
from rustybt.data.digest import digest_of
from rustybt.data.switch import Switch
from rustybt.errors import InvalidParameter
from rustybt.pipeline.data.dataset import BoundColumn
from rustybt.pipeline.data.equity_pricing import EquityPricing
from rustybt.pipeline.term import PACKAGE, Term

DEFAULT_BYTES: Final = 256 * 2**20


class TermCache:
    """Values of terms, by data, sessions and term; those that were not asked for the longest go first."""

    def __init__(self, max_bytes: int = DEFAULT_BYTES) -> None:
        self._arrays = ByteCache(max_bytes)
        self._switch = Switch()

    def key(self, span_key: Hashable, term: Term) -> Hashable | None:
        """Give what a term's values are kept under; None where they are not kept."""
        if not self._switch.is_on or not term.costly or not is_cacheable(term):
            return None
        own = [one for one in _all_of(term) if _is_own(one)]
        try:
            return span_key, term, tuple(digest_of((type(one), one.params), type(one).__name__) for one in own)
        except InvalidParameter:  # a change of what it reads could not be noticed
            return None

    def find(self, key: Hashable | None) -> Any:
        """Give values that are kept, or None."""
        return None if key is None else self._arrays.find(key)

    def keep(self, key: Hashable | None, values: Any) -> Any:
        """Keep values, and give them."""
        return values if key is None else self._arrays.get(key, lambda: values)

    @property
    def statistics(self) -> CacheStatistics:
        """What the cache did so far."""
        return self._arrays.statistics

    def resize(self, max_bytes: int) -> None:
        """Change the limit."""
        self._arrays.resize(max_bytes)

    def paused(self) -> AbstractContextManager[None]:
        """Put it out of use until a block ends."""
        return self._switch.paused()


_CACHE: Final = TermCache()


def shared_terms() -> TermCache:
    """Give the process's cache."""
    return _CACHE


def disable_pipeline_cache() -> AbstractContextManager[None]:
    """Compute every term anew until a block ends.

    Examples
    --------
    >>> with disable_pipeline_cache():
    ...     pass
    """
    return _CACHE.paused()


def is_cacheable(term: Term) -> bool:
    """Say whether a term's values depend on nothing but the bundle, and what its classes say may be kept."""
    return all(map(_may_be_kept, _all_of(term)))


def _all_of(term: Term) -> list[Term]:
    """Give a term and all that it is computed of, in the order in which its inputs name them."""
    found: dict[Term, None] = {}
    left = [term]
    while left:
        one = left.pop()
        if one not in found:
            found[one] = None
            left += [*one.dependencies, *([one.wrapped] if hasattr(one, "wrapped") else [])]
    return list(found)


def _may_be_kept(term: Term) -> bool:
    if isinstance(term, BoundColumn):
        return term.unspecialize().dataset is EquityPricing
    return type(term).cacheable


def _is_own(term: Term) -> bool:
    """Say whether the user's code or objects are a part of it: of its class, or of its parameters."""
    return not type(term).__module__.startswith(f"{PACKAGE}.") or bool(term.params)
