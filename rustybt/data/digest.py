"""Which bytes stand for an object of the user's, its code included, the same in every process?

Nothing is pickled: an object is taken apart as pickle would, by `__reduce_ex__`, and each part is hashed with those it
holds. So two objects with equal parts have one digest, however their parts are shared.
"""

import hashlib
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from copyreg import dispatch_table
from functools import cached_property, lru_cache
from pathlib import Path
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, Final

import numpy as np

from rustybt.data.code_names import global_names
from rustybt.errors import InvalidParameter
from rustybt.installed import is_installed

UNREADABLE: Final = (TypeError, ValueError, AttributeError, NotImplementedError, RuntimeError)
"""What objects raise that cannot be taken apart, or copied; RuntimeError with those that are nested too deeply."""

HEAP_TYPE: Final = 1 << 9
"""The flag of classes that were made while the program runs."""

PACKAGE_FOLDER: Final = Path(__file__).resolve().parents[1]

NO_PART_OF_A_CLASS: Final = frozenset(
    {
        *("__dict__", "__weakref__", "__module__", "__doc__", "__annotations__", "__annotate_func__"),
        *("__annotations_cache__", "__firstlineno__", "__static_attributes__", "__abstractmethods__", "_abc_impl"),
    }
)
"""What the interpreter puts into a class, and its methods do not read."""


def digest_of(value: object, what: str) -> bytes:
    """Give an object's SHA-256.

    Parameters
    ----------
    value : object
        Made of numbers, text, containers, arrays, functions, and objects that could be pickled. Code of the user's
        counts with the globals that it reads; functions and classes of installed packages count by name.
    what : str
        What it is, for the message.

    Returns
    -------
    bytes
        32 of them.

    Raises
    ------
    InvalidParameter
        If a part of it is tied to this process, such as a lock, an open file or a handle of a C library.

    Examples
    --------
    >>> digest_of({"a": [1, 2.0]}, "example").hex()[:8] == digest_of({"a": [1, 2.0]}, "example").hex()[:8]
    True
    >>> digest_of(lambda x: x + 1, "example") == digest_of(lambda x: x + 2, "example")
    False
    """
    try:
        return _Walk().of(value)
    except UNREADABLE as error:
        raise InvalidParameter(
            f"{what} of type {type(value).__name__} cannot be hashed ({type(error).__name__}: {error}): pass an object "
            "that could be pickled, or the file that it was saved to, with Model.from_file"
        ) from error


class _Walk:
    """One pass through an object and what it holds."""

    def __init__(self) -> None:
        self._done: dict[int, tuple[bytes, object]] = {}  # with the object, so that its id is not given to another
        self._open: dict[int, int] = {}

    def of(self, value: object) -> bytes:
        """Give the digest of a value."""
        leaf = LEAVES.get(type(value))
        if leaf is not None:
            return digest_of_bytes(type(value).__name__, [leaf(value)])
        number = id(value)
        if number in self._done:
            return self._done[number][0]
        if number in self._open:  # a circle: how far back it goes stands for the rest of it
            return digest_of_bytes("circle", [str(len(self._open) - self._open[number]).encode()])
        self._open[number] = len(self._open)
        kind, parts = self._parts(value)
        digest = digest_of_bytes(kind, parts)
        del self._open[number]
        self._done[number] = digest, value
        return digest

    def _parts(self, value: object) -> tuple[str, Iterable[bytes]]:
        """Give what kind of thing a value is, and the digests or bytes of its parts."""
        taken_apart = TAKEN_APART.get(type(value))
        if taken_apart is not None:
            return taken_apart(self, value)
        if isinstance(value, np.generic):
            return "numpy", [repr(value.dtype).encode(), value.tobytes()]
        if isinstance(value, type):
            return self._class(value)
        return self._object(value)

    def _each(self, values: Iterable[object]) -> Iterator[bytes]:
        return (self.of(value) for value in values)

    def _pairs(self, mapping: Mapping[Any, object]) -> Iterator[bytes]:
        return (digest for pair in mapping.items() for digest in self._each(pair))

    def _array(self, array: np.ndarray[Any, Any]) -> tuple[str, Iterable[bytes]]:
        head = [repr(array.dtype).encode(), repr(array.shape).encode()]
        if array.dtype.hasobject:
            return "array", [*head, *self._each(array.ravel().tolist())]
        if array.dtype.names:  # field by field, as what lies between the fields is left over from earlier uses
            return "array", [*head, *self._each(np.ascontiguousarray(array[name]) for name in array.dtype.names)]
        return "array", [*head, array.tobytes()]

    def _function(self, function: FunctionType) -> tuple[str, Iterable[bytes]]:
        code = function.__code__
        parts = [*self._code(code)[1], *self._each((function.__defaults__, function.__kwdefaults__, vars(function)))]
        parts += [self._cell(cell) for cell in function.__closure__ or ()]
        if is_foreign_function(function):
            return "function", [function.__module__.encode(), function.__qualname__.encode(), *parts]
        known = function.__globals__
        return "function", [*parts, *self._pairs({name: known.get(name) for name in sorted(global_names(code))})]

    def _cell(self, cell: CellType) -> bytes:
        return self.of(cell.cell_contents) if cell != CellType() else b"empty"

    def _code(self, code: CodeType) -> tuple[str, Iterable[bytes]]:
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        return "code", self._each((code.co_code, code.co_exceptiontable, code.co_consts, names, counts))

    def _class(self, cls: type) -> tuple[str, Iterable[bytes]]:
        name = [cls.__module__.encode(), cls.__qualname__.encode()]
        if is_foreign_class(cls):
            return "class", name
        own = {key: part for key, part in sorted(vars(cls).items()) if key not in NO_PART_OF_A_CLASS}
        kept = {key: part for key, part in own.items() if not isinstance(part, MemberDescriptorType)}
        return "class", [*name, *self._each(cls.__bases__), *self._pairs(kept)]

    def _object(self, value: Any) -> tuple[str, Iterable[bytes]]:
        reduce = dispatch_table.get(type(value))
        reduced = value.__reduce_ex__(4) if reduce is None else reduce(value)
        if isinstance(reduced, str):
            return "global", [type(value).__module__.encode(), reduced.encode()]
        make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        if type(state) is dict:  # attributes, in whatever order an object got them
            state = sorted(state.items(), key=lambda pair: str(pair[0]))
        listed = [list(part) if part is not None else None for part in (items, pairs)]
        return "object", self._each((make, arguments, state, *listed))


