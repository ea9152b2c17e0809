"""Which trials are good enough to be compared at all?

A constraint is a comparison of a metric with a number ("max_drawdown < 0.3"), a longer expression over metrics
("trades > 50 and win_rate > 0.4"), or a function of the metrics.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from rustybt.errors import InvalidParameter
from rustybt.optimization.demands import demand_of
from rustybt.optimization.workers.base import attempt

FARTHEST = 1e9
"""How far a constraint counts as missed where that is not finite: a sampler wants numbers."""


@dataclass(frozen=True)
class Constraint:
    """A named demand on the metrics of a trial.

    Parameters
    ----------
    text : str
        How results name it.
    function : callable of (metrics)
        Gives by how much the demand is missed: 0 or less where it is met.

    Examples
    --------
    >>> shallow = Constraint.of("max_drawdown < 0.3", {"max_drawdown", "trades"})
    >>> shallow.violation({"max_drawdown": -0.25}), round(shallow.violation({"max_drawdown": -0.5}), 6)
    (0.0, 0.2)
    """

    text: str
    function: Callable[[Mapping[str, float]], float]

    @staticmethod
    def of(constraint: "ConstraintLike", metrics: Iterable[str]) -> "Constraint":
        """Make a constraint from an expression or a function.

        Parameters
        ----------
        constraint : str, callable or Constraint
            An expression over the metrics; max_drawdown, which is negative, is taken by its size where it is compared
            with a positive number, and `0 <= max_drawdown < 0.3` is one comparison. A function takes the metrics as a
            dict and says whether they will do.
        metrics : iterable of str
            The names that an expression may use.

        Returns
        -------
        Constraint

        Raises
        ------
        InvalidParameter
            If an expression has a syntax error, an unknown name, more than arithmetic and comparisons, nothing it
            compares, or max_drawdown where its sign is in doubt, or if it is neither.
        """
        if isinstance(constraint, Constraint):
            return constraint
        if callable(constraint):
            return Constraint(getattr(constraint, "__name__", repr(constraint)), Predicate(constraint))
        if not isinstance(constraint, str):
            raise InvalidParameter(
                f"constraint {constraint!r} is neither an expression such as 'trades > 50' nor a function of metrics"
            )
        return Constraint(constraint.strip(), demand_of(constraint, tuple(sorted(metrics))))

    def violation(self, metrics: Mapping[str, float]) -> float:
        """Say by how much metrics miss the demand: 0.0 where they meet it, finite always.

        An expression is missed where it takes a metric that is NaN to decide it. Where the demand raises it is missed
        by `FARTHEST`.
        """
        return self.judge(metrics)[0]

    def judge(self, metrics: Mapping[str, float]) -> tuple[float, str]:
        """Give the violation, and in a line what was raised, "" for nothing.

        A demand is the user's code, and it runs beside the search: what it raises must cost no more than the trial.

        Examples
        --------
        >>> Constraint.of("sharpe / fills > 0.01", ["sharpe", "fills"]).judge({"sharpe": 0, "fills": 0})
        (1000000000.0, "constraint 'sharpe / fills > 0.01' raised ZeroDivisionError: division by zero")
        """
        returned, _, found = attempt(self._violation, metrics)
        return (found, "") if returned else (FARTHEST, f"{self.raising}{found.strip().splitlines()[-1]}")

    def _violation(self, metrics: Mapping[str, float]) -> float:
        missed = self.function(metrics)
        return min(missed, FARTHEST) if missed > 0 else 0.0 if missed <= 0 else FARTHEST

    @property
    def raising(self) -> str:
        """How a line begins that says what it raised."""
        return f"constraint {self.text!r} raised "

    def __str__(self) -> str:
        return self.text


ConstraintLike: TypeAlias = str | Callable[[dict[str, float]], Any] | Constraint


@dataclass(frozen=True)
class Predicate:
    """A function's yes or no as a violation of 0 or 1."""

    function: Callable[[dict[str, float]], Any]

    def __call__(self, metrics: Mapping[str, float]) -> float:
        """Give 0.0 for yes, 1.0 for no."""
        return 0.0 if self.function(dict(metrics)) else 1.0


def constraints_of(constraints: object, metrics: Iterable[str]) -> tuple[Constraint, ...]:
    """Make constraints from one or several.

    Examples
    --------
    >>> [str(c) for c in constraints_of("trades > 50", ["trades"])]
    ['trades > 50']
    """
    if isinstance(constraints, str | Constraint) or callable(constraints):
        constraints = (constraints,)
    if not isinstance(constraints, Iterable):
        raise InvalidParameter(f"constraints {constraints!r} is neither a constraint nor a list of them")
    names = set(metrics)
    return tuple(Constraint.of(constraint, names) for constraint in constraints)
