"""What do algorithms read? The classes of `data`, `context.portfolio`, `context.account` and orders, by name."""

from rustybt.data.bar_data import BarData
from rustybt.finance.order import Order
from rustybt.finance.portfolio import Account, Portfolio, Position, Positions

__all__ = ["Account", "BarData", "Order", "Portfolio", "Position", "Positions"]
