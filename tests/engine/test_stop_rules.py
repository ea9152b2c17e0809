"""Both tiers give a run up at the same session, by the same rule, at the same value."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rustybt import VectorStrategy, run_algorithm
from rustybt.engine.setup import Setup, setup_of
from rustybt.engine.stop_rules import NEVER, StopRules
from rustybt.engine.strategy import hooks_of
from rustybt.errors import InvalidParameter
from rustybt.finance.commission import NoCommission
from rustybt.finance.slippage import NoSlippage
from rustybt.kernels.stops import KEEP_ON, stop_code
from rustybt.run import simulate
from rustybt.testing import difference
from rustybt.vector_run import run_batch
from tests.builders import bars, days, make_bundle
from tests.vector_cases import AtBars, at_once, costs

# 100 shares are held from the second session on: 1,000 in cash buys 100 at 10, so the value is 100·close.
CLOSES = [10.0, 10.0, 12.0, 11.0, 9.0, 8.0, 9.0, 6.0, 10.0, 13.0]
DAY = days(10)
FREE = costs(NoSlippage(), NoCommission())


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUSTYBT_ROOT", str(tmp_path_factory.mktemp("stops")))
        yield make_bundle({"A": bars(CLOSES)})


def both(bundle, rules, decisions=None, capital=1000.0):
    """Run both tiers, require the same frame of them, and give the results."""
    if decisions is None:
        decisions = np.full((len(CLOSES), 1), 100.0)
    assets = bundle.asset_finder.equities
    setup = Setup(blotter=FREE, stop_rules=rules)
    strategies = AtBars("target_shares", decisions, assets), at_once("target_shares", decisions, assets)()
    event, vector = (simulate(hooks_of(each), bundle, None, None, capital, setup=setup) for each in strategies)
    assert difference(event.perf, vector.perf) == ""
    assert event.stopped == vector.stopped
    assert event.perf.attrs == vector.perf.attrs
    return event, vector


@pytest.mark.parametrize(
    ("rules", "bars_run", "rule", "value", "limit"),
    [
        # The peak is 1,200; 900 is 25% below it, 800 is 33%, 600 is 50%.
        ({"max_drawdown": 0.2}, 5, "max_drawdown", 0.25, 0.2),
        ({"max_drawdown": 0.26}, 6, "max_drawdown", 1 / 3, 0.26),
        ({"max_drawdown": 0.4}, 8, "max_drawdown", 0.5, 0.4),
        ({"min_equity": 900.0}, 6, "min_equity", 800.0, 900.0),  # 900 itself is not under it
        ({"min_equity": 700.0}, 8, "min_equity", 600.0, 700.0),
        ({"negative_return_after": 0}, 5, "negative_return_after", -0.1, 0.0),
        ({"negative_return_after": 7}, 7, "negative_return_after", -0.1, 0.0),
        ({"negative_return_after": 8}, 8, "negative_return_after", -0.4, 0.0),
        # Looked at after 3, 6 and 9 bars only; and not before 7.
        ({"max_drawdown": 0.2, "check_every": 3}, 6, "max_drawdown", 1 / 3, 0.2),
        ({"max_drawdown": 0.2, "min_bars": 7}, 7, "max_drawdown", 0.25, 0.2),
        ({"max_drawdown": 0.2, "check_every": 4, "min_bars": 5}, 8, "max_drawdown", 0.5, 0.2),
        # Several apply: drawdown goes first, then equity.
        ({"max_drawdown": 0.2, "min_equity": 950.0, "negative_return_after": 0}, 5, "max_drawdown", 0.25, 0.2),
        ({"min_equity": 950.0, "negative_return_after": 0}, 5, "min_equity", 900.0, 950.0),
    ],
)
def test_each_rule_stops_where_it_is_worked_out(bundle, rules, bars_run, rule, value, limit):
    for result in both(bundle, StopRules(**rules)):
        stop = result.stopped
        assert (stop.rule, stop.session, stop.bars, stop.limit) == (rule, DAY[bars_run - 1], bars_run, limit)
        assert stop.value == pytest.approx(value, rel=1e-12)
        assert len(result.perf) == bars_run
        assert result.perf["portfolio_value"].tolist()[1:] == [100 * close for close in CLOSES[1:bars_run]]
        assert result.perf.attrs["stopped"] == str(stop)


@pytest.mark.parametrize(
    "rules",
    [
        {"max_drawdown": 0.5},  # exactly 50% at the deepest
        {"min_equity": 600.0},
        {"max_drawdown": 0.2, "min_bars": 11},
        {"max_drawdown": 0.4, "check_every": 5},
        {"negative_return_after": 10},
        {"max_drawdown": 5.0},
        {"min_equity": -1e9},
    ],
)
def test_a_run_that_crosses_no_limit_comes_to_its_end(bundle, rules):
    for result in both(bundle, StopRules(**rules)):
        assert result.stopped is None
        assert len(result.perf) == len(CLOSES)
        assert "stopped" not in result.perf.attrs


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ({"max_drawdown": 0.2}, "stopped at 2020-01-08 after 5 bars: drawdown 25.00% is over max_drawdown 20.00%"),
        (
            {"min_equity": 850.5},
            "stopped at 2020-01-09 after 6 bars: portfolio value 800.00 is under min_equity 850.50",
        ),
        ({"negative_return_after": 3}, "stopped at 2020-01-08 after 5 bars: return -10.00% is negative after 5 bars"),
    ],
)
def test_the_message_says_where_and_why(bundle, rules, text):
    assert {str(result.stopped) for result in both(bundle, StopRules(**rules))} == {text}


def test_a_stopped_run_is_the_beginning_of_the_whole_one(bundle):
    whole, _ = both(bundle, None)
    event, vector = both(bundle, StopRules(max_drawdown=0.2))
    assert difference(event.perf, whole.perf.iloc[:5]) == ""
    assert event.metrics == pytest.approx(vector.metrics, nan_ok=True)
    assert vector.metrics["open_trades"] == 1.0
    assert vector.metrics["ending_value"] == 900.0


def test_orders_of_the_last_session_stay_open(bundle):
    decisions = np.full((len(CLOSES), 1), np.nan)
    decisions[[0, 4], 0] = 100.0, 0.0  # the sale of the fifth session would fill in the sixth
    for result in both(bundle, StopRules(max_drawdown=0.2), decisions):
        (order,) = result.perf["orders"].iloc[-1]
        assert (order["amount"], order["filled"], int(order["status"])) == (-100, 0, 0)


def test_a_portfolio_worth_nothing_or_less_stops(bundle):
    decisions = np.full((len(CLOSES), 1), -500.0)  # short: 1,000 + 500·(10 − close)
    for result in both(bundle, StopRules(max_drawdown=0.99), decisions):
        assert (result.stopped.bars, result.perf["portfolio_value"].iloc[-1]) == (3, 0.0)
    decisions = np.full((len(CLOSES), 1), -600.0)
    for result in both(bundle, StopRules(min_equity=0.0), decisions):
        assert (result.stopped.bars, result.stopped.value) == (3, -200.0)


def test_a_splits_day_is_no_drawdown():
    bundle = make_bundle({"A": bars([10.0, 10.0, 5.0, 5.0])}, splits=[("A", str(DAY[2].date()), 0.5)])
    for result in both(bundle, StopRules(max_drawdown=0.1), np.full((4, 1), [[100.0], [np.nan], [np.nan], [np.nan]])):
        assert result.stopped is None


def test_a_batch_says_why_each_run_stopped(bundle):
    class Hold(VectorStrategy):
        shares = 100
        slippage, commission = NoSlippage(), NoCommission()

        def target_shares(self, bars, shares):
            return np.full(bars.shape, shares)

    rules = StopRules(max_drawdown=0.2)
    frame = run_batch(
        Hold, [{"shares": 0}, {"shares": 100}, {"shares": 10}], bundle, capital_base=1000.0,
        setup=setup_of(stop_rules=rules),
    )  # fmt: skip
    text = "stopped at 2020-01-08 after 5 bars: drawdown 25.00% is over max_drawdown 20.00%"
    assert frame["stopped"].tolist() == [None, text, None]
    assert frame["ending_value"].tolist() == [1000.0, 900.0, 1030.0]
    assert "stopped" not in run_batch(Hold, [{}], bundle, capital_base=1000.0)


def test_run_algorithm_takes_stop_rules(ingested):
    class All(VectorStrategy):
        assets = ["AAPL"]

        def target_percent(self, bars):
            return np.ones(bars.shape)

    def handle_data(context, data):
        context.order_target_percent(context.symbol("AAPL"), 1.0)

    span = {"start": "2008-01-02", "end": "2010-12-31", "bundle": "mag-7", "stop_rules": StopRules(max_drawdown=0.15)}
    vector, event = run_algorithm(strategy=All(), **span), run_algorithm(handle_data=handle_data, **span)
    assert "drawdown" in event.attrs["stopped"]
    assert event.attrs == vector.attrs
    assert difference(event, vector) == ""


@settings(max_examples=60)
@given(
    decisions=st.lists(st.integers(-120, 150), min_size=10, max_size=10),
    drawdown=st.none() | st.floats(0.01, 0.6),
    floor=st.none() | st.floats(300, 1200),
    after=st.none() | st.integers(0, 12),
    every=st.integers(1, 4),
    least=st.integers(0, 11),
)
def test_the_rules_apply_as_a_slow_search_finds(bundle, decisions, drawdown, floor, after, every, least):
    if drawdown is None and floor is None and after is None:
        after = 0
    held = np.array(decisions, dtype=float)[:, np.newaxis]
    values = both(bundle, None, held)[1].portfolio_value
    found = len(values)
    for bars_run in range(max(1, least), len(values) + 1):
        so_far = values[:bars_run]
        peak = max(1000.0, *so_far)
        fallen = (peak - so_far[-1]) / peak
        assume(drawdown is None or abs(fallen - drawdown) > 1e-9)  # the rules go by compounded returns
        over = drawdown is not None and fallen > drawdown
        under = floor is not None and so_far[-1] < floor
        negative = after is not None and bars_run >= after and so_far[-1] < 1000.0 - 1e-9
        if bars_run % every == 0 and (over or under or negative):
            found = bars_run
            break
    rules = StopRules(
        max_drawdown=drawdown, min_equity=floor, negative_return_after=after, check_every=every, min_bars=least
    )
    assert [len(result.perf) for result in both(bundle, rules, held)] == [found, found]


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({}, "StopRules has no rule"),
        ({"check_every": 5}, "StopRules has no rule"),
        ({"max_drawdown": 0.0}, "max_drawdown 0.0 must be a number above 0"),
        ({"max_drawdown": -0.3}, "max_drawdown -0.3 must be a number above 0"),
        ({"max_drawdown": math.nan}, "max_drawdown nan must be a number above 0"),
        ({"max_drawdown": math.inf}, "max_drawdown inf must be a number above 0"),
        ({"min_equity": math.nan}, "min_equity nan must be a finite number"),
        ({"min_equity": -math.inf}, "min_equity -inf must be a finite number"),
        ({"negative_return_after": -1}, "negative_return_after -1 must be a whole number of bars, at least 0"),
        ({"negative_return_after": 2.5}, "negative_return_after 2.5 must be a whole number of bars"),
        ({"max_drawdown": 0.1, "check_every": 0}, "check_every 0 must be a whole number of bars, at least 1"),
        ({"max_drawdown": 0.1, "check_every": True}, "check_every True must be a whole number"),
        ({"max_drawdown": 0.1, "min_bars": -1}, "min_bars -1 must be a whole number of bars, at least 0"),
        ({"max_drawdown": 0.1, "min_bars": None}, "min_bars None must be a whole number"),
        ({"max_drawdown": 0.1, "check_every": None}, "check_every None must be a whole number"),
        ({"max_drawdown": "0.3"}, "max_drawdown '0.3' must be a number above 0"),
        ({"max_drawdown": True}, "max_drawdown True must be a number above 0"),
        ({"min_equity": "1000"}, "min_equity '1000' must be a finite number"),
    ],
)
def test_rules_that_make_no_sense_are_refused(values, match):
    with pytest.raises(InvalidParameter, match=match):
        StopRules(**values)


def test_stop_rules_of_another_type_are_refused():
    with pytest.raises(InvalidParameter, match="stop_rules 0.3 are none: pass StopRules"):
        setup_of(stop_rules=0.3)


def test_values_of_numpy_are_numbers():
    assert StopRules(max_drawdown=np.float64(0.3), min_equity=np.float32(2)).thresholds == (0.3, 2.0, -1, 1, 0)


def test_no_portfolio_crosses_never():
    assert {stop_code(bars_run, -1e300, -1.0, 1e300, *NEVER) for bars_run in range(5)} == {KEEP_ON}
