"""Execution styles: which price an order carries once it is rounded to the tick."""

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.assets import Equity
from rustybt.errors import BadOrderParameters
from rustybt.finance.execution import LimitOrder, MarketOrder, StopLimitOrder, StopOrder, round_to_tick


@pytest.mark.parametrize(
    ("price", "down", "up"),
    [
        (10.01, 10.01, 10.01),
        (10.015, 10.01, 10.02),
        (10.0194, 10.01, 10.02),
        (10.0196, 10.02, 10.02),
        (10.0106, 10.01, 10.02),
        (10.0104, 10.01, 10.01),
        (0.0, 0.0, 0.0),
    ],
)
def test_rounding_improves_the_price_unless_a_twentieth_of_a_tick_is_missing(price, down, up):
    assert round_to_tick(price, True, 0.01) == pytest.approx(down)
    assert round_to_tick(price, False, 0.01) == pytest.approx(up)


@given(st.decimals(Decimal("0.02"), Decimal(9999), places=5))
def test_rounding_is_to_the_floor_or_the_ceiling(price):
    tick = Decimal("0.01")
    floor, ceiling = (
        float((price / tick).to_integral_value(rounding=way) * tick) for way in (ROUND_FLOOR, ROUND_CEILING)
    )
    for prefer_down in (True, False):
        rounded = round_to_tick(float(price), prefer_down, 0.01)
        assert min(abs(rounded - floor), abs(rounded - ceiling)) < 1e-9


def test_limits_round_down_for_buys_and_stops_up():
    style = StopLimitOrder(limit_price=10.015, stop_price=9.995)
    assert style.get_limit_price(True) == pytest.approx(10.01)
    assert style.get_limit_price(False) == pytest.approx(10.02)
    assert style.get_stop_price(True) == pytest.approx(10.0)
    assert style.get_stop_price(False) == pytest.approx(9.99)


def test_styles_carry_only_their_own_prices():
    assert MarketOrder().get_limit_price(True) is None
    assert MarketOrder().get_stop_price(True) is None
    assert LimitOrder(5).get_stop_price(True) is None
    assert StopOrder(5).get_limit_price(True) is None
    assert StopOrder(5, exchange="X").exchange == "X"


def test_the_assets_tick_decides():
    assert LimitOrder(10.0004, asset=Equity(1, "A", tick_size=0.001)).get_limit_price(True) == pytest.approx(10.0)
    assert LimitOrder(10.0026, asset=Equity(1, "A", tick_size=0.001)).get_limit_price(False) == pytest.approx(10.003)


@pytest.mark.parametrize("price", [math.nan, math.inf, -math.inf])
def test_a_price_that_is_not_finite_is_refused(price):
    with pytest.raises(BadOrderParameters, match="limit price of (nan|inf|-inf): it must be finite"):
        LimitOrder(price)


def test_a_negative_price_is_refused():
    with pytest.raises(BadOrderParameters, match=r"stop order with a negative price \(-1\)"):
        StopOrder(-1)


def test_text_for_a_price_is_refused():
    with pytest.raises(BadOrderParameters, match="pass a number"):
        StopLimitOrder("10", 9)
