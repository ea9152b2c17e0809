"""The whole run as one loop: by hand, compiled against plain, in memory that is small or large at first."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt.engine.stop_rules import NEVER
from rustybt.engine.vector import Workspace
from rustybt.kernels import fills
from rustybt.kernels import simulation_types as types
from rustybt.kernels.simulation import simulate
from rustybt.kernels.simulation_types import Tape, Terms

FREE = Terms(
    slippage_rule=fills.NO_SLIPPAGE, slippage_0=0.0, slippage_1=0.0, commission_rule=fills.NO_COMMISSION,
    commission_0=0.0, commission_1=0.0, recheck_limit=False, open_only=False, fractional=False,
    counts_open_orders=False, cash=types.CASH_ALLOWED, borrow_rate=0.0, margin_rate=0.0,
)  # fmt: skip


def tape_of(prices, volume=1e6, splits=(), dividends=(), grants=(), auto_close=None, fill_price=None, tradable=None):
    """Make a tape of prices (sessions × assets); events are (session, asset, ...) in order of sessions."""
    price = np.array(prices, dtype=float)
    n, assets = price.shape

    def events(rows, width):
        table = np.array(rows, dtype=float).reshape(-1, width)
        begin = np.searchsorted(table[:, 0], np.arange(n + 1)).astype(np.int64)
        return begin, [np.ascontiguousarray(table[:, k]) for k in range(1, width)]

    split_begin, (split_asset, split_ratio) = events(splits, 3)
    dividend_begin, (paying, amount, paid) = events(dividends, 4)
    stock_begin, (granting, granted, ratio, granted_at) = events(grants, 5)
    closes = np.array([n] * assets if auto_close is None else auto_close, dtype=np.int64)
    known = ~np.isnan(price)
    columns = {
        "fill_price": price.copy() if fill_price is None else np.array(fill_price, dtype=float),
        "volume": np.where(known, np.broadcast_to(np.array(volume, dtype=float), price.shape), 0.0),
        "price": price,
        "tradable": known if tradable is None else np.array(tradable),
        "auto_close": closes,
        "nights": np.minimum(np.arange(n), 1.0),
        "split_begin": split_begin, "split_asset": split_asset.astype(np.int64), "split_ratio": split_ratio,
        "dividend_begin": dividend_begin, "dividend_asset": paying.astype(np.int64), "dividend_amount": amount,
        "dividend_paid": paid.astype(np.int64),
        "stock_begin": stock_begin, "stock_asset": granting.astype(np.int64), "stock_payment": granted.astype(np.int64),
        "stock_ratio": ratio, "stock_paid": granted_at.astype(np.int64),
    }  # fmt: skip
    return Tape(**columns, first_auto_close=int(closes.min()))


def run(tape, decisions, kind=types.ORDERS, terms=FREE, capital=1000.0, space=None, keeps=True):
    """Run in a workspace, which grows where it must; give it, the code, the sessions and the detail."""
    sessions, assets = tape.price.shape
    if space is None:
        space = Workspace(sessions, assets, len(tape.stock_asset), keeps)
    decisions = np.ascontiguousarray(decisions, dtype=float)
    while True:
        memory = space.account, space.book, space.records
        code, ran, detail = simulate(tape, decisions, kind, terms, NEVER, float(capital), *memory)
        if code != types.NO_ROOM:
            return space, int(code), int(ran), int(detail)
        space.grow()


def figures_of(space, ran):
    """Give everything that a run left behind, as bytes."""
    records, count = space.records, space.count
    parts = [records.sessions[:, :ran], records.fills[: count(types.N_FILLS)], records.fill_at[: count(types.N_FILLS)]]
    parts += [records.notes[: count(types.N_NOTES)], records.note_at[: count(types.N_NOTES)]]
    parts += [records.held[: count(types.N_ROWS)], records.held_at[: count(types.N_ROWS)]]
    parts += [records.grants[: count(types.N_GRANTS)], records.grant_at[: count(types.N_GRANTS)]]
    return [np.ascontiguousarray(part).tobytes() for part in parts]


# By hand ------------------------------------------------------------------------------------------------------------


def test_two_days_by_hand():
    # 50 shares are ordered at the first close, fill at the second for 12 and cost 5.
    terms = FREE._replace(commission_rule=fills.PER_TRADE, commission_0=5.0)
    space, code, ran, _ = run(tape_of([[10.0], [12.0]]), [[50.0], [np.nan]], terms=terms)
    assert (code, ran) == (types.COMPLETE, 2)
    rows = space.records.sessions
    assert rows[types.PORTFOLIO_VALUE].tolist() == [1000.0, 995.0]
    assert rows[types.ENDING_CASH].tolist() == [1000.0, 395.0]
    assert rows[types.ENDING_VALUE].tolist() == [0.0, 600.0]
    assert rows[types.SESSION_PNL].tolist() == [0.0, -5.0]
    assert rows[types.SESSION_RETURN].tolist() == [0.0, 0.995 - 1]
    assert rows[types.CAPITAL_USED].tolist() == [0.0, -605.0]
    assert rows[types.GROSS_LEVERAGE].tolist() == [0.0, 600 / 995]
    assert space.records.fills[0].tolist() == [50.0, 12.0, 5.0, 0.0]
    assert space.records.held[0].tolist() == [50.0, 12.1, 12.0]
    notes = space.records.note_at[:2].tolist(), space.records.notes[:2].tolist()
    assert notes == ([[0, 0, types.OPEN], [1, 0, types.FILLED]], [[50.0, 0.0, 0.0], [50.0, 50.0, 5.0]])


def test_a_target_is_of_the_value_at_the_decisions_close():
    # 100 at 10 come to 1,500 at 15; half of that is 50 shares at 15, so 50 are sold, at 20.
    tape = tape_of([[10.0], [10.0], [15.0], [20.0], [20.0]])
    space, *_ = run(tape, [[1.0], [np.nan], [0.5], [np.nan], [np.nan]], types.TARGET_PERCENT)
    assert space.records.fills[:2, :2].tolist() == [[100.0, 10.0], [-50.0, 20.0]]
    assert space.records.sessions[types.PORTFOLIO_VALUE].tolist() == [1000.0, 1000.0, 1500.0, 2000.0, 2000.0]


def test_dividends_splits_and_an_automatic_close_by_hand():
    # 33 shares: 0.5 each is earned on day 2, paid on day 3; on day 4, two become one, the half share gives 20 in cash.
    prices = [[10.0], [10.0], [10.0], [10.0], [20.0], [21.0], [np.nan]]
    tape = tape_of(prices, splits=[(4, 0, 2.0)], dividends=[(2, 0, 0.5, 3)], auto_close=[6])
    space, _, ran, _ = run(tape, [[33.0]] + [[np.nan]] * 6)
    assert ran == 7
    cash = space.records.sessions[types.ENDING_CASH].tolist()
    assert cash == [1000.0, 670.0, 670.0, 686.5, 696.5, 696.5, 696.5 + 16 * 21.0]
    assert space.records.fills[1].tolist() == [-16.0, 21.0, 0.0, -1.0]


def test_financing_by_hand():
    # Short 100 at 10 with 5% borrowed, 1,000 in cash and 1,000 from the sale: only the short position costs.
    terms = FREE._replace(borrow_rate=0.05, margin_rate=0.1)
    space, *_ = run(tape_of([[10.0]] * 3), [[-100.0], [np.nan], [np.nan]], terms=terms)
    assert space.records.sessions[types.SESSION_BORROW_COST].tolist() == [0.0, 0.0, 1000 * 0.05 * (1 / 365)]
    space, *_ = run(tape_of([[10.0]] * 3), [[300.0], [np.nan], [np.nan]], terms=terms)
    assert space.records.sessions[types.SESSION_MARGIN_INTEREST].tolist() == [0.0, 0.0, 2000 * 0.1 * (1 / 365)]


@pytest.mark.parametrize(
    ("amount", "ordered"),
    [
        (2.99995, 3.0), (2.9998, 2.0), (-2.99995, -3.0), (0.00009, None), (-0.4, None), (0.9999, 1.0), (1e11, 1e11),
        (-1e15, -1e15), (-0.0, None), (5e-324, None),
    ],
)  # fmt: skip
def test_amounts_become_whole_shares(amount, ordered):
    space, code, *_ = run(tape_of([[10.0]]), [[amount]])
    placed = space.records.notes[: space.count(types.N_NOTES), 0].tolist()
    assert (code, placed) == (types.COMPLETE, [] if ordered is None else [ordered])


@pytest.mark.parametrize(
    ("kind", "amount", "expected"),
    [
        (types.ORDERS, math.inf, types.AMOUNT_IS_INFINITE),
        (types.TARGET_SHARES, -math.inf, types.AMOUNT_IS_INFINITE),
        (types.TARGET_PERCENT, math.inf, types.AMOUNT_IS_INFINITE),
        (types.ORDERS, 1.1e11, types.TOO_MANY_SHARES),
        (types.ORDERS, 1e300, types.TOO_MANY_SHARES),
        (types.ORDERS, -1e300, types.COMPLETE),
    ],
)
@pytest.mark.parametrize("fractional", [False, True])
def test_amounts_that_are_no_orders(kind, amount, expected, fractional):
    decisions = [[np.nan, np.nan], [1.0, amount]]
    _, code, ran, asset = run(tape_of([[10.0, 10.0]] * 2), decisions, kind, FREE._replace(fractional=fractional))
    assert code == expected
    assert code == types.COMPLETE or (ran, asset) == (1, 1)


@pytest.mark.parametrize("fractional", [False, True])
def test_a_portfolio_that_is_nan_makes_amounts_nan(fractional):
    # 100 shares are ordered at 10 and fill at 1e308: cash is -inf, the position inf.
    terms = FREE._replace(fractional=fractional)
    _, *ended = run(tape_of([[10.0], [1e308]]), [[1.0], [0.5]], types.TARGET_PERCENT, terms)
    assert ended == [types.AMOUNT_IS_NAN, 1, 0]


def test_no_assets_traded_no_sessions_and_prices_of_nothing():
    space, code, ran, _ = run(tape_of(np.full((3, 2), np.nan)), np.ones((3, 2)))
    assert (code, ran, space.count(types.N_ORDERS)) == (types.COMPLETE, 3, 0)
    assert run(tape_of(np.empty((0, 1))), np.empty((0, 1)))[1:3] == (types.COMPLETE, 0)
    space, code, *_ = run(tape_of([[0.0], [0.0]]), [[0.5], [0.5]], types.TARGET_PERCENT)
    assert (code, space.count(types.N_ORDERS)) == (types.COMPLETE, 0)


# Room ---------------------------------------------------------------------------------------------------------------


def busy(seed, n=25, assets=3):
    rng = np.random.default_rng(seed)
    prices = 10 * np.exp(np.cumsum(rng.normal(0, 0.03, (n, assets)), axis=0))
    prices[rng.random((n, assets)) < 0.08] = np.nan
    prices[0] = 10.0

    def asset():
        return int(rng.integers(assets))

    splits = sorted((int(rng.integers(1, n)), asset(), float(rng.choice([0.5, 2.0, 3.0]))) for _ in range(2))
    dividends = sorted((s, asset(), 0.1, min(n - 1, s + 2)) for s in rng.integers(1, n, 3).tolist())
    grants = sorted((s, asset(), asset(), 0.5, min(n - 1, s + 1)) for s in rng.integers(1, n, 2).tolist())
    volume = rng.integers(0, 400, (n, assets))
    tape = tape_of(prices, volume, splits, dividends, grants, auto_close=[n, n, int(rng.integers(n // 2, n + 1))])
    decisions = np.where(rng.random((n, assets)) < 0.8, rng.normal(0, 60, (n, assets)), np.nan)
    terms = FREE._replace(
        slippage_rule=int(rng.choice([fills.FIXED_BASIS_POINTS, fills.VOLUME_SHARE])), slippage_0=0.05, slippage_1=0.1,
        commission_rule=int(rng.integers(4)), commission_0=0.01, commission_1=1.0, fractional=bool(rng.integers(2)),
        cash=int(rng.integers(3)), borrow_rate=0.03, margin_rate=0.05,
    )  # fmt: skip
    return tape, decisions, terms


class Tiny(Workspace):
    """Has room for hardly an order at first."""

    def _make(self):
        self._capacity = 4 if self._capacity >= 1024 else self._capacity
        super()._make()


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_a_workspace_that_grows_gives_the_same_bits(seed, keeps):
    tape, decisions, terms = busy(seed)
    tiny = Tiny(*tape.price.shape, len(tape.stock_asset), keeps)
    small, *ended = run(tape, decisions, terms=terms, space=tiny, capital=1e4)
    large, *also = run(tape, decisions, terms=terms, keeps=keeps, capital=1e4)
    assert ended == also
    assert tiny._capacity > 4
    assert figures_of(small, ended[1])[1:] == figures_of(large, also[1])[1:]
    kept = slice(None) if keeps else [types.PORTFOLIO_VALUE, types.SESSION_RETURN, types.GROSS_LEVERAGE]
    assert np.array_equal(small.records.sessions[kept], large.records.sessions[kept], equal_nan=True)


@pytest.mark.parametrize("seed", range(6))
def test_without_records_of_orders_fills_and_figures_are_the_same(seed):
    tape, decisions, terms = busy(seed)
    whole, *ended = run(tape, decisions, terms=terms, capital=1e4)
    lean, *also = run(tape, decisions, terms=terms, capital=1e4, keeps=False)
    assert ended == also
    count = whole.count(types.N_FILLS)
    assert lean.count(types.N_FILLS) == count
    assert np.array_equal(whole.records.fills[:count, :3], lean.records.fills[:count, :3])
    assert np.array_equal(whole.records.fill_at[:count], lean.records.fill_at[:count])
    for field in (types.PORTFOLIO_VALUE, types.SESSION_RETURN, types.GROSS_LEVERAGE, types.SESSION_BORROW_COST):
        assert np.array_equal(whole.records.sessions[field], lean.records.sessions[field], equal_nan=True)


def test_what_the_memory_held_before_does_not_matter():
    tape, decisions, terms = busy(1)
    fresh, _, ran, _ = run(tape, decisions, terms=terms)
    expected = figures_of(fresh, ran)
    used = Workspace(*tape.price.shape, len(tape.stock_asset), True)
    for group in (used.account, used.book, used.records):
        for array in group:
            array[...] = True if array.dtype == bool else -7
    run(tape, decisions, terms=terms, space=used)
    assert figures_of(used, ran) == expected


# Plain and compiled -------------------------------------------------------------------------------------------------

PLAIN = """
import hashlib
from tests.kernels.test_simulation import busy, figures_of, run
for seed in range(12):
    tape, decisions, terms = busy(seed)
    for keeps in (True, False):
        space, code, ran, detail = run(tape, decisions, terms=terms, capital=1e4, keeps=keeps)
        print(seed, code, ran, hashlib.sha256(b"".join(figures_of(space, ran)[1:])).hexdigest())
        print(space.records.sessions[[4, 6, 13], :ran].tobytes().hex())
