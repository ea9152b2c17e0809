"""What does an expression over metrics demand of a trial?

"sharpe > 1" is a comparison, which is missed by a distance. Any other expression, such as "trades > 50 and not sharpe <
1", is met or missed; a comparison with a metric that has no value says neither yes nor no, whatever stands around it.
"""

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, TypeAlias

from rustybt.errors import InvalidParameter
from rustybt.optimization.conditions import Expression
from rustybt.results.metrics import NEVER_POSITIVE

UPPER = (ast.Lt, ast.LtE)
LOWER = (ast.Gt, ast.GtE)


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
        if self.metric in NEVER_POSITIVE and self.limit > 0:
            value = abs(value)
        over = value - self.limit if self.is_upper else self.limit - value
        if over == 0 and self.is_strict:
            return math.ulp(0.0)
        return over


@dataclass(frozen=True)
class Demand:
    """An expression that is met or missed.

    Parameters
    ----------
    text : str
        A checked expression in which max_drawdown stands by its size already.

    Examples
    --------
    >>> demand = Demand("trades > 5 or not sharpe < 1")
    >>> [demand({"trades": trades, "sharpe": math.nan}) for trades in (9, 1)]
    [0.0, 1.0]
    """

    text: str
    _said: "Said" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_said", said_by(ast.parse(self.text, mode="eval").body))

    def __call__(self, metrics: Mapping[str, float]) -> float:
        """Give 0.0 where it is met, 1.0 where it is not, or where nothing can be said."""
        return 0.0 if answer(self._said, metrics) else 1.0

    def __reduce__(self) -> "tuple[type[Demand], tuple[str]]":
        return Demand, (self.text,)


@dataclass(frozen=True)
class Leaf:
    """A comparison, with the names that it reads."""

    code: CodeType
    names: frozenset[str]


@dataclass(frozen=True)
class Joint:
    """What and, or and not make of others."""

    kind: type[ast.And] | type[ast.Or] | type[ast.Not]
    parts: "tuple[Said, ...]"


Said: TypeAlias = Leaf | Joint


def said_by(node: ast.expr) -> Said:
    """Take an expression apart down to its comparisons."""
    if isinstance(node, ast.BoolOp):
        return Joint(type(node.op), tuple(map(said_by, node.values)))  # type: ignore[arg-type]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return Joint(ast.Not, (said_by(node.operand),))
    names = frozenset(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
    return Leaf(compile(ast.Expression(node), "<constraint>", "eval"), names)


def answer(said: Said, metrics: Mapping[str, float]) -> bool | None:
    """Say yes, no, or None where it takes a metric that is NaN; what is decided already is not looked at further."""
    if isinstance(said, Leaf):
        if any(math.isnan(metrics.get(name, math.nan)) for name in said.names):
            return None
        return bool(eval(said.code, {"__builtins__": {}}, metrics))
    if said.kind is ast.Not:
        inner = answer(said.parts[0], metrics)
        return None if inner is None else not inner
    decisive, found = said.kind is ast.Or, said.kind is not ast.Or
    doubt = False
    for part in said.parts:
        one = answer(part, metrics)
        if one is decisive:
            return decisive
        doubt = doubt or one is None
    return None if doubt else found


def demand_of(text: str, names: tuple[str, ...]) -> Comparison | Demand:
    """Read an expression.

    Parameters
    ----------
    text : str
        Over metrics.
    names : tuple of str
        Of the metrics.

    Raises
    ------
    InvalidParameter
        If it is none, compares nothing, or takes max_drawdown where its sign is in doubt.
    """
    Expression(text, names, "constraint", "metric")  # says what is wrong in the user's words
    tree = ast.parse(text.strip(), mode="eval")
    if not decides(tree.body):
        raise InvalidParameter(
            f"constraint {text!r} is no yes or no: compare each metric with a number, as in 'trades > 50'"
        )
    require_clear_signs(text, tree)
    return comparison_of(text) or Demand(by_size(text))


def require_clear_signs(text: str, tree: ast.Expression) -> None:
    """Refuse a metric that is never positive where its user may think of its size.

    Such a metric may stand alone beside a number, or anywhere with a minus before it.
    """
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        operands = [node.left, *node.comparators]
        has_number = any(number_of(operand) is not None for operand in operands)
        for operand in operands:
            found = unsigned_in(operand)
            if found and not (has_number and isinstance(operand, ast.Name)):
                raise InvalidParameter(
                    f"constraint {text!r}: {found} is negative, and its sign is in doubt here: compare it alone with a "
                    f"number, as in '{found} < 0.3', or write -{found} for its size"
                )


def unsigned_in(node: ast.AST) -> str:
    """Name a metric that is never positive and has no minus before it, outside comparisons within; "" for none."""
    if isinstance(node, ast.Name):
        return node.id if node.id in NEVER_POSITIVE else ""
    if isinstance(node, ast.Compare):
        return ""  # which is looked at by itself
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Name):
        return ""
    return next(filter(None, map(unsigned_in, ast.iter_child_nodes(node))), "")


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
    """Write an expression so that a metric of `NEVER_POSITIVE` is taken by its size beside a positive number.

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
    """Give the negative of a metric of `NEVER_POSITIVE`, and anything else as it is."""
    if isinstance(operand, ast.Name) and operand.id in NEVER_POSITIVE:
        return ast.UnaryOp(ast.USub(), operand)
    return operand


def number_of(node: ast.expr) -> float | None:
    """Give the number that arithmetic of numbers comes to; None for anything else.

    Examples
    --------
    >>> [number_of(ast.parse(text, mode="eval").body) for text in ("3 / 10", "-2", "trades", "1 / 0")]
    [0.3, -2.0, None, None]
    """
    if any(isinstance(part, ast.Name) for part in ast.walk(node)):
        return None
    try:
        value: Any = eval(compile(ast.Expression(node), "<constraint>", "eval"), {"__builtins__": {}})
    except (ValueError, TypeError, ArithmeticError):  # which is told where it is compared
        return None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
