import dataclasses
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.errors import InvalidParameter, ParameterNotSet
from rustybt.optimization import Categorical, Float, Integer
from rustybt.optimization.parameters import Parameter

UNITS = st.floats(0, 1, exclude_max=True)
KINDS = st.one_of(
    st.builds(
        lambda low, width, step: Integer(low, low + width, step=step),
        st.integers(-(10**6), 10**6),
        st.integers(0, 10**6),
        st.integers(1, 1000),
    ),
    st.builds(lambda low, width: Float(low, low + width), st.floats(-1e9, 1e9), st.floats(0, 1e9)),
    st.builds(lambda low, factor: Float(low, low * factor, log=True), st.floats(1e-9, 1e9), st.floats(1, 1e9)),
    st.builds(
        lambda low, steps, step: Float(low / 100, low / 100 + steps * step / 100, step=step / 100),
        st.integers(-1000, 1000),
        st.integers(0, 1000),
        st.integers(1, 50),
    ),
    st.builds(Categorical, st.lists(st.one_of(st.text(), st.integers(), st.none()), min_size=1, unique_by=repr)),
)


@given(KINDS, UNITS)
def test_every_point_of_the_unit_interval_is_a_value_and_survives_its_key(parameter, unit):
    value = parameter.from_unit(unit)
    assert parameter.check(value) == value
    assert parameter.from_key(pickle.loads(pickle.dumps(parameter.key(value)))) == value
    hash(parameter.key(value))


@given(KINDS, UNITS)
def test_a_values_number_gives_it_back(parameter, unit):
    if parameter.size is not None:
        index = int(unit * parameter.size)
        assert parameter.index(parameter.at(index)) == index


@given(KINDS, UNITS)
def test_only_one_value_may_be_left(parameter, unit):
    value = parameter.from_unit(unit)
    only = parameter.only(value)
    assert (type(only), only.size, only.at(0), only.when) == (type(parameter), 1, value, None)


@given(KINDS)
def test_the_unit_interval_reaches_both_ends(parameter):
    last = math.nextafter(1, 0)
    if parameter.size is None:
        assert parameter.from_unit(0.0) == pytest.approx(parameter.low)
        assert parameter.from_unit(last) == pytest.approx(parameter.high)
    else:
        assert parameter.from_unit(0.0) == parameter.at(0)
        assert parameter.from_unit(last) == parameter.at(parameter.size - 1)


def test_integers_are_uniform_over_their_values():
    die = Integer(1, 6)
    counts = [0] * 7
    for i in range(6000):
        counts[die.from_unit(i / 6000)] += 1
    assert counts == [0] + [1000] * 6


def test_a_logarithmic_float_gives_every_decade_the_same_share():
    rate = Float(1e-4, 1.0, log=True)
    decades = [math.floor(math.log10(rate.from_unit((i + 0.5) / 4000))) for i in range(4000)]
    assert [decades.count(d) for d in (-4, -3, -2, -1)] == [1000] * 4


def test_a_step_that_misses_high_leaves_it_out():
    assert [Integer(5, 12, step=3).at(i) for i in range(3)] == [5, 8, 11]
    assert Integer(5, 12, step=3).size == 3
    assert Float(0.0, 1.0, step=0.3).size == 4


def test_float_steps_are_exact_decimals():
    values = [Float(0.1, 0.7, step=0.1).at(i) for i in range(7)]
    assert values == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


def test_negative_zero_is_zero():
    assert math.copysign(1, Float(-0.0, 1.0).check(-0.0)) == 1
    assert math.copysign(1, Float(-1.0, 1.0, step=0.5).at(2)) == 1


def test_a_whole_float_is_an_integers_value():
    value = Integer(1, 9).check(5.0)
    assert value == 5 and type(value) is int


def test_true_is_not_the_choice_one():
    mixed = Categorical([1, True])
    assert (mixed.key(1), mixed.key(True)) == (0, 1)


