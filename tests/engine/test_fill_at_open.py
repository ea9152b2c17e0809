"""Orders that fill at the next bar's open: price, trigger, valuation, and cost models that read a close."""

import numpy as np
import pandas as pd
import pytest

from rustybt import api
from rustybt.finance.commission import CommissionModel
from rustybt.finance.slippage import FixedBasisPointsSlippage, FixedSlippage, SlippageModel, VolumeShareSlippage
from tests.builders import bars, make_bundle
from tests.engine.test_corrections import buy, fills, run
from tests.minute_builders import make_minute_bundle, minutes_of


def opening(opens, closes, **kwargs):
    """Give daily bars whose opens differ from their closes."""
    frame = bars(closes, **kwargs)
    frame["open"] = opens
    frame["high"], frame["low"] = frame[["open", "close"]].max(axis=1), frame[["open", "close"]].min(axis=1)
    return frame


@pytest.fixture
def bundle():
    return make_bundle({"A": opening([9.0, 10.5, 12.5, 13.5], [10.0, 12.0, 13.0, 11.0])})


def test_an_order_fills_at_the_next_open_and_not_the_close(bundle):
    assert fills(run(bundle, buy("A", 100))[0]) == [("A", 100, 12.0)]
    result, _ = run(bundle, buy("A", 100), fill_at="open")
    assert fills(result) == [("A", 100, 10.5)]
    # Bought at 10.5, worth 12 at the close of the same session.
    assert result.perf["pnl"].iloc[1] == pytest.approx(150.0)
    assert result.perf["ending_cash"].iloc[1] == 100_000 - 1050


def test_handle_data_of_the_fills_session_sees_the_position_at_its_close(bundle):
    look = lambda context, data: context.portfolio.portfolio_value  # noqa: E731
    assert run(bundle, buy("A", 100), look, fill_at="open")[1][1] == pytest.approx(100_150.0)


def test_triggers_are_tested_against_the_open(bundle):
    # Opens after the order: 10.5, 12.5, 13.5.
    assert fills(run(bundle, buy("A", -5, limit_price=12.5), fill_at="open")[0]) == [("A", -5, 12.5)]
    assert fills(run(bundle, buy("A", 5, stop_price=13.0), fill_at="open")[0]) == [("A", 5, 13.5)]
    assert fills(run(bundle, buy("A", 5, limit_price=10.2), fill_at="open")[0]) == []


@pytest.mark.parametrize(
    ("slippage", "price"),
    [
        (FixedSlippage(0.5), 10.75),
        (FixedBasisPointsSlippage(100, 1.0), 10.605),
        (VolumeShareSlippage(1.0, 0.0), 10.5),
    ],
)
def test_built_in_models_start_from_the_open(bundle, slippage, price):
    assert fills(run(bundle, buy("A", 100), slippage=slippage, fill_at="open")[0]) == [("A", 100, pytest.approx(price))]


def test_models_of_ones_own_find_the_open_as_close_and_price(bundle):
    seen = []

    class Own(SlippageModel):
        def process_order(self, data, order):
            seen.append([data.current(order.asset, field) for field in ("open", "close", "price")])
            return data.current(order.asset, "close"), order.open_amount

    class Free(CommissionModel):
        def calculate(self, order, transaction):
            return 0.0

    assert fills(run(bundle, buy("A", 100), slippage=Own(), fill_at="open")[0]) == [("A", 100, 10.5)]
    assert seen == [[10.5, 10.5, 10.5]]
    mixed, _ = run(bundle, buy("A", 100), slippage=FixedSlippage(0.5), commission=Free(), fill_at="open")
    assert fills(mixed) == [("A", 100, 10.75)]


def test_a_cost_model_that_asks_for_the_portfolio_does_not_fix_its_prices(bundle):
    contexts = []

    class Curious(SlippageModel):
        def process_order(self, data, order):
            assert contexts[0].portfolio.portfolio_value == 100_000
            return data.current(order.asset, "close"), order.open_amount

    def place(context, data):
        contexts.append(context)
        api.order(api.symbol("A"), 100)

    result, _ = run(bundle, place, slippage=Curious(), fill_at="open")
    assert result.perf["ending_value"].iloc[1] == 1200.0


def test_without_an_open_nothing_fills():
    frame = opening([9.0, 10.0, 12.5], [10.0, 12.0, 13.0])
    frame.loc[frame.index[1], "open"] = np.nan
    with pytest.warns(match="lack"):
        bundle = make_bundle({"A": frame})
    assert fills(run(bundle, buy("A", 1), fill_at="open")[0])[0][2] == 12.5


def test_a_minute_run_fills_at_the_next_minutes_open():
    labels = minutes_of("2020-01-02")
    closes = np.arange(390.0) + 100
    frame = pd.DataFrame({"open": closes - 0.25, "high": closes, "low": closes - 0.5, "close": closes}, index=labels)
    bundle = make_minute_bundle({"A": frame.assign(volume=1000.0)})
    assert fills(run(bundle, None, buy("A", 5), frequency="minute")[0]) == [("A", 5, 102.0)]
    assert fills(run(bundle, None, buy("A", 5), frequency="minute", fill_at="open")[0]) == [("A", 5, 101.75)]


def test_data_in_handle_data_is_the_close(bundle):
    look = lambda context, data: data.current(api.symbol("A"), "close")  # noqa: E731
    assert run(bundle, buy("A", 1), look, look, fill_at="open")[1][1:] == [12.0, 13.0]
