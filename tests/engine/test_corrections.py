"""Each correction on and off, with hand-worked figures; the default is always Zipline's."""

import math

import pandas as pd
import pytest

from rustybt import api
from rustybt.data.portal import portal_of
from rustybt.engine.setup import Setup
from rustybt.engine.strategy import Hooks
from rustybt.errors import BadOrderParameters, HistoryWindowStartsBeforeData, IngestWarning
from rustybt.finance.cancel_policy import EODCancel
from rustybt.finance.commission import NoCommission, PerTrade
from rustybt.finance.execution import LimitOrder
from rustybt.finance.order import ORDER_STATUS
from rustybt.finance.rules import rules_of
from rustybt.finance.slippage import FixedBasisPointsSlippage, FixedSlippage, NoSlippage, SlippageModel
from rustybt.run import simulate
from tests.builders import bars, days, make_bundle

DAY = [str(d.date()) for d in days(12)]


def run(
    bundle, *steps, slippage=None, commission=None, policy=None, before=None, capital_base=100_000.0,
    frequency="daily", corrections=(), **extras,
):  # fmt: skip
    """Run steps(context, data), one a bar, under rules; return the result and what the steps returned."""
    seen = []

    def initialize(context):
        context.bar = 0
        context.seen = seen
        api.set_slippage(slippage or NoSlippage())
        api.set_commission(commission or NoCommission())
        if policy is not None:
            api.set_cancel_policy(policy)

    def handle_data(context, data):
        if context.bar < len(steps) and steps[context.bar] is not None:
            seen.append(steps[context.bar](context, data))
        context.bar += 1

    setup = Setup(rules=rules_of(corrections, **extras))
    hooks = Hooks(initialize, handle_data, before)
    return simulate(hooks, bundle, None, None, capital_base, data_frequency=frequency, setup=setup), seen


def buy(symbol, shares, **kwargs):
    return lambda context, data: api.order(api.symbol(symbol), shares, **kwargs)


def fills(result):
    return [(fill.asset.symbol, fill.amount, fill.price) for day in result.records.transactions for fill in day]


def statuses(result):
    """Give (amount, filled, status name) of each order as it ended."""
    last = {order["id"]: order for day in result.perf["orders"] for order in day}
    return [(order["amount"], order["filled"], ORDER_STATUS(order["status"]).name) for order in last.values()]


