"""How do the trials of an optimization become a study of Optuna, for its plots and its dashboard?"""

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from rustybt._typing import PathLike
from rustybt.errors import InvalidParameter
from rustybt.optimization.json_values import look_of, to_json
from rustybt.optimization.objective import Objective
from rustybt.optimization.parameter_space import Categorical, Float, Integer, Parameter, ParameterSpace
from rustybt.optimization.trial import Trial, TrialStatus

TRADES: Final = "fills > 0"
"""The constraint under which a trial that never traded, or was ruined, is not the best one here either."""

Labels = tuple[bool | int | float | str | None, ...]


def to_optuna_study(
    records: Iterable[Trial],
    space: ParameterSpace,
    objectives: Sequence[Objective],
    *,
    constraints: Sequence[str] = (),
    name: str = "rustybt",
    storage: PathLike | BaseStorage | None = None,
) -> optuna.Study:
    """Make a study of Optuna that holds all trials.

    Parameters
    ----------
    records : iterable of Trial
        In the order of proposal.
    space : ParameterSpace
        Of their parameters.
    objectives : sequence of Objective
        In their order, and in the user's own direction.
    constraints : sequence of str
        Names of all constraints, as `Trial.failed_constraints` has them.
    name : str, optional
        Of the study.
    storage : path-like, str or optuna storage, optional
        Where to keep it: a file, to which the study is appended as a journal of Optuna's (`optuna-dashboard FILE`
        shows it), a database's URL such as "sqlite:///study.db", or a storage. In memory if omitted.

    Returns
    -------
    optuna.Study
        A trial that came to its end with a score is COMPLETE; one that was stopped, or run on a part of the span, is
        PRUNED; any other is FAIL. Metrics, the trial's number, status, seconds and error are user attributes. Choices
        that are neither words nor numbers stand there as text.

    Raises
    ------
    InvalidParameter
        If the storage has a study of that name, or the file's folder does not exist.

    Examples
    --------
    >>> space = ParameterSpace({"fast": Integer(5, 50, step=5)})
    >>> trial = Trial(0, {"fast": 20}, TrialStatus.COMPLETE, (1.5,), {"sharpe": 1.5, "fills": 3.0}, seconds=0.5)
    >>> study = to_optuna_study([trial], space, [Objective("sharpe")])
    >>> study.best_params, study.best_value, study.best_trial.duration.total_seconds()
    ({'fast': 20}, 1.5, 0.5)
    """
    shown, ended = ShownSpace(space), datetime.now()

    trials = [frozen_trial(record, shown, constraints, ended) for record in records]
    with quiet_optuna():
        if isinstance(storage, os.PathLike) or (isinstance(storage, str) and "://" not in storage):
            return into_journal(Path(storage), name, objectives, trials)
        study = new_study(storage, name, objectives)
        study.add_trials(trials)
    return study


def new_study(storage: str | BaseStorage | None, name: str, objectives: Sequence[Objective]) -> optuna.Study:
    """Make an empty study, or say that there is one of that name."""
    directions = [direction_of(objective) for objective in objectives]
    try:
        study = optuna.create_study(storage=storage, study_name=name, directions=directions)
    except DuplicatedStudyError as error:
        raise InvalidParameter(f"study {name!r} is in the storage already: pass another name") from error
    study.set_metric_names([objective.metric for objective in objectives])
    return study


def direction_of(objective: Objective) -> StudyDirection:
    """Give an objective's direction as Optuna has it."""
    return StudyDirection.MINIMIZE if objective.minimizes else StudyDirection.MAXIMIZE


def into_journal(path: Path, name: str, objectives: Sequence[Objective], trials: Iterable[FrozenTrial]) -> optuna.Study:
    """Append a study to a journal of Optuna's: all trials at once, because every append waits for the disk."""
    if not path.parent.is_dir():
        folder = str(path.parent)
        raise InvalidParameter(f"storage {str(path)!r} is in a folder that does not exist: make {folder!r} first")
    new_study(JournalStorage(JournalFileBackend(str(path))), name, objectives)
    batch = HeldBack(JournalFileBackend(str(path)))
    optuna.load_study(study_name=name, storage=JournalStorage(batch)).add_trials(trials)
    batch.flush()
    return optuna.load_study(study_name=name, storage=JournalStorage(JournalFileBackend(str(path))))


