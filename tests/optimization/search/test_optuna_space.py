import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from rustybt.optimization import Categorical, Float, Integer, ParameterSpace
from rustybt.optimization.search.optuna_proposals import quiet
from rustybt.optimization.search.optuna_space import distributions_of, params_of, values_of
from tests.optimization.search.contract import CONDITIONAL, FINITE

SPACE = ParameterSpace(
    {
        "fast": Integer(5, 52, step=5),
        "threshold": Float(0.1, 0.7, step=0.1),
        "rate": Float(1e-4, 1.0, log=True),
        "x": Float(-1, 1),
        "one": Float(0.3, 0.3),
        "basket": Categorical([["AAPL"], {"MSFT": 1}, None]),
    }
)


def test_finite_numbers_and_choices_travel_as_places_and_continua_as_themselves():
    assert distributions_of(SPACE) == {
        "fast": IntDistribution(0, 9),
        "threshold": IntDistribution(0, 6),
        "rate": FloatDistribution(1e-4, 1.0, log=True),
        "x": FloatDistribution(-1.0, 1.0),
        "one": IntDistribution(0, 0),
        "basket": CategoricalDistribution((0, 1, 2)),
    }


def test_values_lead_back_to_the_same_params_with_exact_decimals():
    params = {"fast": 50, "threshold": 0.3, "rate": 0.01, "x": -0.0, "one": 0.3, "basket": None}
    values = values_of(SPACE, SPACE.check(params))
    assert values == {"fast": 9, "threshold": 2, "rate": 0.01, "x": 0.0, "one": 0, "basket": 2}
    assert params_of(SPACE, values) == params
    assert params_of(SPACE, {**values, "threshold": 6.0})["threshold"] == 0.7


@given(st.integers(0, 10**6))
def test_what_optuna_draws_is_in_the_space(seed):
    with quiet():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    params = params_of(SPACE, study.ask(distributions_of(SPACE)).params)
    assert SPACE.check(params) == params
    assert list(params) == list(SPACE.names)


@pytest.mark.parametrize("space", [FINITE, CONDITIONAL])
def test_every_combination_survives_the_way_there_and_back(space):
    for params in space.combinations():
        values = values_of(space, params)
        assert params_of(space, values) == params
        assert values.keys() == {name for name, value in params.items() if value is not None}


def test_what_is_not_active_has_no_value_there_and_is_dropped_on_the_way_back():
    params = {"kind": "none", "span": None, "decay": None, "days": 3}
    assert values_of(CONDITIONAL, params) == {"kind": 2, "days": 2}
    assert params_of(CONDITIONAL, {"kind": 2, "days": 2, "span": 1, "decay": 0}) == params
