"""A prediction is computed once, by what it depends on; memory ends at a limit; figures say what was spared."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rustybt.data import predictions
from rustybt.data.predictions import (
    ENTRY_BYTES,
    PredictionCache,
    PredictionKey,
    PredictionStatistics,
    disable_prediction_cache,
    shared_predictions,
    take_statistics,
)
from rustybt.errors import InvalidParameter


class Clock:
    """A clock that a test turns."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(predictions, "time", clock)
    return clock


def key(features=b"f", model="m", output=None, kind="call", day_ns=0):
    return PredictionKey(model, output, kind, features, day_ns)


def gives(value):
    return lambda: lambda: np.array(value)


def never():
    raise AssertionError("the model was asked again")


def test_an_answer_is_computed_once_and_is_the_same_object():
    cache = PredictionCache()
    first = cache.get(key(), gives([1.0, 2.0]))
    assert cache.get(key(), never) is first
    assert cache.statistics[:3] == (2, 1, 0)


@pytest.mark.parametrize(
    "other", [key(b"g"), key(model="n"), key(output=0), key(output="0"), key(kind="rows"), key(day_ns=1)]
)
def test_every_part_of_the_key_counts(other):
    cache = PredictionCache()
    cache.get(key(), gives(1.0))
    assert cache.get(other, gives(2.0)) == 2.0
    assert cache.get(key(), never) == 1.0


def test_an_answer_cannot_be_written():
    answer = PredictionCache().get(key(), gives([1.0]))
    with pytest.raises(ValueError, match="read-only"):
        answer[0] = 2.0


def test_what_fails_is_not_kept():
    cache = PredictionCache()

    def fails():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cache.get(key(), lambda: fails)
    assert cache.get(key(), gives(3.0)) == 3.0
    assert cache.statistics[:3] == (1, 1, 0)


def test_the_least_recently_used_goes_first():
    cache = PredictionCache(max_bytes=2 * (ENTRY_BYTES + 8))
    cache.get(key(b"a"), gives(1.0))
    cache.get(key(b"b"), gives(2.0))
    cache.get(key(b"a"), never)
    cache.get(key(b"c"), gives(3.0))
    cache.get(key(b"a"), never)
    assert cache.get(key(b"b"), gives(4.0)) == 4.0
    assert cache.statistics.evictions == 2
    assert cache.total_bytes == cache.max_bytes


def test_what_is_greater_than_the_limit_is_given_and_not_kept():
    cache = PredictionCache(max_bytes=ENTRY_BYTES)
    for _ in range(2):
        assert cache.get(key(), gives(1.0)) == 1.0
    assert (cache.statistics.unique, cache.statistics.evictions, cache.total_bytes) == (2, 2, 0)


def test_a_lower_limit_takes_effect_at_once():
    cache = PredictionCache()
    for name in (b"a", b"b", b"c"):
        cache.get(key(name), gives(1.0))
    cache.max_bytes = ENTRY_BYTES + 8
    assert (cache.total_bytes, cache.statistics.evictions) == (ENTRY_BYTES + 8, 2)
    cache.get(key(b"c"), never)


@pytest.mark.parametrize("limit", [-1, 1.5, None, True, "1MB"])
def test_a_limit_is_a_number_of_bytes(limit):
    with pytest.raises(InvalidParameter, match="max_bytes .* is no integer of 0 or more"):
        PredictionCache(limit)


def test_seconds_saved_are_hits_at_the_mean_cost_less_the_look_ups(clock):
    cache = PredictionCache()

    def ask(name, cost, looking):
        asked_at = clock.now
        clock.now += looking

        def compute():
            clock.now += cost
            return np.array(0.0)

        cache.get(key(name), lambda: compute, 1, asked_at)

    ask(b"a", 2.0, 0.25)
    ask(b"b", 4.0, 0.25)
    ask(b"a", 0.0, 0.125)
    assert cache.statistics == (3, 2, 0, 6.0, 3.0 - 0.625)


def test_a_model_that_costs_less_than_the_look_up_saves_less_than_nothing(clock):
    cache = PredictionCache()
    for _ in range(2):
        asked_at = clock.now
        clock.now += 1.0
        cache.get(key(), gives(0.0), 1, asked_at)
    assert cache.statistics.seconds_saved == -2.0


