"""What bars does a Zipline bundle hold? Whole numbers in bcolz: a table of daily bars, and one an asset of minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from rustybt._typing import FloatArray, IntArray
from rustybt.calendars import get_calendar, naive_day, session_table
from rustybt.constants import NS_PER_MINUTE, OHLC, OHLCV
from rustybt.data.bundles.bcolz_column import Column, column_length, read_json
from rustybt.errors import BadData

DAILY_FOLDER: Final = "daily_equities.bcolz"
MINUTE_FOLDER: Final = "minute_equities.bcolz"
PER_UNIT: Final = 1000
"""Daily prices are in thousandths."""
_NS_PER_S: Final = 1_000_000_000
_MINUTE_VERSIONS: Final = (2, 3)


class StoredBars(NamedTuple):
    """The bars of one asset.

    Attributes
    ----------
    label_ns : int64 array, shape (n,)
        Session or minute, nanoseconds UTC.
    ohlcv : float64 array, shape (5, n)
        Open, high, low, close, volume; a price of 0 was none, and is NaN.
    rows : int64 array, shape (n,)
        Number of each in its table, from 0.
    """

    label_ns: IntArray
    ohlcv: FloatArray
    rows: IntArray


class DailyTable:
    """The table of daily bars.

    Parameters
    ----------
    folder : Path
        Where it is.

    Raises
    ------
    BadData
        If it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        said = read_json(folder / "__attrs__")
        name = said.get("calendar_name")
        self.calendar: str | None = name if isinstance(name, str) else None
        self._columns: dict[str, Column] = {}
        length = column_length(folder / "day")
        first, last = (_by_sid(said.get(key), folder / "__attrs__", key) for key in ("first_row", "last_row"))
        for sid in first:
            if not 0 <= first[sid] <= last.get(sid, -1) < length:
                raise BadData(
                    f"{folder / '__attrs__'}: sid {sid} has rows {first[sid]} to {last.get(sid)} of {length}: copy the "
                    "bundle's whole folder"
                )
        self._rows = {sid: (first[sid], last[sid] + 1) for sid in first}

    @property
    def sids(self) -> list[int]:
        """Those that have rows."""
        return sorted(self._rows)

    def bars(self, sid: int) -> StoredBars:
        """Read the bars of an asset.

        Parameters
        ----------
        sid : int
            One of `sids`.

        Returns
        -------
        StoredBars
        """
        if not self._columns:
            self._columns = _columns(self.folder, (*OHLCV, "day", "id"))
        begin, end = self._rows[sid]
        if (other := self._columns["id"].read(begin, end) != sid).any():
            raise BadData(f"{self.folder} row {begin + int(np.argmax(other)) + 1} is not of sid {sid}: copy the folder")
        days = self._columns["day"].read(begin, end).astype(np.int64) * _NS_PER_S
        return StoredBars(days, _values(self._columns, begin, end, PER_UNIT), np.arange(begin, end))


class MinuteTables:
    """The tables of minute bars, one an asset.

    A table has as many rows for each session, from the bundle's first on, as a full session has minutes: those after an
    early close, in a break and before an asset's first bar are zeros.

    Parameters
    ----------
    folder : Path
        Where they are.

    Raises
    ------
    BadData
        If their description is damaged, or of another version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / "metadata.json"
        said = read_json(path)
        if said.get("version") not in _MINUTE_VERSIONS:
            raise BadData(
                f"{path} is of version {said.get('version')}, but 2 and 3 are read: ingest the bundle anew with "
                "zipline-reloaded 3"
            )
        self.calendar = str(_said(said, "calendar_name", str, path))
        self._start = naive_day(_said(said, "start_session", str, path), f"start_session in {path}")
        self._per_session = int(_said(said, "minutes_per_day", int, path))
        self._ratios = _by_sid(said.get("ohlc_ratios_per_sid") or {}, path, "ohlc_ratios_per_sid")
        self._ratio = int(_said(said, "ohlc_ratio", int, path))
        if self._per_session < 1 or min(self._ratio, *self._ratios.values(), self._ratio) < 1:
            raise BadData(f"{path} has minutes_per_day or a ratio below 1: copy it again")
        self._opens: IntArray = np.empty(0, dtype=np.int64)

    def place(self, sid: int) -> Path:
        """Name the folder of an asset's table."""
        digits = f"{sid:06}"
        return self.folder / digits[:2] / digits[2:4] / f"{digits}.bcolz"

    def has_rows(self, sid: int) -> bool:
        """Say whether an asset has a table with rows."""
        place = self.place(sid)
        return place.is_dir() and column_length(place / "close") > 0

    def per_unit(self, sid: int) -> int:
        """Give the number by which prices of an asset were multiplied."""
        return self._ratios.get(sid, self._ratio)

    def bars(self, sid: int) -> StoredBars:
        """Read the bars of an asset, without rows of zeros.

        Parameters
        ----------
        sid : int
            One that has rows.

        Returns
        -------
        StoredBars
            Labels of minutes are those of their ends.
        """
        columns = _columns(self.place(sid), OHLCV)
        count = len(columns["close"])
        values = _values(columns, 0, count, self.per_unit(sid))
        rows = np.flatnonzero(~np.isnan(values[: len(OHLC)]).all(axis=0) | (values[-1] != 0))
        session, minute = np.divmod(rows, self._per_session)
        opens = self._open_ns(int(session.max(initial=-1)) + 1, self.place(sid))
        return StoredBars(opens[session] + minute * NS_PER_MINUTE, values[:, rows], rows)

    def _open_ns(self, count: int, place: Path) -> IntArray:
        """Give the labels of the first minutes of so many sessions."""
        if not len(self._opens):
            calendar = get_calendar(self.calendar)
            first = max(self._start, calendar.first_session)
            if first > calendar.last_session or self._start < calendar.first_session:
                raise BadData(
                    f"{self.folder} starts on {self._start.date()}, but calendar {self.calendar} is known from "
                    f"{calendar.first_session.date()} to {calendar.last_session.date()}: its rows cannot be dated"
                )
            self._opens = session_table(self.calendar, first, calendar.last_session).open_ns
        if count > len(self._opens):
            raise BadData(f"{place} has bars of {count} sessions, but there were {len(self._opens)}: copy it again")
        return self._opens


def _columns(folder: Path, names: tuple[str, ...]) -> dict[str, Column]:
    columns = {name: Column(folder / name) for name in names}
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        shown = ", ".join(f"{name} {len(column)}" for name, column in columns.items())
        raise BadData(f"{folder} has columns of several lengths ({shown}): copy the bundle's whole folder")
    return columns


def _values(columns: dict[str, Column], begin: int, end: int, per_unit: int) -> FloatArray:
    values = np.stack([columns[name].read(begin, end).astype(np.float64) for name in OHLCV])
    prices = values[: len(OHLC)]
    prices[prices == 0] = np.nan
    prices /= per_unit
    return values


def _by_sid(said: Any, path: Path, key: str) -> dict[int, int]:
    """Read an object whose keys are sids and whose values are whole numbers."""
    if isinstance(said, dict) and all(str(sid).isdecimal() and type(row) is int for sid, row in said.items()):
        return {int(sid): row for sid, row in said.items()}
    raise BadData(f"{path}: {key} is no table of whole numbers by sid: copy it again")


def _said(said: dict[str, Any], key: str, kind: type, path: Path) -> Any:
    if type(said.get(key)) is not kind:
        raise BadData(f"{path}: {key} is {said.get(key)!r}: copy it again")
    return said[key]
