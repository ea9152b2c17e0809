"""What every search class must do; each member's test module inherits `SearchContract`."""

import itertools

import pytest

from rustybt.errors import InvalidParameter
from rustybt.optimization import Categorical, Float, Integer, ParameterSpace
from rustybt.optimization.search import Search

FINITE = ParameterSpace(
    {"fast": Integer(1, 6), "slow": Integer(2, 8, step=2), "kind": Categorical(["sma", ["ema", 3]])}
)


def everything(search: Search, space: ParameterSpace, at_once: int = 7) -> list[dict]:
    proposals = search.begin(space)
    batches = iter(lambda: proposals.ask(at_once), [])
    return list(itertools.chain.from_iterable(batches))


class SearchContract:
    """Override `make`; `spaces` where the search takes more than finite ones."""

    spaces = (FINITE,)

    def make(self, **options) -> Search:
        raise NotImplementedError

    def test_every_proposal_is_in_bounds_and_order(self):
        for space in self.spaces:
            for params in everything(self.make(), space):
                assert list(space.check(params).items()) == list(params.items())

    def test_no_proposal_comes_twice(self):
        for space in self.spaces:
            keys = [space.encode(params) for params in everything(self.make(), space)]
            assert len(set(keys)) == len(keys) > 0

    def test_proposals_do_not_depend_on_how_many_are_asked_for_at_once(self):
        for space in self.spaces:
            assert everything(self.make(), space, 1) == everything(self.make(), space, 1000)

    def test_every_pass_begins_anew(self):
        search = self.make()
        for space in self.spaces:
            assert everything(search, space) == everything(search, space)

    def test_the_end_stays_the_end(self):
        proposals = self.make().begin(FINITE)
        while proposals.ask(5):
            pass
        assert proposals.ask(5) == []

    def test_the_total_is_never_too_low(self):
        for space in self.spaces:
            proposals = self.make().begin(space)
            assert proposals.total is None or proposals.total >= len(everything(self.make(), space))

    @pytest.mark.parametrize("condition", ["fast < slow", lambda p: p["fast"] < p["slow"]])
    def test_conditions_hold_whether_the_space_or_the_search_has_them(self, condition):
        theirs = everything(self.make(), FINITE.with_conditions([condition]))
        ours = everything(self.make(conditions=condition), FINITE)
        assert ours == theirs
        assert all(params["fast"] < params["slow"] for params in ours)

    def test_conditions_that_nothing_meets_are_an_error_when_the_pass_begins(self):
        with pytest.raises(InvalidParameter, match=r"'fast > 100'.*widen the ranges or drop a condition"):
            self.make(conditions="fast > 100").begin(FINITE)

    def test_a_space_without_parameters_is_one_proposal(self):
        assert everything(self.make(), ParameterSpace({})) == [{}]


CONTINUOUS = ParameterSpace({"fast": Integer(1, 6), "rate": Float(1e-4, 1.0, log=True), "x": Float(-1.0, 1.0)})
