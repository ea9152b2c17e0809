"""What every search class must do; each member's test module inherits `SearchContract`.

A member overrides `make`, which builds the search with some 15 to 30 trials by default and takes the options `trials`,
`seed` and `conditions` (a search without the first two drops them). Where the search takes a continuum it sets
`spaces = ALL`. A search with budgets sets `exhausts = False`.
"""

import math
import random
from collections.abc import Callable
from functools import cache

import pytest

from rustybt.errors import InvalidParameter
from rustybt.optimization import Categorical, Float, Integer, ParameterSpace
from rustybt.optimization.schedule import Schedule
from rustybt.optimization.search import Feedback, Proposal, Search

FINITE = ParameterSpace(
    {"fast": Integer(1, 6), "slow": Integer(2, 8, step=2), "kind": Categorical(["sma", ["ema", 3]])}
)
CONDITIONAL = ParameterSpace(
    {
        "kind": Categorical(["sma", "ema", "none"]),
        "span": Integer(2, 5, when="kind != 'none'"),
        "decay": Float(0.1, 0.3, step=0.1, when="kind == 'ema' and span > 2"),
        "days": Integer(1, 4),
    }
)
CONTINUOUS = ParameterSpace({"fast": Integer(1, 6), "rate": Float(1e-4, 1.0, log=True), "x": Float(-1.0, 1.0)})
BRANCHED = ParameterSpace(
    {"kind": Categorical(["a", "b"]), "x": Float(0, 1, when="kind == 'a'"), "n": Integer(0, 9)}, "x < 0.8 and n < 9"
)
ALL = (FINITE, CONDITIONAL, CONTINUOUS, BRANCHED)


def unit_of(value) -> float:
    """Place a value in [0, 1), in no particular order for what is no number."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else len(repr(value)) * 0.37
    return number / 7 % 1


def bowl(params: dict, objectives: int = 1) -> Feedback:
    """Give distances from points inside the space: smooth along a number, another for each objective."""
    units = [unit_of(value) for value in params.values()]
    return Feedback(tuple(sum((unit - 0.3 - 0.4 * i) ** 2 for unit in units) for i in range(objectives)))


def play(
    search: Search,
    space: ParameterSpace,
    feedback: Callable[[dict, int], Feedback] = bowl,
    *,
    objectives: int = 1,
    workers: int = 1,
    at_once: int = 1,
    seed: int | None = None,
) -> list[Proposal]:
    """Run a whole pass with workers that take up to `at_once` proposals and, with a seed, come back in random order."""
    schedule, chance, out = Schedule(search.begin(space, objectives)), random.Random(seed), []
    while True:
        while len(out) < workers and (taken := schedule.take(at_once if seed is None else chance.randint(1, at_once))):
            out += taken
        if not out:
            assert schedule.has_ended
            assert schedule.take(5) == schedule.proposals.ask(5) == []
            return schedule.proposed
        assert len(schedule.proposed) < 5000, "a pass ends"
        number, proposal = out.pop(0 if seed is None else chance.randrange(len(out)))
        schedule.hear(number, feedback(proposal.params, objectives))


def everything(search: Search, space: ParameterSpace) -> list[dict]:
    return [proposal.params for proposal in play(search, space)]


def distinct(space: ParameterSpace) -> set:
    """Enumerate a finite space's allowed combinations from its numbers."""
    return {space.encode(params) for params in map(space.at, range(space.size)) if space.allows(params)}


