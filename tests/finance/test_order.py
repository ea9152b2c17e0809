"""An order's life: what it says of itself as it fills, triggers, splits and is cancelled."""

import pandas as pd
import pytest

from rustybt.assets import Equity
from rustybt.finance.order import ORDER_STATUS, Order

PLACED = pd.Timestamp("2020-01-02 21:00", tz="UTC")
LATER = pd.Timestamp("2020-01-03 21:00", tz="UTC")
ASSET = Equity(1, "A")


def make(amount=100, **prices):
    return Order("1", PLACED, ASSET, amount, **prices)


def test_status_follows_the_fills():
    order = make()
    assert (order.status, order.open, order.open_amount) == (ORDER_STATUS.OPEN, True, 100)
    order.filled = 40
    assert (order.status, order.open_amount) == (ORDER_STATUS.OPEN, 60)
    order.filled = 100
    assert (order.status, order.open) == (ORDER_STATUS.FILLED, False)


def test_a_cancelled_order_keeps_what_it_filled():
    order = make()
    order.filled = 40
    order.cancel(LATER)
    assert (order.status, order.filled, order.dt) == (ORDER_STATUS.CANCELLED, 40, LATER)


def test_triggering_notes_the_time_once():
    order = make(limit=10.0)
    order.check_triggers(11.0, LATER)
    assert (order.triggered, order.dt) == (False, PLACED)
    order.check_triggers(10.0, LATER)
    assert (order.triggered, order.dt) == (True, LATER)
    order.check_triggers(50.0, LATER + pd.Timedelta(days=1))
    assert (order.triggered, order.dt) == (True, LATER)


def test_a_stop_limit_order_becomes_a_limit_order():
    order = make(stop=10.0, limit=9.0)
    order.check_triggers(10.5, LATER)
    assert (order.stop, order.limit, order.triggered) == (None, 9.0, False)
    order.check_triggers(8.0, LATER)
    assert order.triggered


def test_a_split_restates_shares_and_prices():
    order = make(stop=10.05, limit=9.99)
    order.filled = 30
    order.split(0.5)
    assert (order.amount, order.filled, order.stop, order.limit) == (200, 60, 5.03, 5.0)


def test_a_reverse_split_never_makes_a_share_of_two_fractions():
    order = make(5)
    order.filled = 1
    order.split(2.0)
    assert (order.filled, order.open_amount) == (0, 2)


def test_a_snapshot_does_not_follow_the_order():
    order = make()
    snapshot = order.copy()
    order.filled = 100
    assert snapshot.filled == 0
    assert snapshot.to_dict() == {**order.to_dict(), "filled": 0, "status": ORDER_STATUS.OPEN}


@pytest.mark.parametrize(("amount", "direction"), [(5, 1), (-5, -1)])
def test_direction_is_the_sign(amount, direction):
    assert make(amount).direction == direction
