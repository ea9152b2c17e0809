"""How does a user's code cross to another process?

By cloudpickle, with the user's own modules by value: a worker may have been started before they were written, and keeps
no older copy of them. This is the one place where code is pickled; nothing of it touches the disk.
"""

import hashlib
import io
import os
import sys
from collections import ChainMap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.machinery import EXTENSION_SUFFIXES
from threading import RLock
from types import CodeType, ModuleType
from typing import Any, Final, NamedTuple

import cloudpickle

from rustybt.errors import WorkerError
from rustybt.installed import is_installed

EXTENSIONS = tuple(EXTENSION_SUFFIXES)


class Parcel(NamedTuple):
    """Pickled code and the SHA-256 by which a worker knows what it has.

    Attributes
    ----------
    digest : str
        Hexadecimal.
    payload : bytes
        For `unpack`.
    """

    digest: str
    payload: bytes


def pack(value: Any) -> Parcel:
    """Pickle a value with the code it needs.

    Parameters
    ----------
    value : object
        May hold functions and classes of the user's.

    Returns
    -------
    Parcel
        Which `unpack` undoes in any process that has the same packages.

    Raises
    ------
    WorkerError
        If the value holds what no other process can have, such as an open file or a lock.

    Examples
    --------
    >>> unpack(pack(lambda x: x + 1).payload)(2)
    3
    """
    buffer = io.BytesIO()
    with user_modules_by_value():
        try:
            TracedPickler(buffer, protocol=5).dump(value)
        except Exception as error:
            raise WorkerError(
                f"the strategy cannot be sent to worker processes ({type(error).__name__}: {error}): it, or a global "
                "that its functions use, holds something that only this process has; make it in initialize"
            ) from error
    payload = buffer.getvalue()
    return Parcel(hashlib.sha256(payload).hexdigest(), payload)


def reduce_code(code: CodeType) -> tuple[Any, ...]:
    """Reduce a code object as cloudpickle does, but keep its file's name: tracebacks then show the user's lines."""
    constructor, arguments, *_ = cloudpickle.Pickler.dispatch_table[CodeType](code)
    return code_of_file, (code.co_filename, constructor, arguments)


def code_of_file(file: str, constructor: Callable[..., CodeType], arguments: tuple[Any, ...]) -> CodeType:
    """Give the code object of `reduce_code`."""
    return constructor(*arguments).replace(co_filename=file)


class TracedPickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Takes code by value, with the names of the files that it came from."""

    dispatch_table = ChainMap({CodeType: reduce_code}, cloudpickle.Pickler.dispatch_table)


def unpack(payload: bytes) -> Any:
    """Give the value of a parcel that this program packed and sent over its own pipe."""
    return cloudpickle.loads(payload)


@contextmanager
def user_modules_by_value() -> Iterator[None]:
    """Let cloudpickle take the user's modules by value, and forget it afterwards what it was not told before."""
    with _PACKING:
        known = cloudpickle.list_registry_pickle_by_value()
        added = [module for name, module in user_modules() if name not in known]
        try:
            for module in added:
                cloudpickle.register_pickle_by_value(module)
            yield
        finally:
            for module in added:
                cloudpickle.unregister_pickle_by_value(module)


_PACKING: Final = RLock()
"""Cloudpickle keeps one register for all threads."""

_FOREIGN: Final[dict[str, ModuleType]] = {}
"""Modules that are not the user's: most of the more than a thousand that are loaded."""


def user_modules() -> Iterator[tuple[str, ModuleType]]:
    """Yield the loaded modules whose source lies neither in site-packages nor in the standard library."""
    for name, module in list(sys.modules.items()):
        if not isinstance(module, ModuleType) or _FOREIGN.get(name) is module:
            continue
        file = module.__dict__.get("__file__")
        if not is_users(file):
            if file is not None:  # what has no file yet may get one
                _FOREIGN[name] = module
            continue
        # cloudpickle takes __main__ by value anyway
        if module.__name__ == name != "__main__" and name.partition(".")[0] != "rustybt":
            yield name, module


@lru_cache(maxsize=16384)
def is_users(file: object) -> bool:
    """Say whether a module's file is source of the user's; extension modules have no value to take."""
    return isinstance(file, str) and not file.endswith(EXTENSIONS) and not is_installed(os.path.dirname(file))
