"""What of a result is kept beside its trials and returns, and how is it read again?"""

from typing import Any

from rustybt.data.history_counts import HistoryCounts
from rustybt.data.predictions import PredictionStatistics
from rustybt.errors import InvalidParameter, ResultCorrupt
from rustybt.optimization.constraints import Constraint
from rustybt.optimization.goal import Goal
from rustybt.optimization.objective import Objective
from rustybt.optimization.parameter_space import Params
from rustybt.optimization.result_files import Saved
from rustybt.optimization.run_info import RunInfo
from rustybt.optimization.saved_trials import records_of
from rustybt.optimization.saved_walk_forward import plain_walk_forward
from rustybt.optimization.space_files import plain_space, space_from_plain


def header_of(result: Any) -> dict[str, Any]:
    """Give what `save` writes into result.json."""
    info, compared = result.info, [trial.number for trial in result._compared]
    return {
        "objectives": [[objective.metric, objective.direction] for objective in result.goal.objectives],
        "constraints": [str(constraint) for constraint in result.goal.constraints],
        "space": plain_space(result.space),
        "columns": result.parameter_columns,
        "compared": None if len(compared) == len(result.records) else compared,
        "settings": dict(info.settings),
        "seconds": info.seconds,
        "search_seconds": info.search_seconds,
        "cache": dict(info.cache),
        "predictions": list(info.predictions),
        "history": list(info.history),
        "layers": dict(info.layers),
        "notes": list(info.notes),
        "is_fast": info.is_fast,
        "walk_forward": plain_walk_forward(result.walk_forward),
    }


def arguments_of(saved: Saved) -> tuple[Any, ...]:
    """Give the arguments of `OptimizationResult` that a folder holds.

    Raises
    ------
    ResultCorrupt
        If a part is missing or of another kind.
    """
    header = saved.header
    try:
        goal = goal_from(header["objectives"], header["constraints"])
        space = space_from_plain(header["space"])
        records = records_of(saved.trials, space, header["columns"], goal.objectives)
        info = RunInfo(
            settings=header["settings"],
            sessions=saved.sessions,
            seconds=header["seconds"],
            search_seconds=header["search_seconds"],
            cache=header["cache"],
            predictions=PredictionStatistics(*header["predictions"]),
            history=HistoryCounts(*header["history"]),
            layers=header["layers"],
            notes=tuple(header["notes"]),
            is_fast=header["is_fast"],
        )
        numbers = header["compared"]
    except (LookupError, TypeError) as error:
        raise ResultCorrupt(f"the saved result lacks a part, or has one of another kind: {error!r}") from error
    compared = None if numbers is None else [trial for trial in records if trial.number in set(numbers)]
    return records, goal, space, lost, saved.returns, info, compared


def goal_from(objectives: Any, constraints: Any) -> Goal:
    """Give the goal of a saved result, whose functions no file holds: their values are among the metrics."""
    made = tuple(Objective(metric, direction) for metric, direction in objectives)
    return Goal(made, tuple(Constraint(text, lambda metrics: 0.0) for text in constraints))


def lost(params: Params) -> Any:
    """Say that a loaded result has no strategy to run."""
    raise InvalidParameter("a loaded result holds no strategy: run its params with run_algorithm or an Optimizer")
