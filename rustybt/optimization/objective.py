"""Which number says that one trial is better than another?"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from rustybt.errors import InvalidParameter, did_you_mean
from rustybt.results.metrics import NEVER_POSITIVE

DIRECTIONS = ("maximize", "minimize")

LOSSES_AS_RETURNS = frozenset({"cvar_95", "value_at_risk_95", "worst_day"})
"""Returns of bad days: the lower they are, the more was lost."""


@dataclass(frozen=True)
class Objective:
    """A number of a trial and the direction in which it improves.

    Parameters
    ----------
    metric : str
        One of the names in docs/metrics.md, or with a function the name that its values get.
    direction : {"maximize", "minimize"}, optional
        Which end of the metric is good. max_drawdown, which is negative, is minimized by its size: the trial with the
        highest number is the best.
    function : callable of (perf), optional
        Gives the number from a trial's perf frame. It runs in the worker, which then builds the frame: some
        milliseconds a trial.

    Raises
    ------
    InvalidParameter
        If the direction is neither, or asks for the greatest losses.

    Examples
    --------
    >>> Objective("sharpe").better(1.2, 0.8), Objective("annual_volatility", "minimize").better(0.3, 0.2)
    (True, False)
    >>> Objective("max_drawdown", "minimize").better(-0.1, -0.2)
    True
    """

    metric: str
    direction: str = "maximize"
    function: Callable[[Any], float] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise InvalidParameter(
                f"direction {self.direction!r} of objective {self.metric!r} is neither 'maximize' nor 'minimize'"
                f"{did_you_mean(str(self.direction), DIRECTIONS)}"
            )
        if self.function is not None or self.direction == "maximize":
            return
        if self.metric in LOSSES_AS_RETURNS:
            raise InvalidParameter(
                f"objective 'minimize {self.metric}' asks for the greatest losses: {self.metric} is a return, negative "
                f"for a loss; write 'maximize {self.metric}'"
            )

    @staticmethod
    def of(objective: "ObjectiveLike") -> "Objective":
        """Make an objective from a metric's name, with the direction before it where it is not to be maximized.

        Parameters
        ----------
        objective : str, callable or Objective
            "sharpe", "maximize sharpe" or "minimize annual_volatility"; a function of the perf frame, to be maximized,
            named as it is; an objective is given back as it is.

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
        if callable(objective):
            return Objective(getattr(objective, "__name__", "objective").strip("<>"), function=objective)
        if not isinstance(objective, str) or not objective.split():
            raise InvalidParameter(
                f"objective {objective!r} is no metric's name: write 'sharpe' or 'minimize turnover', or give a "
                "function of the perf frame"
            )
        first, *rest = objective.split(maxsplit=1)
        if rest and (first in DIRECTIONS or did_you_mean(first, DIRECTIONS)):
            return Objective(rest[0].strip(), first)
        return Objective(objective.strip())

    def require_known(self, metrics: Iterable[str]) -> None:
        """Raise InvalidParameter where the metric is none of these names, or a function takes one of them."""
        known = sorted(metrics)
        if self.function is not None:
            if self.metric in known:
                raise InvalidParameter(
                    f"objective function {self.metric!r} has the name of a metric: rename it, or name the metric"
                )
            return
        if self.metric not in known:
            near = next(filter(None, (did_you_mean(name, known) for name in spellings(self.metric))), "")
            raise InvalidParameter(f"unknown objective {self.metric!r}{near}: choose one of {', '.join(known)}")

    @property
    def minimizes(self) -> bool:
        """Whether lower numbers are better."""
        return self.direction == "minimize" and (self.function is not None or self.metric not in NEVER_POSITIVE)

    def score(self, metrics: Mapping[str, float]) -> float:
        """Give the objective's value; NaN where the trial has none."""
        return float(metrics.get(self.metric, math.nan))

    def loss(self, score: float) -> float:
        """Give what a search minimizes."""
        return score if self.minimizes else -score

    def better(self, score: float, best: float) -> bool:
        """Say whether a score beats another; a tie does not, and what is not finite never does."""
        if not math.isfinite(score):
            return False
        return not math.isfinite(best) or (score < best if self.minimizes else score > best)

    def __str__(self) -> str:
        return f"{self.direction} {self.metric}"


def spellings(metric: str) -> tuple[str, ...]:
    """Give a metric's name as it was written, as names of metrics are, and without its last words.

    Examples
    --------
    >>> spellings("Sharpe Ratio")
    ('Sharpe Ratio', 'sharpe_ratio', 'sharpe')
    """
    words = metric.casefold().split()
    return (metric, *("_".join(words[:count]) for count in range(len(words), 0, -1)))


ObjectiveLike: TypeAlias = str | Callable[[Any], float] | Objective


def objectives_of(objectives: "ObjectiveLike | Iterable[ObjectiveLike]") -> tuple[Objective, ...]:
    """Make one objective or several.

    Parameters
    ----------
    objectives : str, callable, Objective, or an iterable of those
        The first one decides what `best` means.

    Returns
    -------
    tuple of Objective
        At least one, each under a name of its own.

    Raises
    ------
    InvalidParameter
        If there is none, or two have one name.

    Examples
    --------
    >>> [str(objective) for objective in objectives_of(["sharpe", "minimize turnover"])]
    ['maximize sharpe', 'minimize turnover']
    """
    several = not (isinstance(objectives, str | Objective) or callable(objectives)) and isinstance(objectives, Iterable)
    made = tuple(map(Objective.of, objectives)) if several else (Objective.of(objectives),)  # type: ignore[arg-type]
    names = [objective.metric for objective in made]
    if not made:
        raise InvalidParameter("objective is an empty list: name at least one, such as 'sharpe'")
    if len(set(names)) < len(names):
        raise InvalidParameter(f"objective {', '.join(map(str, made))} names a metric twice: drop one")
    return made
