import itertools
import time

import pytest

from rustybt.errors import InvalidParameter
from rustybt.optimization import Float, GridSearch, Integer, ParameterSpace
from tests.optimization.search.contract import FINITE, SearchContract, everything


class TestGridSearch(SearchContract):
    def make(self, trials=None, **options):
        return GridSearch(**options)


def test_the_grid_is_the_product():
    product = itertools.product(range(1, 7), range(2, 9, 2), ["sma", ["ema", 3]])
    assert [tuple(params.values()) for params in everything(GridSearch(), FINITE)] == list(product)


def test_a_huge_grid_is_made_as_it_is_asked_for():
    space = ParameterSpace({name: Integer(1, 10**6) for name in "abcd"}, ["c < d"])
    began = time.perf_counter()
    proposals = GridSearch().begin(space)
    found = [proposal.params for proposal in proposals.ask(2)]
    assert found == [{"a": 1, "b": 1, "c": 1, "d": 2}, {"a": 1, "b": 1, "c": 1, "d": 3}]
    assert proposals.total is None
    assert time.perf_counter() - began < 5


def test_the_total_counts_what_meets_the_conditions():
    assert GridSearch().begin(FINITE).total == 48
    assert GridSearch("fast < slow").begin(FINITE).total == len(everything(GridSearch("fast < slow"), FINITE)) == 30


def test_a_continuum_cannot_be_enumerated():
    with pytest.raises(InvalidParameter, match=r"cannot enumerate 'x': Float\(.*give it a step, or use RandomSearch"):
        GridSearch().begin(ParameterSpace({"x": Float(0, 1)}))
    assert len(everything(GridSearch(), ParameterSpace({"x": Float(0, 1, step=0.25)}))) == 5


def test_a_grid_of_zero_combinations_says_how_many_were_ruled_out():
    with pytest.raises(InvalidParameter, match="a grid of zero combinations: none of 48 meets the conditions"):
        GridSearch("fast > slow + 100").begin(FINITE)
