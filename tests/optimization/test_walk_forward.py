"""A walk-forward from beginning to end: its windows, its one curve, and what its windows share."""

import re

import numpy as np
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal

from rustybt import Optimizer, Strategy
from rustybt.api import order_target_percent, symbol
from rustybt.errors import InvalidParameter
from rustybt.optimization import (
    BayesianSearch,
    BOHBSearch,
    GridSearch,
    Integer,
    OptimizationResult,
    PersistentWorkerPool,
    RandomSearch,
    WalkForward,
)
from rustybt.optimization.result_cache import ResultCache
from tests.optimization.vector_strategies import SPAN, Cross

pytestmark = pytest.mark.usefixtures("market")


@pytest.fixture(scope="module")
def pool():
    with PersistentWorkerPool(2) as made:
        yield made


class Bars(Strategy):
    """Decides bar by bar."""

    fast = Integer(2, 12)
    slow = Integer(15, 40)

    def initialize(self, context):
        context.asset = symbol("AAPL")

    def handle_data(self, context, data):
        prices = data.window(context.asset, "close", self.slow)
        order_target_percent(context.asset, 1.0 if prices[-self.fast :].mean() > prices.mean() else 0.0)


class Counting(Bars):
    """Waits until it has seen enough bars by itself."""

    def initialize(self, context):
        super().initialize(context)
        context.seen = []

    def handle_data(self, context, data):
        context.seen.append(float(data.current(context.asset, "close")))
        if len(context.seen) >= self.slow:
            fast, slow = np.mean(context.seen[-self.fast :]), np.mean(context.seen[-self.slow :])
            order_target_percent(context.asset, 1.0 if fast > slow else 0.0)


def run(strategy, search, pool=None, **options):
    options = {"objective": "total_return", "result_cache": ResultCache(), **SPAN, **options}
    return Optimizer(strategy, search=search, pool=pool, **options).run()


def test_each_window_is_a_search_of_its_own_and_a_backtest_after_it(pool):
    search = WalkForward(RandomSearch(8, seed=1), in_sample=80, out_of_sample=40, embargo=3)
    result = run(Bars, search, pool)
    windows = result.walk_forward.windows
    assert len(windows) == 5 and windows["trials"].eq(8).all()
    for row in windows.itertuples():
        span = {"start": row.in_sample_start, "end": row.in_sample_end}
        alone = run(Bars, RandomSearch(8, seed=1), **{**SPAN, **span})
        assert (row.fast, row.slow) == (alone.best.params["fast"], alone.best.params["slow"])
        assert row.in_sample_score == alone.best.score
        after = {"start": row.out_of_sample_start, "end": row.out_of_sample_end}
        later = run(Bars, GridSearch(), fixed=alone.best.params, **{**SPAN, **after})
        assert row.out_of_sample_score == later.records[0].score


def test_the_curve_goes_on_from_window_to_window(pool):
    walk = run(Bars, WalkForward(RandomSearch(6, seed=1), in_sample=80, out_of_sample=40), pool).walk_forward
    returns = np.concatenate([walk.run_of(number).returns for number in range(len(walk))])
    assert walk.returns.tolist() == returns.tolist()
    np.testing.assert_allclose(walk.equity, 1e7 * np.cumprod(1 + returns), rtol=1e-12)
    assert walk.metrics["total_return"] == pytest.approx(np.prod(1 + returns) - 1, rel=1e-9)
    assert list(walk.params.columns) == ["fast", "slow"] and set(walk.stability.index) == {"fast", "slow"}


@pytest.mark.parametrize("strategy", [Bars, Cross])
def test_anchored_windows_share_their_backtests_and_change_no_number(pool, strategy):
    search = WalkForward(RandomSearch(10, seed=1), in_sample=80, out_of_sample=40, anchored=True)
    shared, apart = run(strategy, search, pool), run(strategy, search, pool, result_cache=False)
    ignored = ["seconds", "worker", "cached"]
    assert_frame_equal(shared.trials.drop(columns=ignored), apart.trials.drop(columns=ignored), check_exact=True)
    assert_frame_equal(shared.walk_forward.windows, apart.walk_forward.windows)
    assert shared.trials["cached"].sum() == 10 * (len(shared.walk_forward.windows) - 1)
    assert not apart.trials["cached"].any()


def test_a_strategy_that_warms_itself_up_is_warm_when_its_window_begins(pool):
    fixed = {"fast": 5, "slow": 30}
    cold, warm = (
        run(Counting, WalkForward(GridSearch(), in_sample=80, out_of_sample=40, warmup=warmup), pool, fixed=fixed)
        for warmup in (0, "auto")
    )
    reading = run(Bars, WalkForward(GridSearch(), in_sample=80, out_of_sample=40), pool, fixed=fixed)
    first = slice(80)  # later a dividend is in the windows of history, and not in what the strategy remembers
    assert warm.walk_forward.returns[first].tolist() == reading.walk_forward.returns[first].tolist()
    assert cold.walk_forward.returns[first].tolist() != warm.walk_forward.returns[first].tolist()
    for number in range(len(cold.walk_forward)):
        held = np.flatnonzero(cold.walk_forward.run_of(number).gross_leverage)
        assert (held >= fixed["slow"]).all()  # it has seen enough one bar earlier, and its order fills at the next


