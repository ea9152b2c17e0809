"""What an optimizer is told to look for: functions, several objectives, constraints, stop rules, half of the data."""

import math

import pytest
from pandas.testing import assert_frame_equal

from rustybt import Optimizer, StopRules, Strategy
from rustybt.api import order, symbol
from rustybt.errors import InvalidParameter, NoBestTrial
from rustybt.optimization import (
    BayesianSearch,
    Categorical,
    GridSearch,
    NSGA2Search,
    OptimizationResult,
    PersistentWorkerPool,
    RandomSearch,
    WalkForward,
)
from tests.optimization.strategies import SPAN as HALF_YEAR
from tests.optimization.strategies import Crossover, Idle
from tests.optimization.vector_strategies import SPAN, Cross

pytestmark = pytest.mark.usefixtures("market")


@pytest.fixture(scope="module")
def pool():
    with PersistentWorkerPool(2) as made:
        yield made


def calm(perf):
    """Give what is earned for each unit of the largest leverage."""
    return perf["algorithm_period_return"].iloc[-1] / max(perf["gross_leverage"].max(), 0.1)


@pytest.mark.parametrize("strategy", [Crossover, Cross])
def test_a_function_of_the_perf_frame_is_an_objective(pool, strategy):
    span = HALF_YEAR if strategy is Crossover else SPAN
    result = Optimizer(strategy, search=RandomSearch(8, seed=2), objective=calm, pool=pool, **span).run()
    assert result.objective.metric == "calm"
    assert result.trials["calm"].tolist() == result.trials["score"].tolist()
    assert result.best.score == pytest.approx(calm(result.best.perf), rel=1e-12)
    assert result.best.score == result.trials["score"].max()


def test_several_objectives_have_a_front(pool):
    objectives = ["total_return", "minimize turnover"]
    result = Optimizer(
        Cross, search=NSGA2Search(30, seed=1, population=8), objective=objectives, pool=pool, **SPAN
    ).run()
    front = result.pareto
    assert result.best.number == result.trials["total_return"].idxmax()
    assert result.best.number in front["trial"].tolist()
    for _, row in front.iterrows():
        beaten = (result.trials["total_return"] > row["total_return"]) & (result.trials["turnover"] < row["turnover"])
        assert not beaten.any()


class Levered(Strategy):
    """Buys shares for cash that it has, or for many times of that."""

    shares = Categorical([10, 20_000])

    def handle_data(self, context, data):
        if not context.portfolio.positions:
            order(symbol("AAPL"), self.shares)


@pytest.mark.parametrize(
    "objective", ["max_leverage", "minimize ending_value", ["minimize total_return", "max_leverage"]]
)
def test_who_lost_more_than_all_is_never_the_best(objective):
    result = Optimizer(
        Levered, bundle="mag-7", start="2015-07-01", end="2015-09-30", capital_base=10_000, objective=objective
    ).run()
    ruined = [trial for trial in result.records if trial.is_ruined]
    assert [trial.params["shares"] for trial in ruined] == [20_000]
    assert ruined[0].metrics["max_drawdown"] <= -1 and ruined[0].has_score and ruined[0].traded
    assert result.best.params["shares"] == 10
    assert result.top()["trial"].tolist() == result.pareto["trial"].tolist() == [result.best.number]
    assert result.stats()["ruined"] == 1 and result.stats()["eligible"] == 1


def test_where_every_trial_is_ruined_the_message_says_so():
    optimizer = Optimizer(
        Levered, bundle="mag-7", start="2015-07-01", end="2015-09-30", capital_base=10_000, conditions="shares > 10"
    )
    with pytest.raises(NoBestTrial, match="the account fell to nothing or below"):
        _ = optimizer.run().best


def test_to_minimize_a_drawdown_is_to_lose_least(pool, tmp_path):
    options = {"search": RandomSearch(20, seed=2), "pool": pool, **SPAN}
    least = Optimizer(Cross, objective="minimize max_drawdown", **options).run()
    assert least.best.score == least.trials["max_drawdown"].max() > least.trials["max_drawdown"].min()
    assert least.best.number == Optimizer(Cross, objective="max_drawdown", **options).run().best.number
    assert least.top(2)["score"].is_monotonic_decreasing and str(least.objective) == "minimize max_drawdown"
    page = least.report(tmp_path / "report.html").read_text()
    assert "20 backtests on mag-7, to minimize max_drawdown" in page
    assert f"Trial {least.best.number}, with the smallest max_drawdown of all that are eligible." in page
    with pytest.raises(InvalidParameter, match="write 'maximize cvar_95'"):
        Optimizer(Cross, objective="minimize cvar_95", **options)