class HeldBack(BaseJournalBackend):
    """A journal that shows what is appended to one reader, and writes it when told to.

    Parameters
    ----------
    backend : BaseJournalBackend
        Which holds what came before, and gets what is appended.
    """

    def __init__(self, backend: BaseJournalBackend) -> None:
        self._backend, self._before = backend, list(backend.read_logs(0))
        self._held: list[dict[str, Any]] = []

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        """Yield entries from a number on."""
        count = len(self._before)
        return [*self._before[log_number_from:], *self._held[max(log_number_from - count, 0) :]]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Hold entries back."""
        self._held += logs

    def flush(self) -> None:
        """Write what was held back."""
        if self._held:
            self._backend.append_logs(self._held)
        self._before, self._held = [], []


class ShownSpace:
    """A parameter space as Optuna shows it: with the parameters' own values, not with their places.

    Parameters
    ----------
    space : ParameterSpace
        The space.

    Attributes
    ----------
    distributions : dict of str to BaseDistribution
        One a parameter.
    """

    def __init__(self, space: ParameterSpace) -> None:
        self._space = space
        self._labels = {name: labels_of(p) for name, p in space.parameters.items() if isinstance(p, Categorical)}
        self.distributions = {name: self._distribution(name, p) for name, p in space.parameters.items()}

    def _distribution(self, name: str, parameter: Parameter) -> BaseDistribution:
        if name in self._labels:
            return CategoricalDistribution(self._labels[name])
        last = None if parameter.size is None else parameter.at(parameter.size - 1)
        if isinstance(parameter, Integer) and last is not None:
            return IntDistribution(parameter.low, last, step=parameter.step)
        if isinstance(parameter, Float):
            high = parameter.high if last is None else last
            return FloatDistribution(parameter.low, high, log=parameter.log, step=parameter.step)
        raise InvalidParameter(f"{parameter!r} has no form in Optuna: use Integer, Float or Categorical")

    def values(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Give the active ones of a trial's parameters; a choice that is no plain value as its text."""
        active = {name: params[name] for name in self._space.names if self._space.has(params, name)}
        return {name: self._label(name, value) if name in self._labels else value for name, value in active.items()}

    def _label(self, name: str, value: Any) -> bool | int | float | str | None:
        return self._labels[name][self._space.parameters[name].index(value)]


def labels_of(parameter: Categorical) -> Labels:
    """Give the choices as what every storage of Optuna can keep, each told from the others."""
    plain = all(choice is None or type(choice) in (bool, int, float, str) for choice in parameter.choices)
    if plain and len(set(parameter.choices)) == len(parameter.choices):  # True is 1 for Optuna
        return tuple(parameter.choices)
    texts = [to_json(choice) if is_json(choice) else look_of(choice) for choice in parameter.choices]
    return tuple(text if texts.count(text) == 1 else f"{text} ({place})" for place, text in enumerate(texts))


def is_json(value: Any) -> bool:
    """Say whether JSON text reads well for a value."""
    return value is None or isinstance(value, bool | int | float | str | list | tuple | dict)


def frozen_trial(record: Trial, shown: ShownSpace, constraints: Sequence[str], ended: datetime) -> FrozenTrial:
    """Give a trial as one of Optuna's."""
    params, is_single = shown.values(record.params), len(record.scores) == 1
    state = state_of(record)
    failed = {text: float(text in record.failed_constraints) for text in constraints}
    is_partial = state is TrialState.PRUNED and is_single and record.score == record.score
    trial = optuna.create_trial(
        state=state,
        values=list(record.scores) if state is TrialState.COMPLETE else None,
        params=params,
        distributions={name: shown.distributions[name] for name in params},
        user_attrs=attributes_of(record),
        intermediate_values={record.bars: record.score} if is_partial else None,
        constraints={**failed, TRADES: float(not record.traded or record.is_ruined)} if record.has_score else None,
    )
    trial.datetime_complete = ended
    trial.datetime_start = ended - timedelta(seconds=record.seconds if record.seconds > 0 else 0.0)
    return trial


def state_of(record: Trial) -> TrialState:
    """Give what Optuna calls a trial's end."""
    if record.has_score:
        return TrialState.COMPLETE
    is_part = record.status is TrialStatus.COMPLETE and record.budget < 1.0
    return TrialState.PRUNED if is_part or record.status is TrialStatus.STOPPED else TrialState.FAIL


def attributes_of(record: Trial) -> dict[str, Any]:
    """Give what else is known of a trial; numbers that are not finite are left out, as JSON has none."""
    own: dict[str, Any] = {
        "trial": record.number,
        "status": record.status.value,
        "seconds": record.seconds,
        "budget": record.budget,
        "bars": record.bars,
        "is_cached": record.is_cached,
        "failed_constraints": list(record.failed_constraints),
        "error": record.error,
    }
    metrics = {f"metric_{name}" if name in own else name: value for name, value in record.metrics.items()}
    return {
        name: value
        for name, value in {**metrics, **own}.items()
        if not isinstance(value, float) or abs(value) < float("inf")
    }


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Keep Optuna's notes of what it does from stderr: a study is copied here, not optimized."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
