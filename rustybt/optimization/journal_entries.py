"""Which entries do a run's files hold, and are they whole?"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rustybt.errors import JournalCorrupt, StorageError
from rustybt.optimization.journal_files import AppendFile
from rustybt.optimization.journal_lines import Entry, Head, begun_lines, decode, read_head, returns_match


class Mark(NamedTuple):
    """How far the files are whole.

    Attributes
    ----------
    lines : int
        Bytes of lines.
    returns : int
        Bytes of returns.
    entries : int
        Number of entries.
    """

    lines: int = 0
    returns: int = 0
    entries: int = 0

    def after(self, line: int, returns: int) -> "Mark":
        """Give the mark behind one more entry of so many bytes."""
        return Mark(self.lines + line, self.returns + returns, self.entries + 1)


class Entries(Mapping[tuple[str, int], Entry]):
    """The entries of a run by study and number; each is read from the disk when it is asked for.

    It iterates over one study after the other, in the order in which their entries were written.

    Parameters
    ----------
    lines, returns : AppendFile
        The run's files.
    """

    def __init__(self, lines: AppendFile, returns: AppendFile) -> None:
        self._lines = lines
        self._returns = returns
        self._offsets: dict[str, dict[int, int]] = {}

    def __getitem__(self, key: tuple[str, int]) -> Entry:
        study, number = key
        offset = self._offsets.get(study, {}).get(number)
        if offset is None:
            raise KeyError(key)
        try:
            line = self._lines.read_line(offset)
            head = read_head(line)
            returns = self._returns.read(head.offset, head.length) if head else b""
        except OSError as error:
            why = "the journal is closed" if self._lines.is_closed else error.strerror
            raise StorageError(f"trial {number} of {study!r} cannot be read: {why} ({self._lines.path})") from error
        if head is None or not returns_match(head, returns):
            raise JournalCorrupt(
                f"trial {number} of {study!r} was changed on the disk since the run was opened ({self._lines.path}): "
                "let nothing else write there"
            )
        return decode(line, returns)

    def __contains__(self, key: object) -> bool:
        match key:
            case (str(study), number):
                return number in self._offsets.get(study, ())
        return False

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return ((study, number) for study, offsets in self._offsets.items() for number in offsets)

    def __len__(self) -> int:
        return sum(map(len, self._offsets.values()))

    def add(self, study: str, number: int, offset: int) -> None:
        """Note where an entry's line begins."""
        self._offsets.setdefault(study, {})[number] = offset

    def discard(self, study: str, number: int) -> None:
        """Forget an entry, if it is there."""
        self._offsets.get(study, {}).pop(number, None)


def scan(lines: AppendFile, returns: AppendFile, entries: Entries) -> tuple[Mark, int]:
    """Check all that the files hold, and note the whole entries. Nothing is written.

    Torn may be the last line, where a kill met its writing; and after a power cut, returns may be missing at the end
    that no later line knew to be on the disk.

    Parameters
    ----------
    lines, returns : AppendFile
        The run's files.
    entries : Entries
        Of these files; gets the whole entries.

    Returns
    -------
    tuple of (Mark, int)
        How far the files are whole, and the number of torn trials behind that.

    Raises
    ------
    JournalCorrupt
        If anything else is not as it was written.
    """
    lines_size, returns_size = lines.size, returns.size
    whole = mark = Mark()
    synced = torn = 0
    for line in lines.lines():
        head = read_head(line)
        if head is None and mark.lines + len(line) == lines_size and begun_lines(line) <= 1:
            torn = 1
            break
        if head is None or (why := _misplaced(head, mark, entries)):
            raise _corrupt(lines, mark, "it is not as it was written" if head is None else why)
        after = mark.after(len(line), head.length)
        if mark is whole and after.returns <= returns_size:
            if not returns_match(head, returns.read(head.offset, head.length)):
                raise _corrupt(lines, mark, f"its returns in {returns.path.name} are not as they were written")
            entries.add(head.study, head.number, mark.lines)
            whole = after
        mark = after
        synced = max(synced, head.synced)
    if synced > whole.entries:
        raise _corrupt(lines, whole, f"its returns, which were on the disk, are missing in {returns.path.name}")
    return whole, mark.entries - whole.entries + torn


def _misplaced(head: Head, mark: Mark, entries: Entries) -> str:
    """Say why a whole line cannot stand behind those before it, or nothing."""
    if head.entry != mark.entries or head.offset != mark.returns:
        return f"it is entry {head.entry} where entry {mark.entries} should stand"
    if (head.study, head.number) in entries:
        return f"trial {head.number} of {head.study!r} stands there a second time"
    return ""


def _corrupt(lines: AppendFile, mark: Mark, why: str) -> JournalCorrupt:
    path = str(lines.path)
    return JournalCorrupt(
        f"line {mark.entries + 1} of {path!r} is damaged: {why}. Nothing was changed. Restore the folder from a copy; "
        f"or keep the {mark.entries} trials before it, which are whole, and run the others again: "
        f"truncate -s {mark.lines} {path!r}, then resume"
    )
