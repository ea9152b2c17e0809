import random

import numpy as np
import pytest

from rustybt.errors import InvalidParameter
from rustybt.optimization.workers.serial import SerialPool
from tests.optimization.workers.contract import CallJob, PoolContract, run, square, taker


class TestSerialPool(PoolContract):
    @pytest.fixture
    def pool(self):
        return SerialPool()


def test_outcomes_come_in_order():
    numbers = [number for number, _ in SerialPool().run(CallJob(square), taker(range(20)))]
    assert numbers == list(range(20))


def test_ctrl_c_is_no_failed_task():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(SerialPool(), interrupted, range(3))


def test_the_callers_random_numbers_go_on_as_if_nothing_had_run():
    legacy = np.random.mtrand  # the global generator, which a strategy may draw from

    def draw(x):
        random.seed(x)
        legacy.seed(x)

    draw(5)
    expected = random.random(), legacy.random()
    draw(5)
    run(SerialPool(), draw, range(3))
    assert (random.random(), legacy.random()) == expected


def test_a_time_limit_needs_a_process():
    with pytest.raises(InvalidParameter, match=r"timeout_s 2 needs a worker process: use PersistentWorkerPool"):
        run(SerialPool(), square, [1], timeout_s=2)
