"""What does an opened bundle version offer the engine? Sessions, assets, adjustments and dense arrays."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rustybt._typing import Records
from rustybt.assets import AssetFinder
from rustybt.calendars import SessionTable
from rustybt.constants import OHLCV
from rustybt.data.adjustments import Adjustments
from rustybt.data.dense import LAST_TRADED, fill_field, fill_last_traded, fill_rounded, let_go, open_dense
from rustybt.data.files import Lease, file_lock, remove_leftovers_of
from rustybt.data.manifest import (
    DAILY_BARS,
    DATASETS,
    MANIFEST,
    Manifest,
    cache_path,
    read_manifest,
    verify_files,
    version_path,
)
from rustybt.data.minutes import MinuteBars, MinuteTable
from rustybt.data.sql import QueryParameters, QueryResult, connect, run_query
from rustybt.data.tables import VersionTables, from_records, load_image, read_parquet, save_image
from rustybt.errors import BundleCorrupt, InvalidParameter, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

_TABLE_STEMS = (
    *("sessions", "assets", "owners"),
    *("splits", "mergers", "dividends", "stock_dividends", "dividend_ratios"),
)


class BundleData:
    """One ingested version of a bundle, read-only.

    Parameters
    ----------
    root : Path
        The data folder (`RUSTYBT_ROOT`).
    version : str
        Name of the version's folder.
    manifest : Manifest
        Of that folder.
    lease : Lease, optional
        Keeps the version from being removed while this lives.

    Attributes
    ----------
    manifest : Manifest
        What the version says about itself.
    root : Path
        The data folder.
    version : str
        Name of the version's folder.
    path : Path
        The version's folder.
    """

    def __init__(self, root: Path, version: str, manifest: Manifest, lease: Lease | None = None) -> None:
        self._lease = lease
        self.root = root
        self.version = version
        self.manifest = manifest
        self.path: Path = version_path(root, manifest.name, version)
        self._cache = cache_path(root, manifest)
        self._arrays: dict[str, np.memmap[Any, Any]] = {}
        self._reported: dict[str, np.memmap[Any, Any]] = {}

    def __repr__(self) -> str:
        return f"BundleData({self.name!r}, version {self.version})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BundleData) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[Path, str, float | None]:
        """What two openings of one version have in common; they may share what was derived from it."""
        return self.path, self.fingerprint, self.price_quantum

    @property
    def name(self) -> str:
        """The bundle's name."""
        return self.manifest.name

    @property
    def fingerprint(self) -> str:
        """Digest of the content; equal data has equal fingerprints, whenever and wherever it was ingested."""
        return self.manifest.fingerprint

    @property
    def calendar_name(self) -> str:
        """Name of the exchange calendar."""
        return self.manifest.calendar

    @property
    def price_quantum(self) -> float | None:
        """Step to which dense prices are rounded, None for none."""
        return self.manifest.price_quantum

    @cached_property
    def full_precision(self) -> BundleData:
        """The same version with prices as they were ingested and arrays of its own; itself without a price quantum."""
        if self.price_quantum is None:
            return self
        twin = BundleData(self.root, self.version, replace(self.manifest, price_quantum=None), self._lease)
        twin._cache = self._cache / "full_precision"
        return twin

    @property
    def first_trading_session_ns(self) -> int:
        """The session before which history windows must not reach, nanoseconds since 1970."""
        return self.manifest.first_trading_session_ns

    @property
    def sessions(self) -> SessionTable:
        """The rows of the dense arrays: from the first to the last session that has a bar."""
        return self._tables.sessions

    @property
    def asset_finder(self) -> AssetFinder:
        """The assets; their order is that of the dense arrays' columns."""
        return self._tables.finder

    @property
    def adjustments(self) -> Adjustments:
        """Splits, mergers and dividends."""
        return self._tables.adjustments

    def daily(self, field: str) -> np.memmap[Any, Any]:
        """Map the dense array of a field of the daily bars.

        Parameters
        ----------
        field : {"open", "high", "low", "close", "volume", "last_traded"}
            Prices are as traded (not adjusted), rounded to `price_quantum`. "last_traded" is the row of the last
            session up to the current one with a volume above 0.

        Returns
        -------
        np.memmap, shape (n_sessions, n_assets)
            C-contiguous, read-only. float64, for "last_traded" int32. Where there is no bar a price is NaN, volume 0;
            last_traded is -1 before the first trade.

        Raises
        ------
        ValueError
            If the field has another name.
        BundleCorrupt
            If the version's bars are not those that were ingested.
        """
        mapped = self._arrays.get(field)
        if mapped is None:
            mapped = self._arrays[field] = self._open(field)
        return mapped

    def reported(self, field: str) -> np.memmap[Any, Any]:
        """Map the dense array of a field of the daily bars, rounded as history windows are.

        Parameters
        ----------
        field : {"open", "high", "low", "close", "volume"}
            See `daily`.

        Returns
        -------
        np.memmap of float64, shape (n_sessions, n_assets)
            C-contiguous, read-only.
        """
        mapped = self._reported.get(field)
        if mapped is None:
            shape = (len(self.sessions.session_ns), len(self.asset_finder.sids))
            path, fill = self._cache / f"reported_{field}.npy", partial(self._fill_reported, field=field)
            mapped = self._reported[field] = open_dense(path, shape, np.float64, fill)
        return mapped

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the version's point-in-time tables."""
        begin, end = f"{DATASETS}/", ".parquet"
        return tuple(name[len(begin) : -len(end)] for name in sorted(self.manifest.files) if name.startswith(begin))

    def dataset(self, name: str) -> pa.Table:
        """Read a point-in-time table.

        Parameters
        ----------
        name : str
            One of `datasets`.

        Returns
        -------
        pyarrow.Table
            Columns sid, timestamp (since when a row was known), asof_date (the day that it is about), and its values;
            sorted by these three.

        Raises
        ------
        InvalidParameter
            If there is no such table.
        BundleCorrupt
            If it is not what was ingested.
        """
        import pyarrow.parquet as pq

        if name not in self.datasets:
            near = did_you_mean(name, self.datasets)
            raise InvalidParameter(f"dataset {name!r} is not in {self!r}{near}: ingest it with --dataset {name}=FILE")
        file = f"{DATASETS}/{name}.parquet"
        verify_files(self.path, self.manifest, file)
        return pq.read_table(self.path / file)

    def sql(self, statement: str, parameters: QueryParameters = ()) -> QueryResult:
        """Ask the version's tables: bars_daily, bars_minute, assets, splits, dividends, and those of datasets.

        Parameters
        ----------
        statement : str
            A query, see `sql.run_query`; it can read these tables, and nothing else.
        parameters : sequence of value, or mapping of str to value
            Values of ? and $1 in their order, or of $name by name.

        Returns
        -------
        QueryResult
            Whose `to_pandas()` and `to_arrow()` give the rows.

        Raises
        ------
        QueryRefused
            If the statement is no single query, or does more than read.
        duckdb.Error
            If DuckDB cannot run it.

        Examples
        --------
        >>> from rustybt.data.bundles import ingest, load
        >>> _ = ingest("mag-7")
        >>> load("mag-7").sql("SELECT count(*) AS bars FROM bars_daily").to_pandas()["bars"].tolist()
        [40987]
        """
        connection = connect(self)
        try:
            return QueryResult(run_query(connection, statement, parameters))
        finally:
            connection.close()

    @property
    def has_minutes(self) -> bool:
        """Whether the version holds minute bars."""
        return self.manifest.minute_rows > 0

    @property
    def minute_table(self) -> MinuteTable:
        """Where sessions and month blocks begin among the market minutes; `NoMinuteBars` if there are none."""
        return self._minutes.table

    def minute(self, field: str, block: int) -> np.memmap[Any, Any]:
        """Map the dense array of a field of the minute bars of one month, see `MinuteBars.array`."""
        return self._minutes.array(field, block)

    def traded(self, block: int) -> np.memmap[Any, Any]:
        """Map the bitmap of which assets traded in which minute of one month, see `MinuteBars.traded`."""
        return self._minutes.traded(block)

    @cached_property
    def _minutes(self) -> MinuteBars:
        return MinuteBars(self.path, self._cache, self.manifest, self.sessions, self.asset_finder.sids)

    def _open(self, field: str) -> np.memmap[Any, Any]:
        shape = (len(self.sessions.session_ns), len(self.asset_finder.sids))
        path = self._cache / f"{field}.npy"
        if field == LAST_TRADED:
            return open_dense(
                path, shape, np.int32, lambda out: fill_last_traded(out, np.asarray(self.daily("volume")))
            )
        if field not in OHLCV:
            raise ValueError(f"field {field!r} is not stored: choose among {', '.join((*OHLCV, LAST_TRADED))}")
        return open_dense(path, shape, np.float64, partial(self._fill, field=field))

    def _fill(self, out: np.ndarray[Any, Any], field: str) -> None:
        verify_files(self.path, self.manifest, DAILY_BARS)
        fill_field(
            *(out, self.path / DAILY_BARS, field),
            *(self.sessions.session_ns, self.asset_finder.sids, self.price_quantum),
        )

    def _fill_reported(self, out: np.ndarray[Any, Any], field: str) -> None:
        raw = self.daily(field)
        fill_rounded(out, np.asarray(raw))
        let_go(raw)

    @cached_property
    def _tables(self) -> VersionTables:
        return _open_tables(self.path, self._cache, self.manifest)