def digest_of_bytes(kind: str, parts: Iterable[bytes]) -> bytes:
    """Give the SHA-256 of a kind and some parts, of which none can be taken for the end of another."""
    sha = hashlib.sha256(kind.encode())
    for part in parts:
        sha.update(struct.pack("<q", len(part)))
        sha.update(part)
    return sha.digest()


def is_foreign(filename: str) -> bool:
    """Say whether code comes from an installed package or this one, and not from the user, as does what has no file."""
    folder = Path(filename).parent
    return folder.is_absolute() and (is_installed(str(folder)) or folder.is_relative_to(PACKAGE_FOLDER))


def is_foreign_function(function: FunctionType) -> bool:
    """Say whether a function is not the user's own."""
    return is_foreign(function.__code__.co_filename)


def is_foreign_class(cls: type) -> bool:
    """Say whether a class is built in, or is what an installed module has under its name."""
    if not cls.__flags__ & HEAP_TYPE:
        return True
    module = sys.modules.get(cls.__module__)
    found: object = module
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is cls and is_foreign_module(cls.__module__)


def is_foreign_module(name: str) -> bool:
    """Say whether a module is built in, installed, or a part of this package."""
    if name == "__main__":  # its file may be that of a notebook's or a test's installed program
        return False
    file = getattr(sys.modules.get(name), "__file__", None)
    return name.partition(".")[0] in sys.builtin_module_names or (isinstance(file, str) and is_foreign(file))


LEAVES: Final[dict[type, Callable[[Any], bytes]]] = {
    type(None): lambda _: b"",
    type(...): lambda _: b"",
    type(NotImplemented): lambda _: b"",
    bool: lambda value: b"1" if value else b"0",
    int: lambda value: str(value).encode() if value.bit_length() < 4096 else hex(value).encode(),
    float: lambda value: struct.pack("<d", value),
    complex: lambda value: struct.pack("<dd", value.real, value.imag),
    str: lambda value: value.encode("utf-8", "surrogatepass"),
    bytes: lambda value: value,
    bytearray: bytes,
}

TAKEN_APART: Final[dict[type, Callable[[_Walk, Any], tuple[str, Iterable[bytes]]]]] = {
    list: lambda walk, value: ("list", walk._each(value)),
    tuple: lambda walk, value: ("tuple", walk._each(value)),
    dict: lambda walk, value: ("dict", walk._pairs(value)),
    MappingProxyType: lambda walk, value: ("mappingproxy", walk._pairs(value)),
    set: lambda walk, value: ("set", sorted(walk._each(value))),
    frozenset: lambda walk, value: ("frozenset", sorted(walk._each(value))),
    np.ndarray: _Walk._array,
    FunctionType: _Walk._function,
    CodeType: _Walk._code,
    MethodType: lambda walk, value: ("method", walk._each((value.__func__, value.__self__))),
    BuiltinFunctionType: lambda walk, value: ("builtin", walk._each((_owner(value), value.__qualname__))),
    ModuleType: lambda walk, value: ("module", [value.__name__.encode()]),
    staticmethod: lambda walk, value: ("staticmethod", walk._each((value.__func__,))),
    classmethod: lambda walk, value: ("classmethod", walk._each((value.__func__,))),
    property: lambda walk, value: ("property", walk._each((value.fget, value.fset, value.fdel))),
    cached_property: lambda walk, value: ("cached_property", walk._each((value.func,))),
    type(lru_cache(len)): lambda walk, value: ("lru_cache", walk._each((value.__wrapped__,))),
}


def _owner(function: Any) -> object:
    owner = function.__self__
    return function.__module__ if owner is None or isinstance(owner, ModuleType) else owner
