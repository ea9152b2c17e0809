import math

import numpy as np
import pytest

from rustybt.optimization.search import CMAESSearch, RandomSearch
from scripts.benchmarks import bench_searches
from scripts.benchmarks.bench_searches import Comparison, against_chance, against_evolution, compare, unmet
from scripts.benchmarks.search_cases import CASES, CENTRE, Case, Seen, best_of, best_of_evolution

SPHERE, BRANIN, HARTMANN, STEPS = CASES


@pytest.mark.parametrize(
    ("case", "point", "value"),
    [
        (SPHERE, CENTRE, 0.0),
        (BRANIN, (math.pi, 2.275), 0.397887),
        (BRANIN, (-math.pi, 12.275), 0.397887),
        (BRANIN, (9.42478, 2.475), 0.397887),
        (HARTMANN, (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573), -3.32237),
        (STEPS, CENTRE, 0.0),
        (STEPS, tuple(c + 1.5 for c in CENTRE), 5.0),
    ],
)
def test_functions_have_their_published_values(case, point, value):
    assert case.value(np.array(point)) == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_no_best_place_is_in_the_middle(case):
    middle = np.mean(case.bounds, axis=1)
    points = [case.value(middle + shift) for shift in np.random.default_rng(0).normal(0, 1e-3, (20, len(middle)))]
    assert min(points) > {"sphere": 0, "Branin": 0.4, "Hartmann-6": -3.3, "noisy steps": 0}[case.name] + 0.5


def test_a_run_is_judged_by_the_true_value_of_what_looked_best():
    case = Case("line", ((0.0, 1.0),), lambda x: float(x[0]), noise=100.0)
    seen = Seen(case, seed=3, limit=5)
    values = [seen(np.array([x])) for x in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)]
    assert seen.best == (0.1, 0.2, 0.3, 0.4, 0.5)[int(np.argmin(values[:5]))]


def test_a_run_counts_its_own_evaluations_alone():
    assert best_of(RandomSearch(30, 1), SPHERE, 1, 30) == best_of(RandomSearch(300, 1), SPHERE, 1, 30)
    assert best_of_evolution(SPHERE, 0, 30) > best_of_evolution(SPHERE, 0, 1000)


def test_the_search_that_finds_lower_values_has_the_lower_p():
    low, high = [float(n) for n in range(8)], [n + 1.0 + n / 10 for n in range(8)]
    better = compare(SPHERE, "a", low, "b", high)
    assert better == Comparison("a", "b", "sphere", 3.5, pytest.approx(4.85), 1 / 2**8)
    assert better.is_met
    assert not compare(SPHERE, "b", high, "a", low).is_met
    assert compare(SPHERE, "a", low, "b", low).p == 1.0


def test_the_criterion_is_three_functions_for_each_search():
    met, missed = Comparison("a", "r", "f", 0, 1, 0.001), Comparison("a", "r", "f", 0, 1, 0.01)
    assert unmet([met, met, met, missed]) == []
    assert unmet([met, met, missed, missed, *[met._replace(name="b")] * 3]) == ["a"]


def test_searches_that_learn_beat_chance():
    comparisons = against_chance(SPHERE, seeds=7, trials=60, lookahead=8)
    assert [comparison.name for comparison in comparisons] == ["BayesianSearch", "CMAESSearch"]
    assert all(comparison.is_met for comparison in comparisons)


def test_dividing_is_compared_with_evolution():
    comparison = against_evolution(SPHERE, seeds=7, trials=40)
    assert comparison.name == "DirectSearch"
    assert comparison.median < comparison.other_median


def test_a_search_gives_the_same_best_for_the_same_seed():
    assert best_of(CMAESSearch(20, 4), STEPS, 4, 20) == best_of(CMAESSearch(20, 4), STEPS, 4, 20)


@pytest.mark.parametrize(("p", "code", "verdict"), [(0.001, 0, "met"), (0.5, 1, "missed by BayesianSearch")])
def test_the_exit_code_is_the_verdict(p, code, verdict, monkeypatch, capsys):
    row = Comparison("BayesianSearch", "RandomSearch", "sphere", 1.0, 2.0, p)
    monkeypatch.setattr(bench_searches, "against_chance", lambda *_: [row])
    monkeypatch.setattr(bench_searches, "against_evolution", lambda *_: row._replace(name="DirectSearch"))
    assert bench_searches.main(["--seeds", "7"]) == code
    assert capsys.readouterr().out.splitlines()[-1].endswith(f"of 4 functions: {verdict}")


def test_too_few_seeds_are_refused(capsys):
    with pytest.raises(SystemExit):
        bench_searches.main(["--seeds", "6"])
    assert "fewer than 7 cannot give p < 0.01" in capsys.readouterr().err
