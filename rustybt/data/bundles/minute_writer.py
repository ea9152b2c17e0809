"""How do minute bars reach the disk? One frame at a time, checked and digested, then sorted into a file a month.

Frames come an asset at a time and span years, files hold all assets of a month: what a few frames bring is kept in
memory, then put aside in parts that are sorted by month, and at the end each month is read out of all parts.
"""

from __future__ import annotations

import glob
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray, IntArray
from rustybt.calendars import SessionTable, session_breaks
from rustybt.constants import NS_PER_DAY, OHLCV
from rustybt.data.bundles.fingerprint import RowDigests, years_of
from rustybt.data.bundles.frames import check_behavior, check_whole, missing_bars
from rustybt.data.bundles.minute_frames import market_problem, minute_arrays, minute_text
from rustybt.data.bundles.previous import Bars, Previous
from rustybt.data.bundles.progress import tracked
from rustybt.data.market_minutes import MarketMinutes, months_of, session_rows, with_breaks
from rustybt.data.minutes import month_name
from rustybt.errors import BadData

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_IN_MEMORY: Final = 1_000_000
ROWS_PER_GROUP: Final = 131_072
_COLUMNS: Final = ("sid", "minute", *OHLCV)
_FOREVER_NS: Final = 2**63 - 1


@dataclass(slots=True)
class AssetMinutes:
    """What was stored for one asset.

    Attributes
    ----------
    first_row, last_row : int
        Its first and last session with a bar, as rows of the sessions that may have bars.
    last_ns : int
        The last label that was written, nanoseconds UTC.
    rows : int
        Number of bars.
    missing : int
        Sessions without a bar in between.
    first_missing : int
        Row of the first of them, -1 for none.
    content : RowDigests
        Of its bars.
    """

    first_row: int
    last_row: int
    last_ns: int = -1
    rows: int = 0
    missing: int = 0
    first_missing: int = -1
    content: RowDigests = field(default_factory=RowDigests)

    def count(self, session_rows: IntArray) -> None:
        """Take note of the sessions of the next bars, ascending."""
        present = np.unique(session_rows)
        skipped = np.diff(present, prepend=self.last_row) - 1
        if self.first_missing < 0 and (skipped > 0).any():
            at = int(np.argmax(skipped > 0))
            self.first_missing = int(present[at] - skipped[at])
        self.missing += int(skipped[skipped > 0].sum())
        self.last_row = int(present[-1])
        self.rows += len(session_rows)


class _Piece(NamedTuple):
    sid: int
    months: IntArray
    label_ns: IntArray
    bars: FloatArray


