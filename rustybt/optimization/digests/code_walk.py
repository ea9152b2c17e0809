"""What can a function or class lead to? Its code, what surrounds it, and the globals that it reads.

Code counts by what it does, see `code_form`. What an installed package or this one defines counts by its name.
"""

import builtins
import importlib.util
import re
import sys
from collections.abc import Mapping
from enum import EnumMeta
from types import BuiltinFunctionType, FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any, Final

from rustybt.optimization.canonical import of_words
from rustybt.optimization.digests.code_form import CodeForm, Import, form_of
from rustybt.optimization.digests.foreign import holder_of, is_foreign, is_foreign_file, module_of_name
from rustybt.optimization.digests.outside import CLOCKS, METHODS, MOMENTS, NOW, is_outside
from rustybt.optimization.digests.walk import Undigestible, Walk, Withheld

NAMED: Final = (type, FunctionType, BuiltinFunctionType)
"""What says by itself where it is defined."""

EVALUATIONS: Final = frozenset(("eval", "evaluate", "query"))
"""Methods that look names up in the globals of their caller."""

MISSING: Final = object()
"""What a module has under a name that it does not have."""

ABOUT: Final = ("__doc__", "__name__", "__qualname__", "__module__")
"""What a function or class says about itself; it counts where code reads it."""

MADE_FOR_A_CLASS: Final = frozenset(
    (
        *("__dict__", "__weakref__", "__annotations__", "__annotations_cache__", "__annotate__", "__annotate_func__"),
        *("__firstlineno__", "__static_attributes__", "__abstractmethods__", "_abc_impl", "__orig_bases__"),
        *("__parameters__", "__type_params__", "__dataclass_fields__", "__dataclass_params__", "__match_args__"),
        *ABOUT,
    )
)
"""What Python or a decorator keeps in a class, and does not change what it does."""


