"""Sessions in which the algorithm does nothing: what is booked in them comes to what it comes to in any other."""

import pandas as pd

from rustybt import api
from rustybt.finance.slippage import NoSlippage
from tests.builders import bars, days, make_bundle
from tests.engine.test_corrections import fills, run

DAY = [str(d.date()) for d in days(12)]


def buy_and_sleep(bundle, symbol, shares):
    def buy(context, data):
        api.order(api.symbol(symbol), shares)

    return run(bundle, buy, slippage=NoSlippage(), capital_base=1000.0)[0]


def test_an_automatic_close_takes_the_last_price_known_not_that_of_the_last_look():
    frames = {"A": bars([10.0] * 8), "B": bars([10.0, 10.0, 12.0, 15.0])}
    bundle = make_bundle(frames, assets={"B": {"auto_close_date": pd.Timestamp(DAY[6])}})
    result = buy_and_sleep(bundle, "B", 10)
    assert fills(result) == [("B", 10, 10.0), ("B", -10, 15.0)]
    assert result.perf["portfolio_value"].tolist() == [1000.0, 1000.0, 1020.0] + [1050.0] * 5


def test_shares_paid_on_their_ex_date_are_granted():
    bundle = make_bundle({"A": bars([10.0] * 6)}, stock_dividends=[("A", "A", DAY[3], DAY[3], 0.5)])
    result = buy_and_sleep(bundle, "A", 10)
    assert [day[0]["amount"] for day in result.perf["positions"][1:]] == [10, 10, 15, 15, 15]


def test_granted_shares_belong_to_the_value_that_their_session_starts_with():
    bundle = make_bundle(
        {"A": bars([10.0, 10.0, 10.0, 10.0, 11.0, 11.0])}, stock_dividends=[("A", "A", DAY[2], DAY[4], 0.5)]
    )
    perf = buy_and_sleep(bundle, "A", 10).perf
    assert perf["starting_value"].tolist() == [0.0, 0.0, 100.0, 100.0, 150.0, 165.0]
    assert perf["pnl"].tolist() == [0.0, 0.0, 0.0, 0.0, 15.0, 0.0]
    assert perf["portfolio_value"].tolist() == [1000.0, 1000.0, 1000.0, 1000.0, 1065.0, 1065.0]
