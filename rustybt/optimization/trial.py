"""What came of one combination of parameters?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class TrialStatus(StrEnum):
    """How a trial ended. A failure is a status, never a score."""

    COMPLETE = "complete"
    """The backtest ran to its end."""
    FAILED = "failed"
    """The strategy raised; the trial's error is the traceback."""
    CRASHED = "crashed"
    """Its worker process died, and died again when it was tried once more in a worker that had run nothing else. Kills
    from outside (SIGKILL, SIGTERM), which hit any trial, count from the sixth, unless the system ran out of memory."""
    TIMEOUT = "timeout"
    """It ran past the time limit, twice."""
    MEMORY = "memory"
    """Its worker process exceeded the memory limit, twice."""
    STOPPED = "stopped"
    """A stop rule ended the backtest early: its metrics are those of a part of the span, and it has no score."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One backtest of an optimization, or one on a part of the budget.

    Attributes
    ----------
    number : int
        Its place in the order of proposal, from 0.
    params : mapping of str to value
        What the strategy was given; None for a parameter that was not active.
    status : TrialStatus
        How it ended.
    scores : tuple of float
        The value of each objective; NaN where there is none. Empty unless complete.
    metrics : mapping of str to float
        All metrics of docs/metrics.md, and the values of objectives and constraints that are functions. Empty unless
        complete or stopped.
    seconds : float
        Time of the backtest in its process; NaN where it did not come back, 0 where it was not run.
    error : str
        Traceback or reason; of a complete trial, what its constraints raised, a line each.
    returns : bytes
        Daily returns of the run as float32, one a session; empty unless complete or stopped, and in a result, whose
        store has them.
    failed_constraints : tuple of str
        The constraints that it does not meet; a trial that meets all of them passes.
    budget : float
        Share of the span that was run, from 0 to 1.
    bars : int
        Sessions that were run.
    worker : int
        Process id of the worker; 0 where it ran in the driver or nowhere.
    is_cached : bool
        Its outcome was known: from an equal trial, or from an earlier run.
    study : str
        Which search it belongs to, where a run has several: a symbol, a strategy, a window.

    Examples
    --------
    >>> Trial(0, {"fast": 5}, TrialStatus.COMPLETE, scores=(1.5,), metrics={"fills": 3.0}).may_be_best
    True
    """

    number: int
    params: Mapping[str, Any]
    status: TrialStatus
    scores: tuple[float, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float = math.nan
    error: str = ""
    returns: bytes = field(default=b"", repr=False)
    failed_constraints: tuple[str, ...] = ()
    budget: float = 1.0
    bars: int = 0
    worker: int = 0
    is_cached: bool = False
    study: str = ""

    def let_go_of_returns(self) -> None:
        """Keep the returns no longer: a store has them now, which may be on the disk."""
        object.__setattr__(self, "returns", b"")

    @property
    def score(self) -> float:
        """The value of the first objective; NaN where there is none."""
        return self.scores[0] if self.scores else math.nan

    @property
    def has_score(self) -> bool:
        """Whether it may be compared with others: complete, of the whole span, every objective finite."""
        return self.status is TrialStatus.COMPLETE and self.budget == 1.0 and all(map(math.isfinite, self.scores))

    @property
    def traded(self) -> bool:
        """Whether any order was filled."""
        return bool(self.metrics.get("fills"))

    @property
    def is_ruined(self) -> bool:
        """Whether the account was worth nothing, or less, at some close: its later returns mean nothing."""
        return self.metrics.get("max_drawdown", 0.0) <= -1.0

    @property
    def passes(self) -> bool:
        """Whether it came to its end and meets every constraint."""
        return self.status is TrialStatus.COMPLETE and not self.failed_constraints

    @property
    def may_be_best(self) -> bool:
        """Whether it is eligible: comparable, within the constraints, it traded, and never lost all that it had."""
        return self.has_score and self.passes and self.traded and not self.is_ruined

    @property
    def reason(self) -> str:
        """The last line of the error: what was raised."""
        lines = self.error.strip().splitlines()
        return lines[-1] if lines else ""

    @property
    def place(self) -> str:
        """Where it was raised, as the error's traceback has it: file, line and function; empty without one."""
        lines = map(str.strip, reversed(self.error.splitlines()))
        return next((line for line in lines if line.startswith('File "')), "")
