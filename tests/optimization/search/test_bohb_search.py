import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from rustybt.errors import InvalidParameter
from rustybt.optimization import Categorical, Float, Integer, ParameterSpace
from rustybt.optimization.schedule import Schedule
from rustybt.optimization.search import BOHBSearch, Feedback, RandomSearch
from rustybt.optimization.search.bohb_search import rank_correlation
from rustybt.optimization.search.hyperband import brackets_of
from scripts.benchmarks.bench_bohb import CASES, Losses, follow
from tests.optimization.search.contract import ALL, FINITE, SearchContract, distinct, play

SPACE = ParameterSpace({"x": Float(-1.0, 1.0), "y": Float(-1.0, 1.0), "n": Integer(1, 100)})


class TestBOHBSearch(SearchContract):
    spaces = ALL
    exhausts = False

    def make(self, trials=15, seed=5, **options):
        return BOHBSearch(blocks=9, seed=seed, check=10, **options)


class TestBOHBSearchUnchecked(SearchContract):
    spaces = ALL
    exhausts = False

    def make(self, trials=15, seed=5, **options):
        return BOHBSearch(blocks=9, seed=seed, check=0, **options)


def loss_of(params):
    return params["x"] ** 2 + params["y"] ** 2 + (params["n"] / 100 - 0.5) ** 2


def run(search, feedback, space=SPACE):
    """Run a pass; `feedback` takes params and the budget. Gives proposals with their feedback, and the notes."""
    schedule, record = Schedule(search.begin(space)), []
    while taken := schedule.take(1):
        for number, proposal in taken:
            told = feedback(proposal.params, proposal.budget)
            schedule.hear(number, told)
            record.append((proposal, told))
    return record, schedule.proposals


def informative(params, budget):
    return Feedback((loss_of(params),))


def uninformative(params, budget):
    return Feedback((loss_of(params) if budget is None else (params["x"] * 7919 * budget) % 1,))


def blocks_of(record, blocks=27):
    return sum(proposal.budget or blocks for proposal, _ in record)


def test_an_iteration_without_a_check_is_hyperbands_table():
    record, proposals = run(BOHBSearch(check=0, iterations=2), informative)
    counts = Counter(proposal.budget or 27 for proposal, _ in record)
    expected = Counter()
    for bracket in brackets_of(27, 3):
        for rung in bracket:
            expected[rung.budget] += 2 * rung.size
    assert counts == expected
    assert proposals.total == len(record) == 2 * 69
    assert proposals.notes == ["not checked whether 1/27 of the span ranks as the whole does: prunes"]


def test_the_check_runs_random_combinations_on_the_whole_and_on_the_least_budget_first():
    record, proposals = run(BOHBSearch(check=20), informative)
    whole = [proposal.params for proposal, _ in record[:20]]
    assert [proposal.budget for proposal, _ in record[:40]] == [None] * 20 + [1] * 20
    assert [proposal.params for proposal, _ in record[20:40]] == whole
    assert whole == [proposal.params for proposal in RandomSearch(trials=20).begin(SPACE).ask(20)]
    assert proposals.notes == [
        "rank correlation between 1/27 of the span and the whole: 1.00 on 20 configurations: prunes"
    ]


def test_the_figure_is_spearmans_over_the_pairs_that_have_both_losses():
    def feedback(params, budget):
        noise = math.sin(params["x"] * 1000) if budget is not None else 0.0
        has_none = params["n"] % (5 if budget is None else 7) == 0
        return Feedback((math.nan if has_none else loss_of(params) + noise,))

    record, proposals = run(BOHBSearch(check=50, min_rank_correlation=-1.0), feedback)
    pairs = [
        (low.losses[0], whole.losses[0])
        for (_, whole), (_, low) in zip(record[:50], record[50:100], strict=True)
        if not math.isnan(low.losses[0] + whole.losses[0])
    ]
    assert 10 < len(pairs) < 50
    expected = stats.spearmanr([low for low, _ in pairs], [whole for _, whole in pairs]).statistic
    assert f": {expected:.2f} on {len(pairs)} configurations: prunes" in proposals.notes[0]


@pytest.mark.parametrize("seed", range(3))
def test_where_parts_say_nothing_of_the_whole_it_refuses_to_prune_and_says_so(seed):
    record, proposals = run(BOHBSearch(seed=seed, iterations=2), uninformative)
    (note,) = proposals.notes
    assert "configurations, below 0.4: does not prune, every further one runs on the whole span" in note
    assert all(proposal.budget is None for proposal, _ in record[100:])
    # As many blocks as the brackets of two iterations would have cost, in whole runs.
    assert len(record) - 100 == 2 * (108 + 99 + 108 + 108) // 27
    assert proposals.total == len(record)


def test_after_a_refusal_the_model_learns_from_whole_runs_alone():
    record, _ = run(BOHBSearch(iterations=4), uninformative)
    drawn = [told.losses[0] for proposal, told in record[:50]]
    steered = [told.losses[0] for proposal, told in record[100:]]
    assert np.median(steered) < np.quantile(drawn, 0.25)


def test_results_of_the_check_are_not_run_again():
    record, _ = run(BOHBSearch(check=30, iterations=1), informative)
    on_least = [proposal for proposal, _ in record if proposal.budget == 1]
    assert len(on_least) == 30  # the first rung of 27 is filled from them
    checked = [proposal.params for proposal, _ in record[:27]]
    best = sorted(checked, key=loss_of)[:9]
    promoted = [proposal.params for proposal, _ in record if proposal.budget == 3 and proposal.params in checked]
    assert promoted == best
    assert [proposal for proposal, _ in record[60:] if proposal.budget is None and proposal.params in checked] == []


