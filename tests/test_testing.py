"""assert_tiers_agree: silent where both strategies and tiers agree, exact about what differs where they do not."""

import numpy as np
import pandas as pd
import pytest

from rustybt import Strategy, VectorStrategy, api
from rustybt.engine import vector as vector_tier
from rustybt.engine.setup import setup_of
from rustybt.engine.stop_rules import StopRules
from rustybt.engine.strategy import hooks_of
from rustybt.errors import InvalidParameter
from rustybt.finance.cancel_policy import EODCancel
from rustybt.finance.commission import PerShare, PerTrade
from rustybt.finance.execution import LimitOrder
from rustybt.finance.rules import rules_of
from rustybt.finance.slippage import NoSlippage, VolumeShareSlippage
from rustybt.run import simulate
from rustybt.testing import TiersDisagree, assert_tiers_agree, difference
from tests.builders import bars, days, make_bundle
from tests.vector_cases import at_once, costs

DAY = [str(d.date()) for d in days(8)]


class AtBars(Strategy):
    """A crossover with windows, as most scripts have it."""

    fast, slow = 5, 20

    def handle_data(self, context, data):
        assets = context.assets
        window = data.history(assets, "close", self.slow, "1d").to_numpy()
        means = window[-self.fast :].mean(axis=0), window.mean(axis=0)
        for asset, fast, slow in zip(assets, *means, strict=True):
            if data.can_trade(asset):
                context.order_target_percent(asset, (1.0 if fast > slow else 0.0) / len(assets))

    def initialize(self, context):
        context.assets = list(context._portal.finder.equities)


class AtOnce(VectorStrategy):
    fast, slow = 5, 20

    def target_percent(self, bars, fast, slow):
        return (bars.mean("close", fast) > bars.mean("close", slow)) / len(bars.assets)


# Agreement ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "span"),
    [
        ("mag7", ("2014-01-02", "2015-12-31")),
        ("quad", ("2012-03-01", "2014-12-31")),
        ("holes", ("2015-03-02", "2019-12-31")),
    ],
)
def test_a_crossover_agrees(request, name, span):
    assert_tiers_agree(AtBars(), AtOnce(), request.getfixturevalue(name), *span)


@pytest.mark.parametrize(
    "rules",
    [
        {"fill_at": "open", "cash": "scale"},
        {"fractional_shares": True, "cash": "reject", "borrow_rate": 0.03, "margin_rate": 0.05},
        {"corrections": "all"},
    ],
)
def test_it_agrees_under_other_rules_and_costs(holes, rules):
    setup = setup_of(blotter=costs(VolumeShareSlippage(), PerShare(0.01, 5.0)), rules=rules_of(**rules))
    assert_tiers_agree(AtBars(), AtOnce(), holes, "2015-03-02", "2017-12-29", 1e6, setup=setup)


def test_it_agrees_on_a_run_that_stops(quad):
    setup = setup_of(stop_rules=StopRules(max_drawdown=0.05))
    assert_tiers_agree(AtBars(), AtOnce(), quad, "2012-03-01", setup=setup)


def test_an_ingested_bundle_goes_by_its_name(ingested):
    assert_tiers_agree(AtBars(), AtOnce(), "quad", "2012-03-01", "2012-12-31")


# Three assets, whose decisions are easy to follow ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUSTYBT_ROOT", str(tmp_path_factory.mktemp("agree")))
        closes = [10.0, 11.0, 9.0, 12.0, 10.5, 13.0, 12.5, 11.5]
        late = bars(closes[3:], first=DAY[3])
        yield make_bundle(
            {"A": bars(closes), "B": bars(closes[::-1]), "L": late}, dividends=[("A", DAY[4], DAY[5], 0.2)]
        )


def scripted(orders, before=lambda context: None):
    """Give a strategy that calls, at each session, what `orders` lists for it."""

    class Scripted(Strategy):
        def initialize(self, context):
            context.session = -1
            before(context)

        def handle_data(self, context, data):
            context.session += 1
            for function, subject, *args in orders.get(context.session, ()):
                is_symbol = isinstance(subject, str) and len(subject) == 1
                getattr(context, function)(context.symbol(subject) if is_symbol else subject, *args)

    return Scripted()


def table(*cells, shape=(8, 3)):
    decisions = np.full(shape, np.nan)
    for row, column, value in cells:
        decisions[row, column] = value
    return decisions


def test_each_kind_of_decision_agrees(bundle):
    for kind, function, value in (
        ("target_percent", "order_target_percent", 0.3),
        ("target_shares", "order_target", 70),
        ("orders", "order", -9),
    ):
        event = scripted({1: [(function, "A", value)], 4: [(function, "L", value), (function, "A", value)]})
        vector = at_once(kind, table((1, 0, value), (4, 0, value), (4, 2, value)))()
        assert_tiers_agree(event, vector, bundle)


