"""At which price, and for how many shares, does an order fill in a bar?"""

import math
from abc import ABC, abstractmethod
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from rustybt.assets import Asset, Equity
from rustybt.errors import InvalidParameter
from rustybt.finance.order import NAN, Order
from rustybt.kernels import fills

if TYPE_CHECKING:
    from rustybt.data.bar_data import BarData

Rule = tuple[int, float, float]


class LiquidityExceeded(Exception):
    """Raised by a model when no later order of the asset can fill in this bar."""


class SlippageModel(ABC):
    """Base of slippage models; a model of one's own overrides `process_order`.

    Attributes
    ----------
    volume_for_bar : int
        Shares of the asset that earlier orders filled in the current bar.

    Notes
    -----
    It is called for triggered orders only, and only in bars with volume and a price.
    """

    allowed_asset_types: ClassVar[tuple[type[Asset], ...]] = (Equity,)
    _volume_for_bar: float = 0

    @property
    def volume_for_bar(self) -> float:
        """Shares of the asset that earlier orders filled in the current bar."""
        return self._volume_for_bar

    @abstractmethod
    def process_order(self, data: "BarData", order: Order) -> tuple[float | None, float | None]:
        """Give the price and the signed shares at which an order fills in the current bar.

        Parameters
        ----------
        data : BarData
            The bar.
        order : Order
            A triggered order with shares left to fill.

        Returns
        -------
        tuple
            Price and signed shares (not more than are open), or (None, None) for no fill in this bar.

        Raises
        ------
        LiquidityExceeded
            When no later order of the asset can fill either.
        """


class EquitySlippageModel(SlippageModel):
    """Base of slippage models for equities only."""


class KernelSlippage(SlippageModel):
    """Base of the models that are rules of the shared fill kernel."""

    @property
    @abstractmethod
    def rule(self) -> Rule:
        """The kernel's rule and its two parameters."""

    def process_order(self, data: "BarData", order: Order) -> tuple[float | None, float | None]:
        """Give price and signed shares by the kernel's rule; see `SlippageModel.process_order`."""
        code, price, shares = fills.price_fill(
            *self.rule,
            data.current(order.asset, "close"),
            data.current(order.asset, "volume"),
            self.volume_for_bar,
            order.amount,
            order.open_amount,
            NAN if order.limit is None else order.limit,
        )
        if code == fills.QUEUE_STOPS:
            raise LiquidityExceeded
        return (price, shares) if code == fills.FILLED else (None, None)


class NoSlippage(KernelSlippage):
    """Fill the whole order at the bar's close, without regard to volume."""

    @property
    def rule(self) -> Rule:
        """The kernel's rule and its two parameters."""
        return fills.NO_SLIPPAGE, 0.0, 0.0


class FixedSlippage(KernelSlippage):
    """Fill the whole order half a spread away from the bar's close, without regard to volume.

    Parameters
    ----------
    spread : float
        In the currency of the prices: buys pay spread/2 more, sales get spread/2 less.
    """

    def __init__(self, spread: float = 0.0) -> None:
        self.spread = spread

    def __repr__(self) -> str:
        return f"FixedSlippage(spread={self.spread})"

    @property
    def rule(self) -> Rule:
        """The kernel's rule and its two parameters."""
        return fills.FIXED_SPREAD, self.spread, 0.0


class FixedBasisPointsSlippage(KernelSlippage):
    """Fill at a fixed fraction away from the close, up to a share of the bar's volume. Zipline's default.

    Parameters
    ----------
    basis_points : float
        Hundredths of a percent of the price; at least 0.
    volume_limit : float
        Largest share of the bar's volume that fills; above 0.

    Raises
    ------
    InvalidParameter
        If a parameter is out of bounds.
    """

    def __init__(self, basis_points: float = 5.0, volume_limit: float = 0.1) -> None:
        if not basis_points >= 0:
            raise InvalidParameter(f"FixedBasisPointsSlippage: basis_points {basis_points} must be at least 0")
        if not volume_limit > 0:
            raise InvalidParameter(f"FixedBasisPointsSlippage: volume_limit {volume_limit} must be above 0")
        self.basis_points = basis_points
        self.percentage = basis_points / 10000.0
        self.volume_limit = volume_limit

    def __repr__(self) -> str:
        return f"FixedBasisPointsSlippage(basis_points={self.basis_points}, volume_limit={self.volume_limit})"

    @property
    def rule(self) -> Rule:
        """The kernel's rule and its two parameters."""
        return fills.FIXED_BASIS_POINTS, self.percentage, self.volume_limit


class VolumeShareSlippage(KernelSlippage):
    """Move the price with the square of the share of the bar's volume that fills, up to a limit.

    Parameters
    ----------
    volume_limit : float
        Largest share of the bar's volume that fills.
    price_impact : float
        Fraction of the price at a share of 1: price·(1 ± price_impact·share²).
    """

    def __init__(self, volume_limit: float = 0.025, price_impact: float = 0.1) -> None:
        self.volume_limit = volume_limit
        self.price_impact = price_impact

    def __repr__(self) -> str:
        return f"VolumeShareSlippage(volume_limit={self.volume_limit}, price_impact={self.price_impact})"

    @property
    def rule(self) -> Rule:
        """The kernel's rule and its two parameters."""
        return fills.VOLUME_SHARE, self.volume_limit, self.price_impact


def fill_price_worse_than_limit_price(fill_price: float, order: Order) -> bool:
    """Say whether a fill would be worse for the trader than the order's limit; for models of one's own."""
    if not order.limit:
        return False
    return fill_price > order.limit if order.direction > 0 else fill_price < order.limit


def kernel_rule(model: SlippageModel) -> Rule | None:
    """Give the kernel's rule of a built-in model, or None for one whose `process_order` must be called."""
    return model.rule if _is_rule(type(model)) else None  # type: ignore[attr-defined]


@cache
def _is_rule(model: type) -> bool:
    """Say whether a class of models is a rule of the kernel's, and nothing of it is overridden."""
    return issubclass(model, KernelSlippage) and model.process_order is KernelSlippage.process_order


def traded_shares(amount: Any, fractional: bool = False) -> float:
    """Give the shares that a model of one's own returned, truncated to whole ones unless fractions are traded.

    Raises
    ------
    InvalidParameter
        If less than one share (or fraction) is left.
    """
    if fractional and math.isfinite(amount) and abs(amount) >= fills.DUST:
        return float(amount)
    shares = int(amount) if math.isfinite(amount) else 0
    if fractional or abs(shares) < 1:
        least = f"{fills.DUST:g}" if fractional else "one share"
        raise InvalidParameter(
            f"process_order returned {amount} shares: a fill has at least {least} (return None, None for no fill)"
        )
    return shares
