import random

import pytest

from rustybt.optimization import Integer, ParameterSpace
from rustybt.optimization.schedule import Schedule
from rustybt.optimization.search import Feedback, GridSearch, Proposal, Proposals

SPACE = ParameterSpace({"x": Integer(0, 1000)})


class Climb(Proposals):
    """Proposes from all that it has been told, so that any difference in what it knows shows."""

    total = 40

    def __init__(self, lookahead):
        super().__init__()
        self.lookahead = lookahead
        self.asked = 0
        self.told = []

    def ask(self, count):
        assert count == 1
        if self.asked == self.total:
            return []
        self.asked += 1
        return [Proposal({"x": (self.asked * 37 + int(sum(self.told)) * 101 + len(self.told)) % 1001})]

    def tell(self, number, feedback):
        assert number == len(self.told)
        self.told.append(feedback.losses[0])


class Generations(Climb):
    """Proposes a generation only when all feedback of the one before is there."""

    def ask(self, count):
        whole = self.asked % self.lookahead == 0
        return [] if whole and len(self.told) < self.asked else super().ask(count)


class Fickle(Climb):
    """Has something to propose at every third time that it is asked, so that it shows how often that was."""

    def __init__(self, lookahead):
        super().__init__(lookahead)
        self.times = 0

    def ask(self, count):
        self.times += 1
        return super().ask(count) if self.times % 3 == 0 or not self.asked else []


def run(proposals, workers, seed):
    """Play workers that take up to 3 tasks each and come back in random order."""
    schedule, chance, out = Schedule(proposals), random.Random(seed), []
    while True:
        while len(out) < workers and (tasks := schedule.take(chance.randint(1, 3))):
            out += tasks
        if not out:
            assert schedule.has_ended
            return [proposal.params["x"] for proposal in schedule.proposed]
        number, proposal = out.pop(chance.randrange(len(out)))
        assert schedule.proposed[number] is proposal
        schedule.hear(number, Feedback((float(proposal.params["x"] % 17),)))


@pytest.mark.parametrize("kind", [Climb, Generations])
@pytest.mark.parametrize("lookahead", [1, 4, 10])
def test_proposals_do_not_depend_on_workers_or_on_the_order_in_which_they_come_back(lookahead, kind):
    expected = run(kind(lookahead), 1, 0)
    assert len(expected) == 40
    assert all(run(kind(lookahead), workers, seed) == expected for workers in (2, 4, 8) for seed in range(10))


@pytest.mark.parametrize("lookahead", [3, 4, 10])
def test_nor_do_those_of_a_search_that_sometimes_finds_nothing(lookahead):
    expected = run(Fickle(lookahead), 1, 0)
    assert len(expected) > 1
    assert all(run(Fickle(lookahead), workers, seed) == expected for workers in (2, 4, 8) for seed in range(10))


def numbers(taken):
    return [number for number, _ in taken]


def test_the_lookahead_is_how_far_a_search_proposes_blindly():
    schedule = Schedule(Climb(5))
    assert numbers(schedule.take(100)) == [0, 1, 2, 3, 4]
    assert schedule.take(100) == []
    schedule.hear(1, Feedback((0.0,)))
    assert schedule.take(100) == []
    schedule.hear(0, Feedback((0.0,)))
    assert numbers(schedule.take(100)) == [5, 6]


def test_a_search_that_waits_is_told_in_order_until_it_proposes_again():
    schedule = Schedule(Generations(3))
    assert numbers(schedule.take(100)) == [0, 1, 2]
    for number in (2, 0):
        schedule.hear(number, Feedback((1.0,)))
        assert schedule.take(100) == []
        assert not schedule.has_ended
    schedule.hear(1, Feedback((1.0,)))
    assert numbers(schedule.take(100)) == [3, 4, 5]
    assert schedule.proposals.told == [1.0, 1.0, 1.0]


def test_a_pass_has_not_ended_before_all_feedback_of_it_was_told():
    schedule = Schedule(Climb(100))
    assert len(schedule.take(100)) == 40
    assert not schedule.has_ended
    for number in range(40):
        schedule.hear(number, Feedback((0.0,)))
    assert schedule.take(1) == []
    assert schedule.has_ended


def test_a_search_that_learns_nothing_is_never_waited_for():
    schedule = Schedule(GridSearch().begin(SPACE))
    assert numbers(schedule.take(3)) == [0, 1, 2]
    assert schedule.take(2000)[-1][1] == Proposal({"x": 1000})
    assert schedule.has_ended
    assert schedule.take(1) == []
