"""Which values do the parameters of several spaces take, where their trials are looked at together?"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rustybt.optimization.conditions import Condition
from rustybt.optimization.parameter_space import Categorical, Float, Integer, Parameter, ParameterSpace


def joined_space(spaces: Sequence[ParameterSpace]) -> ParameterSpace:
    """Give a space that describes the trials of several.

    Parameters
    ----------
    spaces : sequence of ParameterSpace
        Of the searches.

    Returns
    -------
    ParameterSpace
        With every parameter's name, in the order of the spaces. It holds what each of them allows, and no condition: in
        the order of all together a `when` might name what comes later. A parameter that a space lacks, or that is
        conditional in one, may be inactive; only its own space says when.

    Notes
    -----
    Two spaces may mean different things by one name. Numbers are joined to the range that holds both, choices to all
    of them; of numbers and choices the first space's are kept.

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
    joined = {}
    for name in dict.fromkeys(name for space in spaces for name in space.names):
        found = [space.parameters[name] for space in spaces if name in space.parameters]
        parameter = joined_parameter([replace(one, when=None) for one in found])  # type: ignore[type-var]
        is_conditional = len(found) < len(spaces) or any(one.when is not None for one in found)
        has_none = isinstance(parameter, Categorical) and parameter.find(None) is not None
        # a Categorical that has None as a choice takes no `when`: there None would mean two things
        joined[name] = replace(parameter, when=ELSEWHERE) if is_conditional and not has_none else parameter
    return ParameterSpace(joined)


def joined_parameter(parameters: Sequence[Parameter]) -> Any:
    """Give a parameter that holds the values of all, where they are of one kind; else the first."""
    first = parameters[0]
    if all(repr(other) == repr(first) for other in parameters):
        return first
    for kinds, made in ((Integer, Integer), (Integer | Float, Float)):
        ranges = [one for one in parameters if isinstance(one, kinds)]
        if len(ranges) == len(parameters):
            return made(min(one.low for one in ranges), max(one.high for one in ranges))
    choices = [one for one in parameters if isinstance(one, Categorical)]
    if len(choices) < len(parameters):
        return first
    joined = choices[0]
    for other in choices[1:]:
        joined = Categorical([*joined.choices, *(choice for choice in other.choices if joined.find(choice) is None)])
    return joined


def decided_elsewhere(params: dict[str, Any]) -> bool:
    """Stand for conditions that the spaces of the searches hold."""
    return True


ELSEWHERE = Condition(decided_elsewhere, "in the space of its search")
