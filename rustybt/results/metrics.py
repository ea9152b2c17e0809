"""Which single numbers describe a run, and how is each computed? The registry of every metric's name.

docs/metrics.md explains the same names; a test compares the two.
"""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from rustybt._typing import FloatArray, Records
from rustybt.errors import InvalidParameter, did_you_mean
from rustybt.results import return_metrics as by_return
from rustybt.results import trade_metrics as by_trade


class MetricInputs(NamedTuple):
    """What the metrics of a run are computed from.

    Attributes
    ----------
    returns : float64 array, shape (n_sessions,)
        Simple returns of the portfolio.
    benchmark_returns : float64 array, shape (n_sessions,)
        Simple returns of the benchmark; zeros where none is set.
    portfolio_value : float64 array, shape (n_sessions,)
        Cash and positions at each session's end.
    capital_base : float
        Cash at the start, and what capital changes added.
    gross_leverage : float64 array, shape (n_sessions,)
        (long value + |short value|) / portfolio value at each session's end.
    trades : structured array of TRADE, shape (n_trades,)
        From `rustybt.results.trades.round_trips`.
    transactions : structured array of TRANSACTION, shape (n_fills,)
        Every fill.
    borrow_cost, margin_interest : float
        What short positions and negative cash cost.
    """

    returns: FloatArray
    benchmark_returns: FloatArray
    portfolio_value: FloatArray
    capital_base: float
    gross_leverage: FloatArray
    trades: Records
    transactions: Records
    borrow_cost: float = 0.0
    margin_interest: float = 0.0


class MetricSpec(NamedTuple):
    """A metric's formula, as docs/metrics.md prints it, and its function."""

    formula: str
    function: Callable[[MetricInputs], float]


def _of_finite(function: Callable[..., float], *series: FloatArray) -> float:
    return function(*series) if all(np.isfinite(values).all() for values in series) else math.nan


def _of_returns(formula: str, function: Callable[[FloatArray], float]) -> MetricSpec:
    return MetricSpec(formula, lambda run: _of_finite(function, run.returns))


def _against_benchmark(formula: str, function: Callable[[FloatArray, FloatArray], float]) -> MetricSpec:
    return MetricSpec(formula, lambda run: _of_finite(function, run.returns, run.benchmark_returns))


def _of_trades(formula: str, function: Callable[[Records], float]) -> MetricSpec:
    return MetricSpec(formula, lambda run: function(run.trades))


def _mean_of_trades(formula: str, field: str) -> MetricSpec:
    return MetricSpec(formula, lambda run: by_trade.mean_of_closed(run.trades, field))


def _ending_value(run: MetricInputs) -> float:
    return float(run.portfolio_value[-1]) if len(run.portfolio_value) else math.nan


NEVER_POSITIVE: Final = frozenset({"max_drawdown"})
"""Metrics of which people speak by their size: to minimize one is to maximize the number."""

