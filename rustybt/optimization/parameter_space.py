"""Which combinations of parameters does a search choose from?

A parameter is a class attribute of a strategy (`fast = Integer(5, 50, step=5)`) or an entry of a space
(`{"fast": Integer(5, 50)}`). One with a `when` is active where that condition over earlier parameters holds, and None
elsewhere.
"""

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import product
from typing import Any, TypeAlias

from rustybt.engine.vector_strategy import VectorStrategy
from rustybt.errors import InvalidParameter, did_you_mean
from rustybt.optimization.conditions import Condition, Conditions, condition_list
from rustybt.optimization.parameters import Categorical, Float, Integer, Parameter

__all__ = ["Categorical", "Float", "Integer", "Parameter", "ParameterSpace", "Params", "space_of"]

Params: TypeAlias = dict[str, Any]
"""One value a parameter, in the order of the space; None for a parameter that is not active."""

SETTINGS = ("bundle", "start", "end", "capital_base", "search", "objective")
"""What a strategy class may carry for its optimization."""

RESERVED = frozenset({"conditions", "space", *SETTINGS, *VectorStrategy._reserved})
"""Attributes of a strategy class with a meaning of their own."""


MAX_LISTED = 100_000
"""Values of one parameter up to which a grid lists them before it begins."""


class ParameterSpace:
    """The parameters of one optimization, in order, and the conditions between them.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        The dimensions; a grid varies the last one fastest.
    conditions : condition or iterable of conditions, optional
        Each takes the params and says whether they belong together: `lambda p: p["fast"] < p["slow"]`, or the
        expression "fast < slow". An expression over a parameter that is not active counts as met: it has nothing to
        say there. A function is always asked, and sees None.

    Raises
    ------
    InvalidParameter
        If a name cannot be a keyword or has a meaning of its own, a condition is none or names what is no parameter,
        or a `when` names a parameter that does not come before its own.

    Examples
    --------
    >>> space = ParameterSpace({"fast": Integer(1, 3), "slow": Integer(2, 3)}, ["fast < slow"])
    >>> space.size, space.at(0), space.allows({"fast": 3, "slow": 2})
    (6, {'fast': 1, 'slow': 2}, False)
    >>> space = ParameterSpace({"exit": Categorical(["none", "stop"]), "stop": Integer(1, 2, when="exit == 'stop'")})
    >>> list(space.combinations())
    [{'exit': 'none', 'stop': None}, {'exit': 'stop', 'stop': 1}, {'exit': 'stop', 'stop': 2}]
    """

    def __init__(self, parameters: Mapping[str, Parameter], conditions: Conditions = ()) -> None:
        for name, parameter in parameters.items():
            check_parameter(name, parameter)
        self.parameters = dict(parameters)
        names = tuple(self.parameters)
        self.conditions = tuple(Condition.of(condition, names) for condition in condition_list(conditions))
        self._whens = whens_of(self.parameters)
        self._rules = tuple((rule, tuple(sorted(rule.names & self._whens.keys()))) for rule in self.conditions)
        self._from_units = tuple((name, p.from_unit) for name, p in self.parameters.items())
        self._from_keys = tuple((name, p.from_key) for name, p in self.parameters.items())
        self._are_values = all(type(p).from_key is Parameter.from_key for p in self.parameters.values())
        self._keys = tuple(
            (name, None if type(p).key is Parameter.key else p.key, name in self._whens)
            for name, p in self.parameters.items()
        )  # a key that is the value itself costs no call

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names, in order."""
        return tuple(self.parameters)

    @property
    def size(self) -> int | None:
        """Number of combinations of values; None where a parameter is a continuum.

        Neither conditions nor inactive parameters lower it: combinations that differ only in values which are not
        used count apart.
        """
        sizes = [parameter.size for parameter in self.parameters.values()]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    @property
    def has_inactive(self) -> bool:
        """Whether a parameter is active in a part of the space only."""
        return bool(self._whens)

    def with_conditions(self, conditions: Conditions) -> "ParameterSpace":
        """Give the same space under further conditions."""
        return ParameterSpace(self.parameters, (*self.conditions, *condition_list(conditions)))

    def fix(self, values: Mapping[str, Any]) -> "ParameterSpace":
        """Give the same space with one value for each of some parameters.

        Parameters
        ----------
        values : mapping of str to value
            They remain parameters of the space; one with a `when` has its value where it is active.

        Returns
        -------
        ParameterSpace
            Under the same conditions.

        Raises
        ------
        InvalidParameter
            If a name is unknown or a value outside its parameter.

        Examples
        --------
        >>> ParameterSpace({"fast": Integer(1, 3), "slow": Integer(2, 3)}).fix({"fast": 2}).at(1)
        {'fast': 2, 'slow': 3}
        """
        self._check_names(values)
        fixed = {
            name: p.only(self.check_value(name, values[name])) if name in values else p
            for name, p in self.parameters.items()
        }
        return ParameterSpace(fixed, self.conditions)

    def at(self, index: int) -> Params:
        """Give the combination of a number in [0, size), the last parameter changing fastest."""
        values = []
        for parameter in reversed(self.parameters.values()):
            index, digit = divmod(index, parameter.finite_size())
            values.append(parameter.at(digit))
        params = dict(zip(self.parameters, reversed(values), strict=True))
        return self.settle(params) if self._whens else params

    def number(self, params: Params) -> int:
        """Give the first of the numbers in [0, size) that `at` gives the params for."""
        number = 0
        for name, parameter in self.parameters.items():
            digit = parameter.index(params[name]) if self.has(params, name) else 0
            number = number * parameter.finite_size() + digit
        return number

    def combinations(self) -> Iterator[Params]:
        """Yield every combination of a finite space once, in the order of `at`; conditions are not asked."""
        if self._whens:
            return self._extensions({}, self.names)
        sizes = {name: parameter.finite_size() for name, parameter in self.parameters.items()}
        if max(sizes.values(), default=1) > MAX_LISTED:
            return map(self.at, range(math.prod(sizes.values())))
        values = [list(map(self.parameters[name].at, range(size))) for name, size in sizes.items()]
        return (dict(zip(sizes, chosen, strict=True)) for chosen in product(*values))

    def _extensions(self, chosen: Params, left: tuple[str, ...]) -> Iterator[Params]:
        """Yield what the chosen values of the first parameters can be completed to."""
        if not left:
            yield chosen
            return
        parameter = self.parameters[left[0]]
        is_active = self._is_active(left[0], chosen)
        for value in map(parameter.at, range(parameter.finite_size())) if is_active else (None,):
            yield from self._extensions({**chosen, left[0]: value}, left[1:])

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
        values = {name: from_unit(unit) for (name, from_unit), unit in zip(self._from_units, point, strict=True)}
        return self.settle(values) if self._whens else values

    def settle(self, params: Mapping[str, Any]) -> Params:
        """Give the params in order, with None for each parameter that is not active.

        Parameters
        ----------
        params : mapping of str to value
            A value for each parameter that is active; values of others are dropped.

        Returns
        -------
        dict
            One value a parameter; values are not checked.
        """
        settled: Params = {}
        for name in self.parameters:
            settled[name] = params[name] if self._is_active(name, settled) else None
        return settled

    def has(self, params: Mapping[str, Any], name: str) -> bool:
        """Say whether a parameter is active in params in normal form; params of another space may lack it."""
        return name in params and (name not in self._whens or params[name] is not None)

    def _is_active(self, name: str, earlier: Params) -> bool:
        """Say whether a parameter is active after the values of those before it; never under one that is not."""
        if name not in self._whens:
            return True
        when, conditional = self._whens[name]
        return all(earlier[other] is not None for other in conditional) and when(earlier)

    def missing(self, params: Mapping[str, Any]) -> str | None:
        """Name the first parameter that is active and has no value; those that are given are in normal form."""
        known: Params = {}
        for name in self.parameters:
            is_active = self._is_active(name, known)
            if is_active and name not in params:
                return name
            known[name] = params[name] if is_active else None
        return None

    def allows(self, params: Params) -> bool:
        """Say whether the params meet every condition."""
        return self._unmet(params) is None

    def _unmet(self, params: Params) -> Condition | None:
        """Give the first condition that the params do not meet."""
        for condition, conditional in self._rules:
            if all(params[name] is not None for name in conditional) and not condition(params):
                return condition
        return None

    def check(self, params: Mapping[str, Any]) -> Params:
        """Give params in normal form and order, or say which is unknown, missing, outside or against a condition.

        A parameter that is not active is None or left out.
        """
        self._check_names(params)
        checked: Params = {}
        for name in self.parameters:
            if not self._is_active(name, checked):
                if params.get(name) is not None:
                    raise InvalidParameter(
                        f"parameter {name!r} is {params[name]!r} where it is not active "
                        f"(when {self._whens[name][0]}): leave it out"
                    )
                checked[name] = None
            elif name in params:
                checked[name] = self.check_value(name, params[name])
            else:
                raise InvalidParameter(f"parameter {name!r} has no value: the space has {', '.join(self.parameters)}")
        unmet = self._unmet(checked)
        if unmet is not None:
            raise InvalidParameter(f"params {checked!r} do not meet the condition {unmet}")
        return checked

    def check_value(self, name: str, value: Any) -> Any:
        """Give a parameter's value in its normal form, or say which parameter it is outside of."""
        try:
            return self.parameters[name].check(value)
        except InvalidParameter as error:
            raise InvalidParameter(f"parameter {name!r}: {error}") from None

    def _check_names(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.parameters:
                raise InvalidParameter(f"unknown parameter {name!r}{did_you_mean(name, self.parameters)}")

    def encode(self, params: Params) -> tuple[Hashable, ...]:
        """Give the params as keys: hashable, small, the same in every process; None for what is not active."""
        return tuple(
            [
                params[name] if key is None or (is_conditional and params[name] is None) else key(params[name])
                for name, key, is_conditional in self._keys
            ]
        )

    def decode(self, keys: Iterable[Any]) -> Params:
        """Give the params of `encode`'s keys."""
        if self._are_values:
            return dict(zip(self.parameters, keys, strict=True))
        return {
            name: None if key is None else from_key(key)
            for (name, from_key), key in zip(self._from_keys, keys, strict=True)
        }


def whens_of(parameters: Mapping[str, Parameter]) -> dict[str, tuple[Condition, tuple[str, ...]]]:
    """Give the `when` of each conditional parameter, with the conditional parameters that it names.

    Raises
    ------
    InvalidParameter
        If one is no condition, or names what does not come before its parameter.
    """
    whens: dict[str, tuple[Condition, tuple[str, ...]]] = {}
    names = tuple(parameters)
    for place, (name, parameter) in enumerate(parameters.items()):
        if parameter.when is None:
            continue
        when = Condition.of(parameter.when, names)
        late = sorted(when.names.intersection(names[place:]))
        if late:
            raise InvalidParameter(
                f"when {when} of parameter {name!r} names {late[0]!r}, which does not come before it: "
                "only earlier parameters decide whether it is active"
            )
        whens[name] = when, tuple(sorted(when.names & whens.keys()))
    return whens


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
