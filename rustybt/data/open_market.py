"""What does a market look like to orders that fill at a bar's open?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from rustybt._typing import FloatArray, IntArray
from rustybt.data.instant import Instant
from rustybt.data.market import Market, Window

if TYPE_CHECKING:
    from rustybt.assets import Equity


class OpenMarket:
    """A market whose current bar has its open in the place of its close; cost models that read a close fill at it.

    Parameters
    ----------
    market : Market
        The simulation's. Windows, and bars that are over, are as they are there.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self.portal = market.portal
        self.frequency = market.frequency
        self.label_ns: IntArray = market.label_ns

    def price(self, asset: "Equity", at: Instant) -> float:
        """Give the current bar's open; without one, what the simulation's market gives."""
        opened = self._market.value(asset, "open", at)
        return opened if opened == opened else self._market.price(asset, at)  # type: ignore[return-value]

    def trade(self, asset: "Equity", at: Instant) -> tuple[float, float]:
        """Give open and volume of the current bar; NaN and 0 where there is none."""
        return self._market.value(asset, "open", at), self._market.trade(asset, at)[1]  # type: ignore[return-value]

    def value(self, asset: "Equity", field: str, at: Instant) -> float | pd.Timestamp:
        """Give one field's value, the open for "close" and "price"."""
        if field == "price":
            return self.price(asset, at)
        return self._market.value(asset, "open" if field == "close" else field, at)

    def window(self, assets: "Sequence[Equity]", at: Instant, bars: int, frequency: str, field: str) -> Window:
        """Give the simulation's window."""
        return self._market.window(assets, at, bars, frequency, field)

    def bars_of(self, row: int) -> range:
        """Give the bars of a session."""
        return self._market.bars_of(row)

    def instants_of(self, row: int) -> list[Instant]:
        """Give the moment of each of a session's bars."""
        return self._market.instants_of(row)

    def instant_before(self, bar: int) -> Instant:
        """Give the moment of the bar before one."""
        return self._market.instant_before(bar)

    def close_of(self, row: int) -> Instant:
        """Give the moment of a session's last bar."""
        return self._market.close_of(row)

    def closing_prices(self, assets: "Sequence[Equity]", begin: int, end: int) -> FloatArray:
        """Give the simulation's prices at the close of sessions, which are over."""
        return self._market.closing_prices(assets, begin, end)
