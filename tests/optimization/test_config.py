"""Layers are switched one by one: numbers stay as they are to the bit, and each switch moves its own counter."""

import itertools
from functools import cache

import numpy as np
import pytest

from rustybt import Optimizer, Strategy, run_algorithm
from rustybt.data.history_cache import disable_history_cache, shared_history
from rustybt.data.history_counts import HistoryCounts
from rustybt.data.models import Model
from rustybt.data.predictions import disable_prediction_cache, shared_predictions
from rustybt.errors import InvalidParameter
from rustybt.optimization import Integer, OptimizationConfig, OptimizationResult, ResultCache
from rustybt.optimization.config import Work
from rustybt.optimization.workers.pool import PersistentWorkerPool

SPAN = {"bundle": "mag-7", "start": "2015-01-02", "end": "2015-06-30"}
NAMES = ("result_cache", "history_cache", "prediction_cache", "shared_bundle")


def mean_of(features):
    return features.mean()


MODEL = Model.of(mean_of, trained_until="2014-12-31")


class Asks(Strategy):
    """Reads windows over dividends and asks a model."""

    days = Integer(2, 5)

    def initialize(self, context):
        context.stocks = [context.symbol(name) for name in ("AAPL", "MSFT")]

    def handle_data(self, context, data):
        prices = data.window(context.stocks, "close", 60)
        means = prices[-self.days :].mean(axis=0) - prices.mean(axis=0)
        context.predict(MODEL, np.round(means, 1))
        for stock, mean in zip(context.stocks, means.tolist(), strict=True):
            context.order_target_percent(stock, 0.5 if mean > 0 else 0.0)


class Idle(Strategy):
    """Asks for nothing."""

    n = Integer(1, 2)

    def handle_data(self, context, data):
        pass


pytestmark = pytest.mark.usefixtures("market")


@pytest.fixture(scope="module")
def pool():
    with PersistentWorkerPool(2) as workers:
        yield workers


def run(config, cache=True, **options):
    shared_history().clear()
    shared_predictions().clear()
    return Optimizer(Asks, config=config, result_cache=cache, progress=False, **SPAN, **options).run()


def numbers(result):
    return result.trials.drop(columns=["seconds", "worker", "cached"], errors="ignore"), result.returns


@cache
def plain():
    """Give the numbers of a run without any layer."""
    return numbers(run(OptimizationConfig(*["off"] * 4), cache=False))


COMBINATIONS = list(itertools.product(["on", "off"], repeat=4))


@pytest.mark.parametrize(
    ("workers", "switches"), [*((1, one) for one in COMBINATIONS), *((2, one) for one in COMBINATIONS[::5])]
)
def test_every_combination_gives_the_same_numbers_to_the_bit(switches, workers, pool):
    options = {"pool": pool} if workers == 2 else {}
    kept = ResultCache()
    for turn in range(2):
        found = run(OptimizationConfig(*switches), kept, **options)
        for mine, theirs in zip(numbers(found), plain(), strict=True):
            assert mine.equals(theirs)
        expected = 4 if turn and switches[0] == "on" else 0
        assert found.info.cache.get("hits", 0) == expected, "the second run is answered by the result cache"


def test_the_result_cache_finds_results_only_where_it_is_on():
    cache = ResultCache()
    run(OptimizationConfig(), cache)
    again = run(OptimizationConfig(result_cache="off"), cache)
    assert again.info.cache == {} and cache.statistics.hits == 0
    assert again.info.layers["result_cache"] == "off: as configured"
    assert run(OptimizationConfig(result_cache="on"), cache).info.cache["hits"] == 4
    assert run(OptimizationConfig(), False).info.layers["result_cache"] == "off: as configured"


@pytest.mark.parametrize("workers", [1, 2])
def test_the_history_cache_finds_blocks_only_where_it_is_on(workers, pool):
    options = {"pool": pool} if workers == 2 else {}
    before = shared_history().statistics
    off = run(OptimizationConfig(history_cache=False), False, **options)
    assert off.info.history.hits == off.info.history.misses == 0
    assert shared_history().statistics[:2] == before[:2]
    on = run(OptimizationConfig(history_cache=True), False, **options)
    assert on.info.history.hits > 0 and on.info.history.seconds_saved > 0
    assert shared_history().is_on


