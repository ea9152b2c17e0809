"""What does Zipline's perf frame show of a run?

Every column is that of zipline-reloaded 3.2.1: statistics are over all sessions so far, and a value that is not finite
is None.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rustybt._typing import BoolArray
from rustybt.constants import SESSIONS_PER_YEAR
from rustybt.engine.garbage import no_collections
from rustybt.engine.records import RunRecords
from rustybt.kernels.expanding import expanding_constant, expanding_drawdown, expanding_moments

SMALLEST_VARIANCE = 1e-30
"""Of a benchmark, under which beta is not defined (empyrical's bound)."""

NOTHING: Mapping[str, Any] = {}
SCALARS = (float, int, str, np.generic)


def perf_frame(records: RunRecords) -> pd.DataFrame:
    """Build the perf frame of a run.

    Parameters
    ----------
    records : RunRecords
        Of a finished run.

    Returns
    -------
    pd.DataFrame
        One row a session, indexed by its close (UTC): Zipline's 37 columns and the recorded variables. A recorded name
        that equals a statistic's is overwritten by the statistic, and one that equals a ledger column's overwrites it.
        A run with other metrics has their columns; those of the user's own go before the standard ones. A run that
        charges for short positions or negative cash has borrow_cost and margin_interest in addition.
    """
    with no_collections():  # hundreds of thousands of cells, and no cycle among them
        return _frame(records)


def _frame(records: RunRecords) -> pd.DataFrame:
    span, portal = records.span, records.portal
    index = portal.close_index[span.first : span.last + 1]
    wanted = records.columns | {"period_open", "period_close"}
    if records.rules.charges_financing:
        wanted |= {"borrow_cost", "margin_interest"}
    columns = {name: column for name, column in _ledger_columns(records).items() if name in wanted}
    columns.update(_columns_of([packet.daily for packet in records.packets]))
    columns.update(_columns_of(records.recorded, columns))
    columns.update((name, column) for name, column in _statistics(records).items() if name in wanted)
    columns.update(_columns_of([packet.risk for packet in records.packets]))
    return pd.DataFrame(columns, index=index)


def _ledger_columns(records: RunRecords) -> dict[str, Any]:
    span, portal = records.span, records.portal
    columns: dict[str, Any] = {
        "period_open": portal.open_index[span.first : span.last + 1],
        "period_close": portal.close_index[span.first : span.last + 1],
        "returns": records.column("returns"),
        "pnl": records.column("pnl"),
        "capital_used": records.column("capital_used"),
        "orders": _cells(records.orders),
        "transactions": _cells([[fill.to_dict() for fill in day] if day else [] for day in records.transactions]),
        "positions": _cells([[_position(*held) for held in day] if day else [] for day in records.positions]),
    }
    for name in ("value", "cash"):
        columns[f"starting_{name}"] = records.column(f"starting_{name}")
        columns[f"ending_{name}"] = records.column(f"ending_{name}")
    columns["starting_exposure"] = records.column("starting_value")
    columns["ending_exposure"] = records.column("ending_value")
    columns["portfolio_value"] = records.column("portfolio_value")
    for side in ("long", "short"):
        columns[f"{side}s_count"] = records.column(f"{side}s_count").astype(np.int64)
        columns[f"{side}_value"] = columns[f"{side}_exposure"] = records.column(f"{side}_value")
    columns["gross_leverage"] = records.column("gross_leverage")
    for name in ("net_leverage", "borrow_cost", "margin_interest"):
        columns[name] = records.column(name)
    return columns


def _columns_of(days: list[dict[str, Any]], below: Mapping[str, Any] = NOTHING) -> dict[str, Any]:
    """Turn one dict a session into one column a key; where a session lacks it, the column below shows, or else NaN."""
    distinct = {id(day): day for day in days}.values()  # a session that recorded nothing has the dict of the one before
    names = dict.fromkeys(name for day in distinct for name in day)
    columns: dict[str, Any] = {}
    for name in names:
        column = below.get(name, [np.nan] * len(days))
        values = [day.get(name, cell) for day, cell in zip(days, column, strict=True)]
        plain = all(issubclass(kind, SCALARS) for kind in {type(value) for value in values})
        columns[name] = values if plain or all(np.isscalar(value) for value in values) else _cells(values)
    return columns


def _statistics(records: RunRecords) -> dict[str, Any]:
    returns, benchmark = records.column("returns"), records.benchmark_returns
    n = len(returns)
    count = np.arange(1, n + 1)
    mean, m2, downside, mean_b, m2_b, co = expanding_moments(returns, np.nan_to_num(benchmark))
    year = np.sqrt(SESSIONS_PER_YEAR)
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(m2 / (count - 1))
        sharpe = mean / np.where(expanding_constant(returns), 0.0, deviation) * year
        sortino = mean * SESSIONS_PER_YEAR / (np.sqrt(downside) * year)
        variance = m2_b / count
        beta = np.where(variance < SMALLEST_VARIANCE, np.nan, (co / count) / variance)
        alpha = (mean - beta * mean_b + 1) ** SESSIONS_PER_YEAR - 1
        deviation_b = np.sqrt(m2_b / (count - 1))
    total_b = np.cumprod(1 + benchmark) - 1
    late = count >= 2
    return {
        "algorithm_period_return": records.column("algorithm_period_return"),
        "algo_volatility": _or_none(deviation * year, late),
        "benchmark_period_return": _or_none(total_b, np.ones(n, dtype=bool)),
        "benchmark_volatility": _or_none(deviation_b * year, late),
        "alpha": _or_none(alpha, late),
        "beta": _or_none(beta, late),
        "sharpe": _or_none(sharpe, late),
        "sortino": _or_none(sortino, late),
        "max_drawdown": _or_none(expanding_drawdown(returns), np.ones(n, dtype=bool)),
        "max_leverage": np.maximum.accumulate(np.maximum(records.column("gross_leverage"), 0.0)),
        "excess_return": np.zeros(n),
        "treasury_period_return": np.zeros(n),
        "trading_days": count,
        "period_label": records.portal.months[records.span.first : records.span.last + 1],
    }


def _or_none(values: NDArray[np.floating[Any]], defined: BoolArray) -> Any:
    good = defined & np.isfinite(values)
    if good.all():
        return values
    cells = values.astype(object)
    cells[~good] = None
    return cells


def _cells(values: list[Any]) -> Any:
    """Give a column whose cells are lists, which pandas would otherwise take apart."""
    return np.fromiter(values, dtype=object, count=len(values))


def _position(asset: Any, amount: float, cost_basis: float, last_sale_price: float) -> dict[str, Any]:
    return {"sid": asset, "amount": amount, "cost_basis": cost_basis, "last_sale_price": last_sale_price}
