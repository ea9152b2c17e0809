import math
import struct
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.errors import InvalidParameter
from rustybt.optimization.canonical import canonical, exact, framed


class Side(Enum):
    LONG = 1
    SHORT = -1


class Word(StrEnum):
    LONG = "LONG"


APART = [
    *(None, True, False, 0, 1, -1, 2**70, 0.0, 1.0, 0.1, math.inf, -math.inf, math.nan, 1j, 1 + 0j),
    *("", "1", "None", "é", "\ud800", b"", b"1", ..., NotImplemented),
    *(Decimal(1), Decimal("1.0"), Fraction(1), Fraction(1, 3)),
    *((), (1,), (1, 2), (2, 1), (1, (2,)), ((1,), 2), [], [1], [1, 2], [[]], {}, {1: 2}, {2: 1}, {1: 2, 3: 4}),
    *({3: 4, 1: 2}, set(), {1}, {1, 2}, frozenset(), frozenset((1, 2)), range(3), range(1, 3), slice(3), slice(0, 3)),
    *(date(2020, 1, 2), datetime(2020, 1, 2), datetime(2020, 1, 2, tzinfo=UTC), time(1), time(1, fold=1)),
    *(datetime(2020, 1, 2, tzinfo=timezone(timedelta(0, 3600))), timedelta(1), timedelta(0, 1), timedelta(0, 0, 1)),
    *(datetime(2020, 1, 2, tzinfo=ZoneInfo("UTC")), pd.Timestamp("2020-01-02"), pd.Timestamp("2020-01-02", tz="UTC")),
    *(pd.Timestamp("2020-01-02", tz="US/Eastern"), pd.Timestamp("2020-01-02").as_unit("s"), pd.NaT, pd.NA),
    *(pd.Timedelta(1, "D"), pd.Timedelta(1, "ns"), Side.LONG, Side.SHORT, Word.LONG, "LONG"),
    *(
        np.int64(1),
        np.int32(1),
        np.float64(1),
        np.float32(1),
        np.bool_(True),
        np.str_("1"),
        np.datetime64("2020-01-02"),
    ),
    *(np.datetime64("NaT", "D"), np.timedelta64(1, "D"), np.dtype("f8"), np.dtype("f4"), np.dtype([("a", "f8")])),
    *(np.zeros(2), np.zeros((2, 1)), np.zeros((1, 2)), np.zeros(2, "f4"), np.zeros(2, "i8"), np.array("1")),
    *(np.array([1.0, 2.0]), np.array(["a"]), np.array(["2020-01-02"], "M8[D]")),
]

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates() | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


def same(one, other):
    """Say whether two plain values are one, written without the forms."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    return one == other


def test_values_that_a_strategy_can_tell_apart_have_forms_of_their_own():
    forms = [canonical(value) for value in APART]
    assert len(set(forms)) == len(forms) > 80


@given(PLAIN, PLAIN)
def test_two_values_have_one_form_only_where_they_are_the_same(one, other):
    assert (canonical(one) == canonical(other)) == same(one, other)


@given(PLAIN)
def test_a_copy_has_the_same_form(value):
    copy = eval(repr(value), {"datetime": __import__("datetime"), "nan": math.nan, "inf": math.inf})
    assert canonical(copy) == canonical(value)
    assert (exact(value) == exact(copy)) or "nan" in repr(value)


@given(st.lists(PLAIN, max_size=4), st.lists(PLAIN, max_size=4))
def test_no_form_is_the_beginning_of_another(one, other):
    strung = [b"".join(map(canonical, values)) for values in (one, other)]
    assert (strung[0] == strung[1]) == same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(0.0, -0.0), ([0.0], [-0.0]), (1 - 1j, 1 - 1j), (complex(0, 0.0), complex(-0.0, -0.0)), ({1: -0.0}, {1: 0.0})],
)
def test_a_zero_has_no_sign_but_where_bits_count(one, other):
    assert canonical(one) == canonical(other)
    assert exact(one) != exact(other) or one == 1 - 1j


def test_every_nan_is_one_but_where_bits_count():
    payload = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_0123))[0]
    assert canonical(payload) == canonical(math.nan) == canonical(-math.nan)
    assert exact(payload) != exact(math.nan)


def test_the_order_of_a_set_does_not_count_and_that_of_a_dict_does():
    words = [f"word {number}" for number in range(50)]
    assert canonical(set(words)) == canonical(set(reversed(words)))
    assert canonical(dict.fromkeys("ab")) != canonical(dict.fromkeys("ba"))


def test_a_frame_tells_how_its_parts_are_cut():
    assert len({framed(b"", *parts) for parts in [(b"ab",), (b"a", b"b"), (b"", b"ab"), (b"ab", b""), ()]}) == 5


@pytest.mark.parametrize("value", [object(), print, np.array([None]), [object()], {"a": {1: object()}}, type])
def test_a_value_without_a_form_is_named(value):
    with pytest.raises(InvalidParameter, match="no form that is the same in every process"):
        canonical(value)


def test_a_value_that_holds_itself_is_an_error():
    circle = []
    circle.append(circle)
    with pytest.raises(InvalidParameter, match="holds itself"):
        canonical(circle)


def test_forms_are_the_same_in_every_process():
    probe = (
        "import hashlib, pandas as pd, numpy as np\n"
        "from rustybt.optimization.canonical import canonical\n"
        "value = ({'AAPL', 'MSFT', 'GOOG'}, frozenset(map(str, range(40))), {'b': 1, 'a': np.float32(2)},\n"
        "         pd.Timestamp('2020-01-02', tz='US/Eastern'), -0.0)\n"
        "print(hashlib.sha256(canonical(value)).hexdigest())\n"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", probe], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1
