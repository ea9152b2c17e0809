"""Which digest stands for an object of the user's, with all code that it can run?

An object is taken apart as pickle would, and nothing is pickled. What cannot be known by its parts raises
`Undigestible`.
"""

import functools
import logging
import random
from collections.abc import Callable, Iterable
from copyreg import dispatch_table
from types import BuiltinFunctionType, FunctionType, MappingProxyType, ModuleType
from typing import Any, Final

import numpy as np

from rustybt.data.models import Model
from rustybt.optimization.canonical import exact, of_words
from rustybt.optimization.digests.code_walk import CodeWalk
from rustybt.optimization.digests.foreign import holder_of, is_foreign, module_of_name
from rustybt.optimization.digests.tables_apart import take_apart
from rustybt.optimization.digests.walk import Undigestible

UNREADABLE: Final = (TypeError, ValueError, AttributeError, LookupError, NotImplementedError, RuntimeError, OSError)
"""What objects raise that cannot be taken apart."""

GLOBAL_GENERATORS: Final = (random._inst, np.random.mtrand._rand)
"""Every trial starts them at the same seed."""


class ObjectWalk(CodeWalk):
    """A walk that knows every kind of object.

    Examples
    --------
    >>> ObjectWalk().digest(lambda x: x + 1) == ObjectWalk().digest(lambda x: (x + 1))
    True
    >>> ObjectWalk().digest(lambda x: x + 1) == ObjectWalk().digest(lambda x: x + 2)
    False
    """

    def _body(self, value: Any, where: str) -> None:
        """Add what an object consists of."""
        self._emit(b"body")
        if any(value is generator for generator in GLOBAL_GENERATORS):
            self._emit(b"global generator")
        elif isinstance(value, ModuleType):
            self._module(value, where)
        elif isinstance(value, type):
            self._class(value, where)
        elif type(value) in PARTS:
            kind, parts = PARTS[type(value)](value)
            self._emit(kind)
            self._add_all(parts, where)
        elif type(value) is set:
            self._collection(value, where)
        elif isinstance(value, FunctionType):
            self._function(value, where)
        elif isinstance(value, BuiltinFunctionType) and isinstance(value.__self__, ModuleType | None):
            self._compiled_by_name(value.__module__ or "builtins", value.__qualname__, where)
        elif isinstance(value, logging.Logger):
            self._emit(b"logger")
        elif isinstance(value, Model):  # its artefact may be a file, which a fingerprint of its own stands for
            self._emit(b"model", of_words(value.fingerprint), exact(value.allow_lookahead))
        elif type(value) is np.ndarray or type(value) is np.memmap:
            self._array(value, where)
        elif (tables := take_apart(value)) is not None:
            self._emit(b"table", of_words(type(value).__name__))
            self._add_all(tables, where)
        elif is_compiled(value):
            self._emit(b"compiled")
            self._add_all((value.py_func, value.targetoptions), where)
        else:
            self._object(value, where)

    def _array(self, array: "np.ndarray[Any, Any]", where: str) -> None:
        self._emit(b"array", *map(of_words, (repr(array.dtype), repr(array.shape), repr(array.strides))))
        if array.dtype.hasobject:
            self._add_all(array.ravel().tolist(), where)
        else:
            self._emit(b"", array.tobytes())

    def _compiled_by_name(self, module: str, name: str, where: str) -> None:
        if not is_foreign(module_of_name(module)):
            raise Undigestible(
                f"{where} is {name} of {module!r}, which is compiled and comes with no installed package"
            )
        self._by_name(module, name, where)

    def _object(self, value: Any, where: str) -> None:
        """Add an object as pickle would take it apart."""
        kind = type(value)
        if holder_of(value) is not None:
            self._by_name(value.__module__, value.__qualname__, where)
            return
        if isinstance(value, np.ufunc) and getattr(np, value.__name__, None) is not value:
            raise Undigestible(f"{where} is the ufunc {value.__name__!r}, whose code cannot be read")
        try:
            reduce = dispatch_table.get(kind)
            reduced = value.__reduce_ex__(4) if reduce is None else reduce(value)
        except UNREADABLE as error:
            raise Undigestible(f"{where} is a {kind.__qualname__}, which only this process has ({error})") from None
        if isinstance(reduced, str):
            if holder_of(kind) is None:
                raise Undigestible(f"{where} is a {kind.__qualname__} that says no more than its name, {reduced!r}")
            self._by_name(getattr(value, "__module__", None) or kind.__module__, reduced, where)
            return
        make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        self._emit(b"object")
        self._add_all((make, arguments, state), where)
        self._add_all((list(part) if part is not None else None for part in (items, pairs)), where)
        if holder_of(kind) is None and leaves_out(kind) and hasattr(value, "__dict__"):
            self.add(dict(vars(value)), where)


def leaves_out(kind: type) -> bool:
    """Say whether a class chooses what of its objects is pickled."""
    return any(
        getattr(kind, name, None) is not getattr(object, name, None)
        for name in ("__getstate__", "__reduce__", "__reduce_ex__")
    )


def is_compiled(value: Any) -> bool:
    """Say whether a value is a function that numba compiles."""
    return type(value).__module__.startswith("numba.") and hasattr(value, "py_func")


def parts_of_cached(function: Any) -> tuple[object, ...]:
    """Give the function in a cache, and how the cache works."""
    return function.__wrapped__, dict(function.cache_parameters())


PARTS: Final[dict[type, Callable[[Any], tuple[bytes, Iterable[object]]]]] = {
    list: lambda value: (b"list %d" % len(value), value),
    dict: lambda value: (b"dict %d" % len(value), [part for pair in value.items() for part in pair]),
    MappingProxyType: lambda value: (b"proxy %d" % len(value), [part for pair in value.items() for part in pair]),
    staticmethod: lambda value: (b"staticmethod", (value.__func__,)),
    classmethod: lambda value: (b"classmethod", (value.__func__,)),
    property: lambda value: (b"property", (value.fget, value.fset, value.fdel)),
    functools.cached_property: lambda value: (b"cached property", (value.func,)),
    type(functools.lru_cache(len)): lambda value: (b"cached", parts_of_cached(value)),
}
"""Objects that are taken apart by hand."""
