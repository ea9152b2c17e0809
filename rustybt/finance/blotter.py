"""Which orders are open, and what do they do in this bar?"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from rustybt.assets import Equity
from rustybt.data.instant import Instant
from rustybt.data.market import Market
from rustybt.errors import BadOrderParameters, InvalidParameter
from rustybt.finance.bracket import Bracket
from rustybt.finance.cancel_policy import SESSION_END, CancelPolicy, NeverCancel
from rustybt.finance.commission import CommissionModel, PerShare
from rustybt.finance.execution import ExecutionStyle, LimitOrder, StopOrder
from rustybt.finance.exits import Exits
from rustybt.finance.filling import AssetBar, Filling
from rustybt.finance.ledger import Ledger
from rustybt.finance.order import Order
from rustybt.finance.registry import Registry
from rustybt.finance.rules import ZIPLINE, Rules
from rustybt.finance.slippage import FixedBasisPointsSlippage, SlippageModel

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
    rules : Rules
        Of the run.

    Attributes
    ----------
    open_orders : dict of Equity to list of Order
        In the order in which the assets were first ordered, and within one in the order of placing: fills, and so the
        order of positions, follow it.
    new_orders : list of Order
        Placed or cancelled since the last bar was recorded.
    rules : Rules
        Of the run.
    """

    def __init__(
        self,
        market: Market,
        slippage: SlippageModel | None = None,
        commission: CommissionModel | None = None,
        rules: Rules = ZIPLINE,
    ) -> None:
        self.slippage = slippage or FixedBasisPointsSlippage()
        self.commission = commission or PerShare()
        self.orders: dict[str, Order] = {}
        self.open_orders: dict[Equity, list[Order]] = {}
        self.new_orders: list[Order] = []
        self.cancel_policy: CancelPolicy = NeverCancel()
        self._market = market
        self.rules = rules
        self._exits = Exits()
        self._filling: Filling | None = None
        self._sides = (-1, 1) if rules.limits_cash else (0,)

    # Placing and cancelling -------------------------------------------------------------------------------------

    def place(
        self, asset: Equity, amount: float, style: ExecutionStyle, now: pd.Timestamp, bracket: Bracket | None = None
    ) -> str | None:
        """Put an order into the book.

        Parameters
        ----------
        asset : Equity
            What to trade.
        amount : int
            Signed shares; whole ones, unless the rules trade fractions.
        style : ExecutionStyle
            Gives limit and stop.
        now : pd.Timestamp
            UTC.
        bracket : Bracket, optional
            Exits to place for what fills.

        Returns
        -------
        str or None
            The order's id; None for 0 shares, which place nothing.

        Raises
        ------
        OverflowError
            If the order buys more than 100 billion shares.
        BadOrderParameters
            If its limit is 0 and the rules reject that.
        """
        if amount == 0:
            return None
        if amount > MAX_SHARES:
            raise OverflowError(f"Can't order more than {MAX_SHARES} shares: amount is {amount}")
        if self.rules.limit_price_zero_rejected and style.get_limit_price(amount > 0) == 0:
            raise BadOrderParameters(
                "limit_price is 0 (or rounds to it): a sale would fill at any price, a purchase at none. "
                "Pass a price above 0, or no limit"
            )
        return self._enter(asset, amount, style, now, bracket).id

    def _enter(
        self,
        asset: Equity,
        amount: float,
        style: ExecutionStyle,
        now: pd.Timestamp,
        bracket: Bracket | None = None,
        parent: str | None = None,
    ) -> Order:
        is_buy = amount > 0
        order = Order(
            f"{len(self.orders) + 1:032x}",
            now,
            asset,
            amount,
            stop=style.get_stop_price(is_buy),
            limit=style.get_limit_price(is_buy),
            bracket=bracket,
            parent=parent,
        )
        self.open_orders.setdefault(asset, []).append(order)
        self.orders[order.id] = order
        self.new_orders.append(order)
        return order

    def get(self, order_id: str) -> Order | None:
        """Give an order of this run by its id, or None."""
        return self.orders.get(order_id)

    def shares_on_order(self, asset: Equity) -> float:
        """Give the signed shares that open orders of an asset would trade, without the exits of brackets."""
        return sum(order.open_amount for order in self.open_orders.get(asset, ()) if order.parent is None)

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

    def end_session(self, now: pd.Timestamp) -> list[Order]:
        """Let the cancel policy act at a session's end; the exits of brackets live as long as their position.

        A minute simulation cancels every open order, without noting it among the session's changed orders; a daily one
        cancels an asset's first order, where there are several, and notes it with the next bar. Under the correction
        eod_cancel_all a daily one cancels every order that was placed before this session.

        Parameters
        ----------
        now : pd.Timestamp
            The session's last bar, UTC.

        Returns
        -------
        list of Order
            Those that are still to be noted in this session.
        """
        if not self.open_orders or not self.cancel_policy.should_cancel(SESSION_END):
            return []
        own = [[order for order in queue if order.parent is None] for queue in self.open_orders.values()]
        if self._market.frequency == "minute":
            self._cancel_unnoted((order for queue in own for order in queue), now)
            return []
        if self.rules.eod_cancel_all:
            return self._cancel_unnoted((order for queue in own for order in queue if order.created < now), now)
        for first in [queue[0] for queue in own if len(queue) > 1]:
            self.cancel(first.id, now)
            if self.cancel_policy.warn_on_cancel:
                _warn_of_cancel(first)
        return []

    def _cancel_unnoted(self, orders: Iterable[Order], now: pd.Timestamp) -> list[Order]:
        cancelled = list(orders)
        for order in cancelled:
            self.cancel(order.id, now, noted=False)
            if self.cancel_policy.warn_on_cancel:
                _warn_of_cancel(order)
        self._drop_empty()
        return cancelled

    def apply_splits(self, splits: Iterable[tuple[Equity, float]]) -> None:
        """Restate open orders for splits; one without a whole share left is dropped, as a broker would."""
        for asset, ratio in splits:
            queue = self.open_orders.get(asset)
            if queue is None:
                continue
            for order in queue:
                order.split(ratio, self.rules.fractional_shares)
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

        Notes
        -----
        Where cash limits purchases, a bar's sales fill first and pay for them.
        """
        if not self.open_orders:
            return
        bars = []
        for asset, queue in self.open_orders.items():
            price, volume = self._market.trade(asset, at)
            if volume > 0 and price == price:
                bars.append((queue, AssetBar(asset, at.now, price, volume, data)))
        if bars:
            filling = self._filling
            if filling is None or not filling.serves(self.slippage, self.commission, ledger):
                filling = self._filling = Filling(self.slippage, self.commission, ledger, self.rules, self._exits)
            filling.start_bar()
            for side in self._sides:
                for queue, bar in bars:
                    filling.work_off(queue, bar, side)
            self._settle(filling, ledger, at.now)
            self._leave(filling.changed)
        self._drop_empty()

    def _settle(self, filling: Filling, ledger: Ledger, now: pd.Timestamp) -> None:
        """Note what the fills of a bar changed, and book what waited for the last of them."""
        for order in filling.changed:
            ledger.note_order(order)
        if not filling.fees and not filling.entries:
            return
        pay = ledger.spread_commission if self.rules.limits_cash else ledger.pay_commission
        for asset, cost in filling.fees:
            pay(asset, cost)
        for order, shares, price in filling.entries:
            self._place_exits(order, shares, price, now)
            fitted = self._exits.fit(order.asset, ledger.positions[order.asset].amount, now)
            for changed in fitted:
                ledger.note_order(changed)
            filling.changed += fitted

    def _place_exits(self, entry: Order, shares: float, price: float, now: pd.Timestamp) -> None:
        """Place the stop and the target for a fill; they are tested from the next bar on."""
        stop, target = entry.bracket.exit_prices(price, shares)  # type: ignore[union-attr]
        styles: list[ExecutionStyle] = [] if stop is None else [StopOrder(stop, asset=entry.asset)]
        if target is not None:
            styles.append(LimitOrder(target, asset=entry.asset))
        self._exits.attach(tuple(self._enter(entry.asset, -shares, style, now, parent=entry.id) for style in styles))

    def _drop_empty(self) -> None:
        for asset in [asset for asset, queue in self.open_orders.items() if not queue]:
            del self.open_orders[asset]

    def _leave(self, changed: Iterable[Order]) -> None:
        """Take what is done out of its queue, without going through it: thousands of orders may wait there."""
        for order in changed:
            if not order.open:
                queue = self.open_orders.get(order.asset)
                if queue and queue[0] is order:
                    del queue[0]
                elif queue and order in queue:
                    queue.remove(order)


def _warn_of_cancel(order: Order) -> None:
    log.warning(
        "Your order for %s shares of %s was canceled at the end of the day: %s shares filled, %s did not.",
        order.amount,
        order.asset.symbol,
        order.filled,
        order.open_amount,
    )


@dataclass(frozen=True, kw_only=True)
class SimulationBlotter:
    """What order book a run has: its costs, its cancel policy and its class.

    Parameters
    ----------
    equity_slippage : SlippageModel, optional
        FixedBasisPointsSlippage() if omitted; `set_slippage` goes before it.
    equity_commission : CommissionModel, optional
        PerShare() if omitted; `set_commission` goes before it.
    cancel_policy : CancelPolicy, optional
        NeverCancel() if omitted; `set_cancel_policy` goes before it.
    book : type
        Blotter, or a class derived from it.

    Notes
    -----
    One may serve many runs: each opens a book of its own.
    """

    equity_slippage: SlippageModel | None = None
    equity_commission: CommissionModel | None = None
    cancel_policy: CancelPolicy | None = None
    book: type[Blotter] = Blotter

    def open(self, market: Market, rules: Rules) -> Blotter:
        """Give an empty order book."""
        book = self.book(market, self.equity_slippage, self.equity_commission, rules)
        if self.cancel_policy is not None:
            book.cancel_policy = self.cancel_policy
        return book


blotters: Final[Registry["SimulationBlotter | type[Blotter]"]] = Registry("blotter")
"""What the names of order books stand for."""

blotters.register("default", SimulationBlotter)


def blotter_of(blotter: Any) -> SimulationBlotter:
    """Read what a user gives as a blotter.

    Parameters
    ----------
    blotter : str, SimulationBlotter, or type
        A registered name, the order book's settings, or a class derived from Blotter.

    Returns
    -------
    SimulationBlotter

    Raises
    ------
    InvalidParameter
        If it is none of these.
    """
    if isinstance(blotter, str):
        blotter = blotters.load(blotter)
    if isinstance(blotter, SimulationBlotter):
        return blotter
    if isinstance(blotter, type) and issubclass(blotter, Blotter):
        return SimulationBlotter(book=blotter)
    raise InvalidParameter(
        f"blotter {blotter!r} is no order book: pass 'default', a registered name, SimulationBlotter(...), or a class "
        "derived from rustybt.finance.blotter.Blotter"
    )