def test_the_functions_of_the_api_are_listened_to(bundle):
    class ByApi(Strategy):
        def handle_data(self, context, data):
            api.order_target(api.symbol("A"), 5)

    assert_tiers_agree(ByApi(), at_once("target_shares", np.full((8, 1), 5.0), ["A"])(), bundle)
    with pytest.raises(TiersDisagree, match="decisions diverge first at 2020-01-02 for A"):
        assert_tiers_agree(ByApi(), at_once("target_shares", np.full((8, 1), 6.0), ["A"])(), bundle)


def test_scheduled_functions_are_listened_to(bundle):
    class Scheduled(Strategy):
        def initialize(self, context):
            context.schedule_function(lambda context, data: context.order(context.symbol("B"), 3))

    assert_tiers_agree(Scheduled(), at_once("orders", np.full((8, 1), 3.0), ["B"])(), bundle)


@pytest.mark.parametrize(
    ("decisions", "text"),
    [
        (table((1, 0, 0.3), (4, 1, 0.2)), "2020-01-08 for B: the event strategy says nothing, the vector strategy 0.2"),
        (table((4, 0, 0.3)), "2020-01-03 for A: the event strategy says 0.3, the vector strategy nothing"),
        (
            table((1, 0, 0.31), (0, 1, 0.1)),
            "2020-01-02 for B: the event strategy says nothing, the vector strategy 0.1",
        ),
        (table((1, 0, 0.3 + 1e-6)), "2020-01-03 for A: the event strategy says 0.3, the vector strategy 0.300001"),
        (table((1, 0, 0.3), (5, 2, 0.0)), "2020-01-09 for L: the event strategy says nothing, the vector strategy 0"),
    ],
)
def test_the_first_decision_that_diverges_is_named(bundle, decisions, text):
    event = scripted({1: [("order_target_percent", "A", 0.3)]})
    with pytest.raises(TiersDisagree) as found:
        assert_tiers_agree(event, at_once("target_percent", decisions)(), bundle)
    assert str(found.value).startswith(f"decisions diverge first at {text}")
    assert str(found.value).endswith("with equal decisions the tiers agree")


def test_a_difference_of_rounding_is_none(bundle):
    event = scripted({1: [("order_target_percent", "A", 0.3)]})
    assert_tiers_agree(event, at_once("target_percent", table((1, 0, 0.1 + 0.2)))(), bundle)


def test_decisions_for_assets_that_cannot_be_traded_do_not_count(bundle):
    event = scripted({1: [("order", "A", 1)]})
    assert_tiers_agree(event, at_once("orders", table((1, 0, 1.0), (0, 2, 5.0), (2, 2, 5.0)))(), bundle)


def test_ordering_0_and_nothing_are_the_same(bundle):
    event = scripted({1: [("order", "A", 0)], 2: [("order", "B", 2)]})
    assert_tiers_agree(event, at_once("orders", table((2, 1, 2.0), (3, 0, 0.0)))(), bundle)


# What cannot be compared --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("orders", "match"),
    [
        ([("order", "A", 5), ("order", "A", 5)], "orders A twice"),
        ([("order", "A", 5, 10.0)], "orders with prices"),
        ([("order", "A", 5, None, 10.0)], "orders with prices"),
        ([("order", "A", 5, None, None, LimitOrder(9.0))], "orders with prices"),
        ([("order", "B", 5)], "orders B, which the vector strategy does not"),
        ([("order_target", "A", 5)], "calls order_target: one that is compared with orders calls order"),
        ([("order_target_percent", "A", 0.5)], "calls order_target_percent"),
        ([("order_value", "A", 500.0)], "calls order_value"),
        ([("order_percent", "A", 0.5)], "calls order_percent"),
        ([("order_target_value", "A", 500.0)], "calls order_target_value"),
        ([("batch_market_order", pd.Series(dtype="int64"))], "calls batch_market_order"),
        ([("order", "A", 5), ("cancel_order", "0" * 31 + "1")], "calls cancel_order"),
    ],
)
def test_an_event_strategy_that_orders_in_another_way_is_refused(bundle, orders, match):
    vector = at_once("orders", table((1, 0, 5.0), shape=(8, 1)), ["A"])()
    with pytest.raises(InvalidParameter, match=match):
        assert_tiers_agree(scripted({1: orders}), vector, bundle)


def test_a_cancel_policy_of_the_event_strategys_is_refused(bundle):
    event = scripted({1: [("order", "A", 5)]}, lambda context: context.set_cancel_policy(EODCancel()))
    with pytest.raises(InvalidParameter, match="the event strategy sets EODCancel.*which a vector strategy cannot"):
        assert_tiers_agree(event, at_once("orders", table((1, 0, 5.0)))(), bundle)


