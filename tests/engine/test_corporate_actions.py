"""Splits, dividends and automatic closes in the books, each with hand-worked figures."""

import pandas as pd
import pytest

from rustybt import api
from rustybt.errors import IngestWarning
from rustybt.finance.commission import NoCommission, PerTrade
from tests.builders import bars, days, make_bundle
from tests.engine.test_fills import buy, fills, run

DAY = [str(d.date()) for d in days(12)]


def test_a_split_restates_the_position_and_pays_the_fraction():
    bundle = make_bundle({"A": bars([30.0, 30.0, 60.0, 60.0])}, splits=[("A", DAY[2], 2.0)])
    result, _ = run(bundle, buy("A", 33))
    position = result.perf["positions"].iloc[2][0]
    assert (position["amount"], position["cost_basis"]) == (16.0, 60.0)
    assert result.perf["ending_cash"].iloc[2] == 100_000 - 990 + 30.0
    assert result.perf["portfolio_value"].iloc[2] == 100_000


def test_a_split_restates_open_orders():
    bundle = make_bundle({"A": bars([30.0, 30.0, 15.0, 14.0])}, splits=[("A", DAY[2], 0.5)])
    result, _ = run(bundle, buy("A", 10, limit_price=28.0))
    assert fills(result) == [("A", 20, 14.0)]
    assert result.perf["orders"].iloc[3][0]["limit"] == 14.0


def test_a_dividend_is_earned_on_the_ex_date_and_paid_on_the_pay_date():
    bundle = make_bundle({"A": bars([10.0] * 6)}, dividends=[("A", DAY[2], DAY[4], 0.5)])
    result, _ = run(bundle, buy("A", 100))
    cash = result.perf["ending_cash"].tolist()
    assert cash == [100_000, 99_000, 99_000, 99_000, 99_050, 99_050]
    assert result.perf["starting_cash"].iloc[4] == 99_050
    assert result.perf["returns"].iloc[4] == pytest.approx(50 / 100_000)
    assert result.perf["pnl"].iloc[4] == 0


def test_a_dividend_earned_is_paid_after_the_shares_are_sold_and_shorts_pay():
    bundle = make_bundle(
        {"A": bars([10.0] * 6), "B": bars([10.0] * 6)},
        dividends=[("A", DAY[2], DAY[4], 0.5), ("B", DAY[2], DAY[4], 0.25)],
    )
    result, _ = run(bundle, buy("A", 100), buy("A", -100), buy("B", -40))
    assert result.perf["ending_cash"].iloc[-1] == 100_000 + 50 + 400

    short, _ = run(bundle, buy("B", -40))
    assert short.perf["ending_cash"].iloc[-1] == 100_000 + 400 - 10


def test_a_pay_date_that_is_no_session_never_pays():
    bundle = make_bundle({"A": bars([10.0] * 6)}, dividends=[("A", DAY[2], "2020-01-04", 0.5)])
    result, _ = run(bundle, buy("A", 100))
    assert result.perf["ending_cash"].iloc[-1] == 99_000


def test_a_dividend_without_a_pay_date_never_pays_and_the_ingest_says_so():
    with pytest.warns(IngestWarning, match="1 of 1 dividends have no pay date"):
        bundle = make_bundle({"A": bars([10.0] * 6)}, dividends=[("A", DAY[2], None, 0.5)])
    result, _ = run(bundle, buy("A", 100))
    assert result.perf["ending_cash"].iloc[-1] == 99_000


def test_a_dividend_on_the_split_date_uses_the_shares_before_the_split():
    bundle = make_bundle(
        {"A": bars([10.0, 10.0, 5.0, 5.0])}, splits=[("A", DAY[2], 0.5)], dividends=[("A", DAY[2], DAY[3], 1.0)]
    )
    result, _ = run(bundle, buy("A", 100))
    assert result.perf["ending_cash"].iloc[-1] == 99_000 + 100
    assert result.perf["positions"].iloc[-1][0]["amount"] == 200


def test_a_stock_dividend_adds_whole_shares_at_no_cost():
    bundle = make_bundle(
        {"A": bars([10.0] * 6), "B": bars([3.0] * 6)}, stock_dividends=[("A", "B", DAY[2], DAY[4], 0.29)]
    )
    result, _ = run(bundle, buy("A", 100))
    held = {p["sid"].symbol: p for p in result.perf["positions"].iloc[-1]}
    assert (held["B"]["amount"], held["B"]["cost_basis"]) == (29, 0.0)
    assert result.trades.set_index("symbol").loc["B", "shares"] == 29


def test_a_position_is_closed_at_its_auto_close_date_without_commission():
    frames = {"A": bars([10.0, 11.0, 12.0]), "B": bars([1.0] * 6)}
    result, _ = run(
        make_bundle(frames), buy("A", 10), buy("A", 5), buy("A", 5, limit_price=1.0), commission=PerTrade(3.0)
    )
    closing = result.records.transactions[3]
    assert [(fill.amount, fill.price, fill.order_id, fill.commission) for fill in closing] == [(-15, 12.0, None, 0.0)]
    assert result.perf["ending_cash"].iloc[-1] == 100_000 - 110 - 60 + 180 - 6
    assert result.perf["orders"].iloc[3][0]["status"] == 2


def test_an_order_after_delisting_is_refused_with_a_warning(caplog):
    frames = {"A": bars([10.0, 11.0, 12.0]), "B": bars([1.0] * 6)}
    result, seen = run(make_bundle(frames), None, None, None, buy("A", 10), commission=NoCommission())
    assert seen == [None]
    assert "Cannot place order for A, as it has de-listed" in caplog.text
    assert fills(result) == []


def test_a_split_that_leaves_no_share_closes_the_position():
    bundle = make_bundle({"A": bars([10.0, 10.0, 30.0, 30.0])}, splits=[("A", DAY[2], 3.0)])
    result, _ = run(bundle, buy("A", 2))
    assert result.perf["positions"].iloc[2] == []
    assert result.perf["ending_cash"].iloc[2] == pytest.approx(100_000, abs=0.01)


def test_windows_see_adjusted_prices_and_volumes_as_of_the_bar():
    bundle = make_bundle(
        {"A": bars([20.0, 20.0, 10.0, 10.0], volume=[100, 100, 200, 200])}, splits=[("A", DAY[2], 0.5)]
    )

    def look(context, data):
        asset = api.symbol("A")
        return data.history(asset, "close", 2, "1d").tolist(), data.history(asset, "volume", 2, "1d").tolist()

    _, seen = run(bundle, None, look, look)
    assert seen == [([20.0, 20.0], [100.0, 100.0]), ([10.0, 10.0], [200.0, 200.0])]


def test_a_price_filled_forward_over_a_split_is_adjusted():
    frame = bars([20.0, 20.0, 10.0, 10.0])
    frame.loc[frame.index[2], ["open", "high", "low", "close"]] = float("nan")
    frame.loc[frame.index[2], "volume"] = 0
    bundle = make_bundle({"A": frame, "B": bars([1.0] * 4)}, splits=[("A", DAY[2], 0.5)])

    def look(context, data):
        asset = api.symbol("A")
        return (
            data.current(asset, "price"),
            data.current(asset, "last_traded"),
            data.is_stale(asset),
            data.history(asset, "price", 1, "1d").tolist(),
        )

    _, seen = run(bundle, None, None, look)
    assert seen == [(10.0, pd.Timestamp(DAY[1]), True, [10.0])]
