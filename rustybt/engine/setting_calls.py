"""What may an algorithm call in initialize to choose its costs, controls and benchmark?"""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from rustybt.assets import Asset
from rustybt.engine.active import current
from rustybt.finance.asset_restrictions import Restrictions
from rustybt.finance.cancel_policy import CancelPolicy
from rustybt.finance.commission import CommissionModel
from rustybt.finance.slippage import SlippageModel


def set_slippage(us_equities: SlippageModel | None = None) -> None:
    """Choose how orders fill; in initialize only.

    Raises
    ------
    SetSlippagePostInit
        After initialize.
    IncompatibleSlippageModel
        If it is no slippage model for equities.
    """
    current("set_slippage").set_slippage(us_equities)


def set_commission(us_equities: CommissionModel | None = None) -> None:
    """Choose what fills cost; in initialize only.

    Raises
    ------
    SetCommissionPostInit
        After initialize.
    IncompatibleCommissionModel
        If it is no commission model for equities.
    """
    current("set_commission").set_commission(us_equities)


def set_benchmark(benchmark: Asset) -> None:
    """Compare the run with an asset held throughout; in initialize only.

    Raises
    ------
    SetBenchmarkOutsideInitialize
        After initialize.
    """
    current("set_benchmark").set_benchmark(benchmark)


def set_cancel_policy(cancel_policy: CancelPolicy) -> None:
    """Choose when open orders are cancelled; in initialize only.

    Parameters
    ----------
    cancel_policy : CancelPolicy
        EODCancel() or NeverCancel().

    Raises
    ------
    UnsupportedCancelPolicy
        If it is none.
    SetCancelPolicyPostInit
        After initialize.
    """
    current("set_cancel_policy").set_cancel_policy(cancel_policy)


def set_symbol_lookup_date(dt: Any) -> None:
    """Resolve symbols as of a date instead of the run's last session.

    Raises
    ------
    UnsupportedDatetimeFormat
        If dt is no date.
    """
    current("set_symbol_lookup_date").set_symbol_lookup_date(dt)


def set_max_leverage(max_leverage: float) -> None:
    """Stop the run when gross leverage at a session's end is above a bound.

    Raises
    ------
    AccountControlViolation
        During the run.
    """
    current("set_max_leverage").set_max_leverage(max_leverage)


def set_min_leverage(min_leverage: float, grace_period: pd.Timedelta) -> None:
    """Stop the run when gross leverage at a session's end is below a bound, once a grace period has passed.

    Raises
    ------
    AccountControlViolation
        During the run.
    """
    current("set_min_leverage").set_min_leverage(min_leverage, grace_period)


def set_max_position_size(
    asset: Asset | None = None,
    max_shares: float | None = None,
    max_notional: float | None = None,
    on_error: str = "fail",
) -> None:
    """Forbid orders that would lead to a larger position, in shares or money; of one asset or of each.

    Parameters
    ----------
    asset : Asset, optional
        Every asset if omitted.
    max_shares, max_notional : float, optional
        Bounds on the position's magnitude after the order.
    on_error : {"fail", "log"}
        "fail" raises TradingControlViolation at the order; "log" writes to the log, and the order is placed.
    """
    current("set_max_position_size").set_max_position_size(asset, max_shares, max_notional, on_error)


def set_max_order_size(
    asset: Asset | None = None,
    max_shares: float | None = None,
    max_notional: float | None = None,
    on_error: str = "fail",
) -> None:
    """Forbid larger orders, in shares or money; of one asset or of each. See `set_max_position_size`."""
    current("set_max_order_size").set_max_order_size(asset, max_shares, max_notional, on_error)


def set_max_order_count(max_count: int, on_error: str = "fail") -> None:
    """Forbid more than so many orders a day. See `set_max_position_size`."""
    current("set_max_order_count").set_max_order_count(max_count, on_error)


def set_long_only(on_error: str = "fail") -> None:
    """Forbid orders that would lead to a short position. See `set_max_position_size`."""
    current("set_long_only").set_long_only(on_error)


def set_asset_restrictions(restrictions: Restrictions, on_error: str = "fail") -> None:
    """Forbid orders of restricted assets, for which `data.can_trade` is False too. See `set_max_position_size`.

    Parameters
    ----------
    restrictions : Restrictions
        StaticRestrictions or HistoricalRestrictions; several calls add up.
    on_error : {"fail", "log"}
        What an order of a restricted asset does.
    """
    current("set_asset_restrictions").set_asset_restrictions(restrictions, on_error)


def set_do_not_order_list(restricted_list: Iterable[Asset], on_error: str = "fail") -> None:
    """Forbid orders of listed assets; deprecated, see `set_asset_restrictions`."""
    current("set_do_not_order_list").set_do_not_order_list(restricted_list, on_error)
