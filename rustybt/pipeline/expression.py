"""How are terms added, compared and combined? One term an operation, computed value by value."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Number
from typing import Any, Final

import numpy as np

from rustybt._typing import BoolArray
from rustybt.pipeline.computable import ComputableTerm
from rustybt.pipeline.dtypes import bool_dtype
from rustybt.pipeline.term import Term

COMPARISONS: Final = ("<", "<=", "!=", ">=", ">", "==")
MATH_FUNCTIONS: Final = (
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"),
    *("log", "log10", "log1p", "exp", "expm1", "sqrt", "abs"),
)
MOST_NESTED: Final = 20
"""Expressions nested more deeply are not written out: nobody reads them, and a sum in a loop is nested as often."""

OPERATIONS: Final[dict[str, Callable[..., Any]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.true_divide,
    "%": np.remainder,  # has the sign of the divisor, as Python's; so has numexpr's, which Zipline computes by
    "**": np.power,
    "<": np.less,
    "<=": np.less_equal,
    "!=": np.not_equal,
    ">=": np.greater_equal,
    ">": np.greater,
    "==": np.equal,
    "&": np.logical_and,
    "|": np.logical_or,
    "~": np.logical_not,
    "negative": np.negative,
    **{name: getattr(np, name) for name in MATH_FUNCTIONS},
}


class BadBinaryOperator(TypeError):
    """Two things that cannot be combined by an operator."""

    def __init__(self, operator: str, left: Any, right: Any) -> None:
        super().__init__(
            f"cannot compute {_kind(left)} {operator} {_kind(right)}: combine terms of one dtype, or a term and a "
            "number"
        )


def _kind(value: Any) -> str:
    dtype = f" of {value.dtype}" if isinstance(value, Term) else ""
    return f"{type(value).__name__}{dtype}"


class Expression(ComputableTerm):
    """An operation on terms and numbers.

    Attributes
    ----------
    operation : str
        One of OPERATIONS.
    operands : tuple of number or None
        In order; None for the next of the inputs.
    """

    window_length = 0
    operation: str
    operands: tuple[Any, ...]

    def __new__(cls, operation: str, *operands: Any, dtype: Any) -> Any:
        """Combine operands, of which one at least is a term."""
        inputs = tuple(value for value in operands if isinstance(value, Term))
        return super().__new__(
            cls,
            inputs=inputs,
            operation=operation,
            operands=tuple(None if isinstance(value, Term) else value for value in operands),
            dtype=dtype,
            window_safe=dtype == bool_dtype or all(term.window_safe for term in inputs),
        )

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        arrays = iter(inputs)
        values = [next(arrays) if operand is None else operand for operand in self.operands]
        with np.errstate(all="ignore"):
            computed = OPERATIONS[self.operation](*values)
        return computed if computed.shape == mask.shape else np.broadcast_to(computed, mask.shape).copy()

    def _set_up(self, attributes: dict[str, Any]) -> None:
        super()._set_up(attributes)
        self._depth = 1 + max(getattr(term, "_depth", 0) for term in self.inputs)

    def __repr__(self) -> str:
        arrays = iter(self.inputs)
        if self._depth > MOST_NESTED:
            return f"{type(self).__name__}(...)"
        texts = [next(arrays).recursive_repr() if value is None else repr(value) for value in self.operands]
        if len(texts) == 1:
            return f"{self.operation}({texts[0]})"
        return f"({texts[0]} {self.operation} {texts[1]})"

    recursive_repr = graph_repr = __repr__


def is_number(value: Any) -> bool:
    """Say whether a value is a plain number."""
    return isinstance(value, Number)
