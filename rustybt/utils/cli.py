"""How does an ingest function show how far it is? Under the name that Zipline's users know."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import click

T = TypeVar("T")

__all__ = ["maybe_show_progress"]


def maybe_show_progress(it: Iterable[T], show_progress: bool, **kwargs: Any) -> AbstractContextManager[Iterable[T]]:
    """Show a bar for a loop, or do not.

    Parameters
    ----------
    it : iterable
        What the loop is over.
    show_progress : bool
        Whether a bar is shown.
    **kwargs
        As `click.progressbar` takes them, such as label.

    Returns
    -------
    context manager
        It gives the iterable.

    Examples
    --------
    >>> with maybe_show_progress([1, 2], False, label="Reading") as numbers:
    ...     sum(numbers)
    3
    """
    return click.progressbar(it, **kwargs) if show_progress else nullcontext(it)
