import random

import pytest

from rustybt.optimization import Integer, ParameterSpace
from rustybt.optimization.schedule import Schedule
from rustybt.optimization.search import GridSearch, Proposals

SPACE = ParameterSpace({"x": Integer(0, 1000)})


class Climb(Proposals):
    """Proposes from all that it has been told, so that any difference in what it knows shows."""

    total = 40

    def __init__(self, lookahead):
        self.lookahead = lookahead
        self.asked = 0
        self.told = []

    def ask(self, count):
        assert count == 1
        if self.asked == self.total:
            return []
        self.asked += 1
        return [{"x": (self.asked * 37 + int(sum(self.told)) * 101 + len(self.told)) % 1001}]

    def tell(self, number, score):
        assert number == len(self.told)
        self.told.append(score)


def run(lookahead, workers, seed):
    """Play workers that take up to 3 tasks each and come back in random order."""
    schedule, chance, out, order = Schedule(Climb(lookahead), SPACE), random.Random(seed), [], []
    while True:
        while len(out) < workers and (tasks := schedule.take(chance.randint(1, 3))):
            out += tasks
        if not out:
            return [schedule.params[number]["x"] for number in sorted(order)]
        number, keys = out.pop(chance.randrange(len(out)))
        order.append(number)
        schedule.hear(number, float(keys[0] % 17))


@pytest.mark.parametrize("lookahead", [1, 4, 10])
def test_proposals_do_not_depend_on_workers_or_on_the_order_in_which_they_come_back(lookahead):
    expected = run(lookahead, 1, 0)
    assert len(expected) == 40
    assert all(run(lookahead, workers, seed) == expected for workers in (2, 4, 8) for seed in range(10))


def test_the_lookahead_is_how_far_a_search_proposes_blindly():
    schedule = Schedule(Climb(5), SPACE)
    assert [number for number, _ in schedule.take(100)] == [0, 1, 2, 3, 4]
    assert schedule.take(100) == []
    schedule.hear(1, 0.0)
    assert schedule.take(100) == []
    schedule.hear(0, 0.0)
    assert [number for number, _ in schedule.take(100)] == [5, 6]


def test_a_search_that_learns_nothing_is_never_waited_for():
    schedule = Schedule(GridSearch().begin(SPACE), SPACE)
    assert [number for number, _ in schedule.take(3)] == [0, 1, 2]
    assert [keys for _, keys in schedule.take(2000)][-1] == (1000,)
    assert schedule.take(1) == []
