"""What is known of a run beside its trials?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from rustybt.data.history_counts import HistoryCounts
from rustybt.data.predictions import PredictionStatistics


@dataclass(frozen=True)
class RunInfo:
    """What is known of a run beside its trials.

    Attributes
    ----------
    settings : mapping of str to JSON value
        Strategy, span, search, objective and so on, as the run's journal holds them.
    sessions : pd.DatetimeIndex
        Labels of a whole backtest's sessions.
    seconds : float
        Time of the run.
    search_seconds : float
        Time in the search itself, in the driver.
    workers : tuple
        Statistics of the worker processes; empty for a serial run.
    cache : mapping of str to number
        What the result cache did for the run, as `ResultCacheStatistics` names it; empty where it was off.
    predictions : PredictionStatistics
        What the strategy's models were asked for; zeros without a model.
    history : HistoryCounts
        What blocks of bars did for the windows of all backtests; zeros where it was off or none was asked for.
    layers : mapping of str to str
        By the switches of `OptimizationConfig`, whether each was on, and why.
    notes : tuple of str
        What must be known: that the search does not prune, why outcomes are not remembered, or that a constraint
        raised.
    is_fast : bool
        Half of the data was used: for development, not for decisions.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    sessions: pd.DatetimeIndex = field(default_factory=lambda: pd.DatetimeIndex([]))
    seconds: float = math.nan
    search_seconds: float = 0.0
    workers: tuple[Any, ...] = ()
    cache: Mapping[str, float] = field(default_factory=dict)
    predictions: PredictionStatistics = PredictionStatistics()
    history: HistoryCounts = HistoryCounts()
    layers: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    is_fast: bool = False
