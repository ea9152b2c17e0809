"""How do results of trials stay on disk, for other runs and other processes?

One SQLite file in a folder that the user named, one row a result: names as JSON, numbers as float64, daily returns as
float32, and a digest of all of it. Nothing is pickled. The file can be removed at any time.
"""

import hashlib
import json
import os
import sqlite3
import struct
import time
import warnings
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from rustybt.errors import CacheWarning, StorageError

SCHEMA: Final = 1
"""Of the table; another one stands in another file."""

FILE: Final = f"results-{SCHEMA}.sqlite3"
WAIT_S: Final = 10.0
"""For other processes that write at this moment."""
RETRY_S: Final = 0.01

_CREATE = (
    "CREATE TABLE IF NOT EXISTS results "
    "(key BLOB PRIMARY KEY, names TEXT NOT NULL, numbers BLOB NOT NULL, returns BLOB NOT NULL, digest BLOB NOT NULL)"
)
_INSERT = "INSERT OR REPLACE INTO results (key, names, numbers, returns, digest) VALUES (?, ?, ?, ?, ?)"
_SELECT = "SELECT names, numbers, returns, digest FROM results WHERE key = ?"

_inherited: list[sqlite3.Connection] = []
"""Connections of a parent process, which this one must neither use nor close."""


class CachedResult(NamedTuple):
    """What a trial's backtest came to.

    Attributes
    ----------
    metrics : mapping of str to float
        All metrics, and the values of objectives that are functions.
    returns : bytes
        Daily returns as float32, one a session that was run.
    stopped : str
        Which rule ended the run early; empty for one that came to its end.
    seconds : float
        Time of the simulation.
    """

    metrics: Mapping[str, float]
    returns: bytes
    stopped: str = ""
    seconds: float = 0.0


class ResultStore:
    """Results on disk; where the disk fails, a warning says so once, and nothing is known or kept any more.

    Parameters
    ----------
    folder : Path
        Made if it is missing.

    Attributes
    ----------
    damaged : int
        Results that were not as they were written.

    Raises
    ------
    StorageError
        If the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"folder {str(folder)!r} of cached results cannot be made ({error}): name another"
            ) from None
        self.path = folder / FILE
        self.damaged = 0
        self._reads = self._writes = True
        self._pid = 0
        self._connection: sqlite3.Connection | None = None

    def get(self, key: bytes) -> CachedResult | None:
        """Give a result; None where there is none, or it is damaged."""
        if not self._reads:
            return None
        try:
            row = self._open().execute(_SELECT, (key,)).fetchone()
        except sqlite3.Error as error:
            self._reads = self._writes = False
            self._warn(f"cannot be read ({error}): remove it, and it will be made again")
            return None
        if row is None:
            return None
        found = result_of(key, *row)
        if found is None:
            self.damaged += 1
            if self.damaged == 1:
                self._warn("holds damaged results, which are simulated again: remove it if this comes back")
        return found

    def put(self, key: bytes, result: CachedResult) -> None:
        """Keep a result."""
        if not self._writes:
            return
        try:
            self._open().execute(_INSERT, (key, *row_of(key, result)))
        except sqlite3.Error as error:
            self._writes = False
            self._warn(f"takes no more results ({error}): make room, or name a folder that can be written")

    def _open(self) -> sqlite3.Connection:
        """Give this process's connection."""
        if self._connection is None or self._pid != os.getpid():
            if self._connection is not None:
                _inherited.append(self._connection)
            self._connection = connect(self.path)
            self._pid = os.getpid()
            weakref.finalize(self, close_own, self._connection, self._pid)
        return self._connection

    def _warn(self, what: str) -> None:
        warnings.warn(f"the file of cached results {str(self.path)!r} {what}", CacheWarning, stacklevel=4)

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        if self._connection is not None:
            close_own(self._connection, self._pid)
            self._connection = None


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, and make what it lacks."""
    connection = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
    try:
        change_to_wal(connection)
        for statement in ("PRAGMA synchronous=NORMAL", "PRAGMA temp_store=MEMORY", _CREATE):
            connection.execute(statement)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def change_to_wal(connection: sqlite3.Connection) -> None:
    """Let readers and a writer not wait for one another; SQLite itself does not wait where two processes change it."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the rest of the code says why
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_S)


def close_own(connection: sqlite3.Connection, pid: int) -> None:
    """Close a connection in the process that opened it; elsewhere keep it as it is."""
    if pid == os.getpid():
        connection.close()
    else:
        _inherited.append(connection)


def row_of(key: bytes, result: CachedResult) -> tuple[str, bytes, bytes, bytes]:
    """Give a result as the columns names, numbers, returns and digest."""
    names = json.dumps({"metrics": list(result.metrics), "stopped": result.stopped})
    numbers = struct.pack(f"<{len(result.metrics) + 1}d", result.seconds, *result.metrics.values())
    return names, numbers, result.returns, digest_of_row(key, names, numbers, result.returns)


def result_of(key: bytes, names: Any, numbers: Any, returns: Any, digest: Any) -> CachedResult | None:
    """Give the result of a row; None if the row is not as it was written."""
    kinds = [type(column) for column in (names, numbers, returns, digest)]
    if kinds != [str, bytes, bytes, bytes] or digest != digest_of_row(key, names, numbers, returns):
        return None
    said = json.loads(names)
    seconds, *values = struct.unpack(f"<{len(numbers) // 8}d", numbers)
    return CachedResult(dict(zip(said["metrics"], values, strict=True)), returns, said["stopped"], seconds)


def digest_of_row(key: bytes, names: str, numbers: bytes, returns: bytes) -> bytes:
    """Give what tells whether a row is whole."""
    parts = (key, names.encode("utf-8", "surrogatepass"), numbers, returns)
    head = struct.pack("<4q", *map(len, parts))
    return hashlib.sha256(b"".join((head, *parts))).digest()
