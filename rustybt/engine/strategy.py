"""Which functions of the user's does the engine call?"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, NamedTuple, Optional

from rustybt.errors import InvalidParameter, did_you_mean

Callback = Callable[..., Any]

HOOK_NAMES = ("initialize", "handle_data", "before_trading_start", "analyze")


class Hooks(NamedTuple):
    """The user's functions, and the parameters they read; a function that is missing is not called.

    Attributes
    ----------
    initialize : callable of (context), optional
        Called once, before the first session.
    handle_data : callable of (context, data), optional
        Called at every bar.
    before_trading_start : callable of (context, data), optional
        Called once a session, before its first bar.
    analyze : callable of (context, perf), optional
        Called once with the finished perf frame.
    params : mapping of str to value
        What `context.params` shows.
    vector : Strategy, optional
        A `VectorStrategy`, which decides for all sessions at once, in the place of the functions but analyze.
    """

    initialize: Callback | None = None
    handle_data: Callback | None = None
    before_trading_start: Callback | None = None
    analyze: Callback | None = None
    params: Mapping[str, Any] = {}
    vector: Optional["Strategy"] = None


class Strategy:
    """Base of a strategy written as a class: override what it needs, name its parameters as class attributes.

    Parameters
    ----------
    **params
        Values of the class's parameters.

    Attributes
    ----------
    params : dict of str to value
        What was passed.

    Raises
    ------
    InvalidParameter
        If a name is no attribute of the class.

    Examples
    --------
    >>> class Hold(Strategy):
    ...     shares = 10
    >>> Hold(shares=5).shares
    5
    """

    _reserved: ClassVar[frozenset[str]] = frozenset({"params", *HOOK_NAMES})
    params: dict[str, Any]

    def __init__(self, **params: Any) -> None:
        require_declared(type(self), params)
        self.params = dict(params)
        vars(self).update(params)

    def initialize(self, context: Any) -> None:
        """Prepare `context` before the first session."""

    def handle_data(self, context: Any, data: Any) -> None:
        """Decide at a bar."""

    def before_trading_start(self, context: Any, data: Any) -> None:
        """Prepare a session before its first bar."""

    def analyze(self, context: Any, perf: Any) -> None:
        """Look at the finished perf frame."""

    def _hooks(self) -> Hooks:
        """Give what the engine calls: the methods that the class overrides."""
        own = [name for name in HOOK_NAMES if getattr(type(self), name) is not getattr(Strategy, name)]
        return Hooks(**{name: getattr(self, name) for name in own}, params=params_of(self))


def require_declared(strategy_class: type[Strategy], names: Iterable[str]) -> None:
    """Refuse names that are no parameters of a strategy class.

    Raises
    ------
    InvalidParameter
        If one is no attribute of the class, or has a meaning of its own.
    """
    for name in names:
        if not _declares(strategy_class, name):
            known = [other for other in dir(strategy_class) if _declares(strategy_class, other)]
            raise InvalidParameter(
                f"{strategy_class.__name__} has no parameter {name!r}{did_you_mean(name, known)}: "
                "declare it as a class attribute"
            )


def _declares(strategy_class: type[Strategy], name: str) -> bool:
    return hasattr(strategy_class, name) and not name.startswith("_") and name not in strategy_class._reserved


def params_of(strategy: Strategy) -> dict[str, Any]:
    """Give the parameters that a strategy was made with.

    Raises
    ------
    InvalidParameter
        If its class has an `__init__` of its own that leaves them out.
    """
    try:
        return strategy.params
    except AttributeError:
        kind = type(strategy).__name__
        raise InvalidParameter(
            f"{kind}.__init__ does not call super().__init__(**params): do so first, or prepare in initialize(context) "
            "and drop it"
        ) from None


def hooks_of(strategy: Strategy) -> Hooks:
    """Give what the engine calls of a strategy.

    Parameters
    ----------
    strategy : Strategy
        With its parameters set.

    Returns
    -------
    Hooks
    """
    return strategy._hooks()


def hooks_of_namespace(namespace: Mapping[str, Any], params: Mapping[str, Any] | None = None) -> Hooks:
    """Give the functions that a Zipline script defines.

    Parameters
    ----------
    namespace : mapping of str to object
        The script's globals after it was executed.
    params : mapping of str to value, optional
        What `context.params` will show.

    Returns
    -------
    Hooks
    """
    return Hooks(**{name: namespace.get(name) for name in HOOK_NAMES}, params=dict(params or {}))
