import gc
import math
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest
from scipy.optimize import direct

from rustybt.errors import InvalidParameter
from rustybt.optimization import Categorical, Float, Integer, ParameterSpace
from rustybt.optimization.search import DirectSearch, Feedback
from rustybt.optimization.search.called import Called
from rustybt.optimization.search.direct_search import value_of
from tests.optimization.search.contract import ALL, CONDITIONAL, FINITE, SearchContract, everything, play

CUBE = ParameterSpace({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)})
GRID = ParameterSpace({"fast": Integer(1, 50), "slow": Integer(1, 50)})


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "rustybt-search"]


class TestDirectSearch(SearchContract):
    spaces = ALL
    exhausts = False  # either algorithm may end before, and says so

    def make(self, trials=30, seed=5, **options):
        return DirectSearch(trials=trials, seed=seed, **options)

    @pytest.fixture(autouse=True)
    def no_thread_stays(self):
        yield
        gc.collect()
        assert threads() == []


def valley(params, objectives):
    return Feedback(((params["x"] - 0.3) ** 2 + 2 * (params["y"] - 0.8) ** 2,))


@pytest.mark.parametrize("locally_biased", [True, False])
def test_points_are_those_of_scipy(locally_biased):
    points = []

    def loss(x):
        points.append(tuple(x))
        return valley({"x": x[0], "y": x[1]}, 1).losses[0]

    direct(loss, [(0.0, 1.0)] * 2, maxfun=60, locally_biased=locally_biased)
    found = play(DirectSearch(trials=60, locally_biased=locally_biased), CUBE, valley)
    assert [tuple(params.values()) for params, _ in found] == points[:60]


def test_it_is_serial_and_says_so():
    search = DirectSearch()
    proposals = search.begin(GRID)
    assert search.is_serial and proposals.lookahead == 1
    assert proposals.notes == ["DIRECT (locally biased) runs: one trial at a time, whatever the number of workers"]
    assert len(proposals.ask(5)) == 1
    assert proposals.ask(5) == []
    proposals.tell(0, Feedback((1.0,)))
    assert len(proposals.ask(5)) == 1


@pytest.mark.parametrize(
    ("space", "why"),
    [
        (CONDITIONAL, "parameters that are not always active"),
        (GRID.with_conditions("fast < slow"), "conditions"),
        (ParameterSpace({"kind": Categorical(["a", "b", "c"])}), r"choices without an order \('kind'\)"),
        (ParameterSpace({"days": Categorical([5, 60, 20])}), r"choices without an order \('days'\)"),
        (ParameterSpace({"flag": Categorical([True, False, None])}), r"choices without an order \('flag'\)"),
    ],
)
def test_differential_evolution_runs_where_direct_cannot_and_says_why(space, why):
    (note,) = DirectSearch().begin(space).notes
    assert note.startswith("differential evolution, because DIRECT does not take " + why.replace("\\", ""))


@pytest.mark.parametrize("choices", [[5, 20, 60], [3.0, 2, 1], [True, False], ["only"]])
def test_direct_takes_choices_that_have_an_order(choices):
    assert DirectSearch().begin(ParameterSpace({"x": Float(0, 1), "c": Categorical(choices)})).notes[0][:6] == "DIRECT"


def test_a_point_on_a_known_combination_costs_no_trial():
    space = ParameterSpace({"a": Integer(1, 4), "b": Integer(1, 4)})
    found = everything(DirectSearch(trials=100), space)
    assert len({space.encode(params) for params in found}) == len(found) == 16


def test_it_comes_to_the_best_of_a_valley():
    losses = [valley(params, 1).losses[0] for params, _ in play(DirectSearch(trials=80), CUBE, valley)]
    assert min(losses) < 1e-4


@pytest.mark.parametrize("seed", range(3))
def test_evolution_comes_near_the_best_under_conditions(seed):
    def loss(params, objectives):
        return Feedback((abs(params["fast"] - 12) + abs(params["slow"] - 30.0),))

    found = play(DirectSearch(trials=300, seed=seed, conditions="fast < slow"), GRID, loss)
    losses = [loss(params, 1).losses[0] for params, _ in found]
    assert min(losses) <= 2
    assert np.mean(losses[-100:]) < np.mean(losses[:60])