def open_version(root: Path | str, name: str, version: str) -> BundleData:
    """Open a version by its place, with NumPy alone if its cache exists.

    Parameters
    ----------
    root : Path or str
        The data folder.
    name : str
        The bundle.
    version : str
        Name of the version's folder.

    Returns
    -------
    BundleData

    Raises
    ------
    BundleCorrupt
        If the folder is not a whole version.
    """
    path = version_path(Path(root), name, version)
    try:
        lease = Lease(path / MANIFEST)
    except OSError as error:
        raise BundleCorrupt(f"bundle version {path} is not whole ({error}): remove it and ingest again") from error
    manifest = read_manifest(path)
    if manifest.name != name:
        raise BundleCorrupt(f"bundle version {version!r} of {name!r} says it is of {manifest.name!r}: ingest it again")
    return BundleData(Path(root), version, manifest, lease)


def _open_tables(path: Path, cache: Path, manifest: Manifest) -> VersionTables:
    image = cache / "tables.npz"
    records = load_image(image)
    if records is None:
        records = read_tables(path, manifest)
        _save_alone(image, records)
    return from_records(records, manifest.calendar)


def read_tables(path: Path, manifest: Manifest) -> dict[str, Records]:
    """Read and verify the small Parquet tables of a version.

    Parameters
    ----------
    path : Path
        The version's folder.
    manifest : Manifest
        Of that version.

    Returns
    -------
    dict of structured array
        By file stem.
    """
    files = {stem: f"{stem}.parquet" for stem in _TABLE_STEMS}
    missing = [file for file in (*files.values(), DAILY_BARS) if file not in manifest.files]
    if missing:
        raise BundleCorrupt(f"bundle version {path} lacks {', '.join(missing)}: ingest it again")
    verify_files(path, manifest, *files.values())
    return {stem: read_parquet(path / file, stem) for stem, file in files.items()}


def keep_image(root: Path, manifest: Manifest, records: dict[str, Records]) -> None:
    """Put the small tables of a new version into the cache.

    Parameters
    ----------
    root : Path
        The data folder.
    manifest : Manifest
        Of the version.
    records : dict of structured array
        By file stem, see `tables.to_records`.
    """
    _save_alone(cache_path(root, manifest) / "tables.npz", records)


def _save_alone(image: Path, records: dict[str, Records]) -> None:
    # Where it cannot be kept, as in a folder that may only be read, or that a clean took away, each opening makes it.
    with suppress(OSError), file_lock(image.with_suffix(".lock")):
        remove_leftovers_of(image)
        save_image(image, records)
