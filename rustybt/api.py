"""What may an algorithm call? Plain functions onto the simulation that runs.

Each one acts on the algorithm whose initialize, handle_data, before_trading_start, scheduled function or analyze is
being called, and raises `rustybt.errors.NoSimulation` anywhere else.
"""

from collections.abc import Callable
from datetime import tzinfo
from typing import Any

import pandas as pd

from rustybt.assets import Equity
from rustybt.engine import events
from rustybt.engine.active import current
from rustybt.engine.event_rules import StatelessRule
from rustybt.engine.events import calendars, date_rules, time_rules
from rustybt.engine.order_calls import (
    batch_market_order,
    cancel_order,
    get_open_orders,
    get_order,
    order,
    order_percent,
    order_target,
    order_target_percent,
    order_target_value,
    order_value,
)
from rustybt.engine.pipeline_calls import attach_pipeline, pipeline_output
from rustybt.engine.setting_calls import (
    set_asset_restrictions,
    set_benchmark,
    set_cancel_policy,
    set_commission,
    set_do_not_order_list,
    set_long_only,
    set_max_leverage,
    set_max_order_count,
    set_max_order_size,
    set_max_position_size,
    set_min_leverage,
    set_slippage,
    set_symbol_lookup_date,
)
from rustybt.finance import cancel_policy, commission, execution, math_utils, slippage
from rustybt.finance.asset_restrictions import (
    RESTRICTION_STATES,
    HistoricalRestrictions,
    Restriction,
    StaticRestrictions,
)
from rustybt.finance.bracket import Bracket
from rustybt.finance.cancel_policy import EODCancel, NeverCancel
from rustybt.finance.slippage import (
    FixedBasisPointsSlippage,
    FixedSlippage,
    VolumeShareSlippage,
)

__all__ = [
    "Bracket",
    "EODCancel",
    "FixedBasisPointsSlippage",
    "FixedSlippage",
    "HistoricalRestrictions",
    "NeverCancel",
    "RESTRICTION_STATES",
    "Restriction",
    "StaticRestrictions",
    "VolumeShareSlippage",
    "attach_pipeline",
    "batch_market_order",
    "calendars",
    "cancel_order",
    "cancel_policy",
    "commission",
    "date_rules",
    "events",
    "execution",
    "get_datetime",
    "get_environment",
    "get_open_orders",
    "get_order",
    "math_utils",
    "order",
    "order_percent",
    "order_target",
    "order_target_percent",
    "order_target_value",
    "order_value",
    "pipeline_output",
    "record",
    "schedule_function",
    "set_asset_restrictions",
    "set_benchmark",
    "set_cancel_policy",
    "set_commission",
    "set_do_not_order_list",
    "set_long_only",
    "set_max_leverage",
    "set_max_order_count",
    "set_max_order_size",
    "set_max_position_size",
    "set_min_leverage",
    "set_slippage",
    "set_symbol_lookup_date",
    "sid",
    "slippage",
    "symbol",
    "symbols",
    "time_rules",
]


def symbol(symbol_str: str, country_code: str | None = None) -> Equity:
    """Look an asset up by its ticker, as of the run's last session.

    Parameters
    ----------
    symbol_str : str
        In any case.
    country_code : str, optional
        Limits the search to a country.

    Returns
    -------
    Equity

    Raises
    ------
    SymbolNotFound
        If no asset holds the ticker.
    """
    return current("symbol").symbol(symbol_str, country_code)


def symbols(*symbols: str, country_code: str | None = None) -> list[Equity]:
    """Look several assets up by ticker; see `symbol`."""
    return current("symbols").symbols(*symbols, country_code=country_code)


def sid(sid: int) -> Equity:
    """Look an asset up by its number.

    Raises
    ------
    SidsNotFound
        If the bundle has no such asset.
    """
    return current("sid").sid(sid)


def record(*args: Any, **kwargs: Any) -> None:
    """Note values for the perf frame: `record(price=p)`, or `record("price", p)`.

    A value stays until it is recorded anew. A name that equals one of the frame's statistics is overwritten there.
    """
    current("record").record(*args, **kwargs)


def schedule_function(
    func: Callable[..., Any],
    date_rule: StatelessRule | None = None,
    time_rule: StatelessRule | None = None,
    half_days: bool = True,
    calendar: calendars | None = None,
) -> None:
    """Call a function on the sessions of a date rule, after handle_data.

    Parameters
    ----------
    func : callable of (context, data)
        To call.
    date_rule : StatelessRule, optional
        From `date_rules`, or composed of rules: `date_rules.week_start() & events.NotHalfDay()`. Every session by
        default.
    time_rule : StatelessRule, optional
        From `time_rules`; a daily simulation has one bar a session and calls at it whatever the rule.
    half_days : bool
        False leaves out sessions that close early.
    calendar : calendars, optional
        By whose sessions the rules are read; by the bundle's if omitted.

    Raises
    ------
    TypeError
        If a rule is none, such as a factory that was not called.
    ScheduleFunctionInvalidCalendar
        If the calendar is none of `calendars`.

    Notes
    -----
    It is called at the first bar at which both rules match, at most once in 24 hours.
    """
    current("schedule_function").schedule_function(func, date_rule, time_rule, half_days, calendar)


def get_datetime(tz: str | tzinfo | None = None) -> pd.Timestamp:
    """Give the simulation's time, in UTC or the zone asked for."""
    return current("get_datetime").get_datetime(tz)


def get_environment(field: str = "platform") -> Any:
    """Ask in which circumstances the algorithm runs.

    Parameters
    ----------
    field : str
        "arena" ("backtest"), "data_frequency" ("daily" or "minute"), "start" and "end" (the run's first and last
        minute, UTC), "capital_base", "platform" ("rustybt", unless the algorithm was made with another), or "*".

    Returns
    -------
    str, float, pd.Timestamp, or dict of all for "*"

    Raises
    ------
    InvalidParameter
        If there is no such field.
    """
    return current("get_environment").get_environment(field)
