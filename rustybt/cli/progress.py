"""How does long work show that it goes on? A bar on a terminal's standard error, and nothing anywhere else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


@dataclass
class RateColumn(ProgressColumn):
    """Completed units a second.

    Parameters
    ----------
    unit : str
        Their plural.
    """

    unit: str

    def __post_init__(self) -> None:
        super().__init__()

    def render(self, task: Task) -> Text:
        """Give the rate since the start, blank before the first unit."""
        speed = task.completed / task.elapsed if task.elapsed and task.completed else 0.0
        return Text(f"{speed:,.{1 if speed < 100 else 0}f} {self.unit}/s" if speed else "")


@contextmanager
def progress_bar(what: str, unit: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar with count, rate and time to go while the block runs, if standard error is a terminal.

    Parameters
    ----------
    what : str
        What is being done.
    unit : str
        The plural of what is counted.
    total : int, optional
        How many there will be; None if that is not known.

    Yields
    ------
    callable of (completed)
        Moves the bar to a number of completed units; cheap, because the bar is drawn ten times a second at most.
    """
    if not sys.stderr.isatty():
        yield ignore
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(unit),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # else what a strategy prints would miss the file that it is meant for
    )
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda completed: bar.update(task, completed=completed)


def ignore(completed: int) -> None:
    """Show nothing."""