class TestNoLookaheadBeforeTradingStart:
    NAME = "no_lookahead_before_trading_start"

    def see(self, bundle, look, *steps, on=True):
        found = []

        def before(context, data):
            found.append(look(context, data))

        run(bundle, *steps, before=before, corrections={self.NAME} if on else ())
        return found

    def test_current_is_the_session_before(self):
        bundle = make_bundle({"A": bars([10.0, 11.0, 12.0])})
        price = lambda context, data: data.current(api.symbol("A"), "close")  # noqa: E731
        assert self.see(bundle, price, on=False) == [10.0, 11.0, 12.0]
        first, *later = self.see(bundle, price)
        assert math.isnan(first)
        assert later == [10.0, 11.0]

    def test_prices_are_adjusted_over_the_night(self):
        bundle = make_bundle({"A": bars([20.0, 20.0, 10.0], volume=[100, 100, 300])}, splits=[("A", DAY[2], 0.5)])

        def look(context, data):
            asset = api.symbol("A")
            frame = data.history([asset], ["close", "volume"], 1, "1d")
            return (
                data.current(asset, "price"),
                data.current(asset, "volume"),
                data.history(asset, "close", 1, "1d").tolist(),
                frame.iloc[-1].tolist(),
            )

        with pytest.raises(HistoryWindowStartsBeforeData, match=f"bar_count 1 at {DAY[0]} reaches back before"):
            self.see(bundle, look)

        def late(context, data):
            return look(context, data) if data.current_session >= pd.Timestamp(DAY[1]) else None

        assert self.see(bundle, late) == [
            None,
            (20.0, 100, [20.0], [20.0, 100.0]),
            (10.0, 200.0, [10.0], [10.0, 200.0]),
        ]

    def test_windows_of_several_fields_adjust_each_asset_by_its_own_factor(self):
        frames = {"A": bars([20.0, 20.0, 10.0]), "B": bars([6.0, 6.0, 6.0])}
        bundle = make_bundle(frames, splits=[("A", DAY[2], 0.5)])

        def look(context, data):
            if data.current_session < pd.Timestamp(DAY[2]):
                return None
            frame = data.history([api.symbol("B"), api.symbol("A")], ["close", "open"], 1, "1d")
            return frame["close"].tolist()

        assert sorted(self.see(bundle, look)[-1]) == [6.0, 10.0]

    def test_the_portfolio_is_priced_at_the_session_before(self):
        bundle = make_bundle({"A": bars([10.0, 10.0, 30.0, 10.0])}, splits=[("A", DAY[3], 0.5)])
        value = lambda context, data: context.portfolio.portfolio_value  # noqa: E731
        assert self.see(bundle, value, buy("A", 100), on=False) == [100_000, 100_000, 102_000, 101_000]
        assert self.see(bundle, value, buy("A", 100)) == [100_000, 100_000, 100_000, 102_000]

    def test_can_trade_and_is_stale_know_the_session_before(self):
        frame = bars([10.0, 11.0, 12.0, 13.0])
        frame.loc[frame.index[1], ["open", "high", "low", "close"]] = math.nan
        frame.loc[frame.index[1], "volume"] = 0
        bundle = make_bundle({"A": frame, "B": bars([1.0] * 4)})

        def look(context, data):
            asset = api.symbol("A")
            return data.can_trade(asset), data.is_stale(asset), data.current(asset, "last_traded")

        first, second = pd.Timestamp(DAY[0]), pd.Timestamp(DAY[2])
        assert self.see(bundle, look) == [
            (False, False, pd.NaT),
            (True, False, first),
            (True, True, first),
            (True, False, second),
        ]

    def test_handle_data_sees_what_it_saw(self):
        bundle = make_bundle({"A": bars([10.0, 11.0, 12.0])})
        look = lambda context, data: (data.current(api.symbol("A"), "close"), context.portfolio.portfolio_value)  # noqa: E731
        off, on = (
            run(bundle, look, look, look, before=lambda c, d: None, corrections=names)[1] for names in ((), {self.NAME})
        )
        assert off == on

    def test_later_sessions_change_nothing(self):
        later = make_bundle({"A": bars([10.0, 11.0, 99.0])}, name="later")
        plain = make_bundle({"A": bars([10.0, 11.0, 12.0])}, name="plain")
        price = lambda context, data: str(data.current(api.symbol("A"), ["close", "price", "volume"]).tolist())  # noqa: E731
        assert self.see(later, price) == self.see(plain, price)


class TestLimitPriceRecheck:
    NAME = "limit_price_recheck"

    # The close of 10.00 triggers the limit; 5% of slippage makes the fill 10.50.
    def test_slippage_does_not_carry_a_fill_past_its_limit(self):
        bundle = make_bundle({"A": bars([10.0, 10.0, 9.5, 9.5])})
        slippage = FixedBasisPointsSlippage(500)
        step = buy("A", 100, limit_price=10.0)
        assert fills(run(bundle, step, slippage=slippage)[0]) == [("A", 100, 10.5)]
        result, _ = run(bundle, step, slippage=slippage, corrections={self.NAME})
        assert fills(result) == [("A", 100, pytest.approx(9.975))]

    # The limit latches at 10; the rest of the order would fill at 14.
    def test_a_partial_fill_does_not_go_on_past_its_limit(self):
        bundle = make_bundle({"A": bars([10.0, 10.0, 14.0, 9.0], volume=500)})
        slippage = FixedBasisPointsSlippage(0, 0.1)
        step = buy("A", 100, limit_price=10.0)
        assert fills(run(bundle, step, slippage=slippage)[0]) == [("A", 50, 10.0), ("A", 50, 14.0)]
        result, _ = run(bundle, step, slippage=slippage, corrections={self.NAME})
        assert fills(result) == [("A", 50, 10.0), ("A", 50, 9.0)]

    def test_sales_and_models_of_ones_own_are_checked_too(self):
        class Worse(SlippageModel):
            def process_order(self, data, order):
                return data.current(order.asset, "close") - 1.0, order.open_amount

        bundle = make_bundle({"A": bars([10.0, 10.0, 11.0])})
        step = buy("A", -100, limit_price=10.0)
        assert fills(run(bundle, step, slippage=Worse())[0]) == [("A", -100, 9.0)]
        assert fills(run(bundle, step, slippage=Worse(), corrections={self.NAME})[0]) == [("A", -100, 10.0)]

    def test_a_built_in_model_beside_a_commission_of_ones_own_is_checked_too(self):
        class Flat(PerTrade):
            def calculate(self, order, transaction):
                return 1.0

        bundle = make_bundle({"A": bars([10.0, 10.0, 9.0])})
        step = buy("A", 100, limit_price=10.0)
        result, _ = run(bundle, step, slippage=FixedSlippage(1.0), commission=Flat(), corrections={self.NAME})
        assert fills(result) == [("A", 100, 9.5)]


