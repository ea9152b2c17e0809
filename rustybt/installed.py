"""Which files belong to the interpreter and its packages, and which are the user's own?"""

import site
import sysconfig
from functools import cache, lru_cache
from pathlib import Path


@lru_cache(maxsize=4096)
def is_installed(folder: str) -> bool:
    """Say whether a folder belongs to what every process of this interpreter can import."""
    path = Path(folder).resolve()
    return not {"site-packages", "dist-packages"}.isdisjoint(path.parts) or any(
        path.is_relative_to(root) for root in standard_folders()
    )


@cache
def standard_folders() -> tuple[Path, ...]:
    """Give the folders of the standard library and of installed packages."""
    folders = {sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders |= {*site.getsitepackages(), site.getusersitepackages()}
    return tuple(sorted(Path(folder).resolve() for folder in folders if folder))
