"""Which caches of this process hold on to opened bundle versions? They let go before versions are removed."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_CACHES: Final[list[Any]] = []


def cache_of_bundles(maxsize: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep the latest results of a function that are made of opened bundles.

    Parameters
    ----------
    maxsize : int
        How many.

    Returns
    -------
    callable
        A decorator, as `functools.lru_cache` gives it.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        cached = lru_cache(maxsize=maxsize)(function)
        _CACHES.append(cached)
        return cached  # type: ignore[return-value]

    return decorate


def let_go_of_bundles() -> None:
    """Forget what this process keeps of bundles for later runs; what a run under way uses stays with it."""
    for cache in _CACHES:
        cache.cache_clear()
    gc.collect()  # portals hold themselves by the caches of their methods
