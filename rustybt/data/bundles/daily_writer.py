"""How do daily bars reach the disk? One asset's frame at a time, checked, digested and appended to Parquet."""

from __future__ import annotations

import glob
import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray, IntArray
from rustybt.constants import NS_PER_DAY, OHLCV
from rustybt.data.bundles.findings import Findings
from rustybt.data.bundles.fingerprint import bars_digests
from rustybt.data.bundles.frames import bar_arrays, check_behavior, check_whole, missing_bars
from rustybt.data.bundles.previous import Bars, Previous
from rustybt.data.bundles.progress import tracked
from rustybt.errors import BadData

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

ROWS_PER_GROUP: Final = 262_144
SHOWN_SPANS: Final = 20
"""Spans of missing sessions that an asset's report names."""
_SHOWN_DATES: Final = 5


@dataclass(frozen=True, slots=True)
class AssetBars:
    """What was stored for one asset.

    Attributes
    ----------
    first_day, last_day : int
        Its first and last bar, in days since 1970.
    rows : int
        Number of bars.
    missing : int
        Sessions without a bar in between.
    missing_spans : tuple of (int, int)
        The first of them, as first and last day of spans of sessions.
    digests : dict
        Year to digest, see `fingerprint.bars_digests`.
    """

    first_day: int
    last_day: int
    rows: int
    missing: int
    missing_spans: tuple[tuple[int, int], ...]
    digests: dict[int, str]