@pytest.mark.parametrize("workers", [1, 2])
def test_the_prediction_cache_finds_answers_only_where_it_is_on(workers, pool):
    options = {"pool": pool} if workers == 2 else {}
    off = run(OptimizationConfig(prediction_cache=False), False, **options).info.predictions
    on = run(OptimizationConfig(prediction_cache=True), False, **options).info.predictions
    assert off.calls == on.calls == 4 * 124
    assert off.hits == 0 < on.hits
    assert shared_predictions().is_on


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_counts_its_own_windows_alone(workers, pool):
    """A backtest of the user's own before it, in the same process, is none of its business."""
    options = {"pool": pool} if workers == 2 else {}
    run_algorithm(strategy=Asks(days=3), **SPAN)
    idle = Optimizer(Idle, config=OptimizationConfig(history_cache="off"), progress=False, **SPAN, **options).run()
    assert idle.info.history == HistoryCounts() and idle.info.predictions.calls == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_disabled_around_a_run_is_off_in_its_workers_too(workers, pool):
    options = {"pool": pool} if workers == 2 else {}
    with disable_history_cache(), disable_prediction_cache():
        found = run(OptimizationConfig(history_cache="on"), False, **options)
    assert found.info.layers["history_cache"] == "off: disabled around the run"
    assert found.info.layers["prediction_cache"] == "off: disabled around the run"
    assert found.info.history.hits == 0 and found.info.predictions.hits == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_the_limit_of_blocks_reaches_the_processes_that_run_backtests(workers, pool):
    options = {"pool": pool} if workers == 2 else {}
    before = shared_history().max_memory_bytes
    try:
        none = run(OptimizationConfig(history_cache="on", history_cache_bytes=0), False, **options)
        many = run(OptimizationConfig(history_cache="on", history_cache_bytes=10_000_000), False, **options)
    finally:
        shared_history().max_memory_bytes = before
    assert none.info.history.hits == 0 < many.info.history.hits
    for mine, theirs in zip(numbers(none), numbers(many), strict=True):
        assert mine.equals(theirs)
    with pytest.raises(InvalidParameter, match="history_cache_bytes -1 is no whole number of 0 or more"):
        OptimizationConfig(history_cache_bytes=-1)


def test_switches_that_contradict_one_another_are_refused():
    with pytest.raises(InvalidParameter, match=r"result_cache=False, but config.result_cache is 'on'"):
        run(OptimizationConfig(result_cache="on"), False)


def test_workers_open_the_bundle_themselves_only_where_it_is_not_shared():
    for shared in (True, False):
        with PersistentWorkerPool(2) as workers:
            found = run(OptimizationConfig(shared_bundle=shared), False, pool=workers)
            assert [name for _, name, _, _ in workers.context.bundles] == (["mag-7"] if shared else [])
            assert found.info.layers["shared_bundle"] == f"{'on' if shared else 'off'}: as configured"


def test_what_is_on_is_told_and_saved(tmp_path):
    result = run(OptimizationConfig(history_cache="on"), False)
    assert result.info.layers == {
        "result_cache": "off: as configured",
        "history_cache": "on: as configured",
        "prediction_cache": "on: a process runs 4 backtests",
        "shared_bundle": "off: one process",
    }
    result.save(tmp_path / "kept")
    loaded = OptimizationResult.load(tmp_path / "kept")
    assert loaded.info.layers == result.info.layers
    assert loaded.info.history == result.info.history


@pytest.mark.parametrize(
    ("work", "on"),
    [
        (Work(1, 250, 8, 1, False), {"result_cache"}),
        (Work(2, 250, 8, 1, False), {"result_cache", "prediction_cache"}),
        (Work(29, 250, 8, 1, False), {"result_cache", "prediction_cache"}),
        (Work(30, 250, 8, 1, False), {"result_cache", "prediction_cache", "history_cache"}),
        (Work(2, 250, 120, 1, False), {"result_cache", "prediction_cache", "history_cache"}),
        (Work(1, 390 * 20, 8, 1, False), {"result_cache", "history_cache"}),
        (Work(59, 250, 8, 2, False), {"result_cache", "prediction_cache", "shared_bundle"}),
        (Work(400, 250, 8, 2, False), set(NAMES)),
        (Work(400, 250, 8, 2, True), {"result_cache", "prediction_cache", "shared_bundle"}),
        (Work(None, 250, 8, 1, False), {"result_cache", "prediction_cache", "history_cache"}),
    ],
)
def test_a_layer_is_off_where_the_work_does_not_repay_it(work, on):
    layers = OptimizationConfig().layers(work)
    assert list(layers) == list(NAMES)
    assert {name for name, layer in layers.items() if layer.is_on} == on


@pytest.mark.parametrize(
    ("switch", "message"),
    [
        ("of", r"history_cache 'of' is none of 'on', 'off' and 'auto' \(did you mean 'off'\?\)"),
        (1, "history_cache 1 is"),
    ],
)
def test_a_switch_is_one_of_three_words(switch, message):
    with pytest.raises(InvalidParameter, match=message):
        OptimizationConfig(history_cache=switch)


def test_a_config_is_one():
    with pytest.raises(InvalidParameter, match="config 'fast' is no OptimizationConfig"):
        Optimizer(Asks, config="fast", **SPAN)
