from statistics import median

import pytest

from rustybt.errors import InvalidParameter
from rustybt.optimization.search import BayesianSearch, RandomSearch
from tests.optimization.search.contract import ALL, FINITE, SearchContract, play
from tests.optimization.search.learning import (
    SQUARE,
    distance,
    last,
    to_failing_point,
    to_forbidden_point,
    to_point,
    volume_of,
)


class TestBayesianSearch(SearchContract):
    spaces = ALL

    def make(self, **options):
        return BayesianSearch(**{"trials": 16, "seed": 5, "startup": 4, **options})


def test_it_comes_closer_than_chance():
    assert median(map(distance, last(BayesianSearch(60), to_point, 20))) < 0.2
    assert median(map(distance, last(RandomSearch(60), to_point, 20))) > 0.4


def test_it_keeps_within_a_constraint_and_goes_to_its_edge():
    found = last(BayesianSearch(60), to_forbidden_point, 20)
    assert sum(params["x"] <= 0.5 for params in found) >= 12
    assert any(0.4 < params["x"] <= 0.5 and abs(params["y"] - 0.3) < 0.1 for params in found)


def test_it_avoids_where_trials_fail():
    found = last(BayesianSearch(60), to_failing_point, 20)
    assert sum(params["x"] <= 0.5 for params in found) >= 12


def test_it_learns_what_conditions_refuse():
    space = SQUARE.with_conditions("x + y < 0.4")
    found = last(BayesianSearch(50), to_point, 15, space)
    assert min(map(distance, found)) < 0.55, "the best allowed one is at 0.495 from the goal"


def test_it_follows_two_objectives():
    volumes = [(volume_of(BayesianSearch(40, seed)), volume_of(RandomSearch(40, seed))) for seed in range(3)]
    assert all(learned > by_chance for learned, by_chance in volumes)


def test_it_begins_with_what_random_search_would_try():
    assert play(BayesianSearch(20, seed=3), FINITE)[:10] == play(RandomSearch(10, seed=3), FINITE)


@pytest.mark.parametrize("lookahead", [1, 3, 16])
def test_the_lookahead_is_how_many_may_be_under_way(lookahead):
    assert BayesianSearch(lookahead=lookahead).begin(SQUARE).lookahead == lookahead


@pytest.mark.parametrize("option", ["startup", "lookahead"])
def test_bad_options_say_what_is_wrong(option):
    with pytest.raises(InvalidParameter, match=f"{option} 0 of BayesianSearch is below 1"):
        BayesianSearch(**{option: 0})
