import math
import random

import pytest

from rustybt.optimization.search.base import Feedback
from rustybt.optimization.search.hyperband import Hyperband, Run, brackets_of, rank_of


def table(blocks, eta):
    return [[tuple(rung) for rung in bracket] for bracket in brackets_of(blocks, eta)]


def names():
    """Draw 0, 1, 2, ... without end."""
    numbers = iter(range(10**6))
    return lambda budget: next(numbers)


def play(hyperband, draw, loss, workers=1, chance=None):
    """Run to the end with workers that come back in random order, results being told in the order of runs."""
    runs, told, back = [], 0, set()
    out = []
    while True:
        while len(out) < workers and (run := hyperband.next(draw)) is not None:
            runs.append(run)
            out.append(len(runs) - 1)
        if not out:
            return runs
        back.add(out.pop(chance.randrange(len(out)) if chance else 0))
        while told in back:
            hyperband.learn(runs[told], loss(runs[told]))
            told += 1


def loss_of_name(run):
    return Feedback((float(-run.key),))


def test_the_table_of_27_blocks():
    assert table(27, 3) == [
        [(1, 27), (3, 9), (9, 3), (27, 1)],
        [(3, 12), (9, 4), (27, 1)],
        [(9, 6), (27, 2)],
        [(27, 4)],
    ]


def test_the_table_of_81_blocks():
    assert table(81, 3) == [
        [(1, 81), (3, 27), (9, 9), (27, 3), (81, 1)],
        [(3, 34), (9, 11), (27, 3), (81, 1)],
        [(9, 15), (27, 5), (81, 1)],
        [(27, 8), (81, 2)],
        [(81, 5)],
    ]


@pytest.mark.parametrize(
    ("blocks", "eta", "expected"),
    [
        # 30 / 27 = 1.1, 30 / 9 = 3.3 and 30 / 3 = 10 blocks, rounded down
        (30, 3, [[(1, 27), (3, 9), (10, 3), (30, 1)], [(3, 12), (10, 4), (30, 1)], [(10, 6), (30, 2)], [(30, 4)]]),
        (4, 4, [[(1, 4), (4, 1)], [(4, 2)]]),
        (5, 2, [[(1, 4), (2, 2), (5, 1)], [(2, 3), (5, 1)], [(5, 3)]]),
        (2, 3, [[(2, 1)]]),
        (243, 3, None),  # log(243) / log(3) is 4.999... in floats
    ],
)
def test_budgets_are_whole_blocks_and_the_last_is_the_whole(blocks, eta, expected):
    found = table(blocks, eta)
    assert expected is None or found == expected
    assert all(bracket[-1][0] == blocks for bracket in found)
    assert len(found) == (6 if blocks == 243 else len(expected))


def test_runs_and_blocks_of_an_iteration():
    hyperband = Hyperband(27, 3)
    runs = play(hyperband, names(), loss_of_name)
    assert len(runs) == hyperband.runs == 40 + 17 + 8 + 4
    assert sum(run.budget for run in runs) == hyperband.cost == 108 + 99 + 108 + 108


def test_the_best_third_of_a_rung_goes_on():
    runs = play(Hyperband(9, 3), names(), loss_of_name)
    assert runs[:9] == [Run(name, 1) for name in range(9)]
    assert [run.key for run in runs if run.budget == 3 and run.key < 9] == [8, 7, 6]
    assert [run.key for run in runs if run.budget == 9 and run.key < 9] == [8]


def test_while_a_rung_waits_runs_come_from_the_next_bracket():
    hyperband = Hyperband(9, 3)
    draw = names()
    first = [hyperband.next(draw) for _ in range(9)]
    assert hyperband.next(draw) == Run(9, 3)  # bracket 0 has 9 runs under way and no result
    for run in first[:8]:
        hyperband.learn(run, loss_of_name(run))
    assert hyperband.next(draw) == Run(10, 3)  # one result is missing
    hyperband.learn(first[8], loss_of_name(first[8]))
    assert hyperband.next(draw) == Run(8, 3)


def test_waiting_draws_nothing():
    hyperband, drawn = Hyperband(3, 3), []

    def draw(budget):
        drawn.append(budget)
        return len(drawn)

    while (run := hyperband.next(draw)) is not None:
        last = run
    before = len(drawn)
    assert before == 3 + 2
    assert [hyperband.next(draw) for _ in range(5)] == [None] * 5
    assert len(drawn) == before
    hyperband.learn(last, loss_of_name(last))
    assert hyperband.next(draw) is None


@pytest.mark.parametrize("workers", [2, 7, 100])
def test_any_number_of_workers_comes_to_the_end_with_every_bracket_complete(workers):
    hyperband = Hyperband(27, 3, iterations=2)
    runs = play(hyperband, names(), loss_of_name, workers, random.Random(workers))
    assert len(runs) == len(set(runs)) == 2 * hyperband.runs
    assert hyperband.next(names()) is None


def test_what_has_no_loss_is_promoted_only_when_too_few_others_are_left():
    def loss(run):
        return Feedback((math.nan if run.key not in (4, 6) else float(run.key),))

    runs = play(Hyperband(9, 3), names(), loss)
    assert [run.key for run in runs if run.budget == 3 and run.key < 9] == [4, 6, 0]
    assert [run.key for run in runs if run.budget == 9 and run.key < 9] == [4]


def test_ties_go_by_the_order_of_proposal():
    runs = play(Hyperband(9, 3), names(), lambda run: Feedback((1.0,)))
    assert [run.key for run in runs if run.budget == 3 and run.key < 9] == [0, 1, 2]


def test_what_fails_a_constraint_comes_after_what_meets_it():
    worse_to_better = [
        Feedback((math.nan,), (0.0,)),
        Feedback((-9.0,), (math.nan,)),
        Feedback((-5.0,), (2.0, -7.0)),
        Feedback((-1.0,), (0.5, 0.5)),
        Feedback((4.0,), (0.5, -9.0)),
        Feedback((3.0,), (0.0, -1.0)),
        Feedback((2.0,), (-1.0, -1.0)),
    ]
    ranks = [rank_of(feedback) for feedback in worse_to_better]
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == len(ranks)
    assert rank_of(Feedback((math.inf,))) == rank_of(Feedback((math.nan,)))


def test_a_known_result_is_not_run_again():
    hyperband = Hyperband(9, 3)
    for name in range(5):
        hyperband.learn(Run(name, 1), Feedback((float(name),)))
    hyperband.learn(Run(0, 9), Feedback((0.0,)))
    runs = play(hyperband, names(), lambda run: Feedback((float(run.key),)))
    assert [run.key for run in runs if run.budget == 1] == [5, 6, 7, 8]
    assert [run.key for run in runs if run.budget == 3 and run.key < 9] == [0, 1, 2]
    assert [run.key for run in runs if run.budget == 9 and run.key < 9] == []


@pytest.mark.parametrize("count", [0, 1, 2, 5, 12])
def test_when_configurations_run_out_the_brackets_still_come_to_their_end(count):
    numbers = iter(range(count))
    runs = play(Hyperband(9, 3), lambda budget: next(numbers, None), loss_of_name)
    assert {run.key for run in runs} == set(range(count))
    assert count == 0 or any(run.budget == 9 for run in runs)
