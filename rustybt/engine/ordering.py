"""How do the order functions turn shares, value or percent into an order?"""

import logging
import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from rustybt.assets import Asset, Equity
from rustybt.data.instant import Instant
from rustybt.errors import (
    CannotOrderDelistedAsset,
    OrderDuringInitialize,
    OrderInBeforeTradingStart,
    UnsupportedOrderParameters,
)
from rustybt.finance.blotter import Blotter
from rustybt.finance.bracket import Bracket
from rustybt.finance.controls import TradingControl
from rustybt.finance.execution import ExecutionStyle, LimitOrder, MarketOrder, StopLimitOrder, StopOrder
from rustybt.finance.math_utils import NEAR
from rustybt.finance.order import Order
from rustybt.kernels.fills import DUST

if TYPE_CHECKING:
    from rustybt.data.bar_data import BarData
    from rustybt.data.market import Market
    from rustybt.data.portal import Portal
    from rustybt.finance.ledger import Ledger
    from rustybt.finance.portfolio import Portfolio

log = logging.getLogger("rustybt.orders")


class OrderMethods:
    """The order functions of an algorithm.

    Every one returns the order's id, or None where nothing was placed: for 0 shares, in the warm-up sessions before the
    run, or (with a warning in the log) for an asset that has left the market. Amounts are truncated to whole shares,
    after snapping to an integer within 0.0001; a run with fractional shares takes them as they are.
    """

    blotter: Blotter
    initialized: bool
    _data: "BarData"
    _in_before_trading_start: bool
    _at: Instant
    _market: "Market"
    _opens: int
    _portal: "Portal"
    _trading_controls: list[TradingControl]

    if TYPE_CHECKING:

        @property
        def portfolio(self) -> "Portfolio":
            """Provided by the algorithm."""

        def _valued(self) -> "Ledger":
            """Give the books at the current prices; provided by the algorithm."""

    def order(
        self,
        asset: Asset,
        amount: float,
        limit_price: float | None = None,
        stop_price: float | None = None,
        style: ExecutionStyle | None = None,
        *,
        bracket: Bracket | None = None,
    ) -> str | None:
        """Order a number of shares; see `rustybt.api.order`."""
        if not self._can_order(asset):
            return None
        return self._order(asset, amount, limit_price, stop_price, style, bracket)

    def order_value(
        self,
        asset: Asset,
        value: float,
        limit_price: float | None = None,
        stop_price: float | None = None,
        style: ExecutionStyle | None = None,
        *,
        bracket: Bracket | None = None,
    ) -> str | None:
        """Order for an amount of money; see `rustybt.api.order_value`."""
        if not self._can_order(asset):
            return None
        return self._order(asset, self._shares_worth(asset, value), limit_price, stop_price, style, bracket)

    def order_percent(
        self,
        asset: Asset,
        percent: float,
        limit_price: float | None = None,
        stop_price: float | None = None,
        style: ExecutionStyle | None = None,
        *,
        bracket: Bracket | None = None,
    ) -> str | None:
        """Order for a fraction of the portfolio's value; see `rustybt.api.order_percent`."""
        if not self._can_order(asset):
            return None
        shares = self._shares_worth(asset, self._valued().portfolio_value * percent)
        return self._order(asset, shares, limit_price, stop_price, style, bracket)

    def order_target(
        self,
        asset: Asset,
        target: float,
        limit_price: float | None = None,
        stop_price: float | None = None,
        style: ExecutionStyle | None = None,
        *,
        bracket: Bracket | None = None,
    ) -> str | None:
        """Order up or down to a number of shares; see `rustybt.api.order_target`."""
        if not self._can_order(asset):
            return None
        shares = self._missing(asset, target, self._valued())
        return self._order(asset, shares, limit_price, stop_price, style, bracket)

    def order_target_value(
        self,
        asset: Asset,
        target: float,
        limit_price: float | None = None,
        stop_price: float | None = None,
        style: ExecutionStyle | None = None,
        *,
        bracket: Bracket | None = None,
    ) -> str | None:
        """Order up or down to a position's worth; see `rustybt.api.order_target_value`."""
        if not self._can_order(asset):
            return None
        shares = self._missing(asset, self._shares_worth(asset, target), self._valued())
        return self._order(asset, shares, limit_price, stop_price, style, bracket)

    def order_target_percent(
        self,
        asset: Asset,
        target: float,
        limit_price: float | None = None,
        stop_price: float | None = None,
        style: ExecutionStyle | None = None,
        *,
        bracket: Bracket | None = None,
    ) -> str | None:
        """Order up or down to a fraction of the portfolio; see `rustybt.api.order_target_percent`."""
        if not self._can_order(asset):
            return None
        books = self._valued()
        shares = self._missing(asset, self._shares_worth(asset, books.portfolio_value * target), books)
        return self._order(asset, shares, limit_price, stop_price, style, bracket)

    def batch_market_order(self, share_counts: pd.Series, *, bracket: Bracket | None = None) -> pd.Index:
        """Place many market orders; see `rustybt.api.batch_market_order`."""
        if not isinstance(share_counts, pd.Series):
            raise TypeError(f"batch_market_order: share_counts is a {type(share_counts).__name__}, pass a Series")
        fractional = self.blotter.rules.fractional_shares
        if share_counts.dtype != "int64" and not (fractional and share_counts.dtype == "float64"):
            raise TypeError(f"batch_market_order: share_counts has dtype {share_counts.dtype}, it must be int64")
        check_bracket(bracket)
        if self._at.row < self._opens:
            return pd.Index([], dtype=object)
        shares_of = fractional_order if fractional else int
        ids = [
            self.blotter.place(asset, shares_of(shares), MARKET, self._at.now, bracket)  # type: ignore[arg-type]
            for asset, shares in share_counts.items()
            if shares
        ]
        return pd.Index(ids, dtype=object)

    def get_open_orders(self, asset: Asset | None = None) -> Any:
        """Give snapshots of open orders; see `rustybt.api.get_open_orders`."""
        book = self.blotter.open_orders
        if asset is None:
            return {key: [order.copy() for order in queue] for key, queue in book.items() if queue}
        return [order.copy() for order in book.get(asset, ())]  # type: ignore[call-overload]

    def get_order(self, order_id: str) -> Order | None:
        """Give a snapshot of an order; see `rustybt.api.get_order`."""
        order = self.blotter.get(order_id)
        return None if order is None else order.copy()

    def cancel_order(self, order_param: str | Order) -> None:
        """Cancel an open order; see `rustybt.api.cancel_order`."""
        order_id = order_param.id if isinstance(order_param, Order) else order_param
        self.blotter.cancel(order_id, self._at.now)

    def _order(
        self,
        asset: Any,
        amount: float,
        limit_price: float | None,
        stop_price: float | None,
        style: ExecutionStyle | None,
        bracket: Bracket | None,
    ) -> str | None:
        """Order shares of what can be ordered."""
        blotter, now = self.blotter, self._at.now
        shares = fractional_order(amount) if blotter.rules.fractional_shares else whole_order(amount)
        if bracket is not None:
            check_bracket(bracket)
        if style is not None:
            check_one_style(limit_price, stop_price, style)
        for control in self._trading_controls:
            control.validate(asset, shares, self.portfolio, now, self._data)
        return blotter.place(asset, shares, style or execution_style(asset, limit_price, stop_price), now, bracket)

    def _can_order(self, asset: Any) -> bool:
        if self._in_before_trading_start:
            raise OrderInBeforeTradingStart(
                "Cannot place orders inside before_trading_start: no market is open, order in handle_data or a "
                "scheduled function"
            )
        if not isinstance(asset, Equity):
            raise UnsupportedOrderParameters(
                f"Passing non-Asset argument to 'order()' is not supported: got {asset!r}. "
                "Use 'sid()' or 'symbol()' to look up an Asset."
            )
        if not self.initialized:
            raise OrderDuringInitialize("order() can only be called from within handle_data(), not from initialize()")
        if self._opens <= self._at.row <= self._portal.last_order_rows[asset.column]:
            return True
        if self._at.row < self._opens:
            return False  # the run has not begun: the algorithm is shown the sessions before it
        log.warning(
            "Cannot place order for %s, as it has de-listed. Any existing positions for this asset will be "
            "liquidated on %s.",
            asset.symbol,
            asset.auto_close_date,
        )
        return False

    def _shares_worth(self, asset: Any, value: float) -> float:
        price = self._market.price(asset, self._at)
        if price != price:
            raise CannotOrderDelistedAsset(self._why_priceless(asset))
        if abs(price) <= NO_PRICE:
            log.debug("Price of 0 for %s; can't infer value", asset)
            return 0
        return value / (price * float(asset.price_multiplier))

    def _why_priceless(self, asset: Any) -> str:
        """Say why an asset has no price now: none is given outside of its life."""
        row, column = self._at.row, asset.column
        if row < self._portal.alive_from[column]:
            return f"Cannot order {asset.symbol}, as it started trading on {asset.start_date}."
        if row > self._portal.alive_to[column]:
            return f"Cannot order {asset.symbol}, as it stopped trading on {asset.end_date}."
        return f"Cannot order {asset.symbol} on {self._at.now} as there is no last price for the security."

    def _missing(self, asset: Any, target: float, books: "Ledger") -> float:
        position = books.positions.get(asset)
        if self.blotter.rules.order_target_counts_open_orders:
            target -= self.blotter.shares_on_order(asset)
        return target if position is None else target - position._amount


