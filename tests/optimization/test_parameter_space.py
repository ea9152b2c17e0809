import itertools
import pickle

import pytest

from rustybt.errors import InvalidParameter
from rustybt.optimization import Categorical, Float, Integer, ParameterSpace, space_of
from rustybt.optimization.conditions import Condition

SPACE = ParameterSpace({"a": Integer(1, 3), "b": Categorical(["x", "y"]), "c": Float(0.0, 0.5, step=0.25)})


def test_numbers_run_through_the_product_last_parameter_fastest():
    expected = [dict(zip("abc", v, strict=True)) for v in itertools.product([1, 2, 3], "xy", [0.0, 0.25, 0.5])]
    assert [SPACE.at(i) for i in range(SPACE.size)] == expected


def test_params_survive_their_keys():
    for index in range(SPACE.size):
        keys = SPACE.encode(SPACE.at(index))
        assert SPACE.decode(pickle.loads(pickle.dumps(keys))) == SPACE.at(index)


def test_a_continuum_makes_the_space_one():
    assert ParameterSpace({"a": Integer(1, 3), "b": Float(0, 1)}).size is None


def test_no_parameter_is_one_combination():
    assert ParameterSpace({}).size == 1
    assert ParameterSpace({}).at(0) == {}


class Base:
    slow = Integer(50, 250)
    fast = Integer(5, 50)
    conditions = ["fast < slow"]


class Child(Base):
    extra = Categorical([1, 2])
    fast = 10


def test_a_class_has_the_parameters_of_its_bases_in_order_of_declaration():
    assert space_of(Base).names == ("slow", "fast")


def test_a_subclass_fixes_a_parameter_by_a_plain_value():
    with pytest.raises(InvalidParameter, match="'fast < slow' names 'fast', which is no parameter"):
        space_of(Child)
    free = type("Free", (Child,), {"conditions": []})
    assert space_of(free).names == ("slow", "extra")


@pytest.mark.parametrize("condition", ["fast < slow", lambda p: p["fast"] < p["slow"]])
def test_conditions_are_functions_or_expressions(condition):
    space = ParameterSpace({"fast": Integer(1, 3), "slow": Integer(1, 3)}, [condition])
    allowed = [space.at(i) for i in range(9) if space.allows(space.at(i))]
    assert [(p["fast"], p["slow"]) for p in allowed] == [(1, 2), (1, 3), (2, 3)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("slow - fast >= 10 and fast % 2 == 0", True),
        ("fast * 2 > slow or not fast", False),
        ("fast in (4, 5) and kind == 'ema'", True),
        ("4 <= fast < slow / 2", True),
        ("-fast + 3 > 0", False),
        ("kind is not None", True),
    ],
)
def test_expressions(expression, expected):
    params = {"fast": 4, "slow": 20, "kind": "ema"}
    condition = Condition.of(expression, tuple(params))
    assert condition(params) is expected
    assert str(condition) == repr(expression)
    assert pickle.loads(pickle.dumps(condition))(params) is expected


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("fast < slwo", r"'fast < slwo' names 'slwo', which is no parameter \(did you mean 'slow'\?\)"),
        ("fast <", "'fast <' is no expression"),
        ("print(fast)", "holds Call"),
        ("fast.real > 1", "holds Attribute"),
        ("fast ** slow > 1", "holds Pow"),
        ("[x for x in (1,)]", "is no parameter|holds"),
        (5, "condition 5 is neither a function of the params nor an expression"),
    ],
)
def test_bad_conditions_say_what_is_wrong(condition, message):
    with pytest.raises(InvalidParameter, match=message):
        ParameterSpace({"fast": Integer(1, 3), "slow": Integer(1, 3)}, [condition])


def test_what_a_condition_raises_names_the_condition_and_the_params():
    space = ParameterSpace({"a": Integer(0, 3)}, ["1 / a > 0"])
    with pytest.raises(ZeroDivisionError) as caught:
        space.allows({"a": 0})
    assert caught.value.__notes__ == ["(in the condition '1 / a > 0' on the params {'a': 0})"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"fast": 5}, "parameter 'fast' is 5: give an Integer, a Float or a Categorical"),
        ({"not a name": Integer(1, 2)}, "parameter name 'not a name' is no public Python name"),
        ({"_fast": Integer(1, 2)}, "parameter name '_fast' is no public Python name"),
        ({"bundle": Integer(1, 2)}, "parameter name 'bundle' has a meaning of its own"),
    ],
)
def test_bad_spaces_say_what_is_wrong(parameters, message):
    with pytest.raises(InvalidParameter, match=message):
        ParameterSpace(parameters)


def test_check_gives_the_normal_form_in_order():
    assert list(SPACE.check({"c": 0.25, "b": "y", "a": 2.0}).items()) == [("a", 2), ("b", "y"), ("c", 0.25)]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"a": 1, "b": "x", "d": 0}, r"unknown parameter 'd'"),
        ({"a": 1, "b": "x"}, "parameter 'c' has no value"),
        ({"a": 4, "b": "x", "c": 0}, "4 is no value of Integer"),
        ({"a": 1, "b": "x", "c": 0.5}, r"do not meet the condition 'c < 0.5'"),
    ],
)
def test_check_says_what_is_wrong(params, message):
    with pytest.raises(InvalidParameter, match=message):
        SPACE.with_conditions(["c < 0.5"]).check(params)