class TestLimitPriceZeroRejected:
    NAME = "limit_price_zero_rejected"

    def test_a_sale_with_limit_zero_is_a_market_order_and_a_purchase_never_fills(self):
        bundle = make_bundle({"A": bars([10.0, 10.0, 10.0])})
        assert fills(run(bundle, buy("A", -100, limit_price=0.0))[0]) == [("A", -100, 10.0)]
        assert fills(run(bundle, buy("A", 100, limit_price=0.0))[0]) == []

    @pytest.mark.parametrize("order", [{"limit_price": 0.0}, {"style": LimitOrder(0)}, {"limit_price": 0.004}])
    def test_it_is_an_error(self, order):
        bundle = make_bundle({"A": bars([10.0, 10.0, 10.0])})
        with pytest.raises(BadOrderParameters, match=r"limit_price is 0 \(or rounds to it\).* Pass a price above 0"):
            run(bundle, buy("A", 100, **order), corrections={self.NAME})

    def test_other_orders_pass(self):
        bundle = make_bundle({"A": bars([10.0, 10.0, 10.0])})
        for order in ({}, {"limit_price": 10.0}, {"stop_price": 0.0}):
            assert fills(run(bundle, buy("A", 5, **order), corrections={self.NAME})[0]) == [("A", 5, 10.0)]


class TestEodCancelAll:
    NAME = "eod_cancel_all"
    # 100 shares of volume a day, of which 10 can trade.
    THIN = FixedBasisPointsSlippage(0, 0.1)

    def outcome(self, *steps, corrections=()):
        bundle = make_bundle({"A": bars([10.0] * 4, volume=100), "B": bars([20.0] * 4, volume=100)})
        return run(bundle, *steps, slippage=self.THIN, policy=EODCancel(warn_on_cancel=False), corrections=corrections)[
            0
        ]

    def test_zipline_leaves_a_single_order_open(self):
        assert fills(self.outcome(buy("A", 25))) == [("A", 10, 10.0), ("A", 10, 10.0), ("A", 5, 10.0)]

    def test_what_did_not_fill_in_its_session_is_cancelled_at_the_end(self):
        result = self.outcome(buy("A", 25), corrections={self.NAME})
        assert fills(result) == [("A", 10, 10.0)]
        assert statuses(result) == [(25, 10, "CANCELLED")]
        assert [[order["status"].name for order in day] for day in result.perf["orders"]] == [
            ["OPEN"], ["CANCELLED"], [], [],
        ]  # fmt: skip

    def test_all_orders_of_all_assets_go_and_those_of_today_stay(self):
        def three(context, data):
            for name in "AAB":
                api.order(api.symbol(name), 8)

        result = self.outcome(three, buy("A", 9), corrections={self.NAME})
        assert fills(result) == [("A", 8, 10.0), ("A", 2, 10.0), ("B", 8, 20.0), ("A", 9, 10.0)]
        assert statuses(result) == [
            (8, 8, "FILLED"), (8, 2, "CANCELLED"), (8, 8, "FILLED"), (9, 9, "FILLED"),
        ]  # fmt: skip

    def test_the_log_tells_of_each(self, caplog):
        bundle = make_bundle({"A": bars([10.0] * 4, volume=100)})
        run(bundle, buy("A", 25), slippage=self.THIN, policy=EODCancel(), corrections={self.NAME})
        assert (
            "order for 25 shares of A was canceled at the end of the day: 10 shares filled, 15 did not" in caplog.text
        )


