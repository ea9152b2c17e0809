"""Is every metric documented, computed and finite or NaN, whatever the run was like?"""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from rustybt.errors import InvalidParameter
from rustybt.finance.records import TRANSACTION
from rustybt.results.metrics import METRICS, MetricInputs, compute_metrics, require_metric
from rustybt.results.trades import round_trips

DOCS = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
ROW = re.compile(r"^\| (\w+) \| `(.+?)` \| (.+?) \| (.*?) ?\|$", re.MULTILINE)
OF_RETURNS = set(METRICS) - {
    *("benchmark_return ending_value pnl time_in_market avg_gross_leverage max_leverage turnover commission".split()),
    *("fills trades open_trades win_rate profit_factor payoff_ratio avg_trade_pnl expectancy avg_bars_held".split()),
    *("borrow_cost", "margin_interest"),
}


def run_of(returns, benchmark=None, fills=(), leverage=1.0, capital=100.0):
    returns = np.array(returns, dtype=float)
    with np.errstate(all="ignore"):
        value = capital * np.cumprod(1 + returns)
    benchmark = np.zeros(len(returns)) if benchmark is None else np.array(benchmark, dtype=float)
    records = np.array(list(fills), TRANSACTION)
    trades = round_trips(records)
    return MetricInputs(returns, benchmark, value, capital, np.full(len(returns), leverage), trades, records)


def test_docs_and_registry_name_the_same_formulas():
    rows = {name: formula.replace("\\|", "|") for name, formula, *_ in ROW.findall(DOCS.read_text(encoding="utf-8"))}
    assert rows == {name: spec.formula for name, spec in METRICS.items()}


def test_every_metric_is_computed_once():
    assert list(compute_metrics(run_of([0.01, -0.02, 0.03]))) == list(METRICS)


@pytest.mark.parametrize(
    "returns",
    [
        [],
        [0.0],
        [0.01],
        [0.0] * 10,
        [1e16, -1e16, 1e16],
        [1e308, 1e308],
        [math.nan, 0.1],
        [math.inf, 0.1],
        [-1.0, 0.0],
        [-1.0, math.nan],
        [-2.0, 3.0, -5.0],
        [5e-324, -5e-324],
    ],
)
def test_no_metric_is_ever_infinite(returns):
    metrics = compute_metrics(run_of(returns, benchmark=returns))
    assert all(isinstance(value, float) for value in metrics.values())
    assert [name for name, value in metrics.items() if math.isinf(value)] == []


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_return_that_is_not_finite_leaves_no_statistic_of_returns(broken):
    metrics = compute_metrics(run_of([0.01, broken, 0.02, -0.01]))
    assert {name for name in OF_RETURNS if not math.isnan(metrics[name])} == set()
    assert metrics["trades"] == 0


def test_a_run_without_trades_counts_zero_and_has_no_averages():
    metrics = compute_metrics(run_of([0.0, 0.0]))
    assert (metrics["trades"], metrics["fills"], metrics["commission"], metrics["turnover"]) == (0, 0, 0, 0)
    assert all(math.isnan(metrics[name]) for name in ("win_rate", "profit_factor", "expectancy", "avg_bars_held"))


# Two round trips and one open position: +18 on 100, -10 on 50, and 5 shares left.
def test_trades_by_hand():
    fills = [
        (0, 1, 10, 10.0, 1.0, 0),
        (2, 1, -10, 12.0, 1.0, 0),
        (2, 2, 10, 5.0, 0.0, 0),
        (3, 2, -10, 4.0, 0.0, 0),
        (3, 1, 5, 10.0, 1.0, 0),
    ]
    metrics = compute_metrics(run_of([0.0] * 4, fills=fills, capital=1000.0))
    assert metrics["trades"] == 2
    assert metrics["open_trades"] == 1
    assert metrics["win_rate"] == 0.5
    assert metrics["profit_factor"] == pytest.approx(1.8)
    assert metrics["payoff_ratio"] == pytest.approx(1.8)
    assert metrics["avg_trade_pnl"] == pytest.approx(4.0)
    assert metrics["expectancy"] == pytest.approx((0.18 - 0.2) / 2)
    assert metrics["avg_bars_held"] == pytest.approx(1.5)
    assert metrics["commission"] == 3
    assert metrics["turnover"] == pytest.approx((100 + 120 + 50 + 40 + 50) / 1000 * 252 / 4)


def test_leverage_and_value():
    run = run_of([0.1, 0.1])._replace(gross_leverage=np.array([0.0, 1.5]))
    metrics = compute_metrics(run)
    assert (metrics["time_in_market"], metrics["avg_gross_leverage"], metrics["max_leverage"]) == (0.5, 0.75, 1.5)
    assert metrics["ending_value"] == pytest.approx(121)
    assert metrics["pnl"] == pytest.approx(21)


def test_an_unknown_metric_is_named_with_its_neighbour():
    with pytest.raises(
        InvalidParameter, match=r"metric 'sharp' is unknown \(did you mean 'sharpe'\?\); known are total_"
    ):
        require_metric("sharp")
