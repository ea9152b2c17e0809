"""How much is under way at once, and what does a slow consumer or a large result do to it?"""

import os
import time

import pytest

from rustybt.optimization.workers.pace import CHUNK_BYTES, MAX_CHUNK
from tests.optimization.workers.contract import CallJob, run, values

CHUNKS_IN_FLIGHT = 2


class Counter:
    """Gives tasks without end, and counts them."""

    def __init__(self):
        self.taken = 0

    def __call__(self, count):
        first, self.taken = self.taken, self.taken + count
        return [(number, number) for number in range(first, self.taken)]


def test_nothing_is_taken_before_the_first_outcome_is_asked_for(any_pool):
    counter = Counter()
    outcomes = any_pool.run(CallJob(abs), counter)
    assert counter.taken == 0
    outcomes.close()


def test_no_more_tasks_are_taken_while_nobody_asks_for_outcomes(any_pool):
    counter = Counter()
    outcomes = any_pool.run(CallJob(abs), counter)
    given = sum(1 for _ in zip(range(5000), outcomes, strict=False)) + 1  # zip asks for one more than it gives
    taken = counter.taken
    time.sleep(0.3)
    assert counter.taken == taken
    assert taken - given <= CHUNKS_IN_FLIGHT * any_pool.num_workers * MAX_CHUNK
    outcomes.close()


def test_slow_tasks_are_taken_one_by_one(any_pool):
    counter = Counter()
    outcomes = any_pool.run(CallJob(lambda x: time.sleep(0.06)), counter)
    for given, _ in zip(range(1, 9), outcomes, strict=False):
        assert counter.taken <= given + any_pool.num_workers
    outcomes.close()


def test_a_slow_consumer_gets_every_outcome_and_blames_nobody_for_its_time(any_pool):
    seen = []
    tasks = iter([(number, number) for number in range(12)])
    outcomes = any_pool.run(
        CallJob(abs), lambda count: [pair for _, pair in zip(range(count), tasks, strict=False)], timeout_s=0.3
    )
    for number, outcome in outcomes:
        seen.append((number, outcome.status.value))
        time.sleep(0.1 if number else 0.5)
    assert sorted(seen) == [(number, "complete") for number in range(12)]


def test_results_of_several_megabytes_pass_a_slow_consumer(any_pool):
    size = 5_000_000
    total = 0
    counter = iter([(number, number) for number in range(12)])
    outcomes = any_pool.run(
        CallJob(lambda x: os.urandom(size)),
        lambda count: [pair for _, pair in zip(range(count), counter, strict=False)],
    )
    for _, outcome in outcomes:
        total += len(outcome.value)
        time.sleep(0.03)
    assert total == 12 * size


def test_large_tasks_with_large_values_in_both_directions_pass(any_pool):
    payloads = [bytes([number]) * 3_000_000 for number in range(12)]
    assert values(any_pool, lambda data: data + data, payloads) == [data + data for data in payloads]


def test_chunks_of_large_values_are_small(any_pool):
    run(any_pool, abs, range(10))
    tasks = sum(worker.tasks for worker in any_pool.statistics)
    chunks = sum(worker.chunks for worker in any_pool.statistics)
    sizes = {len(value) for value in values(any_pool, lambda x: bytes(1_000_000), range(100), total=100)}
    tasks = sum(worker.tasks for worker in any_pool.statistics) - tasks
    chunks = sum(worker.chunks for worker in any_pool.statistics) - chunks
    assert sizes == {1_000_000} and tasks == 100
    assert chunks >= 100 * 1_000_000 / CHUNK_BYTES


@pytest.mark.parametrize("total", [None, 3000])
def test_many_fast_tasks_take_few_messages(any_pool, total):
    before = sum(worker.chunks for worker in any_pool.statistics)
    assert values(any_pool, abs, range(3000), total=total) == list(range(3000))
    assert sum(worker.chunks for worker in any_pool.statistics) - before < 150
