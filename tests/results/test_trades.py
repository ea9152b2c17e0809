"""Do fills pair into the round trips that counting share by share finds?"""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.finance.records import RESTATEMENT, TRANSACTION
from rustybt.results.trades import TRADE, round_trips, trades_frame
from tests.oracles import trades as slow

FILL = st.tuples(
    st.integers(0, 3),
    st.integers(1, 2),
    st.integers(-6, 6).filter(bool),
    st.integers(1, 400).map(lambda cents: cents / 4),
    st.sampled_from([0.0, 1.0, 2.5]),
)


def fills_of(rows):
    return np.array([(*row, 0) for row in rows], TRANSACTION)


def trips(rows, restatements=(), **options):
    return round_trips(fills_of(rows), np.array(list(restatements), RESTATEMENT), **options)


@given(st.lists(FILL, max_size=40))
def test_equals_counting_share_by_share(rows):
    rows = sorted(rows, key=lambda row: row[0])
    got = trips(rows)
    closed, still_open = slow.round_trips(rows)
    assert got["is_open"].tolist() == [False] * len(closed) + [True] * len(still_open)
    for record, (sid, want) in zip(got, [*closed, *still_open], strict=True):
        assert (record["sid"], record["side"], record["entry_session"]) == (sid, want.side, want.entry_session)
        assert record["exit_session"] == (-1 if want.exit_session is None else want.exit_session)
        assert record["shares"] == want.most
        assert record["commission"] == pytest.approx(want.commission)
        assert record["entry_price"] == pytest.approx(sum(want.entries) / len(want.entries))
        if not record["is_open"]:
            assert record["pnl"] == pytest.approx(want.pnl)
            assert record["exit_price"] == pytest.approx(sum(want.exits) / len(want.exits))
            assert record["return"] == pytest.approx(want.pnl / sum(want.entries))


@given(st.lists(FILL, max_size=40), st.integers(1, 400))
def test_all_trades_together_earn_what_the_cash_says(rows, price):
    rows = sorted(rows, key=lambda row: row[0])
    cash = -sum(shares * paid + cost for _, _, shares, paid, cost in rows)
    held = sum(shares for _, _, shares, *_ in rows)
    got = trips(rows, last_price={1: float(price), 2: float(price)})
    assert got["pnl"].sum() == pytest.approx(cash + held * price, abs=1e-6)


def test_scaling_in_and_out_is_one_trade():
    (trade,) = trips([(0, 1, 10, 10.0, 1.0), (1, 1, 10, 20.0, 1.0), (3, 1, -5, 30.0, 1.0), (7, 1, -15, 10.0, 1.0)])
    assert trade["shares"] == 20
    assert trade["entry_price"] == 15
    assert trade["exit_price"] == 15
    assert trade["pnl"] == -4
    assert trade["return"] == pytest.approx(-4 / 300)
    assert trade["bars_held"] == 7


def test_a_reversal_ends_one_trade_and_starts_another():
    first, second = trips([(0, 1, 10, 10.0, 0.0), (2, 1, -30, 11.0, 3.0), (5, 1, 20, 10.0, 0.0)])
    assert (first["side"], first["exit_session"], first["pnl"], first["commission"]) == (1, 2, 10 - 1, 1)
    assert (second["side"], second["entry_session"], second["pnl"], second["commission"]) == (-1, 2, 20 - 2, 2)


def test_a_short_earns_when_the_price_falls():
    (trade,) = trips([(0, 1, -10, 10.0, 0.0), (1, 1, 10, 8.0, 0.0)])
    assert (trade["side"], trade["pnl"], trade["return"]) == (-1, 20, pytest.approx(0.2))


def test_an_open_trade_is_valued_at_the_last_price():
    (trade,) = trips([(1, 1, -10, 10.0, 1.0)], last_price={1: 12.0}, last_session=9)
    assert trade["is_open"]
    assert trade["exit_session"] == -1
    assert math.isnan(trade["exit_price"])
    assert trade["pnl"] == -21
    assert trade["bars_held"] == 8


def test_an_open_trade_without_a_price_has_no_pnl():
    assert math.isnan(trips([(1, 1, 10, 10.0, 1.0)])["pnl"][0])


