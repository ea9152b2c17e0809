"""What can be known of code or a value that no digest stands for?

What reads files or a clock, or holds what only this process has, cannot be known to do the same again. Most of it can
be: a partial digest stands for the code, the values and the modules that can be told, and passes over the rest.
"""

from collections.abc import Mapping
from typing import Any

from rustybt.optimization.canonical import of_words
from rustybt.optimization.digests.code_form import CodeForm, Import
from rustybt.optimization.digests.digest import Digest
from rustybt.optimization.digests.walk import Undigestible
from rustybt.optimization.source import Source
from rustybt.optimization.strategy_digest import StrategyWalk, digest_of_source, digest_of_value


def partial_digest_of_source(source: Source) -> Digest:
    """Give the digest of what can be told of a strategy, which changes with its code as `digest_of_source` does.

    Examples
    --------
    >>> from rustybt.engine.strategy import Hooks
    >>> from rustybt.optimization.source import FunctionSource
    >>> one = FunctionSource(Hooks(lambda context: print(open("shares.txt").read())))
    >>> other = FunctionSource(Hooks(lambda context: print(open("weights.txt").read())))
    >>> partial_digest_of_source(one) == partial_digest_of_source(other)
    False
    """
    return digest_of_source(source, PartialWalk)


def partial_digest_of_value(value: object, name: str) -> Digest:
    """Give the digest of what can be told of a function or any object; see `digest_of_value`.

    Examples
    --------
    >>> partial_digest_of_value([1, (n for n in ())], "it") == partial_digest_of_value([2, (n for n in ())], "it")
    False
    """
    return digest_of_value(value, name, PartialWalk)


class PartialWalk(StrategyWalk):
    """A walk that passes over what cannot be told, and counts no more of it than its name."""

    def add(self, value: object, where: str) -> None:
        """Add a value, or its name."""
        try:
            super().add(value, where)
        except Undigestible:
            self._pass_over(value)

    def _body(self, value: Any, where: str) -> None:
        try:
            super()._body(value, where)
        except Undigestible:
            self._pass_over(value)

    def _check_moment(self, code: CodeForm, name: str) -> None:
        """Pass over it: the code holds the word."""

    def _path(self, path: tuple[str, ...], known: Mapping[str, Any], reads: set[str], where: str) -> None:
        try:
            super()._path(path, known, reads, where)
        except Undigestible:
            self._emit(b"outside")  # by its name, which stands there already

    def _import(self, found: Import, known: Mapping[str, Any], reads: set[str], where: str) -> None:
        try:
            super()._import(found, known, reads, where)
        except Undigestible:
            self._emit(b"outside")  # the code that imports it names it

    def _pass_over(self, value: object) -> None:
        name = getattr(value, "__qualname__", None)
        self._emit(b"unknown", of_words(type(value).__qualname__), of_words(name if isinstance(name, str) else ""))