# What differs apart from the decisions --------------------------------------------------------------------------------


def test_other_costs_are_noticed(bundle):
    event = scripted({1: [("order", "A", 5)]}, lambda context: context.set_commission(PerTrade(1.0)))
    vector = at_once("orders", table((1, 0, 5.0)))
    with pytest.raises(TiersDisagree, match="the vector strategy, with equal decisions, does not give the perf frame"):
        assert_tiers_agree(event, vector(), bundle)
    own = at_once("orders", table((1, 0, 5.0)), commission=PerTrade(1.0))
    assert_tiers_agree(event, own(), bundle)
    slipping = scripted({1: [("order", "A", 5)]}, lambda context: context.set_slippage(NoSlippage()))
    with pytest.raises(TiersDisagree, match="with equal decisions"):
        assert_tiers_agree(slipping, vector(), bundle)


def test_a_wrong_engine_is_noticed_before_the_decisions(bundle, monkeypatch):
    right = vector_tier.simulate

    def wrong(tape, decisions, *rest):
        return right(tape._replace(dividend_amount=tape.dividend_amount * 1.001), decisions, *rest)

    monkeypatch.setattr(vector_tier, "simulate", wrong)
    event = scripted({1: [("order", "A", 500)]})
    with pytest.raises(TiersDisagree, match="the vector tier, run with the event strategy's decisions, does not give"):
        assert_tiers_agree(event, at_once("orders", table((1, 0, 400.0)))(), bundle)


# Comparing frames ---------------------------------------------------------------------------------------------------


@pytest.fixture
def frame(bundle):
    decisions = table((0, 0, 5.0), (2, 1, -3.0), (3, 2, 2.0))
    return simulate(hooks_of(at_once("orders", decisions)()), bundle, None, None, 1000.0).perf


def test_a_frame_equals_itself(frame):
    assert difference(frame, frame.copy()) == ""


@pytest.mark.parametrize(
    "name",
    [
        "pnl",
        "returns",
        "portfolio_value",
        "gross_leverage",
        "ending_cash",
        "short_value",
        "longs_count",
        "sharpe",
        "max_drawdown",
        "algo_volatility",
    ],
)
def test_a_changed_number_is_found(frame, name):
    other = frame.copy()
    other[name] = other[name].astype(object)
    other.iloc[5, other.columns.get_loc(name)] += 2e-5
    assert difference(frame, other).startswith(f"{name} at 2020-01-09: ")
    other.iloc[5, other.columns.get_loc(name)] = None
    assert difference(frame, other).startswith(f"{name} at 2020-01-09: ")


@pytest.mark.parametrize(
    ("column", "key", "value"),
    [
        ("orders", "amount", 6), ("orders", "filled", 1), ("orders", "status", 2), ("orders", "commission", 0.1),
        ("orders", "dt", pd.Timestamp("2020-01-06", tz="UTC")), ("orders", "stop", 1.0),
        ("transactions", "price", 9.0), ("transactions", "amount", 4), ("positions", "cost_basis", 1.0),
        ("positions", "last_sale_price", 1.0), ("positions", "amount", 99),
    ],
)  # fmt: skip
def test_a_changed_entry_is_found(frame, column, key, value):
    row = next(i for i, cell in enumerate(frame[column]) if cell)
    cells = [[dict(entry) for entry in cell] for cell in frame[column]]
    cells[row][0][key] = value
    other = frame.assign(**{column: pd.Series(cells, index=frame.index)})
    assert difference(frame, other).startswith(f"{column} at {frame.index[row].date()}: ")


def test_other_sessions_missing_entries_and_labels_are_found(frame):
    assert difference(frame, frame.iloc[:-1]) == "8 sessions against 7"
    gone = frame.assign(positions=pd.Series([[] for _ in frame.index], index=frame.index))
    assert difference(frame, gone).startswith("positions at 2020-01-03")
    assert difference(frame, frame.assign(period_label="2021-01")).startswith("period_label at 2020-01-02")


def test_the_first_session_goes_first(frame):
    other = frame.copy()
    other.iloc[6, other.columns.get_loc("ending_cash")] += 1.0
    other.iloc[4, other.columns.get_loc("pnl")] += 1.0
    assert difference(frame, other).startswith("pnl at 2020-01-08")


def test_numbers_of_orders_and_columns_of_one_frame_do_not_count(frame):
    cells = [[{**entry, "id": "x"} for entry in cell] for cell in frame["orders"]]
    other = frame.assign(orders=pd.Series(cells, index=frame.index), note=1.0)
    assert difference(frame, other) == difference(other, frame) == ""
