import enum
import json
import math
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.errors import ResultCorrupt
from rustybt.optimization.json_values import from_json, to_json


class Side(enum.Enum):
    LONG = 1


class Grade(enum.IntEnum):
    A = 1


ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.dates()
    | st.datetimes()
    | st.decimals(allow_nan=False)
)
HASHABLE = ATOMS | st.tuples(ATOMS, ATOMS)
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(HASHABLE, inner, max_size=3)
        | st.frozensets(HASHABLE, max_size=3)
    ),
    max_leaves=10,
)


def same(one, other):
    """Say whether two values are equal and of the same types all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return len(one) == len(other) and all(map(same, one.items(), other.items()))
    return one == other and repr(one) == repr(other) if isinstance(one, float) else one == other


@given(VALUES)
def test_a_value_comes_back_as_it_was(value):
    text = to_json(value)
    json.loads(text, parse_constant=pytest.fail)  # standard JSON has no NaN
    assert same(from_json(text), value)


def test_what_json_has_no_number_for():
    assert math.isnan(from_json(to_json(math.nan)))
    assert from_json(to_json([math.inf, -math.inf])) == [math.inf, -math.inf]


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("2024-01-02"),
        pd.Timestamp("2024-01-02 15:30:00.000000001"),
        pd.Timestamp("2024-07-02 09:30", tz="America/New_York"),
        {"$tuple": [1]},
        {"$x": {"$y": 1}},
        {1: "a", (2, 3): "b"},
    ],
)
def test_special_values(value):
    back = from_json(to_json(value))
    assert back == value and type(back) is type(value)
    if isinstance(value, pd.Timestamp):
        assert (back.tz, back.unit) == (value.tz, value.unit)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "?"])
def test_arrays_keep_shape_and_dtype(dtype):
    array = np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
    back = from_json(to_json(array))
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
    assert np.isnan(from_json(to_json(np.array([np.nan])))).all()


def test_scalars_of_numpy_are_those_of_python():
    assert to_json([np.float32(0.5), np.int64(3), np.bool_(True), np.str_("a")]) == '[0.5,3,true,"a"]'


def hold(context):
    return context


@pytest.mark.parametrize(
    ("value", "look"),
    [
        (Side.LONG, "Side.LONG"),
        (Grade.A, "Grade.A"),
        (hold, f"{__name__}.hold"),
        (datetime, "datetime.datetime"),
        (pd.NaT, "NaT"),
        (1 + 2j, "(1+2j)"),
    ],
)
def test_any_other_value_is_what_it_looks_like(value, look):
    assert from_json(to_json(value)) == look


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"$unknown": 1}',
        '{"$tuple": 1}',
        '{"$float": "x"}',
        '{"$array": ["<f8", [2], [1.0]]}',
        '{"$timestamp": ["2024-01-01T00:00:00+00:00", "No/Where", "ns"]}',
        '{"$decimal": "x"}',
        '{"$set": [[]]}',
        "[" * 100_000,
    ],
)
def test_what_nobody_wrote_is_refused(text):
    with pytest.raises(ResultCorrupt, match="is no saved value"):
        from_json(text)


def test_dates_and_decimals():
    value = {"a": date(2024, 1, 2), "b": datetime(2024, 1, 2, 3, 4, 5, 6), "c": Decimal("1.10")}
    assert same(from_json(to_json(value, indent=1)), value)
