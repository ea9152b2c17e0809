"""Are two strategies the same? A digest of a strategy's code, with all that it can lead to.

Two strategies with one digest come to the same trades for the same params. These do not change it: comments, docstrings
and layout; the class's name; labels such as a title; what the optimizer is told by class attributes, and the ranges of
parameters, for they decide which trials there are and not what one comes to; `analyze`, which no trial calls. Each of
them counts, though, where the strategy's own code reads it.
"""

import hashlib
import sys
from collections.abc import Mapping
from types import FunctionType
from typing import Any, Final

from rustybt.engine.strategy import HOOK_NAMES, Hooks
from rustybt.errors import WorkerError
from rustybt.optimization.canonical import exact, of_words
from rustybt.optimization.digests.digest import Digest
from rustybt.optimization.digests.foreign import holder_of
from rustybt.optimization.digests.loaded_code import OwnNames, engine, modules_of_user, versions
from rustybt.optimization.digests.object_digest import ObjectWalk
from rustybt.optimization.digests.walk import Undigestible, Withheld
from rustybt.optimization.parameter_space import SETTINGS
from rustybt.optimization.parameters import Parameter
from rustybt.optimization.source import ClassSource, Source

LABELS: Final = ("author", "description", "id", "label", "name", "note", "notes", "title")
"""Attributes of a strategy class that say what a human should call it, and do not count unless its code reads them."""

FOR_THE_OPTIMIZER: Final = (*SETTINGS, "conditions", "parameters", "space")
"""Attributes of a strategy class that decide which trials there are; a trial's key holds what it was given."""

ANALYZE: Final = "analyze"

LOOKS_UP: Final = frozenset(("__dict__", "__getattribute__", "asdict", "attrgetter", "dir", "getmembers", "vars"))
"""By these names code can read an attribute that it does not name; by getattr too."""

CLASS: Final = "__class__"
REACHES_CLASS: Final = LOOKS_UP | {CLASS, "__mro__", "mro", "type"}
"""By these names code can get from an object to its class, where a parameter is its range."""

CALLED: Final = tuple(name for name in HOOK_NAMES if name != ANALYZE)


def digest_of_source(source: Source, walk_of: "type[StrategyWalk] | None" = None) -> Digest:
    """Give the digest of a strategy.

    Parameters
    ----------
    source : Source
        A class, functions or a script.
    walk_of : type, optional
        How it is looked through, if not as `StrategyWalk` does.

    Returns
    -------
    Digest
        The same in every process that runs the same code. It changes with the strategy's code and what that leads to,
        with any of the user's modules that is loaded, and with the versions of the engine and of what it computes
        with.

    Examples
    --------
    >>> from rustybt import Strategy
    >>> class Hold(Strategy):
    ...     title = "Hold"
    ...     def handle_data(self, context, data):
    ...         print(open("today.txt").read())
    >>> digest_of_source(ClassSource(Hold)).reason
    "'open' in Hold.handle_data uses builtins.open, which may give another answer while the code stays the same"
    """
    try:
        root = source.strategy_class if isinstance(source, ClassSource) else functions_of(source)
        walk = (walk_of or StrategyWalk)(root)
        code = walk.digest(root, source.name)
    except (Undigestible, WorkerError) as error:
        return Digest(None, str(error))
    packages = versions(package for package in walk.packages if not is_of_python(package))
    parts = (code, modules_of_user(walk.own_names()), engine(), packages)
    return Digest(hashlib.sha256(exact(parts)).hexdigest())


def digest_of_value(value: object, name: str, walk_of: type[ObjectWalk] = ObjectWalk) -> Digest:
    """Give the digest of anything that trials use beside the strategy, such as an objective.

    Parameters
    ----------
    value : object
        A function, or any object.
    name : str
        How the reason calls it.
    walk_of : type, optional
        How it is looked through.

    Returns
    -------
    Digest
        Without the user's modules and the versions, which a strategy's digest holds.

    Examples
    --------
    >>> digest_of_value(lambda perf: perf["pnl"].sum(), "objective") == digest_of_value(len, "objective")
    False
    """
    try:
        return Digest(walk_of().digest(value, name))
    except Undigestible as error:
        return Digest(None, str(error))


def functions_of(source: Source) -> tuple[Any, ...]:
    """Give the functions that a trial calls, in a fixed order; a script's as they are before any trial."""
    hooks: Hooks = source.hooks({})
    return tuple(getattr(hooks, name) for name in CALLED)


class StrategyWalk(ObjectWalk):
    """A walk through a strategy, which leaves out what makes no difference to a trial.

    Parameters
    ----------
    root : type or tuple of callable
        The class, or the functions.
    """

    def __init__(self, root: Any = ()) -> None:
        super().__init__()
        self.root = root
        self.classes = [cls for cls in root.__mro__ if holder_of(cls) is None] if isinstance(root, type) else []

    def add(self, value: object, where: str) -> None:
        """Add a value, and notice where code can get at the strategy's class."""
        is_root = not self._numbers
        if isinstance(value, classmethod) or (not is_root and any(value is cls for cls in self.classes)):
            self.reads.add(CLASS)
        super().add(value, where)

    def add_attribute(self, cls: type, name: str, part: object) -> None:
        """Add an attribute of a class, or withhold what counts only if it is read."""
        names = readers_of(name, part) if cls in self.classes else frozenset()
        if not names:
            super().add_attribute(cls, name, part)
            return
        if isinstance(part, Parameter):
            self._emit(b"parameter", of_words(name))
        tag = b"%d %b" % (self.classes.index(cls), of_words(name))
        self._withheld.append(Withheld(names, tag, part, f"attribute {name!r} of {cls.__qualname__}"))

    def own_names(self) -> Mapping[str, OwnNames]:
        """Give what does not count in the files of the modules that define the strategy, after the walk."""
        modules = {cls.__module__ for cls in self.classes}
        found = {
            module: OwnNames(frozenset(cls.__name__ for cls in self.classes if cls.__module__ == module))
            for module in modules
        }
        functions = self.root if isinstance(self.root, tuple) else ()
        top = OwnNames(top=frozenset((*LABELS, *FOR_THE_OPTIMIZER, ANALYZE)) - self.reads)
        return found | {function.__module__: top for function in functions if isinstance(function, FunctionType)}


def readers_of(name: str, part: object) -> frozenset[str]:
    """Give the names of which code must read one for a strategy's attribute to count; none if it always does."""
    if isinstance(part, Parameter):
        return REACHES_CLASS
    if name == ANALYZE:
        return frozenset((ANALYZE,))
    if name in FOR_THE_OPTIMIZER or (name in LABELS and not is_code(part)):
        return LOOKS_UP | {name, "getattr"}
    return frozenset()


def is_code(part: object) -> bool:
    """Say whether an attribute of a class is a method, a property or the like."""
    return hasattr(part, "__get__")


def is_of_python(package: str) -> bool:
    """Say whether a package is part of Python's own library, or this one."""
    return package in sys.stdlib_module_names or package == "rustybt"
