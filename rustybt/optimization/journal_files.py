"""How do appended bytes reach the disk, from one process at a time?"""

import errno
import fcntl
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from rustybt.errors import JournalInUse

_OPEN = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
_PAGE_BYTES = 4096
_CHUNK_BYTES = 1 << 20
_CLOSED = -1


class AppendFile:
    """A regular file, written without a buffer at the place that the caller names.

    What `write` has written survives the death of the process; `sync` lets it survive a power cut. A link is refused,
    so that nothing is written outside the folder.

    Parameters
    ----------
    path : Path
        The file.
    create : bool
        Make it if it is missing.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        self._handle = os.open(path, _OPEN | (os.O_CREAT if create else 0), 0o644)
        if not stat.S_ISREG(os.fstat(self._handle).st_mode):
            os.close(self._handle)
            raise OSError(errno.EINVAL, "this is no regular file", str(path))

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._handle == _CLOSED

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return os.fstat(self._handle).st_size

    def write(self, data: bytes, at: int) -> None:
        """Write all of it, or raise OSError having written a part."""
        written = os.pwrite(self._handle, data, at) if data else 0
        while written < len(data):
            written += os.pwrite(self._handle, memoryview(data)[written:], at + written)

    def cut(self, size: int) -> None:
        """Drop what stands behind that many bytes."""
        if self.size > size:
            os.ftruncate(self._handle, size)

    def sync(self) -> None:
        """Wait until the disk has all that was written."""
        os.fsync(self._handle)

    def read(self, at: int, length: int) -> bytes:
        """Read bytes; fewer where the file ends."""
        data = os.pread(self._handle, length, at) if length else b""
        while len(data) < length and (more := os.pread(self._handle, length - len(data), at + len(data))):
            data += more
        return data

    def read_line(self, at: int) -> bytes:
        """Read the line that begins there, with its end."""
        line = b""
        while b"\n" not in line and (more := os.pread(self._handle, _PAGE_BYTES, at + len(line))):
            line += more
        return line[: line.find(b"\n") + 1]

    def lines(self) -> Iterator[bytes]:
        """Read line after line, each with its end; the last one may lack it."""
        os.lseek(self._handle, 0, os.SEEK_SET)
        with open(self._handle, "rb", _CHUNK_BYTES, closefd=False) as file:
            yield from file

    def close(self) -> None:
        """Give the handle back; every other call then raises OSError."""
        handle, self._handle = self._handle, _CLOSED
        os.close(handle)


class Syncer:
    """A thread that calls a function soon after it was told that there is something to do, and sleeps otherwise.

    Parameters
    ----------
    function : callable
        Called without arguments; what it raises ends the process's thread, so it keeps its errors to itself.
    delay_s : float
        Time from the first `touch` to the call, in which further ones are gathered.
    """

    def __init__(self, function: Callable[[], None], delay_s: float) -> None:
        self._function = function
        self._delay_s = delay_s
        self._is_touched = threading.Event()
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rustybt-journal", daemon=True)
        self._thread.start()

    def touch(self) -> None:
        """Say that there is something to do."""
        if not self._is_touched.is_set():
            self._is_touched.set()

    def stop(self) -> None:
        """End the thread, without a last call."""
        self._is_stopping.set()
        self._is_touched.set()
        self._thread.join()

    def _run(self) -> None:
        while self._is_touched.wait() and not self._is_stopping.wait(self._delay_s):
            self._is_touched.clear()  # before the call: what is written during it asks for another one
            self._function()


def hold(path: Path) -> int:
    """Lock a file for this process, or say who holds it.

    The system frees the lock when the holder dies, so that a killed process is no obstacle.

    Parameters
    ----------
    path : Path
        A file for this purpose alone; made if missing. It keeps the holder's process id.

    Returns
    -------
    int
        The handle, which holds the lock until it is closed.

    Raises
    ------
    JournalInUse
        If a process, or another journal of this one, holds it.
    """
    handle = os.open(path, _OPEN | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.pwrite(handle, b"%-20d\n" % os.getpid(), 0)  # always as long, so that a full disk has room for it
    except BlockingIOError as error:
        words = os.pread(handle, _PAGE_BYTES, 0).split()
        os.close(handle)
        raise JournalInUse(
            f"the run in {str(path.parent)!r} is being written by {_process(words)}: wait for its end, or stop it"
        ) from error
    except OSError:
        os.close(handle)
        raise
    return handle


def _process(words: list[bytes]) -> str:
    if not words or not words[0].isdigit():
        return "another process"
    pid = int(words[0])
    return "another optimization of this process" if pid == os.getpid() else f"process {pid}, or a child that it left"
