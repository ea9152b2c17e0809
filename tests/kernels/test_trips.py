"""Pairing fills, compiled for a batch: the same bits as the plain functions, and what counting share by share finds."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt.kernels import trips
from rustybt.kernels.compiled_trips import pair_fills
from tests.oracles import trades as slow

N_ASSETS = 3

whole = st.integers(-6, 6).filter(bool).map(float)
fractions = st.floats(-6, 6).filter(lambda shares: abs(shares) > 1e-9)
prices = st.integers(1, 400).map(lambda cents: cents / 4) | st.sampled_from([1e16, 1e-12, 0.0])
costs = st.sampled_from([0.0, 1.0, 2.5])


def fill(shares):
    return st.tuples(st.integers(0, 5), st.integers(0, N_ASSETS - 1), shares, prices, costs)


restatement = st.tuples(
    st.integers(0, 5),
    st.integers(0, N_ASSETS - 1),
    st.sampled_from([1.0, 0.5, 2.0, 1 / 3, 7.0, 0.9]),
    st.sampled_from([0.0, 0.0, 1.0, -2.0, 0.3]),
)


def pair(function, fills, restated=(), fractional=False, last=(10.0, math.nan, 3.0), session=5, as_lists=False):
    """Call one form of the function; give the written rows and how many are closed."""
    fill_at = np.array([fill[:2] for fill in fills], dtype=np.int64).reshape(-1, 2)
    sizes = np.array([fill[2:] for fill in fills], dtype=float).reshape(-1, 3)
    changes = np.array(restated, dtype=float).reshape(-1, 4)
    open_trips = np.zeros((N_ASSETS, trips.N_FIELDS))
    rows = np.full((len(fills) + len(changes) + N_ASSETS, trips.N_TRADE), math.nan)
    counters, prices = np.zeros(2, dtype=np.int64), np.array(last)
    arguments = [fill_at, sizes, len(fills), changes, fractional, prices, session, open_trips, rows, counters]
    if as_lists:
        arguments = [each.tolist() if isinstance(each, np.ndarray) else each for each in arguments]
    total = function(*arguments)
    return np.array(arguments[8])[:total].reshape(total, trips.N_TRADE), int(arguments[9][trips.N_CLOSED])


@settings(max_examples=150)
@given(
    fills=st.lists(fill(whole | fractions), max_size=30),
    restated=st.lists(restatement, max_size=6),
    fractional=st.booleans(),
)
def test_compiled_and_plain_give_the_same_bits(fills, restated, fractional):
    fills, restated = sorted(fills, key=lambda one: one[0]), sorted(restated)
    plain, closed = pair(trips.pair_fills, fills, restated, fractional, as_lists=True)
    compiled, also_closed = pair(pair_fills, fills, restated, fractional)
    assert closed == also_closed
    assert plain.tobytes() == compiled.tobytes() or np.array_equal(plain, compiled, equal_nan=True)


@settings(max_examples=150)
@given(st.lists(fill(whole), max_size=40))
def test_compiled_equals_counting_share_by_share(fills):
    fills = sorted((session, asset, shares, min(price, 100.0), cost) for session, asset, shares, price, cost in fills)
    rows, n_closed = pair(pair_fills, fills)
    closed, still_open = slow.round_trips([(s, a, int(n), price, cost) for s, a, n, price, cost in fills])
    assert (n_closed, len(rows)) == (len(closed), len(closed) + len(still_open))
    for row, (asset, want) in zip(rows, [*closed, *still_open], strict=True):
        assert row[:3].tolist() == [asset, want.side, want.entry_session]
        assert row[4] == want.most
        assert row[5] == pytest.approx(sum(want.entries) / len(want.entries))
        assert row[9] == pytest.approx(want.commission)
        assert row[11] == (want.exit_session is None)
        if want.exit_session is not None:
            assert row[3] == want.exit_session
            assert row[7] == pytest.approx(want.pnl)
            assert row[10] == want.exit_session - want.entry_session


def test_no_fills_are_no_trades():
    rows, closed = pair(pair_fills, [], [(0, 1, 0.5, 0.0)])
    assert (len(rows), closed) == (0, 0)


def test_by_hand():
    # 10 bought at 5 and 10 at 7; a split makes 40 of them; 50 sold at 4: 40 close the trade, 10 open a short.
    fills = [(0, 1, 10.0, 5.0, 1.0), (1, 1, 10.0, 7.0, 1.0), (3, 1, -50.0, 4.0, 5.0)]
    rows, closed = pair(pair_fills, fills, [(2, 1, 0.5, 0.0)], last=(0.0, 3.0, 0.0), session=4)
    assert closed == 1
    # asset, side, entry, exit, shares, entry price, exit price, pnl, return, commission, bars, open
    assert rows[0].tolist() == [1, 1, 0, 3, 40, 3, 4, 40 * 1.0 - 6.0, 34.0 / 120.0, 6.0, 3, 0]
    assert rows[1, [0, 1, 2, 3, 4, 5, 10, 11]].tolist() == [1, -1, 3, -1, 10, 4, 1, 1]
    assert rows[1, [7, 9]].tolist() == pytest.approx([10 * 1.0 - 1.0, 1.0])


def test_shares_granted_before_a_split_of_the_same_session_are_split():
    # 10 shares, 5 granted, then 2:1: 30 shares, which are sold at 4.
    fills = [(0, 0, 10.0, 6.0, 0.0), (2, 0, -30.0, 4.0, 0.0)]
    rows, closed = pair(pair_fills, fills, [(1, 0, 1.0, 5.0), (1, 0, 0.5, 0.0)])
    assert (closed, len(rows)) == (1, 1)
    assert rows[0, [4, 7]].tolist() == [30, 60.0]
