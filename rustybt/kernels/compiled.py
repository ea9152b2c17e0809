"""How are kernels compiled, once per machine and never from stale code?

numba keeps what it compiled beside the code, under the modification time of one file; a kernel that inlines functions
of another file would go on running the old ones. So the cache's folder is named after the content of all kernels.
"""

import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import numba
from numba.core import config, event
from numba.extending import register_jitable

from rustybt.kernels import fills, stops

log = logging.getLogger("rustybt.kernels")

Function = TypeVar("Function", bound=Callable[..., Any])

KERNELS: Final = Path(__file__).parent
PREFIX: Final = "compiled-"


def digest_of(folder: Path) -> str:
    """Name the content of a folder's Python files."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def cache_folder(folder: Path = KERNELS) -> Path | None:
    """Give the folder for compiled kernels, beside the code as Python's own compiled files are.

    Parameters
    ----------
    folder : Path
        Of the kernels' sources.

    Returns
    -------
    Path or None
        None where the code's folder is not writable: numba then chooses one of the user's. Folders of earlier code are
        removed.
    """
    beside = folder / "__pycache__"
    own = beside / f"{PREFIX}{digest_of(folder)}"
    if own.is_dir() and os.access(own, os.W_OK):
        return own
    try:
        own.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    for stale in beside.glob(f"{PREFIX}*"):
        if stale != own:
            shutil.rmtree(stale, ignore_errors=True)
    return own


_FOLDER: Final = cache_folder()
_OURS: Final[set[Callable[..., Any]]] = set()


def compiled(function: Function, counts_owners: bool = True) -> Function:
    """Compile a kernel at its first call, or load what an earlier process compiled.

    Parameters
    ----------
    function : callable
        The kernel.
    counts_owners : bool
        False for a kernel of which no part makes an array; see `inner`.

    Returns
    -------
    callable
        Called as the function is.

    Notes
    -----
    Division by zero gives infinity or NaN, as in NumPy; nothing is reordered or contracted, so that the bits are those
    of the same function in Python.
    """
    jit: Any = numba.njit
    before = config.CACHE_DIR  # type: ignore[attr-defined]
    if _FOLDER is not None:
        config.CACHE_DIR = str(_FOLDER)  # type: ignore[attr-defined]
    try:
        kernel: Function = jit(cache=True, error_model="numpy", nogil=True, _nrt=counts_owners)(function)
    finally:
        config.CACHE_DIR = before  # type: ignore[attr-defined]
    _OURS.add(function)
    return kernel


def inner(function: Function) -> Function:
    """Compile a function that only kernels call, without counting owners of arrays.

    Each call would otherwise count an owner more, and afterwards less, of every array of its arguments, which costs
    twenty times what a small function's work does. The caller in Python owns them all the time; nothing here may make
    an array.
    """
    jit: Any = numba.njit
    part: Function = jit(error_model="numpy", _nrt=False, forceinline=True)(function)
    return part


def is_compiled(kernel: Callable[..., Any]) -> bool:
    """Say whether an earlier process left a kernel compiled, for whatever kinds of arguments."""
    name = kernel.__name__
    return _FOLDER is not None and any(_FOLDER.rglob(f"*.{name}-*.nbc"))


class _Announcement(event.Listener):
    """Says once that kernels are being compiled, because it takes a while."""

    def on_start(self, event: Any) -> None:
        if event.data["dispatcher"].py_func in _OURS:
            log.warning("compiling the kernels for this machine: this happens once and takes some seconds")
            _OURS.clear()

    def on_end(self, event: Any) -> None:
        """Nothing to say."""


event.register("numba:compile", _Announcement())  # type: ignore[no-untyped-call]

# What the event tier calls as it is, and kernels inline.
for _function in (
    fills.price_fill,
    fills.charge,
    fills.book_fill,
    fills.book_commission,
    fills.round_cents,
    fills.book_split,
    fills.fill_and_book,
    stops.stop_code,
):
    register_jitable(forceinline=True)(_function)