def test_loading_a_model_is_no_cost_of_its_answers(clock):
    cache = PredictionCache()

    def begin():
        clock.now += 100.0
        return lambda: np.array(0.0)

    cache.get(key(), begin)
    assert cache.statistics.seconds_computing == 0.0


def test_many_predictions_in_one_answer_count_each(clock):
    cache = PredictionCache()

    def compute():
        clock.now += 10.0
        return np.zeros(5)

    for _ in range(2):
        cache.get(key(), lambda: compute, 5)
    assert cache.statistics == (10, 5, 0, 10.0, 10.0)


def test_costs_of_models_long_gone_are_forgotten(clock, monkeypatch):
    monkeypatch.setattr(predictions, "MODELS_KEPT", 2)
    cache = PredictionCache()
    for model in ("a", "b", "c"):

        def compute():
            clock.now += 1.0
            return np.array(0.0)

        cache.get(key(model=model), lambda compute=compute: compute)
    cache.get(key(model="a"), never)
    assert cache.statistics.seconds_saved == 0.0
    cache.get(key(model="c"), never)
    assert cache.statistics.seconds_saved == 1.0


def test_paused_everything_is_computed_and_nothing_forgotten():
    cache = PredictionCache()
    cache.get(key(), gives(1.0))
    with cache.paused(), cache.paused():
        assert not cache.is_on
        assert cache.get(key(), gives(2.0)) == 2.0
    assert cache.is_on
    assert cache.get(key(), never) == 1.0
    assert cache.statistics[:2] == (3, 2)


def test_an_answer_may_be_kept_out():
    cache = PredictionCache()
    for value in (1.0, 2.0):
        assert cache.get(key(), gives(value), keeps=False) == value
    assert cache.total_bytes == 0


def test_cleared_it_computes_again():
    cache = PredictionCache()
    cache.get(key(), gives(1.0))
    cache.clear()
    assert cache.get(key(), gives(2.0)) == 2.0
    assert cache.statistics.calls == 2


def test_statistics_are_taken_since_the_last_time():
    cache = PredictionCache()
    cache.get(key(), gives(1.0))
    assert cache.take_statistics()[:2] == (1, 1)
    cache.get(key(), never)
    assert cache.take_statistics()[:2] == (1, 0)
    assert cache.take_statistics() == PredictionStatistics()


def test_figures_of_processes_add_up():
    parts = [PredictionStatistics(10, 4, 1, 0.5, 1.5), (20, 5, 0, 0.25, 2.0)]
    total = PredictionStatistics.total(parts)
    assert total == (30, 9, 1, 0.75, 3.5)
    assert (total.hits, total.hit_rate) == (21, 0.7)
    assert PredictionStatistics.total([]) == PredictionStatistics()


def test_without_a_call_there_is_no_rate():
    assert np.isnan(PredictionStatistics().hit_rate)
    assert str(PredictionStatistics()) == "0 predictions, 0 unique, 0.00 s in models, 0.00 s saved"


def test_the_process_has_one_cache_and_a_switch():
    take_statistics()
    mark = key(b"the process has one cache and a switch")
    with disable_prediction_cache():
        for value in (1.0, 2.0):
            assert shared_predictions().get(mark, gives(value)) == value
    shared_predictions().get(mark, gives(3.0))
    assert shared_predictions().get(mark, never) == 3.0
    assert take_statistics()[:2] == (4, 3)


def test_threads_get_one_answer_and_no_call_is_lost():
    cache = PredictionCache(max_bytes=20 * (ENTRY_BYTES + 8))
    started = threading.Barrier(8)

    def work(number):
        draw = np.random.default_rng(number)
        started.wait()
        for name in draw.integers(0, 40, 500).tolist():
            assert cache.get(key(str(name).encode()), gives(float(name))) == name

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert cache.statistics.calls == 4000
    assert cache.total_bytes <= cache.max_bytes


def test_who_reads_the_figures_waits_for_nothing_heavy():
    probe = "import sys, rustybt.data.predictions; print({'pandas', 'numba', 'duckdb'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
