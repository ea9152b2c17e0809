"""How does a name stand for something that a user registered, usually in extension.py?"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Generic, TypeVar, overload

from rustybt.errors import InvalidParameter, did_you_mean

T = TypeVar("T")
F = TypeVar("F", bound=Callable[[], Any])


class Registry(Generic[T]):
    """Factories by name.

    Parameters
    ----------
    kind : str
        What they make, as messages call it.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._factories: dict[str, Callable[[], T]] = {}

    @property
    def factories(self) -> Mapping[str, Callable[[], T]]:
        """The factories by name, read-only."""
        return MappingProxyType(self._factories)

    @overload
    def register(self, name: str, factory: None = None) -> Callable[[F], F]: ...
    @overload
    def register(self, name: str, factory: F) -> F: ...
    def register(self, name: str, factory: Any = None) -> Any:
        """Let a name stand for what a factory makes; without a factory, a decorator.

        Parameters
        ----------
        name : str
            Not registered yet.
        factory : callable of (), optional
            Called for every run.

        Returns
        -------
        callable
            The factory, or a decorator.

        Raises
        ------
        InvalidParameter
            If the name is taken, or the factory no callable.
        """

        def add(made_by: F) -> F:
            if name in self._factories:
                raise InvalidParameter(f"{self.kind} {name!r} is already registered: unregister it first")
            if not callable(made_by):
                raise InvalidParameter(f"the factory of {self.kind} {name!r} is {made_by!r}: pass a callable")
            self._factories[name] = made_by
            return made_by

        return add if factory is None else add(factory)

    def unregister(self, name: str) -> None:
        """Forget a name.

        Raises
        ------
        InvalidParameter
            If it is not registered.
        """
        self._require(name)
        del self._factories[name]

    def load(self, name: str) -> T:
        """Make what a name stands for.

        Raises
        ------
        InvalidParameter
            If it is not registered.
        """
        self._require(name)
        return self._factories[name]()

    def _require(self, name: str) -> None:
        if name not in self._factories:
            raise InvalidParameter(
                f"{self.kind} {name!r} is not registered{did_you_mean(str(name), self._factories)}: "
                f"choose one of {', '.join(sorted(self._factories))}, or register it in extension.py"
            )