class CodeWalk(Walk):
    """A walk that knows functions, classes and modules."""

    def _function(self, function: FunctionType, where: str) -> None:
        name = function.__qualname__
        if is_foreign_file(function.__code__.co_filename):
            module = str(function.__globals__.get("__name__"))
            self._by_name(module, function.__code__.co_qualname, where)
            if holder_of(function) is not None:
                return
        else:
            self._code(function)
        self._emit(b"function")
        self._add_all((function.__defaults__, function.__kwdefaults__), f"a default of {name}")
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            self._cell(variable, cell, name)
        for key, part in sorted(vars(function).items()):
            self._emit(b"attribute", of_words(key))
            self.add(part, f"attribute {key!r} of {name}")
        self._withhold_about(function, b"function", name)

    def _cell(self, variable: str, cell: Any, name: str) -> None:
        self._emit(b"cell", of_words(variable))
        try:
            content = cell.cell_contents
        except ValueError:
            self._emit(b"empty")
            return
        if variable == "__class__":
            self.refer(content, name)
        else:
            self.add(content, f"{variable!r} around {name}")

    def _withhold_about(self, value: Any, kind: bytes, name: str) -> None:
        tag = b"%b %d" % (kind, self._numbers[id(value)][0])
        for key in ABOUT:
            self._withheld.append(Withheld(frozenset((key,)), tag, getattr(value, key, None), f"{key} of {name}"))

    def _code(self, function: FunctionType) -> None:
        """Add a function's code and what its names lead to."""
        code, name = form_of(function.__code__), function.__qualname__
        self.reads |= code.reads
        self._emit(b"code", code.form)
        self._check_moment(code, name)
        for path in sorted(code.paths | paths_in_words(code, function.__globals__)):
            self._emit(b"path", *map(of_words, path))
            self._path(path, function.__globals__, code.reads, f"{'.'.join(path)!r} in {name}")
        for found in code.imports:
            self._import(found, function.__globals__, code.reads, f"an import in {name}")

    def _check_moment(self, code: CodeForm, name: str) -> None:
        """Refuse code that asks for the present by a word, as `pd.Timestamp("now")` does."""
        if NOW & code.words and MOMENTS & code.reads:
            raise outside(f"{min(NOW & code.words)!r} as a moment", name)

    def _path(self, path: tuple[str, ...], known: Mapping[str, Any], reads: set[str], where: str) -> None:
        """Add the global that code reads by a name, or what it takes of it if that is a module."""
        root, *rest = path
        if root not in known:
            if hasattr(builtins, root):
                self._by_name("builtins", root, where)
            else:
                self._emit(b"unbound")
            return
        value, holder = known[root], None
        while isinstance(value, ModuleType) and rest:
            holder, (name, *rest) = value, rest
            value = attribute_of(holder, name)
            if value is MISSING:
                self._emit(b"unbound")
                return
        self._check_method(value, rest, where)
        if isinstance(value, ModuleType) and is_foreign(value):
            self._foreign_module(value.__name__, reads, where)
        elif holder is None or not is_foreign(holder):
            self.add(value, where)
        else:
            self._by_name(holder.__name__, name, where)
            if isinstance(value, NAMED):  # which may say another name of its own
                self.add(value, where)

    def _foreign_module(self, name: str, reads: set[str], where: str) -> None:
        """Add an installed module of which code may take whatever names it reads."""
        for read in ("", *sorted(reads)):
            if is_outside(name, read) or (read in METHODS and name.partition(".")[0] in CLOCKS):
                raise outside(f"{name}.{read}".rstrip("."), where)
        self._by_name(name, "", where)

    def _check_method(self, value: Any, rest: list[str], where: str) -> None:
        if rest and rest[0] in METHODS and isinstance(value, type) and holder_of(value) is not None:
            raise outside(f"{value.__qualname__}.{rest[0]}", where)

    def _by_name(self, module: str, name: str, where: str) -> None:
        """Add what an installed module holds."""
        if is_outside(module, name):
            raise outside(f"{module}.{name}", where)
        self.packages.add(module.partition(".")[0])
        self._emit(b"named", of_words(module), of_words(name))

    def _module(self, module: ModuleType, where: str) -> None:
        if is_foreign(module):
            self._by_name(module.__name__, "", where)
            return
        names = sorted(name for name in vars(module) if not (name.startswith("__") and name.endswith("__")))
        self._emit(b"module", *map(of_words, names))
        for name in names:
            self.add(vars(module)[name], f"{name!r} of module {module.__name__}")

    def _import(self, found: Import, known: Mapping[str, Any], reads: set[str], where: str) -> None:
        """Add what a function imports when it runs."""
        package = known.get("__package__") or str(known.get("__name__")).rpartition(".")[0]
        try:
            target = importlib.util.resolve_name("." * found.level + found.module, package)
        except ImportError:
            raise Undigestible(f"{where} of {found.module!r} leads out of its package") from None
        if not is_foreign(module_of_name(target.partition(".")[0])):
            self._import_of_users(target, found.names, where)
        elif found.names:
            for name in found.names:
                self._foreign_module(f"{target}.{name}", reads, where)
                self._by_name(target, name, where)
        else:
            self._foreign_module(target, reads, where)

    def _import_of_users(self, target: str, names: tuple[str, ...], where: str) -> None:
        module = sys.modules.get(target)
        parts = [attribute_of(module, name) for name in names]
        if module is None or any(part is MISSING for part in parts):
            raise Undigestible(f"{where} reads {target!r} only when it runs: import it at the top of the file")
        self._emit(b"import", of_words(target))
        self._add_all(parts or (module,), where)

    def _class(self, cls: type, where: str) -> None:
        if holder_of(cls) is not None:
            self._by_name(cls.__module__, cls.__qualname__, where)
            return
        self._emit(b"class", b"%d" % len(cls.__bases__))
        for base in (*cls.__bases__, type(cls)):
            self.refer(base, where)
        if isinstance(cls, EnumMeta):
            members: Mapping[str, Any] = cls.__members__
            self._emit(b"members", *map(of_words, members))
            self._add_all((member.value for member in members.values()), where)
        for name, part in sorted(vars(cls).items()):
            if name in MADE_FOR_A_CLASS or (isinstance(cls, EnumMeta) and is_of_enum(cls, name)):
                continue
            self.add_attribute(cls, name, part)
        self._withhold_about(cls, b"class", cls.__qualname__)

    def add_attribute(self, cls: type, name: str, part: object) -> None:
        """Add an attribute of a class."""
        self._emit(b"attribute", of_words(name))
        if not isinstance(part, MemberDescriptorType | GetSetDescriptorType):  # these only hold a place
            self.add(part, f"attribute {name!r} of {cls.__qualname__}")


def outside(what: str, where: str) -> Undigestible:
    """Make the error of code that reads what is outside of it."""
    return Undigestible(f"{where} uses {what}, which may give another answer while the code stays the same")


def attribute_of(module: ModuleType | None, name: str) -> Any:
    """Give what a module has under a name, which may have to be imported first; MISSING if it has nothing."""
    try:
        return getattr(module, name)
    except (AttributeError, ImportError):
        return MISSING


def paths_in_words(code: CodeForm, known: Mapping[str, Any]) -> set[tuple[str, ...]]:
    """Give the globals that may be named in a text which the code hands to an evaluation, such as a table's query."""
    if not code.reads & EVALUATIONS:
        return set()
    return {(name,) for word in code.words for name in re.findall(r"[^\W\d]\w*", word) if name in known}


def is_of_enum(cls: EnumMeta, name: str) -> bool:
    """Say whether an attribute of an enum's class is a member, or what enum keeps."""
    is_method = isinstance(vars(cls)[name], FunctionType | classmethod | staticmethod)
    return name in cls.__members__ or (name.startswith("_") and not is_method)