def test_a_rung_promotes_the_best_third():
    record, _ = run(BOHBSearch(check=0, blocks=9), informative)
    first = [proposal.params for proposal, _ in record[:9]]
    on_three = [proposal.params for proposal, _ in record if proposal.budget == 3 and proposal.params in first]
    assert on_three == sorted(first, key=loss_of)[:3]


def test_failed_configurations_are_not_promoted():
    def feedback(params, budget):
        return Feedback((math.nan if params["x"] < 0 else loss_of(params),))

    record, _ = run(BOHBSearch(check=0), feedback)
    first = [proposal.params for proposal, _ in record[:27]]
    promoted = [proposal.params for proposal, _ in record if proposal.budget == 3 and proposal.params in first]
    assert promoted == sorted((params for params in first if params["x"] >= 0), key=loss_of)[:9]


def test_the_random_fraction_is_what_the_model_does_not_propose():
    def share_near(random_fraction):
        record, _ = run(BOHBSearch(check=0, iterations=3, random_fraction=random_fraction), informative)
        fresh = list({tuple(proposal.params.values()): loss_of(proposal.params) for proposal, _ in record}.values())
        return np.mean(np.array(fresh[50:]) < 0.2)

    assert share_near(1.0) < share_near(1 / 3) < share_near(0.0)


def test_what_is_enqueued_runs_on_the_whole_span():
    good = {"x": 0.0, "y": 0.0, "n": 50}
    record, _ = run(BOHBSearch(check=10).enqueue(good), informative)
    assert record[0][0] == (good, None)
    assert [proposal.params for proposal, _ in record[1:]].count(good) == 0


@pytest.mark.parametrize("condition", [(), "fast < slow"])
def test_a_space_that_the_check_would_exhaust_runs_whole_and_says_so(condition):
    space = FINITE.with_conditions(condition)
    search = BOHBSearch(check=50)
    found = play(search, space)
    assert {space.encode(params) for params, _ in found} == distinct(space)
    assert all(budget is None for _, budget in found)
    (note,) = search.begin(space).notes
    assert note == f"the space holds no more than {len(found)} combinations: each runs on the whole span"


@pytest.mark.parametrize(("check", "enqueued"), [(10, 0), (0, 0), (40, 0), (47, 0), (46, 2)])
def test_when_a_small_space_is_exhausted_the_pass_ends(check, enqueued):
    search = BOHBSearch(check=check, blocks=9, iterations=20)
    for index in range(enqueued):
        search.enqueue(FINITE.at(index))
    found = play(search, FINITE)
    assert {FINITE.encode(params) for params, _ in found} == distinct(FINITE)
    assert any(budget is None for _, budget in found)
    assert search.begin(FINITE).total >= len(found)


@pytest.mark.parametrize("pairs", [[], [(0.0, 1.0)] * 20, [(1.0, x) for x in range(20)], [(x, x) for x in range(9)]])
def test_a_correlation_that_cannot_be_measured_is_none(pairs):
    assert math.isnan(rank_correlation(pairs))


def test_without_a_score_in_the_check_it_does_not_prune():
    record, proposals = run(BOHBSearch(), lambda params, budget: Feedback((math.nan,)))
    assert "nan on 0 configurations, not to be measured: does not prune" in proposals.notes[0]
    assert all(proposal.budget is None for proposal, _ in record[100:])


def test_a_choice_that_is_not_always_active_is_modelled_where_it_is():
    space = ParameterSpace(
        {"kind": Categorical(["a", "b"]), "x": Float(0, 1, when="kind == 'a'"), "y": Float(0, 1, when="kind == 'b'")}
    )

    def feedback(params, budget):
        return Feedback(((params["x"] - 0.7) ** 2 if params["kind"] == "a" else 1 + params["y"],))

    record, _ = run(BOHBSearch(check=0, iterations=3), feedback, space)
    late = [proposal.params for proposal, _ in record[-40:]]
    assert sum(params["kind"] == "a" for params in late) > 30


@pytest.mark.parametrize(("case", "seed"), [(0, 0), (1, 1)])
def test_it_finds_what_random_search_finds_for_a_third_of_its_blocks(case, seed):
    losses = Losses(CASES[case], seed)
    random = follow(RandomSearch(trials=600, seed=seed), losses)
    bohb = follow(BOHBSearch(seed=seed, iterations=6), losses)
    assert bohb.blocks_to(random.best[-1]) <= random.blocks[-1] / 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"blocks": 2}, "blocks 2 of BOHBSearch is below 3"),
        ({"eta": 1}, "eta 1 of BOHBSearch is below 2"),
        ({"iterations": 0}, "iterations 0 of BOHBSearch is below 1"),
        ({"seed": -1}, "seed -1 of BOHBSearch is below 0"),
        ({"lookahead": 0}, "lookahead 0 of BOHBSearch is below 1"),
        ({"budget": "days"}, "budget 'days' is neither 'blocks' nor 'prefix'"),
        ({"check": 9}, "check 9 of BOHBSearch is below 10, .*raise it, or pass 0"),
        ({"check": -1}, "check -1 of BOHBSearch is below 0"),
        ({"min_rank_correlation": 1.5}, "min_rank_correlation 1.5 of BOHBSearch is not from -1 to 1"),
        ({"random_fraction": -0.1}, "random_fraction -0.1 of BOHBSearch is not from 0 to 1"),
        ({"random_fraction": math.nan}, "random_fraction nan is no finite number"),
    ],
)
def test_bad_options_say_what_is_wrong(options, message):
    with pytest.raises(InvalidParameter, match=message):
        BOHBSearch(**options)
