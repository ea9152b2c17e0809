"""Sides run in pairs, in an order that is drawn, and are compared before they are timed."""

import pytest

from scripts.benchmarks.audit.pairs import Measured, UnequalResults, median_of, run_pairs


def side(name, heard, digest="same"):
    def run():
        heard.append(name)
        return Measured(1.0 + len(heard), digest, {})

    return run


def test_every_round_runs_every_side_once_in_an_order_of_its_own():
    heard, told = [], []
    sides = {name: side(name, heard) for name in "abc"}
    found = run_pairs(sides, 30, seed=4, told=told.append)
    rounds = [tuple(heard[at : at + 3]) for at in range(0, len(heard), 3)]
    assert len(rounds) == 31 and all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert len(set(rounds)) == 6
    assert {name: len(measured) for name, measured in found.items()} == {"a": 30, "b": 30, "c": 30}
    assert found["a"][0].seconds == 1.0 + 4 + rounds[1].index("a")  # the first round does not count
    assert told[0] == f"{', then '.join(rounds[0])}: warm-up" and told[1].endswith(": 1 of 30")
    heard.clear()
    assert run_pairs(sides, 30, seed=4) and [tuple(heard[at : at + 3]) for at in range(0, len(heard), 3)] == rounds


def test_sides_that_find_different_results_are_not_timed():
    heard = []
    with pytest.raises(UnequalResults, match="'a': 'same', 'b': 'other'|'b': 'other', 'a': 'same'"):
        run_pairs({"a": side("a", heard), "b": side("b", heard, "other")}, 5)
    assert len(heard) == 2


def test_the_median_time_of_a_side_counts_and_all_its_runs_have_to_find_the_same():
    assert median_of([Measured(3.0, "a", {}), Measured(1.0, "a", {}), Measured(2.0, "a", {})]).seconds == 2.0
    with pytest.raises(UnequalResults, match="the results of one side differ"):
        median_of([Measured(3.0, "a", {}), Measured(1.0, "b", {})])


def test_a_round_may_run_its_sides_at_once():
    asked = []

    def at_once(names):
        asked.append(list(names))
        return [Measured(float(ord(name)), "same", {}) for name in names]

    found = run_pairs({"a": None, "b": None}, 6, run_round=at_once)
    assert len(asked) == 7 and {tuple(names) for names in asked} == {("a", "b"), ("b", "a")}
    assert {name: {one.seconds for one in measured} for name, measured in found.items()} == {"a": {97.0}, "b": {98.0}}
