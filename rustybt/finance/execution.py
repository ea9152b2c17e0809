"""At which prices may an order execute?"""

import math
import sys
from abc import ABC, abstractmethod
from typing import Any

from rustybt.constants import DEFAULT_TICK_SIZE
from rustybt.errors import BadOrderParameters
from rustybt.finance.math_utils import number_of_decimal_places

IMPROVEMENT = 0.95


class ExecutionStyle(ABC):
    """Base of the execution styles; a subclass gives limit and stop prices, or None."""

    _exchange: str | None = None

    @abstractmethod
    def get_limit_price(self, is_buy: bool) -> float | None:
        """Give the limit price of an order on that side, rounded to the tick, or None."""

    @abstractmethod
    def get_stop_price(self, is_buy: bool) -> float | None:
        """Give the stop price of an order on that side, rounded to the tick, or None."""

    @property
    def exchange(self) -> str | None:
        """Where to route the order; a simulation has one place."""
        return self._exchange


class MarketOrder(ExecutionStyle):
    """Execute at the next bar's price, whatever it is."""

    def __init__(self, exchange: str | None = None) -> None:
        self._exchange = exchange

    def get_limit_price(self, is_buy: bool) -> float | None:
        """None: a market order has no limit."""
        return None

    def get_stop_price(self, is_buy: bool) -> float | None:
        """None: a market order has no stop."""
        return None


class LimitOrder(ExecutionStyle):
    """Execute once the price is at the limit or better.

    Parameters
    ----------
    limit_price : float
        Highest price to buy at, lowest to sell at.
    asset : Asset, optional
        Gives the tick size, else 0.01.
    exchange : str, optional
        Where to route the order.

    Raises
    ------
    BadOrderParameters
        If the price is negative or not finite.

    Examples
    --------
    >>> LimitOrder(10.0149).get_limit_price(is_buy=True)
    10.01
    """

    def __init__(self, limit_price: float, asset: Any = None, exchange: str | None = None) -> None:
        check_price(limit_price, "limit")
        self.limit_price = limit_price
        self.asset = asset
        self._exchange = exchange

    def get_limit_price(self, is_buy: bool) -> float | None:
        """Give the limit, rounded down for a buy and up for a sale."""
        return round_to_tick(self.limit_price, is_buy, _tick(self.asset))

    def get_stop_price(self, is_buy: bool) -> float | None:
        """None: a limit order has no stop."""
        return None


class StopOrder(ExecutionStyle):
    """Become a market order once the price has moved to the stop.

    Parameters
    ----------
    stop_price : float
        A sale is placed at or below it, a buy at or above it.
    asset : Asset, optional
        Gives the tick size, else 0.01.
    exchange : str, optional
        Where to route the order.

    Raises
    ------
    BadOrderParameters
        If the price is negative or not finite.
    """

    def __init__(self, stop_price: float, asset: Any = None, exchange: str | None = None) -> None:
        check_price(stop_price, "stop")
        self.stop_price = stop_price
        self.asset = asset
        self._exchange = exchange

    def get_limit_price(self, is_buy: bool) -> float | None:
        """None: a stop order has no limit."""
        return None

    def get_stop_price(self, is_buy: bool) -> float | None:
        """Give the stop, rounded up for a buy and down for a sale."""
        return round_to_tick(self.stop_price, not is_buy, _tick(self.asset))


class StopLimitOrder(ExecutionStyle):
    """Become a limit order once the price has moved to the stop.

    Parameters
    ----------
    limit_price, stop_price : float
        As in LimitOrder and StopOrder.
    asset : Asset, optional
        Gives the tick size, else 0.01.
    exchange : str, optional
        Where to route the order.

    Raises
    ------
    BadOrderParameters
        If a price is negative or not finite.
    """

    def __init__(self, limit_price: float, stop_price: float, asset: Any = None, exchange: str | None = None) -> None:
        check_price(limit_price, "limit")
        check_price(stop_price, "stop")
        self.limit_price = limit_price
        self.stop_price = stop_price
        self.asset = asset
        self._exchange = exchange

    def get_limit_price(self, is_buy: bool) -> float | None:
        """Give the limit, rounded down for a buy and up for a sale."""
        return round_to_tick(self.limit_price, is_buy, _tick(self.asset))

    def get_stop_price(self, is_buy: bool) -> float | None:
        """Give the stop, rounded up for a buy and down for a sale."""
        return round_to_tick(self.stop_price, not is_buy, _tick(self.asset))


def round_to_tick(price: float, prefer_down: bool, tick_size: float) -> float:
    """Round a price to the tick, towards the side that is better for the trader.

    Parameters
    ----------
    price : float
        To be rounded.
    prefer_down : bool
        Round down, unless less than 5% of a tick is missing to the next; else round up, unless less than 5% is over.
    tick_size : float
        Smallest price step.

    Returns
    -------
    float
        A multiple of the tick; 0.0 within a millionth of zero.

    Examples
    --------
    >>> round_to_tick(10.0194, True, 0.01), round_to_tick(10.0196, True, 0.01)
    (10.01, 10.02)
    """
    decimals = number_of_decimal_places(tick_size)
    shift = (IMPROVEMENT - 0.5) * 10**-decimals * int(tick_size * 10**decimals)
    shift -= sys.float_info.epsilon * 10  # keeps the far end of the interval open
    ticks = (price - (shift if prefer_down else -shift)) / tick_size
    rounded = tick_size * (math.ceil(ticks) if ticks % 1 >= 0.5 else round(ticks))
    return 0.0 if math.isclose(rounded, 0.0, rel_tol=1e-6, abs_tol=1e-6) else rounded


def check_price(price: Any, label: str) -> None:
    """Refuse what is no price.

    Raises
    ------
    BadOrderParameters
        If the price is not a number, not finite, or negative.
    """
    try:
        finite = math.isfinite(price)
    except TypeError:
        raise BadOrderParameters(
            f"Attempted to place an order with a {label} price of {type(price)}: pass a number"
        ) from None
    if not finite:
        raise BadOrderParameters(f"Attempted to place an order with a {label} price of {price}: it must be finite")
    if price < 0:
        raise BadOrderParameters(f"Can't place a {label} order with a negative price ({price})")


def _tick(asset: Any) -> float:
    return DEFAULT_TICK_SIZE if asset is None else float(asset.tick_size)
