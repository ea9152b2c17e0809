import logging
import math
import warnings

import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from rustybt.errors import InvalidParameter
from rustybt.optimization import Float, Integer, ParameterSpace
from rustybt.optimization.search import BayesianSearch, CMAESSearch, Feedback, NSGA2Search
from rustybt.optimization.search.optuna_proposals import MAX_ASKS, Manner, OptunaProposals, quiet, sampler_seed

TEN = ParameterSpace({"x": Integer(0, 9)})


class Scripted(BaseSampler):
    """Draws what it was given, and its last value again and again."""

    def __init__(self, *values):
        self.values = list(values)
        self.drawn = 0

    def infer_relative_search_space(self, study, trial):
        return {}

    def sample_relative(self, study, trial, search_space):
        return {}

    def sample_independent(self, study, trial, param_name, param_distribution):
        self.drawn += 1
        return self.values[min(self.drawn, len(self.values)) - 1]


def begin(sampler, manner=None, space=TEN, trials=100, first=(), objectives=1):
    return OptunaProposals(space, sampler, manner or Manner(8), objectives, trials, list(first), 0)


def ask(proposals, count=1):
    return [proposal.params["x"] for proposal in proposals.ask(count)]


def told(proposals):
    """What the sampler can see: place, state, value and constraints of each trial."""
    states = {TrialState.COMPLETE: "complete", TrialState.FAIL: "withdrawn", TrialState.RUNNING: "open"}
    return [
        (trial.params["x"], states[trial.state], trial.value, sum(v for v in trial.constraints.values() if v > 0))
        for trial in proposals._study.get_trials(deepcopy=False)
    ]


def test_losses_reach_the_sampler_as_they_are():
    proposals = begin(Scripted(3, 5))
    assert ask(proposals, 2) == [3, 5]
    proposals.tell(0, Feedback((-1.5,)))
    assert told(proposals) == [(3, "complete", -1.5, 0), (5, "open", None, 0)]


def test_a_trial_without_a_score_has_the_worst_loss_so_far_and_is_infeasible():
    proposals = begin(Scripted(1, 2, 3, 4))
    ask(proposals, 4)
    proposals.tell(0, Feedback((math.nan,)))
    proposals.tell(1, Feedback((7.0,)))
    proposals.tell(2, Feedback((-math.inf,)))
    proposals.tell(3, Feedback((3.0,), (-1.0, 0.25)))
    assert [row[1:] for row in told(proposals)] == [
        ("complete", 0.0, 1.0),
        ("complete", 7.0, 0.0),
        ("complete", 7.0, 1.0),
        ("complete", 3.0, 0.25),
    ]


def test_a_sampler_without_constraints_sees_what_misses_them_above_the_worst_by_how_far():
    proposals = begin(Scripted(1, 2, 3, 4), Manner(8, takes_violations=False))
    ask(proposals, 4)
    proposals.tell(0, Feedback((7.0,)))
    proposals.tell(1, Feedback((2.0,), (0.5, -3.0)))
    proposals.tell(2, Feedback((math.nan,)))
    proposals.tell(3, Feedback((9.0,), (math.nan,)))
    assert [row[2:] for row in told(proposals)] == [(7.0, 0), (7.5, 0), (8.0, 0), (10.0, 0)]


def test_each_objective_has_a_worst_loss_of_its_own():
    proposals = begin(Scripted(1, 2, 3), objectives=2)
    ask(proposals, 3)
    proposals.tell(0, Feedback((1.0, 9.0)))
    proposals.tell(1, Feedback((4.0, 2.0)))
    proposals.tell(2, Feedback((0.0, math.nan)))
    assert proposals._study.get_trials()[2].values == [4.0, 9.0]


def test_a_repetition_is_withdrawn_and_the_sampler_asked_again():
    proposals = begin(Scripted(3, 3, 3, 4))
    assert ask(proposals, 2) == [3, 4]
    assert [row[:2] for row in told(proposals)] == [(3, "open"), (3, "withdrawn"), (3, "withdrawn"), (4, "open")]


def test_a_sampler_that_narrows_is_told_of_its_repetitions_what_it_was_or_will_be_told():
    proposals = begin(Scripted(3, 3, 4, 3, 5), Manner(8, narrows=True))
    assert ask(proposals, 2) == [3, 4]
    proposals.tell(0, Feedback((2.0,)))
    assert ask(proposals) == [5]
    assert told(proposals) == [
        (3, "complete", 2.0, 0),
        (3, "complete", 2.0, 0),
        (4, "open", None, 0),
        (3, "complete", 2.0, 0),
        (5, "open", None, 0),
    ]


def test_after_enough_repetitions_chance_chooses_what_was_not_tried_until_the_space_ends():
    sampler = Scripted(3)
    proposals = begin(sampler)
    found = ask(proposals, 100)
    assert found[0] == 3
    assert sorted(found) == list(range(10))
    assert sampler.drawn == 1 + 10 * MAX_ASKS
    assert ask(proposals, 1) == []
    assert [row[0] for row in told(proposals) if row[1] == "open"] == found


def test_a_sampler_that_narrows_is_asked_no_more_when_it_only_repeats_itself_and_never_told_of_chance():
    sampler = Scripted(3)
    proposals = begin(sampler, Manner(20, narrows=True))
    assert sorted(ask(proposals, 100)) == list(range(10))
    assert sampler.drawn == 1 + MAX_ASKS
    assert {row[0] for row in told(proposals)} == {3}
    assert proposals.notes == [
        "after 1 proposals the search proposed nothing but what it had proposed before; the others are drawn at random"
    ]
    for number in range(10):
        proposals.tell(number, Feedback((float(number),)))
    assert {row[:3] for row in told(proposals)} == {(3, "complete", 0.0)}