MARKET = MarketOrder()
NO_PRICE = 1e-6
"""A price up to this is 0, as in Zipline."""


def check_one_style(limit_price: float | None, stop_price: float | None, style: ExecutionStyle | None) -> None:
    """Refuse a style beside a price.

    Raises
    ------
    UnsupportedOrderParameters
        If both are given.
    """
    for name, price in (("limit_price", limit_price), ("stop_price", stop_price)):
        if style and price is not None:
            raise UnsupportedOrderParameters(
                f"Passing both {name} and style is not supported: put the price into the style"
            )


def execution_style(asset: Asset, limit_price: float | None, stop_price: float | None) -> ExecutionStyle:
    """Give the style that a limit and a stop price are short for; a market order without either."""
    if limit_price is None and stop_price is None:
        return MARKET
    if limit_price is not None and stop_price is not None:
        return StopLimitOrder(limit_price, stop_price, asset=asset)
    if limit_price is not None:
        return LimitOrder(limit_price, asset=asset)
    return StopOrder(stop_price, asset=asset)  # type: ignore[arg-type]


def whole_order(amount: float) -> int:
    """Truncate an amount to whole shares, after snapping to an integer within 0.0001.

    Raises
    ------
    ValueError
        If the amount is NaN.
    OverflowError
        If it is infinite.

    Examples
    --------
    >>> whole_order(3.99995), whole_order(5.5), whole_order(-5.5)
    (4, 5, -5)
    """
    if amount != amount:
        raise ValueError(
            "cannot convert float NaN to integer: the amount of an order is NaN, check the values it is made of"
        )
    nearest = round(amount)
    return int(nearest if abs(amount - nearest) <= NEAR else amount)


def fractional_order(amount: float) -> float:
    """Take an amount as it is; less than a billionth of a share is rounding, and 0.

    Raises
    ------
    ValueError
        If the amount is NaN.
    OverflowError
        If it is infinite.

    Examples
    --------
    >>> fractional_order(5.5), fractional_order(-1e-12)
    (5.5, 0.0)
    """
    if not math.isfinite(amount):
        whole_order(amount)
    return float(amount) if abs(amount) >= DUST else 0.0


def check_bracket(bracket: Any) -> None:
    """Refuse what is no bracket.

    Raises
    ------
    UnsupportedOrderParameters
        If it is something else than a Bracket or None.
    """
    if bracket is not None and not isinstance(bracket, Bracket):
        raise UnsupportedOrderParameters(
            f"bracket {bracket!r} is no Bracket: pass bracket=Bracket(stop=0.05, target=0.1)"
        )
