"""Which number says that one trial is better than another?"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rustybt.errors import InvalidParameter, did_you_mean

DIRECTIONS = ("maximize", "minimize")


@dataclass(frozen=True)
class Objective:
    """A metric and the direction in which it improves.

    Parameters
    ----------
    metric : str
        One of the names in docs/metrics.md.
    direction : {"maximize", "minimize"}, optional
        Which end of the metric is good.

    Raises
    ------
    InvalidParameter
        If the direction is neither.

    Examples
    --------
    >>> Objective("sharpe").better(1.2, 0.8), Objective("annual_volatility", "minimize").better(0.3, 0.2)
    (True, False)
    """

    metric: str
    direction: str = "maximize"

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise InvalidParameter(
                f"direction {self.direction!r} of objective {self.metric!r} is neither 'maximize' nor 'minimize'"
                f"{did_you_mean(str(self.direction), DIRECTIONS)}"
            )

    @staticmethod
    def of(objective: "str | Objective") -> "Objective":
        """Make an objective from a metric's name, with the direction before it where it is not to be maximized.

        Parameters
        ----------
        objective : str or Objective
            "sharpe", "maximize sharpe" or "minimize annual_volatility"; an objective is given back as it is.

        Returns
        -------
        Objective
            Not yet checked against the known metrics.

        Examples
        --------
        >>> Objective.of("minimize annual_volatility")
        Objective(metric='annual_volatility', direction='minimize')
        """
        if isinstance(objective, Objective):
            return objective
        if not isinstance(objective, str) or not objective.split():
            raise InvalidParameter(
                f"objective {objective!r} is no metric's name: write 'sharpe' or 'minimize turnover'"
            )
        *direction, metric = objective.split(maxsplit=1)
        return Objective(metric, *direction)

    def require_known(self, metrics: Iterable[str]) -> None:
        """Raise InvalidParameter where the metric is none of these names."""
        known = sorted(metrics)
        if self.metric not in known:
            near = did_you_mean(self.metric, known)
            raise InvalidParameter(f"unknown objective {self.metric!r}{near}: choose one of {', '.join(known)}")

    def score(self, metrics: Mapping[str, float]) -> float:
        """Give the objective's value; NaN where the trial has none."""
        return float(metrics.get(self.metric, math.nan))

    def better(self, score: float, best: float) -> bool:
        """Say whether a score beats another; a tie does not, and what is not finite never does."""
        if not math.isfinite(score):
            return False
        return not math.isfinite(best) or (score > best if self.direction == "maximize" else score < best)

    def __str__(self) -> str:
        return f"{self.direction} {self.metric}"
