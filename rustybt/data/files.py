"""How does a file get onto the disk whole, once, and stay trusted? Locks, syncs, renames, digests."""

from __future__ import annotations

import errno
import fcntl
import glob
import hashlib
import os
import secrets
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_CHUNK_BYTES = 1 << 20


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock, waiting for other processes and threads that hold it.

    The system frees it when the holder dies, so a crash never leaves it behind.

    Parameters
    ----------
    path : Path
        A file for this purpose alone; made if missing, with its folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class Lease:
    """Says that this process uses a file, until the lease is let go or the process ends.

    Parameters
    ----------
    path : Path
        The file, which is only read.

    Raises
    ------
    OSError
        If it cannot be opened, or was taken away meanwhile.
    """

    def __init__(self, path: Path) -> None:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.let_go = weakref.finalize(self, os.close, handle)
        with suppress(OSError):  # a file system without locks: then nothing is kept from being removed
            fcntl.flock(handle, fcntl.LOCK_SH)
        if not os.path.samestat(os.fstat(handle), os.stat(path)):
            self.let_go()
            raise FileNotFoundError(errno.ENOENT, "was replaced while it was opened", str(path))


@contextmanager
def unless_leased(path: Path) -> Iterator[bool]:
    """Keep a file from being leased, and say whether nobody has leased it; a file that is missing nobody has."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield True
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def fsync_path(path: Path) -> None:
    """Make a file's content, or a folder's entries, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path, durable: bool = True) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes the place of `path` when the block ends well.

    Parameters
    ----------
    path : Path
        The final place. Whoever has the old file open or mapped keeps the old content.
    durable : bool
        Whether the content must be whole after a power cut too; not where a reader checks it, and can make it again.

    Yields
    ------
    Path
        On the same file system; removed if the block raises.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        yield beside
        if durable:
            fsync_path(beside)
        beside.replace(path)
        if durable:
            fsync_path(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def remove_leftovers_of(path: Path) -> None:
    """Remove what killed processes left of `replacing` a file; call it with the file's lock held."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*"):
        leftover.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """Give the hexadecimal SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
