"""When and how orders fill in a daily run: at the next close, before handle_data, by the cost models."""

import math

import pandas as pd
import pytest

from rustybt import api
from rustybt.engine.strategy import Hooks
from rustybt.finance.commission import CommissionModel, NoCommission, PerShare, PerTrade
from rustybt.finance.order import ORDER_STATUS
from rustybt.finance.slippage import (
    FixedBasisPointsSlippage,
    FixedSlippage,
    LiquidityExceeded,
    NoSlippage,
    SlippageModel,
    VolumeShareSlippage,
)
from rustybt.run import simulate
from tests.builders import bars, days, make_bundle


def run(bundle, *steps, slippage=None, commission=None, capital_base=100_000.0):
    """Run steps(context, data), one a session; return the result and what each step returned."""
    seen = []

    def initialize(context):
        context.day = 0
        api.set_slippage(slippage or NoSlippage())
        api.set_commission(commission or NoCommission())

    def handle_data(context, data):
        if context.day < len(steps) and steps[context.day] is not None:
            seen.append(steps[context.day](context, data))
        context.day += 1

    return simulate(Hooks(initialize, handle_data), bundle, None, None, capital_base), seen


@pytest.fixture
def rising():
    return make_bundle({"A": bars([10.0, 11.0, 12.0, 13.0, 14.0]), "B": bars([20.0, 20.0, 20.0, 20.0, 20.0])})


def buy(symbol, shares, **kwargs):
    return lambda context, data: api.order(api.symbol(symbol), shares, **kwargs)


def fills(result):
    return [(fill.asset.symbol, fill.amount, fill.price) for day in result.records.transactions for fill in day]


def test_an_order_fills_at_the_next_close_before_handle_data(rising):
    result, seen = run(rising, buy("A", 100), lambda c, d: c.portfolio.positions[api.symbol("A")].amount)
    assert fills(result) == [("A", 100, 11.0)]
    assert seen[1] == 100
    assert result.perf["orders"].iloc[0][0]["filled"] == 0
    assert result.perf["orders"].iloc[1][0]["filled"] == 100
    assert result.perf["transactions"].iloc[0] == []


def test_the_last_sessions_order_never_fills(rising):
    result, _ = run(rising, None, None, None, None, buy("A", 100))
    assert fills(result) == []


def test_negative_cash_is_allowed(rising):
    result, _ = run(rising, buy("A", 100_000))
    assert result.perf["ending_cash"].iloc[-1] == 100_000 - 1_100_000


def test_volume_limits_spread_a_fill_over_bars():
    bundle = make_bundle({"A": bars([10.0] * 5, volume=[1000, 300, 500, 2000, 1000])})
    result, _ = run(bundle, buy("A", 100), slippage=FixedBasisPointsSlippage(0, 0.1))
    assert fills(result) == [("A", 30, 10.0), ("A", 50, 10.0), ("A", 20, 10.0)]


def test_orders_of_one_asset_share_the_bars_volume():
    bundle = make_bundle({"A": bars([10.0] * 3, volume=1000)})

    def two(context, data):
        api.order(api.symbol("A"), 70)
        api.order(api.symbol("A"), 70)

    result, _ = run(bundle, two, slippage=VolumeShareSlippage(0.1, 0.0))
    assert fills(result) == [("A", 70, 10.0), ("A", 30, 10.0), ("A", 40, 10.0)]


def test_no_fill_without_a_bar():
    frame = bars([10.0, 11.0, 12.0, 13.0])
    frame.loc[frame.index[1], ["open", "high", "low", "close"]] = math.nan
    frame.loc[frame.index[1], "volume"] = 0
    result, _ = run(make_bundle({"A": frame}), buy("A", 10))
    assert fills(result) == [("A", 10, 12.0)]


def test_a_limit_order_waits_for_its_price_and_a_cancelled_one_never_fills(rising):
    placed = {}

    def place(context, data):
        placed["a"] = api.order(api.symbol("A"), -5, limit_price=12.5)
        placed["b"] = api.order(api.symbol("B"), 5, limit_price=1.0)

    def cancel(context, data):
        api.cancel_order(api.get_order(placed["b"]))
        return api.get_order(placed["b"]).status, api.get_open_orders()

    result, seen = run(rising, place, cancel)
    assert fills(result) == [("A", -5, 13.0)]
    status, still_open = seen[1]
    assert status is ORDER_STATUS.CANCELLED
    assert {asset.symbol: len(orders) for asset, orders in still_open.items()} == {"A": 1}


