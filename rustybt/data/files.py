"""How does a file get onto the disk whole, once, and stay trusted? Locks, syncs, renames, digests."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
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


def sha256_of(path: Path) -> str:
    """Give the hexadecimal SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
