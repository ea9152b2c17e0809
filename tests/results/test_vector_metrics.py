"""Metrics of a batch: those that a single run computes, of runs with every kind of trade."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rustybt import run_batch
from rustybt.engine.setup import Setup, setup_of
from rustybt.engine.stop_rules import StopRules
from rustybt.engine.strategy import hooks_of
from rustybt.finance.commission import NoCommission, PerTrade
from rustybt.finance.rules import rules_of
from rustybt.finance.slippage import NoSlippage
from rustybt.results.metrics import METRICS
from rustybt.run import simulate
from rustybt.testing import difference
from tests.builders import bars, days, make_bundle
from tests.vector_cases import AtBars, at_once, costs, other_metrics, random_decisions, random_market

DAY = [str(d.date()) for d in days(12)]
FREE = Setup(blotter=costs(NoSlippage(), NoCommission()))


def all_three(bundle, kind, decisions, setup=FREE, capital=10_000.0):
    """Give the metrics of the event tier, of a single vector run and of a batch; they must be equal."""
    assets = bundle.asset_finder.equities
    vector_class = at_once(kind, decisions, assets)
    event = simulate(hooks_of(AtBars(kind, decisions, assets)), bundle, None, None, capital, setup=setup)
    vector = simulate(hooks_of(vector_class()), bundle, None, None, capital, setup=setup)
    batch = run_batch(vector_class, [{}], bundle, capital_base=capital, setup=setup)[list(METRICS)].iloc[0].to_dict()
    assert difference(event.perf, vector.perf) == ""
    assert other_metrics(event.metrics, vector.metrics) == []
    assert other_metrics(event.metrics, batch) == []
    return event, batch


def column(*values):
    return np.array(values, dtype=float)[:, np.newaxis]


def test_by_hand():
    # 10 bought at 10 and sold at 12, 10 sold short at 12 and covered at 15, each fill for 1.
    bundle = make_bundle({"A": bars([10.0, 10.0, 12.0, 12.0, 15.0, 15.0])})
    setup = Setup(blotter=costs(NoSlippage(), PerTrade(1.0)))
    _, found = all_three(bundle, "orders", column(10, -10, -10, 10, 0, 0), setup, capital=1000.0)
    expected = {
        "ending_value": 1000 + 20 - 30 - 4, "pnl": -14.0, "fills": 4.0, "commission": 4.0, "trades": 2.0,
        "open_trades": 0.0, "win_rate": 0.5, "profit_factor": 18 / 32, "payoff_ratio": 18 / 32, "avg_trade_pnl": -7.0,
        "expectancy": (18 / 100 - 32 / 120) / 2, "avg_bars_held": 1.0, "time_in_market": 2 / 6,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-12)


def test_shares_granted_on_a_splits_day_make_no_trade_of_their_own():
    frame = bars([10.0, 10.0, 10.0, 10.0, 5.0, 5.0, 5.0, 5.0])
    bundle = make_bundle({"A": frame}, stock_dividends=[("A", "A", DAY[2], DAY[4], 0.5)], splits=[("A", DAY[4], 0.5)])
    event, found = all_three(bundle, "orders", column(10, np.nan, np.nan, np.nan, np.nan, -30, np.nan, np.nan))
    assert [row["amount"] for row in event.perf["positions"].iloc[5]] == [30]
    assert (found["trades"], found["open_trades"], found["avg_trade_pnl"]) == (1.0, 0.0, 50.0)


def test_no_trades_and_one_session():
    bundle = make_bundle({"A": bars([10.0, 11.0])})
    _, found = all_three(bundle, "orders", column(0, 0))
    assert (found["total_return"], found["fills"], found["trades"]) == (0.0, 0.0, 0.0)
    assert np.isnan(
        [found[name] for name in ("win_rate", "avg_trade_pnl", "expectancy", "profit_factor", "sharpe")]
    ).all()
    strategy = at_once("orders", column(5), bundle.asset_finder.equities)
    single = simulate(hooks_of(strategy()), bundle, DAY[1], DAY[1], 1e4)
    batch = run_batch(strategy, [{}], bundle, DAY[1], DAY[1], 1e4)
    assert other_metrics(single.metrics, batch[list(METRICS)].iloc[0].to_dict()) == []


def test_a_portfolio_that_is_worth_nothing_or_less():
    # 1,000 shares short at 10 for a capital of 10,000 are worth nothing at 20, and less at 25.
    for closes in ([20.0] * 3, [25.0, 30.0, 20.0], [20.0, 15.0, 25.0], [20.0] * 12, [20.0, *[15.0] * 12]):
        bundle = make_bundle({"A": bars([10.0, 10.0, *closes])}, name="bankrupt")
        event, _ = all_three(bundle, "orders", column(-1000, *[0] * (len(closes) + 1)))
        assert event.perf["portfolio_value"].tolist()[2:] == [20_000 - 1000 * close for close in closes]


def test_metrics_of_a_stopped_run_leave_out_what_comes_after():
    bundle = make_bundle({"A": bars([10.0, 10.0, 5.0, 5.0, 9.0, 9.0])}, splits=[("A", DAY[4], 0.5)])
    setup = FREE._replace(stop_rules=StopRules(max_drawdown=0.2))
    _, found = all_three(bundle, "target_shares", column(500, 500, 500, 500, 0, 0), setup)
    assert (found["ending_value"], found["fills"], found["open_trades"]) == (7500.0, 1.0, 1.0)


def test_a_benchmark_is_cut_where_a_run_stops():
    bundle = make_bundle({"A": bars([10.0, 10.0, 5.0, 5.0, 9.0]), "B": bars([10.0, 11.0, 12.0, 6.0, 99.0])})
    decisions = np.column_stack((np.full(5, 500.0), np.zeros(5)))
    setup = FREE._replace(stop_rules=StopRules(max_drawdown=0.2))
    named = at_once("target_shares", decisions, ["A", "B"], benchmark="B")
    found = run_batch(named, [{}], bundle, capital_base=1e4, setup=setup)
    assert found["benchmark_return"].iloc[0] == pytest.approx(0.2)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(["orders", "target_shares"]), fractional=st.booleans())
@pytest.mark.filterwarnings("ignore::rustybt.errors.IngestWarning")
def test_many_small_trades_with_splits_and_grants(seed, kind, fractional):
    rng = np.random.default_rng(seed)
    market = random_market(seed, n_assets=2, n_sessions=25)
    labels = [str(day.date()) for day in market.frames["A"].index]
    day = labels[int(rng.integers(3, len(labels)))]
    market.actions["splits"] = [("A", day, float(rng.choice([0.5, 0.25, 3.0])))]
    market.actions["stock_dividends"] = [("A", "A", labels[2], day, 0.5)]
    bundle = market.ingest("small")
    decisions = random_decisions(seed, kind, (25, 2), np.full((25, 2), 1000.0))
    setup = setup_of(blotter=costs(NoSlippage(), PerTrade(0.5)), rules=rules_of(fractional_shares=fractional))
    all_three(bundle, kind, decisions, setup, capital=1e6)
