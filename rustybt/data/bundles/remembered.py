"""How is a bundle whose source is known read again? As its manifest remembers: the source, and how it was read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from rustybt.constants import DEFAULT_CALENDAR, DEFAULT_PRICE_QUANTUM
from rustybt.data.bundles.csvdir import Folder
from rustybt.data.bundles.datasets import Given, checked_datasets, path_of
from rustybt.data.bundles.from_source import Options, SourceIngest, SourceOf, checked_pay_lag
from rustybt.data.bundles.http_source import HttpFiles
from rustybt.data.bundles.layout import bundle_path, ingestions
from rustybt.data.bundles.parquetdir import ParquetFolder, checked_mapping
from rustybt.data.bundles.raw_bars import FRAMES, Frame, Source
from rustybt.data.bundles.registry import RegisteredBundle
from rustybt.data.bundles.screening import checked_on_bad_bars
from rustybt.data.bundles.yahoo_source import YahooTickers
from rustybt.data.bundles.zipline_bundle import ZiplineBundle
from rustybt.data.manifest import read_manifest
from rustybt.errors import BundleCorrupt, InvalidParameter, UnknownBundle, did_you_mean

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

    from rustybt.data.bundles.frame_cache import FrameCache

ALWAYS_OPEN: Final = "24/7"
"""The calendar of markets whose prices need all their digits."""


class Where(Protocol):
    """Where a source of some kind is: a frozen dataclass, whose fields a manifest keeps where they are not as usual."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def opened(
        self, environ: Mapping[str, str], calendar: ExchangeCalendar, cache: FrameCache, show_progress: bool
    ) -> Source:
        """Open the source."""


@dataclass(frozen=True, slots=True)
class AtPath:
    """Files at a path, which holds in any folder."""

    path: str | os.PathLike[str]

    def __post_init__(self) -> None:
        """Make the path absolute."""
        object.__setattr__(self, "path", Path(self.path).expanduser().absolute())


@dataclass(frozen=True, slots=True)
class CsvFolder(AtPath):
    """A folder of files, one a symbol, see `csvdir.Folder`."""

    def opened(
        self, environ: Mapping[str, str], calendar: ExchangeCalendar, cache: FrameCache, show_progress: bool
    ) -> Source:
        """Open the folder."""
        return Folder(Path(self.path))


@dataclass(frozen=True, slots=True)
class LongTables(AtPath):
    """Long tables in Parquet, see `parquetdir.ParquetFolder`."""

    columns: Mapping[str, str] = field(default_factory=dict)
    frame: Frame | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        AtPath.__post_init__(self)
        object.__setattr__(self, "columns", checked_mapping(self.columns or {}))
        if self.frame is not None and self.frame not in FRAMES:
            raise InvalidParameter(f"frame {self.frame!r} is not known: choose 'daily' or 'minute', or leave it out")

    def opened(
        self, environ: Mapping[str, str], calendar: ExchangeCalendar, cache: FrameCache, show_progress: bool
    ) -> Source:
        """Open the tables."""
        return ParquetFolder(Path(self.path), self.columns, self.frame)


@dataclass(frozen=True, slots=True)
class ZiplineFolder(AtPath):
    """The folder of a bundle that Zipline has ingested, see `zipline_bundle.ZiplineBundle`."""

    def opened(
        self, environ: Mapping[str, str], calendar: ExchangeCalendar, cache: FrameCache, show_progress: bool
    ) -> Source:
        """Open the folder."""
        return ZiplineBundle(Path(self.path), calendar.name)


SOURCES: Final[Mapping[str, Callable[..., Where]]] = {
    "csvdir": CsvFolder,
    "parquetdir": LongTables,
    "http": HttpFiles,
    "yfinance": YahooTickers,
    "zipline": ZiplineFolder,
}
"""Where sources are, by kind."""

_HOW: Final = ("on_bad_bars", "dividend_pay_lag", "full_precision", "datasets")
"""Options of every kind."""


