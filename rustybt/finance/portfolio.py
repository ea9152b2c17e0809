"""What does an algorithm hold, and what is it worth?"""

from typing import Any, Protocol

import pandas as pd

from rustybt.assets import Equity


class Books(Protocol):
    """What keeps positions, as `rustybt.finance.ledger.Ledger` does."""

    def begin(self) -> None:
        """Bring them up to the current session."""


class Position:
    """Shares held of one asset; the ledger moves it, an algorithm reads it.

    Parameters
    ----------
    asset : Equity
        What is held.
    books : Books, optional
        What keeps it.

    Attributes
    ----------
    asset : Equity
        What is held.
    amount : int
        Signed shares (a whole float after a split, as in Zipline).
    cost_basis : float
        Average price paid per share, commissions included.
    last_sale_price : float
        Latest known price.
    last_sale_date : pd.Timestamp or None
        When it was known, UTC.
    """

    __slots__ = ("_amount", "_asset", "_books", "_cost_basis", "_last_sale_date", "_last_sale_price")

    def __init__(self, asset: Equity, books: Books | None = None) -> None:
        self._asset = asset
        self._books = books
        self._amount: float = 0
        self._cost_basis = 0.0
        self._last_sale_price = 0.0
        self._last_sale_date: pd.Timestamp | None = None

    @property
    def asset(self) -> Equity:
        """What is held."""
        return self._asset

    @property
    def sid(self) -> Equity:
        """The asset, under the name that older scripts use."""
        return self._asset

    @property
    def amount(self) -> float:
        """Signed shares."""
        return self._amount

    @property
    def cost_basis(self) -> float:
        """Average price paid per share, commissions included."""
        return self._cost_basis

    @property
    def last_sale_price(self) -> float:
        """Latest known price."""
        if self._books is not None:
            self._books.begin()
        return self._last_sale_price

    @property
    def last_sale_date(self) -> pd.Timestamp | None:
        """When the latest price was known, UTC."""
        if self._books is not None:
            self._books.begin()
        return self._last_sale_date

    def __repr__(self) -> str:
        return (
            f"Position(asset={self._asset!r}, amount={self._amount!r}, cost_basis={self._cost_basis!r}, "
            f"last_sale_price={self.last_sale_price!r}, last_sale_date={self.last_sale_date!r})"
        )


class Positions(dict[Equity, Position]):
    """Positions by asset; an asset that is not held gives an empty position."""

    def __missing__(self, key: Any) -> Position:
        if isinstance(key, Equity):
            return Position(key)
        raise ValueError(
            f"Position lookup expected a value of type Asset but got {type(key).__name__} instead: "
            "look it up with symbol() first"
        )


class _ReadOnly:
    """State that the ledger refreshes and an algorithm cannot assign."""

    def _refresh(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"cannot mutate {type(self).__name__} objects ({name}): place orders instead")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__dict__!r})"


class Portfolio(_ReadOnly):
    """The portfolio as of the current bar.

    Parameters
    ----------
    start_date : pd.Timestamp or None
        First session of the run.
    capital_base : float
        Cash at the start.

    Attributes
    ----------
    positions : Positions
        Positions by asset.
    cash, starting_cash, cash_flow : float
        Cash now and at the start, and the sum of all flows.
    portfolio_value, positions_value, positions_exposure : float
        Worth of all, and of the positions.
    pnl, returns : float
        Since the start.
    """

    cash: float
    portfolio_value: float
    positions: Positions

    def __init__(self, start_date: pd.Timestamp | None = None, capital_base: float = 0.0) -> None:
        self._refresh(
            cash_flow=0.0,
            starting_cash=capital_base,
            portfolio_value=capital_base,
            pnl=0.0,
            returns=0.0,
            cash=capital_base,
            positions=Positions(),
            start_date=start_date,
            positions_value=0.0,
            positions_exposure=0.0,
        )

    @property
    def capital_used(self) -> float:
        """The sum of all cash flows, under the name that older scripts use."""
        return float(self.__dict__["cash_flow"])

    @property
    def current_portfolio_weights(self) -> pd.Series:
        """Each position's value as a fraction of the portfolio's, a float64 Series over assets."""
        values = {
            asset: position.last_sale_price * position.amount * asset.price_multiplier
            for asset, position in self.positions.items()
        }
        return pd.Series(values, dtype=float) / self.portfolio_value


class Account(_ReadOnly):
    """The account as of the current bar, with the fields that Zipline's has.

    Attributes
    ----------
    leverage, gross_leverage, net_leverage : float
        Exposure over portfolio value; inf where the value is 0.
    net_liquidation, equity_with_loan : float
        The portfolio's value.
    settled_cash, available_funds, excess_liquidity, regt_equity : float
        Cash.
    buying_power, regt_margin, day_trades_remaining : float
        inf: nothing limits an order.
    """

    def __init__(self) -> None:
        self._refresh(
            settled_cash=0.0,
            accrued_interest=0.0,
            buying_power=float("inf"),
            equity_with_loan=0.0,
            total_positions_value=0.0,
            total_positions_exposure=0.0,
            regt_equity=0.0,
            regt_margin=float("inf"),
            initial_margin_requirement=0.0,
            maintenance_margin_requirement=0.0,
            available_funds=0.0,
            excess_liquidity=0.0,
            cushion=0.0,
            day_trades_remaining=float("inf"),
            leverage=0.0,
            gross_leverage=0.0,
            net_leverage=0.0,
            net_liquidation=0.0,
        )
