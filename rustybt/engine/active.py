"""Which simulation do the functions of `rustybt.api` act on?"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from rustybt.errors import NoSimulation

if TYPE_CHECKING:
    from rustybt.engine.context import Context

_active: "ContextVar[Context | None]" = ContextVar("active_algorithm", default=None)


@contextmanager
def activated(algorithm: "Context") -> Iterator[None]:
    """Make a simulation the one that the API acts on, in this thread, until the block ends."""
    token = _active.set(algorithm)
    try:
        yield
    finally:
        _active.reset(token)


def current(function: str) -> "Context":
    """Give the simulation that runs.

    Parameters
    ----------
    function : str
        The API function that asks, for the message.

    Raises
    ------
    NoSimulation
        If none runs in this thread.
    """
    algorithm = _active.get()
    if algorithm is None:
        raise NoSimulation(
            f"rustybt.api.{function} must be called during a simulation: call it from initialize, handle_data or a "
            "scheduled function"
        )
    return algorithm