class DailyBarWriter:
    """Stores daily bars of a bundle version that is being ingested.

    Parameters
    ----------
    path : Path
        The Parquet file to write.
    session_ns : int64 array, shape (n,)
        Every session that may have a bar.
    calendar_name : str
        Where they are from; for messages.
    previous : Previous, optional
        The version that this one goes on from.

    Attributes
    ----------
    assets : dict of int to AssetBars
        What was stored, by sid.
    findings : Findings
        What was wrong with the source, for the version's manifest.
    """

    def __init__(self, path: Path, session_ns: IntArray, calendar_name: str, previous: Previous | None = None) -> None:
        self._previous = previous
        self._path = path
        self._session_days = session_ns // NS_PER_DAY
        self._calendar_name = calendar_name
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0
        self._file: pq.ParquetWriter | None = None
        self.assets: dict[int, AssetBars] = {}
        self.findings = Findings()

    def write(
        self,
        data: Iterable[tuple[int, pd.DataFrame]],
        assets: Collection[int] | None = None,
        show_progress: bool = False,
        invalid_data_behavior: Literal["warn", "raise", "ignore"] = "warn",
    ) -> None:
        """Store the bars of some assets.

        Parameters
        ----------
        data : iterable of (int, DataFrame)
            A sid and its bars: columns open, high, low, close, volume; the index are session labels, ascending. A
            session without a row, or whose prices are NaN and volume 0, is a missing bar. Prices are stored as given.
            One frame at a time is held in memory.
        assets : collection of int, optional
            The sids that may come; another one is an error.
        show_progress : bool
            Show a progress bar where standard error is a terminal.
        invalid_data_behavior : {"warn", "raise", "ignore"}
            What to do with a bar that lacks only some of its values.

        Raises
        ------
        BadData
            If a frame is no table of bars, a date is no session of the calendar, or a sid comes twice.
        """
        check_behavior(invalid_data_behavior)
        allowed = None if assets is None else {int(asset) for asset in assets}
        total = None if allowed is None else len(allowed)
        for sid, frame in tracked(data, "Writing daily bars", show_progress, total):
            if allowed is not None and int(sid) not in allowed:
                raise BadData(f"daily bars of sid {sid} were written, but assets names only {sorted(allowed)[:10]}")
            self._write_asset(int(sid), frame, invalid_data_behavior)

    def close(self) -> None:
        """Finish the file, with rows sorted by sid and session."""
        if self._previous is not None:
            for sid in self._previous.sids:
                if sid not in self.assets:
                    self._keep(sid, *self._old(self._previous, sid))
        self._flush()
        if self._file is not None:
            self._file.close()
            self._file = None
        if list(self.assets) != sorted(self.assets):
            _sort_file(self._path)

    @property
    def has_bars(self) -> bool:
        """Whether there are bars: those that were stored, or those of the version that this one goes on from."""
        return bool(self.assets) or self._previous is not None

    def abandon(self) -> None:
        """Close the file without finishing it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write_asset(self, sid: int, frame: pd.DataFrame, invalid_data_behavior: str) -> None:
        who = f"daily bars of sid {sid}"
        if sid in self.assets:
            raise BadData(f"{who} were written twice: pass all bars of an asset in one frame")
        if sid < 0:
            raise BadData(f"{who}: a sid is a number from 0 on")
        days, values = bar_arrays(frame, who)
        self._check_sessions(days, who)
        check_whole(values, who, invalid_data_behavior, lambda row: _date(int(days[row])))
        self.store(sid, days, values)

    def store(self, sid: int, days: IntArray, values: FloatArray) -> None:
        """Store bars that were screened already.

        Parameters
        ----------
        sid : int
            The asset, which had no bars before.
        days : int64 array, shape (n,)
            Sessions in days since 1970, ascending.
        values : float64 array, shape (5, n)
            Open, high, low, close, volume; a bar without any value is a missing one.
        """
        kept = ~missing_bars(values)
        new = Bars(days[kept], values[:, kept])
        if self._previous is not None:
            self._previous.note(sid, new.labels)
            new = self._previous.merged(sid, self._old(self._previous, sid), new, lambda day: str(_date(day)))
        self._keep(sid, *new)

    def _old(self, previous: Previous, sid: int) -> Bars:
        """Give the bars of the version before, whose sessions may be none any more."""
        old = previous.daily(sid)
        self._check_sessions(old.labels, f"daily bars of sid {sid} in the version before")
        return old

    def _keep(self, sid: int, days: IntArray, values: FloatArray) -> None:
        if len(days):
            self.assets[sid] = self._summary(days, values)
            self._append(sid, days, values)

    def _check_sessions(self, days: IntArray, who: str) -> None:
        wrong = days[~np.isin(days, self._session_days)]
        if not len(wrong):
            return
        shown = ", ".join(str(_date(day)) for day in wrong[:_SHOWN_DATES].tolist())
        more = f" and {len(wrong) - _SHOWN_DATES} more" if len(wrong) > _SHOWN_DATES else ""
        span = f"{_date(int(self._session_days[0]))} to {_date(int(self._session_days[-1]))}"
        raise BadData(
            f"{who}: {shown}{more} {'is no session' if len(wrong) == 1 else 'are no sessions'} of calendar "
            f"{self._calendar_name} from {span}: drop these rows, or choose the calendar and span of the data"
        )

    def _summary(self, days: IntArray, values: FloatArray) -> AssetBars:
        first, last = int(days[0]), int(days[-1])
        begin, end = np.searchsorted(self._session_days, [first, last + 1])
        missing = int(end - begin) - len(days)
        spans = _spans_without(self._session_days[begin:end], days) if missing else ()
        return AssetBars(first, last, len(days), missing, spans, bars_digests(days, values))

    def _append(self, sid: int, days: IntArray, values: FloatArray) -> None:
        import pyarrow as pa

        columns = [pa.array(np.full(len(days), sid)), pa.array(days.astype("datetime64[D]"))]
        columns += [pa.array(np.ascontiguousarray(column)) for column in values]
        self._pending.append(pa.record_batch(columns, names=["sid", "session", *OHLCV]))
        self._pending_rows += len(days)
        if self._pending_rows >= ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_batches(self._pending)
        if self._file is None:
            self._file = pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._file.write_table(table, row_group_size=ROWS_PER_GROUP)
        self._pending, self._pending_rows = [], 0


def _spans_without(sessions: IntArray, days: IntArray) -> tuple[tuple[int, int], ...]:
    """Give the first spans of sessions that have no bar."""
    rows = np.flatnonzero(~np.isin(sessions, days))
    begins = np.flatnonzero(np.diff(rows, prepend=rows[0] - 2) > 1)
    ends = np.append(begins[1:], len(rows)) - 1
    spans = zip(sessions[rows[begins]].tolist(), sessions[rows[ends]].tolist(), strict=True)
    return tuple(itertools.islice(spans, SHOWN_SPANS))


def _sort_file(path: Path) -> None:
    """Put a file whose assets came in another order into the order that readers skip through."""
    import duckdb

    unsorted = path.with_suffix(".unsorted")
    path.replace(unsorted)
    spilled = str(path.parent / "spilled")
    connection = duckdb.connect(":memory:", config={"threads": 2, "temp_directory": spilled})
    try:
        table = connection.read_parquet(glob.escape(str(unsorted))).order("sid, session")
        table.write_parquet(str(path), compression="zstd", row_group_size=ROWS_PER_GROUP)
    finally:
        connection.close()
    unsorted.unlink()


def _date(day: int) -> np.datetime64:
    return np.datetime64(day, "D")