METRICS: Final[dict[str, MetricSpec]] = {
    "total_return": _of_returns("∏(1 + r) − 1", by_return.total_return),
    "annual_return": _of_returns("(1 + total_return)^(252/n) − 1", by_return.annual_return),
    "annual_volatility": _of_returns("s(r)·√252", by_return.annual_volatility),
    "sharpe": _of_returns("mean(r)/s(r)·√252", by_return.sharpe),
    "sortino": _of_returns("252·mean(r)/downside_risk", by_return.sortino),
    "downside_risk": _of_returns("√mean(min(r, 0)²)·√252", by_return.downside_risk),
    "calmar": _of_returns("annual_return/−max_drawdown", by_return.calmar),
    "omega": _of_returns("Σ max(r, 0)/Σ max(−r, 0)", by_return.omega),
    "max_drawdown": _of_returns("min((w − peak(w))/peak(w))", by_return.max_drawdown),
    "max_drawdown_duration": _of_returns("longest run of sessions with w < peak(w)", by_return.max_drawdown_duration),
    "alpha": _against_benchmark("(1 + mean(r − β·b))^252 − 1", by_return.alpha),
    "beta": _against_benchmark("cov(r, b)/var(b)", by_return.beta),
    "information_ratio": _against_benchmark("mean(r − b)/s(r − b)·√252", by_return.information_ratio),
    "benchmark_return": MetricSpec(
        "∏(1 + b) − 1", lambda run: _of_finite(by_return.total_return, run.benchmark_returns)
    ),
    "stability": _of_returns("R² of Σ log(1 + r) on time", by_return.stability),
    "tail_ratio": _of_returns("|q95(r)|/|q5(r)|", by_return.tail_ratio),
    "skew": _of_returns("γ3 = mean(z³)", by_return.skew),
    "kurtosis": _of_returns("γ4 = mean(z⁴)", by_return.kurtosis),
    "psr": _of_returns("Φ(SR·√(n − 1)/√(1 − γ3·SR + (γ4 − 1)/4·SR²))", by_return.psr),
    "value_at_risk_95": _of_returns("q5(r)", by_return.value_at_risk_95),
    "cvar_95": _of_returns("mean of the ⌊0.05·(n − 1)⌋ + 1 lowest r", by_return.cvar_95),
    "best_day": _of_returns("max(r)", by_return.best_day),
    "worst_day": _of_returns("min(r)", by_return.worst_day),
    "win_rate_days": _of_returns("#(r > 0)/#(r ≠ 0)", by_return.win_rate_days),
    "ending_value": MetricSpec("V of the last session", _ending_value),
    "pnl": MetricSpec("ending_value − capital base", lambda run: _ending_value(run) - run.capital_base),
    "time_in_market": MetricSpec("#(L ≠ 0)/n", lambda run: by_trade.time_in_market(run.gross_leverage)),
    "avg_gross_leverage": MetricSpec("mean(L)", lambda run: _mean(run.gross_leverage)),
    "max_leverage": MetricSpec("max(L)", lambda run: _max(run.gross_leverage)),
    "turnover": MetricSpec(
        "Σ|shares·price|/mean(V)·252/n", lambda run: by_trade.turnover(run.transactions, run.portfolio_value)
    ),
    "commission": MetricSpec("Σ commission", lambda run: by_trade.total_commission(run.transactions)),
    "borrow_cost": MetricSpec("Σ short value·rate·days/365", lambda run: run.borrow_cost),
    "margin_interest": MetricSpec("Σ max(−cash, 0)·rate·days/365", lambda run: run.margin_interest),
    "fills": MetricSpec("number of fills", lambda run: float(len(run.transactions))),
    "trades": _of_trades("number of closed trades", by_trade.trade_count),
    "open_trades": _of_trades("number of trades still open", by_trade.open_trade_count),
    "win_rate": _of_trades("#(pnl > 0)/trades", by_trade.win_rate),
    "profit_factor": _of_trades("Σ max(pnl, 0)/Σ max(−pnl, 0)", by_trade.profit_factor),
    "payoff_ratio": _of_trades("mean(pnl > 0)/−mean(pnl < 0)", by_trade.payoff_ratio),
    "avg_trade_pnl": _mean_of_trades("mean(pnl)", "pnl"),
    "expectancy": _mean_of_trades("mean(pnl/money entered)", "return"),
    "avg_bars_held": _mean_of_trades("mean(bars_held)", "bars_held"),
}


def _mean(values: FloatArray) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _max(values: FloatArray) -> float:
    return float(np.max(values)) if len(values) else math.nan


def compute_metrics(inputs: MetricInputs) -> dict[str, float]:
    """Compute every metric of a run.

    Parameters
    ----------
    inputs : MetricInputs
        Arrays of one run.

    Returns
    -------
    dict of str to float
        One value for each name of METRICS, in its order; NaN where a metric is not defined, never infinite.

    Examples
    --------
    >>> from rustybt.finance.records import TRANSACTION
    >>> from rustybt.results.trades import round_trips
    >>> flat, fills = np.zeros(3), np.empty(0, TRANSACTION)
    >>> run = MetricInputs(np.array([0.1, -0.5, 0.2]), flat, flat + 100.0, 100.0, flat, round_trips(fills), fills)
    >>> metrics = compute_metrics(run)
    >>> metrics["max_drawdown"], metrics["trades"], metrics["beta"]
    (-0.5, 0.0, nan)
    """
    with np.errstate(all="ignore"):
        values = {name: spec.function(inputs) for name, spec in METRICS.items()}
    return {name: value if math.isfinite(value) else math.nan for name, value in values.items()}


def require_metric(name: str) -> str:
    """Give the name back if a metric has it.

    Raises
    ------
    InvalidParameter
        If none has; the message suggests the nearest name.

    Examples
    --------
    >>> require_metric("sharpe")
    'sharpe'
    """
    if name not in METRICS:
        raise InvalidParameter(
            f"metric {name!r} is unknown{did_you_mean(name, METRICS)}; known are {', '.join(METRICS)}"
        )
    return name
