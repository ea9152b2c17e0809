"""Cash and positions in arrays: the ledger's sums, in another way."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.engine.vector import Workspace
from rustybt.finance.dividends import whole_shares
from rustybt.kernels import account as accounts
from rustybt.kernels import simulation_types as types
from tests.kernels.test_simulation import tape_of

N_ASSETS = 4


def opened(capital=1000.0, **positions):
    """Open an account that holds, by asset number, (shares, basis, last price)."""
    space = Workspace(5, N_ASSETS, 4, True)
    accounts.open_account(space.account, capital)
    for name, (shares, basis, price) in positions.items():
        asset = int(name[1:])
        accounts.hold(space.account, asset)
        space.account.amount[asset], space.account.basis[asset] = shares, basis
        space.account.last_price[asset] = price
    accounts.add_up(space.account)
    return space


def held(space):
    return space.account.order[: space.count(types.N_HELD)].tolist()


@given(st.lists(st.tuples(st.integers(0, N_ASSETS - 1), st.booleans()), max_size=40))
def test_positions_keep_the_order_in_which_they_were_opened(script):
    space, naive = opened(), []
    for asset, opens in script:
        (accounts.hold if opens else accounts.drop)(space.account, asset)
        if opens and asset not in naive:
            naive.append(asset)
        elif not opens and asset in naive:
            naive.remove(asset)
        assert held(space) == naive
        assert np.flatnonzero(space.account.is_held).tolist() == sorted(naive)


shares = st.integers(-(10**6), 10**6).map(float) | st.floats(-1e6, 1e6)
prices = st.floats(0, 1e6) | st.just(math.nan)


@given(st.lists(st.tuples(shares, st.floats(0, 1e6), prices), min_size=N_ASSETS, max_size=N_ASSETS))
def test_values_add_up(positions):
    space = opened(**{f"_{k}": (amount, 1.0, last) for k, (amount, last, _) in enumerate(positions)})
    new = [price for *_, price in positions]
    accounts.sync_prices(space.account, np.array(new))
    values = [a * (last if new[k] != new[k] else new[k]) for k, (a, last, _) in enumerate(positions)]
    figures = space.account.figures
    assert figures[types.LONG_VALUE] == pytest.approx(sum(v for v in values if v > 0), rel=1e-12)
    assert figures[types.SHORT_VALUE] == pytest.approx(sum(v for v in values if v < 0), rel=1e-12)
    assert figures[types.LONGS] == sum(v > 0 for v in values)
    assert figures[types.SHORTS] == sum(v < 0 for v in values)


@pytest.mark.parametrize("scale", [1.0, 1e16, 1e-12])
def test_growth_is_what_one_unit_became(scale):
    space = opened(capital=100.0 * scale)
    for value in (110.0, 55.0, 66.0):
        accounts.move_cash(space.account, value * scale - space.account.figures[types.CASH])
        accounts.update(space.account)
    assert space.account.figures[types.GROWTH] == pytest.approx(0.66, rel=1e-12)
    assert space.account.figures[types.PNL] == pytest.approx(-34.0 * scale, rel=1e-9)


def test_what_is_worth_nothing_does_not_grow():
    space = opened(capital=100.0)
    for value in (0.0, 50.0, 100.0):
        accounts.move_cash(space.account, value - space.account.figures[types.CASH])
        accounts.update(space.account)
    assert space.account.figures[types.GROWTH] == 0.0
    assert accounts.leverage(opened(capital=0.0).account) == (math.inf, math.inf)


def test_dividends_by_hand():
    space = opened(_1=(-20.0, 5.0, 5.0), _2=(10.0, 5.0, 5.0))
    tape = tape_of(
        [[5.0] * N_ASSETS] * 5,
        dividends=[(1, 2, 0.25, 3), (1, 1, 0.5, 3), (1, 0, 9.0, 3), (1, 2, 7.0, -1)],
        grants=[(1, 2, 3, 0.25, 3), (1, 1, 1, 0.1, 3), (1, 2, 2, 1.0, -1)],
    )
    accounts.earn_dividends(space.account, tape, 1, False)
    accounts.pay_dividends(space.account, 2, space.records)
    assert space.account.figures[types.CASH] == 1000.0
    accounts.pay_dividends(space.account, 3, space.records)
    assert space.account.figures[types.CASH] == 1000.0 + 2.5 - 10.0
    assert space.account.amount.tolist() == [0.0, -22.0, 10.0, 2.0]  # 2.5 shares are 2
    assert held(space) == [1, 2, 3]
    assert space.records.grants[:2].tolist() == [2.0, -2.0]
    assert space.records.grant_at[:2].tolist() == [[3, 3], [3, 1]]


@given(st.floats(-1e16, 1e16) | st.integers(-(10**9), 10**9).map(lambda n: n * 0.1))
def test_shares_of_a_dividend_are_whole_as_in_the_ledger(amount):
    assert accounts.whole_dividend_shares(amount) == whole_shares(amount)


@given(
    amount=st.integers(-10**5, 10**5).filter(bool), basis=st.floats(0.01, 1e4),
    ratio=st.sampled_from([0.5, 2.0, 1 / 3, 0.1, 7.0]), fractional=st.booleans(),
)  # fmt: skip
def test_a_split_keeps_what_shares_and_cash_are_worth(amount, basis, ratio, fractional):
    space = opened(_0=(float(amount), basis, 1.0))
    tape = tape_of([[1.0] * N_ASSETS] * 2, splits=[(1, 0, ratio), (1, 3, 0.5)])
    accounts.split_positions(space.account, tape, 1, fractional)
    left, paid = space.account.amount[0], space.account.figures[types.CASH] - 1000.0
    rounded = round(basis * ratio, 2)
    assert left == (amount / ratio if fractional else math.trunc(amount / ratio))
    assert left * rounded + paid == pytest.approx(amount / ratio * rounded, abs=0.0051)
    assert held(space) == ([0] if left else [])


def test_a_position_is_closed_at_the_price_known_or_the_last_one():
    for known, price in ((7.0, 7.0), (math.nan, 5.0)):
        space = opened(_2=(-10.0, 4.0, 5.0), _0=(1.0, 1.0, 1.0))
        assert accounts.close_position(space.account, 2, known) == (10.0, price)
        assert space.account.figures[types.CASH] == 1000.0 - 10 * price
        assert held(space) == [0]
