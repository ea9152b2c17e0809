"""How far is a long loop? A bar with rate and time left on a terminal, silence elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def tracked(items: Iterable[T], label: str, show: bool, total: int | None = None) -> Iterator[T]:
    """Pass items on, and show how many have passed.

    Parameters
    ----------
    items : iterable
        What the loop is over.
    label : str
        What is being done.
    show : bool
        Whether the user wants to see it; nothing is shown where standard error is no terminal.
    total : int, optional
        Number of items, if it is known.

    Yields
    ------
    object
        The items.
    """
    if not (show and sys.stderr.isatty()):
        yield from items
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    rate, left = TextColumn("{task.fields[rate]}/s"), TextColumn("ETA")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, left)
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(label, total=total, rate="0.0")
        for item in items:
            yield item
            progress.update(task, advance=1, rate=f"{progress.tasks[task].speed or 0.0:.1f}")
