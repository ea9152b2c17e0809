"""What does an ingest that only adds go on from? The bars of the version before, an asset at a time.

What is there stays: a bar of the past that comes again must be the same, unless the user restates the past. The result
holds what a full ingest of old and new data would hold, so that it has the same fingerprint.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray, IntArray, Records
from rustybt.constants import NAT, NS_PER_DAY, OHLCV
from rustybt.data.adjustments import TABLES, date_field
from rustybt.data.bundles.layout import from_bundle_ingest_dirname
from rustybt.data.manifest import DAILY_BARS, verify_files
from rustybt.data.store import BundleData
from rustybt.errors import BadData, InvalidParameter

ROWS_PER_BLOCK: Final = 1_000_000
"""Rows that are read at a time, about."""


class Bars(NamedTuple):
    """Bars of one asset: labels (days or nanoseconds), ascending, and open, high, low, close, volume by row."""

    labels: IntArray
    ohlcv: FloatArray


class StoredBars:
    """The bars of one kind that a version holds, read in blocks of assets.

    Parameters
    ----------
    files : sequence of Path
        Parquet files with a column of sids.
    column : str
        Of labels: "session" or "minute".
    labels_of : callable
        Makes labels as writers have them of that column's datetimes.
    rows : mapping of int to int
        Number of bars by sid, about; the sids that may have some.
    """

    def __init__(
        self, files: Sequence[Path], column: str, labels_of: Callable[[IntArray], IntArray], rows: Mapping[int, int]
    ) -> None:
        self._files, self._column, self._labels_of = files, column, labels_of
        self._sids = np.array(sorted(rows), dtype=np.int64)
        counts = np.array([rows[sid] for sid in self._sids.tolist()], dtype=np.int64)
        self._block_of = (np.cumsum(counts) - counts) // ROWS_PER_BLOCK
        self._block = -1
        self._held: dict[int, Bars] = {}

    def of(self, sid: int) -> Bars:
        """Give the bars of an asset; none where it has none."""
        row = int(np.searchsorted(self._sids, sid))
        if row == len(self._sids) or self._sids[row] != sid:
            return NO_BARS
        if self._block != self._block_of[row]:
            self._block = int(self._block_of[row])
            self._held = self._read(self._sids[self._block_of == self._block])
        return self._held.get(sid, NO_BARS)

    def _read(self, sids: IntArray) -> dict[int, Bars]:
        import duckdb
        from duckdb import ColumnExpression, ConstantExpression

        sid = ColumnExpression("sid")
        wanted = (sid >= ConstantExpression(int(sids[0]))) & (sid <= ConstantExpression(int(sids[-1])))
        connection = duckdb.connect(":memory:", config={"threads": 2})
        try:
            table = connection.read_parquet([glob.escape(str(file)) for file in self._files])
            found = table.filter(wanted).fetchnumpy()
        finally:
            connection.close()
        label_ns = np.asarray(found[self._column]).astype("datetime64[ns]").astype(np.int64)
        of = np.asarray(found["sid"])
        order = np.lexsort((label_ns, of))
        of, labels = of[order], self._labels_of(label_ns[order])
        values = np.stack([np.asarray(found[name], dtype=np.float64)[order] for name in OHLCV])
        present, begin = np.unique(of, return_index=True)
        ends = np.append(begin[1:], len(of))
        return {
            int(one): Bars(labels[first:last], values[:, first:last])
            for one, first, last in zip(present.tolist(), begin.tolist(), ends.tolist(), strict=True)
        }


NO_BARS: Final = Bars(np.empty(0, dtype=np.int64), np.empty((len(OHLCV), 0)))


class Previous:
    """A version that an ingest goes on from.

    Parameters
    ----------
    bundle : BundleData
        The version.
    restate : bool
        Let new data change the past.

    Attributes
    ----------
    bundle : BundleData
        The version.
    restate : bool
        Whether new data may change the past.

    Raises
    ------
    BundleCorrupt
        If a file of the version is not what was ingested.
    """

    def __init__(self, bundle: BundleData, restate: bool = False) -> None:
        self.bundle = bundle
        self.restate = restate
        verify_files(bundle.path, bundle.manifest)
        sids = [equity.sid for equity in bundle.asset_finder.equities]
        manifest = bundle.manifest
        daily = dict.fromkeys(sids, manifest.rows // max(1, len(sids)) + 1)
        minutes = dict.fromkeys(sids, manifest.minute_rows // max(1, len(sids)) + 1)
        self._daily = StoredBars([bundle.path / DAILY_BARS], "session", lambda ns: ns // NS_PER_DAY, daily)
        files = sorted(bundle.path / name for name in manifest.files if name.startswith("minutes/"))
        self._minutes = StoredBars(files, "minute", lambda ns: ns, minutes if files else {})
        self._days = _days_of_actions(bundle)
        self._again: set[tuple[int, int]] = set()

    @property
    def known_sids(self) -> dict[str, int]:
        """Sids by symbol."""
        return {equity.symbol: equity.sid for equity in self.bundle.asset_finder.equities}

    @property
    def sids(self) -> list[int]:
        """All sids, ascending."""
        return [equity.sid for equity in self.bundle.asset_finder.equities]

    def daily(self, sid: int) -> Bars:
        """Give the daily bars of an asset, by days since 1970."""
        return self._daily.of(sid)

    def minutes(self, sid: int) -> Bars:
        """Give the minute bars of an asset, by nanoseconds."""
        return self._minutes.of(sid)

    def merged(self, sid: int, old: Bars, new: Bars, text_of: Callable[[int], str]) -> Bars:
        """Join the bars of an asset.

        Parameters
        ----------
        sid : int
            The asset; for messages.
        old, new : Bars
            As they were, and as they come now.
        text_of : callable of (int)
            Writes a label for a message.

        Returns
        -------
        Bars

        Raises
        ------
        BadData
            If one of both is another now, and the past is not to be restated.
        """
        if not len(old.labels):
            return new
        _, of_old, of_new = np.intersect1d(old.labels, new.labels, assume_unique=True, return_indices=True)
        before, now = old.ohlcv[:, of_old], new.ohlcv[:, of_new]
        other = (before != now) & ~(np.isnan(before) & np.isnan(now))
        changed = other.any(axis=0)
        if changed.any() and not self.restate:
            row = int(np.argmax(changed))
            field = int(np.argmax(other[:, row]))
            raise BadData(
                f"{self._named(sid)}, {text_of(int(old.labels[of_old[row]]))}: {OHLCV[field]} was "
                f"{before[field, row]:g} and is {now[field, row]:g}; {int(changed.sum())} bars of the past are others "
                "now: ingest with restate to change them, or without append to begin anew"
            )
        kept = np.ones(len(old.labels), dtype=bool)
        kept[of_old] = False
        labels = np.concatenate([old.labels[kept], new.labels])
        order = np.argsort(labels, kind="stable")
        return Bars(labels[order], np.concatenate([old.ohlcv[:, kept], new.ohlcv], axis=1)[:, order])

    def note(self, sid: int, days: IntArray) -> None:
        """Take note of the days, ascending and since 1970, of which an asset's bars come now."""
        wanted = self._days.get(sid)
        if wanted is not None and len(days):
            again = days[np.minimum(np.searchsorted(days, wanted), len(days) - 1)] == wanted
            self._again.update((sid, day * NS_PER_DAY) for day in wanted[again].tolist())

    def merged_actions(self, name: str, new: Records) -> Records:
        """Join corporate actions of one table; those of one asset and day are one thing.

        Where some of an asset come now, and bars of a day on which it had one, but not that one, it is gone.

        Parameters
        ----------
        name : str
            The table.
        new : structured array
            As they come now.

        Returns
        -------
        structured array

        Raises
        ------
        BadData
            If what was known of an asset and a day is another now, and the past is not to be restated.
        """
        old: Records = getattr(self.bundle.adjustments, name)
        day = date_field(TABLES[name])
        before, now = _by_day(old, day), _by_day(new, day)
        told = set(new["sid"].tolist())
        gone = {key for key in before.keys() - now.keys() if key[0] in told and key in self._again}
        for key in sorted(gone) if not self.restate else ():
            raise BadData(
                f"{self._named(key[0])}, {pd.Timestamp(key[1]).date()}: {name} were {_shown(old[before[key]])}, and "
                "none come now, but some of other days: give them again, or ingest with restate to remove them"
            )
        for key in sorted(before.keys() & now.keys()):
            is_same = sorted(old[before[key]].tolist()) == sorted(new[now[key]].tolist())
            if not is_same and not self.restate:
                raise BadData(
                    f"{self._named(key[0])}, {pd.Timestamp(key[1]).date()}: {name} are others than they were "
                    f"({_shown(old[before[key]])}, now {_shown(new[now[key]])}): ingest with restate to change the past"
                )
        kept = [row for key, rows in before.items() if key not in now and key not in gone for row in rows]
        return np.concatenate([old[kept], new])

    def _named(self, sid: int) -> str:
        return f"{self.bundle.asset_finder.retrieve_asset(sid).symbol or 'asset'} (sid {sid})"


