"""How does a bundle that Zipline ingested become one of ours? Its own folder on disk is a source, and is only read.

A version of it has assets-7.sqlite, adjustments.sqlite, daily_equities.bcolz and minute_equities.bcolz. Zipline knows
assets by sids, a source by keys. The key of an asset is its latest symbol. Where several assets have had one symbol,
one after the other, it is the key of the latest; the others are known by symbol and sid, and keep the symbol.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray, IntArray
from rustybt.calendars import get_calendar
from rustybt.constants import NAT
from rustybt.data.bundles.raw_bars import Facts, Frame, Place, RawBars
from rustybt.data.bundles.symbols import checked_symbol
from rustybt.data.bundles.zipline_bars import (
    DAILY_FOLDER,
    MINUTE_FOLDER,
    PER_UNIT,
    DailyTable,
    MinuteTables,
    StoredBars,
)
from rustybt.data.bundles.zipline_tables import VERSIONS, ZiplineAsset, read_actions, read_assets
from rustybt.errors import BadData, InvalidParameter

ADJUSTMENTS: Final = "adjustments.sqlite"
_ASSET_FILES: Final = tuple(f"assets-{version}.sqlite" for version in sorted(VERSIONS, reverse=True))
_FOREVER_NS: Final = 2**63 - 1
_UNKNOWN: Final = "??"
_MOST_NAMED: Final = 5


class TableRows(NamedTuple):
    """Where bars are from: the folder of a table, and their rows in it."""

    folder: Path
    row: IntArray

    def places(self, rows: Sequence[int]) -> list[Place]:
        """Give the places of rows."""
        return [Place(str(self.folder), int(self.row[row]) + 1) for row in rows]


class ZiplineBundle:
    """A bundle of Zipline's as a source.

    Parameters
    ----------
    path : Path
        The folder of a version, `~/.zipline/data/<bundle>/<time>`, or of the bundle: then its newest version.
    calendar : str, optional
        Exchange calendar that the bars must have.

    Raises
    ------
    BadData
        If there is no such bundle, or a part of it is missing or damaged.
    InvalidParameter
        If the bars have another calendar.
    """

    def __init__(self, path: Path, calendar: str | None = None) -> None:
        self._folder = version_folder(path)
        assets_file = next(self._folder / name for name in _ASSET_FILES if (self._folder / name).is_file())
        assets, self._futures = read_assets(assets_file)
        self._assets = {asset.sid: asset for asset in assets}
        self._keys = keys_of(assets, str(assets_file))
        self._actions = read_actions(self._folder / ADJUSTMENTS)
        self._daily = DailyTable(self._folder / DAILY_FOLDER)
        minutes = self._folder / MINUTE_FOLDER
        self._minutes = MinuteTables(minutes) if minutes.is_dir() else None
        self.calendar = self._checked_calendar(calendar)
        self._sids: dict[Frame, dict[str, int]] = {
            "daily": self._by_key(sid for sid in self._daily.sids if sid in self._assets),
            "minute": self._by_key(sid for sid in self._assets if self._minutes and self._minutes.has_rows(sid)),
        }
        if not any(self._sids.values()):
            raise BadData(f"{self._folder} has no bars of equities: choose another version of the bundle")

    def symbols(self, frame: Frame) -> Collection[str]:
        """Name the keys of assets that have rows."""
        return self._sids[frame].keys()

    def bars(self, frame: Frame) -> Iterator[RawBars]:
        """Read the bars of one asset after the other."""
        splits = self._splits_by_sid() if frame == "daily" else {}
        for key, sid in self._sids[frame].items():
            if frame == "daily":
                found, place = self._daily.bars(sid), self._daily.folder
            else:
                assert self._minutes is not None
                found, place = self._minutes.bars(sid), self._minutes.place(sid)
            origin = TableRows(place, found.rows)
            yield RawBars.of(key, found.label_ns, found.ohlcv, origin, split=_split_of(found, splits.get(sid, {})))

    def facts(self) -> Facts:
        """Give assets and corporate actions."""
        kept = {key for sids in self._sids.values() for key in sids}
        tables, notes = self._keyed_actions(kept)
        return Facts(
            {self._keys[sid]: described(asset) for sid, asset in self._assets.items()},
            tables["dividends"],
            tables["splits"].rename(columns={"ratio": "factor"}),
            (*self._notes(), *notes),
            tables["mergers"].rename(columns={"ratio": "factor"}),
            tables["stock_dividends"],
        )

    def _by_key(self, sids: Iterator[int]) -> dict[str, int]:
        return dict(sorted((self._keys[sid], sid) for sid in sids))

    def _checked_calendar(self, wanted: str | None) -> str:
        tables = (self._daily, self._minutes)
        said = [table.calendar for table in tables if table is not None and table.calendar is not None]
        found: set[str] = {get_calendar(name).name for name in said}
        if len(found) > 1:
            raise BadData(f"{self._folder} has daily bars of calendar {said[0]} and minutes of {said[1]}: use one")
        if not found and wanted is None:
            raise BadData(f"{self._daily.folder / '__attrs__'} names no calendar: say which one the bars have")
        if wanted is not None and found and get_calendar(wanted).name not in found:
            raise InvalidParameter(
                f"calendar {wanted!r} is not that of the bundle in {self._folder}, {said[0]!r}: leave it out"
            )
        return found.pop() if found else str(wanted)

    def _splits_by_sid(self) -> dict[int, dict[int, float]]:
        """Give shares after for one before, by sid and day."""
        out: dict[int, dict[int, float]] = {}
        table = self._actions["splits"]
        days = pd.DatetimeIndex(table["effective_date"]).asi8
        for sid, day, factor in zip(table["sid"].tolist(), days.tolist(), table["ratio"].tolist(), strict=True):
            of = out.setdefault(sid, {})
            of[day] = of.get(day, 1.0) * (1.0 / factor if factor else np.inf)
        return out

    def _keyed_actions(self, kept: Collection[str]) -> tuple[dict[str, pd.DataFrame], list[str]]:
        """Give corporate actions by key; and notes of those that are of no asset with bars."""
        tables, notes = {}, []
        for name, table in self._actions.items():
            keyed = table.rename(columns={"sid": "symbol", "payment_sid": "payment_symbol"})
            known = np.ones(len(keyed), dtype=bool)
            for column in ("symbol", "payment_symbol"):
                if column in keyed.columns:
                    keyed[column] = [self._keys.get(sid, "") for sid in keyed[column].tolist()]
                    known &= keyed[column].isin(kept).to_numpy()
            if not known.all():
                notes.append(
                    f"{int((~known).sum())} {name.replace('_', ' ')} are of no asset with bars: they are left out"
                )
            tables[name] = keyed[known]
        return tables, notes

    def _notes(self) -> Iterator[str]:
        if self._futures:
            yield f"{self._futures} futures are left out: only equities are supported"
        if strangers := [sid for sid in self._daily.sids if sid not in self._assets]:
            yield f"{len(strangers)} sids have daily bars, but are no equities: {_shown(strangers)} left out"
        fine = [
            sid for sid in self._sids["minute"].values() if self._minutes and self._minutes.per_unit(sid) > PER_UNIT
        ]
        if fine:
            named = _shown([self._keys[sid] for sid in fine])
            yield f"minutes of {named} are finer than thousandths, which the engine sees with full_precision alone"


def version_folder(path: Path) -> Path:
    """Find the folder of a version.

    Parameters
    ----------
    path : Path
        It, or the folder of its bundle.

    Returns
    -------
    Path
        The newest version's.

    Raises
    ------
    BadData
        If there is none.
    """
    if not path.is_dir():
        raise BadData(f"{path} is no folder: name that of a Zipline bundle, such as ~/.zipline/data/mine")
    if _has_assets(path, _ASSET_FILES):
        return path
    found = [entry for entry in sorted(path.iterdir()) if entry.is_dir() and not entry.name.startswith(".")]
    versions = [entry for entry in found if _has_assets(entry, _ASSET_FILES)]
    if versions:
        return versions[-1]
    old = next((file for entry in (path, *found) for file in sorted(entry.glob("assets-*.sqlite"))), None)
    if old is not None:
        raise BadData(
            f"{old} is of another version than the files that are read, {' and '.join(_ASSET_FILES)}: ingest the "
            "bundle anew with zipline-reloaded 3"
        )
    raise BadData(f"{path} has no {_ASSET_FILES[-1]}, nor has a folder in it: name that of a whole Zipline bundle")


def keys_of(assets: Sequence[ZiplineAsset], where: str) -> dict[int, str]:
    """Give each asset a key of its own.

    Parameters
    ----------
    assets : sequence of ZiplineAsset
        All of them.
    where : str
        Where they are; for messages.

    Returns
    -------
    dict of int to str
        By sid: the latest symbol of each; of several with one symbol the latest has it, others with their sid behind.
    """
    out: dict[int, str] = {}
    taken: set[str] = set()
    for asset in sorted(assets, key=lambda one: (one.symbols[-1].end_ns, one.sid), reverse=True):
        symbol = checked_symbol(asset.symbols[-1].symbol, f"{where} sid {asset.sid}")
        out[asset.sid] = f"{symbol} (sid {asset.sid})" if symbol in taken else symbol
        taken.add(out[asset.sid])
    return out


def described(asset: ZiplineAsset) -> dict[str, Any]:
    """Say what `Facts.assets` says of an asset."""
    ends = asset.end_ns not in (_FOREVER_NS, NAT)
    said: dict[str, Any] = {
        "symbol": asset.symbols[-1].symbol.upper(),
        "asset_name": asset.name,
        "exchange": asset.exchange,
        "canonical_name": asset.canonical_name,
        "country_code": "" if asset.country_code == _UNKNOWN else asset.country_code,
        "start_date": _time(asset.start_ns) if asset.start_ns else None,
        "end_date": _time(asset.end_ns) if ends else None,
        "first_traded": _time(asset.first_traded_ns),
        "auto_close_date": _time(asset.auto_close_ns),
        "never_closed": asset.auto_close_ns == NAT,
    }
    if len(asset.symbols) > 1:
        said["symbols"] = [
            (span.symbol.upper(), _time(span.start_ns) if span.start_ns else None, _end(span.end_ns))
            for span in asset.symbols
        ]
    return said


def _split_of(found: StoredBars, splits: Mapping[int, float]) -> FloatArray | None:
    """Put splits on the rows of their days, so that a jump of the price there is none of a missing split."""
    if not splits:
        return None
    return np.array([splits.get(day, 1.0) for day in found.label_ns.tolist()])


def _has_assets(folder: Path, names: Sequence[str]) -> bool:
    return any((folder / name).is_file() for name in names)


def _time(ns: int) -> pd.Timestamp | None:
    return None if ns == NAT else pd.Timestamp(ns)


def _end(ns: int) -> pd.Timestamp | None:
    return None if ns == _FOREVER_NS else _time(ns)


def _shown(some: Sequence[Any]) -> str:
    more = ", ..." if len(some) > _MOST_NAMED else ""
    return ", ".join(map(str, some[:_MOST_NAMED])) + more
