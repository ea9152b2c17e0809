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
        return span_key, term, _code_of(type(term))

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
    seen: set[Term] = set()
    left = [term]
    while left:
        one = left.pop()
        if one in seen:
            continue
        seen.add(one)
        if isinstance(one, BoundColumn):
            if one.unspecialize().dataset is not EquityPricing:
                return False
        elif not type(one).cacheable:
            return False
        left += [*one.dependencies, *([one.wrapped] if hasattr(one, "wrapped") else [])]
    return True


def _code_of(cls: type) -> bytes:
    """Give the digest of a class of the user's, which changes with its code and the globals that it reads."""
    if cls.__module__.startswith(f"{PACKAGE}."):
        return b""
    try:
        return digest_of(cls, cls.__name__)
    except InvalidParameter:
        return repr(id(cls)).encode()
