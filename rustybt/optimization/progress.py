"""How does a user see that a long run moves?"""

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

UPDATE_S = 0.1


class TrialProgress:
    """A bar on stderr with count, rate, remaining time, failures and the best score so far.

    Parameters
    ----------
    label : str
        What runs.
    total : int or None
        Number of trials, at most; None where it is not known.
    shown : bool, optional
        Show it; if omitted, only where stderr is a terminal.
    """

    def __init__(self, label: str, total: int | None, shown: bool | None = None) -> None:
        shown = sys.stderr.isatty() if shown is None else shown
        self._bar: Progress | None = None
        self._done = self._failed = 0
        self._best = ""
        self._began = self._updated = time.monotonic()
        if shown:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[notes]}"),
            )
            plain_stdout = not sys.stdout.isatty()  # what a strategy prints into a file must reach that file
            self._bar = Progress(*columns, console=Console(stderr=True), redirect_stdout=not plain_stdout)
            self._task = self._bar.add_task(label, total=total, rate="", notes="")

    def __enter__(self) -> "TrialProgress":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._draw()
            self._bar.stop()

    def count(self, failed: bool, best: str | None = None) -> None:
        """Count a trial that came back.

        Parameters
        ----------
        failed : bool
            It has no metrics.
        best : str, optional
            The best score so far, where this trial changed it.
        """
        self._done += 1
        self._failed += failed
        self._best = best or self._best
        if self._bar is not None and time.monotonic() - self._updated > UPDATE_S:
            self._draw()

    def _draw(self) -> None:
        assert self._bar is not None
        self._updated = time.monotonic()
        rate = self._done / max(self._updated - self._began, 1e-9)
        notes = [f"best {self._best}"] if self._best else []
        notes += [f"{self._failed} failed"] if self._failed else []
        self._bar.update(self._task, completed=self._done, rate=f"{rate:.3g}/s", notes=", ".join(notes))
