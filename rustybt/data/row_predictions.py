"""What does a model say of every session of a span?

The last bits of an answer depend on how many rows a model is given at once, as linear algebra adds in another order.
So the rows that go together are fixed: blocks of sessions, counted from the bundle's first. A block is computed whole
or found whole, and what is found is what would be computed, whichever run asked for it first.
"""

import time
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray, FloatArray, IntArray
from rustybt.data.features import digest_of_array, normal
from rustybt.data.models import Model, ask, require_model
from rustybt.data.predictions import Answer, PredictionKey, shared_predictions
from rustybt.errors import InvalidParameter

SESSIONS_A_BLOCK: Final = 64
MANY_ROWS = "rows"


class Rows(NamedTuple):
    """Features of every session of a span.

    Attributes
    ----------
    features : float or int array, shape (n_sessions, ..., n_features)
        In one form; see `rustybt.data.features`.
    days_ns : int64 array, shape (n_sessions,)
        Session labels.
    first : int
        The first session's row in the bundle.
    asked : bool array, shape of features without the last axis
        Which rows the model is asked for.
    """

    features: Answer
    days_ns: IntArray
    first: int
    asked: BoolArray


def predict_sessions(
    model: object, features: Any, output: object, skip_nan: bool, days_ns: IntArray, first: int
) -> FloatArray:
    """Give a model's answers for every session; see `rustybt.data.bars.Bars.predict`.

    Parameters
    ----------
    model : Model
        To ask.
    features : array-like, shape (n_sessions, n_features) or (n_sessions, n_assets, n_features)
        Row t knows nothing of later sessions.
    output : str, int or None
        Which output.
    skip_nan : bool
        Whether rows with a NaN are left out.
    days_ns : int64 array, shape (n_sessions,)
        Session labels.
    first : int
        The first session's row in the bundle.

    Returns
    -------
    float64 array
        One answer a row of features; read-only.

    Raises
    ------
    InvalidParameter, ModelLooksAhead
        As there.
    """
    checked = require_model(model)
    asked = checked.way.output_of(output)
    rows = rows_of(checked, features, skip_nan, days_ns, first)
    known = int(np.searchsorted(days_ns, checked.first_day_ns))
    if known == len(days_ns):
        checked.require_known(int(days_ns[-1]), int(days_ns[-1]))
    rows.asked[:known] = False
    answers = _in_blocks(checked, rows, asked) if checked.way.batch else _one_by_one(checked, rows, asked)
    if not answers:
        return assembled(np.zeros(rows.features.shape[:-1], dtype=bool), [], checked.name)
    return assembled(rows.asked, answers, checked.name)


def rows_of(model: Model, features: Any, skip_nan: bool, days_ns: IntArray, first: int) -> Rows:
    """Check features, and say which of their rows are asked for.

    Raises
    ------
    InvalidParameter
        If they are no numbers, or not one row a session.
    """
    values = normal(features)
    if values.ndim not in (2, 3) or len(values) != len(days_ns):
        raise InvalidParameter(
            f"features of shape {values.shape} do not fit {len(days_ns)} sessions: give (n_sessions, n_features) or "
            "(n_sessions, n_assets, n_features)"
        )
    missing = np.isnan(values).any(axis=-1) & skip_nan
    asked = ~missing if model.way.batch else ~missing.reshape(len(values), -1).any(axis=1)
    return Rows(values, days_ns, first, asked)


def _in_blocks(model: Model, rows: Rows, output: str | int | None) -> list[Answer]:
    cuts = np.arange(-rows.first % SESSIONS_A_BLOCK, len(rows.features), SESSIONS_A_BLOCK).tolist()
    edges = [0, *[cut for cut in cuts if cut], len(rows.features)]
    blocks = [slice(a, b) for a, b in zip(edges, edges[1:], strict=False) if rows.asked[a:b].any()]
    return [_block(model, rows, output, block) for block in blocks]


def _block(model: Model, rows: Rows, output: str | int | None, block: slice) -> Answer:
    """Give the answers for those rows of some sessions that are asked for, in one call of the model."""
    asked_at = time.perf_counter()
    days, asked = rows.days_ns[block], rows.asked[block]
    given = np.ascontiguousarray(rows.features[block][asked])
    digest = digest_of_array(given, days.tobytes(), repr(asked.shape).encode(), np.packbits(asked).tobytes())
    key = PredictionKey(model.fingerprint, output, MANY_ROWS, digest, int(days[-1]))
    begin = partial(model.begin_rows, given, output)
    try:
        return shared_predictions().get(key, begin, len(given), asked_at, model.cached)
    except Exception as error:
        first, last = (pd.Timestamp(day).date() for day in days[[0, -1]].tolist())
        error.add_note(f"model {model.name!r} was asked on {first} to {last}")
        raise


def _one_by_one(model: Model, rows: Rows, output: str | int | None) -> list[Answer]:
    """Ask for one session at a time, as `context.predict` does, and under the same keys."""
    sessions = np.flatnonzero(rows.asked).tolist()
    return [np.asarray(ask(model, rows.features[k], output, int(rows.days_ns[k])))[None] for k in sessions]


def assembled(asked: BoolArray, answers: list[Answer], name: str) -> FloatArray:
    """Lay answers where they were asked for, NaN elsewhere.

    Parameters
    ----------
    asked : bool array
        One a row of features.
    answers : list of array
        Along the first axis in the order of the rows that were asked for.
    name : str
        The model's, for the message.

    Returns
    -------
    float64 array, shape (*asked.shape, ...)
        Read-only.

    Raises
    ------
    InvalidParameter
        If they are no numbers, or of different shapes.
    """
    shapes = dict.fromkeys(answer.shape[1:] for answer in answers)
    if len(shapes) > 1:
        first, second, *_ = shapes
        raise InvalidParameter(f"model {name!r} gave answers of shapes {first} and {second}: give one shape always")
    if any(answer.dtype.kind not in "biuf" for answer in answers):
        raise InvalidParameter(f"model {name!r} gave dtype {answers[0].dtype}: a vector strategy needs numbers")
    found = np.full((*asked.shape, *(answers[0].shape[1:] if answers else ())), np.nan)
    if answers:
        found[asked] = np.concatenate(answers)
    found.flags.writeable = False
    return found
