import itertools
import time

import pytest

from rustybt.errors import InvalidParameter
from rustybt.optimization import Categorical, Float, GridSearch, Integer, ParameterSpace
from tests.optimization.search.contract import CONDITIONAL, FINITE, SearchContract, distinct, everything


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


def test_a_grid_leaves_out_what_differs_only_in_parameters_that_are_not_active():
    numbers = {f"of_{kind}": Integer(1, 1000, when=f"kind == '{kind}'") for kind in "abc"}
    space = ParameterSpace({"kind": Categorical(["a", "b", "c"]), **numbers})
    began = time.perf_counter()
    found = everything(GridSearch(), space)
    assert time.perf_counter() - began < 5
    assert len(found) == 3000
    assert found[1000] == {"kind": "b", "of_a": None, "of_b": 1, "of_c": None}


def test_the_total_counts_what_meets_the_conditions():
    assert GridSearch().begin(FINITE).total == 48
    assert GridSearch().begin(CONDITIONAL).total == len(distinct(CONDITIONAL)) == 4 * (4 + 1 + 3 * 3 + 1)
    assert GridSearch("fast < slow").begin(FINITE).total == len(everything(GridSearch("fast < slow"), FINITE)) == 30


def test_a_continuum_cannot_be_enumerated():
    with pytest.raises(InvalidParameter, match=r"cannot enumerate 'x': Float\(.*give it a step, or use RandomSearch"):
        GridSearch().begin(ParameterSpace({"x": Float(0, 1)}))
    assert len(everything(GridSearch(), ParameterSpace({"x": Float(0, 1, step=0.25)}))) == 5


def test_a_grid_of_zero_combinations_says_how_many_were_ruled_out():
    with pytest.raises(InvalidParameter, match="a grid of zero combinations: none of 48 meets the conditions"):
        GridSearch("fast > slow + 100").begin(FINITE)
