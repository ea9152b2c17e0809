"""What do a run's trades, fills and leverage say, as single numbers?

Trades are the structured array of `rustybt.results.trades.TRADE`; only closed ones count, unless a name says otherwise.
"""

import math

import numpy as np

from rustybt._typing import FloatArray, Records
from rustybt.constants import SESSIONS_PER_YEAR


def closed_pnl(trades: Records) -> FloatArray:
    """Give the pnl of the closed trades."""
    pnl: FloatArray = trades["pnl"][~trades["is_open"]]
    return pnl


def mean_of_closed(trades: Records, field: str) -> float:
    """Average a field over the closed trades; NaN if there are none."""
    values = trades[field][~trades["is_open"]]
    return float(np.mean(values)) if len(values) else math.nan


def trade_count(trades: Records) -> float:
    """Count the round trips that ended."""
    return float(np.count_nonzero(~trades["is_open"]))


def open_trade_count(trades: Records) -> float:
    """Count the positions still open at the end."""
    return float(np.count_nonzero(trades["is_open"]))


def win_rate(trades: Records) -> float:
    """Give the share of closed trades with a pnl above 0."""
    pnl = closed_pnl(trades)
    return float(np.mean(pnl > 0)) if len(pnl) else math.nan


def profit_factor(trades: Records) -> float:
    """Give what winners won over what losers lost; NaN without a loser."""
    pnl = closed_pnl(trades)
    lost = -float(pnl[pnl < 0].sum())
    return float(pnl[pnl > 0].sum()) / lost if lost > 0 else math.nan


def payoff_ratio(trades: Records) -> float:
    """Give the average winner over the average loser; NaN without one of them."""
    pnl = closed_pnl(trades)
    winners, losers = pnl[pnl > 0], pnl[pnl < 0]
    return float(np.mean(winners)) / -float(np.mean(losers)) if len(winners) and len(losers) else math.nan


def total_commission(transactions: Records) -> float:
    """Add up the commissions of all fills."""
    return float(transactions["commission"].sum())


def turnover(transactions: Records, portfolio_value: FloatArray) -> float:
    """Give the money traded a year, buys and sells, over the average portfolio value; NaN if that is not positive."""
    average = float(np.mean(portfolio_value)) if len(portfolio_value) else math.nan
    traded = float(np.abs(transactions["amount"] * transactions["price"]).sum())
    return traded / average * SESSIONS_PER_YEAR / len(portfolio_value) if average > 0 else math.nan


def time_in_market(gross_leverage: FloatArray) -> float:
    """Give the share of sessions that end with a position."""
    return float(np.mean(gross_leverage != 0)) if len(gross_leverage) else math.nan
