"""Sides run in pairs, in an order that is drawn, and are compared before they are timed."""

import pytest

from scripts.benchmarks.audit.pairs import Measured, UnequalResults, fastest_of, run_pairs


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
    assert told[:3] == [f"{name}, warm-up" for name in rounds[0]]
    heard.clear()
    assert run_pairs(sides, 30, seed=4) and [tuple(heard[at : at + 3]) for at in range(0, len(heard), 3)] == rounds


def test_sides_that_find_different_results_are_not_timed():
    heard = []
    with pytest.raises(UnequalResults, match="'a': 'same', 'b': 'other'|'b': 'other', 'a': 'same'"):
        run_pairs({"a": side("a", heard), "b": side("b", heard, "other")}, 5)
    assert len(heard) == 2


def test_the_fastest_of_some_runs_counts_and_all_have_to_find_the_same():
    found = iter([Measured(3.0, "a", {}), Measured(1.0, "a", {}), Measured(2.0, "a", {})])
    assert fastest_of(3, lambda: next(found))().seconds == 1.0
    other = iter([Measured(3.0, "a", {}), Measured(1.0, "b", {})])
    with pytest.raises(UnequalResults, match="the results of one side differ"):
        fastest_of(2, lambda: next(other))()
