"""What is on disk of a file that is being downloaded? Its first bytes, and what tells whether the rest fits to them."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote

from rustybt.data.bundles.url_template import Wanted
from rustybt.data.files import fsync_path, replacing

FRESH_S: Final = 24 * 3600.0
"""For how long a file that came whole is taken for what the server has."""
_ENDINGS: Final = (".csv", ".csv.gz", ".parquet")
_CHUNK_BYTES: Final = 1 << 20
_NAME_CHARACTERS: Final = 60


class Incomplete(Exception):
    """What came is not the whole file."""


class TooLarge(Exception):
    """What came is, or unpacks to, more than is allowed."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a server says of a file.

    Attributes
    ----------
    etag : str or None
        Its strong entity tag.
    modified : str or None
        When it was last modified, as the server writes it.
    total : int or None
        Its bytes.
    """

    etag: str | None = None
    modified: str | None = None
    total: int | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str], total: int | None) -> Expected:
        """Read an answer's headers; a weak tag says nothing about bytes."""
        etag = headers.get("etag")
        strong = etag if etag and not etag.startswith("W/") else None
        return cls(strong, headers.get("last-modified"), total)

    @property
    def condition(self) -> str | None:
        """What `If-Range` says; None where the rest of a file cannot be asked for."""
        return self.etag or self.modified

    def fits(self, other: Expected) -> bool:
        """Say whether another answer is about the same bytes."""
        pairs = ((self.etag, other.etag), (self.modified, other.modified), (self.total, other.total))
        return all(mine is None or theirs is None or mine == theirs for mine, theirs in pairs)


class PartFile:
    """A file in a folder of downloads, under a name that neither symbol nor server decides.

    Parameters
    ----------
    folder : Path
        Of downloads.
    wanted : Wanted
        The file.
    """

    def __init__(self, folder: Path, wanted: Wanted) -> None:
        said = json.dumps([wanted.shown, sorted(wanted.headers)])
        readable = quote(wanted.symbol, safe="").replace(".", "%2E")[:_NAME_CHARACTERS]
        self._folder = folder
        self._stem = f"{readable}-{sha256(said.encode()).hexdigest()[:16]}"
        self._part, self._meta = self._named(".part"), self._named(".json")
        self._doubt = self._named(".doubt")

    def _named(self, ending: str) -> Path:
        return self._folder / (self._stem + ending)

    @property
    def whole(self) -> Path | None:
        """The file, if it came whole not long ago and nothing was wrong with it."""
        found = [path for path in map(self._named, _ENDINGS) if path.is_file()]
        if len(found) == 1 and not self._doubt.exists() and 0 <= time.time() - found[0].stat().st_mtime < FRESH_S:
            return found[0]
        for path in (*found, self._doubt):
            path.unlink(missing_ok=True)
        return None

    def begin_use(self) -> None:
        """Note that the file is being read: if that is all that is left of an ingest, the file may be at fault."""
        self._doubt.touch()

    def end_use(self) -> None:
        """Note that nothing was wrong with the file."""
        self._doubt.unlink(missing_ok=True)

    @property
    def size(self) -> int:
        """Bytes that came."""
        return self._part.stat().st_size if self._part.is_file() else 0

    def held(self) -> tuple[int, Expected]:
        """Give the bytes that are there, if the rest can be asked for, and what the server said of the file."""
        try:
            said = Expected(**json.loads(self._meta.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return 0, Expected()
        return (self.size, said) if said.condition else (0, Expected())

    def begin(self, said: Expected) -> None:
        """Begin anew."""
        self._part.write_bytes(b"")
        with replacing(self._meta, durable=False) as beside:
            beside.write_text(json.dumps(asdict(said)), encoding="utf-8")

    def discard(self) -> None:
        """Forget the bytes that came."""
        self._meta.unlink(missing_ok=True)
        self._part.unlink(missing_ok=True)

    def opened(self) -> BinaryIO:
        """Open the file to add what comes next."""
        return self._part.open("ab")

    def finish(self, end_is_sure: bool, max_bytes: int) -> Path:
        """Rename the file into place.

        Parameters
        ----------
        end_is_sure : bool
            Whether the server said how long the file is, or where it ends.
        max_bytes : int
            What a packed file may unpack to.

        Returns
        -------
        Path

        Raises
        ------
        Incomplete
            If it lacks its end; it is discarded.
        TooLarge
            If it unpacks to more; it is discarded.
        """
        try:
            ending = _ending_of(self._part, end_is_sure, max_bytes)
        except (Incomplete, TooLarge):
            self.discard()
            raise
        fsync_path(self._part)
        path = self._named(ending)
        self._part.replace(path)
        self._meta.unlink(missing_ok=True)
        return path


def _ending_of(path: Path, end_is_sure: bool, max_bytes: int) -> str:
    """See from the first bytes what a file is, and from the last whether it is all there."""
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.read(4)
        file.seek(max(0, size - 4))
        last = file.read()
    if first == b"PAR1":
        if size < 12 or last != b"PAR1":
            raise Incomplete("it begins as a Parquet file, and does not end as one")
        return ".parquet"
    if first[:2] == b"\x1f\x8b":
        _check_packed(path, max_bytes)
        return ".csv.gz"
    if not end_is_sure and last[-1:] not in (b"\n", b"\r"):
        raise Incomplete("the server did not say how long it is, and its last line has no end")
    return ".csv"


def _check_packed(path: Path, max_bytes: int) -> None:
    """Unpack a file once, so that it is known to be whole, and not to fill the memory."""
    total = 0
    try:
        with gzip.open(path, "rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                total += len(chunk)
                if total > max_bytes:
                    raise TooLarge(f"it unpacks to more than {max_bytes:,} bytes")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Incomplete(f"it begins as a gzip file, and cannot be unpacked ({error})") from error
