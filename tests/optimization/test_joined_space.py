"""The parameters of several spaces, as one space that describes all their trials."""

import math

import numpy as np
import pytest

from rustybt.optimization import Categorical, Float, Integer
from rustybt.optimization.joined_space import joined_space
from rustybt.optimization.parameter_space import ParameterSpace
from rustybt.optimization.space_files import plain_space, space_from_plain


def joined(*parameters, values=()):
    spaces = [ParameterSpace({"x": parameter}) for parameter in parameters]
    return joined_space(spaces, [{"x": value} for value in values]).parameters["x"]


def test_a_when_that_each_space_allows_cannot_fail_in_the_order_of_all():
    one = ParameterSpace({"b": Integer(1, 2), "a": Integer(1, 2, when="b == 1")})
    other = ParameterSpace({"a": Integer(1, 2), "b": Integer(1, 2, when="a == 1")}, ["a < 2"])
    for spaces in ([one, other], [other, one], [one, ParameterSpace({})]):
        found = joined_space(spaces)
        assert set(found.names) == {"a", "b"} and not found.conditions
        assert found.has({"a": None, "b": 2}, "b") and not found.has({"a": None, "b": 2}, "a")
        assert not found.has({}, "a")
        assert space_from_plain(plain_space(found)).names == found.names


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ((Integer(1, 9, step=2), Integer(1, 9, step=2)), Integer(1, 9, step=2)),
        ((Integer(5, 5), Integer(10, 10)), Integer(5, 10)),
        ((Integer(5, 50, step=5), Integer(2, 9)), Integer(2, 50)),
        ((Float(0.1, 1.0, log=True), Float(0.0, 0.5)), Float(0.0, 1.0)),
        ((Float(0.5, 1.5), Integer(1, 3)), Float(0.5, 3.0)),
        ((Categorical(["a", "b"]), Categorical(["c", "b"])), Categorical(["a", "b", "c"])),
        ((Categorical([1, True]), Categorical([1.0, None])), Categorical([1, True, 1.0, None])),
        ((Categorical(["a"]), Integer(1, 2)), Categorical(["a"])),
        ((Integer(1, 2), Categorical(["a"]), Float(0, 1)), Categorical(["a"])),
    ],
)
def test_one_parameter_holds_the_values_of_all_of_its_kind(parameters, expected):
    assert repr(joined(*parameters)) == repr(expected)


@pytest.mark.parametrize(
    "parameters", [(Categorical(["a", [1]]), Integer(1, 9)), (Integer(1, 9), Categorical(["a", [1]]))]
)
def test_of_numbers_and_choices_it_holds_what_trials_had(parameters):
    found = joined(*parameters, values=[3, "a", 7, None, 3, [1]])
    assert sorted(map(repr, found.choices)) == ["'a'", "3", "7", "[1]"]


def test_a_parameter_of_the_users_need_be_no_dataclass():
    class Even(Integer):
        def __init__(self, low, high):
            for name, value in (("low", low), ("high", high), ("step", 2), ("when", "y == 1")):
                object.__setattr__(self, name, value)

    spaces = [ParameterSpace({"y": Integer(1, 2), "x": Even(2, 8)}), ParameterSpace({"y": Integer(1, 2)})]
    found = joined_space(spaces).parameters["x"]
    assert (found.low, found.high) == (2, 8)
    assert spaces[0].parameters["x"].when == "y == 1"


def test_choices_of_any_kind_are_told_apart():
    arrays = np.arange(3), np.arange(3.0) + math.pi
    found = joined(Categorical([arrays[0], [1]]), Categorical([arrays[1], [1], arrays[0].copy()]))
    assert [type(choice) for choice in found.choices] == [np.ndarray, list, np.ndarray]


def test_a_choice_of_none_outlives_a_space_that_lacks_the_parameter():
    space = joined_space([ParameterSpace({"x": Categorical([None, 1])}), ParameterSpace({})])
    assert space.has({"x": None}, "x") and not space.has({}, "x")
