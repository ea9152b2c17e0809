"""Which trials are good enough to be compared at all?

A constraint is a comparison of a metric with a number ("max_drawdown < 0.3"), a longer expression over metrics
("trades > 50 and win_rate > 0.4"), or a function of the metrics.
"""

import ast
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from rustybt.errors import InvalidParameter
from rustybt.optimization.conditions import Expression
from rustybt.optimization.workers.base import attempt

FARTHEST = 1e9
"""How far a constraint counts as missed where that is not finite: a sampler wants numbers."""

SIZES = frozenset({"max_drawdown"})
"""Metrics that are never positive: one that is compared with a positive number is meant by its size."""

UPPER = (ast.Lt, ast.LtE)
LOWER = (ast.Gt, ast.GtE)


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
            An expression over the metrics; max_drawdown, which is negative, is taken by its size in each comparison
            with a positive number, wherever in the expression that stands; `0 <= max_drawdown < 0.3` is one comparison.
            A function takes the metrics as a dict and says whether they will do.
        metrics : iterable of str
            The names that an expression may use.

        Returns
        -------
        Constraint

        Raises
        ------
        InvalidParameter
            If an expression has a syntax error, an unknown name, more than arithmetic and comparisons, or nothing it
            compares, or if it is neither.
        """
        if isinstance(constraint, Constraint):
            return constraint
        if callable(constraint):
            return Constraint(getattr(constraint, "__name__", repr(constraint)), Predicate(constraint))
        if not isinstance(constraint, str):
            raise InvalidParameter(
                f"constraint {constraint!r} is neither an expression such as 'trades > 50' nor a function of metrics"
            )
        names = tuple(sorted(metrics))
        Expression(constraint, names, "constraint", "metric")  # says what is wrong in the user's words
        if not decides(ast.parse(constraint.strip(), mode="eval").body):
            raise InvalidParameter(
                f"constraint {constraint!r} is no yes or no: compare each metric with a number, as in 'trades > 50'"
            )
        found = comparison_of(constraint) or Predicate(Expression(by_size(constraint), names, "constraint", "metric"))
        return Constraint(constraint.strip(), found)

    def violation(self, metrics: Mapping[str, float]) -> float:
        """Say by how much metrics miss the demand: 0.0 where they meet it, finite always.

        NaN never meets one, and where the demand raises it is missed by `FARTHEST`.
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
    """A yes or no as a violation of 0 or 1."""

    function: Callable[[dict[str, float]], Any]

    def __call__(self, metrics: Mapping[str, float]) -> float:
        """Give 0.0 for yes, 1.0 for no."""
        return 0.0 if self.function(dict(metrics)) else 1.0


@dataclass(frozen=True)
class Comparison:
    """A metric on one side of a number.

    Attributes
    ----------
    metric : str
        Its name.
    limit : float
        The number.
    is_upper : bool
        The metric must be below it.
    is_strict : bool
        Equality does not do.
    """

    metric: str
    limit: float
    is_upper: bool
    is_strict: bool

    def __call__(self, metrics: Mapping[str, float]) -> float:
        """Give the distance to the limit where it is missed, at least the smallest number above 0; NaN for NaN."""
        value = metrics.get(self.metric, math.nan)
        if self.metric in SIZES and self.limit > 0:
            value = abs(value)
        over = value - self.limit if self.is_upper else self.limit - value
        if over == 0 and self.is_strict:
            return math.ulp(0.0)
        return over


def decides(node: ast.expr) -> bool:
    """Say whether an expression is a yes or no: a comparison, or what and, or, not make of such.

    Examples
    --------
    >>> [decides(ast.parse(text, mode="eval").body) for text in ("a < 1 and not b > 2", "a", "a < 1 or b")]
    [True, False, False]
    """
    if isinstance(node, ast.BoolOp):
        return all(map(decides, node.values))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return decides(node.operand)
    return isinstance(node, ast.Compare)


def comparison_of(text: str) -> Comparison | None:
    """Read "metric < number" or "number < metric"; None for any other expression."""
    node = ast.parse(text.strip(), mode="eval").body
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return None
    left, right, op = node.left, node.comparators[0], type(node.ops[0])
    if op not in UPPER and op not in LOWER:
        return None
    is_upper, is_strict = op in UPPER, op in (ast.Lt, ast.Gt)
    if isinstance(left, ast.Name) and (number := number_of(right)) is not None:
        return Comparison(left.id, number, is_upper, is_strict)
    if isinstance(right, ast.Name) and (number := number_of(left)) is not None:
        return Comparison(right.id, number, not is_upper, is_strict)
    return None


def by_size(text: str) -> str:
    """Write an expression so that each metric of `SIZES` is taken by its size in a comparison with a positive number.

    A chain counts as one comparison: in `0 < max_drawdown < 0.3` the 0.3 says that the size is meant at both ends.

    Examples
    --------
    >>> by_size("trades > 50 and not max_drawdown >= 0.3"), by_size("max_drawdown > -0.3 or trades > 50")
    ('trades > 50 and (not -max_drawdown >= 0.3)', 'max_drawdown > -0.3 or trades > 50')
    """
    return ast.unparse(Sizes().visit(ast.parse(text.strip(), mode="eval")))


class Sizes(ast.NodeTransformer):
    """Negates, in comparisons with a positive number, the metrics that are never positive: what is left is the size."""

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Negate such metrics where they are operands themselves."""
        self.generic_visit(node)  # a comparison may stand within an operand
        operands = [node.left, *node.comparators]
        numbers = [number for operand in operands if (number := number_of(operand)) is not None]
        if max(numbers, default=0.0) > 0:
            node.left, *node.comparators = map(size_of, operands)
        return node


def size_of(operand: ast.expr) -> ast.expr:
    """Give the negative of a metric of `SIZES`, and anything else as it is."""
    if isinstance(operand, ast.Name) and operand.id in SIZES:
        return ast.UnaryOp(ast.USub(), operand)
    return operand


def number_of(node: ast.expr) -> float | None:
    """Give a literal number; None for anything else."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):  # TypeError: a set of what no set holds
        return None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


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
