"""Which orders and which leverage does the user forbid an algorithm?"""

import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import pandas as pd

from rustybt.assets import Asset
from rustybt.errors import AccountControlViolation, InvalidParameter, TradingControlViolation
from rustybt.finance.asset_restrictions import Restrictions
from rustybt.finance.portfolio import Account, Portfolio

if TYPE_CHECKING:
    from rustybt.data.bar_data import BarData

log = logging.getLogger("rustybt.controls")

ON_ERROR = ("fail", "log")


class TradingControl(ABC):
    """Base of the checks on single orders.

    Parameters
    ----------
    on_error : {"fail", "log"}
        "fail" raises; "log" writes to the log and lets the order pass.
    **described
        What the message shows.

    Raises
    ------
    InvalidParameter
        If on_error is another value.
    """

    def __init__(self, on_error: str, **described: Any) -> None:
        if on_error not in ON_ERROR:
            raise InvalidParameter(f"on_error {on_error!r} is unknown: choose 'fail' or 'log'")
        self.on_error = on_error
        self._described = described

    @abstractmethod
    def violated(self, asset: Asset, amount: float, portfolio: Portfolio, dt: pd.Timestamp, data: "BarData") -> int:
        """Count the ways in which an order of signed shares breaks the rule; called once an order."""

    def validate(self, asset: Asset, amount: float, portfolio: Portfolio, dt: pd.Timestamp, data: "BarData") -> None:
        """Raise, or log, if an order breaks the rule.

        Raises
        ------
        TradingControlViolation
            With on_error="fail".
        """
        for _ in range(self.violated(asset, amount, portfolio, dt, data)):
            message = f"Order for {amount} shares of {asset} at {dt} violates trading constraint {self!r}"
            if self.on_error == "fail":
                raise TradingControlViolation(f"{message}: order less, or set on_error='log'")
            log.error("%s", message)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._described})"


class MaxOrderCount(TradingControl):
    """No more than so many orders a day.

    Parameters
    ----------
    on_error : {"fail", "log"}
        What to do.
    max_count : int
        Of order calls, those for 0 shares included.
    """

    def __init__(self, on_error: str, max_count: int) -> None:
        super().__init__(on_error, max_count=max_count)
        self.max_count = max_count
        self._day: Any = None
        self._placed = 0

    def violated(self, asset: Asset, amount: float, portfolio: Portfolio, dt: pd.Timestamp, data: "BarData") -> int:
        """Count the order, and say whether the day had its number before."""
        if dt.date() != self._day:
            self._day, self._placed = dt.date(), 0
        self._placed += 1
        return int(self._placed > self.max_count)


class RestrictedListOrder(TradingControl):
    """No order of a restricted asset.

    Parameters
    ----------
    on_error : {"fail", "log"}
        What to do.
    restrictions : Restrictions
        Which assets, and when.
    """

    def __init__(self, on_error: str, restrictions: Restrictions) -> None:
        super().__init__(on_error)
        self.restrictions = restrictions

    def violated(self, asset: Asset, amount: float, portfolio: Portfolio, dt: pd.Timestamp, data: "BarData") -> int:
        """Say whether the asset is restricted now."""
        return int(bool(self.restrictions.is_restricted(asset, dt)))


class _SizeControl(TradingControl):
    """A bound on shares and on money; one asset or all."""

    def __init__(
        self,
        on_error: str,
        asset: Asset | None = None,
        max_shares: float | None = None,
        max_notional: float | None = None,
    ) -> None:
        super().__init__(on_error, asset=asset, max_shares=max_shares, max_notional=max_notional)
        if max_shares is None and max_notional is None:
            raise ValueError("Must supply at least one of max_shares and max_notional")
        for name, bound in (("max_shares", max_shares), ("max_notional", max_notional)):
            if bound is not None and bound < 0:
                raise ValueError(f"{name} cannot be negative, got {bound}")
        self.asset = asset
        self.max_shares = max_shares
        self.max_notional = max_notional

    def _exceeded(self, asset: Asset, shares: float, data: "BarData") -> int:
        if self.asset is not None and self.asset != asset:
            return 0
        too_many = self.max_shares is not None and abs(shares) > self.max_shares
        worth = shares * data.current(asset, "price")
        too_much = self.max_notional is not None and abs(worth) > self.max_notional
        return int(too_many) + int(too_much)


