"""Which files belong to the interpreter and its packages, and which are the user's own?"""

import os
import site
import sysconfig
from functools import cache, lru_cache

PACKAGES = frozenset(("site-packages", "dist-packages"))


@lru_cache(maxsize=4096)
def is_installed(folder: str) -> bool:
    """Say whether a folder belongs to what every process of this interpreter can import."""
    path = real_path(os.path.abspath(folder))
    return not PACKAGES.isdisjoint(path.split(os.sep)) or f"{path}{os.sep}".startswith(standard_folders())


@lru_cache(maxsize=4096)
def real_path(folder: str) -> str:
    """Give an absolute path without symbolic links; its parents, which most paths share, are looked at once."""
    parent, name = os.path.split(folder)
    if parent == folder:
        return folder
    return os.path.realpath(folder) if os.path.islink(folder) else os.path.join(real_path(parent), name)


@cache
def standard_folders() -> tuple[str, ...]:
    """Give the folders of the standard library and of installed packages, each with a separator at its end."""
    folders = {sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders |= {*site.getsitepackages(), site.getusersitepackages()}
    return tuple(sorted(os.path.join(os.path.realpath(folder), "") for folder in folders if folder))
