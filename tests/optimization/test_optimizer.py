import os
import signal
import time
from functools import partial

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import rustybt
from rustybt import Strategy, run_algorithm
from rustybt.api import order_target, symbol
from rustybt.data.bundles import load
from rustybt.errors import AllTrialsFailed, InvalidParameter, InvalidSpan, NoBestTrial, UnknownBundle, ZeroCapitalError
from rustybt.optimization import (
    GridSearch,
    Integer,
    Objective,
    PersistentWorkerPool,
    RandomSearch,
    TrialStatus,
    run_many,
)
from rustybt.optimization import Optimizer as AnyOptimizer
from rustybt.optimization.result import OptimizationInterrupted
from rustybt.optimization.search import Proposals, Search
from rustybt.optimization.search.base import Proposal
from rustybt.results.metrics import METRICS
from tests.optimization.strategies import SPAN, Carrying, Choosy, Crossover, Gambler, Idle

Optimizer = partial(AnyOptimizer, result_cache=False)
"""So that every run of these tests simulates what it shows."""


@pytest.fixture(scope="module")
def pools():
    made = {count: PersistentWorkerPool(count) for count in (1, 2, 8)}
    made["spawn"] = PersistentWorkerPool(2, start_method="spawn")
    yield made
    for pool in made.values():
        pool.close()


@pytest.fixture(scope="module")
def serial(sample_root):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUSTYBT_ROOT", str(sample_root))
        return Optimizer(strategy_class=Crossover, **SPAN).run()


def same_trials(one, other):
    apart = ["seconds", "worker"]
    assert_frame_equal(one.trials.drop(columns=apart), other.trials.drop(columns=apart), check_exact=True)
    assert_frame_equal(one.returns, other.returns, check_exact=True)


def test_a_grid_runs_every_combination_in_order(serial):
    rows = [
        (fast, slow, t) for fast in (2, 4, 6, 8) for slow in (4, 8, 12, 16, 20) if fast < slow for t in ("AAPL", "MSFT")
    ]
    assert list(zip(serial.trials["fast"], serial.trials["slow"], serial.trials["ticker"], strict=True)) == rows
    assert serial.trials["trial"].tolist() == list(range(len(rows)))
    assert set(serial.trials["status"]) == {"complete"}
    assert set(METRICS) <= set(serial.trials.columns)
    assert serial.trials["score"].tolist() == serial.trials["sharpe"].tolist()


@pytest.mark.parametrize("workers", [1, 2, 8, "spawn"])
def test_any_number_of_workers_gives_the_same_trials(market, pools, serial, workers):
    same_trials(serial, Optimizer(strategy_class=Crossover, pool=pools[workers], **SPAN).run())


def test_the_shared_pool_gives_the_same_trials(market, serial):
    same_trials(serial, Optimizer(strategy_class=Crossover, num_workers=2, **SPAN).run())


def test_a_strategy_that_draws_random_numbers_gives_the_same_trials_anywhere(market, pools):
    expected = Optimizer(strategy_class=Gambler, **SPAN).run()
    same_trials(expected, Optimizer(strategy_class=Gambler, pool=pools[2], **SPAN).run())
    assert expected.best.run.metrics == expected.best.metrics
    assert expected.trials["total_return"].nunique() == 6


def test_the_best_trial_is_what_a_single_run_gives(market, serial):
    best = serial.best
    perf = run_algorithm(pd.Timestamp(SPAN["start"]), pd.Timestamp(SPAN["end"]), strategy=Crossover(**best.params))
    assert_frame_equal(best.perf, perf)
    assert best.score == best.metrics["sharpe"] == serial.trials["sharpe"].max()
    assert serial.trials["sharpe"].idxmax() == best.number
    assert len(best.trades) == best.metrics["trades"] + best.metrics["open_trades"]
    assert {"entry", "exit", "shares", "pnl", "bars_held"} <= set(best.trades.columns)
    np.testing.assert_allclose(serial.returns[best.number], perf["returns"].to_numpy(), rtol=1e-6, atol=1e-9)


def test_the_top_is_sorted_by_the_objective(serial):
    assert serial.top(3)["sharpe"].tolist() == sorted(serial.trials["sharpe"], reverse=True)[:3]
    assert serial.top(1)["trial"].tolist() == [serial.best.number]


def test_a_class_carries_what_is_not_passed(market):
    optimizer = Optimizer(strategy_class=Carrying)
    result = optimizer.run()
    assert (len(result), optimizer.capital_base) == (5, 50_000)
    assert result.best.score == result.trials["max_drawdown_duration"].min()
    assert len(Optimizer(strategy_class=Carrying, search=RandomSearch(trials=2)).run()) == 2
    assert Optimizer(strategy_class=Carrying, objective="sharpe").objective == Objective("sharpe")