class TestFillOpenAmountOnly:
    NAME = "fill_open_amount_only"

    class Trickle(FixedSlippage):
        """On thin days ten shares fill, on others Zipline's FixedSlippage decides."""

        def process_order(self, data, order):
            if data.current(order.asset, "volume") < 1000:
                return data.current(order.asset, "close"), 10
            return super().process_order(data, order)

    def test_fixed_slippage_fills_the_ordered_amount_again(self):
        bundle = make_bundle({"A": bars([10.0] * 4, volume=[500, 500, 5000, 5000])})
        off, _ = run(bundle, buy("A", 100), slippage=self.Trickle())
        assert fills(off)[:2] == [("A", 10, 10.0), ("A", 100, 10.0)]
        on, _ = run(bundle, buy("A", 100), slippage=self.Trickle(), corrections={self.NAME})
        assert fills(on) == [("A", 10, 10.0), ("A", 90, 10.0)]
        assert on.perf["positions"].iloc[-1][0]["amount"] == 100

    def test_sales_too(self):
        bundle = make_bundle({"A": bars([10.0] * 3)})

        class Twice(SlippageModel):
            def process_order(self, data, order):
                return 10.0, 2 * order.amount

        assert fills(run(bundle, buy("A", -5), slippage=Twice())[0])[0] == ("A", -10, 10.0)
        assert fills(run(bundle, buy("A", -5), slippage=Twice(), corrections={self.NAME})[0]) == [("A", -5, 10.0)]


class TestOrderTargetCountsOpenOrders:
    NAME = "order_target_counts_open_orders"

    @pytest.mark.parametrize(
        ("function", "target"), [("order_target", 100), ("order_target_value", 1000.0), ("order_target_percent", 0.01)]
    )
    def test_a_target_ordered_twice_is_reached_once(self, function, target):
        bundle = make_bundle({"A": bars([10.0] * 3)})

        def twice(context, data):
            for _ in range(2):
                getattr(api, function)(api.symbol("A"), target)

        assert fills(run(bundle, twice)[0]) == [("A", 100, 10.0), ("A", 100, 10.0)]
        assert fills(run(bundle, twice, corrections={self.NAME})[0]) == [("A", 100, 10.0)]

    def test_a_new_target_takes_open_orders_back(self):
        bundle = make_bundle({"A": bars([10.0] * 4)})

        def two(context, data):
            api.order_target(api.symbol("A"), 100)
            api.order_target(api.symbol("A"), 30)

        result, _ = run(bundle, two, corrections={self.NAME})
        assert fills(result) == [("A", 100, 10.0), ("A", -70, 10.0)]

    def test_partial_fills_count_as_held(self):
        bundle = make_bundle({"A": bars([10.0] * 5, volume=400)})
        target = lambda context, data: api.order_target(api.symbol("A"), 100)  # noqa: E731
        slippage = FixedBasisPointsSlippage(0, 0.1)
        off, _ = run(bundle, target, target, slippage=slippage)
        on, _ = run(bundle, target, target, slippage=slippage, corrections={self.NAME})
        assert off.perf["positions"].iloc[-1][0]["amount"] == 160
        assert on.perf["positions"].iloc[-1][0]["amount"] == 100

    def test_the_exits_of_a_bracket_are_no_target(self):
        bundle = make_bundle({"A": bars([10.0] * 5)})
        enter = lambda context, data: api.order_target(api.symbol("A"), 100, bracket=api.Bracket(0.5, 0.5))  # noqa: E731
        again = lambda context, data: api.order_target(api.symbol("A"), 100)  # noqa: E731
        assert fills(run(bundle, enter, again, again, corrections={self.NAME})[0]) == [("A", 100, 10.0)]


