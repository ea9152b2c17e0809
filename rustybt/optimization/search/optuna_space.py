"""How does a parameter space look to Optuna?

A finite number travels as its place among its values, because Optuna's steps are binary and ours are decimal. A choice
travels as its place too, because choices may be unhashable. Only a Float that is a continuum travels as itself.
"""

from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from rustybt.optimization.parameter_space import Categorical, Float, Parameter, ParameterSpace, Params


def distributions_of(space: ParameterSpace) -> dict[str, BaseDistribution]:
    """Give Optuna's distributions of a space.

    Parameters
    ----------
    space : ParameterSpace
        Conditional parameters are among them: a sampler draws them always, and `params_of` drops what is not active.

    Returns
    -------
    dict of str to BaseDistribution
        One a parameter, in the order of the space.

    Examples
    --------
    >>> from rustybt.optimization import Integer
    >>> distributions_of(ParameterSpace({"fast": Integer(5, 50, step=5)}))
    {'fast': IntDistribution(high=9, log=False, low=0, step=1)}
    """
    return {name: distribution_of(parameter) for name, parameter in space.parameters.items()}


def distribution_of(parameter: Parameter) -> BaseDistribution:
    """Give Optuna's distribution of one parameter."""
    if isinstance(parameter, Categorical):
        return CategoricalDistribution(range(parameter.finite_size()))
    if isinstance(parameter, Float) and parameter.size is None:
        return FloatDistribution(parameter.low, parameter.high, log=parameter.log)
    return IntDistribution(0, parameter.finite_size() - 1)


def values_of(space: ParameterSpace, params: Mapping[str, Any]) -> dict[str, Any]:
    """Give params as what Optuna calls external values.

    Parameters
    ----------
    space : ParameterSpace
        The space.
    params : mapping of str to value
        In normal form, as `ParameterSpace.check` gives them.

    Returns
    -------
    dict of str to value
        Places (int) and floats; without what is not active, so that no value stands where none was used.

    Examples
    --------
    >>> from rustybt.optimization import Float, Integer
    >>> space = ParameterSpace({"fast": Integer(5, 50, step=5), "x": Float(0.1, 0.3, step=0.1)})
    >>> values_of(space, {"fast": 20, "x": 0.3})
    {'fast': 3, 'x': 2}
    """
    parameters = space.parameters.items()
    return {name: value_of(parameter, params[name]) for name, parameter in parameters if space.has(params, name)}


def value_of(parameter: Parameter, value: Any) -> Any:
    """Give one value as Optuna's."""
    return value if parameter.size is None else parameter.index(value)


def params_of(space: ParameterSpace, values: Mapping[str, Any]) -> Params:
    """Give the params of Optuna's external values.

    Parameters
    ----------
    space : ParameterSpace
        The space.
    values : mapping of str to value
        One for each parameter that is active; others are ignored.

    Returns
    -------
    dict
        In normal form and order, with None for what is not active. Conditions are not asked.

    Examples
    --------
    >>> from rustybt.optimization import Integer
    >>> params_of(ParameterSpace({"fast": Integer(5, 50, step=5)}), {"fast": 9})
    {'fast': 50}
    """
    params = {name: p.at(int(v)) if p.size is not None else p.check(v) for name, p, v in known(space, values)}
    return space.settle(params)


def known(space: ParameterSpace, values: Mapping[str, Any]) -> list[tuple[str, Parameter, Any]]:
    """Give the parameters that have a value, in order."""
    return [(name, parameter, values[name]) for name, parameter in space.parameters.items() if name in values]
