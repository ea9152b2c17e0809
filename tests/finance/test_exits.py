"""Which shares of a fill enter a position, and how exits follow it without a simulation around them."""

import pandas as pd
import pytest

from rustybt.assets import Equity
from rustybt.finance.exits import Exits, entered_shares
from rustybt.finance.order import ORDER_STATUS, Order

NOW = pd.Timestamp("2020-01-02 21:00", tz="UTC")
ASSET = Equity(0, "A", "A", "NYSE", "NYSE", "US", NOW.tz_localize(None), NOW.tz_localize(None), None, None)


def pair(shares, entry="1"):
    return tuple(Order(f"{entry}{kind}", NOW, ASSET, -shares, parent=entry) for kind in ("stop", "target"))


def open_shares(*pairs):
    return [[order.open_amount if order.open else 0 for order in orders] for orders in pairs]


@pytest.mark.parametrize(
    ("held", "shares", "entered"),
    [(100, 100, 100), (150, 100, 100), (30, 100, 30), (-30, -100, -30), (50, -20, 0), (0, 70, 0), (-5, -5, -5)],
)
def test_only_what_makes_or_enlarges_a_position_enters(held, shares, entered):
    assert entered_shares(held, shares) == entered


def test_a_fill_of_one_shrinks_the_other_by_as_much():
    exits, orders = Exits(), pair(100)
    exits.attach(orders)
    orders[0].fill(-30, 0.0, NOW)
    assert exits.follow(orders[0], -30, 70, NOW) == [orders[1]]
    assert open_shares(orders) == [[-70, -70]]
    orders[1].fill(-70, 0.0, NOW)
    assert exits.follow(orders[1], -70, 0, NOW) == [orders[0]]
    assert [order.status for order in orders] == [ORDER_STATUS.CANCELLED, ORDER_STATUS.FILLED]
    assert not exits


def test_exits_that_fit_stay_as_they_are():
    exits, orders = Exits(), pair(100)
    exits.attach(orders)
    assert exits.fit(ASSET, 100, NOW) == []
    assert exits.fit(ASSET, 250, NOW) == []
    assert open_shares(orders) == [[-100, -100]]


def test_the_oldest_pair_shrinks_first():
    exits, old, young = Exits(), pair(100, "1"), pair(50, "2")
    exits.attach(old)
    exits.attach(young)
    exits.fit(ASSET, 120, NOW)
    assert open_shares(old, young) == [[-70, -70], [-50, -50]]
    exits.fit(ASSET, 20, NOW)
    assert open_shares(old, young) == [[0, 0], [-20, -20]]


@pytest.mark.parametrize("held", [0, -100])
def test_nothing_is_left_without_the_position(held):
    exits, orders = Exits(), pair(100)
    exits.attach(orders)
    assert exits.fit(ASSET, held, NOW) == list(orders)
    assert {order.reason for order in orders} == {"its position was closed otherwise"}
    assert not exits


def test_an_entry_without_orders_attaches_nothing():
    exits = Exits()
    exits.attach(())
    assert not exits
