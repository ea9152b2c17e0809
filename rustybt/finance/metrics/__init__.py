"""Which columns does a perf frame have, and which of one's own come with them? Sets of metrics by name.

A metric is an object with some of Zipline's hooks, which `rustybt.engine.metric_hooks` calls, or one of `Columns`,
which names columns that are computed after the run for all sessions at once. "default" is every column, "none" only the
session's open and close and what was recorded.
"""

from collections.abc import Callable, Mapping
from typing import Any

from rustybt.errors import InvalidParameter
from rustybt.finance.metrics.metric import (
    PNL,
    AlphaBeta,
    BenchmarkReturnsAndVolatility,
    CashFlow,
    Columns,
    DailyLedgerField,
    MaxLeverage,
    NumTradingDays,
    Orders,
    PeriodLabel,
    Positions,
    Returns,
    ReturnsStatistic,
    SimpleLedgerField,
    StartOfPeriodLedgerField,
    Transactions,
)
from rustybt.finance.registry import Registry

__all__ = [
    "PNL",
    "AlphaBeta",
    "BenchmarkReturnsAndVolatility",
    "CashFlow",
    "Columns",
    "DailyLedgerField",
    "MaxLeverage",
    "NumTradingDays",
    "Orders",
    "PeriodLabel",
    "Positions",
    "Returns",
    "ReturnsStatistic",
    "SimpleLedgerField",
    "StartOfPeriodLedgerField",
    "Transactions",
    "default_metrics",
    "load",
    "metrics_sets",
    "register",
    "resolve",
    "unregister",
]

_sets: Registry[Any] = Registry("metrics set")

metrics_sets: Mapping[str, Callable[[], Any]] = _sets.factories
"""The registered sets' factories by name, read-only."""

register = _sets.register
unregister = _sets.unregister
load = _sets.load


@register("default")
def default_metrics() -> set[Any]:
    """Give the metrics of every column of the perf frame, in a set of the caller's own.

    Returns
    -------
    set of Columns

    Examples
    --------
    >>> "sharpe" in {name for metric in default_metrics() for name in metric.names}
    True
    """
    return {
        Returns(),
        BenchmarkReturnsAndVolatility(),
        PNL(),
        CashFlow(),
        Orders(),
        Transactions(),
        AlphaBeta(),
        MaxLeverage(),
        NumTradingDays(),
        PeriodLabel(),
        Positions(),
        Columns("portfolio_value", "gross_leverage", "net_leverage"),
        Columns("starting_exposure", "starting_value", "starting_cash"),
        Columns("ending_exposure", "ending_value", "ending_cash"),
        Columns("longs_count", "shorts_count", "long_value", "short_value", "long_exposure", "short_exposure"),
        Columns("algo_volatility", "sharpe", "sortino", "max_drawdown"),
        Columns("excess_return", "treasury_period_return"),
    }


register("none", set)


def resolve(metrics_set: Any) -> tuple[Any, ...]:
    """Give the metrics that a name stands for, or those of a set.

    Parameters
    ----------
    metrics_set : str or iterable of metrics
        A registered name, or the objects themselves.

    Returns
    -------
    tuple

    Raises
    ------
    InvalidParameter
        If the name is not registered, or it is no iterable.
    """
    if isinstance(metrics_set, str):
        metrics_set = load(metrics_set)
    try:
        return tuple(metrics_set)
    except TypeError:
        raise InvalidParameter(
            f"metrics_set {metrics_set!r} is neither a name nor a set of metrics: pass 'default', 'none', a name that "
            "was registered, or a set"
        ) from None