class SearchContract:
    """Override `make`; `spaces` where the search takes more than finite ones."""

    spaces = (FINITE, CONDITIONAL)
    exhausts = True

    def make(self, **options) -> Search:
        raise NotImplementedError

    @classmethod
    @cache
    def alone(cls, space: ParameterSpace) -> tuple[Proposal, ...]:
        """Give what one worker that takes one proposal at a time sees: what every other way is compared with."""
        return tuple(play(cls().make(), space))

    def test_every_proposal_is_in_bounds_and_order_and_under_the_conditions(self):
        for space in self.spaces:
            for params, _ in self.alone(space):
                assert list(space.check(params).items()) == list(params.items())

    def test_no_proposal_comes_twice_at_one_budget(self):
        for space in self.spaces:
            keys = [(space.encode(params), budget) for params, budget in self.alone(space)]
            assert len(set(keys)) == len(keys) > 0

    @pytest.mark.parametrize("workers", [2, 5, 40])
    def test_proposals_depend_neither_on_workers_nor_on_who_comes_back_first(self, workers):
        for seed, space in enumerate(self.spaces):
            found = play(self.make(), space, workers=workers, at_once=4, seed=seed)
            assert tuple(found) == self.alone(space)

    def test_proposals_do_not_depend_on_how_many_are_asked_for_at_once(self):
        for space in self.spaces:
            for at_once in (3, 1000):
                assert tuple(play(self.make(), space, at_once=at_once)) == self.alone(space)

    def test_every_pass_begins_anew(self):
        search = self.make()
        for space in self.spaces:
            search.begin(space).ask(3)
            for _ in range(2):
                assert tuple(play(search, space)) == self.alone(space)

    def test_the_total_is_never_too_low(self):
        for space in self.spaces:
            proposals = self.make().begin(space)
            assert proposals.total is None or proposals.total >= len(self.alone(space))

    @pytest.mark.parametrize("space", [FINITE, CONDITIONAL, FINITE.with_conditions("fast < slow")])
    def test_a_small_space_is_exhausted_to_the_last_combination_and_then_the_pass_ends(self, space):
        if not self.exhausts:
            pytest.skip("its pass may end before the space does")
        found = [space.encode(params) for params in everything(self.make(trials=1000), space)]
        assert len(found) == len(set(found))
        assert set(found) == distinct(space)

    @pytest.mark.parametrize("condition", ["fast < slow", lambda p: p["fast"] < p["slow"]])
    def test_conditions_hold_whether_the_space_or_the_search_has_them(self, condition):
        theirs = everything(self.make(), FINITE.with_conditions([condition]))
        ours = everything(self.make(conditions=condition), FINITE)
        assert ours == theirs
        assert all(params["fast"] < params["slow"] for params in ours)

    def test_conditions_that_nothing_meets_are_an_error_when_the_pass_begins(self):
        with pytest.raises(InvalidParameter, match=r"'fast > 100'.*widen the ranges or drop a condition"):
            self.make(conditions="fast > 100").begin(FINITE)

    def test_a_space_without_parameters_is_one_combination(self):
        proposals = play(self.make(), ParameterSpace({}))
        assert [params for params, _ in proposals] == [{}] * len({budget for _, budget in proposals})

    def test_a_parameter_with_one_value_has_it(self):
        space = CONDITIONAL.fix({"kind": "sma", "days": 2})
        found = everything(self.make(), space)
        assert len(found) >= 4
        assert all(params["kind"] == "sma" and params["days"] == 2 and params["decay"] is None for params in found)

    def test_what_is_enqueued_comes_first_and_once(self):
        good = {"fast": 3.0, "slow": 6, "kind": ["ema", 3]}
        search = self.make().enqueue(good).enqueue({"fast": 1, "slow": 2, "kind": "sma"}).enqueue(good)
        proposals = play(search, FINITE)
        assert [params for params, _ in proposals[:2]] == [good, {"fast": 1, "slow": 2, "kind": "sma"}]
        keys = [(FINITE.encode(params), budget) for params, budget in proposals]
        assert len(set(keys)) == len(keys)

    def test_what_is_enqueued_is_checked_when_the_pass_begins(self):
        with pytest.raises(InvalidParameter, match="unknown parameter 'quick'.*|parameter 'fast' has no value"):
            self.make().enqueue({"quick": 1}).begin(FINITE)

    def test_several_objectives_are_followed_or_refused(self):
        search = self.make()
        if search.max_objectives is None:
            for space in self.spaces:
                alone = play(search, space, objectives=2)
                assert play(search, space, objectives=2, workers=5, at_once=3, seed=1) == alone
        else:
            with pytest.raises(InvalidParameter, match="follows 1 objective at a time and was given 2"):
                search.begin(FINITE, objectives=2)

    @pytest.mark.parametrize("losses", [math.nan, math.inf, -math.inf, 1e308, 0.0])
    def test_trials_without_a_score_or_with_an_extreme_one_do_not_break_it(self, losses):
        def feedback(params, objectives):
            return Feedback((losses,)) if unit_of(params[first]) < 0.5 else bowl(params)

        for space in self.spaces:
            first = space.names[0]
            found = play(self.make(), space, feedback, workers=5)
            assert len(found) > 1
            if math.isnan(losses):
                assert found == play(self.make(), space, feedback)

    def test_no_score_at_all_does_not_break_it(self):
        for space in self.spaces:
            assert len(play(self.make(), space, lambda params, objectives: Feedback((math.nan,)))) > 1

    @pytest.mark.parametrize("missed", [0.25, math.nan, math.inf, 1e308])
    def test_missed_constraints_do_not_break_it(self, missed):
        def feedback(params, objectives):
            return bowl(params)._replace(violations=(missed if unit_of(params[first]) < 0.5 else -1.0, missed))

        for space in self.spaces:
            first = space.names[0]
            assert len(play(self.make(), space, feedback)) > 1
