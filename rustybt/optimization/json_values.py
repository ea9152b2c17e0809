"""How does a value that a user chose, such as a parameter's, stand in JSON, and come back as it was?

Words, finite numbers, booleans, None, lists and dicts with words as keys stand as themselves. What JSON has no form for
is a dict with one key that says what it is: {"$tuple": [1, 2]}. A value of any other kind is kept as what it looks
like, {"$repr": "models.Trend"}, and comes back as those words.
"""

import json
import math
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

import numpy as np
import pandas as pd

from rustybt.errors import ResultCorrupt


def to_json(value: Any, indent: int | None = None) -> str:
    """Give a value as JSON text.

    Parameters
    ----------
    value : object
        Of any kind.
    indent : int, optional
        For text that people read too.

    Returns
    -------
    str
        Standard JSON: NaN and the infinities are {"$float": "nan"}.

    Examples
    --------
    >>> to_json([("AAPL", "MSFT"), float("inf"), None])
    '[{"$tuple":["AAPL","MSFT"]},{"$float":"inf"},null]'
    """
    separators = (",", ":") if indent is None else None
    return json.dumps(plain(value), indent=indent, separators=separators, ensure_ascii=False, allow_nan=False)


def from_json(text: str) -> Any:
    """Give the value of JSON text.

    Parameters
    ----------
    text : str
        From `to_json`.

    Returns
    -------
    object
        Equal to what was written, of the same type; words where that type has no form in JSON.

    Raises
    ------
    ResultCorrupt
        If the text is no JSON, or names a kind that is unknown.

    Examples
    --------
    >>> from_json(to_json(("AAPL", 1.5)))
    ('AAPL', 1.5)
    """
    try:
        return value_of(json.loads(text))
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        raise ResultCorrupt(f"{str(text)[:80]!r} is no saved value: {error}") from error


def plain(value: Any) -> Any:
    """Give what `json.dumps` writes for a value."""
    if value is None or type(value) in (bool, int, str):
        return value
    if isinstance(value, np.bool_ | np.number | np.str_):
        return plain(value.item())
    if type(value) is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if type(value) is list:
        return [plain(item) for item in value]
    if type(value) is dict:
        is_plain = all(type(key) is str and not key.startswith("$") for key in value)
        pairs = [[plain(key), plain(item)] for key, item in value.items()]
        return {key: item for key, item in pairs} if is_plain else {"$dict": pairs}
    return tagged(value)


def tagged(value: Any) -> dict[str, Any]:
    """Give a value that JSON has no form for as a dict that says what it is."""
    if type(value) is tuple:
        return {"$tuple": [plain(item) for item in value]}
    if type(value) in (set, frozenset):
        return {f"${type(value).__name__}": sorted((plain(item) for item in value), key=repr)}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {"$array": [value.dtype.str, list(value.shape), plain(value.ravel().tolist())]}
    if isinstance(value, pd.Timestamp) and value is not pd.NaT:
        return {"$timestamp": [value.isoformat(), None if value.tz is None else str(value.tz), value.unit]}
    if type(value) in (datetime, date) and getattr(value, "tzinfo", None) is None:
        return {f"${type(value).__name__}": value.isoformat()}
    if type(value) is Decimal:
        return {"$decimal": str(value)}
    return {"$repr": look_of(value)}


def look_of(value: Any) -> str:
    """Give words for a value: of a function, a class or a member of an enum its name, which is the same every time."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, str):
        return str(value)
    name = getattr(value, "__qualname__", None)
    return f"{value.__module__}.{name}" if isinstance(name, str) else repr(value)


def timestamp_of(parts: list[Any]) -> pd.Timestamp:
    """Give the timestamp of its text, its time zone and its unit."""
    text, zone, unit = parts
    stamp = pd.Timestamp(text) if zone is None else pd.Timestamp(text).tz_convert(zone)
    return stamp.as_unit(unit)


def array_of(parts: list[Any]) -> np.ndarray[Any, Any]:
    """Give the array of its dtype, its shape and its elements."""
    dtype, shape, elements = parts
    return np.array(value_of(elements), dtype=dtype).reshape(shape)


READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "$float": float,
    "$tuple": lambda items: tuple(value_of(item) for item in items),
    "$set": lambda items: {value_of(item) for item in items},
    "$frozenset": lambda items: frozenset(value_of(item) for item in items),
    "$dict": lambda pairs: {value_of(key): value_of(item) for key, item in pairs},
    "$array": array_of,
    "$timestamp": timestamp_of,
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$decimal": Decimal,
    "$repr": str,
}


def value_of(read: Any) -> Any:
    """Give the value of what `json.loads` read."""
    if isinstance(read, list):
        return [value_of(item) for item in read]
    if not isinstance(read, dict):
        return read
    if len(read) == 1 and (kind := next(iter(read))).startswith("$"):
        if kind not in READERS:
            raise ValueError(f"a value of kind {kind!r} is unknown: read it with the version that wrote it")
        return READERS[kind](read[kind])
    return {key: value_of(item) for key, item in read.items()}
