"""What is being optimized: a strategy class, functions, or a script's file?

Each kind gives, for params, the hooks that the engine calls. Trials that one process runs share the module-level state
of a class or of functions; a script's functions start every trial from the state that its execution left, as if it were
run alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from rustybt._typing import PathLike
from rustybt.engine.script import execute_script, require_hooks, strategy_class_of
from rustybt.engine.strategy import Hooks, Strategy, hooks_of, hooks_of_namespace
from rustybt.engine.vector_strategy import VectorStrategy
from rustybt.errors import InvalidParameter, did_you_mean
from rustybt.optimization.conditions import Conditions
from rustybt.optimization.parameter_space import SETTINGS, ParameterSpace, Params, space_of
from rustybt.optimization.workers.parcel import pack, unpack


class Source(Protocol):
    """The strategy of an optimization."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def is_vector(self) -> bool:
        """Whether it decides for all sessions at once."""

    def hooks(self, params: Params) -> Hooks:
        """Give what the engine calls for these params."""

    def vector(self, params: Params) -> Strategy | None:
        """Give what decides for all sessions at once for these params; None where it does not."""

    def of_symbol(self, symbol: str) -> dict[str, Any]:
        """Give what params must hold in addition for the strategy to trade this symbol alone."""

    def check_attributes(self, names: Iterable[str]) -> None:
        """Raise InvalidParameter where a name cannot be given to the strategy."""


@dataclass(frozen=True)
class ClassSource:
    """A strategy class, made anew for every trial."""

    strategy_class: type[Strategy]

    @property
    def name(self) -> str:
        """The class's name."""
        return self.strategy_class.__name__

    @property
    def is_vector(self) -> bool:
        """Whether the class is a VectorStrategy."""
        return issubclass(self.strategy_class, VectorStrategy)

    def hooks(self, params: Params) -> Hooks:
        """Give the methods of an instance with these parameters."""
        return hooks_of(self.strategy_class(**params))

    def vector(self, params: Params) -> Strategy | None:
        """Give an instance with these parameters, if it is a VectorStrategy."""
        return self.strategy_class(**params) if self.is_vector else None

    def check_attributes(self, names: Iterable[str]) -> None:
        """Raise where a name is no attribute of the class."""
        for name in names:
            if not hasattr(self.strategy_class, name):
                known = [other for other in dir(self.strategy_class) if not other.startswith("_")]
                raise InvalidParameter(
                    f"fixed: {self.name} has no parameter or attribute {name!r}{did_you_mean(name, known)}"
                )

    def of_symbol(self, symbol: str) -> dict[str, Any]:
        """Give the attribute by which the class names what it trades: `symbol`, or `assets` with one member."""
        if hasattr(self.strategy_class, "symbol"):
            return {"symbol": symbol}
        if hasattr(self.strategy_class, "assets"):
            return {"assets": (symbol,)}
        raise InvalidParameter(
            f"per_symbol: {self.name} has neither an attribute symbol nor assets: declare symbol = None, and trade "
            "what it names"
        )


@dataclass(frozen=True)
class FunctionSource:
    """Functions as `run_algorithm` takes them; params are in `context.params`."""

    functions: Hooks
    name: str = "functions"
    is_vector: bool = False

    def hooks(self, params: Params) -> Hooks:
        """Give the functions with these params."""
        return self.functions._replace(params=params)

    def vector(self, params: Params) -> None:
        """Give nothing: functions are called at bars."""

    def check_attributes(self, names: Iterable[str]) -> None:
        """Let any name pass: it stands in `context.params`."""

    def of_symbol(self, symbol: str) -> dict[str, Any]:
        """Let the functions find it in `context.params["symbol"]`."""
        return {"symbol": symbol}


@dataclass(frozen=True)
class ScriptSource:
    """A script's functions, with the globals that they use as they were after its execution."""

    payload: bytes = field(repr=False)
    name: str
    is_vector: bool = False

    def hooks(self, params: Params) -> Hooks:
        """Give functions of this trial alone with these params."""
        functions: Hooks = unpack(self.payload)
        return functions._replace(params=params)

    def vector(self, params: Params) -> None:
        """Give nothing: functions are called at bars."""

    def check_attributes(self, names: Iterable[str]) -> None:
        """Let any name pass: it stands in `context.params`."""

    def of_symbol(self, symbol: str) -> dict[str, Any]:
        """Let the functions find it in `context.params["symbol"]`."""
        return {"symbol": symbol}


def source_of_class(strategy_class: object) -> ClassSource:
    """Give the source of a strategy class, or say that it is none."""
    if not isinstance(strategy_class, type) or not issubclass(strategy_class, Strategy):
        hint = ": pass the class, not an instance" if isinstance(strategy_class, Strategy) else ""
        raise InvalidParameter(f"strategy_class {strategy_class!r} is no subclass of rustybt.Strategy{hint}")
    return ClassSource(strategy_class)


def settings_of(strategy_class: type[Strategy]) -> dict[str, Any]:
    """Give what a strategy class carries for its optimization."""
    return {name: getattr(strategy_class, name) for name in SETTINGS if hasattr(strategy_class, name)}


def space_from(parameters: object, conditions: Conditions = ()) -> ParameterSpace:
    """Make a space from what a user gives as one: a space, or parameters by name."""
    if isinstance(parameters, ParameterSpace):
        return parameters.with_conditions(conditions)
    if not isinstance(parameters, Mapping):
        raise InvalidParameter(f'space {parameters!r} is no mapping: write {{"fast": Integer(5, 50), ...}}')
    return ParameterSpace(parameters, conditions)


class Script(NamedTuple):
    """What a script's file defines for an optimization.

    Attributes
    ----------
    source : ClassSource or ScriptSource
        Its strategy.
    space : ParameterSpace
        Its class's parameters, or its `parameters` and `conditions`.
    settings : dict
        What its class carries.
    """

    source: ClassSource | ScriptSource
    space: ParameterSpace
    settings: dict[str, Any]


def read_script(path: PathLike) -> Script:
    """Execute a script once and find its strategy: its one `Strategy` class, or its functions.

    Parameters
    ----------
    path : path-like
        The file. Its folder joins the import path, as if Python had been started on it.

    Returns
    -------
    Script
        Functions read their params from `context.params`; their space is the script's `parameters`, a dict of name to
        parameter, under its `conditions` if it has any.

    Raises
    ------
    ScriptError
        If the file cannot be read or compiled, or defines no strategy, or several.
    """
    module = execute_script(Path(path))
    strategy_class = strategy_class_of(module)
    if strategy_class is not None:
        return Script(ClassSource(strategy_class), space_of(strategy_class), settings_of(strategy_class))
    require_hooks(module)
    functions = hooks_of_namespace(vars(module))
    space = space_from(getattr(module, "parameters", {}), getattr(module, "conditions", ()))
    return Script(ScriptSource(pack(functions).payload, Path(path).name), space, {})