# 2:1 on session 2: 10 shares at 10 are 20 at 5, sold at 6.
def test_a_split_restates_shares_and_prices():
    (trade,) = trips([(0, 1, 10, 10.0, 0.0), (4, 1, -20, 6.0, 0.0)], [(2, 1, 0.5, 0.0)])
    assert (trade["shares"], trade["entry_price"], trade["exit_price"]) == (20, 5, 6)
    assert trade["pnl"] == 20


# 1:3 on session 1: 10 shares at 3 are 3 at 9, and a third of a share is paid at the basis.
def test_a_reverse_split_pays_the_fraction():
    (trade,) = trips([(0, 1, 10, 3.0, 0.0), (4, 1, -3, 9.0, 0.0)], [(1, 1, 3.0, 0.0)])
    assert trade["pnl"] == pytest.approx(0.0)
    assert trade["exit_price"] == pytest.approx(9.0)


def test_a_split_that_leaves_no_whole_share_ends_the_trade():
    (trade,) = trips([(0, 1, 2, 3.0, 0.0)], [(1, 1, 4.0, 0.0)])
    assert not trade["is_open"]
    assert (trade["exit_session"], trade["pnl"]) == (1, pytest.approx(0.0))


def test_a_split_comes_before_the_fills_of_its_session():
    (trade,) = trips([(0, 1, 10, 10.0, 0.0), (2, 1, -20, 5.0, 0.0)], [(2, 1, 0.5, 0.0)])
    assert (trade["pnl"], trade["is_open"]) == (0, False)


def test_a_split_of_another_asset_changes_nothing():
    rows = [(0, 1, 10, 10.0, 0.0), (4, 1, -10, 6.0, 0.0)]
    assert trips(rows, [(2, 9, 0.5, 0.0)]).tolist() == trips(rows).tolist()


# A fifth more shares for nothing: 10 bought at 12, 12 sold at 10.
def test_a_stock_dividend_adds_shares_at_no_cost():
    (trade,) = trips([(0, 1, 10, 12.0, 0.0), (4, 1, -12, 10.0, 0.0)], [(2, 1, 1.0, 2.0)])
    assert (trade["shares"], trade["pnl"], trade["is_open"]) == (12, 0, False)


def test_shares_received_of_an_asset_not_held_open_a_trade():
    (trade,) = trips([(4, 1, -2, 10.0, 0.0)], [(2, 1, 1.0, 2.0)])
    assert (trade["entry_session"], trade["entry_price"], trade["pnl"]) == (2, 0, 20)
    assert math.isnan(trade["return"])


def test_no_fill_no_trade():
    assert trips([]).dtype == TRADE
    assert len(trips([])) == 0


def test_a_fill_without_a_price_spoils_its_trade_only():
    got = trips([(0, 1, 1, math.nan, 0.0), (0, 2, 1, 1.0, 0.0), (1, 1, -1, 1.0, 0.0), (1, 2, -1, 2.0, 0.0)])
    assert math.isnan(got["pnl"][0])
    assert got["pnl"][1] == 1


def test_huge_positions_close_exactly():
    (trade,) = trips([(0, 1, 10**16, 1e-3, 0.0), (1, 1, -(10**16), 2e-3, 0.0)])
    assert not trade["is_open"]
    assert trade["return"] == pytest.approx(1.0)


def test_the_frame_shows_labels_and_symbols():
    days = pd.DatetimeIndex(["2020-01-02", "2020-01-03", "2020-01-06"])
    records = trips([(0, 1, 10, 10.0, 0.0), (2, 1, -10, 11.0, 0.0), (2, 2, -1, 5.0, 0.0)])
    frame = trades_frame(records, days.as_unit("ns").asi8, {1: "AAPL", 2: "MSFT"})
    assert frame["symbol"].tolist() == ["AAPL", "MSFT"]
    assert frame["side"].tolist() == ["long", "short"]
    assert frame["entry"].tolist() == [days[0], days[2]]
    assert frame["exit"][0] == days[2]
    assert frame["exit"].isna()[1]
    assert frame["is_open"].tolist() == [False, True]
    assert frame.dtypes["bars_held"] == np.int64
