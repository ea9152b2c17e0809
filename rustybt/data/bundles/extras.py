"""Is a package there that only some sources need? If not, say how to get it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from rustybt.errors import MissingExtra


def needed(module: str, extra: str) -> Any:
    """Import a package.

    Parameters
    ----------
    module : str
        Its name.
    extra : str
        The extra of rustybt that has it.

    Returns
    -------
    module

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise MissingExtra(f'{module} is not installed: run pip install "rustybt[{extra}]"') from error