def test_constraints_split_trials_and_the_best_meets_them(pool):
    options = {"search": RandomSearch(40, seed=2), "objective": "total_return", "pool": pool, **SPAN}
    free = Optimizer(Cross, **options).run()
    limit = round(free.trials["turnover"].median(), 3)
    bound = Optimizer(Cross, constraints=[f"turnover < {limit}", "max_drawdown < 0.9"], **options).run()
    assert bound.trials["total_return"].tolist() == free.trials["total_return"].tolist()
    assert bound.trials["passing"].tolist() == (free.trials["turnover"] < limit).tolist()
    assert bound.best.score == free.trials.loc[free.trials["turnover"] < limit, "total_return"].max()
    assert {text for trial in bound.records for text in trial.failed_constraints} == {f"turnover < {limit}"}


@pytest.mark.parametrize("kind", ["expression", "function"])
def test_a_constraint_that_raises_costs_its_own_trials_only_and_is_resumed(pool, tmp_path, kind):
    options = {"search": BayesianSearch(12, seed=1), "objective": "total_return", "pool": pool, **SPAN}
    odd = Optimizer(Cross, **options).run().records[4].metrics["trades"]

    def reckoned(metrics):
        return 1 / (metrics["trades"] - odd) != 0

    options |= {"constraints": f"1 / (trades - {odd}) != 0" if kind == "expression" else reckoned}
    result = Optimizer(Cross, storage=tmp_path / "run", **options).run()
    raised = result.trials["trades"] == odd
    assert result.counts == {"complete": 12} and 0 < raised.sum() < 12
    assert result.trials["passing"].tolist() == (~raised).tolist()
    text = str(result.goal.constraints[0])
    reason = result.trials["error"].max()
    assert reason.startswith(f"constraint {text!r} raised ZeroDivisionError: ")
    assert result.trials["error"].tolist() == [reason if odd_one else "" for odd_one in raised]
    assert {t.failed_constraints for t in result.records} == {(text,), ()}
    first = dict(result.records[raised.idxmax()].params)
    note = f"{reason}, on {raised.sum()} of 12 trials, first on {first!r}: it counts as missed there"
    assert result.info.notes == (note,)

    lines = tmp_path / "run" / "trials.jsonl"
    lines.write_bytes(b"".join(lines.read_bytes().splitlines(keepends=True)[:7]))
    again = Optimizer(Cross, storage=tmp_path / "run", **options).resume()
    apart = ["seconds", "worker", "cached"]
    assert_frame_equal(result.trials.drop(columns=apart), again.trials.drop(columns=apart), check_exact=True)
    assert again.info.notes == result.info.notes


def test_a_constraint_that_always_raises_is_why_there_is_no_best_trial(tmp_path):
    def misspelt(metrics):
        return metrics["sharp"] > 1

    search = GridSearch(["fast == 8", "slow == 20", "weight == 1"])
    result = Optimizer(Cross, search=search, constraints=[misspelt, "trades > 0"], **SPAN).run()
    message = r"none of 1 trials .* \(misspelt\).*constraint 'misspelt' raised KeyError: 'sharp', on 1 of 1 trials"
    for found in (result, OptimizationResult.load(result.save(tmp_path / "kept"))):
        with pytest.raises(NoBestTrial, match=message):
            _ = found.best
    assert "did not come to their end" not in result.report(tmp_path / "report.html").read_text()


def test_a_constraint_that_raises_in_a_walk_forward_is_noted_over_all_windows():
    search = WalkForward(GridSearch(["slow == 20", "weight == 1", "fast > 17"]), in_sample=100, out_of_sample=60)
    free = Optimizer(Cross, search=search, **SPAN).run()
    after = free.walk_forward.windows["out_of_sample_trades"].iloc[0]
    assert after not in free.trials["trades"].tolist()  # what raises afterwards alone is no failure of the window
    texts = ["trades / (fills - fills) > 0 or trades > 0", f"1 / (trades - {after}) != 0"]
    result = Optimizer(Cross, search=search, constraints=texts[1:], **SPAN).run()
    assert result.info.notes == () and result.walk_forward.windows["error"].eq("").all()
    result = Optimizer(Cross, search=search, constraints=texts, **SPAN).run()
    count = len(result)
    assert [f"on {count} of {count} trials" in note for note in result.info.notes] == [True]
    assert (result.walk_forward.windows["status"] == "no eligible trial").all()


