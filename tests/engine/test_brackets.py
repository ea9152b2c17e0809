"""Stop-loss and take-profit orders of a bracket: placed by fills, one for the other, never more than is held."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt import api
from rustybt.api import Bracket
from rustybt.errors import InvalidParameter, UnsupportedOrderParameters
from rustybt.finance.cancel_policy import EODCancel
from rustybt.finance.slippage import FixedBasisPointsSlippage, FixedSlippage
from tests.builders import bars, days, make_bundle
from tests.engine.test_corrections import buy, fills, run, statuses
from tests.minute_builders import make_minute_bundle, minutes_of

BOTH = Bracket(stop=0.1, target=0.2)


def closing_at(*closes, **kwargs):
    return make_bundle({"A": bars(list(closes), **kwargs)})


def open_orders(context, data):
    """Give (amount, stop, limit) of the open orders."""
    price = lambda price: None if price is None else round(price, 2)  # noqa: E731 - a tick of 0.01 is no exact float
    orders = api.get_open_orders(api.symbol("A"))
    return [(order.open_amount, price(order.stop), price(order.limit)) for order in orders]


def reasons(result):
    last = {order["id"]: order["reason"] for day in result.perf["orders"] for order in day}
    return [reason for reason in last.values() if reason]


def test_a_fill_places_a_stop_and_a_target_at_fractions_of_its_price():
    bundle = closing_at(10.0, 10.0, 10.0)
    _, seen = run(bundle, buy("A", 100, bracket=BOTH), open_orders, slippage=FixedSlippage(1.0))
    # Bought at 10.5: 9.45 and 12.6.
    assert seen[1] == [(-100, 9.45, None), (-100, None, 12.6)]


def test_the_target_takes_the_profit_and_cancels_the_stop():
    result, _ = run(closing_at(10.0, 10.0, 11.9, 12.0, 5.0), buy("A", 100, bracket=BOTH))
    assert fills(result) == [("A", 100, 10.0), ("A", -100, 12.0)]
    assert statuses(result) == [(100, 100, "FILLED"), (-100, 0, "CANCELLED"), (-100, -100, "FILLED")]
    assert reasons(result) == ["the other order of its bracket filled"]


def test_the_stop_ends_the_loss_and_cancels_the_target():
    result, _ = run(closing_at(10.0, 10.0, 9.1, 8.9, 20.0), buy("A", 100, bracket=BOTH))
    assert fills(result) == [("A", 100, 10.0), ("A", -100, 8.9)]
    assert statuses(result)[2] == (-100, 0, "CANCELLED")


def test_a_short_position_is_mirrored():
    for closes, price in (((10.0, 10.0, 10.9, 11.0), 11.0), ((10.0, 10.0, 8.1, 8.0), 8.0)):
        result, seen = run(closing_at(*closes), buy("A", -100, bracket=BOTH), open_orders)
        assert seen[1] == [(100, 11.0, None), (100, None, 8.0)]
        assert fills(result) == [("A", -100, 10.0), ("A", 100, price)]


@pytest.mark.parametrize(
    ("bracket", "expected"), [(Bracket(stop=0.1), (9.0, None)), (Bracket(target=0.5), (None, 15.0))]
)
def test_one_of_the_two_is_enough(bracket, expected):
    _, seen = run(closing_at(10.0, 10.0, 10.0), buy("A", 7, bracket=bracket), open_orders)
    assert seen[1] == [(-7, *expected)]


def test_exits_are_tested_from_the_bar_after_the_fill():
    # The order fills at 8, under its own stop of 9 had it been placed at 10.
    result, _ = run(closing_at(10.0, 8.0, 7.5), buy("A", 1, bracket=Bracket(stop=0.05)))
    assert fills(result) == [("A", 1, 8.0), ("A", -1, 7.5)]


def test_each_partial_fill_has_its_own_prices():
    bundle = closing_at(10.0, 10.0, 11.0, 11.0, volume=[1000, 600, 1000, 1000])
    slippage = FixedBasisPointsSlippage(0, 0.1)
    _, seen = run(bundle, buy("A", 100, bracket=BOTH), open_orders, open_orders, slippage=slippage)
    assert seen[1:] == [
        [(40, None, None), (-60, 9.0, None), (-60, None, 12.0)],
        [(-60, 9.0, None), (-60, None, 12.0), (-40, 9.9, None), (-40, None, 13.2)],
    ]


def test_what_one_fills_in_part_the_other_loses():
    bundle = closing_at(10.0, 10.0, 8.0, 8.5, 12.5, 12.5, volume=[10_000, 10_000, 300, 0, 10_000, 10_000])
    slippage = FixedBasisPointsSlippage(0, 0.1)
    result, seen = run(bundle, buy("A", 100, bracket=BOTH), None, open_orders, slippage=slippage)
    assert seen[1] == [(-70, 9.0, None), (-70, None, 12.0)]
    # The stop is latched and earlier in the book: it sells the rest, whatever the price.
    assert fills(result) == [("A", 100, 10.0), ("A", -30, 8.0), ("A", -70, 12.5)]


class TestShrinking:
    def test_a_position_that_is_closed_otherwise_takes_its_exits_along(self):
        result, seen = run(closing_at(10.0, 10.0, 10.0, 5.0), buy("A", 100, bracket=BOTH), buy("A", -100), open_orders)
        assert seen[2] == []
        assert fills(result) == [("A", 100, 10.0), ("A", -100, 10.0)]
        assert reasons(result) == ["its position was closed otherwise"] * 2

    def test_a_position_that_shrinks_leaves_exits_for_what_is_held(self):
        _, seen = run(closing_at(10.0, 10.0, 10.0, 10.0), buy("A", 100, bracket=BOTH), buy("A", -60), open_orders)
        assert seen[2] == [(-40, 9.0, None), (-40, None, 12.0)]

    def test_the_oldest_entry_is_closed_first(self):
        steps = (buy("A", 100, bracket=BOTH), buy("A", 50, bracket=BOTH), buy("A", -120), open_orders)
        _, seen = run(closing_at(10.0, 10.0, 11.0, 10.5, 10.0), *steps)
        # 30 shares are held: the entry at 10 has no exits any more, that at 11 has 30.
        assert seen[3] == [(-30, 9.9, None), (-30, None, 13.2)]

    def test_shares_without_a_bracket_go_first(self):
        steps = (buy("A", 60), buy("A", 40, bracket=BOTH), buy("A", -50), open_orders)
        _, seen = run(closing_at(*[10.0] * 5), *steps)
        assert [amount for amount, *_ in seen[3]] == [-40, -40]

    def test_turning_around_closes_the_old_exits_and_opens_new_ones(self):
        steps = (buy("A", 100, bracket=BOTH), buy("A", -130, bracket=BOTH), open_orders)
        _, seen = run(closing_at(*[10.0] * 5), *steps)
        assert seen[2] == [(30, 11.0, None), (30, None, 8.0)]

    def test_an_order_that_only_closes_places_none(self):
        _, seen = run(closing_at(*[10.0] * 5), buy("A", 100), buy("A", -40, bracket=BOTH), open_orders)
        assert seen[2] == []

    def test_a_split_restates_them(self):
        bundle = make_bundle({"A": bars([10.0, 10.0, 5.0, 6.0, 6.0])}, splits=[("A", str(days(3)[2].date()), 0.5)])
        result, seen = run(bundle, buy("A", 7, bracket=BOTH), None, open_orders)
        assert seen[1] == [(-14, 4.5, None), (-14, None, 6.0)]
        assert fills(result) == [("A", 7, 10.0), ("A", -14, 6.0)]

    def test_an_automatic_close_cancels_them(self):
        bundle = make_bundle({"A": bars([10.0] * 4), "B": bars([1.0] * 8)})
        result, _ = run(bundle, buy("A", 100, bracket=BOTH))
        assert fills(result) == [("A", 100, 10.0), ("A", -100, 10.0)]
        assert [status for *_, status in statuses(result)] == ["FILLED", "CANCELLED", "CANCELLED"]


def test_a_user_may_cancel_one_exit_and_keep_the_other():
    def drop_stop(context, data):
        api.cancel_order(next(o for o in api.get_open_orders(api.symbol("A")) if o.stop is not None))

    result, _ = run(closing_at(10.0, 10.0, 5.0, 12.0, 12.0), buy("A", 100, bracket=BOTH), drop_stop)
    assert fills(result) == [("A", 100, 10.0), ("A", -100, 12.0)]


def test_exits_know_their_entry():
    def parents(context, data):
        return [order.parent for order in api.get_open_orders(api.symbol("A"))]

    _, seen = run(closing_at(10.0, 10.0, 10.0), buy("A", 100, bracket=BOTH), parents)
    assert seen[1] == [seen[0], seen[0]]


@pytest.mark.parametrize("corrections", [(), {"eod_cancel_all"}])
def test_exits_outlive_the_day_under_eodcancel(corrections):
    bundle = closing_at(10.0, 10.0, 10.0, 12.0, 12.0)
    result, _ = run(bundle, buy("A", 100, bracket=BOTH), policy=EODCancel(), corrections=corrections)
    assert fills(result) == [("A", 100, 10.0), ("A", -100, 12.0)]


def test_exits_in_a_minute_run_outlive_the_day():
    labels = minutes_of("2020-01-02", "2020-01-03")
    closes = np.r_[np.full(389, 10.0), 10.0, np.full(100, 11.0), np.full(290, 12.0)]
    frame = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), closes), index=labels).assign(volume=1000.0)
    bundle = make_minute_bundle({"A": frame})
    steps = (*[None] * 300, buy("A", 10, bracket=BOTH))
    result, _ = run(bundle, *steps, frequency="minute", policy=EODCancel())
    assert fills(result) == [("A", 10, 10.0), ("A", -10, 12.0)]


@pytest.mark.parametrize(
    ("function", "amount"),
    [
        ("order", 10),
        ("order_value", 100.0),
        ("order_percent", 0.001),
        ("order_target", 10),
        ("order_target_value", 100.0),
        ("order_target_percent", 0.001),
    ],
)
def test_every_order_function_takes_one(function, amount):
    step = lambda context, data: getattr(api, function)(api.symbol("A"), amount, bracket=BOTH)  # noqa: E731
    result, _ = run(closing_at(10.0, 10.0, 12.0), step)
    assert fills(result) == [("A", 10, 10.0), ("A", -10, 12.0)]


def test_a_batch_takes_one():
    step = lambda context, data: api.batch_market_order(pd.Series({api.symbol("A"): 10}), bracket=BOTH)  # noqa: E731
    assert fills(run(closing_at(10.0, 10.0, 12.0), step)[0]) == [("A", 10, 10.0), ("A", -10, 12.0)]


def test_fills_at_the_open_and_fractions_have_exits_too():
    frame = bars([10.0, 10.0, 10.0, 10.0])
    frame["open"] = [10.0, 9.0, 10.0, 11.0]
    frame["high"], frame["low"] = 11.0, 9.0
    bundle = make_bundle({"A": frame})
    result, _ = run(bundle, buy("A", 2.5, bracket=BOTH), fill_at="open", fractional_shares=True)
    assert fills(result) == [("A", 2.5, 9.0), ("A", -2.5, 11.0)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"Bracket\(\) has neither stop nor target"),
        ({"stop": 5}, r"stop 5 must be above 0 and below 1: 0.05 is 5%"),
        ({"stop": 0.0}, r"stop 0.0 must be above 0"),
        ({"target": -0.1}, r"target -0.1 must be above 0"),
        ({"target": float("nan")}, r"target nan must be above 0"),
        ({"stop": "5%"}, r"stop '5%' is no number"),
        ({"target": True}, r"target True is no number"),
    ],
)
def test_what_is_no_bracket_is_refused(arguments, message):
    with pytest.raises(InvalidParameter, match=message):
        Bracket(**arguments)


def test_order_refuses_what_is_no_bracket():
    with pytest.raises(UnsupportedOrderParameters, match=r"bracket 0.05 is no Bracket: pass bracket=Bracket\("):
        run(closing_at(10.0, 10.0), buy("A", 1, bracket=0.05))


def test_a_shorts_target_of_everything_is_never_placed():
    _, seen = run(closing_at(10.0, 10.0, 10.0), buy("A", -5, bracket=Bracket(stop=0.5, target=1.0)), open_orders)
    assert seen[1] == [(5, 15.0, None)]


PRICES = st.sampled_from([8.0, 9.0, 9.5, 10.0, 10.5, 11.0, 12.0])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUSTYBT_ROOT", str(tmp_path_factory.mktemp("brackets")))
        yield


@settings(max_examples=40)
@given(
    closes=st.lists(PRICES, min_size=8, max_size=8),
    volumes=st.lists(st.sampled_from([300, 700, 5000]), min_size=8, max_size=8),
    steps=st.lists(st.tuples(st.integers(-90, 90), st.booleans()), min_size=1, max_size=6),
    fractional=st.booleans(),
)
def test_exits_never_trade_more_than_is_held(root, closes, volumes, steps, fractional):
    """After every bar: exits lean against the position, both of a pair are equal, and together they fit into it."""
    bundle = make_bundle({"A": bars(closes, volume=volumes)})

    def check(context):
        asset = api.symbol("A")
        held = context.portfolio.positions[asset].amount if asset in context.portfolio.positions else 0
        exits = [order for order in api.get_open_orders(asset) if order.parent is not None]
        stops = [order.open_amount for order in exits if order.stop is not None]
        targets = [order.open_amount for order in exits if order.stop is None]
        assert stops == pytest.approx(targets)
        assert all(amount * held < 0 for amount in stops)
        assert abs(sum(stops)) <= abs(held) + 1e-9

    def at(shares, bracketed):
        def step(context, data):
            check(context)
            if shares:
                api.order(api.symbol("A"), shares * 1.1, bracket=BOTH if bracketed else None)

        return step

    plan = [at(*step) for step in steps] + [at(0, False)] * (8 - len(steps))
    run(bundle, *plan, slippage=FixedBasisPointsSlippage(0, 0.1), fractional_shares=fractional)
