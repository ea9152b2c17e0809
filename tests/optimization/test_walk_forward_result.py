"""What a walk-forward shows of its windows, and of their runs as one."""

import math

import numpy as np
import pandas as pd
import pytest

from rustybt import Strategy
from rustybt.data.portal import portal_of
from rustybt.engine.setup import Setup
from rustybt.engine.span import Span
from rustybt.engine.stop_rules import StopRules
from rustybt.engine.strategy import hooks_of
from rustybt.finance.commission import NoCommission
from rustybt.finance.slippage import NoSlippage
from rustybt.optimization.objective import Objective
from rustybt.optimization.walk_forward_result import WalkForwardResult, WindowOutcome, WindowStatus
from rustybt.optimization.windows import Window
from rustybt.results.metrics import METRICS
from rustybt.results.stitched import piece_of, stitched
from rustybt.run import simulate_span
from tests.builders import bars, days, make_bundle

CLOSES = [10.0, 11.0, 12.0, 10.0, 12.0, 15.0, 10.0, 12.0, 9.0, 10.0, 11.0, 11.0]


class Hold(Strategy):
    """Holds 100 shares of the first asset."""

    def initialize(self, context):
        context.set_slippage(NoSlippage())
        context.set_commission(NoCommission())

    def handle_data(self, context, data):
        context.order_target(context.sid(0), 100)


class Compared(Hold):
    def initialize(self, context):
        super().initialize(context)
        context.set_benchmark(context.symbol("B"))


@pytest.fixture
def portal():
    frames = {"A": bars(CLOSES), "B": bars([20.0 + k for k in range(12)])}
    return portal_of(make_bundle(frames))


def window(number, partial=False):
    """Give three sessions out-of-sample after three in-sample."""
    first = 3 * number
    return Window(number, Span(first, first + 2), Span(first + 3, min(first + 5, 11)), partial)


class Runs:
    """Runs that are counted."""

    def __init__(self, portal, strategy=Hold, setup=None):
        self.portal, self.strategy, self.setup, self.count = portal, strategy, setup or Setup(), 0

    def of(self, span):
        def call():
            self.count += 1
            return simulate_span(hooks_of(self.strategy()), self.portal, span, 1_000.0, setup=self.setup)

        return call


def outcome(number, runs, status=WindowStatus.COMPLETE, params=None, scores=(1.0, 0.5), by_piece=False, **more):
    span = window(number).out_of_sample
    run = runs.of(span)
    known = {"piece": piece_of(run())} if by_piece else {"run": run}
    return WindowOutcome(
        window(number),
        status,
        {"fast": 10 + number, "kind": "up"} if params is None else params,
        *scores,
        {"sharpe": 2.0, "annual_return": 0.2, "max_drawdown": -0.1, "trades": 5.0},
        {"sharpe": 1.0, "annual_return": 0.1, "max_drawdown": -0.2, "trades": 1.0},
        trials=7,
        **known,
        **more,
    )


def missing(number):
    return WindowOutcome(window(number), WindowStatus.NO_TRIAL, trials=7)


def result(portal, outcomes, **more):
    return WalkForwardResult(outcomes, portal.session_ns, Objective("sharpe"), ["fast", "kind"], 1_000.0, **more)


@pytest.fixture
def runs(portal):
    return Runs(portal)


# The curve ----------------------------------------------------------------------------------------------------------


def test_the_curve_is_that_of_the_runs_together(portal, runs):
    found = result(portal, [outcome(n, runs) for n in range(3)])
    assert runs.count == 0
    expected = stitched([runs.of(window(n).out_of_sample)() for n in range(3)])
    runs.count = 0
    assert found.equity.tolist() == expected.portfolio_value.tolist()
    assert found.equity.index.tolist() == days(12).tolist()[3:]
    assert found.returns.tolist() == expected.returns.tolist()
    assert found.metrics == pytest.approx(expected.metrics, nan_ok=True)
    pd.testing.assert_frame_equal(found.trades, expected.trades)
    assert runs.count == 3


