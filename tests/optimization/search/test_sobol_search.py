import itertools

import pytest
from scipy.stats import qmc

from rustybt.errors import InvalidParameter
from rustybt.optimization import Float, Integer, ParameterSpace, RandomSearch
from rustybt.optimization.search import SobolSearch, random_search, sobol_search
from tests.optimization.search.contract import ALL, FINITE, SearchContract, distinct, everything
from tests.optimization.search.learning import SQUARE


class TestSobolSearch(SearchContract):
    spaces = ALL

    def make(self, **options):
        return SobolSearch(**{"trials": 30, "seed": 5, **options})


class TestSobolSearchOfALargeFiniteSpace(SearchContract):
    spaces = (ParameterSpace({"a": Integer(1, 10**5), "b": Integer(1, 10**5)}),)

    def make(self, **options):
        return SobolSearch(**{"trials": 300, "seed": 5, **options})


def points(search, space=SQUARE):
    return [tuple(params.values()) for params in everything(search, space)]


@pytest.mark.parametrize("seed", [0, 1, 2**80])
def test_every_part_of_the_square_of_a_power_of_two_has_its_share(seed):
    found = points(SobolSearch(64, seed))
    for rows, columns in ((1, 64), (2, 32), (4, 16), (8, 8), (16, 4), (64, 1)):
        cells = {(int(x * rows), int(y * columns)) for x, y in found}
        assert cells == set(itertools.product(range(rows), range(columns)))


def test_gaps_are_smaller_than_those_of_chance():
    assert qmc.discrepancy(points(SobolSearch(128))) < 0.2 * qmc.discrepancy(points(RandomSearch(128)))


def test_values_of_integers_come_equally_often():
    found = [row[0] for row in points(SobolSearch(1024), ParameterSpace({"n": Integer(1, 8), "x": Float(0, 1)}))]
    assert [found.count(n) for n in range(1, 9)] == [128] * 8


@pytest.mark.parametrize("space", ALL)
def test_more_trials_begin_with_the_same_ones(space):
    assert everything(SobolSearch(40), space)[:10] == everything(SobolSearch(10), space)


def test_any_number_of_trials_is_given_beyond_what_is_drawn_at_once():
    found = points(SobolSearch(700))
    assert len(set(found)) == 700
    assert points(SobolSearch(700, seed=1)) != found


def test_a_finite_space_that_is_drawn_in_vain_is_completed(monkeypatch):
    monkeypatch.setattr(random_search, "MAX_TRIES", 1)
    found = [FINITE.encode(params) for params in everything(SobolSearch(1000), FINITE)]
    assert len(found) == len(set(found)) == 48
    assert set(found) == distinct(FINITE)


def test_a_space_too_large_to_enumerate_ends_when_nothing_new_comes(monkeypatch):
    monkeypatch.setattr(random_search, "MAX_SHUFFLED", 0)
    monkeypatch.setattr(random_search, "MAX_TRIES", 1)
    assert 0 < len(everything(SobolSearch(1000), FINITE)) < 48


def test_a_condition_that_never_holds_ends_with_an_error_and_not_in_a_loop():
    with pytest.raises(InvalidParameter, match=r"no combination meets the conditions \('x > 2'\) in 10000 draws"):
        SobolSearch().begin(ParameterSpace({"x": Float(0, 1)}, ["x > 2"]))


def test_points_are_drawn_at_numbers_at_which_they_are_balanced():
    assert sobol_search.DRAWN_AT_ONCE & (sobol_search.DRAWN_AT_ONCE - 1) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "trials 0 of SobolSearch is below 1"),
        ({"seed": -1}, "seed -1 of SobolSearch is below 0"),
        ({"seed": "x"}, "seed 'x' is no whole number"),
    ],
)
def test_bad_options_say_what_is_wrong(options, message):
    with pytest.raises(InvalidParameter, match=message):
        SobolSearch(**options)
