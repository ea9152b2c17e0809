"""How do a run's settings stand in its journal, so that another process can tell whether they are the same?

Numbers and words stand as they are. Code, and objects of any other kind, stand there by a name and the beginning of a
digest: "gain #3f2a9c0de1b45a67". No setting holds what differs between processes, such as an address.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final

import numpy as np
import pandas as pd

from rustybt.errors import InvalidParameter
from rustybt.optimization.conditions import Condition, Expression
from rustybt.optimization.constraints import Constraint, Predicate
from rustybt.optimization.demands import Comparison, Demand
from rustybt.optimization.digests.digest import Digest
from rustybt.optimization.digests.foreign import holder_of
from rustybt.optimization.objective import Objective
from rustybt.optimization.parameter_space import ParameterSpace
from rustybt.optimization.parameters import Parameter
from rustybt.optimization.partial_digest import partial_digest_of_source, partial_digest_of_value
from rustybt.optimization.search.base import Search
from rustybt.optimization.source import Source
from rustybt.optimization.strategy_digest import digest_of_value

DIGITS: Final = 16
"""Of a digest that stands beside a name: two that differ are alike in one of 2**64 cases."""

AS_WORDS: Final = (date, datetime, timedelta, Decimal, pd.Timestamp, pd.Timedelta)
"""Types whose text says all of a value."""


class SettingsWriter:
    """Makes JSON values of settings, and notes what these cannot tell from a changed one.

    Examples
    --------
    >>> writer = SettingsWriter()
    >>> writer.value([1, 0.5, "a", None, {"days": (2, 3)}], "fixed")
    [1, 0.5, 'a', None, [['days', [2, 3]]]]
    >>> one, other = (writer.value(np.arange(5000) + plus, "fixed") for plus in (0, 1))
    >>> one.partition(" #")[0], one == other
    ('ndarray', False)
    """

    def __init__(self) -> None:
        self._unknown: dict[str, str] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a resumed run cannot notice, each as a sentence."""
        return tuple(
            f"resume knows {what} by its code alone, and does not notice if what else it uses has changed: {reason}"
            for what, reason in self._unknown.items()
        )

    def strategy(self, source: Source, digest: Digest) -> str:
        """Give a strategy's digest, or a partial one that says so."""
        if digest.hexadecimal is not None:
            return digest.hexadecimal
        self._unknown[f"strategy {source.name}"] = digest.reason
        return f"code alone: {told(partial_digest_of_source(source), f'strategy {source.name}')}"

    def space(self, space: ParameterSpace) -> dict[str, Any]:
        """Give a space's parameters by name."""
        return {name: self.parameter(parameter, name) for name, parameter in space.parameters.items()}

    def parameter(self, parameter: Parameter, name: str) -> dict[str, Any]:
        """Give a parameter's class and what it was made with."""
        names = [field.name for field in fields(parameter)] if is_dataclass(parameter) else sorted(vars(parameter))
        given = {key: getattr(parameter, key) for key in names if key != "name"}
        if given.get("when", parameter) is None:
            del given["when"]
        return self._made(parameter, given, f"parameter {name!r}")

    def search(self, search: Any) -> dict[str, Any]:
        """Give a search's class and what it was configured with."""
        return self._made(search, vars_of(search), "the search")

    def _made(self, value: object, given: Mapping[str, Any], what: str) -> dict[str, Any]:
        kind = type(value)
        name = kind.__name__ if holder_of(kind) is not None else self._marked(kind, kind.__name__, what)
        return {"class": name, **self.values(given, what)}

    def objective(self, objective: Objective) -> str:
        """Give an objective's direction and name, and what stands for its function."""
        return self._named(str(objective), objective.function, f"objective {objective.metric!r}")

    def constraint(self, constraint: Constraint) -> str:
        """Give a constraint's text, and what stands for a function of the user's."""
        function: Any = constraint.function
        if isinstance(function, Predicate):
            function = function.function
        known = isinstance(function, Comparison | Demand)
        return self._named(constraint.text, None if known else function, "a constraint")

    def condition(self, condition: Condition) -> str:
        """Give a condition's text, and what stands for a function of the user's."""
        known = isinstance(condition.function, Expression)
        return self._named(condition.text, None if known else condition.function, "a condition")

    def _named(self, text: str, function: Callable[..., Any] | None, what: str) -> str:
        if function is None:
            return text
        return self._marked(function, name_of(function) if text == repr(function) else text, what)

    def values(self, given: Mapping[str, Any], what: str) -> dict[str, Any]:
        """Give named values, each as `value` does."""
        return {key: self.value(one, what) for key, one in given.items()}

    def value(self, value: Any, what: str) -> Any:
        """Give a value as JSON holds it.

        Parameters
        ----------
        value : object
            Of any kind. A tuple is a list here, and a dict a list of pairs, for its order may count.
        what : str
            How notes call it.

        Returns
        -------
        JSON value
        """
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, np.bool_ | np.integer | np.floating | np.str_):
            return value.item()
        if type(value) in (list, tuple):
            return [self.value(one, what) for one in value]
        if type(value) is dict:
            return [[self.value(key, what), self.value(one, what)] for key, one in value.items()]
        if isinstance(value, Search):
            return self.search(value)
        if isinstance(value, Condition):
            return self.condition(value)
        if type(value) in AS_WORDS:
            return f"{type(value).__name__} {value}"
        return self._marked(value, name_of(value), what)

    def _marked(self, value: object, name: str, what: str) -> str:
        """Give a name with the beginning of a digest, which is a partial one where there is no other."""
        digest = digest_of_value(value, what)
        if digest.hexadecimal is None:
            self._unknown[what] = digest.reason
            digest = partial_digest_of_value(value, what)
        return f"{name} #{told(digest, what)[:DIGITS]}"


def told(digest: Digest, what: str) -> str:
    """Give a digest's text.

    Raises
    ------
    InvalidParameter
        If nothing stands for it: in a journal, any other would be taken for it.
    """
    if digest.hexadecimal is None:
        raise InvalidParameter(
            f"storage: a resumed run could not tell {what} from any other ({digest.reason}): change that, or run "
            "without storage="
        )
    return digest.hexadecimal


def name_of(value: object) -> str:
    """Give a name that is the same in every process: of a function or class its own, of another object its class's.

    Examples
    --------
    >>> name_of(len), name_of(object()), name_of(lambda params: True)
    ('len', 'object', '<lambda>')
    """
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    name = getattr(value, "__name__", None)
    return name if isinstance(name, str) else type(value).__name__


def vars_of(value: Any) -> dict[str, Any]:
    """Give an object's public attributes, of one with slots too."""
    names = getattr(value, "__dataclass_fields__", None) or vars(value)
    return {name: getattr(value, name) for name in sorted(names) if not name.startswith("_")}
