"""Which orders are open, and what do they do in this bar?"""

import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pandas as pd

from rustybt.assets import Equity
from rustybt.data.instant import Instant
from rustybt.data.market import Market
from rustybt.finance import commission as commissions
from rustybt.finance import slippage as slippages
from rustybt.finance.cancel_policy import SESSION_END, CancelPolicy, NeverCancel
from rustybt.finance.commission import CommissionModel, PerShare
from rustybt.finance.execution import ExecutionStyle
from rustybt.finance.ledger import Ledger
from rustybt.finance.order import NAN, Order
from rustybt.finance.slippage import FixedBasisPointsSlippage, LiquidityExceeded, SlippageModel, whole_shares
from rustybt.finance.transaction import Transaction
from rustybt.kernels import fills
from rustybt.kernels.fills import book_fill, fill_and_book

if TYPE_CHECKING:
    from rustybt.data.bar_data import BarData

log = logging.getLogger("rustybt.orders")

MAX_SHARES = 100_000_000_000


class Blotter:
    """The order book of one run.

    Parameters
    ----------
    market : Market
        Gives the bars that orders fill in.
    slippage : SlippageModel, optional
        FixedBasisPointsSlippage() if omitted.
    commission : CommissionModel, optional
        PerShare() if omitted.

    Attributes
    ----------
    open_orders : dict of Equity to list of Order
        In the order in which the assets were first ordered, and within one in the order of placing: fills, and so the
        order of positions, follow it.
    new_orders : list of Order
        Placed or cancelled since the last bar was recorded.
    """

    def __init__(
        self, market: Market, slippage: SlippageModel | None = None, commission: CommissionModel | None = None
    ) -> None:
        self.slippage = slippage or FixedBasisPointsSlippage()
        self.commission = commission or PerShare()
        self.orders: dict[str, Order] = {}
        self.open_orders: dict[Equity, list[Order]] = {}
        self.new_orders: list[Order] = []
        self.cancel_policy: CancelPolicy = NeverCancel()
        self._market = market

    # Placing and cancelling -------------------------------------------------------------------------------------

    def place(self, asset: Equity, amount: int, style: ExecutionStyle, now: pd.Timestamp) -> str | None:
        """Put an order into the book.

        Parameters
        ----------
        asset : Equity
            What to trade.
        amount : int
            Signed whole shares.
        style : ExecutionStyle
            Gives limit and stop.
        now : pd.Timestamp
            UTC.

        Returns
        -------
        str or None
            The order's id; None for 0 shares, which place nothing.

        Raises
        ------
        OverflowError
            If the order buys more than 100 billion shares.
        """
        if amount == 0:
            return None
        if amount > MAX_SHARES:
            raise OverflowError(f"Can't order more than {MAX_SHARES} shares: amount is {amount}")
        is_buy = amount > 0
        order = Order(
            f"{len(self.orders) + 1:032x}",
            now,
            asset,
            amount,
            stop=style.get_stop_price(is_buy),
            limit=style.get_limit_price(is_buy),
        )
        self.open_orders.setdefault(asset, []).append(order)
        self.orders[order.id] = order
        self.new_orders.append(order)
        return order.id

    def get(self, order_id: str) -> Order | None:
        """Give an order of this run by its id, or None."""
        return self.orders.get(order_id)

    def cancel(self, order_id: str, now: pd.Timestamp, noted: bool = True) -> None:
        """Cancel an order that is open; `noted` lists it as changed in the session."""
        order = self.orders.get(order_id)
        if order is None or not order.open:
            return
        queue = self.open_orders.get(order.asset, [])
        if order in queue:
            queue.remove(order)
        if order in self.new_orders:
            self.new_orders.remove(order)
        order.cancel(now)
        if noted:
            self.new_orders.append(order)

    def cancel_all(self, asset: Equity, now: pd.Timestamp) -> None:
        """Cancel every open order of an asset."""
        for order in list(self.open_orders.get(asset, ())):
            self.cancel(order.id, now)
        self.open_orders.pop(asset, None)

    def end_session(self, now: pd.Timestamp) -> None:
        """Let the cancel policy act at a session's end.

        A minute simulation cancels every open order, without noting it among the session's changed orders; a daily one
        cancels an asset's first order, where there are several, and notes it with the next bar.
        """
        if not self.open_orders or not self.cancel_policy.should_cancel(SESSION_END):
            return
        if self._market.frequency == "minute":
            for order in [order for queue in self.open_orders.values() for order in queue]:
                self.cancel(order.id, now, noted=False)
                if self.cancel_policy.warn_on_cancel:
                    _warn_of_cancel(order)
            self.open_orders.clear()
            return
        for queue in list(self.open_orders.values()):
            if len(queue) > 1:
                first = queue[0]
                self.cancel(first.id, now)
                if self.cancel_policy.warn_on_cancel:
                    _warn_of_cancel(first)

    def apply_splits(self, splits: Iterable[tuple[Equity, float]]) -> None:
        """Restate open orders for splits; one without a whole share left is dropped, as a broker would."""
        for asset, ratio in splits:
            queue = self.open_orders.get(asset)
            if queue is None:
                continue
            for order in queue:
                order.split(ratio)
            for order in [o for o in queue if o.open_amount == 0]:
                queue.remove(order)
                if order in self.new_orders:
                    self.new_orders.remove(order)
            if not queue:
                del self.open_orders[asset]

    # Filling ----------------------------------------------------------------------------------------------------

    def fill(self, ledger: Ledger, data: "BarData", at: Instant) -> None:
        """Fill what can fill in a bar, and book it.

        Parameters
        ----------
        ledger : Ledger
            Takes fills and commissions: all fills first, because a commission is spread over what is held then.
        data : BarData
            Handed to cost models of one's own.
        at : Instant
            The bar.
        """
        if not self.open_orders:
            return
        fees: list[tuple[Equity, float]] = []
        filled: list[Order] = []
        costs = kernel_costs(self.slippage, self.commission)
        trade = self._market.trade
        for asset, queue in self.open_orders.items():
            price, volume = trade(asset, at)
            if volume > 0 and price == price:
                bar = _Bar(asset, at.now, price, volume, data)
                for order, cost in self._fill_queue(queue, bar, ledger, costs):
                    filled.append(order)
                    if cost > 0:
                        fees.append((asset, cost))
        self._prune()
        for order in filled:
            ledger.note_order(order)
        for asset, cost in fees:
            ledger.pay_commission(asset, cost)

    def _fill_queue(
        self, queue: list[Order], bar: "_Bar", ledger: Ledger, costs: "Costs | None"
    ) -> Iterator[tuple[Order, float]]:
        """Work off an asset's orders in a bar; yield each that filled, with its commission."""
        taken: float = 0
        for order in queue:
            if order.open_amount == 0:
                continue
            order.check_triggers(bar.price, bar.now)
            if not order.triggered:
                continue
            if costs is None:
                code, shares, cost = self._by_model(order, bar, taken, ledger)
            else:
                code, shares, cost = self._by_kernel(order, bar, taken, ledger, costs)
            if code == fills.QUEUE_STOPS:
                return
            if code == fills.FILLED:
                taken += abs(shares)
                yield order, cost

    def _by_kernel(
        self, order: Order, bar: "_Bar", taken: float, ledger: Ledger, costs: "Costs"
    ) -> tuple[int, float, float]:
        position = ledger.positions.get(bar.asset)
        held, basis = (0, 0.0) if position is None else (position.amount, position.cost_basis)
        code, price, shares, cost, held, basis, cash = fill_and_book(
            *costs,
            bar.price,
            bar.volume,
            taken,
            order.amount,
            order.filled,
            order.commission,
            NAN if order.limit is None else order.limit,
            held,
            basis,
        )
        if code == fills.FILLED:
            self._close_out(order, int(shares), price, cost, bar, ledger, (held, basis, cash))
        return code, shares, cost

    def _by_model(self, order: Order, bar: "_Bar", taken: float, ledger: Ledger) -> tuple[int, float, float]:
        self.slippage._volume_for_bar = taken
        try:
            price, amount = self.slippage.process_order(bar.data, order)
        except LiquidityExceeded:
            return fills.QUEUE_STOPS, 0, 0.0
        if price is None or amount is None:
            return fills.NOTHING, 0, 0.0
        shares = whole_shares(amount)
        cost = self.commission.calculate(order, Transaction(bar.asset, shares, bar.now, price, order.id))
        position = ledger.positions.get(bar.asset)
        held, basis = (0, 0.0) if position is None else (position.amount, position.cost_basis)
        booked = book_fill(held, basis, shares, price)
        self._close_out(order, shares, price, cost, bar, ledger, (*booked, -(price * shares)))
        return fills.FILLED, shares, cost

    def _close_out(
        self,
        order: Order,
        shares: int,
        price: float,
        cost: float,
        bar: "_Bar",
        ledger: Ledger,
        booked: tuple[float, float, float],
    ) -> None:
        order.filled += shares
        order.commission += cost
        order.dt = bar.now
        ledger.book(Transaction(bar.asset, shares, bar.now, price, order.id, cost), *booked)

    def _prune(self) -> None:
        for asset, queue in list(self.open_orders.items()):
            if any(order.amount == order.filled for order in queue):
                queue[:] = [order for order in queue if order.open]
            if not queue:
                del self.open_orders[asset]


def _warn_of_cancel(order: Order) -> None:
    log.warning(
        "Your order for %s shares of %s was canceled at the end of the day: %s shares filled, %s did not.",
        order.amount,
        order.asset.symbol,
        order.filled,
        order.open_amount,
    )


class _Bar:
    """One asset's bar while its queue of orders is worked off."""

    __slots__ = ("asset", "data", "now", "price", "volume")

    def __init__(self, asset: Equity, now: pd.Timestamp, price: float, volume: float, data: "BarData") -> None:
        self.asset = asset
        self.now = now
        self.price = price
        self.volume = volume
        self.data = data


Costs = tuple[int, float, float, int, float, float]


def kernel_costs(slippage: SlippageModel, commission: CommissionModel) -> Costs | None:
    """Give the kernel's rules and parameters of two built-in models, or None where one must be called."""
    slip, fee = slippages.kernel_rule(slippage), commissions.kernel_rule(commission)
    return None if slip is None or fee is None else (*slip, *fee)
