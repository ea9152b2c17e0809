"""Do the rows of a profile add up to the time that passed?"""

import time

import pytest

from rustybt.profiling import Profile
from rustybt.profiling.categories import Category
from rustybt.profiling.sampler import Place, Samples
from tests.profiling.burning import burn

HISTORY = Place("rustybt.data.bar_data", "BarData.history")
USER = Place("strategy", "handle_data", "strategy.py", 3)


def by_category(profile):
    return {row.category: (row.seconds, row.workers_seconds) for row in profile.rows()}


def test_rows_add_up_to_the_blocks_time():
    began = time.perf_counter()
    with Profile() as profile:
        burn(0.1)
        time.sleep(0.1)
    assert profile.seconds == pytest.approx(time.perf_counter() - began, abs=0.02)
    assert sum(row.seconds for row in profile.rows()) == pytest.approx(profile.seconds)
    assert sum(profile.stacks().values()) == pytest.approx(profile.seconds)
    assert by_category(profile)[Category.USER][0] > 0.9 * profile.seconds
    assert {stack[0].function for stack in profile.stacks()} == {"test_rows_add_up_to_the_blocks_time"}


def test_a_block_without_a_sample_has_its_time_all_the_same():
    with Profile(interval_s=10.0) as profile:
        burn(0.01)
    assert by_category(profile) == {Category.DRIVER: (profile.seconds, 0.0)}


def test_what_workers_did_not_see_is_idle():
    with Profile() as profile:
        burn(0.02)
    profile.add_workers(2, 10.0)
    profile.add_samples(Samples(9.0, {(USER, HISTORY): 2.0, (USER,): 1.0}))  # a third was seen of what was
    profile.add_samples(Samples(3.0, {(USER,): 1.0}, was_stopped=True))
    rows = by_category(profile)
    assert rows[Category.DATA][1] == pytest.approx(6.0)
    assert rows[Category.USER][1] == pytest.approx(6.0)
    assert rows[Category.IDLE] == (0.0, pytest.approx(8.0))
    assert sum(row.workers_seconds for row in profile.rows()) == pytest.approx(profile.workers_seconds) == 20.0
    assert profile.was_stopped
    roots = {}
    for stack, seconds in profile.stacks().items():
        roots[stack[0].function] = roots.get(stack[0].function, 0.0) + seconds
    assert roots == {"this process": pytest.approx(profile.seconds), "2 worker processes": pytest.approx(20.0)}


def test_the_block_may_raise():
    profile = Profile()
    with pytest.raises(ZeroDivisionError), profile:
        burn(0.01)
        _ = 1 / 0
    assert profile.seconds >= 0.01


def test_rows_are_in_the_order_of_the_report():
    with Profile() as profile:
        burn(0.01)
    profile.add_workers(1, 1.0)
    profile.add_samples(Samples(0.5, {(HISTORY,): 1.0}))
    order = list(Category)
    assert [row.category for row in profile.rows()] == sorted((row.category for row in profile.rows()), key=order.index)
