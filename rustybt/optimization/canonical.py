"""Which bytes stand for a plain value, such as a parameter's, in every process?

Two values get the same bytes where a strategy cannot tell them apart: -0.0 is 0.0, and every NaN is one. Whatever it
might tell apart stays apart: 1, 1.0, True and "1"; a list and a tuple; a dict in another order. No form is the
beginning of another, so forms can be strung together.
"""

import math
import struct
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from rustybt.errors import InvalidParameter

Number: TypeAlias = Callable[[float], bytes]
"""Gives the 8 bytes of a float."""

NAN: Final = struct.pack("<d", math.nan)


def canonical(value: Any) -> bytes:
    """Give the bytes that stand for a value.

    Parameters
    ----------
    value : object
        None, booleans, numbers (also NumPy's), words, bytes, dates, times and zones, enum members, dtypes, arrays
        without objects, ranges, slices, and lists, tuples, dicts and sets of these.

    Returns
    -------
    bytes
        The same in every process. The elements of arrays count bit for bit.

    Raises
    ------
    InvalidParameter
        If the value, or one that it holds, is of another kind.

    Examples
    --------
    >>> canonical(-0.0) == canonical(0.0), canonical(1) == canonical(True)
    (True, False)
    >>> canonical({"b", "a"}) == canonical({"a", "b"})
    True
    """
    return _form(value, normal_float)


def exact(value: Any) -> bytes:
    """Give the bytes that stand for a value bit for bit, where the sign of a zero counts too; see `canonical`."""
    return _form(value, bits_of_float)


def normal_float(value: float) -> bytes:
    """Give 8 bytes for a float: one zero, and one NaN."""
    return NAN if value != value else struct.pack("<d", value + 0.0)


def bits_of_float(value: float) -> bytes:
    """Give the 8 bytes of a float."""
    return struct.pack("<d", value)


def of_int(value: int) -> bytes:
    """Give the form of an int."""
    return b"i%x;" % value


def of_float(value: float) -> bytes:
    """Give the normal form of a float."""
    return b"d" + normal_float(value)


def framed(kind: bytes, *parts: bytes) -> bytes:
    """Give the form of a kind and some parts, each with its length before it."""
    return b"".join((kind, b"%d(" % len(parts), *(b"%d:%b" % (len(part), part) for part in parts)))


def of_words(text: str) -> bytes:
    """Give a text as bytes, whatever characters it holds."""
    return text.encode("utf-8", "surrogatepass")


def _form(value: Any, number: Number) -> bytes:
    try:
        return _form_of_kind(value, number)
    except RecursionError:
        raise InvalidParameter(
            f"a {type(value).__name__} that holds itself, or is nested very deeply, has no form as bytes"
        ) from None


def _form_of_kind(value: Any, number: Number) -> bytes:
    form = FORMS.get(type(value))
    if form is not None:
        return form(value, number)
    if isinstance(value, Enum):
        kind = type(value)
        return framed(b"E", *map(of_words, (kind.__module__, kind.__qualname__)), _form(value.value, number))
    if isinstance(value, np.generic) and not value.dtype.hasobject:
        return framed(b"g", value.dtype.str.encode(), value.tobytes())
    if isinstance(value, np.dtype):
        return framed(b"y", of_words(repr(value)))
    raise InvalidParameter(
        f"{value!r} is a {type(value).__name__}, which has no form that is the same in every process: "
        "use numbers, words, dates, or lists, tuples, dicts, sets or arrays of them"
    )


def _items(kind: bytes) -> Callable[[Iterable[Any], Number], bytes]:
    return lambda items, number: framed(kind, *(_form(item, number) for item in items))


def _sorted_items(kind: bytes) -> Callable[[Iterable[Any], Number], bytes]:
    return lambda items, number: framed(kind, *sorted(_form(item, number) for item in items))


def _words(kind: bytes, text: Callable[[Any], str]) -> Callable[[Any, Number], bytes]:
    return lambda value, _: framed(kind, of_words(text(value)))


def _array(array: "np.ndarray[Any, Any]", _: Number) -> bytes:
    if array.dtype.hasobject:
        raise InvalidParameter(f"an array of dtype {array.dtype} has no form that is the same in every process")
    return framed(b"a", of_words(repr(array.dtype)), of_words(repr(array.shape)), array.tobytes())


def _moment(kind: bytes) -> Callable[[Any, Number], bytes]:
    def form(value: Any, number: Number) -> bytes:
        unit = getattr(value, "unit", "")
        return framed(kind, of_words(f"{value.isoformat()} {value.fold} {unit}"), _form(value.tzinfo, number))

    return form


FORMS: Final[dict[type, Callable[[Any, Number], bytes]]] = {
    type(None): lambda _, number: b"n",
    bool: lambda value, _: b"t" if value else b"f",
    int: lambda value, _: of_int(value),
    float: lambda value, number: b"d" + number(value),
    complex: lambda value, number: b"c" + number(value.real) + number(value.imag),
    str: lambda value, _: framed(b"s", of_words(value)),
    bytes: lambda value, _: framed(b"b", value),
    type(...): lambda _, number: b".",
    type(NotImplemented): lambda _, number: b"!",
    type(pd.NaT): lambda _, number: b"N",
    type(pd.NA): lambda _, number: b"A",
    Decimal: _words(b"D", str),
    Fraction: _words(b"F", str),
    date: _words(b"T", date.isoformat),
    timedelta: lambda value, _: framed(b"L", *map(of_int, (value.days, value.seconds, value.microseconds))),
    pd.Timedelta: _words(b"P", lambda value: f"{value.isoformat()} {value.unit}"),
    time: _moment(b"H"),
    datetime: _moment(b"M"),
    pd.Timestamp: _moment(b"S"),
    timezone: _words(b"Z", repr),
    ZoneInfo: _words(b"z", repr),
    range: lambda value, number: _items(b"r")((value.start, value.stop, value.step), number),
    slice: lambda value, number: _items(b":")((value.start, value.stop, value.step), number),
    list: _items(b"l"),
    tuple: _items(b"u"),
    set: _sorted_items(b"e"),
    frozenset: _sorted_items(b"k"),
    dict: lambda value, number: framed(b"m", *(_form(part, number) for pair in value.items() for part in pair)),
    np.ndarray: _array,
}