def test_the_best_is_that_of_the_latest_window(pool):
    result = run(Cross, WalkForward(BayesianSearch(12, seed=1), in_sample=80, out_of_sample=40), pool)
    last = result.trials[result.trials["study"] == f"window {len(result.walk_forward.windows) - 1}"]
    assert result.best.score == last["score"].max()
    assert set(result.top()["study"]) == {last["study"].iloc[0]}
    assert len(result.returns) == 80 == len(result.best.run.returns)
    assert result.trials["trial"].tolist() == list(range(len(result)))
    assert result.best.run.metrics["total_return"] == pytest.approx(result.best.score, rel=1e-9)


def test_a_search_on_parts_of_the_budget_walks_too(pool):
    search = WalkForward(BOHBSearch(blocks=9, check=10, seed=1), in_sample=120, out_of_sample=60)
    result = run(Cross, search, pool)
    assert result.walk_forward.windows["status"].eq("complete").all()
    assert result.trials["budget"].min() < 1


def test_fast_runs_every_second_window(pool):
    search = WalkForward(RandomSearch(4, seed=1), in_sample=80, out_of_sample=40)
    whole, half = run(Cross, search, pool), run(Cross, search, pool, fast=True)
    windows = whole.walk_forward.windows
    assert half.walk_forward.windows["window"].tolist() == windows["window"].tolist()[::-1][::2][::-1]
    assert half.info.is_fast


def test_windows_by_dates_and_calendar(pool):
    spring = (("2012-01-03", "2012-04-30"), ("2012-05-01", "2012-06-29"))
    autumn = (("2012-03-01", "2012-08-31"), ("2012-10-01", "2012-12-31"))
    dates = [spring, autumn]
    result = run(Cross, WalkForward(RandomSearch(4, seed=1), windows=dates), pool)
    assert result.walk_forward.windows["out_of_sample_end"].astype(str).tolist() == ["2012-06-29", "2012-12-31"]
    months = run(Cross, WalkForward(RandomSearch(4, seed=1), "6 months", "2 months"), pool).walk_forward.windows
    assert months["out_of_sample_start"].astype(str).tolist() == ["2012-07-02", "2012-09-04", "2012-11-01"]


def test_it_is_kept_and_drawn(pool, tmp_path):
    result = run(Cross, WalkForward(RandomSearch(6, seed=1), in_sample=80, out_of_sample=40), pool)
    back = OptimizationResult.load(result.save(tmp_path / "run"))
    assert_frame_equal(back.trials, result.trials)
    assert back.best.params == result.best.params
    assert_series_equal(back.walk_forward.equity, result.walk_forward.equity, check_freq=False)
    assert back.walk_forward.windows["status"].tolist() == result.walk_forward.windows["status"].tolist()
    assert back.walk_forward.metrics == pytest.approx(result.walk_forward.metrics, nan_ok=True)
    assert result.plot_walk_forward().data and back.plot_walk_forward().data
    page = result.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Out-of-sample" in page


def test_its_report_has_one_numbering_of_windows(pool, tmp_path):
    result = run(Cross, WalkForward(RandomSearch(4, seed=1), in_sample=80, out_of_sample=40), pool)
    page = result.report(tmp_path / "report.html").read_text(encoding="utf-8")
    numbers = result.walk_forward.windows["window"].tolist()
    assert re.findall(r"<tr><td>(\d+)</td><td class=\"word\">20", page) == [str(number) for number in numbers]
    assert set(re.findall(r"<td class=\"word\">(window \d+)<", page)) == {f"window {numbers[-1]}"}
    assert f"{len(result)} backtests in sample of {len(numbers)} windows" in page
    last = result.trials[result.trials["study"] == f"window {numbers[-1]}"]
    assert f"<td>Total return, highest</td><td>{last['score'].max():.2%}</td>" in page


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WalkForward(RandomSearch), "is no search: give an instance"),
        (lambda: WalkForward(RandomSearch(2), in_sample=80), "out_of_sample is missing"),
        (lambda: WalkForward(RandomSearch(2), 80, 40, warmup="aut"), r"warmup 'aut' is unknown \(did you mean 'auto'"),
        (lambda: run(Cross, WalkForward(RandomSearch(2), 800, 40)), "no window fits into the 250 sessions"),
        (lambda: run(Cross, RandomSearch(2)).plot_walk_forward(), "of no walk-forward"),
    ],
)
def test_what_cannot_walk_says_so(make, message):
    with pytest.raises(InvalidParameter, match=message):
        make()
