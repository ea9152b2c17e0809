"""Numeric functions that Zipline's users import: values from its own documentation and by hand."""

import math

import numpy as np
import pytest

from rustybt.finance import math_utils
from rustybt.utils import math_utils as where_users_look


def test_they_are_where_users_look():
    assert {name: getattr(where_users_look, name) for name in math_utils.__all__} == {
        name: getattr(math_utils, name) for name in math_utils.__all__
    }


def test_missing_values_are_left_out():
    values = np.array([3.0, math.nan, 1.0, 2.0])
    names = ("nanmean", "nanstd", "nansum", "nanmax", "nanmin", "nanargmax", "nanargmin", "nanmedian")
    got = [float(getattr(math_utils, name)(values)) for name in names]
    assert got == pytest.approx([2.0, math.sqrt(2 / 3), 6.0, 3.0, 1.0, 0.0, 2.0, 2.0])


@pytest.mark.parametrize(
    ("a", "b", "given", "equal"),
    [
        (1e-7, 0.0, {}, True),
        (1e-5, 0.0, {}, False),
        (1e9, 1e9 + 500, {}, True),
        (math.nan, math.nan, {}, False),
        (math.nan, math.nan, {"equal_nan": True}, True),
        (1.0, 1.1, {"rtol": 0.2}, True),
    ],
)
def test_tolerant_equals(a, b, given, equal):
    assert math_utils.tolerant_equals(a, b, **given) is equal


@pytest.mark.parametrize(("number", "places"), [(1, 0), (3.14, 2), ("3.14", 2), (0.001, 3), (1e-7, 7)])
def test_number_of_decimal_places(number, places):
    assert math_utils.number_of_decimal_places(number) == places


@pytest.mark.parametrize(("number", "near"), [(1.0001, 1), (1.00011, 1.00011), (-2.99995, -3), (0.5, 0.5)])
def test_round_if_near_integer(number, near):
    assert math_utils.round_if_near_integer(number) == near
