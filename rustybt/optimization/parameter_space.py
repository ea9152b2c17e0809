"""Which combinations of parameters does a search choose from?

A parameter is a class attribute of a strategy (`fast = Integer(5, 50, step=5)`) or an entry of a space
(`{"fast": Integer(5, 50)}`).
"""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeAlias

from rustybt.engine.vector_strategy import VectorStrategy
from rustybt.errors import InvalidParameter, did_you_mean
from rustybt.optimization.conditions import Condition, Conditions, condition_list
from rustybt.optimization.parameters import Categorical, Float, Integer, Parameter

__all__ = ["Categorical", "Float", "Integer", "Parameter", "ParameterSpace", "Params", "space_of"]

Params: TypeAlias = dict[str, Any]
"""One value a parameter, in the order of the space."""

SETTINGS = ("bundle", "start", "end", "capital_base", "search", "objective")
"""What a strategy class may carry for its optimization."""

RESERVED = frozenset({"conditions", "space", *SETTINGS, *VectorStrategy._reserved})
"""Attributes of a strategy class with a meaning of their own."""


class ParameterSpace:
    """The parameters of one optimization, in order, and the conditions between them.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        The dimensions; a grid varies the last one fastest.
    conditions : condition or iterable of conditions, optional
        Each takes the params and says whether they belong together: `lambda p: p["fast"] < p["slow"]`, or the
        expression "fast < slow".

    Examples
    --------
    >>> space = ParameterSpace({"fast": Integer(1, 3), "slow": Integer(2, 3)}, ["fast < slow"])
    >>> space.size, space.at(0), space.allows({"fast": 3, "slow": 2})
    (6, {'fast': 1, 'slow': 2}, False)
    """

    def __init__(self, parameters: Mapping[str, Parameter], conditions: Conditions = ()) -> None:
        for name, parameter in parameters.items():
            check_parameter(name, parameter)
        self.parameters = dict(parameters)
        names = tuple(self.parameters)
        self.conditions = tuple(Condition.of(condition, names) for condition in condition_list(conditions))
        self._from_keys = tuple((name, p.from_key) for name, p in self.parameters.items())
        self._keys: tuple[tuple[str, Callable[[Any], Hashable]], ...] = tuple(
            (name, p.key) for name, p in self.parameters.items()
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names, in order."""
        return tuple(self.parameters)

    @property
    def size(self) -> int | None:
        """Number of combinations before conditions; None where a parameter is a continuum."""
        sizes = [parameter.size for parameter in self.parameters.values()]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    def with_conditions(self, conditions: Conditions) -> "ParameterSpace":
        """Give the same space under further conditions."""
        return ParameterSpace(self.parameters, (*self.conditions, *condition_list(conditions)))

    def at(self, index: int) -> Params:
        """Give the combination of a number in [0, size), the last parameter changing fastest."""
        values = []
        for parameter in reversed(self.parameters.values()):
            index, digit = divmod(index, parameter.finite_size())
            values.append(parameter.at(digit))
        return dict(zip(self.parameters, reversed(values), strict=True))

    def from_unit(self, point: Iterable[float]) -> Params:
        """Give the combination of a point of the unit cube.

        Parameters
        ----------
        point : iterable of float, shape (n_parameters,)
            Coordinates in [0, 1).

        Returns
        -------
        dict
            One value a parameter.
        """
        return {name: p.from_unit(unit) for (name, p), unit in zip(self.parameters.items(), point, strict=True)}

    def allows(self, params: Params) -> bool:
        """Say whether the params meet every condition."""
        return all(condition(params) for condition in self.conditions)

    def check(self, params: Mapping[str, Any]) -> Params:
        """Give params in normal form and order, or say which is unknown, missing, outside or against a condition."""
        for name in params:
            if name not in self.parameters:
                raise InvalidParameter(f"unknown parameter {name!r}{did_you_mean(name, self.parameters)}")
        missing = [name for name in self.parameters if name not in params]
        if missing:
            raise InvalidParameter(f"parameter {missing[0]!r} has no value: the space has {', '.join(self.parameters)}")
        checked = {name: p.check(params[name]) for name, p in self.parameters.items()}
        for condition in self.conditions:
            if not condition(checked):
                raise InvalidParameter(f"params {checked!r} do not meet the condition {condition}")
        return checked

    def encode(self, params: Params) -> tuple[Hashable, ...]:
        """Give the params as keys: hashable, small, the same in every process."""
        return tuple(key(params[name]) for name, key in self._keys)

    def decode(self, keys: Iterable[Any]) -> Params:
        """Give the params of `encode`'s keys."""
        return {name: from_key(key) for (name, from_key), key in zip(self._from_keys, keys, strict=True)}


def space_of(strategy_class: type) -> ParameterSpace:
    """Collect the parameters and conditions that a strategy class and its bases declare.

    Parameters
    ----------
    strategy_class : type
        A subclass's plain value fixes a parameter of its base.

    Returns
    -------
    ParameterSpace
        In the order of declaration, bases first. A class without parameters has the space of one combination.

    Examples
    --------
    >>> class Crossover:
    ...     fast = Integer(1, 3)
    ...     slow = Integer(2, 4)
    ...     conditions = ["fast < slow"]
    >>> space_of(Crossover).names
    ('fast', 'slow')
    """
    declared = dict.fromkeys(name for base in reversed(strategy_class.__mro__) for name in vars(base))
    found = {name: getattr(strategy_class, name, None) for name in declared}
    parameters = {name: value for name, value in found.items() if isinstance(value, Parameter)}
    return ParameterSpace(parameters, getattr(strategy_class, "conditions", ()))


def check_parameter(name: str, parameter: object) -> None:
    """Raise where a name cannot be a keyword or means something else, or a parameter is none."""
    if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
        raise InvalidParameter(f"parameter name {name!r} is no public Python name: rename it")
    if name in RESERVED:
        raise InvalidParameter(f"parameter name {name!r} has a meaning of its own on a strategy: rename it")
    if not isinstance(parameter, Parameter):
        raise InvalidParameter(f"parameter {name!r} is {parameter!r}: give an Integer, a Float or a Categorical")
