"""Which types of values do terms have, and which value of each stands for missing?"""

from numbers import Number
from typing import Any, Final

import numpy as np

from rustybt._typing import BoolArray
from rustybt.errors import NoDefaultMissingValue, NotDType, UnsupportedDType
from rustybt.pipeline.sentinels import NotSpecified

bool_dtype: Final = np.dtype(bool)
float64_dtype: Final = np.dtype("float64")
int64_dtype: Final = np.dtype("int64")
datetime64ns_dtype: Final = np.dtype("datetime64[ns]")
object_dtype: Final = np.dtype("O")
categorical_dtype: Final = object_dtype
"""Of text, which terms hold as `labels.LabelArray`."""

CLASSIFIER_DTYPES: Final = frozenset({object_dtype, int64_dtype})
FACTOR_DTYPES: Final = frozenset({datetime64ns_dtype, float64_dtype, int64_dtype})
FILTER_DTYPES: Final = frozenset({bool_dtype})

_STANDARD: Final = {"b": bool_dtype, "i": int64_dtype, "u": int64_dtype, "f": float64_dtype}
_MISSING: Final[dict[np.dtype[Any], Any]] = {
    bool_dtype: False,
    float64_dtype: np.nan,
    datetime64ns_dtype: np.datetime64("NaT", "ns"),
    object_dtype: None,
}


def standard_dtype(dtype: Any, term: str) -> np.dtype[Any]:
    """Give the one dtype in which terms hold values of a kind.

    Parameters
    ----------
    dtype : dtype-like
        As a user wrote it.
    term : str
        Whose it is, for messages.

    Returns
    -------
    np.dtype
        bool, int64, float64, datetime64[ns] or object.

    Raises
    ------
    NotDType
        If it is none.
    UnsupportedDType
        If it is another kind.

    Examples
    --------
    >>> standard_dtype("float32", "Column"), standard_dtype(str, "Column")
    (dtype('float64'), dtype('O'))
    """
    try:
        found = np.dtype(dtype)
    except TypeError as error:
        raise NotDType(f"{term} was given dtype {dtype!r}, which is none: pass one of NumPy's") from error
    if found.kind in "OSU":
        return object_dtype
    if found.kind == "M":
        return datetime64ns_dtype
    if found.kind in _STANDARD and found.itemsize <= 8:
        return _STANDARD[found.kind]
    raise UnsupportedDType(
        f"{term} was given dtype {found}: terms hold bool, int64, float64, datetime64[ns] or text, pass one of these"
    )


def standard_missing(value: Any, dtype: np.dtype[Any], term: str) -> Any:
    """Give what stands for missing among values of a dtype: what is asked for, or the usual one.

    Raises
    ------
    NoDefaultMissingValue
        If none is given for integers.
    TypeError
        If it is no value of the dtype.

    Examples
    --------
    >>> standard_missing(NotSpecified, float64_dtype, "Column")
    nan
    """
    if value is NotSpecified:
        if dtype not in _MISSING:
            raise NoDefaultMissingValue(
                f"{term} of dtype {dtype} needs missing_value=: no integer stands for it by itself"
            )
        return _MISSING[dtype]
    coerced = coerce_to_dtype(value, dtype, f"missing_value of {term}")
    return _MISSING[dtype] if dtype in _MISSING and is_nothing(coerced) else coerced


def coerce_to_dtype(value: Any, dtype: np.dtype[Any], what: str) -> Any:
    """Give a value as one of a dtype, where that loses nothing of its kind.

    Raises
    ------
    TypeError
        If text is given for numbers, or a number for text.

    Examples
    --------
    >>> coerce_to_dtype(3, float64_dtype, "fill value")
    np.float64(3.0)
    """
    if dtype == object_dtype:
        if not isinstance(value, str | bytes | None):
            raise TypeError(f"{what} is {value!r}: for text it must be a str, bytes or None")
        return value
    try:
        return np.array([value]).astype(dtype, casting="same_kind")[0]
    except TypeError as error:
        raise TypeError(f"{what} is {value!r}, which is no value of dtype {dtype}: {error}") from error


def is_nothing(value: Any) -> bool:
    """Say whether a value is NaN or NaT."""
    if isinstance(value, np.datetime64):
        return bool(np.isnat(value))
    return isinstance(value, Number) and value != value


def same(left: Any, right: Any) -> bool:
    """Say whether two values are equal; two NaNs are, and two NaTs.

    Examples
    --------
    >>> same(float("nan"), np.nan), same(1, 2)
    (True, False)
    """
    return bool(is_nothing(left) and is_nothing(right)) or bool(left == right)


def is_missing(data: Any, missing_value: Any) -> BoolArray:
    """Say which values of an array stand for missing.

    Parameters
    ----------
    data : array or LabelArray
        Of any shape.
    missing_value
        What stands for it.

    Returns
    -------
    bool array of its shape
    """
    if hasattr(data, "is_missing"):
        missing: BoolArray = data.is_missing()
    elif is_nothing(missing_value):
        missing = np.isnat(data) if data.dtype.kind == "M" else np.isnan(data)
    else:
        missing = np.asarray(data == missing_value)
    return missing