class TestDividendPaidNextSession:
    NAME = "dividend_paid_next_session"
    SATURDAY = "2020-01-11"

    def test_cash(self):
        bundle = make_bundle({"A": bars([10.0] * 9)}, dividends=[("A", DAY[2], self.SATURDAY, 0.5)])
        off, _ = run(bundle, buy("A", 100))
        on, _ = run(bundle, buy("A", 100), corrections={self.NAME})
        assert off.perf["ending_cash"].tolist()[-3:] == [99_000, 99_000, 99_000]
        assert DAY[7] == "2020-01-13"
        assert on.perf["ending_cash"].tolist()[-3:] == [99_000, 99_050, 99_050]

    def test_shares(self):
        bundle = make_bundle(
            {"A": bars([10.0] * 9), "B": bars([3.0] * 9)},
            stock_dividends=[("A", "B", DAY[2], self.SATURDAY, 0.25)],
        )
        off, _ = run(bundle, buy("A", 100))
        on, _ = run(bundle, buy("A", 100), corrections={self.NAME})
        held = [[len(day) for day in result.perf["positions"].iloc[-3:]] for result in (off, on)]
        assert held == [[1, 1, 1], [1, 2, 2]]

    @pytest.mark.parametrize("pay", [None, "2021-01-02"])
    def test_a_pay_date_that_is_unknown_or_after_the_bundle_never_pays(self, pay, recwarn):
        bundle = make_bundle({"A": bars([10.0] * 9)}, dividends=[("A", DAY[2], pay, 0.5)])
        result, _ = run(bundle, buy("A", 100), corrections={self.NAME})
        assert result.perf["ending_cash"].iloc[-1] == 99_000
        assert [warning.category for warning in recwarn] == [IngestWarning] * (pay is None)

    def test_a_pay_date_that_is_a_session_pays_then(self):
        bundle = make_bundle({"A": bars([10.0] * 9)}, dividends=[("A", DAY[2], DAY[4], 0.5)])
        off, on = (run(bundle, buy("A", 100), corrections=names)[0] for names in ((), {self.NAME}))
        pd.testing.assert_frame_equal(off.perf, on.perf)


class TestFullPrecisionPrices:
    NAME = "full_precision_prices"

    def look(self, context, data):
        asset = api.symbol("A")
        return data.current(asset, "close"), data.history(asset, "close", 2, "1d").tolist()

    def test_prices_are_as_given_and_windows_not_rounded(self):
        bundle = make_bundle({"A": bars([1.23456, 0.00042, 1.23456])}, splits=[("A", DAY[2], 1 / 3)])
        off = run(bundle, None, self.look, self.look)[1]
        on = run(bundle, None, self.look, self.look, corrections={self.NAME})[1]
        assert off[1][0] == 1235 * 0.001
        assert math.isnan(off[0][0])
        assert on == [(0.00042, [1.23456, 0.00042]), (1.23456, [0.00042 * (1 / 3), 1.23456])]

    def test_fills_are_at_them(self):
        bundle = make_bundle({"A": bars([1.23456] * 3)})
        assert fills(run(bundle, buy("A", 100))[0]) == [("A", 100, 1235 * 0.001)]
        assert fills(run(bundle, buy("A", 100), corrections={self.NAME})[0]) == [("A", 100, 1.23456)]

    def test_both_precisions_live_beside_one_another(self):
        bundle = make_bundle({"A": bars([1.23456] * 3)})
        closes = [float(opened.daily("close")[0, 0]) for opened in (bundle, bundle.full_precision, bundle)]
        assert closes == [1235 * 0.001, 1.23456, 1235 * 0.001]
        assert bundle.full_precision.full_precision is bundle.full_precision


def test_corrections_are_off_unless_named():
    bundle = make_bundle({"A": bars([10.0, 11.0, 12.0])})
    result, _ = run(bundle, buy("A", 5))
    assert result.records.rules == rules_of()


def test_runs_of_one_precision_share_a_portal():
    bundle = make_bundle({"A": bars([10.0, 11.0, 12.0])})
    plain, again = (run(bundle)[0].records.portal for _ in range(2))
    full, full_again = (run(bundle, corrections="all")[0].records.portal for _ in range(2))
    assert plain is again is portal_of(bundle)
    assert full is full_again is portal_of(bundle, full_precision=True)
    assert full is not plain
