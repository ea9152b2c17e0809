"""What does a result's report show?"""

import platform
from importlib.metadata import version
from typing import Any

import pandas as pd

from rustybt import __version__
from rustybt.errors import NoImportances
from rustybt.optimization.result_stats import failed_constraints, obstacles
from rustybt.reports.content import BestContent, ReportContent, WalkForwardContent


def content_of(result: Any) -> ReportContent:
    """Give what the report of an `OptimizationResult` shows; its best trial is run again for that if it was not yet."""
    settings = dict(result.info.settings)
    return ReportContent(
        title=str(settings.get("strategy", "Optimization")),
        trials=result.trials,
        compared=result._compared_rows() if result.walk_forward is not None else None,
        parameters=list(result.parameter_columns.values()),
        objectives=[(objective.metric, objective.direction) for objective in result.objectives],
        top=result.top(10),
        pareto=result.pareto if len(result.objectives) > 1 else None,
        counts=result.counts,
        eligible=sum(trial.may_be_best for trial in result._compared),
        obstacles=obstacles(result._compared),
        failed_constraints=failed_constraints(result._compared),
        best=best_of(result),
        importances=importances_of(result),
        walk_forward=walk_forward_of(result),
        is_fast=result.info.is_fast,
        notes=result.info.notes,
        log_parameters=result._log_columns(),
        settings=settings,
        bundle={"name": settings.get("bundle", ""), "fingerprint": settings.get("fingerprint", "")},
        versions=versions(),
    )


def best_of(result: Any) -> BestContent | None:
    """Give the best trial, and its equity where it can be run again; None where no trial is eligible."""
    leader = result._leader()
    if leader is None:
        return None
    equity = None if result.best.is_lost else equity_of(result.best.run)
    return BestContent(leader.number, result._by_column(leader.params), leader.metrics, equity)


def importances_of(result: Any) -> Any:
    """Give the importances by the parameters' columns; None where there are none."""
    try:
        return result.importances().rename(result.parameter_columns)
    except NoImportances:
        return None


def walk_forward_of(result: Any) -> WalkForwardContent | None:
    """Give the windows of a walk-forward."""
    walk = result.walk_forward
    return None if walk is None else WalkForwardContent(walk.equity, walk.windows, walk.params, walk.metrics)


def equity_of(run: Any) -> "pd.Series[float]":
    """Give a run's portfolio value by session label."""
    labels = pd.DatetimeIndex(run.sessions.session_ns.view("datetime64[ns]"))
    return pd.Series(run.portfolio_value, index=labels, name="equity")


def versions() -> dict[str, str]:
    """Give the versions of what computed a result."""
    found = {name: version(name) for name in ("numpy", "pandas", "numba", "duckdb", "optuna")}
    return {"rustybt": __version__, "Python": platform.python_version(), **found}
