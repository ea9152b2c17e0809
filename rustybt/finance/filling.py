"""What do the open orders of a bar come to: price and size by the cost models, what cash pays, and the booking?"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from rustybt.assets import Equity
from rustybt.finance import commission as commissions
from rustybt.finance import slippage as slippages
from rustybt.finance.commission import CommissionModel
from rustybt.finance.exits import Exits, entered_shares
from rustybt.finance.ledger import Ledger
from rustybt.finance.order import NAN, Order
from rustybt.finance.rules import Rules
from rustybt.finance.slippage import LiquidityExceeded, SlippageModel, fill_price_worse_than_limit_price
from rustybt.finance.transaction import Transaction
from rustybt.kernels import fills
from rustybt.kernels.fills import book_fill, fill_and_book, price_fill

if TYPE_CHECKING:
    from rustybt.data.bar_data import BarData

Entry = tuple[Order, float, float]
"""An order with a bracket, and signed shares and price of a fill that made or enlarged a position."""

Costs = tuple[int, float, float, int, float, float]

HALVINGS = 100


class AssetBar:
    """One asset's bar while its queue of orders is worked off.

    Attributes
    ----------
    price, volume : float
        What orders fill at, and of how much.
    taken : float
        Shares that filled so far.
    stopped : bool
        Whether the volume is used up.
    """

    __slots__ = ("asset", "data", "now", "price", "stopped", "taken", "volume")

    def __init__(self, asset: Equity, now: pd.Timestamp, price: float, volume: float, data: "BarData") -> None:
        self.asset = asset
        self.now = now
        self.price = price
        self.volume = volume
        self.data = data
        self.taken: float = 0
        self.stopped = False


class Filling:
    """The fills of one bar, and then of the next.

    Parameters
    ----------
    slippage, commission : SlippageModel, CommissionModel
        Of the run.
    ledger : Ledger
        Takes the fills.
    rules : Rules
        Of the run.
    exits : Exits
        Orders that follow their position.

    Attributes
    ----------
    changed : list of Order
        What filled or was closed, in order.
    fees : list of (Equity, float)
        Commissions, which are spread over what is held once every fill is booked.
    entries : list of Entry
        Fills whose brackets are still to be placed.
    """

    def __init__(
        self, slippage: SlippageModel, commission: CommissionModel, ledger: Ledger, rules: Rules, exits: Exits
    ) -> None:
        self._slippage = slippage
        self._commission = commission
        self._ledger = ledger
        self._rules = rules
        self._exits = exits
        self._flags = rules.of_fills
        self._whole = not rules.fractional_shares
        self._limits_cash = rules.limits_cash
        self.start_bar()

    def serves(self, slippage: SlippageModel, commission: CommissionModel, ledger: Ledger) -> bool:
        """Say whether the fills are those of these models and books."""
        return self._slippage is slippage and self._commission is commission and self._ledger is ledger

    def start_bar(self) -> None:
        """Forget the fills of the bar before, and read the models' parameters, which a user may change."""
        self.changed: list[Order] = []
        self.fees: list[tuple[Equity, float]] = []
        self.entries: list[Entry] = []
        self._slip = slippages.kernel_rule(self._slippage)
        fee = commissions.kernel_rule(self._commission)
        self._costs = None if self._slip is None or fee is None else (*self._slip, *fee)

    def work_off(self, queue: list[Order], bar: AssetBar, side: int) -> None:
        """Fill an asset's orders, in the order of the queue: all (side 0), or only sales (-1) or purchases (1)."""
        costs = self._costs
        for order in queue:
            if bar.stopped:
                return
            if order.amount == order.filled or order._ended or order.direction * side < 0:
                continue
            if order.stop is not None or order.limit is not None:
                order.check_triggers(bar.price, bar.now)
            if order.triggered:
                if costs is None:
                    self._by_models(order, bar)
                else:
                    self._by_kernel(order, bar, costs)

    def _by_kernel(self, order: Order, bar: AssetBar, costs: Costs) -> None:
        position = self._ledger.positions.get(bar.asset)
        held, basis = (0, 0.0) if position is None else (position._amount, position._cost_basis)
        code, price, shares, cost, held, basis, cash = fill_and_book(
            *costs,
            bar.price,
            bar.volume,
            bar.taken,
            order.amount,
            order.filled,
            order.commission,
            NAN if order.limit is None else order.limit,
            held,
            basis,
            *self._flags,
        )
        if code == fills.FILLED:
            if self._whole:
                shares = int(shares)
            if self._limits_cash and shares > 0 and not self._pays(price, shares, cost):
                self._short_of_cash(order, bar, price, shares)
            else:
                self._book(order, bar, shares, price, cost, (held, basis, cash))
        elif code == fills.QUEUE_STOPS:
            bar.stopped = True

    def _by_models(self, order: Order, bar: AssetBar) -> None:
        code, price, shares = self._priced(order, bar)
        if code == fills.FILLED:
            cost = self._commission.calculate(order, _transaction(order, bar, shares, price))
            if self._limits_cash and shares > 0 and not self._pays(price, shares, cost):
                self._short_of_cash(order, bar, price, shares)
            else:
                self._book(order, bar, shares, price, cost)
        elif code == fills.QUEUE_STOPS:
            bar.stopped = True

    def _priced(self, order: Order, bar: AssetBar) -> tuple[int, float, float]:
        """Give the kernel's code with price and signed shares, by the kernel's rule or by a model of the user's."""
        if self._slip is not None:
            limit = NAN if order.limit is None else order.limit
            sizes = (order.amount, order.open_amount)
            return price_fill(*self._slip, bar.price, bar.volume, bar.taken, *sizes, limit, *self._flags)
        self._slippage._volume_for_bar = bar.taken
        try:
            price, amount = self._slippage.process_order(bar.data, order)
        except LiquidityExceeded:
            return fills.QUEUE_STOPS, NAN, 0
        if price is None or amount is None:
            return fills.NOTHING, NAN, 0
        if self._rules.limit_price_recheck and fill_price_worse_than_limit_price(price, order):
            return fills.NOTHING, NAN, 0
        shares = slippages.traded_shares(amount, self._rules.fractional_shares)
        if self._rules.fill_open_amount_only:
            shares = min(shares, order.open_amount) if order.amount > 0 else max(shares, order.open_amount)
        return fills.FILLED, price, shares

    def _book(
        self,
        order: Order,
        bar: AssetBar,
        shares: float,
        price: float,
        cost: float,
        booked: tuple[float, float, float] | None = None,
    ) -> None:
        """Take a fill into order and ledger; `booked` is position, basis and cash flow where the kernel gave them."""
        ledger = self._ledger
        if booked is None:
            position = ledger.positions.get(bar.asset)
            held, basis = (0, 0.0) if position is None else (position.amount, position.cost_basis)
            booked = (*book_fill(held, basis, shares, price), -(price * shares))
        order.fill(shares, cost, bar.now)
        ledger.book(_transaction(order, bar, shares, price, cost), *booked)
        bar.taken += abs(shares)
        self.changed.append(order)
        if cost > 0:
            self.fees.append((bar.asset, cost))
            if self._limits_cash:
                ledger.move_cash(-cost)
        if self._exits:
            self.changed += self._exits.follow(order, shares, booked[0], bar.now)
        if order.bracket is not None:
            entered = entered_shares(booked[0], shares)
            if entered:
                self.entries.append((order, entered, price))

    # Cash -------------------------------------------------------------------------------------------------------

    def _pays(self, price: float, shares: float, cost: float) -> bool:
        """Say whether cash stays at 0 or above, by the sums that the ledger makes."""
        return (self._ledger.cash - price * shares) - cost >= 0

    def _short_of_cash(self, order: Order, bar: AssetBar, price: float, shares: float) -> None:
        """Reject a purchase, or fill as much of it as cash pays and order no more."""

        def cost_of(some: float) -> float:
            return self._commission.calculate(order, _transaction(order, bar, some, price))

        def pays(some: float) -> bool:
            return self._pays(price, some, cost_of(some))

        affordable = most(pays, shares) if self._rules.cash == "scale" else 0
        wanted = f"{shares:,} shares at {price:,} cost {price * shares + cost_of(shares):,.2f}"
        reason = f"{wanted}, cash is {self._ledger.cash:,.2f}"
        if affordable:
            order.scale_down(affordable, bar.now, f"scaled down to {affordable:,} shares: {reason}")
            self._book(order, bar, affordable, price, cost_of(affordable))
        else:
            order.reject(bar.now, reason)
            self.changed.append(order)


def most(pays: Callable[[float], bool], shares: float) -> float:
    """Give the most shares that are paid for, where more shares never cost less.

    Parameters
    ----------
    pays : callable of float
        Whether cash pays for so many.
    shares : int or float
        So many it does not pay for; above 0. An int asks for whole shares.

    Returns
    -------
    int or float
        0 where none is paid for.

    Examples
    --------
    >>> most(lambda shares: 3.0 * shares <= 10.0, 100)
    3
    """
    low, high = (0, shares) if isinstance(shares, int) else (0.0, shares)
    if isinstance(shares, int):
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if pays(middle) else (low, middle)
        return low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if pays(middle) else (low, middle)
    return low if low >= fills.DUST else 0.0


def _transaction(order: Order, bar: AssetBar, shares: float, price: float, cost: float = 0.0) -> Transaction:
    return Transaction(bar.asset, shares, bar.now, price, order.id, cost)