def test_get_open_orders_of_one_asset_is_a_list(rising):
    def ask(context, data):
        api.order(api.symbol("A"), 5)
        return api.get_open_orders(api.symbol("A")), api.get_open_orders(api.symbol("B")), api.get_order("unknown")

    _, seen = run(rising, ask)
    (order,), nothing, unknown = seen[0]
    assert (order.amount, order.sid.symbol, nothing, unknown) == (5, "A", [], None)


def test_commissions_are_spread_over_what_is_held_when_all_fills_are_booked(rising):
    def two(context, data):
        api.order(api.symbol("A"), 100)
        api.order(api.symbol("A"), 100)

    def basis(context, data):
        return context.portfolio.positions[api.symbol("A")].cost_basis, context.portfolio.cash

    _, seen = run(rising, two, basis, commission=PerTrade(10.0))
    assert seen[1] == (pytest.approx(11.0 + 20 / 200), pytest.approx(100_000 - 2200 - 20))


def test_the_minimum_commission_is_per_order():
    bundle = make_bundle({"A": bars([10.0] * 4, volume=1000)})
    result, _ = run(bundle, buy("A", 250), slippage=FixedBasisPointsSlippage(0, 0.1), commission=PerShare(0.01, 1.5))
    costs = [fill.commission for day in result.records.transactions for fill in day]
    assert costs == pytest.approx([1.5, 0.5, 0.5])


class Twice(SlippageModel):
    """Fills at most 30 shares an order, 90 a bar, at double the close."""

    def process_order(self, data, order):
        if self.volume_for_bar >= 60:
            raise LiquidityExceeded
        if order.open_amount < 0:
            return None, None
        return 2 * data.current(order.asset, "close"), min(30, order.open_amount)


class OneCentAShare(CommissionModel):
    def calculate(self, order, transaction):
        assert order.asset == transaction.asset
        return 0.01 * abs(transaction.amount)


def test_models_of_ones_own_decide_price_size_and_cost(rising):
    def four(context, data):
        for shares in (30, 40, 50, -5):
            api.order(api.symbol("A"), shares)

    result, _ = run(rising, four, slippage=Twice(), commission=OneCentAShare())
    first_day = result.records.transactions[1]
    assert [(fill.amount, fill.price, fill.commission) for fill in first_day] == [(30, 22.0, 0.3), (30, 22.0, 0.3)]
    assert sum(fill.amount for day in result.records.transactions for fill in day) == 120


def test_a_model_of_ones_own_gives_what_the_same_built_in_gives(rising):
    class Spread(SlippageModel):
        def process_order(self, data, order):
            return data.current(order.asset, "close") + 0.25 * order.direction, order.amount

    steps = (buy("A", 7), buy("B", -3), buy("A", -2))
    own, _ = run(rising, *steps, slippage=Spread(), commission=PerShare(0.01, 1.0))
    built_in, _ = run(rising, *steps, slippage=FixedSlippage(0.5), commission=PerShare(0.01, 1.0))
    pd.testing.assert_frame_equal(own.perf, built_in.perf)


def test_slippage_that_returns_a_fraction_of_a_share_is_an_error(rising):
    class Crumbs(SlippageModel):
        def process_order(self, data, order):
            return 10.0, 0.4

    with pytest.raises(ValueError, match=r"process_order returned 0.4 shares: a fill has at least one"):
        run(rising, buy("A", 7), slippage=Crumbs())


def test_ids_are_the_same_in_every_run(rising):
    ids = [run(rising, buy("A", 7), buy("B", 3))[1] for _ in range(2)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


def test_the_first_bar_is_the_first_session(rising):
    result, seen = run(rising, lambda c, d: (d.current_dt, d.current_session, api.get_datetime("America/New_York")))
    assert seen[0] == (
        pd.Timestamp("2020-01-02 21:00", tz="UTC"),
        days(1)[0],
        pd.Timestamp("2020-01-02 16:00", tz="America/New_York"),
    )
    assert result.perf.index[0] == seen[0][0]


def test_a_cost_model_that_looks_at_the_portfolio_leaves_the_sessions_values_alone(rising):
    holder = []

    class Curious(SlippageModel):
        def process_order(self, data, order):
            assert holder[0].portfolio.portfolio_value > 0
            return data.current(order.asset, "close") + 5.0, order.amount

    def place(context, data):
        holder.append(context)
        api.order(api.symbol("A"), 10)

    result, _ = run(rising, place, slippage=Curious())
    assert result.perf["positions"].iloc[1][0]["last_sale_price"] == 11.0
    assert result.perf["portfolio_value"].iloc[1] == 100_000 - 50
