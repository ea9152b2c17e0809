from collections import Counter
from statistics import mean

import pytest

from rustybt.errors import InvalidParameter
from rustybt.optimization import Categorical, Float, Integer, ParameterSpace
from rustybt.optimization.search import CMAESSearch, Feedback
from tests.optimization.search.contract import ALL, SearchContract, play
from tests.optimization.search.learning import (
    SQUARE,
    distance,
    last,
    to_failing_point,
    to_forbidden_point,
    to_point,
)


class TestCMAESSearch(SearchContract):
    spaces = ALL

    def make(self, **options):
        return CMAESSearch(**{"trials": 30, "seed": 5, **options})


def test_it_narrows_to_the_best_place():
    found = last(CMAESSearch(200), to_point, 20)
    assert max(map(distance, found)) < 0.02


def test_it_comes_to_the_edge_of_a_constraint():
    found = last(CMAESSearch(200), to_forbidden_point, 20)
    assert min(abs(params["x"] - 0.5) + abs(params["y"] - 0.3) for params in found if params["x"] <= 0.5) < 0.02


def test_it_comes_to_the_edge_of_where_trials_fail():
    found = last(CMAESSearch(200), to_failing_point, 20)
    assert min(abs(params["x"] - 0.5) + abs(params["y"] - 0.3) for params in found) < 0.05


def test_choices_are_drawn_at_random():
    space = ParameterSpace({**SQUARE.parameters, "kind": Categorical(["a", "b"])})
    counts = Counter(params["kind"] for params in last(CMAESSearch(100), to_point, 100, space))
    assert min(counts.values()) > 30


@pytest.mark.parametrize(
    ("parameters", "population"),
    [
        ({"x": Float(0, 1)}, 4),
        ({"x": Float(0, 1), "n": Integer(1, 9)}, 6),
        ({"x": Float(0, 1), "n": Integer(1, 9), "k": Categorical(["a", "b"]), "one": Integer(3, 3)}, 6),
        ({name: Float(0, 1) for name in "abcdefghij"}, 10),
        ({"k": Categorical(range(1000))}, 4),
    ],
)
def test_the_population_grows_with_the_number_of_numbers(parameters, population):
    proposals = CMAESSearch().begin(ParameterSpace(parameters))
    assert proposals.lookahead == population
    assert len(proposals.ask(100)) == population


def test_a_small_grid_of_numbers_is_found_and_then_left_to_chance():
    space = ParameterSpace({"a": Integer(1, 30), "b": Integer(1, 30)})

    def feedback(params, objectives):
        return Feedback((abs(params["a"] - 20.0) + abs(params["b"] - 9.0),))

    search = CMAESSearch(120)
    played = play(search, space, feedback)
    assert {"a": 20, "b": 9} in [params for params, _ in played]
    assert len(played) == 120


def test_a_point_that_was_enqueued_draws_the_next_generation_towards_it():
    def middle_of_the_second_generation(search):
        found = last(search, to_point, 8)
        return distance({name: mean(params[name] for params in found) for name in "xy"})

    good = {"x": 0.8, "y": 0.3}
    without = [middle_of_the_second_generation(CMAESSearch(16, seed, 8)) for seed in range(12)]
    with_it = [middle_of_the_second_generation(CMAESSearch(16, seed, 8).enqueue(good)) for seed in range(12)]
    assert mean(with_it) < 0.9 * mean(without)


def test_bad_options_say_what_is_wrong():
    with pytest.raises(InvalidParameter, match="population 2 of CMAESSearch is below 3"):
        CMAESSearch(population=2)
