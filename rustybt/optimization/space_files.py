"""How is a parameter space kept in a file, without its functions?"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from rustybt.errors import InvalidParameter, ResultCorrupt
from rustybt.optimization.conditions import Condition, Expression
from rustybt.optimization.parameter_space import Categorical, Float, Integer, Parameter, ParameterSpace

KINDS: Final[Mapping[str, type[Parameter]]] = {kind.__name__: kind for kind in (Integer, Float, Categorical)}


def plain_space(space: ParameterSpace) -> dict[str, Any]:
    """Give a space as plain values.

    Parameters
    ----------
    space : ParameterSpace
        Of any kind.

    Returns
    -------
    dict
        "parameters": a list of dicts with name, kind and limits; "conditions": the expressions among the conditions.
        Choices stand there as they are; a `when` that is a function, by its name.

    Examples
    --------
    >>> plain_space(ParameterSpace({"fast": Integer(1, 3)}, "fast > 1"))["conditions"]
    ['fast > 1']
    """
    rules = [condition.function.text for condition in space.conditions if isinstance(condition.function, Expression)]
    return {"parameters": [plain_parameter(name, p) for name, p in space.parameters.items()], "conditions": rules}


def plain_parameter(name: str, parameter: Parameter) -> dict[str, Any]:
    """Give one parameter as plain values."""
    kind = next((kind for kind, cls in KINDS.items() if isinstance(parameter, cls)), None)
    if kind is None:
        raise InvalidParameter(f"parameter {name!r} is {parameter!r}, which no file can hold: use {', '.join(KINDS)}")
    values = {field.name: getattr(parameter, field.name) for field in fields(KINDS[kind])}  # type: ignore[arg-type]
    if "choices" in values:
        values["choices"] = list(values["choices"])
    when = values.pop("when")
    if when is not None:
        values["when"] = when if isinstance(when, str) else {"function": str(Condition.of(when, ()))}
    return {"name": name, "kind": kind, **values}


def space_from_plain(saved: Mapping[str, Any]) -> ParameterSpace:
    """Give the space of plain values.

    Parameters
    ----------
    saved : mapping
        From `plain_space`.

    Returns
    -------
    ParameterSpace
        Which checks, numbers and encodes values as the one that was kept. A condition or `when` that was a function
        is not among it: such a `when` raises where it is asked.

    Raises
    ------
    ResultCorrupt
        If they are no such values.

    Examples
    --------
    >>> space_from_plain(plain_space(ParameterSpace({"fast": Integer(1, 3)}))).parameters
    {'fast': Integer(low=1, high=3, step=1)}
    """
    try:
        parameters = {one["name"]: parameter_from_plain(one) for one in saved["parameters"]}
        return ParameterSpace(parameters, conditions_from_plain(saved["conditions"]))
    except (LookupError, TypeError, InvalidParameter) as error:
        raise ResultCorrupt(f"the saved parameters make no space: {error}") from error


def conditions_from_plain(saved: Sequence[str]) -> list[str]:
    """Give the expressions, which must be text."""
    if not all(isinstance(text, str) for text in saved):
        raise TypeError(f"conditions {saved!r} are no expressions")
    return list(saved)


def parameter_from_plain(saved: Mapping[str, Any]) -> Parameter:
    """Give one parameter of plain values."""
    values = {key: value for key, value in saved.items() if key not in ("name", "kind")}
    when = values.get("when")
    if isinstance(when, Mapping):
        values["when"] = Condition(NotKept(when["function"]), when["function"])
    return KINDS[saved["kind"]](**values)


class NotKept:
    """Stands for a condition whose function no file holds.

    Parameters
    ----------
    name : str
        The function's.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, params: dict[str, Any]) -> bool:
        """Raise InvalidParameter."""
        raise InvalidParameter(
            f"the condition {self.name} was a function, which a saved result does not hold: "
            "use the space of the strategy itself"
        )
