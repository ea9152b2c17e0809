"""Which values may one parameter take?

Every kind maps the unit interval onto its values, so that a search needs no knowledge of kinds, and a finite one also
numbers its values from 0.
"""

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any, Self, overload

import numpy as np

from rustybt.errors import InvalidParameter, ParameterNotSet, did_you_mean
from rustybt.optimization.conditions import ConditionLike


class Parameter(ABC):
    """One dimension of a search: a set of values, reached from the unit interval.

    Read on a strategy's class it is itself; read on an instance it is the value that the instance was given.

    Attributes
    ----------
    when : str, callable or None
        The parameter is active where this condition over earlier parameters of its space holds; elsewhere its value
        is None. None: it is always active.
    """

    name: str
    when: ConditionLike | None

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", name)

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Any: ...
    def __get__(self, instance: object | None, owner: type) -> Any:
        if instance is None:
            return self
        raise ParameterNotSet(
            f"parameter {self.name!r} of {owner.__name__} has no value: pass {owner.__name__}({self.name}=...)"
        )

    @property
    @abstractmethod
    def size(self) -> int | None:
        """Number of values; None where they are a continuum."""

    @abstractmethod
    def at(self, index: int) -> Any:
        """Give the value of a number in [0, size)."""

    @abstractmethod
    def index(self, value: Any) -> int:
        """Give the number of a value in normal form; the parameter is finite."""

    @abstractmethod
    def only(self, value: Any) -> Self:
        """Give the same parameter with one of its values alone."""

    def from_unit(self, unit: float) -> Any:
        """Give the value that a number in [0, 1) falls on, all values being equally likely."""
        return self.at(int(unit * self.finite_size()))

    def key(self, value: Any) -> Hashable:
        """Give what tells two values apart, and may cross a pipe in the value's place."""
        return value  # type: ignore[no-any-return]

    def from_key(self, key: Any) -> Any:
        """Give the value of a `key`."""
        return key

    @abstractmethod
    def check(self, value: Any) -> Any:
        """Give the value in its normal form, or say why it is outside."""

    def finite_size(self) -> int:
        """Give `size`, or say that the parameter is a continuum."""
        size = self.size
        if size is None:
            raise InvalidParameter(
                f"{self!r} is a continuum and has no numbered values: give it a step, or use RandomSearch"
            )
        return size

    def __repr__(self) -> str:
        shown = [(f.name, getattr(self, f.name)) for f in fields(self) if f.name != "when"]  # type: ignore[arg-type]
        if self.when is not None:
            shown.append(("when", self.when))
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown)})"


