"""How is an estimator asked, and in which form does it answer?"""

import inspect
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rustybt.data.predictions import Answer
from rustybt.data.snapshot import snapshot
from rustybt.errors import InvalidParameter, did_you_mean

KINDS = "biufcUS"
"""Kinds of arrays that an answer may be: truth values, numbers, and labels of classes."""


@dataclass(frozen=True)
class Way:
    """How estimators of one model are asked.

    Attributes
    ----------
    name : str
        The model's, for messages.
    predict : str, callable or None
        Name of the method to call, or a function of (estimator, features); None for `predict` or the estimator itself.
    outputs : tuple of str
        Names of the outputs, along the last axis of an answer.
    batch : bool
        Whether it takes rows, an array of shape (n, n_features), and answers one a row.
    takes_output : bool
        Whether it is told which output is asked for, and gives that one alone.
    """

    name: str
    predict: str | Callable[..., Any] | None
    outputs: tuple[str, ...]
    batch: bool
    takes_output: bool

    @classmethod
    def of(
        cls,
        name: str,
        predict: str | Callable[..., Any] | None,
        outputs: Sequence[str],
        batch: bool,
        called: Any,
    ) -> "Way":
        """Give the way of asking by what is called in the end, if that is known."""
        takes = callable(called) and takes_output(called)
        return cls(name, snapshot(predict, "predict"), names_of(outputs), bool(batch), takes)

    def output_of(self, output: object) -> str | int | None:
        """Give the name or place of an output back, or say that there is none.

        Raises
        ------
        InvalidParameter
            If it is neither, or a name that the model does not have.
        """
        if output is None:
            return None
        if isinstance(output, str):
            if output not in self.outputs and (self.outputs or not self.takes_output):
                known = ", ".join(self.outputs) or "none: name them with Model.of(..., outputs=[...])"
                raise InvalidParameter(
                    f"output {output!r} of model {self.name!r} is unknown{did_you_mean(output, self.outputs)}; its "
                    f"outputs are {known}"
                )
            return output
        if isinstance(output, bool) or not hasattr(output, "__index__"):
            raise InvalidParameter(f"output {output!r} is neither a name nor a place: give one of the two, or None")
        return operator.index(output)

    def one(self, estimator: Any, features: Any, is_row: bool, output: str | int | None) -> Answer:
        """Give the answer to one question.

        Parameters
        ----------
        estimator : object
            Asked.
        features : object
            What it gets.
        is_row : bool
            Whether these are the features of one row, of which the answer is wanted without its first axis.
        output : str, int or None
            Which output.

        Returns
        -------
        array

        Raises
        ------
        InvalidParameter
            If the answer is none, or has no such output.
        """
        if self.batch and is_row:
            return np.array(self.rows(estimator, features, output)[0])
        return self._select(self._raw(estimator, features, output), output)

    def rows(self, estimator: Any, rows: Any, output: str | int | None) -> Answer:
        """Give the answers for several rows, along the first axis; see `one`."""
        answer = self._raw(estimator, rows, output)
        if answer.shape[:1] != (len(rows),):
            raise InvalidParameter(
                f"model {self.name!r} gave an array of shape {answer.shape} for {len(rows)} rows: it must answer one a "
                "row; wrap what takes other features with batch=False"
            )
        return self._select(answer, output)

    def _raw(self, estimator: Any, features: Any, output: str | int | None) -> Answer:
        more = {"output": output} if self.takes_output else {}
        if callable(self.predict):
            answer = self.predict(estimator, features, **more)
        elif self.predict is not None:
            answer = getattr(estimator, self.predict)(features, **more)
        else:
            answer = getattr(estimator, "predict", estimator)(features, **more)
        return array_of(answer, self.name)

    def _select(self, answer: Answer, output: str | int | None) -> Answer:
        if output is None or self.takes_output:
            return answer
        place = self.outputs.index(output) if isinstance(output, str) else output
        axes = answer.ndim - self.batch  # the first axis of many rows is no output
        count = answer.shape[-1] if axes > 0 else 0
        if not -count <= place < count or (self.outputs and len(self.outputs) != count):
            raise InvalidParameter(
                f"model {self.name!r} gave an array of shape {answer.shape} when asked for output {output!r}: "
                f"it has {count or 'one'} of them"
            )
        return np.array(answer[..., place])


def array_of(answer: Any, name: str) -> Answer:
    """Give a copy of an answer as an array, or say that it is none.

    Raises
    ------
    InvalidParameter
        If it does not consist of numbers or labels.
    """
    try:
        array = np.array(answer)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidParameter(f"model {name!r} gave no array ({error}): return numbers") from error
    if array.dtype.kind not in KINDS:
        raise InvalidParameter(
            f"model {name!r} gave a {type(answer).__name__} of dtype {array.dtype}: return numbers, or an array of them"
        )
    return array


def require_method(estimator: object, method: str) -> None:
    """Refuse a method that an estimator does not have.

    Raises
    ------
    InvalidParameter
        If it has none of that name.
    """
    if not callable(getattr(estimator, method, None)):
        raise InvalidParameter(
            f"predict {method!r} is no method of {type(estimator).__name__}{did_you_mean(method, dir(estimator))}"
        )


def takes_output(function: Any) -> bool:
    """Say whether a function has a parameter named output."""
    try:
        return "output" in inspect.signature(function).parameters
    except (TypeError, ValueError):  # of C functions that do not tell
        return False


def name_of(estimator: object) -> str:
    """Give the name of a function, or of an object's type."""
    return str(getattr(estimator, "__name__", type(estimator).__name__))


def names_of(outputs: Sequence[str]) -> tuple[str, ...]:
    """Give names of outputs back, or say that they are none.

    Raises
    ------
    InvalidParameter
        If one is no text, or there twice.
    """
    names = tuple(outputs)
    if isinstance(outputs, str) or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise InvalidParameter(f"outputs {outputs!r} are no list of different names: give one a column of the answer")
    return names
