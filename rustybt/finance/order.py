"""What is an order, and what has become of it?"""

import math
from enum import IntEnum
from typing import Any

import pandas as pd

from rustybt.assets import Equity
from rustybt.finance.bracket import Bracket
from rustybt.kernels.fills import DUST, check_trigger

NAN = float("nan")


class ORDER_STATUS(IntEnum):
    """Where an order stands."""

    OPEN = 0
    FILLED = 1
    CANCELLED = 2
    REJECTED = 3
    HELD = 4


OPEN = ORDER_STATUS.OPEN
FILLED = ORDER_STATUS.FILLED


class Order:
    """An order in the book.

    Parameters
    ----------
    id : str
        Unique in the run, and the same in every run of the same algorithm.
    dt : pd.Timestamp
        When it was placed, UTC.
    asset : Equity
        What to trade.
    amount : int
        Signed shares: positive buys. A float where a run trades fractions of a share.
    stop, limit : float or None
        Prices, already rounded to the tick.
    bracket : Bracket or None
        Exits to place when it fills.
    parent : str or None
        Id of the order whose bracket placed this one.

    Attributes
    ----------
    dt : pd.Timestamp
        When it changed last.
    filled : int
        Signed shares filled so far.
    commission : float
        Commission paid so far.
    stop_reached, limit_reached : bool
        Whether the price was touched; once it was, it stays so.
    reason : str or None
        Why it was rejected, scaled down or cancelled by the simulation.
    """

    __slots__ = (
        "_ended",
        "amount",
        "asset",
        "bracket",
        "commission",
        "created",
        "direction",
        "dt",
        "filled",
        "id",
        "limit",
        "limit_reached",
        "parent",
        "reason",
        "stop",
        "stop_reached",
    )

    def __init__(
        self,
        id: str,
        dt: pd.Timestamp,
        asset: Equity,
        amount: float,
        stop: float | None = None,
        limit: float | None = None,
        bracket: Bracket | None = None,
        parent: str | None = None,
    ) -> None:
        self.id = id
        self.dt = self.created = dt
        self.asset = asset
        self.amount = amount
        self.filled: float = 0
        self.commission: float = 0
        self.stop = stop
        self.limit = limit
        self.stop_reached = self.limit_reached = False
        self.reason: str | None = None
        self.direction = math.copysign(1, amount)
        self.bracket = bracket
        self.parent = parent
        self._ended = OPEN

    @property
    def sid(self) -> Equity:
        """The asset, under the name that older scripts use."""
        return self.asset

    @property
    def open_amount(self) -> float:
        """Signed shares not filled yet."""
        return self.amount - self.filled

    @property
    def status(self) -> ORDER_STATUS:
        """Where the order stands."""
        return FILLED if self.amount == self.filled else self._ended

    @property
    def open(self) -> bool:
        """Whether it can still fill."""
        return self._ended is OPEN and self.amount != self.filled

    @property
    def triggered(self) -> bool:
        """Whether its stop and limit, if any, were reached."""
        return (self.stop is None or self.stop_reached) and (self.limit is None or self.limit_reached)

    def check_triggers(self, price: float, dt: pd.Timestamp) -> None:
        """Latch stop and limit against a bar's price.

        Parameters
        ----------
        price : float
            The bar's close.
        dt : pd.Timestamp
            The bar's time, noted when anything changes.
        """
        if self.stop is None and self.limit is None:
            return
        limit_reached, stop_reached, became_limit = check_trigger(
            self.amount,
            NAN if self.limit is None else self.limit,
            NAN if self.stop is None else self.stop,
            self.limit_reached,
            self.stop_reached,
            price,
        )
        if limit_reached != self.limit_reached or stop_reached != self.stop_reached:
            self.dt = dt
        self.limit_reached, self.stop_reached = limit_reached, stop_reached
        if became_limit:
            self.stop = None

    def fill(self, shares: float, commission: float, dt: pd.Timestamp) -> None:
        """Note a fill; what a sum of fractions misses of the whole is no open share."""
        complete = abs(self.amount - self.filled - shares) < DUST
        self.filled = self.amount if complete else self.filled + shares
        self.commission += commission
        self.dt = dt

    def cancel(self, dt: pd.Timestamp, reason: str | None = None) -> None:
        """Close the order with what it has filled."""
        self._end(ORDER_STATUS.CANCELLED, dt, reason)

    def reject(self, dt: pd.Timestamp, reason: str) -> None:
        """Close the order because the account does not allow it."""
        self._end(ORDER_STATUS.REJECTED, dt, reason)

    def scale_down(self, open_amount: float, dt: pd.Timestamp, reason: str) -> None:
        """Order less than before: so many signed shares more than are filled."""
        self.amount = self.filled + open_amount
        self.dt = dt
        self.reason = reason

    def _end(self, status: ORDER_STATUS, dt: pd.Timestamp, reason: str | None) -> None:
        self._ended = status
        self.dt = dt
        self.reason = reason

    def split(self, ratio: float, fractional: bool = False) -> None:
        """Restate shares and prices for a split.

        Parameters
        ----------
        ratio : float
            New price per old price; what is open and what is filled are truncated apart, so that a reverse split
            never makes a share out of two fractions.
        fractional : bool
            Truncate nothing.
        """
        remaining, filled = self.open_amount / ratio, self.filled / ratio
        if not fractional:
            remaining, filled = int(remaining), int(filled)
        self.filled = filled
        self.amount = filled + remaining
        if self.limit is not None:
            self.limit = round(self.limit * ratio, 2)
        if self.stop is not None:
            self.stop = round(self.stop * ratio, 2)

    def copy(self) -> "Order":
        """Give a snapshot that later bars do not change."""
        twin = Order.__new__(Order)
        for name in Order.__slots__:
            setattr(twin, name, getattr(self, name))
        return twin

    def to_dict(self) -> dict[str, Any]:
        """Give the fields of a perf frame's orders column."""
        return {
            "id": self.id,
            "dt": self.dt,
            "reason": self.reason,
            "created": self.created,
            "amount": self.amount,
            "filled": self.filled,
            "commission": self.commission,
            "stop": self.stop,
            "limit": self.limit,
            "stop_reached": self.stop_reached,
            "limit_reached": self.limit_reached,
            "sid": self.asset,
            "status": FILLED if self.amount == self.filled else self._ended,
        }

    def __repr__(self) -> str:
        return f"Order({self.to_dict()!r})"