def test_runs_that_are_there_as_arrays_are_not_repeated(portal, runs):
    outcomes = [outcome(n, runs, by_piece=True) for n in range(3)]
    runs.count = 0
    found = result(portal, outcomes, symbols={0: "A"})
    by_runs = result(portal, [outcome(n, runs) for n in range(3)])
    assert (len(found.equity), runs.count) == (9, 0)
    assert found.equity.tolist() == by_runs.equity.tolist()
    assert found.trades["symbol"].tolist() == ["A"] * 3
    assert found.run_of(1) is None


def test_a_run_in_full_is_run_once(portal, runs):
    found = result(portal, [outcome(n, runs) for n in range(3)])
    assert found.run_of(1) is found.run_of(1)
    assert found.run_of(1).perf.index[0].date() == days(12)[6].date()
    assert runs.count == 1


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_window_without_an_eligible_trial_is_cash(portal, runs, at):
    found = result(portal, [missing(n) if n == at else outcome(n, runs) for n in range(3)])
    idle = slice(3 * at, 3 * at + 3)
    assert len(found.equity) == 9
    assert found.returns.iloc[idle].tolist() == [0.0] * 3
    before = 1_000.0 if at == 0 else found.equity.iloc[3 * at - 1]
    assert found.equity.iloc[idle].tolist() == [before] * 3
    assert found.run_of(at) is None
    assert found.notes == (
        f"window {at}, {days(12)[3 * at + 3].date()} to {days(12)[3 * at + 5].date()}: no eligible trial, cash",
    )


def test_cash_is_compared_with_the_benchmark_of_the_runs(portal):
    compared = Runs(portal, Compared)
    found = result(portal, [outcome(0, compared), missing(1), outcome(2, compared)])
    assert found.stitched.benchmark_returns == pytest.approx([1 / (22 + k) for k in range(9)])


def test_no_window_with_a_trial_at_all_is_cash_alone(portal):
    found = result(portal, [missing(n) for n in range(2)])
    assert found.equity.tolist() == [1_000.0] * 6
    assert math.isnan(found.rank_correlation)
    assert math.isnan(found.efficiency)
    assert found.params["fast"].tolist() == [None, None]


def test_a_run_that_was_given_up_is_cash_from_there_on(portal):
    """100 shares bought at 12 on 1,000, down to 9 a session later: 700, where the rule stops it."""
    stopping = Runs(portal, setup=Setup(stop_rules=StopRules(max_drawdown=0.1)))
    long = Window(0, Span(0, 2), Span(6, 11))
    run = stopping.of(long.out_of_sample)
    stopped = WindowOutcome(long, WindowStatus.STOPPED, {}, run=run, error="stopped at 2020-01-14")
    found = result(portal, [stopped])
    assert found.equity.tolist() == [1_000.0, 1_000.0, 700.0, 700.0, 700.0, 700.0]
    assert found.metrics["time_in_market"] == pytest.approx(2 / 6)
    assert found.notes[0].endswith("stopped (stopped at 2020-01-14), cash from there on")


def test_a_run_that_failed_is_cash(portal, runs):
    failed = outcome(1, runs, WindowStatus.FAILED, error="Traceback\n  File\nValueError: four\n")
    found = result(portal, [outcome(0, runs), failed])
    assert found.returns.iloc[3:].tolist() == [0.0] * 3
    assert found.notes[0].endswith("failed (ValueError: four), cash")


# The windows --------------------------------------------------------------------------------------------------------


def test_the_frame_of_windows(portal, runs):
    frame = result(portal, [outcome(0, runs), missing(1), outcome(2, runs, scores=(3.0, math.nan))]).windows
    assert (
        frame.columns.tolist()
        == (
            "window in_sample_start in_sample_end out_of_sample_start out_of_sample_end fast kind "
            "in_sample_score out_of_sample_score in_sample_sharpe out_of_sample_sharpe "
            "in_sample_annual_return out_of_sample_annual_return in_sample_max_drawdown out_of_sample_max_drawdown "
            "in_sample_trades out_of_sample_trades trials partial status error"
        ).split()
    )
    label = days(12)
    assert frame["out_of_sample_start"].tolist() == [label[3], label[6], label[9]]
    assert frame["in_sample_end"].tolist() == [label[2], label[5], label[8]]
    assert frame["fast"].tolist() == [10, None, 12]
    assert frame["status"].tolist() == ["complete", "no eligible trial", "complete"]
    assert frame["in_sample_sharpe"].tolist()[::2] == [2.0, 2.0]
    assert np.isnan(frame.loc[1, ["in_sample_score", "out_of_sample_trades"]].astype(float)).all()
    assert frame["trials"].tolist() == [7, 7, 7]
    assert runs.count == 0


