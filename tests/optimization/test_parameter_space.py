import itertools
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


CONDITIONAL = ParameterSpace(
    {
        "kind": Categorical(["sma", "ema"]),
        "span": Integer(2, 4, when="kind == 'ema'"),
        "decay": Categorical(["slow", "fast"], when="span > 3"),
        "days": Integer(1, 2),
    }
)
COMBINATIONS = [
    *(("sma", None, None, days) for days in (1, 2)),
    *(("ema", span, None, days) for span in (2, 3) for days in (1, 2)),
    *(("ema", 4, decay, days) for decay in ("slow", "fast") for days in (1, 2)),
]


def values(params):
    return tuple(params.values())


def test_a_conditional_space_has_every_combination_once_in_order():
    assert list(map(values, CONDITIONAL.combinations())) == COMBINATIONS
    assert list(map(values, SPACE.combinations())) == [values(SPACE.at(i)) for i in range(SPACE.size)]
    assert CONDITIONAL.size == 2 * 3 * 2 * 2


def test_each_combination_has_one_number_of_its_own():
    own = [number for number in range(CONDITIONAL.size) if CONDITIONAL.number(CONDITIONAL.at(number)) == number]
    assert [values(CONDITIONAL.at(number)) for number in own] == COMBINATIONS


def test_where_a_parameter_is_not_active_its_value_is_none_however_it_is_reached():
    assert values(CONDITIONAL.at(23)) == ("ema", 4, "fast", 2)
    assert values(CONDITIONAL.at(11)) == ("sma", None, None, 2)
    assert values(CONDITIONAL.from_unit([0.4, 0.9, 0.9, 0.9])) == ("sma", None, None, 2)
    assert values(CONDITIONAL.from_unit([0.6, 0.5, 0.9, 0.9])) == ("ema", 3, None, 2)


def test_inactive_params_survive_their_keys():
    keys = [CONDITIONAL.encode(params) for params in CONDITIONAL.combinations()]
    assert keys[0] == (0, None, None, 1)
    assert [values(CONDITIONAL.decode(pickle.loads(pickle.dumps(key)))) for key in keys] == COMBINATIONS
    assert len(set(keys)) == len(COMBINATIONS)


def test_check_takes_none_or_nothing_where_a_parameter_is_not_active():
    expected = {"kind": "sma", "span": None, "decay": None, "days": 1}
    assert CONDITIONAL.check({"kind": "sma", "days": 1.0}) == expected
    assert CONDITIONAL.check(expected) == expected
    assert list(CONDITIONAL.check({"days": 1, "span": 4, "decay": "slow", "kind": "ema"})) == list(expected)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"kind": "sma", "span": 3, "days": 1},
            r"parameter 'span' is 3 where it is not active \(when \"kind == 'ema'\"\): leave it out",
        ),
        ({"kind": "ema", "days": 1}, "parameter 'span' has no value"),
        ({"kind": "ema", "span": None, "days": 1}, "value None is no whole number"),
        ({"kind": "ema", "span": 4, "decay": None, "days": 1}, "None is no choice"),
    ],
)
def test_check_says_what_is_wrong_with_conditional_params(params, message):
    with pytest.raises(InvalidParameter, match=message):
        CONDITIONAL.check(params)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"a": Integer(1, 2), "b": Integer(1, 2, when="aa > 1")}, r"names 'aa', which is no param.*did you mean 'a'"),
        (
            {"a": Integer(1, 2, when="b > 1"), "b": Integer(1, 2)},
            "when 'b > 1' of parameter 'a' names 'b', which does not come before it",
        ),
        ({"a": Integer(1, 2, when="a > 1")}, "when 'a > 1' of parameter 'a' names 'a', which does not come before it"),
        ({"a": Integer(1, 2), "b": Integer(1, 2, when=5)}, "condition 5 is neither a function of the params nor an"),
        ({"a": Integer(1, 2), "b": Integer(1, 2, when="a.real")}, "holds Attribute"),
    ],
)
def test_bad_whens_say_what_is_wrong(parameters, message):
    with pytest.raises(InvalidParameter, match=message):
        ParameterSpace(parameters)