class MaxOrderSize(_SizeControl):
    """No single order over so many shares, or so much money."""

    def violated(self, asset: Asset, amount: float, portfolio: Portfolio, dt: pd.Timestamp, data: "BarData") -> int:
        """Count the bounds that the order exceeds."""
        return self._exceeded(asset, amount, data)


class MaxPositionSize(_SizeControl):
    """No order that would lead to a position over so many shares, or so much money."""

    def violated(self, asset: Asset, amount: float, portfolio: Portfolio, dt: pd.Timestamp, data: "BarData") -> int:
        """Count the bounds that the position after the order would exceed."""
        return self._exceeded(asset, _held(portfolio, asset) + amount, data)


class LongOnly(TradingControl):
    """No order that would lead to a short position."""

    def violated(self, asset: Asset, amount: float, portfolio: Portfolio, dt: pd.Timestamp, data: "BarData") -> int:
        """Say whether the position after the order would be short."""
        return int(_held(portfolio, asset) + amount < 0)


class AccountControl(ABC):
    """Base of the checks on the account, made at each session's end."""

    @abstractmethod
    def broken_by(self, account: Account, dt: pd.Timestamp) -> bool:
        """Say whether the account breaks the rule."""

    def validate(self, account: Account, dt: pd.Timestamp) -> None:
        """Raise if the account breaks the rule.

        Raises
        ------
        AccountControlViolation
            If it does.
        """
        if self.broken_by(account, dt):
            leverage = vars(account)["leverage"]
            raise AccountControlViolation(f"Account at {dt} violates {self!r}: its leverage is {leverage}")


class MaxLeverage(AccountControl):
    """No gross leverage above a bound.

    Parameters
    ----------
    max_leverage : float
        2 allows positions worth twice the account.

    Raises
    ------
    ValueError
        If it is missing or negative.
    """

    def __init__(self, max_leverage: float) -> None:
        if max_leverage is None:
            raise ValueError("Must supply max_leverage")
        if max_leverage < 0:
            raise ValueError(f"max_leverage must be positive, got {max_leverage}")
        self.max_leverage = max_leverage

    def __repr__(self) -> str:
        return f"MaxLeverage({self.max_leverage})"

    def broken_by(self, account: Account, dt: pd.Timestamp) -> bool:
        """Say whether leverage is above the bound."""
        return bool(vars(account)["leverage"] > self.max_leverage)


class MinLeverage(AccountControl):
    """No gross leverage below a bound after a deadline.

    Parameters
    ----------
    min_leverage : float
        At least 0.
    deadline : pd.Timestamp
        Checked after it; UTC.

    Raises
    ------
    ValueError
        If min_leverage is negative.
    """

    def __init__(self, min_leverage: float, deadline: pd.Timestamp) -> None:
        if min_leverage < 0:
            raise ValueError(f"min_leverage must be at least 0, got {min_leverage}")
        self.min_leverage = min_leverage
        self.deadline = deadline

    def __repr__(self) -> str:
        return f"MinLeverage({self.min_leverage}, deadline={self.deadline})"

    def broken_by(self, account: Account, dt: pd.Timestamp) -> bool:
        """Say whether the deadline has passed and leverage is below the bound."""
        return bool(dt > self.deadline and vars(account)["leverage"] < self.min_leverage)


def _held(portfolio: Portfolio, asset: Any) -> float:
    position = portfolio.positions.get(asset)
    return 0 if position is None else position.amount
