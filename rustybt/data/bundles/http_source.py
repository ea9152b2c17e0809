"""How do files on a server become a bundle? One a symbol, downloaded first, then read as those of a folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from rustybt.data.bundles.columns import adjusted_note
from rustybt.data.bundles.csvfile import header_of, read_csv
from rustybt.data.bundles.http_download import Manner, download
from rustybt.data.bundles.parquetfile import parquet_header, read_parquet_bars
from rustybt.data.bundles.part_file import PartFile
from rustybt.data.bundles.raw_bars import FRAMES, Facts, Frame, Origin, Place, RawBars
from rustybt.data.bundles.symbol_lists import checked_days, checked_symbols, symbols_of
from rustybt.data.bundles.url_template import Wanted, checked_headers, checked_template, wanted_file
from rustybt.errors import BadData, InvalidParameter

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

    from rustybt.data.bundles.frame_cache import FrameCache

FOLDER: Final = "http"
"""Of downloads, in the bundle's cache."""


@dataclass(frozen=True, slots=True)
class HttpFiles:
    """Where the files of a bundle are on a server.

    Attributes
    ----------
    template : str
        Their URLs, such as "https://host/{symbol}.csv?from={start}&apikey=$KEY", see `url_template`.
    symbols : sequence of str
        Whose files, as the server knows them; bundles have them in capitals.
    symbols_file : path-like, optional
        A text file that has them instead, one a line; it is read again with every ingest.
    frame : {"daily", "minute"}
        What the rows are.
    start, end : str, optional
        What `{start}` and `{end}` stand for.
    headers : mapping of str to str
        What requests say beside, such as {"Authorization": "Bearer $TOKEN"}: values of environment variables are never
        kept.
    connections, rate, retries, timeout_s
        As in `http_download.Manner`, the last for the next bytes.
    """

    template: str
    symbols: Sequence[str] = ()
    symbols_file: str | Path | None = None
    frame: Frame = "daily"
    start: str | None = None
    end: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    connections: int = 8
    rate: float | None = None
    retries: int = 5
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        checked_template(self.template)
        checked_headers(self.headers)
        object.__setattr__(self, "symbols", checked_symbols(self.symbols, self.symbols_file))
        if self.symbols_file is not None:
            object.__setattr__(self, "symbols_file", Path(self.symbols_file).expanduser().absolute())
        if self.frame not in FRAMES:
            raise InvalidParameter(f"frame {self.frame!r} is not known: choose 'daily' or 'minute'")
        for name, day in checked_days(self.start, self.end).items():
            object.__setattr__(self, name, day)
        self._manner()

    def _manner(self) -> Manner:
        return Manner(self.connections, self.rate, self.retries, self.timeout_s)

    def opened(
        self, environ: Mapping[str, str], calendar: ExchangeCalendar, cache: FrameCache, show_progress: bool
    ) -> DownloadedFiles:
        """Download the files, and give them as a source."""
        folder = cache.path / FOLDER
        files = self._wanted(environ)
        paths = download(files, folder, self._manner(), show_progress)
        return DownloadedFiles([Downloaded(one, paths[one.symbol], PartFile(folder, one)) for one in files], self.frame)

    def _wanted(self, environ: Mapping[str, str]) -> list[Wanted]:
        dates = {name: day for name, day in (("start", self.start), ("end", self.end)) if day is not None}
        return [
            wanted_file(self.template, self.headers, symbol, given, dates, environ)
            for symbol, given in sorted(symbols_of(self.symbols, self.symbols_file).items())
        ]


class Downloaded(NamedTuple):
    """A file that came whole."""

    wanted: Wanted
    path: Path
    part: PartFile

    @property
    def is_parquet(self) -> bool:
        """Whether it is in Parquet."""
        return self.path.suffix == ".parquet"

    def bars(self) -> RawBars:
        """Read it; messages name its URL."""
        symbol = self.wanted.symbol
        try:
            raw = read_parquet_bars(self.path, symbol) if self.is_parquet else read_csv(self.path, symbol)
        except BadData as error:
            raise BadData(str(error).replace(str(self.path), self.wanted.shown)) from error
        return raw._replace(origin=UrlOrigin(self.wanted.shown, raw.origin))

    def header(self) -> list[str]:
        """Name its columns."""
        return parquet_header(self.path) if self.is_parquet else header_of(self.path, self.wanted.symbol)


class UrlOrigin(NamedTuple):
    """The rows of a file that lies at a URL."""

    url: str
    inner: Origin

    def places(self, rows: Sequence[int]) -> list[Place]:
        """Give the places of rows."""
        return [Place(self.url, place.line) for place in self.inner.places(rows)]


class DownloadedFiles:
    """Downloaded files as a source.

    Parameters
    ----------
    files : sequence of Downloaded
        By symbol, in alphabetical order.
    frame : {"daily", "minute"}
        What their rows are.
    """

    def __init__(self, files: Sequence[Downloaded], frame: Frame) -> None:
        self._files, self._frame = files, frame

    def symbols(self, frame: Frame) -> Collection[str]:
        """Name the symbols that have a file."""
        return [one.wanted.symbol for one in self._files] if frame == self._frame else []

    def bars(self, frame: Frame) -> Iterator[RawBars]:
        """Read one file after the other; one with which an ingest ends is downloaded again by the next."""
        for one in self._files if frame == self._frame else ():
            one.part.begin_use()
            yield one.bars()
            one.part.end_use()

    def facts(self) -> Facts:
        """Say that an adjusted close is not read, where there is one."""
        note = adjusted_note(self._files[0].header())
        return Facts(notes=() if note is None else (note,))
