"""How does extension.py add an order book, and read the command line's -x? Metrics and bundles have registries too."""

from collections.abc import Callable
from typing import Any

from rustybt.engine.extensions import Namespace, create_args, extension_args
from rustybt.errors import InvalidParameter
from rustybt.finance.blotter import Blotter, SimulationBlotter, blotters

__all__ = ["Namespace", "create_args", "extension_args", "load", "register", "unregister"]


def register(interface: type, name: str, factory: Callable[[], Any] | None = None) -> Any:
    """Let a name stand for an order book; without a factory, a decorator.

    Parameters
    ----------
    interface : type
        `rustybt.finance.blotter.Blotter`, the only kind of thing that is registered here.
    name : str
        For `run_algorithm(blotter=...)` and `--blotter`.
    factory : callable of (), optional
        Gives a SimulationBlotter, or a class derived from Blotter.

    Returns
    -------
    callable
        The factory, or a decorator.

    Raises
    ------
    InvalidParameter
        If the interface is another, or the name is taken.
    """
    _require(interface)
    return blotters.register(name) if factory is None else blotters.register(name, factory)


def unregister(interface: type, name: str) -> None:
    """Forget a name; see `register`."""
    _require(interface)
    blotters.unregister(name)


def load(interface: type, name: str) -> SimulationBlotter | type[Blotter]:
    """Make what a name stands for; see `register`."""
    _require(interface)
    return blotters.load(name)


def _require(interface: type) -> None:
    if interface is not Blotter:
        raise InvalidParameter(
            f"nothing is registered for {interface!r}: pass rustybt.finance.blotter.Blotter, or register metrics with "
            "rustybt.finance.metrics and bundles with rustybt.data.bundles"
        )
