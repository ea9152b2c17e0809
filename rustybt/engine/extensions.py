"""What does a user add to the package? Bundles, metrics and order books that extension.py registers, and arguments."""

import importlib
import re
import sys
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from rustybt.data.bundles.layout import data_root
from rustybt.engine.script import execute_source, new_module, read_source
from rustybt.errors import InvalidParameter

DEFAULT_EXTENSION = "extension.py"
ARGUMENT: Final = re.compile(r"((?:[^\d\W]\w*)(?:\.[^\d\W]\w*)*)=(.*)", re.DOTALL)


class Namespace(SimpleNamespace):
    """Arguments by attribute."""


extension_args: Final = Namespace()
"""What the command line's -x gave: `-x feed.key=abc` is `extension_args.feed.key`."""

_loaded: Final[set[str]] = set()


def create_args(args: Iterable[str], root: Namespace) -> None:
    """Put arguments into a namespace.

    Parameters
    ----------
    args : iterable of str
        Each "name=value" or "group.name=value"; values stay text.
    root : Namespace
        Gets them.

    Raises
    ------
    InvalidParameter
        If one has another form, or a name is to be both a value and a group.

    Examples
    --------
    >>> root = Namespace()
    >>> create_args(["feed.key=abc"], root)
    >>> root.feed.key
    'abc'
    """
    found: dict[str, str] = {}
    for arg in args:
        match = ARGUMENT.fullmatch(arg)
        if match is None:
            raise InvalidParameter(f"invalid extension argument {arg!r}: write -x name=value, or -x group.name=value")
        found[match[1]] = match[2]
    for name in sorted(found, key=len):
        *groups, last = name.split(".")
        home: Any = root
        for group in groups:
            if not hasattr(home, group):
                setattr(home, group, Namespace())
            home = getattr(home, group)
            if not isinstance(home, Namespace):
                raise InvalidParameter(
                    f"extension argument {name!r}: {group!r} is a value already, choose another name"
                )
        setattr(home, last, found[name])


def load_extensions(
    default: bool,
    extensions: Iterable[str],
    strict: bool,
    environ: Mapping[str, str] | None = None,
    reload: bool = False,
) -> None:
    """Execute extensions, each once a process.

    Parameters
    ----------
    default : bool
        Whether extension.py in the root comes first; it need not exist.
    extensions : iterable of str
        Files that end in .py, and dotted names of modules.
    strict : bool
        False warns of an extension that fails, and goes on.
    environ : mapping, optional
        Where RUSTYBT_ROOT is looked up; by default the process's environment variables.
    reload : bool
        Execute those again that were executed before.

    Raises
    ------
    ScriptError
        If a file is missing or no Python. What an extension raises itself goes through.
    """
    standard = default_extension(environ)
    chosen = [str(standard)] if default and standard.is_file() else []
    for extension in [*chosen, *extensions]:
        is_file = extension.endswith(".py")
        key = str(Path(extension).resolve()) if is_file else extension
        if key in _loaded and not reload:
            continue
        try:
            if is_file:
                _execute(Path(extension))
            else:
                _import(extension, again=reload)
        except Exception as error:
            if not strict:
                warnings.warn(f"extension {extension!r} failed: {type(error).__name__}: {error}", stacklevel=2)
                continue
            raise
        _loaded.add(key)


def default_extension(environ: Mapping[str, str] | None = None) -> Path:
    """Give the path of extension.py in the root, whether it exists or not."""
    return data_root(environ) / DEFAULT_EXTENSION


def _execute(path: Path) -> None:
    source = read_source(path, "extension")
    execute_source(source, str(path), vars(new_module(f"_extension_{path.stem}", str(path.resolve()))))


def _import(name: str, again: bool) -> None:
    if again and name in sys.modules:
        importlib.reload(sys.modules[name])
    else:
        importlib.import_module(name)
