"""How does a new version of a bundle come about? Under a lock, in a folder beside, renamed into place when whole."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from rustybt.calendars import SessionTable, get_calendar, naive_day, session_table
from rustybt.constants import DEFAULT_CALENDAR
from rustybt.data.bundles.frame_cache import FrameCache
from rustybt.data.bundles.framesource import Frames
from rustybt.data.bundles.layout import (
    bundle_path,
    check_name,
    data_root,
    ingestion_time,
    ingestions,
    to_bundle_ingest_dirname,
)
from rustybt.data.bundles.previous import Previous, check_is_newer
from rustybt.data.bundles.registry import RegisteredBundle, bundles, unknown_bundle
from rustybt.data.bundles.remembered import asked_for, source_on_disk
from rustybt.data.bundles.version import VersionBuilder
from rustybt.data.files import file_lock, fsync_path
from rustybt.data.manifest import MANIFEST, read_manifest, verify_files
from rustybt.data.store import BundleData, open_version
from rustybt.errors import BadData, InvalidParameter, InvalidSpan

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

WORK_PREFIX = ".tmp-"
LOCK_FILE = ".lock"
_CACHE_FOLDER = ".cache"


def ingest(
    name: str,
    environ: Mapping[str, str] | None = None,
    timestamp: Any = None,
    assets_versions: Collection[int] = (),
    show_progress: bool = False,
    *,
    append: bool = False,
    restate: bool = False,
) -> str:
    """Make a new version of a bundle.

    Parameters
    ----------
    name : str
        A registered bundle, or one of a source that is known, such as `ingest_csvdir` makes.
    environ : mapping, optional
        The environment variables, by default the process's; also passed to the ingest function.
    timestamp : date-like, optional
        The version's time; by default now.
    assets_versions : collection of int
        Must be empty: there are no older formats of the asset tables to write.
    show_progress : bool
        Show a progress bar where standard error is a terminal.
    append : bool
        Go on from the newest version: what it holds stays, sids stay, and what is new is added. Bars and corporate
        actions that come again must be the same. Where nothing is new, no version is made.
    restate : bool
        With `append`, let what comes again change the past.

    Returns
    -------
    str
        Name of the version.

    Raises
    ------
    UnknownBundle
        If nobody registered the name.
    BadData
        If what the ingest function wrote is no bundle. The versions before stay as they are.
    """
    check_name(name)
    if assets_versions:
        raise InvalidParameter(f"assets_versions {list(assets_versions)} cannot be written: leave it out")
    bundle = bundles.get(name) or source_on_disk(name, data_root(environ))
    if bundle is None:
        raise unknown_bundle(name, environ)
    return _ingest(name, bundle, environ, timestamp, show_progress, append, restate)


def ingest_csvdir(
    path: str | os.PathLike[str],
    name: str,
    calendar_name: str = DEFAULT_CALENDAR,
    environ: Mapping[str, str] | None = None,
    timestamp: Any = None,
    show_progress: bool = False,
    **how: Any,
) -> str:
    """Make a bundle of a folder of CSV or Parquet files, one a symbol; see `ingest_files`.

    Parameters
    ----------
    path : path-like
        The folder, see `csvdir.csvdir_equities`.
    name, calendar_name, environ, timestamp, show_progress, **how
        As `ingest_files` takes them.

    Returns
    -------
    str
        Name of the version.
    """
    return ingest_files("csvdir", path, name, calendar_name, environ, timestamp, show_progress, **how)


def ingest_parquetdir(
    path: str | os.PathLike[str],
    name: str,
    calendar_name: str = DEFAULT_CALENDAR,
    environ: Mapping[str, str] | None = None,
    timestamp: Any = None,
    show_progress: bool = False,
    **how: Any,
) -> str:
    """Make a bundle of long tables in Parquet, many symbols in each; see `ingest_files`.

    Parameters
    ----------
    path : path-like
        A file or a folder, see `parquetdir.ParquetFolder`.
    name, calendar_name, environ, timestamp, show_progress, **how
        As `ingest_files` takes them, and columns and frame as `remembered.LongTables` does.

    Returns
    -------
    str
        Name of the version.
    """
    return ingest_files("parquetdir", path, name, calendar_name, environ, timestamp, show_progress, **how)


def ingest_files(
    kind: str,
    path: str | os.PathLike[str],
    name: str,
    calendar_name: str = DEFAULT_CALENDAR,
    environ: Mapping[str, str] | None = None,
    timestamp: Any = None,
    show_progress: bool = False,
    *,
    append: bool = False,
    restate: bool = False,
    **how: Any,
) -> str:
    """Make a bundle of files; afterwards `load(name)` and `ingest(name)` work without registration.

    Parameters
    ----------
    kind : {"csvdir", "parquetdir", "zipline"}
        How the files are laid out.
    path : path-like
        Where they are.
    name : str
        The bundle's name; not that of a registered bundle.
    calendar_name : str
        Exchange calendar of the bars.
    environ : mapping, optional
        The environment variables; by default the process's.
    timestamp : date-like, optional
        The version's time; by default now.
    show_progress : bool
        Show a progress bar where standard error is a terminal.
    append, restate : bool
        See `ingest`.
    **how
        on_bad_bars, dividend_pay_lag, full_precision and datasets, see `remembered.Remembered`.

    Returns
    -------
    str
        Name of the version.

    Raises
    ------
    InvalidParameter
        If the name is taken by a registered bundle, or a parameter cannot be.
    BadData
        If a file is not as it should be; the message names file, line, symbol and date.
    """
    bundle = asked_for(kind, calendar_name, how, path=path).bundle()
    return ingest_unregistered(bundle, name, environ, timestamp, show_progress, append, restate)


def ingest_frames(
    frames: Mapping[str, pd.DataFrame],
    name: str,
    calendar_name: str = DEFAULT_CALENDAR,
    environ: Mapping[str, str] | None = None,
    timestamp: Any = None,
    show_progress: bool = False,
    *,
    append: bool = False,
    restate: bool = False,
    **how: Any,
) -> str:
    """Make a bundle of frames in memory, such as those of a notebook.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        See `Frames`.
    name : str
        The bundle's name; not that of a registered bundle.
    calendar_name : str
        Exchange calendar of the bars.
    environ : mapping, optional
        The environment variables; by default the process's.
    timestamp : date-like, optional
        The version's time; by default now.
    show_progress : bool
        Show a progress bar where standard error is a terminal.
    append, restate : bool
        See `ingest`.
    **how
        on_bad_bars, dividend_pay_lag, full_precision and datasets, see `remembered.Remembered`.

    Returns
    -------
    str
        Name of the version.

    Raises
    ------
    InvalidParameter
        If the name is taken by a registered bundle, or a parameter cannot be.
    BadData
        If a frame is not as it should be; the message names symbol, row and date.
    """
    bundle = asked_for("frames", calendar_name, how).bundle_of(lambda *_: Frames(frames))
    return ingest_unregistered(bundle, name, environ, timestamp, show_progress, append, restate)


def ingest_unregistered(
    bundle: RegisteredBundle,
    name: str,
    environ: Mapping[str, str] | None,
    timestamp: Any,
    show_progress: bool,
    append: bool,
    restate: bool,
) -> str:
    """Make a new version of a bundle that is not registered, under a name that no registered bundle has."""
    if check_name(name) in bundles:
        raise InvalidParameter(f"name {name!r} belongs to a registered bundle: choose another for this data")
    return _ingest(name, bundle, environ, timestamp, show_progress, append, restate)


def _ingest(
    name: str,
    bundle: RegisteredBundle,
    environ: Mapping[str, str] | None,
    timestamp: Any,
    show_progress: bool,
    append: bool = False,
    restate: bool = False,
) -> str:
    if restate and not append:
        raise InvalidParameter("restate changes what append goes on from: give append too")
    root, process = data_root(environ), os.environ if environ is None else environ
    calendar = get_calendar(bundle.calendar_name)
    allowed = _allowed_sessions(bundle, calendar)
    ingestion_time(timestamp)
    folder = bundle_path(root, name)
    with file_lock(folder / LOCK_FILE):
        remove_leftovers(folder)
        version = to_bundle_ingest_dirname(ingestion_time(timestamp))  # of the moment from which nobody makes another
        if (folder / version).exists():
            raise InvalidParameter(
                f"bundle {name!r} has a version {version} already, and versions never change: choose another timestamp"
            )
        before = _newest(root, name) if append else None
        if before is not None:
            check_is_newer(version, before)
        work = folder / f"{WORK_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
        work.mkdir()
        run = _Run(name, bundle, root, work, allowed, calendar, FrameCache(folder / _CACHE_FOLDER), process)
        try:
            builder = run.call(show_progress, None if before is None else Previous(before, restate))
            made = read_manifest(work)
            if before is not None and (made.fingerprint, made.sid_map) == (before.fingerprint, before.manifest.sid_map):
                version = before.version
            else:
                work.rename(folder / version)
                fsync_path(folder)
                if builder is not None:
                    builder.keep_image()
        finally:
            shutil.rmtree(work, ignore_errors=True)
        run.cache.clear()
    return version


def _newest(root: Path, name: str) -> BundleData | None:
    versions = ingestions(root, name)
    return open_version(root, name, versions[-1]) if versions else None


class _Run(NamedTuple):
    """One call of an ingest function, which leaves a whole version in the folder `work`."""

    name: str
    bundle: RegisteredBundle
    root: Path
    work: Path
    allowed: SessionTable
    calendar: ExchangeCalendar
    cache: FrameCache
    environ: Mapping[str, str]

    def call(self, show_progress: bool, previous: Previous | None) -> VersionBuilder | None:
        """Call the ingest function; give what wrote the version, None where the function did it all."""
        bundle, environ = self.bundle, self.environ
        first, last = (pd.Timestamp(int(ns)) for ns in self.allowed.session_ns[[0, -1]])
        rest = (self.calendar, first, last, self.cache, show_progress, str(self.work))
        if not bundle.create_writers:
            if previous is not None:
                raise InvalidParameter(
                    f"bundle {self.name!r} writes whole versions itself (create_writers=False): leave append out"
                )
            bundle.ingest(environ, None, None, None, None, *rest)
            _check_foreign(self.work, self.name)
            return None
        builder = VersionBuilder(self.root, self.name, bundle, self.work, self.allowed, previous)
        try:
            bundle.ingest(environ, builder.assets, builder.minute_bars, builder.daily_bars, builder.adjustments, *rest)
            builder.finish()
            return builder
        finally:
            builder.daily_bars.abandon()


def _check_foreign(work: Path, name: str) -> None:
    """Check a version that the ingest function put into the folder itself."""
    if not (work / MANIFEST).is_file():
        raise BadData(
            f"bundle {name!r} is registered with create_writers=False, but its ingest function left no {MANIFEST} in "
            "output_dir: copy a whole version there, or let the writers be created"
        )
    manifest = read_manifest(work)
    if manifest.name != name:
        raise BadData(f"the version in output_dir is of bundle {manifest.name!r}, not {name!r}: copy the right one")
    verify_files(work, manifest)


def _allowed_sessions(bundle: RegisteredBundle, calendar: ExchangeCalendar) -> SessionTable:
    """Give the sessions from the registered start to the registered end, as far as the calendar reaches."""
    first, last = calendar.first_session, calendar.last_session
    if bundle.start_session is not None:
        first = max(first, _session(bundle.start_session, "start_session", calendar))
    if bundle.end_session is not None:
        last = min(last, _session(bundle.end_session, "end_session", calendar))
    if first > last:
        raise InvalidSpan(f"start_session {first.date()} is after end_session {last.date()}: exchange them")
    return session_table(calendar.name, first, last)


def _session(value: Any, parameter: str, calendar: ExchangeCalendar) -> pd.Timestamp:
    day = naive_day(value, parameter)
    inside = calendar.first_session <= day <= calendar.last_session
    if inside and not calendar.is_session(day):
        near = calendar.date_to_session(day, direction="next" if parameter == "start_session" else "previous")
        raise InvalidSpan(f"{parameter} {day.date()} is no session of calendar {calendar.name}: use {near.date()}")
    return day


def remove_leftovers(folder: Path) -> None:
    """Remove what an interrupted ingest or clean left; call it with the bundle's lock held."""
    for entry in folder.glob(f"{WORK_PREFIX}*"):
        shutil.rmtree(entry, ignore_errors=True)
