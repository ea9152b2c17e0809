"""What of a planned run is computed twice is counted before it runs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt import Strategy
from rustybt.errors import InvalidParameter
from rustybt.optimization import Float, GridSearch, Integer, Optimizer, RandomSearch, WalkForward
from rustybt.optimization.redundancy import Simulations, prefixes, redundancy_of, simulations_of

SPANS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 10), st.integers(1, 3)).map(
        lambda drawn: Simulations(drawn[0], drawn[0] + drawn[1], drawn[2])
    ),
    max_size=6,
)


class Crossover(Strategy):
    fast = Integer(5, 10, step=5)
    slow = Integer(20, 30, step=5)

    def handle_data(self, context, data):
        pass


class Continuous(Strategy):
    weight = Float(0.0, 1.0)

    def handle_data(self, context, data):
        pass


def test_growing_prefixes():
    found = redundancy_of(prefixes(131, 200), outputs=4)
    assert (found.simulations, found.sessions, found.distinct_sessions) == (70, 11_585, 200)
    assert (found.calls, found.unique) == (46_340, 800)
    assert f"{found.hit_rate:.1%}" == "98.3%"
    assert found.seconds(0.0028) == pytest.approx((129.752, 2.24))


def test_the_same_days_many_times():
    found = redundancy_of([Simulations(10, 109, 50)], outputs=2)
    assert (found.calls, found.unique, found.hit_rate) == (10_000, 200, 0.98)


def test_every_process_computes_once():
    assert redundancy_of([Simulations(0, 99, 50)], processes=4).unique == 400
    assert redundancy_of([Simulations(0, 99, 2)], processes=4).unique == 200


@given(SPANS, st.integers(1, 4))
def test_counts_are_those_of_days_laid_out_one_by_one(simulations, outputs):
    days = [day for first, last, times in simulations for day in range(first, last + 1) for _ in range(times)]
    found = redundancy_of(simulations, outputs)
    assert (found.sessions, found.distinct_sessions) == (len(days), len(set(days)))
    assert (found.calls, found.unique) == (len(days) * outputs, len(set(days)) * outputs)


def test_nothing_planned_has_no_rate():
    assert math.isnan(redundancy_of([]).hit_rate)


@pytest.mark.parametrize(
    ("simulations", "options", "message"),
    [
        ([Simulations(5, 4)], {}, "sessions 5 to 4 are none"),
        ([Simulations(-1, 4)], {}, "sessions -1 to 4 are none"),
        ([Simulations(0, 4, 0)], {}, "times 0 is below 1"),
        ([Simulations(0, 4)], {"outputs": 0}, "outputs 0 is below 1"),
        ([Simulations(0, 4)], {"processes": 0}, "processes 0 is below 1"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(simulations, options, message):
    with pytest.raises(InvalidParameter, match=message):
        redundancy_of(simulations, **options)


@pytest.mark.parametrize("lengths", [(0, 5), (6, 5)])
def test_prefixes_grow(lengths):
    with pytest.raises(InvalidParameter, match="shortest first"):
        prefixes(*lengths)


def planned(bundle, strategy, start="2015-01-02", end="2015-12-31", **options):
    return simulations_of(
        Optimizer(strategy_class=strategy, bundle=bundle, start=start, end=end, **options).plan.prepare()
    )


def sizes(found):
    return [(last - first + 1, times) for first, last, times in found.simulations]


def test_a_grid_is_every_combination(mag7):
    found = planned(mag7, Crossover)
    assert (sizes(found), found.is_exact) == ([(252, 6)], True)


def test_conditions_leave_some_out(mag7):
    assert sizes(planned(mag7, Crossover, conditions="fast * 4 < slow")) == [(252, 2)]


def test_a_random_search_is_its_number_of_trials(mag7):
    assert sizes(planned(mag7, Continuous, search=RandomSearch(17))) == [(252, 17)]


def test_stop_rules_make_it_a_bound(mag7):
    assert not planned(mag7, Crossover, stop_rules=True).is_exact


def test_a_walk_forward_is_each_windows_search_and_what_comes_after(mag7):
    search = WalkForward(GridSearch(), in_sample=100, out_of_sample=50, warmup=0)
    found = planned(mag7, Crossover, end="2015-12-29", search=search)  # 250 sessions
    assert sizes(found) == [(100, 6), (50, 1)] * 3
    assert [row for row, _, _ in found.simulations[::2]] == [found.simulations[0].first + 50 * k for k in range(3)]