@pytest.mark.parametrize("workers", [None, 2])
def test_a_trial_that_raises_fails_with_its_traceback_and_the_run_goes_on(market, pools, workers):
    result = Optimizer(strategy_class=Choosy, pool=pools.get(workers), **SPAN).run()
    assert result.counts == {"complete": 6, "failed": 2}
    failed = result.trials[result.trials["status"] == "failed"]
    assert set(failed["fast"]) == {4}
    assert failed["error"].str.endswith("ValueError: four is not welcome\n").all()
    assert failed["error"].str.contains("strategies.py").all()
    assert failed["score"].isna().all() and failed["sharpe"].isna().all()
    assert result.best.params["fast"] != 4


@pytest.mark.parametrize("workers", [None, 2])
def test_if_all_trials_fail_the_error_says_why_the_first_did(market, pools, workers):
    message = r"all 2 trials failed; the first, \{'fast': 4, .*\}, because: ValueError: four is not welcome"
    with pytest.raises(AllTrialsFailed, match=message) as caught:
        Optimizer(strategy_class=Choosy, conditions="fast == 4", pool=pools.get(workers), **SPAN).run()
    assert caught.value.result.counts == {"failed": 2}
    assert "Traceback" in caught.value.__notes__[0]


def test_without_a_finite_score_the_error_names_the_objective(market):
    result = Optimizer(strategy_class=Idle, **SPAN).run()
    assert result.counts == {"complete": 3}
    with pytest.raises(NoBestTrial, match=r"no trial has a finite 'sharpe' \(3 complete\): the strategy never traded"):
        _ = result.best
    assert result.top().empty


def test_of_equal_trials_the_earliest_is_best(market):
    class Twins(Strategy):
        twin = Integer(1, 3)

        def handle_data(self, context, data):
            order_target(symbol("AAPL"), 100)

    assert Optimizer(strategy_class=Twins, objective="total_return", **SPAN).run().best.number == 0
    assert Optimizer(strategy_class=Twins, objective="minimize fills", **SPAN).run().best.number == 0


def test_workers_killed_in_mid_run_cost_no_trial_and_change_no_number(market, pools, serial):
    class Assassin(Crossover):
        def initialize(self, context):
            super().initialize(context)
            flag = f"{flags}/{self.fast}-{self.slow}-{self.ticker}"
            if self.slow == 12 and not os.path.exists(flag):
                open(flag, "w").close()
                os.kill(os.getpid(), signal.SIGKILL)

    flags = market / "flags"
    flags.mkdir()
    result = Optimizer(strategy_class=Assassin, pool=pools[2], **SPAN).run()
    assert len(list(flags.iterdir())) == 8
    same_trials(serial, result)


def test_a_trial_past_its_time_limit_gets_a_status(market, pools):
    class Sleeper(Crossover):
        def initialize(self, context):
            super().initialize(context)
            time.sleep(60 if self.fast == 2 else 0)

    search = GridSearch(["slow == 12", "ticker == 'AAPL'"])
    result = Optimizer(strategy_class=Sleeper, search=search, pool=pools[2], trial_timeout_s=1.0, **SPAN).run()
    assert result.trials["status"].tolist() == ["timeout", "complete", "complete", "complete"]


@pytest.mark.parametrize("name", ["trial_timeout_s", "worker_memory_mb"])
@pytest.mark.parametrize(
    ("limit", "why"), [(0, "is not above 0"), (float("nan"), "is not above 0"), ("9", "is no number")]
)
def test_a_limit_that_makes_no_sense_is_refused_before_anything_runs(name, limit, why):
    with pytest.raises(InvalidParameter, match=f"{name} .* {why}: give .*, or None for no limit"):
        Optimizer(strategy_class=Crossover, **{name: limit}, **SPAN)


def test_ctrl_c_carries_the_finished_trials(market):
    class Interrupted(Crossover):
        def initialize(self, context):
            super().initialize(context)
            if (self.fast, self.slow) == (2, 8):
                raise KeyboardInterrupt

    with pytest.raises(OptimizationInterrupted, match="interrupted after 2 of 32 trials") as caught:
        Optimizer(strategy_class=Interrupted, **SPAN).run()
    assert caught.value.result.trials["slow"].tolist() == [4, 4]
    assert isinstance(caught.value, KeyboardInterrupt)
    assert "resume" not in str(caught.value)


def test_ctrl_c_with_storage_says_how_to_go_on(market, tmp_path):
    class Interrupted(Crossover):
        presses = [True]

        def initialize(self, context):
            super().initialize(context)
            if self.slow == 8 and self.presses:
                self.presses.clear()
                raise KeyboardInterrupt

    options = {**SPAN, "storage": tmp_path / "run", "num_workers": 1}
    with pytest.raises(OptimizationInterrupted, match=r"in the storage '.*run': call resume\(\) to go on"):
        Optimizer(strategy_class=Interrupted, **options).run()
    with pytest.raises(OptimizationInterrupted, match=r"'.*many': call run_many with resume=True to go on"):
        Interrupted.presses.append(True)
        run_many([Interrupted], **{**options, "storage": tmp_path / "many"})


