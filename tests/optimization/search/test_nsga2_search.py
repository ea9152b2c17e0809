import pytest

from rustybt.errors import InvalidParameter
from rustybt.optimization.search import NSGA2Search, RandomSearch
from tests.optimization.search.contract import ALL, FINITE, SearchContract, play
from tests.optimization.search.learning import (
    SQUARE,
    distance,
    last,
    to_forbidden_point,
    to_point,
    to_two_points,
    volume,
    volume_of,
)


class TestNSGA2Search(SearchContract):
    spaces = ALL

    def make(self, **options):
        return NSGA2Search(**{"trials": 30, "seed": 5, "population": 8, **options})


def test_the_volume_that_tests_compare_is_a_hand_worked_one():
    assert volume([(0.5, 0.5)]) == 0.25
    assert volume([(0.25, 0.75), (0.5, 0.5), (0.75, 0.25), (0.9, 0.9), (0.2, 2.0)]) == 0.375


def test_it_finds_better_trade_offs_than_chance():
    volumes = [(volume_of(NSGA2Search(100, seed)), volume_of(RandomSearch(100, seed))) for seed in range(5)]
    assert sum(bred > by_chance for bred, by_chance in volumes) == 5


def test_it_covers_the_whole_line_of_trade_offs():
    found = last(NSGA2Search(200), to_two_points, 60, objectives=2)
    near = [params["x"] for params in found if abs(params["y"] - 0.3) < 0.1]
    assert all(any(abs(x - goal) < 0.1 for x in near) for goal in (0.2, 0.35, 0.5, 0.65, 0.8))


def test_it_follows_one_objective_too():
    found = last(NSGA2Search(150), to_point, 20)
    assert sum(distance(params) < 0.2 for params in found) >= 10


def test_it_breeds_what_meets_the_constraints():
    found = last(NSGA2Search(150), to_forbidden_point, 20)
    assert sum(params["x"] <= 0.5 for params in found) >= 12


def test_the_first_generation_is_what_random_search_would_try():
    assert play(NSGA2Search(12, seed=3, population=12), FINITE) == play(RandomSearch(12, seed=3), FINITE)


def test_the_population_is_how_many_may_be_under_way():
    proposals = NSGA2Search(population=7).begin(SQUARE, objectives=2)
    assert proposals.lookahead == len(proposals.ask(100)) == 7


@pytest.mark.parametrize(("trials", "population"), [(5, 10), (100, 10), (250, 25), (10_000, 50)])
def test_the_population_is_a_tenth_of_the_trials_within_limits(trials, population):
    assert NSGA2Search(trials).begin(SQUARE, objectives=2).lookahead == population


def test_bad_options_say_what_is_wrong():
    with pytest.raises(InvalidParameter, match="population 1 of NSGA2Search is below 2"):
        NSGA2Search(population=1)
