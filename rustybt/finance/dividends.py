"""What does a dividend owe to those who hold the asset on its ex-date?"""

from typing import NamedTuple

import numpy as np

from rustybt.assets import Equity


class CashDividend(NamedTuple):
    """A dividend whose ex-date has come."""

    asset: Equity
    amount: float
    pay_ns: int


class StockDividend(NamedTuple):
    """A dividend in shares whose ex-date has come."""

    asset: Equity
    payment_asset: Equity
    ratio: float
    pay_ns: int


def whole_shares(shares: float) -> float:
    """Truncate to whole shares, after mending at most one step of rounding in the product.

    Examples
    --------
    >>> whole_shares(2.9999999999999996), whole_shares(-2.5)
    (3.0, -2.0)
    """
    nearest = np.rint(shares)
    if abs(shares - nearest) <= np.spacing(abs(shares)):
        return float(nearest)
    return float(np.trunc(shares))
