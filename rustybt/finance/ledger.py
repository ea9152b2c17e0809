"""What do fills, splits, dividends and prices make of cash and positions?

The books are kept in the order in which Zipline keeps them: last bits, the order of positions, and what a session's pnl
includes all depend on it. Nothing is valued until somebody asks; sessions in which nobody does are valued together when
something is booked or asked again, and come to the same figures.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray
from rustybt.assets import Equity
from rustybt.data.instant import Instant
from rustybt.data.market import Market
from rustybt.finance.dividends import CashDividend, StockDividend, whole_shares
from rustybt.finance.order import Order
from rustybt.finance.portfolio import Account, Portfolio, Position, Positions
from rustybt.finance.rules import ZIPLINE, Rules
from rustybt.finance.stretch import Stretch, value_stretch
from rustybt.finance.transaction import Transaction
from rustybt.kernels.fills import book_commission, book_fill, book_split

INF = float("inf")
NAN = float("nan")
DAYS_A_YEAR = 365


class Exposure(NamedTuple):
    """What the positions add up to; long figures are positive, short ones negative."""

    long_value: float
    short_value: float
    longs_count: int
    shorts_count: int

    @property
    def net(self) -> float:
        """Long less what is owed."""
        return self.long_value + self.short_value

    @property
    def gross(self) -> float:
        """Long plus what is owed."""
        return self.long_value - self.short_value


class Ledger:
    """Cash, positions and what they are worth, for one run.

    Parameters
    ----------
    market : Market
        Gives prices.
    start_date : pd.Timestamp
        First session of the run.
    capital_base : float
        Cash at the start.
    rules : Rules
        Of the run.

    Attributes
    ----------
    borrow_cost, margin_interest : float
        What short positions and negative cash cost at the session's start.
    growth : float
        What one unit of money became since the start, flows from outside left out.
    begin : callable
        Called before anything is booked or priced: brings the books up to the current session, see the recorder.
    """

    def __init__(self, market: Market, start_date: pd.Timestamp, capital_base: float, rules: Rules = ZIPLINE) -> None:
        self.positions = Positions()
        self.cash = self.portfolio_value = capital_base
        self.cash_flow = self.pnl = 0.0
        self.growth = self.previous_growth = 1.0
        self.begin: Callable[[], None] = _nothing
        self.session_transactions: list[Transaction] = []
        self.session_orders: dict[str, Order] = {}
        self.borrow_cost = self.margin_interest = 0.0
        self._rules = rules
        self._market = market
        self._value_is_stale = False
        self._exposure: Exposure | None = None
        self._unpaid_cash: dict[int, list[float]] = {}
        self._unpaid_shares: dict[int, list[tuple[Equity, float]]] = {}
        self._portfolio = Portfolio(start_date, capital_base)
        self._account = Account()

    # A session's course -----------------------------------------------------------------------------------------

    def start_session(self) -> None:
        """Close yesterday's records and note the returns so far."""
        self.session_transactions = []  # the records keep yesterday's list
        if self.session_orders:
            self.session_orders = {}
        self.previous_growth = self.growth

    @property
    def returns(self) -> float:
        """The return since the start, from what the portfolio is worth as of the last update."""
        return self.growth - 1

    @property
    def session_returns(self) -> float:
        """The return since the session began, as of the last update; NaN once everything was lost."""
        return self.growth / self.previous_growth - 1 if self.previous_growth != 0 else NAN

    def sync_prices(self, at: Instant) -> None:
        """Take the last known price of everything held, as of a moment."""
        self.begin()
        if not self.positions:
            return
        price_of, now = self._market.price, at.now
        for position in self.positions.values():
            price = price_of(position._asset, at)
            if price == price:
                position._last_sale_price = price
                position._last_sale_date = now
        self._exposure = None
        self._value_is_stale = True

    def value_stretch(self, begin: int, end: int, cash: FloatArray) -> tuple[Stretch, FloatArray, FloatArray]:
        """Value sessions in which nothing but dividends was booked, as `update` would at each one's start and end.

        Parameters
        ----------
        begin, end : int
            Session rows: those from begin up to, not including, end.
        cash : float64 array, shape (end - begin,)
            In each of them, from its dividends on.

        Returns
        -------
        Stretch
            Of the positions at each session's end.
        pnl, growth : float64 array, shape (2 * (end - begin) + 1,)
            Before the first session; after its dividends and at its end; and so on.
        """
        held = list(self.positions.values())
        closes = self._market.closing_prices([p._asset for p in held], begin, end)
        stretch = value_stretch([p._amount for p in held], [p._last_sale_price for p in held], closes)
        net = stretch.long_value + stretch.short_value
        values = np.empty(2 * len(cash) + 1)
        values[0], values[1], values[2::2] = self.portfolio_value, cash[0] + self.exposure.net, cash + net
        values[3::2] = cash[1:] + net[:-1]
        gains = np.diff(values)
        rates = np.divide(gains, values[:-1], out=np.zeros_like(gains), where=values[:-1] != 0)
        pnl, growth = np.cumsum(np.append(self.pnl, gains)), np.cumprod(np.append(self.growth, 1 + rates))
        self._price(held, begin, closes, stretch)
        self.portfolio_value, self.pnl, self.growth = values.item(-1), pnl.item(-1), growth.item(-1)
        self._value_is_stale = self.cash != cash[-1]
        return stretch, pnl, growth

    def _price(self, held: list[Position], begin: int, closes: FloatArray, stretch: Stretch) -> None:
        """Take the last known prices of a stretch."""
        for k, position in enumerate(held):
            priced = np.flatnonzero(~np.isnan(closes[:, k]))
            if len(priced):
                position._last_sale_price = stretch.prices.item(-1, k)
                position._last_sale_date = self._market.close_of(begin + int(priced[-1])).now
        self._exposure = None

    def note_order(self, order: Order) -> None:
        """Keep an order in the session's record, as the latest that changed."""
        self.begin()
        self.session_orders.pop(order.id, None)
        self.session_orders[order.id] = order

    # Bookings ---------------------------------------------------------------------------------------------------

    def book(self, transaction: Transaction, amount: float, cost_basis: float, cash_flow: float) -> None:
        """Take over what the fill kernel made of a position.

        Parameters
        ----------
        transaction : Transaction
            The fill.
        amount, cost_basis : float
            Shares and basis after it.
        cash_flow : float
            Cash it brings, without its commission.
        """
        self.begin()
        self.move_cash(cash_flow)
        self._exposure = None
        asset = transaction.asset
        if amount == 0:
            self.positions.pop(asset, None)
        else:
            position = self.positions.get(asset)
            if position is None:
                position = self.positions[asset] = Position(asset, self)
            position._amount = amount
            position._cost_basis = cost_basis
            seen = position._last_sale_date
            if seen is None or transaction.dt > seen:
                position._last_sale_price = transaction.price
                position._last_sale_date = transaction.dt
        self.session_transactions.append(transaction)

    def pay_commission(self, asset: Equity, cost: float) -> None:
        """Pay a fill's commission, and spread it over what is held of the asset."""
        self.spread_commission(asset, cost)
        self.move_cash(-cost)

    def spread_commission(self, asset: Equity, cost: float) -> None:
        """Make a commission that was paid a part of the cost basis."""
        position = self.positions.get(asset)
        if position is not None:
            position._cost_basis = book_commission(position._amount, position._cost_basis, cost)

    def financing(self, days: int) -> tuple[float, float]:
        """Give what short positions and negative cash, as they stand, cost for some calendar days."""
        years = days / DAYS_A_YEAR
        borrow_cost = abs(self.exposure.short_value) * self._rules.borrow_rate * years
        return borrow_cost, abs(min(self.cash, 0.0)) * self._rules.margin_rate * years

    def pay_financing(self, borrow_cost: float, margin_interest: float) -> None:
        """Pay what `financing` gave, in the current session."""
        self.borrow_cost, self.margin_interest = borrow_cost, margin_interest
        if borrow_cost or margin_interest:
            self.move_cash(-(borrow_cost + margin_interest))

    def apply_splits(self, splits: Iterable[tuple[Equity, float]]) -> None:
        """Restate positions for splits; fractions of a share are paid out at the new basis.

        Parameters
        ----------
        splits : iterable of (Equity, float)
            New price per old price.
        """
        leftover = 0.0
        for asset, ratio in splits:
            position = self.positions.get(asset)
            if position is None:
                continue
            self._exposure = None
            position._amount, position._cost_basis, cash = book_split(
                position._amount, position._cost_basis, ratio, self._rules.fractional_shares
            )
            leftover += cash
            if position._amount == 0:
                del self.positions[asset]
        if leftover:
            self.move_cash(leftover)

    def earn(self, cash: Iterable[CashDividend], shares: Iterable[StockDividend]) -> None:
        """Note what today's ex-dates owe to (or claim from) the positions held since yesterday."""
        for dividend in cash:
            owed = self.positions[dividend.asset]._amount * dividend.amount
            self._unpaid_cash.setdefault(dividend.pay_ns, []).append(owed)
        for stock in shares:
            count = self.positions[stock.asset]._amount * stock.ratio
            if not self._rules.fractional_shares:
                count = whole_shares(count)
            if count:
                self._unpaid_shares.setdefault(stock.pay_ns, []).append((stock.payment_asset, count))

    def owes_cash(self, session_ns: int) -> bool:
        """Say whether a dividend is paid on exactly this session."""
        return session_ns in self._unpaid_cash

    def owes_shares(self, session_ns: int) -> bool:
        """Say whether a dividend in shares is paid on exactly this session."""
        return session_ns in self._unpaid_shares

    def pay_dividends(self, session_ns: int) -> list[tuple[Equity, float]]:
        """Pay what is due on exactly this session, and give the shares that were paid."""
        paid = 0.0
        for amount in self._unpaid_cash.pop(session_ns, ()):
            paid += amount
        grants = self._unpaid_shares.pop(session_ns, [])
        for asset, count in grants:
            position = self.positions.get(asset)
            if position is None:
                position = self.positions[asset] = Position(asset, self)
            position._amount += count
            self._exposure = None
        if paid or grants:  # shares that were paid belong to the value that the session starts with
            self.move_cash(paid)
        return grants

    def close_position(self, asset: Equity, at: Instant) -> None:
        """Sell (or buy back) all of a position without commission, at the current price or the last one seen."""
        self.begin()  # the sessions before are valued first, and leave the last price known
        position = self.positions[asset]
        price = self._market.price(asset, at)
        if price != price:
            price = position._last_sale_price
        amount, basis = book_fill(position._amount, position._cost_basis, -position._amount, price)
        transaction = Transaction(asset, -position._amount, at.now, price, None)
        self.book(transaction, amount, basis, position._amount * price)

    def change_capital(self, amount: float) -> None:
        """Take cash from outside (or give it), which is neither gain nor cash flow."""
        self.update()
        self.portfolio_value += amount
        self.cash += amount

    def move_cash(self, amount: float) -> None:
        """Add to cash (or take from it)."""
        self._value_is_stale = True
        self.cash_flow += amount
        self.cash += amount

    # Values -----------------------------------------------------------------------------------------------------

    @property
    def exposure(self) -> Exposure:
        """What the positions add up to at their last sale prices."""
        if self._exposure is None:
            self._exposure = _add_up(self.positions.values())
        return self._exposure

    def update(self) -> None:
        """Value the portfolio, if anything changed since it was valued last."""
        if not self._value_is_stale:
            return
        before = self.portfolio_value
        self.portfolio_value = after = self.cash + self.exposure.net
        gain = after - before
        self.pnl += gain
        self.growth *= 1 + (gain / before if before != 0 else 0.0)
        self._value_is_stale = False

    @property
    def leverage(self) -> tuple[float, float]:
        """Gross and net exposure over the portfolio's value; inf where that is 0."""
        self.update()
        if self.portfolio_value == 0:
            return INF, INF
        return self.exposure.gross / self.portfolio_value, self.exposure.net / self.portfolio_value

    @property
    def portfolio(self) -> Portfolio:
        """The view that an algorithm reads, up to date."""
        self.update()
        net = self.exposure.net
        self._portfolio.__dict__.update(
            positions=self.positions,
            cash=self.cash,
            cash_flow=self.cash_flow,
            portfolio_value=self.portfolio_value,
            pnl=self.pnl,
            returns=self.growth - 1,
            positions_value=net,
            positions_exposure=net,
        )
        return self._portfolio

    @property
    def account(self) -> Account:
        """The account's view, up to date."""
        gross, net = self.leverage
        cash, value = self.cash, self.portfolio_value
        self._account._refresh(
            settled_cash=cash,
            equity_with_loan=value,
            total_positions_value=value - cash,
            total_positions_exposure=self.exposure.net,
            regt_equity=cash,
            available_funds=cash,
            excess_liquidity=cash,
            cushion=cash / value if value else np.nan,
            net_liquidation=value,
            gross_leverage=gross,
            leverage=gross,
            net_leverage=net,
        )
        return self._account


def _nothing() -> None:
    """Do nothing: books that nobody records are always up to date."""


def _add_up(positions: Iterable[Position]) -> Exposure:
    long_value = short_value = 0.0
    longs = shorts = 0
    for position in positions:
        value = position._amount * position._last_sale_price
        if value > 0:
            longs += 1
            long_value += value
        elif value < 0:
            shorts += 1
            short_value += value
    return Exposure(long_value, short_value, longs, shorts)