"""


def test_plain_python_gives_the_same_bits():
    def printed(**extra):
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **extra}
        command = [sys.executable, "-W", "ignore", "-c", PLAIN]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stdout

    plain = printed(NUMBA_DISABLE_JIT="1")
    assert plain == printed()
    assert len(plain.splitlines()) == 48


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_cash_positions_and_value_add_up(seed):
    tape, decisions, terms = busy(seed)
    space, code, ran, _ = run(tape, decisions, terms=terms, capital=1e4)
    assert code == types.COMPLETE
    rows = space.records.sessions[:, :ran]
    assert np.allclose(rows[types.PORTFOLIO_VALUE], rows[types.ENDING_CASH] + rows[types.ENDING_VALUE], rtol=1e-12)
    assert np.allclose(rows[types.PORTFOLIO_VALUE], 1e4 * (1 + rows[types.PERIOD_RETURN]), rtol=1e-9)
    worth = np.zeros(ran)
    at, held = space.records.held_at[: space.count(types.N_ROWS)], space.records.held[: space.count(types.N_ROWS)]
    np.add.at(worth, at[:, 0], held[:, 0] * held[:, 2])
    assert np.allclose(worth, rows[types.ENDING_VALUE], rtol=1e-9, atol=1e-9)
    if not terms.fractional:
        assert np.array_equal(held[:, 0], np.trunc(held[:, 0]))
        traded = space.records.fills[: space.count(types.N_FILLS), 0]
        assert np.array_equal(traded, np.trunc(traded))