def test_a_function_decides_too_and_sees_the_earlier_parameters():
    seen = []
    when = lambda p: seen.append(dict(p)) or p["a"] == 2  # noqa: E731
    space = ParameterSpace({"a": Integer(1, 2), "b": Integer(7, 8, when=when), "c": Integer(1, 1)})
    assert list(map(values, space.combinations())) == [(1, None, 1), (2, 7, 1), (2, 8, 1)]
    assert seen == [{"a": 1}, {"a": 2}]


def test_a_when_over_an_inactive_parameter_does_not_hold():
    space = ParameterSpace(
        {"a": Integer(1, 2), "b": Integer(1, 2, when="a == 2"), "c": Integer(1, 2, when="b != 1 or a == 1")}
    )
    assert list(map(values, space.combinations())) == [(1, None, None), (2, 1, None), (2, 2, 1), (2, 2, 2)]


def test_an_expression_over_an_inactive_parameter_is_met_and_a_function_sees_none():
    ruled = CONDITIONAL.with_conditions("span > days + 1")
    expected = [row for row in COMBINATIONS if row[1] is None or row[1] > row[3] + 1]
    assert [values(p) for p in CONDITIONAL.combinations() if ruled.allows(p)] == expected
    strict = CONDITIONAL.with_conditions(lambda p: p["span"] is not None)
    assert [values(p) for p in CONDITIONAL.combinations() if strict.allows(p)] == COMBINATIONS[2:]


def test_none_may_be_a_choice_of_what_is_always_active_and_expressions_see_it():
    space = ParameterSpace({"stop": Categorical([None, 5]), "days": Integer(1, 2)}, "stop is None")
    assert [values(p) for p in space.combinations() if space.allows(p)] == [(None, 1), (None, 2)]
    assert space.decode(space.encode({"stop": None, "days": 2})) == {"stop": None, "days": 2}


def test_a_fixed_parameter_stays_and_has_one_value():
    space = SPACE.with_conditions("a > 1").fix({"b": "y", "a": 2.0})
    assert [values(p) for p in space.combinations()] == [(2, "y", 0.0), (2, "y", 0.25), (2, "y", 0.5)]
    assert space.check({"a": 2, "b": "y", "c": 0}) == {"a": 2, "b": "y", "c": 0.0}
    with pytest.raises(InvalidParameter, match="1 is no value of"):
        space.check({"a": 1, "b": "y", "c": 0})
    assert [str(condition) for condition in space.conditions] == ["'a > 1'"]


def test_a_fixed_conditional_parameter_has_its_value_where_it_is_active():
    found = [values(p) for p in CONDITIONAL.fix({"span": 4, "days": 1}).combinations()]
    assert found == [("sma", None, None, 1), ("ema", 4, "slow", 1), ("ema", 4, "fast", 1)]


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"aa": 1}, r"unknown parameter 'aa' \(did you mean 'a'\?\)"),
        ({"a": 4}, "parameter 'a': 4 is no value of Integer"),
    ],
)
def test_only_a_parameters_own_values_can_be_fixed(fixed, message):
    with pytest.raises(InvalidParameter, match=message):
        SPACE.fix(fixed)


class Conditional:
    kind = Categorical(["sma", "ema"])
    span = Integer(2, 4, when="kind == 'ema'")


def test_a_class_declares_conditional_parameters():
    assert [values(p) for p in space_of(Conditional).combinations()] == [
        ("sma", None),
        *(("ema", n) for n in (2, 3, 4)),
    ]


@st.composite
def spaces(draw):
    """Small spaces with conditions of all shapes."""
    parameters = {}
    for name in "abcd"[: draw(st.integers(1, 4))]:
        over = draw(st.sampled_from([None, *parameters]))
        when = None if over is None else f"{over} {draw(st.sampled_from(['==', '<', '>=']))} {draw(st.integers(0, 4))}"
        parameters[name] = Integer(0, draw(st.integers(0, 3)), when=when)
    return ParameterSpace(parameters)


@given(spaces())
def test_combinations_are_the_distinct_ones_of_all_numbers(space):
    raw = list(dict.fromkeys(space.encode(space.at(number)) for number in range(space.size)))
    assert [space.encode(params) for params in space.combinations()] == raw
    assert all(space.check(params) == params for params in space.combinations())
    firsts = [number for number in range(space.size) if space.number(space.at(number)) == number]
    assert [space.encode(space.at(number)) for number in firsts] == raw
