"""How do the trials of a result become rows of a file, and trials again?"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from rustybt.errors import ResultCorrupt
from rustybt.optimization.objective import Objective
from rustybt.optimization.parameter_space import Categorical, Parameter, ParameterSpace
from rustybt.optimization.trial import Trial, TrialStatus

FAILED_CONSTRAINTS: Final = "failed_constraints"
"""A column that a file has, and the frame that users see has not."""

FIELDS: Final = {"number": "trial", "seconds": "seconds", "error": "error", "budget": "budget", "bars": "bars"} | {
    "worker": "worker",
    "is_cached": "cached",
    "study": "study",
}
"""Columns that hold a field of the trial as it is; study only where a run has several."""

NO_METRICS: Final = {*FIELDS.values(), "status", "score", "passing", FAILED_CONSTRAINTS}


def with_constraints(trials: pd.DataFrame, records: Sequence[Trial]) -> pd.DataFrame:
    """Give the frame of trials with what of them it does not show.

    Parameters
    ----------
    trials : pd.DataFrame
        `OptimizationResult.trials`.
    records : sequence of Trial
        The same trials.

    Returns
    -------
    pd.DataFrame
        One column more.
    """
    texts = pd.Series([list(trial.failed_constraints) for trial in records], trials.index, dtype=object)
    return trials.assign(**{FAILED_CONSTRAINTS: texts})


def records_of(
    trials: pd.DataFrame, space: ParameterSpace, columns: Mapping[str, str], objectives: Sequence[Objective]
) -> list[Trial]:
    """Give the trials of a frame.

    Parameters
    ----------
    trials : pd.DataFrame
        From `with_constraints`.
    space : ParameterSpace
        Which brings values back into their normal form: whole numbers that stand in a column of floats because one
        trial has none.
    columns : mapping of str to str
        The column of each parameter.
    objectives : sequence of Objective
        In their order.

    Returns
    -------
    list of Trial
        Equal to those that were kept, apart from their returns.

    Raises
    ------
    ResultCorrupt
        If a column is missing, or a value is none of its parameter.
    """
    parameters = set(columns.values())
    metrics = [name for name in trials.columns if name not in NO_METRICS and name not in parameters]
    try:
        rows = trials.to_dict("records")
        return [record_of({str(k): v for k, v in row.items()}, space, columns, metrics, objectives) for row in rows]
    except (LookupError, ValueError, TypeError) as error:
        raise ResultCorrupt(f"the saved trials do not fit the saved parameters: {error}") from error


def record_of(
    row: Mapping[str, Any],
    space: ParameterSpace,
    columns: Mapping[str, str],
    metrics: Sequence[str],
    objectives: Sequence[Objective],
) -> Trial:
    """Give the trial of a row."""
    status = TrialStatus(row["status"])
    has_metrics = status in (TrialStatus.COMPLETE, TrialStatus.STOPPED)
    own = {name: row[name] for name in metrics} if has_metrics else {}
    scores = tuple(objective.score(own) for objective in objectives) if status is TrialStatus.COMPLETE else ()
    return Trial(
        params={name: normal(space.parameters[name], row[column]) for name, column in columns.items()},
        status=status,
        scores=scores,
        metrics=own,
        failed_constraints=tuple(row[FAILED_CONSTRAINTS]),
        **{field: row[column] for field, column in FIELDS.items() if column in row},
    )


def normal(parameter: Parameter, value: Any) -> Any:
    """Give a value as the space does: None where it is not active, a whole number as an int."""
    is_missing = value is None or (isinstance(value, float) and math.isnan(value))
    if is_missing and parameter.when is not None:
        return None
    if isinstance(parameter, Categorical):
        return choice_of(parameter, None if is_missing and parameter.find(None) is not None else value)
    return parameter.check(value)


def choice_of(parameter: Categorical, value: Any) -> Any:
    """Give the choice that a file's value stands for; the value itself where the file has only what it looks like."""
    index = parameter.find(value)
    if index is None and isinstance(value, float) and value.is_integer():
        index = parameter.find(int(value))
    return value if index is None else parameter.at(index)
