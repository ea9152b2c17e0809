"""Which values do the parameters of several spaces take, where their trials are looked at together?"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any

from rustybt.optimization.conditions import Condition
from rustybt.optimization.parameter_space import Categorical, Float, Integer, Parameter, ParameterSpace


def joined_space(spaces: Sequence[ParameterSpace], trials: Iterable[Mapping[str, Any]] = ()) -> ParameterSpace:
    """Give a space that describes the trials of several.

    Parameters
    ----------
    spaces : sequence of ParameterSpace
        Of the searches.
    trials : iterable of mapping of str to value
        The params of their trials.

    Returns
    -------
    ParameterSpace
        With every parameter's name, in the order of the spaces. It holds what the trials had, and no condition: in
        the order of all together a `when` might name what comes later. A parameter that a space lacks, or that is
        conditional in one, may be inactive; only its own space says when.

    Notes
    -----
    Two spaces may mean different things by one name. Numbers are joined to the range that holds both, without steps,
    choices to all of them; of numbers and choices those are kept that trials had.

    Examples
    --------
    >>> one = ParameterSpace({"fast": Integer(5, 5), "kind": Categorical(["mean"])})
    >>> other = ParameterSpace({"kind": Categorical(["ema", "mean"]), "fast": Integer(10, 10, when="kind == 'ema'")})
    >>> joined = joined_space([one, other])
    >>> joined.parameters["kind"], joined.parameters["fast"].low, joined.parameters["fast"].high
    (Categorical(choices=('mean', 'ema')), 5, 10)
    >>> joined.has({"fast": 5, "kind": "mean"}, "fast"), joined.has({"fast": None, "kind": "mean"}, "fast")
    (True, False)
    """
    joined, had = {}, list(trials)
    for name in dict.fromkeys(name for space in spaces for name in space.names):
        found = [space.parameters[name] for space in spaces if name in space.parameters]
        values = [params[name] for params in had if params.get(name) is not None]
        parameter = joined_parameter([with_when(one, None) for one in found], values)
        is_conditional = len(found) < len(spaces) or any(one.when is not None for one in found)
        has_none = isinstance(parameter, Categorical) and parameter.find(None) is not None
        # a Categorical that has None as a choice takes no `when`: there None would mean two things
        joined[name] = with_when(parameter, ELSEWHERE) if is_conditional and not has_none else parameter
    return ParameterSpace(joined)


def with_when(parameter: Parameter, when: Condition | None) -> Parameter:
    """Give a parameter under another condition; one of the user's need be no dataclass."""
    made = copy(parameter)
    object.__setattr__(made, "when", when)
    return made


def joined_parameter(parameters: Sequence[Parameter], values: Sequence[Any]) -> Any:
    """Give a parameter that holds the values of all, where they are of one kind; else choices of some values."""
    first = parameters[0]
    if all(repr(other) == repr(first) for other in parameters):
        return first
    for kinds, made in ((Integer, Integer), (Integer | Float, Float)):
        ranges = [one for one in parameters if isinstance(one, kinds)]
        if len(ranges) == len(parameters):
            return made(min(one.low for one in ranges), max(one.high for one in ranges))
    choices: list[Any] = []
    for one in parameters:
        if isinstance(one, Categorical):
            choices += lacking(choices, one.choices)
        else:
            choices += lacking(choices, {(type(value), repr(value)): value for value in values}.values())
    return Categorical(choices) if choices else first


def lacking(choices: Sequence[Any], more: Iterable[Any]) -> list[Any]:
    """Give those of some values that are no choices yet."""
    if not choices:
        return list(more)
    known = Categorical(choices)
    return [value for value in more if known.find(value) is None]


def decided_elsewhere(params: dict[str, Any]) -> bool:
    """Stand for conditions that the spaces of the searches hold."""
    return True


ELSEWHERE = Condition(decided_elsewhere, "in the space of its search")
