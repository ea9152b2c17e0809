"""How does a user see that a long run moves?"""

import sys
import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rustybt.optimization.trial import Trial, TrialStatus

UPDATE_S = 0.1


class TrialProgress:
    """A bar on stderr with counts by outcome, rate, remaining time, the best score so far, and where time goes.

    Parameters
    ----------
    label : str
        What runs.
    total : callable
        Gives the number of trials, at most; None where it is not known.
    shown : bool, optional
        Show it; if omitted, only where stderr is a terminal.
    search_seconds : callable, optional
        Gives the time spent in the search so far.
    """

    def __init__(
        self,
        label: str,
        total: Callable[[], int | None],
        shown: bool | None = None,
        search_seconds: Callable[[], float] = lambda: 0.0,
    ) -> None:
        shown = sys.stderr.isatty() if shown is None else shown
        self._bar: Progress | None = None
        self._total, self._search_seconds = total, search_seconds
        self.counts = dict.fromkeys(("done", "cached", "passing", "failing", "stopped", "failed"), 0)
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
            self._task = self._bar.add_task(label, total=total(), rate="", notes="")

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

    def count(self, trial: Trial, best: str | None = None) -> None:
        """Count a trial that came back.

        Parameters
        ----------
        trial : Trial
            The record.
        best : str, optional
            The best score so far, where this trial changed it.
        """
        self.counts["done"] += 1
        self.counts[outcome_of(trial)] += 1
        self.counts["cached"] += trial.is_cached
        self._best = best or self._best
        if self._bar is not None and time.monotonic() - self._updated > UPDATE_S:
            self._draw()

    def notes(self) -> str:
        """Say in words what came back so far, leaving out what did not occur."""
        words = [f"best {self._best}"] if self._best else []
        words += [f"{self.counts[name]} {name}" for name in ("failing", "stopped", "failed") if self.counts[name]]
        if self.counts["failing"]:
            words.insert(1 if self._best else 0, f"{self.counts['passing']} passing")
        if self.counts["cached"]:
            words.append(f"{self.counts['cached']} from cache")
        elapsed = time.monotonic() - self._began
        if (share := self._search_seconds() / max(elapsed, 1e-9)) >= 0.01:
            words.append(f"search {min(share, 1.0):.0%} of the time")
        return ", ".join(words)

    def _draw(self) -> None:
        assert self._bar is not None
        self._updated = time.monotonic()
        rate = self.counts["done"] / max(self._updated - self._began, 1e-9)
        self._bar.update(
            self._task, completed=self.counts["done"], total=self._total(), rate=f"{rate:.3g}/s", notes=self.notes()
        )


def outcome_of(trial: Trial) -> str:
    """Say in one word how a trial counts: passing, failing (its constraints), stopped or failed.

    Examples
    --------
    >>> outcome_of(Trial(0, {}, TrialStatus.TIMEOUT))
    'failed'
    """
    if trial.status is TrialStatus.STOPPED:
        return "stopped"
    if trial.status is not TrialStatus.COMPLETE:
        return "failed"
    return "passing" if trial.passes else "failing"
