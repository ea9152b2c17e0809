"""Searches that share a pool: one a symbol, one a strategy."""

import re

import pytest
from pandas.testing import assert_frame_equal

from rustybt import Optimizer, Strategy, VectorStrategy
from rustybt.api import order_target_percent, symbol
from rustybt.errors import InvalidParameter
from rustybt.optimization import (
    BayesianSearch,
    Categorical,
    Float,
    GridSearch,
    Integer,
    OptimizationResult,
    PersistentWorkerPool,
    RandomSearch,
    WalkForward,
    run_many,
)
from tests.optimization.strategies import SPAN as HALF_YEAR
from tests.optimization.vector_strategies import SPAN, Cross

pytestmark = pytest.mark.usefixtures("market")


@pytest.fixture(scope="module")
def pool():
    with PersistentWorkerPool(2) as made:
        yield made


class OneSymbol(Strategy):
    symbol = "AAPL"
    window = Integer(3, 12)

    def initialize(self, context):
        context.asset = symbol(self.symbol)

    def handle_data(self, context, data):
        prices = data.window(context.asset, "close", self.window)
        order_target_percent(context.asset, 1.0 if prices[-1] > prices.mean() else 0.0)


class Hold(VectorStrategy):
    weight = 0.5

    def target_percent(self, bars, weight):
        import numpy as np

        return np.full(bars.shape, weight / len(bars.assets))


def test_each_symbol_is_searched_as_if_it_were_alone(pool):
    search = BayesianSearch(10, seed=1)
    options = {"search": search, "pool": pool, "objective": "total_return", **HALF_YEAR}
    result = Optimizer(OneSymbol, per_symbol=True, symbols=["MSFT", "AAPL"], **options).run()
    assert list(result.results) == ["MSFT", "AAPL"]
    for name in ("AAPL", "MSFT"):
        alone = Optimizer(OneSymbol, fixed={"symbol": name}, **options).run()
        apart = ["seconds", "worker", "cached"]
        assert_frame_equal(result[name].trials.drop(columns=apart), alone.trials.drop(columns=apart), check_exact=True)
        assert result.table.loc[name, "score"] == alone.best.score
        assert result.table.loc[name, "window"] == alone.best.params["window"]
    assert result.trials["study"].value_counts().to_dict() == {"MSFT": 10, "AAPL": 10}
    assert result.trials["trial"].tolist() == list(range(20))
    assert result.best.score == result.table["score"].max()
    assert result.best.run.metrics["total_return"] == pytest.approx(result.best.score)


def test_all_symbols_of_the_bundle_if_none_are_named(pool):
    search = RandomSearch(2, seed=1)
    result = Optimizer(Cross, search=search, per_symbol=True, pool=pool, **SPAN).run()
    assert len(result.results) == 8 and len(result) == 16
    assert result["NVDA"].trials["total_return"].tolist() != result["AAPL"].trials["total_return"].tolist()


def test_a_walk_forward_a_symbol(pool):
    search = WalkForward(RandomSearch(4, seed=1), in_sample=80, out_of_sample=60)
    result = Optimizer(Cross, search=search, per_symbol=True, symbols=["AAPL", "MSFT"], pool=pool, **SPAN).run()
    assert [len(result[name].walk_forward.windows) for name in ("AAPL", "MSFT")] == [3, 3]


def per_window(symbols, pool):
    search = WalkForward(GridSearch(), in_sample=100, out_of_sample=50)
    options = {"search": search, "objective": "total_return", "pool": pool, **SPAN}
    return Optimizer(OneSymbol, per_symbol=True, symbols=symbols, **options).run()


def test_the_best_of_walk_forwards_is_that_of_their_latest_windows(pool, tmp_path):
    result = per_window(["AAPL"], pool)
    own, best = result["AAPL"].best, result.best
    assert max(result.trials["score"]) > own.score  # an earlier window has a trial that looks better
    assert (best.score, best.params, result._origin[best.number]) == (own.score, own.params, ("AAPL", own.number))
    assert best.run.sessions.session_ns.tolist() == own.run.sessions.session_ns.tolist()
    assert best.run.metrics["total_return"] == pytest.approx(best.score, rel=1e-9)
    assert result.top(3)["score"].tolist() == result["AAPL"].top(3)["score"].tolist()
    assert result.pareto["score"].tolist() == result["AAPL"].pareto["score"].tolist()
    assert OptimizationResult.load(result.save(tmp_path / "kept")).best.params == own.params


def test_walk_forwards_of_several_symbols_are_compared_by_their_latest_windows(pool):
    result = per_window(["MSFT", "AAPL"], pool)
    parts = [result[name] for name in ("MSFT", "AAPL")]
    leader = max(parts, key=lambda part: part.best.score)
    assert result.best.score == leader.best.score == result.table["score"].max()
    assert result.best.trial.study == result.table["score"].idxmax()
    assert result.best.run.metrics["total_return"] == pytest.approx(result.best.score, rel=1e-9)
    assert len(result.top(1000)) == sum(len(part.top(1000)) for part in parts)


@pytest.mark.parametrize(
    ("strategy", "options", "message"),
    [
        (OneSymbol, {"symbols": ["APPL"]}, r"symbol 'APPL' is none of bundle 'mag-7' \(did you mean 'AAPL'\?\)"),
        (OneSymbol, {"symbols": "AAPL"}, "symbols 'AAPL' is no list"),
        (type("Bare", (Strategy,), {}), {}, "Bare has neither an attribute symbol nor assets"),
    ],
)
def test_what_has_no_symbol_says_so(strategy, options, message):
    with pytest.raises(InvalidParameter, match=message):
        Optimizer(strategy, per_symbol=True, **options, **HALF_YEAR).run()


