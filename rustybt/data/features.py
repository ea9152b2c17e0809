"""In which one form do features reach a model, and which bytes stand for them?

Where -0.0 and 0.0, or two kinds of NaN, give one digest, a model must not tell them apart either: it gets the same
form that is hashed, whether or not its answer is kept.
"""

import hashlib
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rustybt.errors import InvalidParameter

KINDS: Final = "biuf"
WIDEST_FLOAT: Final = 8
"""Bytes of a float; in longer ones some of the bytes hold nothing."""


class Features(NamedTuple):
    """Features of one question.

    Attributes
    ----------
    digest : bytes
        SHA-256 of type, shape, labels and values.
    is_row : bool
        Whether they are one row of features, and not several.
    give : callable of (bool)
        Makes what the model gets, a copy of its own: as rows of a table if True, else as they came.
    """

    digest: bytes
    is_row: bool
    give: Callable[[bool], Any]


def features_of(features: object) -> Features:
    """Bring features into their one form.

    Parameters
    ----------
    features : number, array-like, pd.Series or pd.DataFrame
        Numbers or truth values of any shape; NaN may be among them.

    Returns
    -------
    Features

    Raises
    ------
    InvalidParameter
        If they are something else than numbers, or masked.

    Examples
    --------
    >>> features_of([0.0, 1.0]).digest == features_of(np.array([-0.0, 1.0])).digest
    True
    >>> features_of([0.0, 1.0]).give(True)
    array([[0., 1.]])
    """
    if isinstance(features, pd.DataFrame):
        return _of_frame(features)
    if isinstance(features, pd.Series):
        return _of_series(features)
    array = normal(features)
    return Features(digest_of_array(array), array.ndim < 2, lambda rows: _as_rows(array) if rows else _as_came(array))


def normal(features: Any) -> NDArray[Any]:
    """Give a copy in C order and native byte order, with one zero and one NaN.

    Raises
    ------
    InvalidParameter
        If it holds something else than numbers, or is masked.
    """
    try:
        given = np.asanyarray(features)
    except ValueError as error:
        raise InvalidParameter(f"features {features!r} are no array ({error}): give rows of equal length") from None
    if given.dtype.kind not in KINDS or isinstance(given, np.ma.MaskedArray):
        kind = "masked" if isinstance(given, np.ma.MaskedArray) else f"of type {given.dtype}"
        raise InvalidParameter(f"features are {kind}: give numbers, with NaN for what is missing")
    wide = given.dtype.kind == "f" and given.dtype.itemsize > WIDEST_FLOAT
    dtype = np.dtype(np.float64) if wide else given.dtype.newbyteorder("=")
    array = np.array(given, dtype=dtype, order="C", subok=False)
    if dtype.kind == "f":
        array += 0.0  # -0.0 becomes 0.0
        missing = np.isnan(array)
        if missing.any():
            array[missing] = np.nan
    return array


def digest_of_array(array: NDArray[Any], *more: bytes) -> bytes:
    """Give the SHA-256 of an array in its one form, and of what belongs to it."""
    sha = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    sha.update(array.data if array.size else b"")
    for part in more:
        sha.update(len(part).to_bytes(8, "little"))
        sha.update(part)
    return sha.digest()


def _as_rows(array: NDArray[Any]) -> NDArray[Any]:
    return array.copy() if array.ndim > 1 else array.reshape(1, -1).copy()


def _as_came(array: NDArray[Any]) -> Any:
    return array.copy() if array.ndim else array[()]


def _of_series(series: "pd.Series[Any]") -> Features:
    array = normal(series.to_numpy())
    index, name = series.index, series.name

    def give(rows: bool) -> Any:
        if rows:
            return pd.DataFrame(array.reshape(1, -1).copy(), index=[name], columns=index)
        return pd.Series(array.copy(), index=index, name=name)

    return Features(digest_of_array(array, b"series", labels_of(index), repr(name).encode()), True, give)


def _of_frame(frame: pd.DataFrame) -> Features:
    """Keep each column's own type, as a model that was fitted to them may ask for it."""
    columns = [normal(frame.iloc[:, place].to_numpy()) for place in range(frame.shape[1])]
    labels, index = frame.columns, frame.index

    def give(rows: bool) -> Any:
        made = pd.DataFrame({place: column.copy() for place, column in enumerate(columns)}, index=index)
        return made.set_axis(labels, axis=1)

    parts = [digest_of_array(column) for column in columns]
    head = np.array(frame.shape)
    return Features(digest_of_array(head, b"frame", labels_of(labels), labels_of(index), *parts), False, give)


def labels_of(index: pd.Index) -> bytes:
    """Give bytes that stand for labels: a model sees those of a frame."""
    values = index.to_numpy()
    if values.dtype.kind in "biufM":
        return repr((index.dtype, index.names)).encode() + values.tobytes()
    return repr((index.tolist(), index.names)).encode()
