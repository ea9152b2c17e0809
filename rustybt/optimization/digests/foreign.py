"""What is defined by an installed package, by Python or by this package, and what by the user?"""

import importlib.util
import os
import sys
from functools import lru_cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from rustybt.installed import is_installed

OWN: Final = Path(__file__).resolve().parents[2]


@lru_cache(maxsize=4096)
def is_foreign_file(file: str) -> bool:
    """Say whether a file is not the user's; code that has no file is the user's.

    Parameters
    ----------
    file : str
        As code objects and modules name it.

    Returns
    -------
    bool
    """
    if file.startswith("<frozen "):
        return True
    return os.path.isabs(file) and (is_installed(os.path.dirname(file)) or Path(file).resolve().is_relative_to(OWN))


def is_foreign(module: "ModuleType | ModuleSpec | None") -> bool:
    """Say whether a module is not the user's; one that is not found is taken for the user's."""
    if module is None:
        return False
    name = module.name if isinstance(module, ModuleSpec) else module.__name__
    file = getattr(module, "__file__", None) or getattr(module, "origin", None)
    if isinstance(file, str) and file not in ("built-in", "frozen"):
        return is_foreign_file(file)
    folders = getattr(module, "__path__", None) or getattr(module, "submodule_search_locations", None)
    if folders:
        return all(is_foreign_file(os.path.join(folder, "__init__.py")) for folder in folders)
    return name.partition(".")[0] in sys.stdlib_module_names


def module_of_name(name: str) -> "ModuleType | ModuleSpec | None":
    """Give a module if it is loaded, else what would be loaded under a name without dots; None if there is nothing."""
    loaded = sys.modules.get(name)
    if loaded is not None or "." in name or not name:
        return loaded
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def holder_of(value: Any) -> ModuleType | None:
    """Give the foreign module in which a function or class stands under its own name; None if there is none.

    Examples
    --------
    >>> holder_of(Path) is not None, holder_of(lambda: None)
    (True, None)
    """
    module = sys.modules.get(str(getattr(value, "__module__", None)))
    found: Any = module
    for part in str(getattr(value, "__qualname__", "")).split("."):
        found = getattr(found, part, None)
    return module if found is value and found is not None and is_foreign(module) else None