def test_choices_may_be_arrays():
    weights = Categorical([np.array([0.5, 0.5]), np.array([0.2, 0.8]), [0.2, 0.8]])
    assert (weights.key(np.array([0.2, 0.8])), weights.key([0.2, 0.8])) == (1, 2)


def test_choices_may_be_unhashable():
    baskets = Categorical([["AAPL"], ["AAPL", "MSFT"]])
    assert baskets.from_key(baskets.key(["AAPL", "MSFT"])) == ["AAPL", "MSFT"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Integer(50, 5), r"Integer\(low=50, high=5, step=1\) is empty: low 50 is above high 5"),
        (lambda: Integer(1, 5, step=0), r"step 0 of Integer\(.*\) is not above 0"),
        (lambda: Integer(1.5, 5), "low 1.5 is no whole number"),
        (lambda: Integer(True, 5), "low True is no whole number"),
        (lambda: Integer("1", 5), "low '1' is no whole number"),
        (lambda: Float(2.0, 1.0), "is empty: low 2.0 is above high 1.0"),
        (lambda: Float(0.0, math.inf), "high inf is no finite number"),
        (lambda: Float(0.0, math.nan), "high nan is no finite number"),
        (lambda: Float("a", 1.0), "low 'a' is no finite number"),
        (lambda: Float(0.0, 1.0, log=True), "low 0.0 of a logarithmic Float is not above 0"),
        (lambda: Float(0.1, 1.0, log=True, step=0.1), "log=True and step=0.1 exclude one another"),
        (lambda: Float(0.0, 1.0, step=-0.1), "step -0.1 of .* is not above 0"),
        (lambda: Categorical([]), "has no choice"),
        (lambda: Categorical("abc"), "choices 'abc' is no list of values"),
        (lambda: Categorical(["a", "b", "a"]), "choice 'a' stands twice"),
        (
            lambda: Categorical([None, 1], when="fast > 3"),
            r"choice None of .*when='fast > 3'\) looks like an inact",
        ),
        (lambda: Integer(1, 9, step=2).check(4), "4 is no value of Integer"),
        (lambda: Integer(1, 9).only(10), "10 is no value of Integer"),
        (lambda: Float(0.0, 1.0, step=0.25).check(0.3), "0.3 is no value of Float"),
        (lambda: Categorical(["close", "open"]).check("clos"), r"'clos' is no choice of .*did you mean 'close'"),
        (lambda: Float(0.0, 1.0).at(0) if Float(0.0, 1.0).finite_size() else None, "is a continuum"),
    ],
)
def test_bad_parameters_say_what_is_wrong(make, message):
    with pytest.raises(InvalidParameter, match=message):
        make()


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        (Integer(1, 9), "Integer(low=1, high=9, step=1)"),
        (Integer(1, 9, when="kind == 'ema'"), """Integer(low=1, high=9, step=1, when="kind == 'ema'")"""),
        (Float(0, 1, when="kind"), "Float(low=0.0, high=1.0, log=False, step=None, when='kind')"),
        (Categorical(["a"], when="kind"), "Categorical(choices=('a',), when='kind')"),
    ],
)
def test_a_condition_is_a_part_of_a_parameter(parameter, text):
    assert repr(parameter) == text
    assert parameter == pickle.loads(pickle.dumps(parameter))
    assert hash(parameter) == hash(pickle.loads(pickle.dumps(parameter)))
    assert (parameter == dataclasses.replace(parameter, when=None)) is (parameter.when is None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        parameter.when = "other"


class Crossover:
    fast = Integer(5, 50)


def test_on_the_class_a_parameter_is_itself():
    assert isinstance(Crossover.fast, Parameter)
    assert Crossover.fast == Integer(5, 50)


def test_an_instance_without_a_value_says_which_and_how():
    with pytest.raises(
        ParameterNotSet, match=r"parameter 'fast' of Crossover has no value: pass Crossover\(fast=\.\.\.\)"
    ):
        _ = Crossover().fast
    assert not hasattr(Crossover(), "fast")


def test_an_instance_with_a_value_has_it():
    crossover = Crossover()
    crossover.fast = 7
    assert crossover.fast == 7