def test_params_are_numbers_where_all_are(portal, runs):
    found = result(portal, [outcome(n, runs) for n in range(3)])
    assert found.windows["fast"].dtype == np.int64
    assert found.params.index.tolist() == [0, 1, 2]
    assert found.params["fast"].tolist() == [10, 11, 12]
    assert found.params["kind"].tolist() == ["up"] * 3


def test_a_parameter_that_has_the_name_of_a_column(portal, runs):
    chosen = outcome(0, runs, params={"status": 5})
    found = WalkForwardResult([chosen], portal.session_ns, Objective("sharpe"), ["status"], 1_000.0)
    assert (found.windows["param_status"].tolist(), found.windows["status"].tolist()) == ([5], ["complete"])


def test_stability_is_that_of_the_windows_with_params(portal, runs):
    found = result(portal, [outcome(0, runs), missing(1), outcome(2, runs)], ranges={"fast": (0.0, 20.0)})
    assert found.stability.loc["fast", ["distinct", "mean", "mean_step"]].tolist() == [2.0, 11.0, 0.1]
    assert found.stability.loc["kind", "mode_share"] == 1.0


def test_a_partial_window_says_so(portal, runs):
    chosen = WindowOutcome(window(2, partial=True), WindowStatus.NO_TRIAL)
    assert result(portal, [chosen]).windows["partial"].tolist() == [True]


def test_its_name_counts_windows(portal, runs):
    found = result(portal, [outcome(0, runs), missing(1), outcome(2, runs)])
    assert repr(found) == "WalkForwardResult(3 windows: 2 complete, 1 no eligible trial; maximize sharpe)"
    assert len(found) == 3


# In-sample against out-of-sample ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([(1, 10), (2, 20), (3, 30)], 1.0),
        ([(1, 30), (2, 20), (3, 10)], -1.0),
        ([(1, 1), (2, 3), (3, 2), (4, 4)], 0.8),
        ([(1, 1), (1, 2), (2, 3), (3, 3)], 8 / 9),  # equal ones share their mean rank
        ([(1, 10), (2, 20), (3, math.nan), (4, 15)], 0.5),
        ([(1, 10), (2, 20)], math.nan),
        ([(1, 10), (2, 20), (math.inf, 30)], math.nan),
        ([(1, 10), (1, 20), (1, 30)], math.nan),
        ([], math.nan),
    ],
)
def test_rank_correlation(portal, runs, scores, expected):
    found = result(portal, [outcome(0, runs, scores=pair) for pair in scores])
    assert found.rank_correlation == pytest.approx(expected, rel=1e-5, nan_ok=True)


def test_efficiency_is_growth_that_came_true(portal, runs):
    found = result(portal, [outcome(0, runs), missing(1), outcome(2, runs)])
    assert found.efficiency == pytest.approx(found.metrics["annual_return"] / 0.2)


def test_efficiency_of_a_loss_in_sample_is_none(portal, runs):
    lost = WindowOutcome(
        window(0), WindowStatus.COMPLETE, {}, in_sample={"annual_return": -0.1}, run=runs.of(Span(3, 5))
    )
    assert math.isnan(result(portal, [lost]).efficiency)


def test_comparison_of_all_metrics(portal, runs):
    found = result(portal, [outcome(0, runs), missing(1), outcome(2, runs)])
    frame = found.comparison
    assert frame.index.tolist() == list(METRICS)
    assert frame.loc["sharpe", ["in_sample", "out_of_sample"]].tolist() == [2.0, 1.0]
    assert frame.loc["ending_value", "stitched"] == found.metrics["ending_value"]
    assert math.isnan(frame.loc["skew", "in_sample"])
