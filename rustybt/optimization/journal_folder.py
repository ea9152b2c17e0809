"""May a run begin in a folder, and what does one say that the system refuses?"""

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rustybt.data.files import fsync_path
from rustybt.errors import JournalCorrupt, JournalExists, JournalMismatch, RustyBTError, StorageError
from rustybt.optimization.journal_files import AppendFile
from rustybt.optimization.journal_run import RUN_FILE, read_run

LINES_FILE = "trials.jsonl"
RETURNS_FILE = "returns.bin"
LOCK_FILE = "run.lock"

_ADVICE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space, or raise the quota",
    errno.EFBIG: "raise the limit of a file's size (ulimit -f)",
    errno.EACCES: "make the folder writable",
    errno.EPERM: "make the folder writable",
    errno.EROFS: "make the folder writable",
    errno.EEXIST: "move the file there away",
    errno.ENOTDIR: "move the file there away",
    errno.ELOOP: "put the file itself in the place of the link",
}


@contextmanager
def opening(folder: Path) -> Iterator[None]:
    """Say which folder is meant where the system refuses something."""
    try:
        yield
    except RustyBTError:
        raise
    except OSError as error:
        place = f" ({os.fspath(error.filename)})" if error.filename else ""
        raise storage_error(
            f"folder {str(folder)!r} cannot keep a run: {error.strerror}{place}: {advice(error)}, or name another "
            "folder",
            error,
        ) from error


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, which a power cut does not undo."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        fsync_path(path.parent)


def refuse_filled(folder: Path) -> None:
    """Raise unless the folder is empty but for what a `create` leaves that was killed."""
    if os.path.lexists(folder / RUN_FILE):
        raise JournalExists(
            f"folder {str(folder)!r} holds {_describe(folder)}: resume it, or name another folder for another run"
        )
    with os.scandir(folder) as found:
        others = sorted(entry.name for entry in found if not _is_left_over(entry))
    if others:
        raise JournalExists(
            f"folder {str(folder)!r} holds other files, such as {others[0]!r}: name an empty or a missing folder"
        )


def _describe(folder: Path) -> str:
    try:
        began = read_run(folder).began
    except (JournalCorrupt, JournalMismatch):
        return "a run that cannot be read"
    try:
        with open(folder / LINES_FILE, "rb") as lines:
            count = sum(line.endswith(b"\n") for line in lines)
    except OSError:
        return f"a run already, begun {began}"
    return f"a run already, begun {began}, of {count} trials so far"


def _is_left_over(entry: os.DirEntry[str]) -> bool:
    if not entry.is_file(follow_symlinks=False):
        return False
    is_empty = entry.name in (LINES_FILE, RETURNS_FILE) and not entry.stat(follow_symlinks=False).st_size
    return is_empty or entry.name == LOCK_FILE or entry.name.startswith(f".{RUN_FILE}.")


def open_files(folder: Path, handles: ExitStack, *, create: bool) -> tuple[AppendFile, AppendFile]:
    """Open the files of lines and of returns, which `handles` closes."""
    files = []
    for name in (LINES_FILE, RETURNS_FILE):
        try:
            file = AppendFile(folder / name, create=create)
        except FileNotFoundError as error:
            raise JournalCorrupt(f"{str(folder / name)!r} is missing: restore the folder from a copy") from error
        handles.callback(file.close)
        files.append(file)
    return files[0], files[1]


def advice(error: OSError) -> str:
    """Say what to do about an error of the system."""
    return _ADVICE.get(error.errno or 0, "see that the disk and its path are sound")


def storage_error(message: str, cause: OSError) -> StorageError:
    """Give the error with the system's number, as `OSError` has it."""
    error = StorageError(message)
    error.errno = cause.errno
    return error