class Remembered:
    """What a manifest says of its source, in one place.

    Parameters
    ----------
    kind : str
        One of `SOURCES`; any other for what is in memory, which cannot be read again.
    calendar : str
        Exchange calendar of the bars.
    on_bad_bars : {"error", "drop", "keep"}
        What becomes of bars that cannot be.
    dividend_pay_lag : int, optional
        Days from the ex-date to the payment of dividends without a pay date.
    full_precision : bool
        Let the engine see prices with all their digits; those of calendar 24/7 are seen so always.
    datasets : mapping of str to path-like or DataFrame, optional
        Point-in-time tables by name, see `datasets.read_dataset`.
    **where
        Fields of the kind.

    Raises
    ------
    InvalidParameter
        If one of them cannot be.
    """

    def __init__(
        self,
        kind: str,
        calendar: str = DEFAULT_CALENDAR,
        *,
        on_bad_bars: str = "error",
        dividend_pay_lag: int | None = None,
        full_precision: bool = False,
        datasets: Mapping[str, Given] | None = None,
        **where: Any,
    ) -> None:
        self.kind, self.calendar = kind, calendar
        self.on_bad_bars = checked_on_bad_bars(on_bad_bars)
        self.dividend_pay_lag = checked_pay_lag(dividend_pay_lag)
        self.full_precision = full_precision
        self.datasets = checked_datasets(datasets or {})
        if kind not in SOURCES and where:
            near = did_you_mean(kind, SOURCES)
            raise InvalidParameter(f"a source of kind {kind!r}{near} takes no {', '.join(sorted(where))}")
        self.where = SOURCES[kind](**where) if kind in SOURCES else None

    def for_manifest(self) -> dict[str, Any]:
        """Give what a manifest keeps: what is not as usual."""
        said: dict[str, Any] = {"kind": self.kind, "calendar": self.calendar}
        usual = {"on_bad_bars": "error", "dividend_pay_lag": None, "full_precision": False}
        said |= {name: getattr(self, name) for name, value in usual.items() if getattr(self, name) != value}
        files = {name: path for name, given in self.datasets.items() if (path := path_of(given)) is not None}
        said |= {"datasets": files} if files else {}
        return said if self.where is None else said | unusual(self.where)

    def bundle(self) -> RegisteredBundle:
        """Give the registration that reads the source."""
        assert self.where is not None, f"a source of kind {self.kind} can be read by its caller alone"
        return self.bundle_of(self.where.opened)

    def bundle_of(self, source_of: SourceOf) -> RegisteredBundle:
        """Give the registration that reads a source which only its caller has."""
        options = Options(self.on_bad_bars, self.dividend_pay_lag)
        exact = self.full_precision or self.calendar == ALWAYS_OPEN
        return RegisteredBundle(
            SourceIngest(source_of, options),
            self.calendar,
            price_quantum=None if exact else DEFAULT_PRICE_QUANTUM,
            source=self.for_manifest(),
            datasets=self.datasets,
        )


def asked_for(kind: str, calendar_name: str, how: Mapping[str, Any], **where: Any) -> Remembered:
    """Give what a caller asked for, and refuse options that a source of its kind does not have.

    Parameters
    ----------
    kind, calendar_name : str
        See `Remembered`.
    how : mapping of str to object
        The options, as the caller named them.
    **where
        Fields of the kind that the caller gave as parameters of their own.

    Returns
    -------
    Remembered

    Raises
    ------
    InvalidParameter
        If there is no such option, or one of them cannot be.
    """
    of_kind = signature(SOURCES[kind]).parameters if kind in SOURCES else {}
    known = (*_HOW, *(name for name in of_kind if name not in where))
    for name in how:
        if name not in known:
            near = did_you_mean(name, ["calendar_name", *known])
            raise InvalidParameter(f"option {name!r} is not known{near}: there are calendar_name, {', '.join(known)}")
    return Remembered(kind, calendar_name, **where, **how)


def unusual(where: Where) -> dict[str, Any]:
    """Give the fields that are not as they are by default, as JSON has them."""
    said = {}
    for one in fields(where):
        value = getattr(where, one.name)
        usual = one.default if one.default_factory is MISSING else one.default_factory()
        if value != usual:
            said[one.name] = _plain(value)
    return said


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


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
        return Remembered(**said).bundle()
    except (KeyError, TypeError) as error:
        raise BundleCorrupt(f"source {said} cannot be read again ({error}): ingest it by its path") from error


def source_on_disk(name: str, root: Path) -> RegisteredBundle | None:
    """Give the registration that the newest version on disk remembers, of those that are not damaged.

    Parameters
    ----------
    name : str
        The bundle.
    root : Path
        The data folder.

    Returns
    -------
    RegisteredBundle or None
        None if there is no version, or its source cannot be read again.

    Raises
    ------
    UnknownBundle
        If the version was made of frames.
    BundleCorrupt
        If all versions are damaged.
    """
    source = _newest_source(root, name)
    if source is None:
        return None
    bundle = remembered_bundle(source)
    if bundle is None and source.get("kind") == "frames":
        raise UnknownBundle(
            f"bundle {name!r} was made of frames, which cannot be read again by its name: pass them to ingest_frames, "
            "with append=True to go on"
        )
    return bundle


def _newest_source(root: Path, name: str) -> Mapping[str, Any] | None:
    damage: BundleCorrupt | None = None
    for version in reversed(ingestions(root, name)):
        try:
            return read_manifest(bundle_path(root, name) / version).source
        except BundleCorrupt as error:
            damage = damage or error
    if damage is not None:
        raise damage
    return None
