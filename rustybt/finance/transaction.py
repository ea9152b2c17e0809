"""What is one fill, as an algorithm and the perf frame see it?"""

from typing import Any, NamedTuple

import pandas as pd

from rustybt.assets import Equity


class Transaction(NamedTuple):
    """One fill of an order, or the automatic close of a position.

    Attributes
    ----------
    asset : Equity
        What traded.
    amount : int
        Signed shares; a float where a run trades fractions of a share.
    dt : pd.Timestamp
        The bar, UTC.
    price : float
        As traded.
    order_id : str or None
        None for an automatic close.
    commission : float
        What this fill paid.
    """

    asset: Equity
    amount: float
    dt: pd.Timestamp
    price: float
    order_id: str | None
    commission: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Give the fields of a perf frame's transactions column, where commission is None as in Zipline."""
        return {
            "amount": self.amount,
            "dt": self.dt,
            "price": self.price,
            "order_id": self.order_id,
            "sid": self.asset,
            "commission": None,
        }
