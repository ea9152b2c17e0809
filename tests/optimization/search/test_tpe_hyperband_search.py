import math
from collections import Counter

import pytest

from rustybt.errors import InvalidParameter
from rustybt.optimization import Float, Integer, ParameterSpace
from rustybt.optimization.search import Feedback, TPEHyperbandSearch
from tests.optimization.search.contract import ALL, FINITE, SearchContract, distinct, play

SPACE = ParameterSpace({"x": Float(-1.0, 1.0), "n": Integer(1, 100)})


class TestTPEHyperbandSearch(SearchContract):
    spaces = ALL
    exhausts = False

    def make(self, trials=15, seed=5, **options):
        return TPEHyperbandSearch(trials=trials, seed=seed, blocks=9, **options)


def budgets_of(proposals):
    """Give the budgets of each combination in the order of proposal; the whole is None."""
    found = {}
    for params, budget in proposals:
        found.setdefault(tuple(params.values()), []).append(budget)
    return found


def quadratic(params, objectives):
    return Feedback((params["x"] ** 2 + (params["n"] / 100) ** 2,))


def test_a_combination_climbs_budget_by_budget_until_it_is_pruned():
    found = budgets_of(play(TPEHyperbandSearch(trials=60, seed=1), SPACE, quadratic))
    assert len(found) == 60
    ladder = [1, 3, 9, None]
    assert all(budgets == ladder[: len(budgets)] for budgets in found.values())
    reached = Counter(map(len, found.values()))
    assert reached[1] > 0 and 0 < reached[4] < 60


def test_what_goes_on_is_better_than_what_is_pruned():
    found = budgets_of(play(TPEHyperbandSearch(trials=90, seed=2), SPACE, quadratic))
    losses = {length: [] for length in range(1, 5)}
    for values, budgets in found.items():
        losses[len(budgets)].append(quadratic(dict(zip(SPACE.names, values, strict=True)), 1).losses[0])
    assert sum(losses[4]) / len(losses[4]) < sum(losses[1]) / len(losses[1])


def test_each_next_budget_waits_for_the_last_result():
    proposals = TPEHyperbandSearch(trials=1).begin(SPACE)
    (first,) = proposals.ask(5)
    assert first.budget == 1
    assert proposals.ask(5) == []
    proposals.tell(0, Feedback((0.0,)))
    assert proposals.ask(5) == [(first.params, 3)]


def test_what_has_no_score_goes_no_further_than_where_its_bracket_begins_to_prune():
    found = budgets_of(play(TPEHyperbandSearch(trials=60), SPACE, lambda params, objectives: Feedback((math.nan,))))
    lengths = Counter(map(len, found.values()))
    assert lengths.keys() == {1, 2, 3, 4}
    # Brackets are drawn in the proportion of 27, 12, 6 and 4: most prune from the least budget on.
    assert lengths[1] > lengths[2] > lengths[4]


def test_a_finite_space_ends_when_every_combination_was_tried():
    proposals = play(TPEHyperbandSearch(trials=1000, blocks=9), FINITE)
    assert {FINITE.encode(params) for params, _ in proposals} == distinct(FINITE)


def test_blocks_that_are_no_power_of_eta():
    found = budgets_of(play(TPEHyperbandSearch(trials=20, blocks=50, eta=3), SPACE, quadratic))
    assert max(found.values(), key=len) == [1, 5, 16, None]
    assert TPEHyperbandSearch(blocks=50).fidelity.blocks == 50


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "trials 0 of TPEHyperbandSearch is below 1"),
        ({"eta": 1}, "eta 1 of TPEHyperbandSearch is below 2"),
        ({"blocks": 2}, "blocks 2 of TPEHyperbandSearch is below 3"),
        ({"budget": "folds"}, "budget 'folds' is neither 'blocks' nor 'prefix'"),
        ({"lookahead": 0}, "lookahead 0 of TPEHyperbandSearch is below 1"),
        ({"seed": -1}, "seed -1 of TPEHyperbandSearch is below 0"),
        ({"startup": 0}, "startup 0 of TPEHyperbandSearch is below 1"),
    ],
)
def test_bad_options_say_what_is_wrong(options, message):
    with pytest.raises(InvalidParameter, match=message):
        TPEHyperbandSearch(**options)
