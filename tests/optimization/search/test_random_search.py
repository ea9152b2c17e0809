import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from rustybt.errors import InvalidParameter
from rustybt.optimization import Float, Integer, ParameterSpace, RandomSearch
from rustybt.optimization.search import random_search
from rustybt.optimization.workers.pool import PersistentWorkerPool
from tests.optimization.search.contract import (
    ALL,
    CONDITIONAL,
    CONTINUOUS,
    FINITE,
    SearchContract,
    distinct,
    everything,
)


class TestRandomSearch(SearchContract):
    spaces = ALL

    def make(self, **options):
        return RandomSearch(**{"trials": 30, "seed": 5, **options})


class TestRandomSearchOfALargeFiniteSpace(SearchContract):
    spaces = (ParameterSpace({"a": Integer(1, 10**5), "b": Integer(1, 10**5)}),)

    def make(self, **options):
        return RandomSearch(**{"trials": 300, "seed": 5, **options})


def test_it_gives_as_many_trials_as_asked_for():
    assert len(everything(RandomSearch(trials=500), CONTINUOUS)) == 500


def test_another_seed_proposes_something_else():
    assert everything(RandomSearch(trials=20, seed=1), CONTINUOUS) != everything(
        RandomSearch(trials=20, seed=2), CONTINUOUS
    )


@pytest.mark.parametrize("space", [FINITE, CONTINUOUS])
def test_more_trials_begin_with_the_same_ones(space):
    assert everything(RandomSearch(trials=40), space)[:10] == everything(RandomSearch(trials=10), space)


def test_a_finite_space_is_exhausted_to_the_last_combination():
    found = everything(RandomSearch(trials=1000), FINITE)
    assert {FINITE.encode(p) for p in found} == {FINITE.encode(FINITE.at(i)) for i in range(48)}
    assert RandomSearch(trials=1000).begin(FINITE).total == 48


def test_a_space_too_large_to_shuffle_ends_when_nothing_new_comes(monkeypatch):
    monkeypatch.setattr(random_search, "MAX_SHUFFLED", 0)
    assert len(everything(RandomSearch(trials=1000), FINITE)) == 48


def test_values_are_spread_as_their_kinds_say():
    trials = everything(RandomSearch(trials=4000, seed=11), CONTINUOUS)
    assert stats.kstest([p["x"] for p in trials], stats.uniform(-1, 2).cdf).pvalue > 0.001
    assert stats.kstest([math.log10(p["rate"]) for p in trials], stats.uniform(-4, 4).cdf).pvalue > 0.001
    counts = np.bincount([p["fast"] for p in trials], minlength=7)[1:]
    assert stats.chisquare(counts).pvalue > 0.001


def test_every_combination_of_a_conditional_space_is_equally_likely():
    firsts = [CONDITIONAL.encode(next(iter(everything(RandomSearch(1, seed), CONDITIONAL)))) for seed in range(1200)]
    counts = Counter(firsts)
    assert counts.keys() == distinct(CONDITIONAL)
    assert stats.chisquare(list(counts.values())).pvalue > 0.001


def test_conditions_do_not_change_the_spread_of_what_remains():
    space = ParameterSpace({"x": Float(0, 1), "y": Float(0, 1)}, ["x < y"])
    xs = [p["x"] for p in everything(RandomSearch(trials=4000, seed=3), space)]
    assert stats.kstest(xs, stats.beta(1, 2).cdf).pvalue > 0.001


def test_a_condition_that_hardly_ever_holds_ends_with_an_error_and_not_in_a_loop():
    space = ParameterSpace({"x": Float(0, 1)}, ["x > 2"])
    with pytest.raises(InvalidParameter, match=r"no combination meets the conditions \('x > 2'\) in 10000 draws"):
        RandomSearch().begin(space)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "trials 0 of RandomSearch is below 1"),
        ({"trials": 2.5}, "trials 2.5 is no whole number"),
        ({"seed": -1}, "seed -1 of RandomSearch is below 0"),
        ({"seed": "x"}, "seed 'x' is no whole number"),
        ({"conditions": 5}, "conditions 5 is neither a condition nor a list"),
    ],
)
def test_bad_options_say_what_is_wrong(options, message):
    with pytest.raises(InvalidParameter, match=message):
        RandomSearch(**options)


def test_the_pool_is_found_beside_it_too():
    assert random_search.PersistentWorkerPool is PersistentWorkerPool
