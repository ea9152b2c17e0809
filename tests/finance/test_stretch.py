"""Positions are worth, session by session, what a loop over them gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.finance.stretch import value_stretch

PRICES = st.one_of(st.just(float("nan")), st.floats(0.0, 1e16, allow_subnormal=False))


def naive(amounts, last_prices, prices):
    known, out = list(last_prices), []
    for row in prices:
        known = [price if price == price else before for price, before in zip(row, known, strict=True)]
        worth = [amount * price for amount, price in zip(amounts, known, strict=True)]
        longs, shorts = [w for w in worth if w > 0], [w for w in worth if w < 0]
        out.append((list(known), added(longs), added(shorts), len(longs), len(shorts)))
    return out


def added(values):
    """Add up one by one; the built-in sum makes up for its rounding from Python 3.12 on."""
    total = 0.0
    for value in values:
        total += value
    return total


@st.composite
def cases(draw):
    n, sessions = draw(st.integers(0, 12)), draw(st.integers(1, 12))
    amounts = draw(st.lists(st.integers(-(10**6), 10**6), min_size=n, max_size=n))
    last = draw(st.lists(st.floats(0.0, 1e16, allow_subnormal=False), min_size=n, max_size=n))
    rows = st.lists(PRICES, min_size=n, max_size=n)
    return amounts, last, draw(st.lists(rows, min_size=sessions, max_size=sessions))


@given(cases())
def test_every_session_is_worth_what_a_loop_gives_to_the_last_bit(case):
    amounts, last, prices = case
    got = value_stretch(amounts, last, np.array(prices, dtype=float).reshape(len(prices), len(amounts)))
    rows = zip(got.prices.tolist(), got.long_value, got.short_value, got.longs_count, got.shorts_count, strict=True)
    assert list(rows) == naive(amounts, last, prices)


def test_a_hand_worked_stretch():
    got = value_stretch([10, -5], [1.0, 2.0], np.array([[1.5, np.nan], [np.nan, 3.0]]))
    assert got.prices.tolist() == [[1.5, 2.0], [1.5, 3.0]]
    assert (got.long_value.tolist(), got.short_value.tolist()) == ([15.0, 15.0], [-10.0, -15.0])
    assert (got.longs_count.tolist(), got.shorts_count.tolist()) == ([1, 1], [1, 1])


@pytest.mark.parametrize("sessions", [0, 1, 3])
def test_nothing_held_is_worth_nothing(sessions):
    got = value_stretch([], [], np.empty((sessions, 0)))
    assert got.long_value.tolist() == [0.0] * sessions
    assert got.prices.shape == (sessions, 0)


def test_a_price_never_known_is_worth_nothing_and_infinity_stays():
    got = value_stretch([3, 3], [0.0, 1.0], np.array([[np.nan, np.inf]]))
    assert (got.long_value.item(), got.longs_count.item()) == (np.inf, 1)


def test_a_later_price_changes_no_earlier_worth():
    prices = np.array([[1.0, 2.0], [np.nan, 2.5], [1.5, np.nan]])
    before = value_stretch([3, -4], [1.0, 1.0], prices.copy())
    prices[2] = 99.0
    after = value_stretch([3, -4], [1.0, 1.0], prices)
    for name in before._fields:
        assert np.array_equal(getattr(before, name)[:2], getattr(after, name)[:2])
