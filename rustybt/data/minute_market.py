"""What was an asset's value at a minute, as a simulation standing there knows it?

A minute's number counts the market minutes of the bundle's sessions. Values come from one month's block at a time; the
latest blocks stay mapped, and their pages are the system's business.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray, IntArray
from rustybt.constants import OHLCV
from rustybt.data import minute_history
from rustybt.data.bar_table import BarTable, bar_table
from rustybt.data.history import minutes_a_bar
from rustybt.data.instant import Instant
from rustybt.data.market import Window, prices_at_closes
from rustybt.data.portal import FIELDS, NAN, Portal
from rustybt.data.resample import resampled_window
from rustybt.errors import NoMinuteBars

if TYPE_CHECKING:
    from rustybt.assets import Equity

MAPPED_BLOCKS = 64


class MinuteMarket:
    """The market of a minute simulation.

    Parameters
    ----------
    portal : Portal
        Of a bundle with minute bars.

    Raises
    ------
    NoMinuteBars
        If the bundle has none.
    """

    frequency = "minute"

    def __init__(self, portal: Portal) -> None:
        if not portal.bundle.has_minutes:
            raise NoMinuteBars(
                f"bundle {portal.bundle.name!r} has no minute bars: ingest them, or run with data_frequency='daily'"
            )
        self.portal = portal
        table = portal.bundle.minute_table
        self.label_ns: IntArray = np.asarray(table.label_ns)
        self.first: list[int] = table.first.tolist()
        self._block_first: list[int] = table.block_first.tolist()
        self.bars_of_minutes = lru_cache(maxsize=8)(self._bars_of_minutes)
        self._blocks: dict[tuple[str, int], Any] = {}
        self._begin = self._end = 0  # minutes of the block that was read last
        self._block = -1
        self._close: FloatArray = np.empty((0, 0))
        self._volume: FloatArray = np.empty((0, 0))

    # Spot values ------------------------------------------------------------------------------------------------

    def price(self, asset: "Equity", at: Instant) -> float:
        """Give the last known close as of a moment, adjusted over the nights since; NaN outside the asset's life."""
        column, bar = asset.column, at.bar
        if not self.portal.alive_from[column] <= at.row <= self.portal.alive_to[column]:
            return NAN
        if not self._begin <= bar < self._end and not self._enter(bar):
            return NAN
        if int(self.label_ns.item(bar)) == at.now_ns:
            close = self._close.item(bar - self._begin, column)
            if close == close:
                return close
        return self._filled_forward(asset, at)

    def trade(self, asset: "Equity", at: Instant) -> tuple[float, float]:
        """Give close and volume of the current minute; NaN and 0 where there is no bar."""
        column, bar = asset.column, at.bar
        if not self.portal.alive_from[column] <= at.row <= self.portal.alive_to[column]:
            return NAN, 0.0
        if not self._begin <= bar < self._end and not self._enter(bar):
            return NAN, 0.0
        row = bar - self._begin
        return self._close.item(row, column), self._volume.item(row, column)

    def value(self, asset: "Equity", field: str, at: Instant) -> float | pd.Timestamp:
        """Give one field's value at a market minute, as `data.current` reports it.

        Raises
        ------
        KeyError
            If the field has another name.
        """
        if field == "price":
            return self.price(asset, at)
        if field == "last_traded":
            traded = self.last_traded(asset, at.bar)
            return self._stamp(traded) if traded >= 0 else pd.NaT  # type: ignore[return-value]
        if field not in OHLCV:
            raise KeyError(f"Invalid column: {field} (known are {', '.join(FIELDS)})")
        alive = self.portal.alive_from[asset.column] <= at.row <= self.portal.alive_to[asset.column]
        if not alive or not (self._begin <= at.bar < self._end or self._enter(at.bar)):
            return 0 if field == "volume" else NAN
        value: float = self.array(field, self._block).item(at.bar - self._begin, asset.column)
        return int(value) if field == "volume" and value.is_integer() else value

    def last_traded(self, asset: "Equity", bar: int) -> int:
        """Give the last minute up to a bar in which an asset had volume, -1 for none since its start date."""
        if bar < 0:
            return -1
        block = bisect_right(self._block_first, bar) - 1
        row = bar - self._block_first[block]
        while block >= 0:
            found = int(self.array("last_traded", block).item(row, asset.column))
            if found >= 0:
                minute = self._block_first[block] + found
                return minute if int(self.label_ns.item(minute)) >= asset.start_ns else -1
            block, row = block - 1, -1
        return -1

    def _filled_forward(self, asset: "Equity", at: Instant) -> float:
        traded = self.last_traded(asset, at.bar)
        if traded < 0:
            return NAN
        close = self.cell("close", traded, asset.column)
        then_ns = int(self.label_ns.item(traded))
        return close * self.portal.factors.between(asset.column, then_ns, at.now_ns)

    # Windows ----------------------------------------------------------------------------------------------------

    def window(self, assets: "Sequence[Equity]", at: Instant, bars: int, frequency: str, field: str) -> Window:
        """Give a window of minutes or of sessions; see `rustybt.data.minute_history`."""
        if frequency == "1m":
            values = minute_history.minute_window(self, assets, at, bars, field)
            return Window(values, lambda: self.label_index[at.bar - bars + 1 : at.bar + 1])
        minutes = minutes_a_bar(frequency)
        if minutes:
            return resampled_window(self, assets, at, bars, minutes, field)
        if frequency != "1d":
            raise ValueError(
                f"Invalid frequency: {frequency} (a minute simulation knows '1d', '1m', and minutes such as '5m')"
            )
        return minute_history.session_window(self, assets, at, bars, field)

    def rows(self, field: str, begin: int, end: int, columns: list[int]) -> FloatArray:
        """Give a copy of raw values of minutes [begin, end), shape (end - begin, len(columns)).

        It lies row by row in memory, as Zipline's windows do: sums over it then add up in Zipline's order.
        """
        parts = []
        block = bisect_right(self._block_first, begin) - 1
        while begin < end:
            start, stop = self._block_first[block], min(self._block_first[block + 1], end)
            parts.append(self.array(field, block)[begin - start : stop - start].take(columns, axis=1))
            begin, block = stop, block + 1
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def cell(self, field: str, minute: int, column: int) -> float:
        """Give one raw value."""
        block = bisect_right(self._block_first, minute) - 1
        value: float = self.array(field, block).item(minute - self._block_first[block], column)
        return value

    def row_of(self, minute: int) -> int:
        """Give the session row of a minute."""
        return bisect_right(self.first, minute) - 1

    def _bars_of_minutes(self, minutes: int) -> BarTable:
        return bar_table(self.first, minutes)

    # Time -------------------------------------------------------------------------------------------------------

    def bars_of(self, row: int) -> range:
        """Give the minutes of a session."""
        return range(self.first[row], self.first[row + 1])

    def instants_of(self, row: int) -> list[Instant]:
        """Give the moment of each of a session's minutes."""
        first, end = self.first[row], self.first[row + 1]
        times = self.label_index[first:end].tolist()
        return [Instant(row, bar, now) for bar, now in zip(range(first, end), times, strict=True)]

    @cached_property
    def label_index(self) -> pd.DatetimeIndex:
        """Every market minute as an index, UTC."""
        return pd.DatetimeIndex(self.label_ns.view("datetime64[ns]")).tz_localize("UTC")

    def instant_before(self, bar: int) -> Instant:
        """Give the moment of the minute before one; a minute before the market's first has no bar."""
        if bar == 0:
            return Instant(-1, -1, self._stamp(0) - pd.Timedelta(minutes=1))
        return Instant(self.row_of(bar - 1), bar - 1, self._stamp(bar - 1))

    def close_of(self, row: int) -> Instant:
        """Give the moment of a session's last minute."""
        bar = self.first[row + 1] - 1
        return Instant(row, bar, self._stamp(bar))

    def closing_prices(self, assets: "Sequence[Equity]", begin: int, end: int) -> FloatArray:
        """Give `price` at the close of sessions [begin, end), shape (end - begin, len(assets)), writeable."""
        return prices_at_closes(self, assets, begin, end)

    def _stamp(self, minute: int) -> pd.Timestamp:
        return pd.Timestamp(int(self.label_ns.item(minute)), tz="UTC")

    # Blocks -----------------------------------------------------------------------------------------------------

    def array(self, field: str, block: int) -> Any:
        """Give a month's dense array of a field, shape (minutes of the block, n_assets), read-only."""
        found = self._blocks.get((field, block))
        if found is None:
            if len(self._blocks) >= MAPPED_BLOCKS:  # each holds a file descriptor
                del self._blocks[next(iter(self._blocks))]
            found = self._blocks[field, block] = np.asarray(self.portal.bundle.minute(field, block))
        return found

    def _enter(self, bar: int) -> bool:
        """Make the block of a minute the current one; False before the first minute."""
        if bar < 0:
            return False
        self._block = bisect_right(self._block_first, bar) - 1
        self._begin, self._end = self._block_first[self._block], self._block_first[self._block + 1]
        self._close, self._volume = self.array("close", self._block), self.array("volume", self._block)
        return True
