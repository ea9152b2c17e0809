"""What does an optimization come to as a whole, in one column of numbers?"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from rustybt.optimization.objective import Objective
from rustybt.optimization.trial import Trial, TrialStatus

QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)

BEST_METRICS: Final = (
    *("total_return", "annual_return", "annual_volatility", "sharpe", "sortino", "calmar", "max_drawdown"),
    *("max_drawdown_duration", "time_in_market", "turnover", "trades", "win_rate", "profit_factor", "ending_value"),
)
"""What is shown of the best trial."""


def stats(
    records: Sequence[Trial],
    objectives: Sequence[Objective],
    *,
    best: Trial | None = None,
    seconds: float = math.nan,
    search_seconds: float = 0.0,
    workers: int = 1,
) -> "pd.Series[Any]":
    """Describe an optimization.

    Parameters
    ----------
    records : sequence of Trial
        All trials.
    objectives : sequence of Objective
        In their order; scores are those of the first.
    best : Trial, optional
        The best trial; None where none is eligible.
    seconds : float, optional
        Time of the run.
    search_seconds : float, optional
        Of it, time in the search itself.
    workers : int, optional
        Number of processes that ran trials.

    Returns
    -------
    pd.Series of object
        By name: how many trials came to what, how their scores are spread, what they cost, and the best one's score,
        parameters and main metrics. Scores are those of trials that may be compared: of the whole span, and finite.
        What is not known is NaN.

    Examples
    --------
    >>> trials = [Trial(i, {"n": i}, TrialStatus.COMPLETE, (i - 1.0,), {"fills": 1.0}, seconds=0.5) for i in range(3)]
    >>> found = stats(trials, [Objective("sharpe")], best=trials[2], seconds=3.0)
    >>> found["trials"], found["score median"], found["score > 0"], found["trials per second"], found["best n"]
    (3, 0.0, 0.3333333333333333, 1.0, 2)
    """
    rows: dict[str, Any] = {"objective": ", ".join(map(str, objectives))}
    rows |= counts(records)
    rows |= spread(np.array([trial.score for trial in records if trial.has_score]))
    rows |= costs(records, seconds, search_seconds, workers)
    if best is not None:
        rows |= {"best trial": best.number, "best score": best.score}
        rows |= {f"best {name}": value for name, value in best.params.items()}
        rows |= main_metrics(best.metrics, objectives)
    return pd.Series(rows, dtype=object, name="optimization")


def counts(records: Sequence[Trial]) -> dict[str, int]:
    """Count trials by what became of them."""
    by_status = {status: sum(trial.status is status for trial in records) for status in TrialStatus}
    found = {status.value: count for status, count in by_status.items() if count or status is TrialStatus.COMPLETE}
    return {
        "trials": len(records),
        **found,
        **obstacles(records),
        "eligible": sum(trial.may_be_best for trial in records),
    }


def obstacles(records: Sequence[Trial]) -> dict[str, int]:
    """Count trials by what keeps one that ran from being the best; a trial may count more than once."""
    complete = [trial for trial in records if trial.status is TrialStatus.COMPLETE]
    return {
        "on a part of the span": sum(trial.budget < 1.0 for trial in records),
        "never traded": sum(not trial.traded for trial in complete),
        "ruined": sum(trial.is_ruined for trial in complete),
        "without a finite score": sum(trial.budget == 1.0 and not trial.has_score for trial in complete),
        "against a constraint": sum(bool(trial.failed_constraints) for trial in records),
    }


def failed_constraints(records: Sequence[Trial]) -> dict[str, int]:
    """Count trials by the constraints that they do not meet, the one that most fail first."""
    return dict(Counter(text for trial in records for text in trial.failed_constraints).most_common())


def spread(scores: "np.ndarray[Any, np.dtype[np.float64]]") -> dict[str, float]:
    """Describe scores; all NaN where there are none."""
    if not len(scores):
        names = ["score mean", "score std", *map(quantile_name, QUANTILES), "score > 0"]
        return dict.fromkeys(names, math.nan)
    quantiles = np.quantile(scores, QUANTILES)
    return {
        "score mean": float(scores.mean()),
        "score std": float(scores.std(ddof=1)) if len(scores) > 1 else math.nan,
        **{quantile_name(q): float(value) for q, value in zip(QUANTILES, quantiles, strict=True)},
        "score > 0": float((scores > 0).mean()),
    }


def quantile_name(quantile: float) -> str:
    """Name a quantile of the scores."""
    return "score median" if quantile == 0.5 else f"score {quantile:.0%}"


def costs(records: Sequence[Trial], seconds: float, search_seconds: float, workers: int) -> dict[str, Any]:
    """Say what the trials cost; a trial whose outcome was known cost nothing."""
    simulated = [trial.seconds for trial in records if not trial.is_cached and math.isfinite(trial.seconds)]
    return {
        "seconds": seconds,
        "seconds a trial": float(np.median(simulated)) if simulated else math.nan,
        "seconds in trials": float(sum(simulated)),
        "trials per second": len(records) / seconds if seconds > 0 else math.nan,
        "search share": search_seconds / seconds if seconds > 0 else math.nan,
        "known already": sum(trial.is_cached for trial in records),
        "workers": workers,
    }


def main_metrics(metrics: Mapping[str, float], objectives: Sequence[Objective]) -> dict[str, float]:
    """Give the main metrics of the best trial, objectives first."""
    names = dict.fromkeys([*(objective.metric for objective in objectives), *BEST_METRICS])
    return {f"best {name}": metrics[name] for name in names if name in metrics}
