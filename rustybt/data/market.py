"""What does a simulation ask of the market, whatever its bars are?"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray, IntArray
from rustybt.data.history import daily_window, minutes_a_bar
from rustybt.data.instant import Instant
from rustybt.data.portal import NAN, Portal
from rustybt.errors import NoMinuteBars

if TYPE_CHECKING:
    from rustybt.assets import Equity

DAY = pd.Timedelta(days=1)


class Window:
    """A trailing window.

    Parameters
    ----------
    array : float64 array, shape (bars, n_assets)
        Rounded as `history` does; NaN where there is no bar. It may be a read-only view.
    make_labels : callable
        Gives the labels; who wants the array only does not wait for them.

    Attributes
    ----------
    array : float64 array, shape (bars, n_assets)
        As given.
    """

    __slots__ = ("_make_labels", "array")

    def __init__(self, array: FloatArray, make_labels: Callable[[], pd.DatetimeIndex]) -> None:
        self.array = array
        self._make_labels = make_labels

    @property
    def labels(self) -> pd.DatetimeIndex:
        """Session labels (tz-naive) or minutes (UTC), one a bar."""
        return self._make_labels()


class Market(Protocol):
    """Prices and volumes of one bundle version at one frequency.

    Attributes
    ----------
    portal : Portal
        Sessions, lifetimes and adjustments.
    frequency : {"daily", "minute"}
        Of the bars that orders fill in.
    label_ns : int64 array, shape (n_bars,)
        The label of every bar of the bundle's sessions, nanoseconds UTC.
    """

    portal: Portal
    frequency: str
    label_ns: IntArray

    def price(self, asset: "Equity", at: Instant) -> float:
        """Give the last known close, filled forward and adjusted; NaN outside the asset's life."""

    def trade(self, asset: "Equity", at: Instant) -> tuple[float, float]:
        """Give close and volume of the current bar; NaN and 0 where there is none."""

    def value(self, asset: "Equity", field: str, at: Instant) -> float | pd.Timestamp:
        """Give one field's value, as `data.current` reports it."""

    def window(self, assets: "Sequence[Equity]", at: Instant, bars: int, frequency: str, field: str) -> Window:
        """Give the trailing window that ends with the current bar, adjusted as of it."""

    def bars_of(self, row: int) -> range:
        """Give the bars of a session."""

    def instants_of(self, row: int) -> list[Instant]:
        """Give the moment of each of a session's bars."""

    def instant_before(self, bar: int) -> Instant:
        """Give the moment of the bar before one; its bar is -1, and its row too, where there is none."""

    def close_of(self, row: int) -> Instant:
        """Give the moment of a session's last bar."""

    def closing_prices(self, assets: "Sequence[Equity]", begin: int, end: int) -> FloatArray:
        """Give `price` at the close of sessions [begin, end), shape (end - begin, len(assets)), writeable."""


def prices_at_closes(market: Market, assets: "Sequence[Equity]", begin: int, end: int) -> FloatArray:
    """Give a market's `closing_prices`, one by one."""
    closes = [market.close_of(row) for row in range(begin, end)]
    prices = [[market.price(asset, at) for asset in assets] for at in closes]
    return np.array(prices, dtype=np.float64).reshape(end - begin, len(assets))


class DailyMarket:
    """The market of a daily simulation: a bar is a session.

    Parameters
    ----------
    portal : Portal
        Of the bundle.
    """

    frequency = "daily"

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.label_ns = portal.session_table.close_ns
        self._close, self._volume = portal.array("close"), portal.array("volume")
        self._alive_from, self._alive_to = portal.alive_from, portal.alive_to
        self._close_times = portal.close_times

    def price(self, asset: "Equity", at: Instant) -> float:
        """Give the last known close; see `Portal.price`. Before the session's bar it is adjusted over the night."""
        column, row = asset.column, at.row
        if at.bar == row:
            if not self._alive_from[column] <= row <= self._alive_to[column]:
                return NAN
            close = self._close.item(row, column)
            return close if close == close else self.portal.price(asset, row)
        portal = self.portal
        if not portal.alive_from[column] <= at.row <= portal.alive_to[column]:
            return NAN
        closed_ns = self.instant_before(at.row).now_ns
        return portal.price(asset, at.row - 1) * portal.factors.between(column, closed_ns, at.now_ns)

    def trade(self, asset: "Equity", at: Instant) -> tuple[float, float]:
        """Give close and volume of the session; NaN and 0 where there is no bar."""
        row, column = at.row, asset.column
        if not self._alive_from[column] <= row <= self._alive_to[column]:
            return NAN, 0.0
        return self._close.item(row, column), self._volume.item(row, column)

    def value(self, asset: "Equity", field: str, at: Instant) -> float | pd.Timestamp:
        """Give one field's value; see `Portal.value`."""
        return self.portal.value(asset, field, at.row)

    def window(self, assets: "Sequence[Equity]", at: Instant, bars: int, frequency: str, field: str) -> Window:
        """Give a window of sessions; see `rustybt.data.history.daily_window`."""
        if frequency == "1d":
            values = daily_window(self.portal, assets, at.row, bars, field)
            return Window(values, lambda: self.portal.window_labels(at.row, bars))
        if minutes_a_bar(frequency):
            raise NoMinuteBars(
                f"history of frequency {frequency!r} needs a minute simulation: ask for '1d', "
                "or run with data_frequency='minute'"
            )
        raise ValueError(f"Invalid frequency: {frequency} (a daily simulation knows '1d')")

    def bars_of(self, row: int) -> range:
        """Give the session itself."""
        return range(row, row + 1)

    def instants_of(self, row: int) -> list[Instant]:
        """Give the moment of the session's close."""
        return [Instant(row, row, self._close_times[row])]

    def instant_before(self, bar: int) -> Instant:
        """Give the close of the session before; before the first it has no bar."""
        if bar == 0:
            return Instant(-1, -1, self.portal.close_times[0] - DAY)
        return self.close_of(bar - 1)

    def close_of(self, row: int) -> Instant:
        """Give the moment of a session's close."""
        return Instant(row, row, self.portal.close_times[row])

    def closing_prices(self, assets: "Sequence[Equity]", begin: int, end: int) -> FloatArray:
        """Give `price` at the close of sessions [begin, end), shape (end - begin, len(assets)), writeable."""
        portal, columns = self.portal, [asset.column for asset in assets]
        prices = portal.array("close")[begin:end, columns]
        for k, column in enumerate(columns):
            prices[: max(portal.alive_from[column] - begin, 0), k] = NAN
            prices[max(portal.alive_to[column] + 1 - begin, 0) :, k] = NAN
        for row, k in np.argwhere(np.isnan(prices)).tolist():
            prices[row, k] = portal.price(assets[k], begin + row)
        return prices