@pytest.mark.parametrize("storage", ["sqlite:///a.db", "redis://localhost"])
def test_a_storage_that_is_a_url_is_refused(storage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidParameter, match=f"storage '{storage}' is a URL: pass the path of a folder"):
        Optimizer(strategy_class=Crossover, storage=storage, **SPAN)
    assert list(tmp_path.iterdir()) == []


class Follow(Search):
    """Proposes from the scores that it was told, so that any difference in them shows."""

    def propose(self, space, objectives, first):
        return FollowProposals(space)


class FollowProposals(Proposals):
    total, lookahead = 30, 4

    def __init__(self, space):
        super().__init__()
        self.space, self.asked, self.told = space, 0, []

    def ask(self, count):
        self.asked += 1
        unit = (self.asked * 0.137 + sum(score for score in self.told if score == score)) % 1.0
        return [Proposal(self.space.from_unit([unit] * 3))] if self.asked <= self.total else []

    def tell(self, number, feedback):
        assert number == len(self.told)
        self.told.append(feedback.losses[0])


def test_a_search_that_learns_proposes_the_same_whatever_the_workers(market, pools):
    serial = Optimizer(strategy_class=Follower, search=Follow(), **SPAN).run()
    assert len(serial) == 30 and serial.trials["fast"].nunique() > 1
    for pool in pools.values():
        same_trials(serial, Optimizer(strategy_class=Follower, search=Follow(), pool=pool, **SPAN).run())


class Follower(Crossover):
    conditions = ()


def buy(context):
    context.asset = symbol("AAPL")


def hold(context, data):
    order_target(context.asset, context.params["shares"])


def test_functions_find_their_params_in_the_context(market, pools):
    options = {"initialize": buy, "handle_data": hold, "space": {"shares": Integer(0, 300, step=100)}}
    one, two = (Optimizer(**options, **SPAN, pool=pool).run() for pool in (None, pools[2]))
    same_trials(one, two)
    assert one.trials["fills"].tolist() == [0, 1, 1, 1]


def test_a_given_bundle_is_not_looked_up_by_name(market, monkeypatch):
    bundle = load("mag-7")
    monkeypatch.setenv("RUSTYBT_ROOT", str(market / "nowhere"))
    assert len(Optimizer(strategy_class=Idle, **{**SPAN, "bundle": bundle}).run()) == 3


def test_the_front_door_leads_here():
    assert rustybt.Optimizer is AnyOptimizer
    assert TrialStatus("timeout") is TrialStatus.TIMEOUT


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"strategy_class": None}, InvalidParameter, "pass one of strategy_class=, script=, or initialize="),
        ({"initialize": buy}, InvalidParameter, "pass one of strategy_class=, script=, or initialize="),
        ({"strategy_class": Crossover(fast=2)}, InvalidParameter, "pass the class, not an instance"),
        ({"strategy_class": int}, InvalidParameter, "is no subclass of rustybt.Strategy"),
        ({"space": {"fast": Integer(1, 2)}}, InvalidParameter, "space was passed for a strategy class"),
        ({"bundle": None}, InvalidParameter, 'bundle is missing: pass bundle="NAME"'),
        ({"result_cache": "rc"}, InvalidParameter, "result_cache 'rc' is neither a ResultCache, nor True or False"),
        ({"result_cache": 1}, InvalidParameter, "result_cache 1 is neither a ResultCache"),
        ({"objective": "sharp"}, InvalidParameter, r"unknown objective 'sharp' \(did you mean 'sharpe'\?\)"),
        ({"search": GridSearch}, InvalidParameter, "is no search: give an instance such as GridSearch"),
        ({"num_workers": 0}, InvalidParameter, "num_workers 0 is neither 'auto' nor"),
        ({"capital_base": 0}, ZeroCapitalError, "capital_base 0 is not above 0"),
        ({"capital_base": float("nan")}, ZeroCapitalError, "capital_base nan is not above 0"),
        ({"capital_base": "1000"}, InvalidParameter, "capital_base '1000' is no number"),
        ({"conditions": "fsat < slow"}, InvalidParameter, r"names 'fsat', .* \(did you mean 'fast'\?\)"),
        ({"bundle": "mag7"}, UnknownBundle, r"'mag7'.*did you mean 'mag-7'"),
        ({"start": "2031-01-02"}, InvalidSpan, "start 2031-01-02 is after"),
        ({"start": "2013-01-02"}, InvalidSpan, "start 2013-01-02 is after end 2012-06-29"),
        ({"conditions": "fast > slow"}, InvalidParameter, "a grid of zero combinations"),
    ],
)
def test_bad_input_says_what_is_wrong(market, options, error, message):
    with pytest.raises(error, match=message):
        Optimizer(**{"strategy_class": Crossover, **SPAN, **options}).run()


def test_a_strategy_without_parameters_is_one_trial(market):
    class Plain(Strategy):
        def initialize(self, context):
            context.asset = symbol("AAPL")

    result = Optimizer(strategy_class=Plain, **SPAN).run()
    assert result.records[0].params == {}
