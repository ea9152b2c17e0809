"""Fractions of a share: nothing is truncated, and sums of fractions leave no crumbs."""

import pandas as pd
import pytest

from rustybt import api
from rustybt.errors import InvalidParameter
from rustybt.finance.commission import CommissionModel, PerShare
from rustybt.finance.slippage import FixedBasisPointsSlippage, SlippageModel, VolumeShareSlippage
from tests.builders import bars, days, make_bundle
from tests.engine.test_corrections import buy, fills, run, statuses

DAY = [str(d.date()) for d in days(8)]


def flat(**kwargs):
    return make_bundle({"A": bars([10.0] * 6, **kwargs)})


def test_amounts_are_as_ordered():
    assert fills(run(flat(), buy("A", 2.75))[0]) == [("A", 2, 10.0)]
    result, _ = run(flat(), buy("A", 2.75), fractional_shares=True)
    assert fills(result) == [("A", 2.75, 10.0)]
    assert result.perf["ending_cash"].iloc[-1] == 100_000 - 27.5
    assert result.perf["positions"].iloc[-1][0]["amount"] == 2.75


def test_targets_are_met_exactly():
    target = lambda context, data: api.order_target_percent(api.symbol("A"), 1 / 3)  # noqa: E731
    result, _ = run(flat(), target, fractional_shares=True)
    assert result.perf["positions"].iloc[-1][0]["amount"] == 100_000 * (1 / 3) / 10.0


def test_volume_limits_are_not_truncated():
    for slippage in (FixedBasisPointsSlippage(0, 0.1), VolumeShareSlippage(0.1, 0.0)):
        result, _ = run(flat(volume=33), buy("A", 7.5), slippage=slippage, fractional_shares=True)
        amounts = [amount for _, amount, _ in fills(result)]
        assert amounts == pytest.approx([3.3, 3.3, 0.9])
        assert statuses(result) == [(7.5, 7.5, "FILLED")]
        assert [round(amount) for amount in amounts] != amounts
    whole, _ = run(flat(volume=33), buy("A", 7), slippage=FixedBasisPointsSlippage(0, 0.1))
    assert [amount for _, amount, _ in fills(whole)] == [3, 3, 1]


def test_splits_keep_the_fraction():
    bundle = make_bundle({"A": bars([10.0, 10.0, 30.0, 30.0])}, splits=[("A", DAY[2], 3.0)])
    off, _ = run(bundle, buy("A", 10))
    on, _ = run(bundle, buy("A", 10), fractional_shares=True)
    assert (off.perf["positions"].iloc[2][0]["amount"], off.perf["ending_cash"].iloc[2]) == (3.0, 99_910.0)
    assert (on.perf["positions"].iloc[2][0]["amount"], on.perf["ending_cash"].iloc[2]) == (10 / 3, 99_900.0)
    assert on.perf["portfolio_value"].iloc[2] == pytest.approx(100_000.0)


def test_splits_of_open_orders_and_dividends_in_stock_keep_the_fraction():
    bundle = make_bundle(
        {"A": bars([10.0, 10.0, 30.0, 25.0, 25.0]), "B": bars([4.0] * 5)},
        splits=[("A", DAY[2], 3.0)],
        stock_dividends=[("B", "B", DAY[2], DAY[3], 0.3)],
    )

    def order(context, data):
        api.order(api.symbol("A"), 10, limit_price=8.5)
        api.order(api.symbol("B"), 1.5)

    result, _ = run(bundle, order, fractional_shares=True)
    assert fills(result) == [("B", 1.5, 4.0), ("A", 10 / 3, 25.0)]
    held = {p["sid"].symbol: p["amount"] for p in result.perf["positions"].iloc[-1]}
    assert held == {"B": 1.5 + 0.45, "A": 10 / 3}


def test_fractions_that_sum_up_leave_nothing():
    steps = (buy("A", 0.1), buy("A", 0.2), buy("A", -0.1), buy("A", -0.2))
    result, _ = run(flat(), *steps, fractional_shares=True)
    assert 0.1 + 0.2 - 0.1 - 0.2 != 0
    assert result.perf["positions"].iloc[-1] == []
    assert result.trades[["shares", "is_open"]].to_numpy().tolist() == [[pytest.approx(0.3), False]]


def test_a_trade_over_a_split_closes_with_its_fraction():
    bundle = make_bundle({"A": bars([10.0, 10.0, 30.0, 36.0, 36.0])}, splits=[("A", DAY[2], 3.0)])
    close = lambda context, data: api.order_target(api.symbol("A"), 0)  # noqa: E731
    result, _ = run(bundle, buy("A", 10), None, close, fractional_shares=True)
    (trade,) = result.trades.to_dict("records")
    assert (trade["is_open"], trade["shares"]) == (False, pytest.approx(10 / 3))
    assert trade["pnl"] == pytest.approx(10 / 3 * 36 - 100)


def test_what_is_rounding_places_no_order():
    def crumbs(context, data):
        return api.order(api.symbol("A"), 1e-12), api.order(api.symbol("A"), -1e-12), api.order(api.symbol("A"), 0.0)

    result, seen = run(flat(), crumbs, fractional_shares=True)
    assert (seen, fills(result)) == ([(None, None, None)], [])


def test_a_batch_takes_fractions():
    step = lambda context, data: api.batch_market_order(pd.Series({api.symbol("A"): 1.25}))  # noqa: E731
    assert fills(run(flat(), step, fractional_shares=True)[0]) == [("A", 1.25, 10.0)]
    with pytest.raises(TypeError, match="share_counts has dtype float64, it must be int64"):
        run(flat(), step)


def test_models_of_ones_own_may_return_fractions():
    class Half(SlippageModel):
        def process_order(self, data, order):
            return 10.0, order.open_amount / 2

    class ACentAShare(CommissionModel):
        def calculate(self, order, transaction):
            return 0.01 * abs(transaction.amount)

    result, _ = run(flat(), buy("A", 1.0), slippage=Half(), commission=ACentAShare(), fractional_shares=True)
    assert [amount for _, amount, _ in fills(result)] == [0.5, 0.25, 0.125, 0.0625, 0.03125]
    assert result.perf["ending_cash"].iloc[1] == pytest.approx(100_000 - 5 - 0.005)


@pytest.mark.parametrize("amount", [0.0, 1e-10, float("inf"), float("nan")])
def test_a_model_that_returns_no_shares_is_an_error(amount):
    class Nothing(SlippageModel):
        def process_order(self, data, order):
            return 10.0, amount

    with pytest.raises(InvalidParameter, match=rf"process_order returned {amount} shares: a fill has at least 1e-09"):
        run(flat(), buy("A", 1.0), slippage=Nothing(), fractional_shares=True)


def test_cash_is_spent_to_the_last_cent():
    result, _ = run(
        flat(), buy("A", 1e6), fractional_shares=True, cash="scale", commission=PerShare(0.01, 1.0), capital_base=1000.0
    )
    (_, amount, _), = fills(result)  # fmt: skip
    assert amount == pytest.approx(999 / 10.0)
    assert 0 <= result.perf["ending_cash"].iloc[-1] < 1e-9


@pytest.mark.parametrize("amount", [float("nan"), float("inf")])
def test_an_amount_that_is_none_is_refused_as_ever(amount):
    with pytest.raises((ValueError, OverflowError), match=r"NaN|infinity"):
        run(flat(), buy("A", amount), fractional_shares=True)