class MinuteBarWriter:
    """Stores minute bars of a bundle version that is being ingested.

    Parameters
    ----------
    folder : Path
        Where the files `YYYY-MM.parquet` go; made when there is a bar.
    sessions : SessionTable
        The sessions that may have bars.
    previous : Previous, optional
        The version that this one goes on from.

    Attributes
    ----------
    assets : dict of int to AssetMinutes
        What was stored, by sid.
    """

    def __init__(self, folder: Path, sessions: SessionTable, previous: Previous | None = None) -> None:
        self._previous = previous
        self._folder = folder
        self._sessions = sessions
        self._parts = folder / ".parts"
        self._part_paths: list[Path] = []
        self._months: set[int] = set()
        self._pending: list[_Piece] = []
        self._pending_rows = 0
        self.assets: dict[int, AssetMinutes] = {}

    @cached_property
    def market(self) -> MarketMinutes:
        """The minutes that may have bars."""
        return with_breaks(self._sessions, session_breaks(self._sessions))

    def write(
        self,
        data: Iterable[tuple[int, pd.DataFrame]],
        show_progress: bool = False,
        invalid_data_behavior: Literal["warn", "raise", "ignore"] = "warn",
    ) -> None:
        """Store the minute bars of some assets.

        Parameters
        ----------
        data : iterable of (int, DataFrame)
            A sid and bars: columns open, high, low, close, volume; the index are minutes in UTC (or without timezone),
            each labelled by its end, ascending. A minute without a row, or whose prices are NaN and volume 0, is a
            missing bar. Prices are stored as given. An asset may come several times, with later minutes each time.
        show_progress : bool
            Show a progress bar where standard error is a terminal.
        invalid_data_behavior : {"warn", "raise", "ignore"}
            What to do with a bar that lacks only some of its prices.

        Raises
        ------
        BadData
            If a frame is no table of bars, a label is no market minute of the calendar, or an asset's minutes are not
            ascending.
        """
        check_behavior(invalid_data_behavior)
        for sid, frame in tracked(data, "Writing minute bars", show_progress):
            self._write_frame(int(sid), frame, invalid_data_behavior)

    def write_sid(
        self, sid: int, df: pd.DataFrame, invalid_data_behavior: Literal["warn", "raise", "ignore"] = "warn"
    ) -> None:
        """Store minute bars of one asset, see `write`.

        Parameters
        ----------
        sid : int
            The asset.
        df : DataFrame
            Its bars.
        invalid_data_behavior : {"warn", "raise", "ignore"}
            What to do with a bar that lacks only some of its prices.
        """
        self.write([(sid, df)], invalid_data_behavior=invalid_data_behavior)

    def close(self) -> list[Path]:
        """Finish the files, with rows sorted by sid and minute.

        Returns
        -------
        list of Path
            One a month, in order; none if there were no bars.
        """
        for sid in self._previous.sids if self._previous is not None else ():
            rest = self._old_until(sid, _FOREVER_NS)
            if len(rest.labels):
                self._keep(sid, *rest)
        self._flush()
        if not self._part_paths:
            return []
        paths = _sort_into_months(self._part_paths, sorted(self._months), self._folder, self._parts)
        shutil.rmtree(self._parts)
        self._part_paths = []
        return paths

    def _write_frame(self, sid: int, frame: pd.DataFrame, invalid_data_behavior: str) -> None:
        who = f"minute bars of sid {sid}"
        if sid < 0:
            raise BadData(f"{who}: a sid is a number from 0 on")
        label_ns, values = minute_arrays(frame, who, self.market)
        check_whole(values, who, invalid_data_behavior, lambda row: minute_text(label_ns, row))
        self.store(sid, label_ns, values)

    def store(self, sid: int, label_ns: IntArray, values: FloatArray) -> None:
        """Store bars that were screened already, see `write`.

        Parameters
        ----------
        sid : int
            The asset.
        label_ns : int64 array, shape (n,)
            Labels of market minutes, ascending.
        values : float64 array, shape (5, n)
            Open, high, low, close, volume; a bar without any value is a missing one.
        """
        kept = ~missing_bars(values)
        new = Bars(label_ns[kept], values[:, kept])
        if self._previous is not None and len(new.labels):
            self._previous.note(sid, self._sessions.session_ns[session_rows(self.market, new.labels)] // NS_PER_DAY)
            new = self._previous.merged(sid, self._old_until(sid, int(new.labels[-1])), new, _minute_text)
        if len(new.labels):
            self._keep(sid, *new)

    def _old_until(self, sid: int, label_ns: int) -> Bars:
        """Give the bars of the version before, from those that were written on to a label."""
        assert self._previous is not None
        old = self._previous.minutes(sid)
        written = self.assets[sid].last_ns if sid in self.assets else -1
        chosen = (old.labels > written) & (old.labels <= label_ns)
        self._check_market(sid, old.labels[chosen])
        return Bars(old.labels[chosen], old.ohlcv[:, chosen])

    def _check_market(self, sid: int, label_ns: IntArray) -> None:
        """Refuse bars of the version before in minutes that are none any more."""
        problem = market_problem(label_ns, self.market)
        if problem is not None:
            who = f"minute bars of sid {sid} in the version before, {minute_text(label_ns, problem.row)}"
            raise BadData(f"{who}: {problem.text}")

    def _keep(self, sid: int, label_ns: IntArray, values: FloatArray) -> None:
        rows = session_rows(self.market, label_ns)
        asset = self.assets.setdefault(sid, AssetMinutes(int(rows[0]), int(rows[0])))
        if label_ns[0] <= asset.last_ns:
            written = pd.Timestamp(asset.last_ns)
            raise BadData(
                f"minute bars of sid {sid}, {minute_text(label_ns, 0)}: minutes up to {written} are written already: "
                "pass the frames of an asset oldest first, and no minute twice"
            )
        session_ns = self._sessions.session_ns[rows]
        asset.count(rows)
        asset.last_ns = int(label_ns[-1])
        asset.content.add(years_of(session_ns // NS_PER_DAY), label_ns, values)
        self._pending.append(_Piece(sid, months_of(session_ns), label_ns, values))
        self._pending_rows += len(label_ns)
        if self._pending_rows >= ROWS_IN_MEMORY:
            self._flush()

    def _flush(self) -> None:
        """Put what is in memory aside, a row group or more for each month."""
        if not self._pending:
            return
        import pyarrow.parquet as pq

        months, table = _sorted_by_month(self._pending)
        self._pending, self._pending_rows = [], 0
        self._parts.mkdir(parents=True, exist_ok=True)
        path = self._parts / f"{len(self._part_paths)}.parquet"
        with pq.ParquetWriter(path, table.schema, compression="snappy") as file:
            for month in np.unique(months).tolist():
                begin, end = np.searchsorted(months, [month, month + 1]).tolist()
                file.write_table(table.slice(begin, end - begin), row_group_size=ROWS_PER_GROUP)
                self._months.add(month)
        self._part_paths.append(path)


def _minute_text(label_ns: int) -> str:
    return str(pd.Timestamp(label_ns))


def _sorted_by_month(pieces: list[_Piece]) -> tuple[IntArray, pa.Table]:
    import pyarrow as pa

    sids = np.concatenate([np.full(len(piece.label_ns), piece.sid) for piece in pieces])
    months = np.concatenate([piece.months for piece in pieces])
    order = np.lexsort((sids, months))  # stable: an asset's minutes stay ascending
    months = months[order]
    label_ns = np.concatenate([piece.label_ns for piece in pieces])[order]
    columns = {"month": months, "sid": sids[order], "minute": pa.array(label_ns).cast(pa.timestamp("ns"))}
    for row, name in enumerate(OHLCV):
        columns[name] = np.concatenate([piece.bars[row] for piece in pieces])[order]
    return months, pa.table(columns)


def _sort_into_months(parts: list[Path], months: list[int], folder: Path, work: Path) -> list[Path]:
    import duckdb
    from duckdb import ColumnExpression, ConstantExpression

    paths = []
    connection = duckdb.connect(":memory:", config={"threads": 2, "temp_directory": str(work / "spilled")})
    try:
        table = connection.read_parquet([glob.escape(str(part)) for part in parts])
        for month in months:
            bars = table.filter(ColumnExpression("month") == ConstantExpression(month))
            bars = bars.select(*(ColumnExpression(name) for name in _COLUMNS)).order("sid, minute")
            paths.append(folder / f"{month_name(month)}.parquet")
            bars.write_parquet(str(paths[-1]), compression="zstd", row_group_size=ROWS_PER_GROUP)
    finally:
        connection.close()
    return paths