def test_a_model_keeps_to_the_constraints(pool):
    def share(search):
        result = Optimizer(
            Cross, search=search, constraints="turnover < 8", objective="sharpe", pool=pool, **SPAN
        ).run()
        return result.trials["passing"].iloc[20:].mean()

    assert share(BayesianSearch(60, seed=4)) > share(RandomSearch(60, seed=4))


def test_a_trial_that_never_trades_is_never_the_best():
    result = Optimizer(Idle, objective="minimize turnover", **HALF_YEAR).run()
    assert result.trials["score"].tolist() == [0.0] * 3
    assert result.top().empty
    with pytest.raises(Exception, match="the strategy never traded"):
        _ = result.best


@pytest.mark.parametrize("strategy", [Crossover, Cross])
def test_a_stopped_trial_is_counted_and_has_no_score(pool, strategy):
    span = HALF_YEAR if strategy is Crossover else SPAN
    rules = StopRules(max_drawdown=0.02, min_bars=20)
    result = Optimizer(strategy, search=RandomSearch(12, seed=2), stop_rules=rules, pool=pool, **span).run()
    stopped = result.trials[result.trials["status"] == "stopped"]
    assert 0 < len(stopped) <= 12
    assert stopped["score"].isna().all() and stopped["error"].str.contains("is over max_drawdown 2.00%").all()
    assert (stopped["bars"] >= 20).all() and (stopped["bars"] < len(result.info.sessions)).any()
    assert not stopped["passing"].any()
    number = int(stopped["trial"].iloc[0])
    assert len(result.returns_of(number)) == stopped["bars"].iloc[0]
    assert number not in result.top(12)["trial"].tolist()


def test_the_usual_stop_rules():
    rules = Optimizer(Cross, stop_rules=True, capital_base=50_000, **SPAN).plan.stop_rules
    assert rules == StopRules(
        max_drawdown=0.5, min_equity=5_000.0, negative_return_after=500, check_every=100, min_bars=200
    )
    assert Optimizer(Cross, **SPAN).plan.stop_rules is None


def test_fast_uses_the_later_half_and_says_so():
    search = GridSearch(["fast == 8", "slow == 20", "weight == 1"])
    whole = Optimizer(Cross, search=search, **SPAN).run()
    half = Optimizer(Cross, search=search, fast=True, **SPAN).run()
    assert half.trials["bars"].tolist() == [math.ceil(whole.trials["bars"].iloc[0] / 2)]
    assert half.info.sessions[-1] == whole.info.sessions[-1]
    assert half.info.is_fast and "FAST" in repr(half)
    assert not whole.info.is_fast and "FAST" not in repr(whole)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": []}, "objective is an empty list"),
        ({"objective": ["sharpe", "minimize sharpe"]}, "names a metric twice"),
        ({"objective": 5}, "objective 5 is no metric's name"),
        ({"constraints": "sharp > 1"}, r"names 'sharp', which is no metric \(did you mean 'sharpe'\?\)"),
        ({"stop_rules": 0.5}, "stop_rules 0.5 are none"),
        ({"fixed": {"fsat": 3}}, r"has no parameter or attribute 'fsat' \(did you mean 'fast'\?\)"),
        ({"fixed": {"fast": 99}}, "99 is no value of Integer"),
        ({"backend": "dusk"}, r"backend 'dusk' .*\(did you mean 'dask'\?\)"),
        ({"scheduler": "tcp://127.0.0.1:1"}, "scheduler .* belongs to backend='dask'"),
        ({"data_frequency": "hourly"}, "data_frequency 'hourly' is unknown"),
        ({"data_frequency": "minute"}, "a vector strategy decides on daily bars"),
        ({"symbols": ["AAPL"]}, "symbols was passed without per_symbol=True"),
    ],
)
def test_bad_settings_say_what_is_wrong(options, message):
    with pytest.raises(InvalidParameter, match=message):
        Optimizer(Cross, **SPAN, **options)


def test_a_search_of_one_objective_refuses_two():
    from rustybt.optimization import CMAESSearch

    with pytest.raises(InvalidParameter, match="CMAESSearch follows 1 objective at a time and was given 2"):
        Optimizer(Cross, search=CMAESSearch(5), objective=["sharpe", "turnover"], **SPAN).run()