def test_evolution_starts_from_what_was_enqueued():
    good = {"fast": 12, "slow": 30}
    search = DirectSearch(trials=100, conditions="fast < slow").enqueue(good)
    found = everything(search, GRID)
    assert found[0] == good
    assert found[1:11] == everything(DirectSearch(trials=100, conditions="fast < slow"), GRID)[:10]


def test_an_early_end_is_told():
    proposals = DirectSearch(trials=500).begin(ParameterSpace({"x": Float(0.0, 1.0)}))
    number = 0
    while asked := proposals.ask(1):
        proposals.tell(number, Feedback(((asked[0].params["x"] - 1 / 3) ** 2,)))
        number += 1
    assert number < 500
    assert proposals.notes[1].startswith(f"ended after {number} of 500 trials: The side length measure")


def test_a_space_that_was_tried_whole_is_no_early_end():
    proposals = DirectSearch(trials=500).begin(FINITE)
    number = 0
    while proposals.ask(1):
        proposals.tell(number, Feedback((float(number),)))
        number += 1
    assert (number, proposals.total, len(proposals.notes)) == (48, 48, 1)


def test_values_for_scipy_are_finite_and_in_order():
    better_to_worse = [
        Feedback((-math.inf,))._replace(losses=(-1e308,)),
        Feedback((3.0,), (0.0,)),
        Feedback((1e308,)),
        Feedback((-5.0,), (0.1, -9.0)),
        Feedback((-5.0,), (0.1, 3.0)),
        Feedback((-5.0,), (math.inf,)),
        Feedback((math.nan,)),
    ]
    values = [value_of(feedback) for feedback in better_to_worse]
    assert values == sorted(values)
    assert len(set(values)) == len(values)
    assert all(map(math.isfinite, values))
    assert value_of(Feedback((math.inf,))) == value_of(Feedback((-math.inf,))) == values[-1]
    assert value_of(Feedback((1.0,), (math.nan,))) < values[-1]


@pytest.mark.parametrize("space", [CUBE, GRID.with_conditions("fast < slow")])
def test_a_pass_that_is_dropped_takes_its_thread_along(space):
    before = len(threads())
    proposals = DirectSearch().begin(space)
    assert len(threads()) == before  # nothing runs before the first question
    proposals.ask(1)
    (thread,) = threads()
    dropped = weakref.ref(proposals)
    del proposals
    assert dropped() is None  # without a cycle to be collected
    thread.join(5)
    assert not thread.is_alive()


def test_a_pass_at_its_end_has_no_thread():
    proposals = DirectSearch(trials=3).begin(CUBE)
    for number in range(3):
        proposals.ask(1)
        proposals.tell(number, Feedback((0.0,)))
    assert proposals.ask(1) == []
    assert threads() == []


def test_two_passes_do_not_touch_one_another():
    search = DirectSearch(trials=20, conditions="fast < slow")
    alone = everything(search, GRID)
    passes = [search.begin(GRID), search.begin(GRID)]
    found = [[], []]
    for number in range(20):
        for mine, proposals in zip(found, passes, strict=True):
            (proposal,) = proposals.ask(1)
            mine.append(proposal.params)
            units = [value / 7 % 1 for value in proposal.params.values()]
            proposals.tell(number, Feedback((sum((unit - 0.3) ** 2 for unit in units),)))
    assert found == [alone, alone]


def test_the_interpreter_ends_while_a_thread_waits():
    program = (
        "from rustybt.optimization import Float, ParameterSpace\n"
        "from rustybt.optimization.search import DirectSearch\n"
        "proposals = DirectSearch().begin(ParameterSpace({'x': Float(0, 1)}))\n"
        "print(proposals.ask(1)[0].params)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{'x': 0.5}\n", "")


def test_what_the_algorithm_raises_is_raised_where_it_is_asked(monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)

    def broken(function):
        function(np.array([0.5]))
        raise ArithmeticError("no more")

    called = Called(broken)
    assert called.point() == (0.5,)
    called.tell(1.0)
    with pytest.raises(ArithmeticError, match="no more"):
        called.point()
    assert called.point() is None
    assert threads() == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "trials 0 of DirectSearch is below 1"),
        ({"seed": -1}, "seed -1 of DirectSearch is below 0"),
        ({"trials": "many"}, "trials 'many' is no whole number"),
    ],
)
def test_bad_options_say_what_is_wrong(options, message):
    with pytest.raises(InvalidParameter, match=message):
        DirectSearch(**options)
