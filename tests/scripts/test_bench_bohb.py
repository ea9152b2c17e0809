import math

import numpy as np
import pytest

from scripts.benchmarks import bench_bohb
from scripts.benchmarks.bench_bohb import BLOCKS, CASES, Comparison, Course, Losses, main, told


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_whole_budget_is_the_function_and_a_part_comes_closer_the_larger_it_is(case):
    losses = Losses(case, seed=3)
    draw = np.random.default_rng(0)
    errors = {1: [], 3: [], 9: [], None: []}
    for _ in range(200):
        params = case.space.from_unit(draw.random(len(case.space.names)).tolist())
        for budget, found in errors.items():
            found.append(losses(params, budget) - case.smooth(params))
    spread = [float(np.std(errors[budget])) for budget in (1, 3, 9)]
    assert spread == sorted(spread, reverse=True)
    assert max(map(abs, errors[None])) < 1e-12 * max(1.0, case.noise)


def test_losses_are_the_same_whenever_they_are_asked():
    params = CASES[0].space.from_unit([0.3, 0.6, 0.1])
    assert Losses(CASES[0], 1)(params, 3) == Losses(CASES[0], 1)(params, 3) != Losses(CASES[0], 2)(params, 3)


def test_blocks_to_a_loss():
    course = Course([27, 28, 55], [3.0, 3.0, 1.0], [])
    assert [course.blocks_to(loss) for loss in (3.0, 2.0, 0.0)] == [27, 55, math.inf]


def test_the_median_seed_decides():
    good, bad = Comparison(0.2, 0.3, "0.9: prunes"), Comparison(math.inf, 0.3, "0.1: does not prune")
    assert told(CASES[0], [good, good, bad])[1]
    assert not told(CASES[0], [good, bad, bad])[1]
    assert told(CASES[-1], [good, bad, bad]) == (
        "nothing but noise, 4 numbers: refuses to prune in 67% of 3 seeds",
        True,
    )


def test_it_prints_a_line_a_case(capsys, monkeypatch):
    monkeypatch.setattr(bench_bohb, "CASES", CASES[-1:])
    assert main(["--seeds", "2", "--trials", "200"]) == 0
    assert capsys.readouterr().out == "met  nothing but noise, 4 numbers: refuses to prune in 100% of 2 seeds\n"
    assert BLOCKS == 27