def test_different_strategies_run_side_by_side(pool):
    given = [Hold(weight=1.0), Hold(weight=0.25), OneSymbol]
    result = run_many(given, search=RandomSearch(5, seed=1), pool=pool, **HALF_YEAR)
    assert list(result.results) == ["Hold", "Hold 2", "OneSymbol"]
    assert result.table["trials"].tolist() == [1, 1, 5]
    alone = Optimizer(Hold, fixed={"weight": 0.25}, **HALF_YEAR).run()
    assert result["Hold 2"].trials["total_return"].tolist() == alone.trials["total_return"].tolist()
    assert abs(result["Hold"].trials["total_return"][0]) > abs(result["Hold 2"].trials["total_return"][0])


def test_a_run_of_many_is_resumed(pool, tmp_path):
    given = {"one": Hold(weight=1.0), "two": OneSymbol}
    options = {"search": RandomSearch(5, seed=1), "pool": pool, "storage": tmp_path / "run", **HALF_YEAR}
    first = run_many(given, **options)
    lines = tmp_path / "run" / "trials.jsonl"
    lines.write_bytes(b"".join(lines.read_bytes().splitlines(keepends=True)[:3]))
    again = run_many(given, resume=True, **options)
    apart = ["seconds", "worker", "cached"]
    assert_frame_equal(first.trials.drop(columns=apart), again.trials.drop(columns=apart), check_exact=True)


class Weighted(VectorStrategy):
    """Has one parameter, of which another strategy's depend."""

    weight = Float(0.5, 1.0, step=0.1)
    fast = Integer(20, 30)

    def target_percent(self, bars, weight, fast):
        return weight * (bars.close > bars.mean("close", fast)) / len(bars.assets)


class Conditional(VectorStrategy):
    """Has that parameter where one is set that comes before it, and is of another kind there."""

    kind = Categorical(["whole", "part"])
    fast = Integer(2, 9)
    weight = Float(0.1, 0.4, step=0.1, when="kind == 'part' and fast < 9")

    def target_percent(self, bars, kind, fast, weight):
        return (weight or 1.0) * (bars.close > bars.mean("close", fast)) / len(bars.assets)


def test_conditional_parameters_of_strategies_that_share_names_do_not_lose_the_trials(pool, tmp_path):
    given = [Weighted, Conditional]
    result = run_many(given, search=RandomSearch(30, seed=1), pool=pool, **SPAN)
    for one in given:
        alone = Optimizer(one, search=RandomSearch(30, seed=1), pool=pool, **SPAN).run()
        assert [t.params for t in result[one.__name__].records] == [t.params for t in alone.records]
    assert result.space.names == ("weight", "fast", "kind")
    importances = result.importances()
    assert set(importances.index) == set(result.space.names) and importances.sum() == pytest.approx(1)
    shown = result.to_optuna_study().trials
    active = [{name: value for name, value in trial.params.items() if value is not None} for trial in result.records]
    assert [trial.params for trial in shown] == active
    assert result.report(tmp_path / "report.html").exists()
    kept = OptimizationResult.load(result.save(tmp_path / "kept"))
    assert kept.best.params == {"kind": None, **result.best.params}
    assert_frame_equal(kept.trials, result.trials)


class Earning(Weighted):
    objective = "total_return"


class Calm(Weighted):
    objective = "minimize annual_volatility"


@pytest.mark.parametrize("given", [[Earning, Calm, Weighted], [Calm, Weighted, Earning]])
def test_strategies_that_look_for_different_things_are_not_compared(pool, tmp_path, given):
    result = run_many(given, search=RandomSearch(12, seed=1), pool=pool, **SPAN)
    goals = {Earning: "maximize total_return", Calm: "minimize annual_volatility", Weighted: "maximize sharpe"}
    differing = "; ".join(f"'{one.__name__}': {goals[one]}" for one in given)
    message = re.escape(f"searches differ ({differing}), so their trials cannot be compared: look at each search's own")
    for compared in (
        lambda: result.best,
        lambda: result.trades,
        result.top,
        lambda: result.pareto,
        result.stats,
        result.importances,
        result.to_optuna_study,
        result.plot_equity,
        lambda: result.plot_heatmap("fast", "weight"),
        result.plot_parallel,
        lambda: result.report(tmp_path / "report.html"),
        lambda: result.save(tmp_path / "kept"),
    ):
        with pytest.raises(InvalidParameter, match=message):
            compared()
    assert not (tmp_path / "kept").exists()
    assert len(result.trials) == 36 and result.returns.shape[1] == 36
    assert all(goals[one] in repr(result) for one in given)
    for one in given:
        row, best = result.table.loc[one.__name__], result[one.__name__].best
        assert row["objective"] == goals[one] and row["score"] == best.score
        assert row["sharpe"] == best.metrics["sharpe"] and row["fast"] == best.params["fast"]


def test_strategies_that_look_for_the_same_thing_are_compared(pool):
    result = run_many({"one": Calm, "other": Calm(weight=0.5, fast=20)}, search=RandomSearch(3), pool=pool, **SPAN)
    assert result.best.score == result.table["score"].min() and "objective" not in result.table
    assert repr(result).startswith("GroupedResult(4 complete; minimize annual_volatility; ")


class Forgetful(Strategy):
    def __init__(self):
        self.seen = 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "strategies is empty"),
        ([5], "strategies holds 5: give Strategy instances"),
        ([Forgetful()], "does not call super"),
    ],
)
def test_what_is_no_list_of_strategies_says_so(given, message):
    with pytest.raises(InvalidParameter, match=message):
        run_many(given, **HALF_YEAR)
