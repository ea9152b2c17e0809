"""What may an algorithm call to trade?"""

from typing import Any

import pandas as pd

from rustybt.assets import Asset
from rustybt.engine.active import current
from rustybt.finance.bracket import Bracket
from rustybt.finance.execution import ExecutionStyle
from rustybt.finance.order import Order


def order(
    asset: Asset,
    amount: float,
    limit_price: float | None = None,
    stop_price: float | None = None,
    style: ExecutionStyle | None = None,
    *,
    bracket: Bracket | None = None,
) -> str | None:
    """Order a number of shares; it fills from the next bar on.

    Parameters
    ----------
    asset : Asset
        What to trade.
    amount : float
        Signed shares, truncated to whole ones after snapping to an integer within 0.0001; negative sells. A run with
        fractional shares takes them as they are.
    limit_price, stop_price : float, optional
        Short for a LimitOrder, StopOrder or StopLimitOrder.
    style : ExecutionStyle, optional
        Instead of the prices; a MarketOrder by default.
    bracket : Bracket, optional
        A stop-loss and a take-profit to place for what fills, such as Bracket(stop=0.05, target=0.1). What one of them
        fills the other loses, and both shrink where the position is closed otherwise.

    Returns
    -------
    str or None
        The order's id; None for 0 shares and for an asset that has left the market.

    Raises
    ------
    UnsupportedOrderParameters
        If the asset is none, or both a style and a price are given.
    BadOrderParameters
        If a price is negative or not finite.
    OrderDuringInitialize, OrderInBeforeTradingStart
        Where no market is open.
    """
    return current("order").order(asset, amount, limit_price, stop_price, style, bracket=bracket)


def order_value(
    asset: Asset,
    value: float,
    limit_price: float | None = None,
    stop_price: float | None = None,
    style: ExecutionStyle | None = None,
    *,
    bracket: Bracket | None = None,
) -> str | None:
    """Order shares worth an amount of money at the current price; see `order`.

    Raises
    ------
    CannotOrderDelistedAsset
        If the asset has no price, or is not listed now.
    """
    return current("order_value").order_value(asset, value, limit_price, stop_price, style, bracket=bracket)


def order_percent(
    asset: Asset,
    percent: float,
    limit_price: float | None = None,
    stop_price: float | None = None,
    style: ExecutionStyle | None = None,
    *,
    bracket: Bracket | None = None,
) -> str | None:
    """Order shares worth a fraction (0.5 is 50%) of the portfolio's value; see `order_value`."""
    return current("order_percent").order_percent(asset, percent, limit_price, stop_price, style, bracket=bracket)


def order_target(
    asset: Asset,
    target: float,
    limit_price: float | None = None,
    stop_price: float | None = None,
    style: ExecutionStyle | None = None,
    *,
    bracket: Bracket | None = None,
) -> str | None:
    """Order what is missing to hold a number of shares; open orders are not counted. See `order`.

    The correction order_target_counts_open_orders counts them.
    """
    return current("order_target").order_target(asset, target, limit_price, stop_price, style, bracket=bracket)


def order_target_value(
    asset: Asset,
    target: float,
    limit_price: float | None = None,
    stop_price: float | None = None,
    style: ExecutionStyle | None = None,
    *,
    bracket: Bracket | None = None,
) -> str | None:
    """Order what is missing to hold shares worth an amount of money; see `order_target` and `order_value`."""
    return current("order_target_value").order_target_value(
        asset, target, limit_price, stop_price, style, bracket=bracket
    )


def order_target_percent(
    asset: Asset,
    target: float,
    limit_price: float | None = None,
    stop_price: float | None = None,
    style: ExecutionStyle | None = None,
    *,
    bracket: Bracket | None = None,
) -> str | None:
    """Order what is missing to hold a fraction of the portfolio's value; see `order_target` and `order_value`."""
    return current("order_target_percent").order_target_percent(
        asset, target, limit_price, stop_price, style, bracket=bracket
    )


def batch_market_order(share_counts: pd.Series, *, bracket: Bracket | None = None) -> pd.Index:
    """Place many market orders at once; trading controls are not asked.

    Parameters
    ----------
    share_counts : pd.Series of int64
        Signed shares by asset; 0 places nothing. A run with fractional shares takes float64 too.
    bracket : Bracket, optional
        As in `order`, for each of them.

    Returns
    -------
    pd.Index of str
        The orders' ids.

    Raises
    ------
    TypeError
        If it is no Series of int64.
    """
    return current("batch_market_order").batch_market_order(share_counts, bracket=bracket)


def get_open_orders(asset: Asset | None = None) -> Any:
    """Give snapshots of the open orders.

    Parameters
    ----------
    asset : Asset, optional
        Only those of this asset.

    Returns
    -------
    dict of Asset to list of Order, or list of Order
        A list for one asset.
    """
    return current("get_open_orders").get_open_orders(asset)


def get_order(order_id: str) -> Order | None:
    """Give a snapshot of an order by its id, or None for an unknown one."""
    return current("get_order").get_order(order_id)


def cancel_order(order_param: str | Order) -> None:
    """Cancel an open order by its id or snapshot; what is closed already stays as it is."""
    current("cancel_order").cancel_order(order_param)
