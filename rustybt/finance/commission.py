"""What does a fill cost besides its price?"""

from abc import ABC, abstractmethod
from functools import cache
from typing import Any, ClassVar

from rustybt.assets import Asset, Equity
from rustybt.finance.order import Order
from rustybt.kernels import fills

Rule = tuple[int, float, float]


class CommissionModel(ABC):
    """Base of commission models; a model of one's own overrides `calculate`."""

    allowed_asset_types: ClassVar[tuple[type[Asset], ...]] = (Equity,)

    @abstractmethod
    def calculate(self, order: Order, transaction: Any) -> float:
        """Give the commission that a fill adds to its order.

        Parameters
        ----------
        order : Order
            As it stood before the fill: `commission` is what it paid, `filled` what it filled.
        transaction : Transaction
            The fill, with asset, amount (signed shares), price, dt and order_id.

        Returns
        -------
        float
            In the currency of the prices, at least 0.
        """


class EquityCommissionModel(CommissionModel):
    """Base of commission models for equities only."""


class KernelCommission(CommissionModel):
    """Base of the models that are rules of the shared fill kernel."""

    @property
    @abstractmethod
    def rule(self) -> Rule:
        """The kernel's rule and its two parameters."""

    def calculate(self, order: Order, transaction: Any) -> float:
        """Give the commission by the kernel's rule; see `CommissionModel.calculate`."""
        return fills.charge(*self.rule, order.commission, order.filled, transaction.amount, transaction.price)


class NoCommission(KernelCommission):
    """Charge nothing."""

    @property
    def rule(self) -> Rule:
        """The kernel's rule and its two parameters."""
        return fills.NO_COMMISSION, 0.0, 0.0


class PerShare(KernelCommission):
    """Charge per share, with a minimum per order across its fills. Zipline's default.

    Parameters
    ----------
    cost : float
        Per share.
    min_trade_cost : float or None
        Least that an order pays in all.
    """

    def __init__(self, cost: float = 0.001, min_trade_cost: float | None = 0.0) -> None:
        self.cost_per_share = float(cost)
        self.min_trade_cost = min_trade_cost or 0

    def __repr__(self) -> str:
        return f"PerShare(cost_per_share={self.cost_per_share}, min_trade_cost={self.min_trade_cost})"

    @property
    def rule(self) -> Rule:
        """The kernel's rule and its two parameters."""
        return fills.PER_SHARE, self.cost_per_share, float(self.min_trade_cost)


class PerTrade(KernelCommission):
    """Charge a flat amount per order, with its first fill.

    Parameters
    ----------
    cost : float
        Per order.
    """

    def __init__(self, cost: float = 0.0) -> None:
        self.cost = float(cost)

    def __repr__(self) -> str:
        return f"PerTrade(cost_per_trade={self.cost})"

    @property
    def rule(self) -> Rule:
        """The kernel's rule and its two parameters."""
        return fills.PER_TRADE, self.cost, 0.0


class PerDollar(KernelCommission):
    """Charge a fraction of the money that changes hands.

    Parameters
    ----------
    cost : float
        Per unit of money: 0.0015 is 15 basis points.
    """

    def __init__(self, cost: float = 0.0015) -> None:
        self.cost_per_dollar = float(cost)

    def __repr__(self) -> str:
        return f"PerDollar(cost_per_dollar={self.cost_per_dollar})"

    @property
    def rule(self) -> Rule:
        """The kernel's rule and its two parameters."""
        return fills.PER_DOLLAR, self.cost_per_dollar, 0.0


def kernel_rule(model: CommissionModel) -> Rule | None:
    """Give the kernel's rule of a built-in model, or None for one whose `calculate` must be called."""
    return model.rule if _is_rule(type(model)) else None  # type: ignore[attr-defined]


@cache
def _is_rule(model: type) -> bool:
    """Say whether a class of models is a rule of the kernel's, and nothing of it is overridden."""
    return issubclass(model, KernelCommission) and model.calculate is KernelCommission.calculate
