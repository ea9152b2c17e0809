"""How is a bundle that came from files read again? As its manifest remembers: the source, and how it was read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rustybt.constants import DEFAULT_CALENDAR, DEFAULT_PRICE_QUANTUM
from rustybt.data.bundles.csvdir import Folder
from rustybt.data.bundles.from_source import Options, SourceIngest, SourceOf, checked_pay_lag
from rustybt.data.bundles.parquetdir import ParquetFolder, checked_mapping
from rustybt.data.bundles.raw_bars import FRAMES, Frame, Source
from rustybt.data.bundles.registry import RegisteredBundle
from rustybt.data.bundles.screening import checked_on_bad_bars
from rustybt.errors import BundleCorrupt, InvalidParameter

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

    from rustybt.data.bundles.frame_cache import FrameCache

ALWAYS_OPEN: Final = "24/7"
"""The calendar of markets whose prices need all their digits."""


class Remembered:
    """What a manifest says of its source, in one place.

    Parameters
    ----------
    kind : {"csvdir", "parquetdir"}
        Of the source.
    path : path-like or None
        Where it is; None for what is in memory.
    calendar : str
        Exchange calendar of the bars.
    on_bad_bars : {"error", "drop", "keep"}
        What becomes of bars that cannot be.
    dividend_pay_lag : int, optional
        Days from the ex-date to the payment of dividends without a pay date.
    full_precision : bool
        Let the engine see prices with all their digits; those of calendar 24/7 are seen so always.
    columns : mapping of str to str, optional
        Of a long table, see `parquetdir.LongTable`.
    frame : {"daily", "minute"}, optional
        Of a long table.

    Raises
    ------
    InvalidParameter
        If one of them cannot be.
    """

    def __init__(
        self,
        kind: str,
        path: str | os.PathLike[str] | None,
        calendar: str = DEFAULT_CALENDAR,
        *,
        on_bad_bars: str = "error",
        dividend_pay_lag: int | None = None,
        full_precision: bool = False,
        columns: Mapping[str, str] | None = None,
        frame: Frame | None = None,
    ) -> None:
        self.kind, self.calendar = kind, calendar
        self.path = None if path is None else Path(path).expanduser().absolute()
        self.on_bad_bars = checked_on_bad_bars(on_bad_bars)
        self.dividend_pay_lag = checked_pay_lag(dividend_pay_lag)
        self.full_precision = full_precision
        self.columns = checked_mapping(columns or {})
        if frame is not None and frame not in FRAMES:
            raise InvalidParameter(f"frame {frame!r} is not known: choose 'daily' or 'minute', or leave it out")
        self.frame = frame

    @property
    def place(self) -> Path:
        """Where the source is, which has to be in files."""
        assert self.path is not None, f"a source of kind {self.kind} is in no file"
        return self.path

    def for_manifest(self) -> dict[str, Any]:
        """Give what a manifest keeps: what is not as usual."""
        said: dict[str, Any] = {"kind": self.kind, "calendar": self.calendar}
        if self.path is not None:
            said["path"] = str(self.path)
        usual: dict[str, Any] = {
            "on_bad_bars": "error",
            "dividend_pay_lag": None,
            "full_precision": False,
            "columns": {},
            "frame": None,
        }
        return said | {name: getattr(self, name) for name, value in usual.items() if getattr(self, name) != value}

    def bundle(self) -> RegisteredBundle:
        """Give the registration that reads the source."""
        return self.bundle_of(self._open)

    def bundle_of(self, source_of: SourceOf) -> RegisteredBundle:
        """Give the registration that reads a source which only its caller has."""
        options = Options(self.on_bad_bars, self.dividend_pay_lag)
        exact = self.full_precision or self.calendar == ALWAYS_OPEN
        return RegisteredBundle(
            SourceIngest(source_of, options),
            self.calendar,
            price_quantum=None if exact else DEFAULT_PRICE_QUANTUM,
            source=self.for_manifest(),
        )

    def _open(
        self, environ: Mapping[str, str], calendar: ExchangeCalendar, cache: FrameCache, show_progress: bool
    ) -> Source:
        return SOURCES[self.kind](self)


SOURCES: Final[Mapping[str, Callable[[Remembered], Source]]] = {
    "csvdir": lambda said: Folder(said.place),
    "parquetdir": lambda said: ParquetFolder(said.place, said.columns, said.frame),
}
"""How sources are opened, by kind."""


def remembered_bundle(source: Mapping[str, Any]) -> RegisteredBundle | None:
    """Give the registration that a manifest remembers; None if its source cannot be read again by itself.

    Parameters
    ----------
    source : mapping
        Of a manifest.

    Returns
    -------
    RegisteredBundle or None

    Raises
    ------
    BundleCorrupt
        If it says what this release does not know.
    """
    if source.get("kind") not in SOURCES:
        return None
    said = dict(source)
    try:
        return Remembered(said.pop("kind"), said.pop("path"), **said).bundle()
    except (KeyError, TypeError) as error:
        raise BundleCorrupt(f"source {dict(source)} cannot be read again ({error}): ingest it by its path") from error