def test_a_space_that_ends_with_the_sampler_is_not_told_of():
    proposals = begin(Scripted(*range(10)), Manner(20, narrows=True))
    assert ask(proposals, 100) == list(range(10))
    assert proposals.notes == []


@pytest.mark.parametrize(("learns", "state"), [(True, "complete"), (False, "withdrawn")])
def test_what_a_condition_refuses_is_told_as_infeasible_or_withdrawn(learns, state):
    proposals = begin(Scripted(8, 2), Manner(8, learns_refusals=learns), TEN.with_conditions("x < 5"))
    assert ask(proposals) == [2]
    assert told(proposals)[0] == (8, state, 0.0 if learns else None, float(learns))


def test_a_generation_is_proposed_when_all_of_the_one_before_is_known():
    sampler = Scripted(1, 2, 3, 4, 5, 6)
    proposals = begin(sampler, Manner(3, generation=3))
    assert ask(proposals, 100) == [1, 2, 3]
    for number in (0, 1):
        proposals.tell(number, Feedback((1.0,)))
        assert ask(proposals) == ask(proposals) == []
    assert sampler.drawn == 3
    proposals.tell(2, Feedback((1.0,)))
    assert ask(proposals, 100) == [4, 5, 6]


def test_repetitions_count_as_members_of_a_generation_only_where_they_are_told():
    withdrawn = begin(Scripted(1, 1, 1, 2, 3), Manner(3, generation=3))
    assert ask(withdrawn, 100) == [1, 2, 3]
    counted = begin(Scripted(1, 1, 2, 3), Manner(3, generation=3, narrows=True))
    assert ask(counted, 100) == [1, 2]
    counted.tell(0, Feedback((1.0,)))
    counted.tell(1, Feedback((2.0,)))
    assert ask(counted) == [3]


def test_enqueued_params_are_proposed_first_and_learned_from():
    proposals = begin(Scripted(5), first=[{"x": 7}, {"x": 1}])
    assert ask(proposals, 3) == [7, 1, 5]
    proposals.tell(0, Feedback((4.0,)))
    assert told(proposals)[0] == (7, "complete", 4.0, 0)


def test_startup_is_drawn_at_random_before_the_sampler_is_asked():
    sampler = Scripted(9)
    proposals = begin(sampler, Manner(8, startup=4), first=[{"x": 9}])
    assert len(set(ask(proposals, 4))) == 4
    assert sampler.drawn == 0


def test_no_more_than_trials_are_proposed():
    proposals = begin(Scripted(*range(10)), trials=4)
    assert ask(proposals, 3) + ask(proposals, 3) == [0, 1, 2, 3]
    assert proposals.total == 4
    assert begin(Scripted(1)).total == 10


@pytest.mark.parametrize("make", [BayesianSearch, CMAESSearch, NSGA2Search])
def test_what_is_enqueued_is_a_point_of_the_samplers_own_study(make):
    space = ParameterSpace({"x": Float(0, 1), "y": Float(0, 1)})
    proposals = make(trials=20).enqueue({"x": 0.25, "y": 0.75}).begin(space)
    proposals.ask(1)
    proposals.tell(0, Feedback((0.5,)))
    (trial,) = proposals._study.get_trials()
    assert (trial.params, trial.value) == ({"x": 0.25, "y": 0.75}, 0.5)
    if make is not BayesianSearch:
        assert any("generation" in key for key in trial.system_attrs)


@pytest.mark.parametrize("make", [BayesianSearch, CMAESSearch, NSGA2Search])
def test_another_seed_proposes_something_else_and_any_seed_is_taken(make):
    space = ParameterSpace({"x": Float(0, 1), "y": Float(0, 1)})
    found = [make(seed=seed).begin(space).ask(2) for seed in (0, 1, 2**70, 0)]
    assert found[0] == found[3]
    assert found[0] != found[1] != found[2] != found[0]


@pytest.mark.parametrize("make", [BayesianSearch, CMAESSearch, NSGA2Search])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "trials 0 of .*Search is below 1"),
        ({"trials": 2.5}, "trials 2.5 is no whole number"),
        ({"seed": -1}, "seed -1 of .*Search is below 0"),
    ],
)
def test_bad_options_say_what_is_wrong(make, options, message):
    with pytest.raises(InvalidParameter, match=message):
        make(**options)


def test_a_seed_of_any_size_is_one_that_optuna_takes():
    assert [0 <= sampler_seed(seed) < 2**32 for seed in (0, 1, 2**40, 2**100)] == [True] * 4


@pytest.mark.parametrize("level", [logging.INFO, logging.DEBUG, logging.WARNING])
def test_optunas_log_and_warnings_are_as_the_user_set_them_afterwards(level):
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(level)
    try:
        with pytest.raises(RuntimeError), quiet():
            warnings.warn("news", optuna.exceptions.ExperimentalWarning, stacklevel=1)
            raise RuntimeError
        assert optuna.logging.get_verbosity() == level
        with pytest.warns(optuna.exceptions.ExperimentalWarning):
            warnings.warn("news", optuna.exceptions.ExperimentalWarning, stacklevel=1)
    finally:
        optuna.logging.set_verbosity(before)


@pytest.mark.parametrize("make", [BayesianSearch, CMAESSearch, NSGA2Search])
def test_a_whole_pass_says_nothing(make, capfd):
    proposals = make(trials=30).begin(ParameterSpace({"x": Integer(0, 9), "y": Integer(0, 9)}))
    for number in range(30):
        assert len(proposals.ask(1)) == 1
        proposals.tell(number, Feedback((float(number),), (1.0 - number,)))
    assert capfd.readouterr() == ("", "")