def check_fits(previous: BundleData, calendar: str, price_quantum: float | None) -> None:
    """Refuse to go on from a version of another calendar or precision."""
    if previous.calendar_name != calendar or previous.price_quantum != price_quantum:
        raise InvalidParameter(
            f"bundle {previous.name!r} has calendar {previous.calendar_name} and price quantum "
            f"{previous.price_quantum}, the new data {calendar} and {price_quantum}: ingest without append"
        )


def check_is_newer(version: str, previous: BundleData) -> None:
    """Refuse to append under a time before that of what is appended to: nobody would load the result."""
    if from_bundle_ingest_dirname(version) < from_bundle_ingest_dirname(previous.version):
        raise InvalidParameter(
            f"bundle {previous.name!r} has version {previous.version}, which stays the newest after one of {version}: "
            "append with a later timestamp, or remove that version with rustybt clean"
        )


def _days_of_actions(bundle: BundleData) -> dict[int, IntArray]:
    """Give the days since 1970 on which assets had corporate actions, by sid."""
    days: dict[int, set[int]] = {}
    for name, dtype in TABLES.items():
        for sid, day_ns in getattr(bundle.adjustments, name)[["sid", date_field(dtype)]].tolist():
            days.setdefault(sid, set()).add(day_ns // NS_PER_DAY)
    return {sid: np.array(sorted(of), dtype=np.int64) for sid, of in days.items()}


def _by_day(table: Records, day: str) -> dict[tuple[int, int], list[int]]:
    out: dict[tuple[int, int], list[int]] = {}
    for row, key in enumerate(zip(table["sid"].tolist(), table[day].tolist(), strict=True)):
        out.setdefault(key, []).append(row)
    return out


def _shown(rows: Records) -> str:
    field = "amount" if "amount" in (rows.dtype.names or ()) else "ratio"
    return ", ".join(f"{field} {row[field]:g}{_paid(row)}" for row in rows)


def _paid(row: np.void) -> str:
    if "pay_ns" not in (row.dtype.names or ()) or row["pay_ns"] == NAT:
        return ""
    return f" paid on {pd.Timestamp(int(row['pay_ns'])).date()}"
