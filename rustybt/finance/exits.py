"""Which stop-loss and take-profit orders protect a position, and how many shares may each still trade?

Every fill that makes or enlarges a position under a bracket has a pair of exits of its own. What one order of a pair
fills, the other loses; and all pairs of an asset together never trade more shares than are held.
"""

from collections.abc import Iterator

import pandas as pd

from rustybt.assets import Equity
from rustybt.finance.order import Order
from rustybt.kernels.fills import DUST

OTHER_FILLED = "the other order of its bracket filled"
CLOSED_OTHERWISE = "its position was closed otherwise"


class Exits:
    """The exits of one run, by asset in the order of their entries."""

    def __init__(self) -> None:
        self._pairs: dict[Equity, list[tuple[Order, ...]]] = {}

    def __bool__(self) -> bool:
        return bool(self._pairs)

    def attach(self, pair: tuple[Order, ...]) -> None:
        """Take over the one or two orders that a fill's bracket placed."""
        if pair:
            self._pairs.setdefault(pair[0].asset, []).append(pair)

    def follow(self, order: Order, shares: float, held: float, now: pd.Timestamp) -> list[Order]:
        """Shrink exits after a fill.

        Parameters
        ----------
        order : Order
            What filled: an exit or any other order.
        shares : float
            Signed shares of the fill.
        held : float
            Signed shares held of the asset after it.
        now : pd.Timestamp
            The bar, UTC.

        Returns
        -------
        list of Order
            Those that changed; one without a share left is cancelled.
        """
        changed = []
        if order.parent is not None:
            for other in self._others(order):
                changed += _shrink(other, abs(other.open_amount) - abs(shares), now, OTHER_FILLED)
        return changed + self.fit(order.asset, held, now)

    def fit(self, asset: Equity, held: float, now: pd.Timestamp) -> list[Order]:
        """Shrink an asset's exits to what is held, the oldest first; see `follow`."""
        room, changed, kept = abs(held), [], []
        for pair in reversed(self._pairs.get(asset, ())):
            still_open = [order for order in pair if order.open]
            leaves = any(order.direction * held < 0 for order in still_open)
            allowed = min(room, max((abs(order.open_amount) for order in still_open), default=0)) if leaves else 0
            room -= allowed
            for order in still_open:
                changed += _shrink(order, allowed, now, CLOSED_OTHERWISE)
            if allowed >= DUST:
                kept.append(pair)
        if kept:
            self._pairs[asset] = kept[::-1]
        else:
            self._pairs.pop(asset, None)
        return changed

    def _others(self, order: Order) -> Iterator[Order]:
        for pair in self._pairs.get(order.asset, ()):
            if order in pair:
                yield from (other for other in pair if other is not order and other.open)


def entered_shares(held: float, shares: float) -> float:
    """Give the shares of a fill that made or enlarged a position, and not those that closed one.

    Parameters
    ----------
    held : float
        Signed shares after the fill.
    shares : float
        Signed shares of the fill.

    Returns
    -------
    float
        Signed.

    Examples
    --------
    >>> entered_shares(150, 100), entered_shares(30, 100), entered_shares(-20, 100)
    (100, 30, 0)
    """
    if held * shares <= 0:
        return 0
    return shares if abs(shares) <= abs(held) else held


def _shrink(order: Order, shares: float, now: pd.Timestamp, reason: str) -> list[Order]:
    """Leave an order that many open shares, if it has more; give it back where it changed."""
    if shares < DUST:
        order.cancel(now, reason)
        return [order]
    if abs(order.open_amount) - shares < DUST:
        return []
    order.scale_down(shares if order.amount > 0 else -shares, now, reason)
    return [order]
