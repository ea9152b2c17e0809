"""Which combinations of parameters belong together?

A condition is a function of the params, or an expression such as "fast < slow" that a script or the command line can
carry. An expression may use the parameters' names, constants, arithmetic, comparisons, `and`, `or`, `not`, `in`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from rustybt.errors import InvalidParameter, did_you_mean

ALLOWED = (
    *(ast.Expression, ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple, ast.Set),
    *(ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot),
)
"""No call, attribute, index or power: an expression can neither reach out nor run long."""


@dataclass(frozen=True)
class Condition:
    """A named yes or no about params.

    Parameters
    ----------
    function : callable
        Takes the params as a dict.
    text : str
        How messages name the condition.

    Examples
    --------
    >>> ordered = Condition.of("fast < slow", ("fast", "slow"))
    >>> ordered({"fast": 5, "slow": 20}), ordered({"fast": 20, "slow": 5})
    (True, False)
    """

    function: Callable[[dict[str, Any]], Any]
    text: str

    @staticmethod
    def of(condition: ConditionLike, names: tuple[str, ...]) -> Condition:
        """Make a condition from a function or an expression over the named parameters.

        Parameters
        ----------
        condition : callable or str
            A condition is given back as it is.
        names : tuple of str
            The parameters that an expression may use.

        Returns
        -------
        Condition
            Ready to be called.

        Raises
        ------
        InvalidParameter
            If an expression has a syntax error, an unknown name, or more than arithmetic and comparisons.
        """
        if isinstance(condition, Condition):
            return condition
        if isinstance(condition, str):
            return Condition(Expression(condition, names), repr(condition))
        if callable(condition):
            return Condition(condition, getattr(condition, "__name__", repr(condition)))
        raise InvalidParameter(f"condition {condition!r} is neither a function of the params nor an expression")

    def __call__(self, params: Mapping[str, Any]) -> bool:
        """Say whether the params meet the condition."""
        try:
            return bool(self.function(dict(params)))
        except Exception as error:
            error.add_note(f"(in the condition {self} on the params {dict(params)!r})")
            raise

    @property
    def names(self) -> frozenset[str]:
        """The parameters that an expression names; none for a function, which cannot be read."""
        return self.function.used if isinstance(self.function, Expression) else frozenset()

    def __str__(self) -> str:
        return self.text


ConditionLike: TypeAlias = str | Callable[[dict[str, Any]], Any] | Condition
Conditions: TypeAlias = ConditionLike | Iterable[ConditionLike]


class Expression:
    """A checked expression over parameters, callable with the params.

    Parameters
    ----------
    text : str
        Such as "fast < slow and slow - fast >= 10".
    names : tuple of str
        What it may use.
    kind, of : str
        What messages call the expression, and its names.

    Attributes
    ----------
    used : frozenset of str
        The names that it does use.
    """

    def __init__(self, text: str, names: tuple[str, ...], kind: str = "condition", of: str = "parameter") -> None:
        self.text, self.names, self.kind, self.of = text, names, kind, of
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except (SyntaxError, ValueError) as error:
            raise InvalidParameter(f"{kind} {text!r} is no expression: {error}") from None
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id not in names:
                raise InvalidParameter(
                    f"{kind} {text!r} names {node.id!r}, which is no {of}{did_you_mean(node.id, names)}"
                )
            if not isinstance(node, ALLOWED):
                raise InvalidParameter(
                    f"{kind} {text!r} holds {type(node).__name__}: write arithmetic and comparisons, or give a function"
                )
        self.used = frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
        self._code = compile(tree, "<condition>", "eval")

    def __call__(self, params: dict[str, Any]) -> Any:
        """Evaluate over the params."""
        return eval(self._code, {"__builtins__": {}}, params)

    def __reduce__(self) -> tuple[type[Expression], tuple[str, tuple[str, ...], str, str]]:
        return Expression, (self.text, self.names, self.kind, self.of)


def condition_list(conditions: object) -> tuple[ConditionLike, ...]:
    """Give one condition or several as a tuple.

    Examples
    --------
    >>> condition_list("fast < slow")
    ('fast < slow',)
    """
    if isinstance(conditions, str) or callable(conditions):
        return (conditions,)
    if isinstance(conditions, Iterable):
        return tuple(conditions)
    raise InvalidParameter(f"conditions {conditions!r} is neither a condition nor a list of them")