@dataclass(frozen=True, repr=False)
class Integer(Parameter):
    """Whole numbers from low to high, both included.

    Parameters
    ----------
    low, high : int
        First value, and the limit of the last.
    step : int, optional
        Distance between values; high is left out where steps from low do not meet it.
    when : str or callable, optional
        The parameter is active where this condition over earlier parameters of the space holds, as in
        `Integer(5, 50, when="kind == 'ema'")`; elsewhere its value is None.

    Examples
    --------
    >>> fast = Integer(5, 50, step=5)
    >>> fast.size, fast.at(0), fast.at(9), fast.from_unit(0.25)
    (10, 5, 50, 15)
    """

    low: int
    high: int
    step: int = field(default=1, kw_only=True)
    when: ConditionLike | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for limit in ("low", "high", "step"):
            object.__setattr__(self, limit, whole(limit, getattr(self, limit)))
        check_range(self, self.low, self.high, self.step)

    @property
    def size(self) -> int:
        """Number of values."""
        return (self.high - self.low) // self.step + 1

    def at(self, index: int) -> int:
        """Give the value of a number in [0, size)."""
        return self.low + index * self.step

    def from_unit(self, unit: float) -> int:
        """Give the value that a number in [0, 1) falls on."""
        low, step = self.low, self.step
        return low + int(unit * ((self.high - low) // step + 1)) * step

    def index(self, value: Any) -> int:
        """Give the number of a value in normal form."""
        return int(value - self.low) // self.step

    def only(self, value: Any) -> Self:
        """Give the same parameter with one of its values alone."""
        checked = self.check(value)
        return replace(self, low=checked, high=checked)

    def check(self, value: Any) -> int:
        """Give the value as an int (5.0 is 5), or say why it is outside."""
        number = whole("value", value)
        if not self.low <= number <= self.high or (number - self.low) % self.step:
            raise InvalidParameter(f"{value!r} is no value of {self!r}")
        return number


@dataclass(frozen=True, repr=False)
class Float(Parameter):
    """Numbers from low to high.

    Parameters
    ----------
    low, high : float
        The limits; a step's values include both where steps meet high.
    log : bool, optional
        Draw so that each factor is equally likely: as many values in [0.001, 0.01) as in [0.01, 0.1).
    step : float, optional
        Distance between values, exact in decimal: Float(0.1, 0.5, step=0.1) holds 0.3 and no 0.30000000000000004.
        Without it the parameter is a continuum, which no grid can enumerate.
    when : str or callable, optional
        Where the parameter is active, a condition over earlier ones; elsewhere its value is None.

    Examples
    --------
    >>> threshold = Float(0.1, 0.5, step=0.1)
    >>> [threshold.at(i) for i in range(threshold.size)]
    [0.1, 0.2, 0.3, 0.4, 0.5]
    >>> round(Float(1e-4, 1.0, log=True).from_unit(0.5), 6)
    0.01
    """

    low: float
    high: float
    log: bool = field(default=False, kw_only=True)
    step: float | None = field(default=None, kw_only=True)
    when: ConditionLike | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for limit in ("low", "high") if self.step is None else ("low", "high", "step"):
            object.__setattr__(self, limit, finite(limit, getattr(self, limit)))
        check_range(self, self.low, self.high, 1.0 if self.step is None else self.step)
        if self.log and self.low <= 0:
            raise InvalidParameter(f"low {self.low} of a logarithmic Float is not above 0: raise it, or drop log=True")
        if self.log and self.step is not None:
            raise InvalidParameter(f"log=True and step={self.step} exclude one another in a Float: drop one")

    @property
    def size(self) -> int | None:
        """Number of values; None without a step."""
        if self.step is None:
            return 1 if self.low == self.high else None
        return int((exact(self.high) - exact(self.low)) / exact(self.step)) + 1

    def at(self, index: int) -> float:
        """Give the value of a number in [0, size)."""
        return self.low if self.step is None else float(exact(self.low) + index * exact(self.step)) + 0.0

    def index(self, value: Any) -> int:
        """Give the number of a value in normal form."""
        return 0 if self.step is None else round((value - self.low) / self.step)

    def only(self, value: Any) -> Self:
        """Give the same parameter with one of its values alone."""
        checked = self.check(value)
        return replace(self, low=checked, high=checked)

    def from_unit(self, unit: float) -> float:
        """Give the value that a number in [0, 1) falls on."""
        if self.step is not None:
            return self.at(int(unit * self.finite_size()))
        if self.log:
            value = math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + unit * (self.high - self.low)
        return min(max(value, self.low), self.high)  # rounding may step over a limit by its last bit

    def check(self, value: Any) -> float:
        """Give the value as a float (-0.0 is 0.0), or say why it is outside."""
        number = finite("value", value)
        inside = self.low <= number <= self.high
        if inside and self.step is not None:
            inside = number == self.at(self.index(number))
        if not inside:
            raise InvalidParameter(f"{value!r} is no value of {self!r}")
        return number


@dataclass(frozen=True, repr=False)
class Categorical(Parameter):
    """A choice among values of any kind: words, numbers, tickers, lists of tickers.

    Parameters
    ----------
    choices : sequence
        The values, each once, in the order in which a grid tries them.
    when : str or callable, optional
        Where the parameter is active, a condition over earlier ones; elsewhere its value is None, which therefore is
        no choice of such a parameter.

    Examples
    --------
    >>> Categorical(["close", "open"]).at(1)
    'open'
    """

    choices: Sequence[Any]
    when: ConditionLike | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if isinstance(self.choices, str | bytes) or not isinstance(self.choices, Iterable):
            raise InvalidParameter(f"choices {self.choices!r} is no list of values: write Categorical([...])")
        object.__setattr__(self, "choices", tuple(self.choices))
        if not self.choices:
            raise InvalidParameter("Categorical([]) has no choice: give it at least one")
        for index, choice in enumerate(self.choices):
            if self.find(choice) != index:
                raise InvalidParameter(f"choice {choice!r} stands twice in {self!r}: drop one")
        if self.when is not None and self.find(None) is not None:
            raise InvalidParameter(
                f"choice None of {self!r} looks like an inactive parameter: give it a word of its own"
            )

    @property
    def size(self) -> int:
        """Number of choices."""
        return len(self.choices)

    def at(self, index: int) -> Any:
        """Give the choice of a number in [0, size)."""
        return self.choices[index]

    def index(self, value: Any) -> int:
        """Give the choice's number."""
        return self.key(value)

    def only(self, value: Any) -> Self:
        """Give the same parameter with one of its choices alone."""
        return replace(self, choices=(self.check(value),))

    def key(self, value: Any) -> int:
        """Give the choice's number: choices may be unhashable, large, or unknown to another process."""
        index = self.find(value)
        if index is None:
            words = [choice for choice in self.choices if isinstance(choice, str)]
            near = did_you_mean(value, words) if isinstance(value, str) else ""
            raise InvalidParameter(f"{value!r} is no choice of {self!r}{near}")
        return index

    def from_key(self, key: Any) -> Any:
        """Give the choice of a number."""
        return self.choices[key]

    def check(self, value: Any) -> Any:
        """Give the choice that equals the value, or say that there is none."""
        return self.choices[self.key(value)]

    def find(self, value: Any) -> int | None:
        """Give the number of a choice of the value's type that equals it (True is not 1), or None."""
        for index, choice in enumerate(self.choices):
            if choice is value or (type(choice) is type(value) and equal(choice, value)):
                return index
        return None


def check_range(parameter: Parameter, low: float, high: float, step: float) -> None:
    """Raise where a range is empty or its step does not lead upward."""
    if low > high:
        raise InvalidParameter(f"{parameter!r} is empty: low {low} is above high {high}")
    if step <= 0:
        raise InvalidParameter(f"step {step} of {parameter!r} is not above 0")


def whole(name: str, value: Any) -> int:
    """Give a number without a fraction as an int, or raise."""
    if not isinstance(value, bool):
        if isinstance(value, float) and value.is_integer():
            return int(value)
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise InvalidParameter(f"{name} {value!r} is no whole number")


def finite(name: str, value: Any) -> float:
    """Give a number as a float, or raise where it is none or not finite."""
    if isinstance(value, bool | str) or not hasattr(value, "__float__") or not math.isfinite(value):
        raise InvalidParameter(f"{name} {value!r} is no finite number")
    return float(value) + 0.0


def equal(one: Any, other: Any) -> bool:
    """Say whether two values of one type are the same, arrays by all their elements."""
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else bool(one == other)


def exact(number: float) -> Decimal:
    """Give the decimal that a float is written as."""
    return Decimal(repr(number))
