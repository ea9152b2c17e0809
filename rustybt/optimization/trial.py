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
    """The worker process died under it, and died again when it was tried a second time."""
    TIMEOUT = "timeout"
    """It ran past the time limit, twice."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One backtest of an optimization.

    Attributes
    ----------
    number : int
        Its place in the order of proposal, from 0.
    params : mapping of str to value
        What the strategy was given.
    status : TrialStatus
        How it ended.
    score : float
        The objective's value; NaN where there is none.
    metrics : mapping of str to float
        All metrics of docs/metrics.md; empty unless complete.
    seconds : float
        Time of the backtest in its process; NaN where it did not come back.
    error : str
        Traceback or reason; empty for a complete trial.
    returns : bytes
        Daily returns of the run as float32, one a session; empty unless complete.

    Examples
    --------
    >>> Trial(0, {"fast": 5}, TrialStatus.COMPLETE, score=1.5).has_score
    True
    """

    number: int
    params: Mapping[str, Any]
    status: TrialStatus
    score: float = math.nan
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float = math.nan
    error: str = ""
    returns: bytes = field(default=b"", repr=False)

    @property
    def has_score(self) -> bool:
        """Whether it may be compared with others."""
        return self.status is TrialStatus.COMPLETE and math.isfinite(self.score)

    @property
    def reason(self) -> str:
        """The last line of the error: what was raised."""
        lines = self.error.strip().splitlines()
        return lines[-1] if lines else ""
