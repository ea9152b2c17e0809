"""Which parameters decide whether a trial is among the best?

PED-ANOVA (Watanabe, Bansal & Hutter, IJCAI 2023), in Optuna's form for conditional parameters: how differently the
values of the best trials are spread from those of all trials. It needs no model of the score.
"""

import warnings
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import optuna
import pandas as pd
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial

from rustybt.errors import InvalidParameter, NoImportances, did_you_mean
from rustybt.optimization.objective import Objective
from rustybt.optimization.optuna_export import ShownSpace, direction_of, quiet_optuna
from rustybt.optimization.parameter_space import ParameterSpace
from rustybt.optimization.trial import Trial, TrialStatus

FEWEST: Final = 10
"""Trials with a score without which nothing is said."""

TOP: Final = 5
"""Trials that are compared with all others, at least; a tenth of all where that is more."""


def importances(
    records: Iterable[Trial], space: ParameterSpace, objectives: Sequence[Objective], which: int | str = 0
) -> "pd.Series[float]":
    """Say how much each parameter matters for being among the best tenth of the trials.

    Parameters
    ----------
    records : iterable of Trial
        Those that came to their end over the whole span with a finite score count; the others are left out.
    space : ParameterSpace
        Of their parameters.
    objectives : sequence of Objective
        In their order.
    which : int or str, optional
        The objective, by its place or its name.

    Returns
    -------
    pd.Series of float64, shape (n_parameters,)
        By parameter, highest first, never negative; the sum is 1. A parameter that has one value in all trials has 0.

    Raises
    ------
    InvalidParameter
        If there is no such objective.
    NoImportances
        If fewer than 10 trials have a score, if all have the same, or if no parameter varies.

    Notes
    -----
    It is the search that is explained: a parameter is important over the values that were tried. With few trials, or a
    score that luck decides, the numbers are luck too.

    Examples
    --------
    >>> from rustybt.optimization.parameter_space import Integer
    >>> space = ParameterSpace({"fast": Integer(0, 9), "noise": Integer(0, 9)})
    >>> trials = [
    ...     Trial(10 * a + b, {"fast": a, "noise": b}, TrialStatus.COMPLETE, (float(a),))
    ...     for a in range(10) for b in range(10)
    ... ]
    >>> importances(trials, space, [Objective("sharpe")]).round(2).to_dict()
    {'fast': 1.0, 'noise': 0.0}
    """
    place = place_of(objectives, which)
    objective = objectives[place]
    scored = [trial for trial in records if is_comparable(trial, place)]
    require_enough(scored, place, objective)
    varying = [name for name in space.names if varies(scored, space, name)]
    if not varying:
        raise NoImportances(f"importances: no parameter varies in the {len(scored)} trials with a score")
    with quiet_optuna(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of ties at the quantile, and of values that one trial has
        study, shown = optuna.create_study(direction=direction_of(objective)), ShownSpace(space)
        study.add_trials(frozen(trial, shown, varying, place) for trial in scored)
        evaluator = PedAnovaImportanceEvaluator(target_quantile=max(0.1, TOP / len(scored)))
        found = evaluator.evaluate(study)
    values = np.array([found.get(name, 0.0) for name in space.names])
    if not values.sum() > 0:
        raise NoImportances(f"importances: nothing tells the best trials by {objective.metric!r} from the others")
    series = pd.Series(values / values.sum(), index=pd.Index(space.names, name="parameter"), name=objective.metric)
    return series.sort_values(ascending=False, kind="stable")


def place_of(objectives: Sequence[Objective], which: int | str) -> int:
    """Give the place of the objective that is meant."""
    names = [objective.metric for objective in objectives]
    if isinstance(which, str) and which in names:
        return names.index(which)
    if isinstance(which, int) and not isinstance(which, bool) and 0 <= which < len(names):
        return which
    near = did_you_mean(which, names) if isinstance(which, str) else ""
    raise InvalidParameter(f"which {which!r} is no objective{near}: choose one of {', '.join(names)}, or its place")


def is_comparable(trial: Trial, place: int) -> bool:
    """Say whether a trial has a finite value of the objective, of the whole span."""
    is_whole = trial.status is TrialStatus.COMPLETE and trial.budget == 1.0
    return is_whole and len(trial.scores) > place and bool(np.isfinite(trial.scores[place]))


def require_enough(scored: Sequence[Trial], place: int, objective: Objective) -> None:
    """Raise where the trials are too few, or all alike."""
    if len(scored) < FEWEST:
        raise NoImportances(
            f"importances need at least {FEWEST} trials with a finite {objective.metric!r} over the whole span, and "
            f"there are {len(scored)}: run more trials"
        )
    if len({trial.scores[place] for trial in scored}) == 1:
        raise NoImportances(
            f"importances: all {len(scored)} trials have the {objective.metric!r} {scored[0].scores[place]:g}: "
            "no parameter changes it"
        )


def varies(scored: Sequence[Trial], space: ParameterSpace, name: str) -> bool:
    """Say whether the trials have more than one value of a parameter."""
    key = space.parameters[name].key
    return len({key(trial.params[name]) for trial in scored if space.has(trial.params, name)}) > 1


def frozen(trial: Trial, shown: ShownSpace, names: Sequence[str], place: int) -> FrozenTrial:
    """Give a trial as one of Optuna's, with the active ones of some parameters."""
    params = {name: value for name, value in shown.values(trial.params).items() if name in names}
    distributions = {name: shown.distributions[name] for name in params}
    return optuna.create_trial(value=trial.scores[place], params=params, distributions=distributions)
