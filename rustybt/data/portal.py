"""What was an asset's value at a session, as a simulation standing there knows it?

One portal serves every run over a bundle version in a process: it holds no state of a run. Rows are session indices
into the bundle's session table.
"""

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray
from rustybt.calendars import SessionTable, session_breaks, session_table
from rustybt.constants import NAT, NS_PER_DAY, NS_PER_MINUTE, OHLCV
from rustybt.data.factors import Factors
from rustybt.data.held import cache_of_bundles
from rustybt.data.selection import Selection
from rustybt.kernels.adjust import round_window

if TYPE_CHECKING:
    from rustybt.assets import Equity
    from rustybt.data.store import BundleData

NAN = float("nan")
FIELDS = (*OHLCV, "price", "last_traded")


class Portal:
    """Spot values of a bundle version by session row.

    Parameters
    ----------
    bundle : BundleData
        The version to read.
    full_precision : bool
        Prices as they were ingested, and windows that are not rounded; so it is without this for a bundle that has no
        price quantum.

    Attributes
    ----------
    source : tuple of (str, str, float or None)
        What arrays that are made of it depend on: fingerprint, sid map and price quantum.
    """

    def __init__(self, bundle: "BundleData", full_precision: bool = False) -> None:
        self.bundle = bundle = bundle.full_precision if full_precision else bundle
        self.rounds_windows = bundle.price_quantum is not None
        self.source = (bundle.fingerprint, bundle.manifest.sid_map, bundle.price_quantum)
        self.finder = bundle.asset_finder
        self.session_table = bundle.sessions
        self.session_ns = bundle.sessions.session_ns
        self.factors = Factors(bundle.adjustments, self.finder, self.session_ns)
        self._fields: dict[str, FloatArray] = {}
        self._reported: dict[str, FloatArray] = {}
        # Assets of different bundles compare equal by sid, so the cache is this bundle's own.
        self.selection = lru_cache(maxsize=256)(self._select)
        self._labels = lru_cache(maxsize=64)(self._window_labels)
        equities = self.finder.equities
        starts = np.array([equity.start_ns for equity in equities], dtype=np.int64)
        ends = np.array([equity.end_ns for equity in equities], dtype=np.int64)
        self.alive_from: list[int] = np.searchsorted(self.session_ns, starts, side="left").tolist()
        self.alive_to: list[int] = (np.searchsorted(self.session_ns, ends, side="right") - 1).tolist()

    @cached_property
    def sessions(self) -> pd.DatetimeIndex:
        """Session labels, tz-naive midnights."""
        return pd.DatetimeIndex(self.session_ns.view("datetime64[ns]"))

    @cached_property
    def session_labels(self) -> list[pd.Timestamp]:
        """Session labels as Timestamps, tz-naive."""
        return self.sessions.tolist()

    @cached_property
    def close_times(self) -> list[pd.Timestamp]:
        """The last minute of each session, UTC."""
        return self.close_index.tolist()

    @cached_property
    def open_times(self) -> list[pd.Timestamp]:
        """The first minute of each session, UTC."""
        return self.open_index.tolist()

    @cached_property
    def close_index(self) -> pd.DatetimeIndex:
        """`close_times` as an index."""
        return pd.DatetimeIndex(self.session_table.close_ns.view("datetime64[ns]")).tz_localize("UTC")

    @cached_property
    def open_index(self) -> pd.DatetimeIndex:
        """`open_times` as an index."""
        return pd.DatetimeIndex(self.session_table.open_ns.view("datetime64[ns]")).tz_localize("UTC")

    @cached_property
    def months(self) -> pd.Index:
        """The month of each session, as 2020-01."""
        return self.sessions.strftime("%Y-%m")

    @cached_property
    def bar_rows(self) -> tuple[list[int], list[int]]:
        """The first and the last row at which each column has a bar, n_sessions and -1 where it has none."""
        present = ~np.isnan(self.array("close")) | (self.array("volume") != 0)
        rows = len(self.session_ns)
        some = present.any(axis=0)
        first = np.where(some, present.argmax(axis=0), rows)
        last = np.where(some, rows - 1 - present[::-1].argmax(axis=0), -1)
        return first.tolist(), last.tolist()

    @cached_property
    def last_traded_rows(self) -> "np.ndarray[tuple[int, ...], np.dtype[np.int32]]":
        """For each row and column the last row up to it with volume, -1 for none."""
        return np.asarray(self.bundle.daily("last_traded"))

    def session_minutes(self, row: int) -> pd.DatetimeIndex:
        """Give the market minutes of a session, UTC; a lunch break is left out."""
        table = self.session_table
        labels = np.arange(int(table.open_ns[row]), int(table.close_ns[row]) + 1, NS_PER_MINUTE)
        breaks = session_breaks(SessionTable(table.name, *(times[row : row + 1] for times in table[1:])))
        for _, last_am_ns, first_pm_ns in breaks.tolist():
            labels = labels[(labels <= last_am_ns) | (labels >= first_pm_ns)]
        return pd.DatetimeIndex(labels.view("datetime64[ns]")).tz_localize("UTC")

    def asset_index(self, assets: "tuple[Equity, ...]") -> pd.Index:
        """Give assets as a frame's labels."""
        return self.selection(assets).index

    def _select(self, assets: "tuple[Equity, ...]") -> Selection:
        return Selection(assets, self.factors.of)

    def window_labels(self, row: int, bars: int) -> pd.DatetimeIndex:
        """Give the labels of the sessions of a window that ends at a row, tz-naive."""
        return self._labels(row, bars).view()

    def _window_labels(self, row: int, bars: int) -> pd.DatetimeIndex:
        start = row - bars + 1
        if start >= 0:
            return self.sessions[start : row + 1]
        return pd.DatetimeIndex(self.sessions_before[start:].append(self.sessions[: row + 1]))

    def reported(self, field: str) -> FloatArray:
        """Give the dense array of a field as `history` reports what no adjustment changes: `rounded`, read-only."""
        found = self._reported.get(field)
        if found is None:
            values = self.bundle.reported(field) if self.rounds_windows else self.array(field)
            found = self._reported[field] = np.asarray(values)
        return found

    def array(self, field: str) -> FloatArray:
        """Give the dense array of a field.

        Parameters
        ----------
        field : {"open", "high", "low", "close", "volume"}
            A price is raw (unadjusted).

        Returns
        -------
        float64 array, shape (n_sessions, n_assets)
            Read-only; NaN prices and volume 0 where there is no bar.
        """
        found = self._fields.get(field)
        if found is None:
            # np.asarray drops the memmap subclass, whose indexing is several times slower; the pages stay shared.
            found = self._fields[field] = np.asarray(self.bundle.daily(field))
        return found

    def rounded(self, window: FloatArray) -> FloatArray:
        """Give a window of prices or volumes in the precision that `history` reports."""
        return round_window(window) if self.rounds_windows else window

    def price(self, asset: "Equity", row: int) -> float:
        """Give the last known close as of a row: filled forward and adjusted, NaN outside the asset's life.

        Parameters
        ----------
        asset : Equity
            An asset of this bundle.
        row : int
            Session row.

        Returns
        -------
        float
        """
        column = asset.column
        if not self.alive_from[column] <= row <= self.alive_to[column]:
            return NAN
        close = self.array("close").item(row, column)
        return close if close == close else self._filled_forward(column, row)

    def _filled_forward(self, column: int, row: int) -> float:
        first, last = self.bar_rows[0][column], self.bar_rows[1][column]
        if row > last:
            return NAN
        closes = self.array("close")
        for found in range(row - 1, first - 1, -1):
            close = closes.item(found, column)
            if close == close:
                after, until = int(self.session_ns[found]), int(self.session_ns[row])
                return float(close * self.factors.between(column, after, until))
        return NAN

    def value(self, asset: "Equity", field: str, row: int) -> float | pd.Timestamp:
        """Give one field's value at a row, as `data.current` reports it.

        Parameters
        ----------
        asset : Equity
            An asset of this bundle.
        field : str
            One of open, high, low, close, volume, price, last_traded.
        row : int
            Session row.

        Returns
        -------
        float or pd.Timestamp
            Prices are NaN where there is no bar ("price" is filled forward); volume is 0 outside the asset's life;
            last_traded is a session label or NaT.

        Raises
        ------
        KeyError
            If the field has another name.
        """
        if field == "price":
            return self.price(asset, row)
        column = asset.column
        if field in OHLCV:
            if self.alive_from[column] <= row <= self.alive_to[column]:
                return self._volume(column, row) if field == "volume" else self.array(field).item(row, column)
            return 0 if field == "volume" else NAN
        if field == "last_traded":
            traded = int(self.last_traded_rows.item(row, column)) if row >= 0 else -1
            return self.session_labels[traded] if traded >= 0 else pd.NaT  # type: ignore[return-value]
        raise KeyError(f"Invalid column: {field} (known are {', '.join(FIELDS)})")

    def _volume(self, column: int, row: int) -> float:
        volume = self.array("volume").item(row, column)
        if volume == 0 and not self.bar_rows[0][column] <= row <= self.bar_rows[1][column]:
            return NAN
        return int(volume) if volume.is_integer() else volume

    def row_of(self, when: pd.Timestamp) -> int:
        """Give the row of the first session whose label is at or after a date.

        Parameters
        ----------
        when : pd.Timestamp
            tz-naive.

        Returns
        -------
        int
            n_sessions where there is none.
        """
        return int(np.searchsorted(self.session_ns, when.as_unit("ns").value, side="left"))

    @cached_property
    def last_open_rows(self) -> list[int]:
        """The last row of each column up to its automatic close; the end of the table where it has none."""
        dates = np.array([equity.auto_close_ns for equity in self.finder.equities], dtype=np.int64)
        rows = np.searchsorted(self.session_ns, dates, side="right") - 1
        last: list[int] = np.where(dates == NAT, len(self.session_ns), rows).tolist()
        return last

    @cached_property
    def last_order_rows(self) -> list[int]:
        """The last row at which each column can be ordered; the end of the table where it has no automatic close."""
        limits = zip(self.finder.equities, self.alive_to, self.last_open_rows, strict=True)
        return [len(self.session_ns) if e.auto_close_date is None else min(alive, last) for e, alive, last in limits]

    @cached_property
    def auto_close_rows(self) -> list[int]:
        """The first row of each column whose close is at or after its automatic close; past the end for none."""
        dates = np.array([equity.auto_close_ns for equity in self.finder.equities], dtype=np.int64)
        rows = np.searchsorted(self.session_table.close_ns, dates, side="left")
        first: list[int] = np.where(dates == NAT, len(self.session_ns), rows).tolist()
        return first

    @cached_property
    def first_auto_close_row(self) -> int:
        """The first row at which any asset closes; past the end for none."""
        return min(self.auto_close_rows, default=len(self.session_ns))

    def sessions_missing_until(self, when: pd.Timestamp) -> bool:
        """Say whether the calendar has a session after the last bar and up to a date."""
        day_after = self.session_labels[-1] + pd.Timedelta(1, unit="D")
        when = min(when, day_after + pd.Timedelta(31, unit="D"))  # no market rests longer, and a calendar has an end
        return when >= day_after and len(session_table(self.bundle.calendar_name, day_after, when).session_ns) > 0

    @cached_property
    def sessions_before(self) -> pd.DatetimeIndex:
        """Sessions from the bundle's first allowed one up to, not including, the first with a bar."""
        first, last = self.bundle.first_trading_session_ns, int(self.session_ns[0]) - NS_PER_DAY
        if first > last:
            return pd.DatetimeIndex([], dtype="datetime64[ns]")
        table = session_table(self.bundle.calendar_name, pd.Timestamp(first), pd.Timestamp(last))
        return pd.DatetimeIndex(table.session_ns.view("datetime64[ns]"))


def portal_of(bundle: "BundleData", full_precision: bool = False) -> Portal:
    """Give the process's one portal of an opened bundle version and precision (the four latest are kept)."""
    return _portal_of(bundle, full_precision)


@cache_of_bundles(4)
def _portal_of(bundle: "BundleData", full_precision: bool) -> Portal:
    return Portal(bundle, full_precision)
