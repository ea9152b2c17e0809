"""What may an algorithm choose before its first bar?"""

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from rustybt.assets import Asset, Equity
from rustybt.errors import (
    IncompatibleCommissionModel,
    IncompatibleSlippageModel,
    RegisterAccountControlPostInit,
    RegisterTradingControlPostInit,
    SetBenchmarkOutsideInitialize,
    SetCancelPolicyPostInit,
    SetCommissionPostInit,
    SetSlippagePostInit,
    UnsupportedCancelPolicy,
    UnsupportedDatetimeFormat,
)
from rustybt.finance.asset_restrictions import Restrictions, StaticRestrictions
from rustybt.finance.blotter import Blotter
from rustybt.finance.cancel_policy import CancelPolicy
from rustybt.finance.commission import CommissionModel
from rustybt.finance.controls import (
    AccountControl,
    LongOnly,
    MaxLeverage,
    MaxOrderCount,
    MaxOrderSize,
    MaxPositionSize,
    MinLeverage,
    RestrictedListOrder,
    TradingControl,
)
from rustybt.finance.slippage import SlippageModel

if TYPE_CHECKING:
    from rustybt.data.bar_data import BarData


class SettingMethods:
    """The functions that an algorithm calls in initialize."""

    benchmark_sid: Equity | None
    blotter: Blotter
    initialized: bool
    _account_controls: list[AccountControl]
    _data: "BarData"
    _start: pd.Timestamp
    _symbol_lookup_date: pd.Timestamp | None
    _trading_controls: list[TradingControl]

    def set_slippage(self, us_equities: SlippageModel | None = None) -> None:
        """Choose the slippage model; see `rustybt.api.set_slippage`."""
        if self.initialized:
            raise SetSlippagePostInit("set_slippage was called after initialize: call it in initialize")
        if us_equities is None:
            return
        if not isinstance(us_equities, SlippageModel) or not _trades_equities(us_equities.allowed_asset_types):
            raise IncompatibleSlippageModel(
                f"set_slippage: us_equities is {us_equities!r}, which is no slippage model for equities"
            )
        self.blotter.slippage = us_equities

    def set_commission(self, us_equities: CommissionModel | None = None) -> None:
        """Choose the commission model; see `rustybt.api.set_commission`."""
        if self.initialized:
            raise SetCommissionPostInit("set_commission was called after initialize: call it in initialize")
        if us_equities is None:
            return
        if not isinstance(us_equities, CommissionModel) or not _trades_equities(us_equities.allowed_asset_types):
            raise IncompatibleCommissionModel(
                f"set_commission: us_equities is {us_equities!r}, which is no commission model for equities"
            )
        self.blotter.commission = us_equities

    def set_benchmark(self, benchmark: Asset) -> None:
        """Compare with an asset; see `rustybt.api.set_benchmark`."""
        if self.initialized:
            raise SetBenchmarkOutsideInitialize("set_benchmark was called after initialize: call it in initialize")
        if not isinstance(benchmark, Equity):
            raise TypeError(f"set_benchmark: benchmark is {benchmark!r}, pass an asset: set_benchmark(symbol('AAPL'))")
        self.benchmark_sid = benchmark

    def set_cancel_policy(self, cancel_policy: CancelPolicy) -> None:
        """Choose when open orders are cancelled; see `rustybt.api.set_cancel_policy`."""
        if not isinstance(cancel_policy, CancelPolicy):
            raise UnsupportedCancelPolicy(
                f"set_cancel_policy: {cancel_policy!r} is no cancel policy: pass EODCancel() or NeverCancel()"
            )
        if self.initialized:
            raise SetCancelPolicyPostInit("set_cancel_policy was called after initialize: call it in initialize")
        self.blotter.cancel_policy = cancel_policy

    def set_symbol_lookup_date(self, dt: Any) -> None:
        """Resolve symbols as of a date; see `rustybt.api.set_symbol_lookup_date`."""
        try:
            date = pd.Timestamp(dt)
        except (TypeError, ValueError):
            raise UnsupportedDatetimeFormat(
                f"set_symbol_lookup_date: dt {dt!r} is no date: write it as 2020-01-31"
            ) from None
        self._symbol_lookup_date = date if date.tzinfo is None else date.tz_convert("UTC").tz_localize(None)

    def set_max_leverage(self, max_leverage: float) -> None:
        """Forbid leverage above a bound; see `rustybt.api.set_max_leverage`."""
        self._register_account_control(MaxLeverage(max_leverage))

    def set_min_leverage(self, min_leverage: float, grace_period: pd.Timedelta) -> None:
        """Forbid leverage below a bound; see `rustybt.api.set_min_leverage`."""
        self._register_account_control(MinLeverage(min_leverage, self._start.tz_localize("UTC") + grace_period))

    def set_max_position_size(
        self,
        asset: Asset | None = None,
        max_shares: float | None = None,
        max_notional: float | None = None,
        on_error: str = "fail",
    ) -> None:
        """Bound positions; see `rustybt.api.set_max_position_size`."""
        self._register_trading_control(MaxPositionSize(on_error, asset, max_shares, max_notional))

    def set_max_order_size(
        self,
        asset: Asset | None = None,
        max_shares: float | None = None,
        max_notional: float | None = None,
        on_error: str = "fail",
    ) -> None:
        """Bound single orders; see `rustybt.api.set_max_order_size`."""
        self._register_trading_control(MaxOrderSize(on_error, asset, max_shares, max_notional))

    def set_max_order_count(self, max_count: int, on_error: str = "fail") -> None:
        """Bound the orders of a day; see `rustybt.api.set_max_order_count`."""
        self._register_trading_control(MaxOrderCount(on_error, max_count))

    def set_long_only(self, on_error: str = "fail") -> None:
        """Forbid short positions; see `rustybt.api.set_long_only`."""
        self._register_trading_control(LongOnly(on_error))

    def set_asset_restrictions(self, restrictions: Restrictions, on_error: str = "fail") -> None:
        """Forbid assets; see `rustybt.api.set_asset_restrictions`."""
        if not isinstance(restrictions, Restrictions):
            raise TypeError(
                f"set_asset_restrictions: {restrictions!r} are no Restrictions: pass StaticRestrictions([...])"
            )
        self._register_trading_control(RestrictedListOrder(on_error, restrictions))
        self._data._restrict(restrictions)

    def set_do_not_order_list(self, restricted_list: Iterable[Asset], on_error: str = "fail") -> None:
        """Forbid assets, the old way; see `rustybt.api.set_do_not_order_list`."""
        warnings.warn(
            "set_do_not_order_list is deprecated: use set_asset_restrictions(StaticRestrictions(assets))",
            category=DeprecationWarning,
            stacklevel=3,
        )
        self.set_asset_restrictions(StaticRestrictions(restricted_list), on_error)

    def _register_trading_control(self, control: TradingControl) -> None:
        if self.initialized:
            raise RegisterTradingControlPostInit(f"{control!r} was set after initialize: set it in initialize")
        self._trading_controls.append(control)

    def _register_account_control(self, control: AccountControl) -> None:
        if self.initialized:
            raise RegisterAccountControlPostInit(f"{control!r} was set after initialize: set it in initialize")
        self._account_controls.append(control)


def _trades_equities(allowed: Iterable[type]) -> bool:
    return any(issubclass(Equity, kind) for kind in allowed)
