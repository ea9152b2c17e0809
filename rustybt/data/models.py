"""What is a model that a strategy asks: fitted, fixed, and known by what it was fitted on?"""

import time
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rustybt._typing import PathLike
from rustybt.data.artefacts import Kept, SavedFile
from rustybt.data.asking import Way, name_of, require_method
from rustybt.data.digest import digest_of
from rustybt.data.features import Features, features_of
from rustybt.data.predictions import Answer, PredictionKey, shared_predictions
from rustybt.errors import InvalidParameter, ModelLooksAhead

ONE_CALL = "call"


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A fitted model as it was when it was wrapped, for `context.predict` and `bars.predict`.

    Made by `Model.of` from an object or a function, or by `Model.from_file`. Refitting the original changes nothing
    here; wrap it again to use the new fit, which is another model.

    Attributes
    ----------
    name : str
        For messages.
    fingerprint : str
        SHA-256 of the artefact, how it is called, and the end of the training window.
    trained_until : pd.Timestamp or None
        The last day that had a part in training.
    allow_lookahead : bool
        Whether it may be asked on days before the end of its training window.
    cached : bool
        Whether its answers are kept.
    way : Way
        How it is asked, and in which form it answers.

    Notes
    -----
    An answer must depend on the features alone: a model that draws random numbers or learns while it predicts answers
    the same question once and for all.

    Examples
    --------
    >>> momentum = Model.of(lambda returns: returns.mean(), trained_until=None)
    >>> from rustybt.data.models import ask
    >>> ask(momentum, np.array([0.01, 0.03]), None, 0)
    np.float64(0.02)
    """

    name: str
    fingerprint: str
    trained_until: pd.Timestamp | None
    _: KW_ONLY
    allow_lookahead: bool
    cached: bool
    _artefact: Kept | SavedFile
    way: Way

    @classmethod
    def of(
        cls,
        estimator: Any,
        *,
        trained_until: Any,
        predict: str | Callable[..., Any] | None = None,
        outputs: Sequence[str] = (),
        batch: bool | None = None,
        allow_lookahead: bool = False,
        cached: bool = True,
        name: str | None = None,
    ) -> "Model":
        """Wrap a copy of an estimator.

        Parameters
        ----------
        estimator : object
            Fitted, with a `predict` as scikit-learn's and LightGBM's have, or a function of the features. It is copied
            with all that it reads, and hashed.
        trained_until : date-like or None
            The last day of which anything, the targets included, had a part in training; None for what was never
            trained.
        predict : str or callable of (estimator, features), optional
            The name of the method to call, such as "predict_proba", or how to ask the estimator. Who takes a third
            parameter `output` gets what was asked for.
        outputs : sequence of str
            Names of the outputs along the last axis of an answer, so that one may be asked for.
        batch : bool, optional
            Whether it takes rows; True if omitted, except for a function without `predict`, which gets the features as
            they come.
        allow_lookahead : bool
            Let it be asked on days within its training window too, where its answers know the future.
        cached : bool
            Keep its answers.
        name : str, optional
            For messages; the type's or the function's if omitted.

        Returns
        -------
        Model

        Raises
        ------
        InvalidParameter
            If the estimator cannot be asked, copied or hashed, or trained_until is no day.
        """
        if isinstance(predict, str):
            require_method(estimator, predict)
        elif predict is None and not (hasattr(estimator, "predict") or callable(estimator)):
            hint = "; a saved model is wrapped by Model.from_file" if isinstance(estimator, str | bytes | Path) else ""
            raise InvalidParameter(
                f"estimator of type {type(estimator).__name__} has no predict and is no function: say how to ask it "
                f"with predict=...{hint}"
            )
        is_function = predict is None and not hasattr(estimator, "predict")
        target = predict if callable(predict) else getattr(estimator, predict or "predict", estimator)
        takes_rows = not is_function if batch is None else batch
        way = Way.of(name or name_of(estimator), predict, outputs, takes_rows, target)
        return cls._made(Kept.of(estimator), way, trained_until, allow_lookahead, cached)

    @classmethod
    def from_file(
        cls,
        path: PathLike,
        load: Callable[[Path], Any],
        *,
        trained_until: Any,
        predict: str | Callable[..., Any] | None = None,
        outputs: Sequence[str] = (),
        batch: bool = True,
        allow_lookahead: bool = False,
        cached: bool = True,
        name: str | None = None,
    ) -> "Model":
        """Wrap a file that holds a fitted model; every process loads it when it first needs it.

        Parameters
        ----------
        path : path-like
            The file, hashed now; what changes later is refused.
        load : callable of (Path)
            Reads it, such as `lambda path: lightgbm.Booster(model_file=path)`.
        trained_until, predict, outputs, batch, allow_lookahead, cached, name
            As in `Model.of`; the name is the file's if omitted.

        Returns
        -------
        Model

        Raises
        ------
        InvalidParameter
            If the file cannot be read, or trained_until is no day.
        """
        way = Way.of(name or Path(path).name, predict, outputs, batch, predict)
        return cls._made(SavedFile(path, load), way, trained_until, allow_lookahead, cached)

    @classmethod
    def _made(
        cls, artefact: Kept | SavedFile, way: Way, trained_until: Any, allow_lookahead: bool, cached: bool
    ) -> "Model":
        until = None if trained_until is None else day_of(trained_until)
        fingerprint = digest_of((artefact.digest, way.predict, str(until), way.outputs, way.batch), "predict").hex()
        options = {"allow_lookahead": bool(allow_lookahead), "cached": bool(cached)}
        return cls(way.name, fingerprint, until, _artefact=artefact, way=way, **options)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        until = "never trained" if self.trained_until is None else f"trained until {self.trained_until.date()}"
        return f"Model({self.name!r}, {until}, {self.fingerprint[:8]})"

    @cached_property
    def first_day_ns(self) -> int:
        """The end of the training window in nanoseconds since 1970: at its close the model may first be asked."""
        if self.trained_until is None or self.allow_lookahead:
            return np.iinfo(np.int64).min
        return self.trained_until.as_unit("ns").value

    def require_known(self, known_ns: int, day_ns: int) -> None:
        """Refuse a day on which the model could not be known.

        Parameters
        ----------
        known_ns : int
            The last day that is over, midnight in nanoseconds since 1970.
        day_ns : int
            Label of the current session.

        Raises
        ------
        ModelLooksAhead
            If training used a later day than is over.
        """
        if known_ns < self.first_day_ns and self.trained_until is not None:
            raise ModelLooksAhead(
                f"model {self.name!r} was trained until {self.trained_until.date()} and is asked on "
                f"{pd.Timestamp(day_ns).date()}, when the last day that is over is {pd.Timestamp(known_ns).date()}: "
                "its answers would know the future; start later, train on less, or give the model allow_lookahead=True"
            )

    def begin(self, features: Features, output: str | int | None) -> Callable[[], Answer]:
        """Load what is not there yet, and give the callable that computes one answer."""
        estimator, given = self._artefact.value, features.give(self.way.batch)
        return lambda: self.way.one(estimator, given, features.is_row, output)

    def begin_rows(self, rows: Answer, output: str | int | None) -> Callable[[], Answer]:
        """Load what is not there yet, and give the callable that computes an answer for each of several rows."""
        estimator = self._artefact.value
        return lambda: self.way.rows(estimator, rows, output)


def ask(model: object, features: object, output: object, day_ns: int) -> Any:
    """Give a model's answer to one question, from the process's cache if it was asked before.

    Parameters
    ----------
    model : Model
        Which the caller found to be known at that time.
    features : number, array-like, pd.Series or pd.DataFrame
        What it is asked.
    output : str, int or None
        Which of its outputs.
    day_ns : int
        Label of the session at which the features end.

    Returns
    -------
    number or array
        An array is read-only.

    Raises
    ------
    InvalidParameter
        If features, output or answer are no numbers, or do not fit the model.
    """
    asked_at = time.perf_counter()
    checked = require_model(model)
    asked, given = checked.way.output_of(output), features_of(features)
    key = PredictionKey(checked.fingerprint, asked, ONE_CALL, given.digest, day_ns)
    try:
        answer = shared_predictions().get(key, partial(checked.begin, given, asked), 1, asked_at, checked.cached)
    except Exception as error:
        error.add_note(f"model {checked.name!r} was asked on {pd.Timestamp(day_ns).date()}")
        raise
    return answer if answer.ndim else answer[()]


def require_model(model: object) -> Model:
    """Give a model back, or say that it is none.

    Raises
    ------
    InvalidParameter
        If it is not wrapped.
    """
    if not isinstance(model, Model):
        raise InvalidParameter(
            f"model of type {type(model).__name__} is not wrapped: make it once with "
            'rustybt.Model.of(estimator, trained_until="2015-12-31")'
        )
    return model


def day_of(when: Any) -> pd.Timestamp:
    """Give a day without time or zone.

    Raises
    ------
    InvalidParameter
        If it is none.
    """
    try:
        stamp = pd.Timestamp(when)
    except (TypeError, ValueError) as error:
        raise InvalidParameter(f"trained_until {when!r} is no day ({error}): write it as 2015-12-31") from None
    if pd.isna(stamp):
        raise InvalidParameter(f"trained_until {when!r} is no day: write it as 2015-12-31, or None if never trained")
    return stamp.tz_localize(None).normalize()
