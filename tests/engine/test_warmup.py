"""Sessions before a run, in which a strategy is shown the market and cannot trade."""

import logging
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rustybt import Strategy, VectorStrategy, api
from rustybt.data.portal import portal_of
from rustybt.engine.capital_changes import capital_changes_of
from rustybt.engine.setup import Setup
from rustybt.engine.strategy import Hooks, hooks_of
from rustybt.errors import InvalidParameter, OrderInBeforeTradingStart
from rustybt.finance.commission import NoCommission
from rustybt.finance.slippage import NoSlippage
from rustybt.run import simulate
from tests.builders import bars, days, make_bundle
from tests.minute_builders import make_minute_bundle, minute_bars, minutes_of
from tests.vector_cases import METHODS, random_market

WARM = Setup(warmup_sessions=3)


@pytest.fixture
def market():
    return make_bundle({"A": bars([10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0])})


def run(bundle, hooks, first=4, last=6, setup=WARM, **more):
    labels = portal_of(bundle).session_labels
    return simulate(hooks, bundle, labels[first], labels[last], 10_000.0, setup=setup, **more)


def day(number):
    return days(number + 1)[number]


# What the strategy is shown -----------------------------------------------------------------------------------------


def test_every_hook_is_called_before_the_run_and_only_the_run_is_recorded(market):
    calls = []

    def initialize(context):
        calls.append(("initialize", None))
        context.schedule_function(lambda context, data: calls.append(("scheduled", data.current_session)))

    result = run(
        market,
        Hooks(
            initialize,
            lambda context, data: calls.append(("bar", data.current_session)),
            lambda context, data: calls.append(("before", data.current_session)),
        ),
    )
    shown = [(what, day(number)) for number in range(1, 7) for what in ("before", "bar", "scheduled")]
    assert calls == [("initialize", None), *shown]
    assert result.perf.index.strftime("%Y-%m-%d").tolist() == [str(day(number).date()) for number in (4, 5, 6)]
    assert len(result.returns) == 3


def test_before_trading_start_comes_at_the_same_time_as_in_any_session(market):
    times = []
    run(market, Hooks(before_trading_start=lambda context, data: times.append(context.get_datetime())))
    expected = [(day(n) + pd.Timedelta(hours=8, minutes=45)).tz_localize("America/New_York") for n in range(1, 7)]
    assert times == expected


def test_what_it_keeps_by_itself_is_warm(market):
    """An average of four prices that the strategy collects is there at the run's first bar."""
    averages = []

    def initialize(context):
        context.prices = []

    def handle_data(context, data):
        context.prices.append(data.current(context.sid(0), "price"))
        if len(context.prices) >= 4:
            averages.append(np.mean(context.prices[-4:]))
            context.order_target(context.sid(0), 10)

    result = run(market, Hooks(initialize, handle_data))
    assert averages == [12.5, 13.5, 14.5]
    assert result.transactions["session"].tolist() == [1]
    assert len(run(market, Hooks(initialize, handle_data), setup=Setup()).transactions) == 0


def test_the_bundle_may_not_reach_so_far_back(market):
    seen = []
    hooks = Hooks(handle_data=lambda context, data: seen.append(data.current_session))
    run(market, hooks, first=2, last=2, setup=Setup(warmup_sessions=100))
    assert seen == [day(0), day(1), day(2)]


def test_a_negative_number_is_refused(market):
    for hooks in (Hooks(), hooks_of(Constant())):
        with pytest.raises(InvalidParameter, match="warmup_sessions -1 is negative"):
            run(market, hooks, setup=Setup(warmup_sessions=-1))


# What it cannot do --------------------------------------------------------------------------------------------------

ORDERS = [
    lambda context: context.order(context.sid(0), 5),
    lambda context: context.order_value(context.sid(0), 500.0),
    lambda context: context.order_percent(context.sid(0), 0.5),
    lambda context: context.order_target(context.sid(0), 5, limit_price=1.0),
    lambda context: context.order_target_value(context.sid(0), 500.0),
    lambda context: context.order_target_percent(context.sid(0), 0.5),
]


@pytest.mark.parametrize("order", ORDERS)
def test_orders_before_the_run_do_nothing(market, order, caplog):
    given_ = []

    def handle_data(context, data):
        given_.append(order(context))
        assert (context.portfolio.cash, len(context.portfolio.positions)) == (10_000.0, 0)
        assert context.get_open_orders() == {} or len(given_) > 3
        if len(given_) == 4:
            context.handled = True
            context.cancel_order(given_[-1])

    with caplog.at_level(logging.WARNING):
        result = run(market, Hooks(handle_data=handle_data), last=4)
    assert given_[:3] == [None] * 3
    assert given_[3] == f"{1:032x}"
    assert (result.perf["orders"].map(len).tolist(), len(result.transactions)) == ([1], 0)
    assert caplog.records == []


def test_a_batch_of_orders_before_the_run_does_nothing(market):
    given_ = []

    def handle_data(context, data):
        given_.append(context.batch_market_order(pd.Series({context.sid(0): 5})))

    result = run(market, Hooks(handle_data=handle_data), last=5)
    assert [len(ids) for ids in given_] == [0, 0, 0, 1, 1]
    assert result.transactions["amount"].tolist() == [5.0]


def test_an_order_that_is_wrong_is_wrong_before_the_run_too(market):
    with pytest.raises(OrderInBeforeTradingStart):
        run(market, Hooks(before_trading_start=lambda context, data: context.order(context.sid(0), 5)))


def test_trading_controls_are_not_asked_before_the_run(market):
    def initialize(context):
        context.set_long_only()
        context.bars = 0

    def handle_data(context, data):
        context.bars += 1
        if context.bars <= 3:
            context.order(context.sid(0), -5)

    assert len(run(market, Hooks(initialize, handle_data)).transactions) == 0


def test_account_controls_and_stop_rules_count_from_the_runs_start(market):
    def initialize(context):
        context.set_min_leverage(0.5, pd.Timedelta(days=1))

    def handle_data(context, data):
        context.order_target_percent(context.sid(0), 0.9)

    hooks = Hooks(initialize, handle_data)
    assert len(run(market, hooks, first=4, last=5).returns) == 2


# What it leaves behind ----------------------------------------------------------------------------------------------


def test_what_it_records_before_the_run_is_not_shown(market):
    def initialize(context):
        context.record(kept=1)
        context.bars = 0

    def handle_data(context, data):
        context.bars += 1
        if context.bars < 3:
            context.record(early=context.bars, kept=2)
        if context.bars == 5:
            context.record(late=5)

    perf = run(market, Hooks(initialize, handle_data)).perf
    assert "early" not in perf
    assert perf["kept"].tolist() == [1, 1, 1]
    assert perf["late"].tolist()[1:] == [5, 5]


@pytest.mark.parametrize("warmup", [0, 3])
def test_capital_comes_in_the_run_only(market, warmup):
    changes = capital_changes_of({str(day(n).date()): {"type": "delta", "value": 100.0 * n} for n in (2, 5)})
    hooks = Hooks(handle_data=lambda context, data: context.portfolio.cash)
    result = run(market, hooks, setup=Setup(capital_changes=changes, warmup_sessions=warmup))
    assert result.portfolio_value.tolist() == [10_000.0, 10_500.0, 10_500.0]
    assert result.records.capital_added == 500.0


def test_metrics_of_ones_own_see_the_run_only(market):
    seen = []

    class Own:
        def start_of_simulation(self, ledger, emission_rate, calendar, sessions, benchmark):
            seen.extend(sessions)

        def start_of_session(self, ledger, session, portal):
            seen.append(session)

    run(market, Hooks(handle_data=lambda context, data: context.portfolio), setup=WARM._replace(metrics=(Own(),)))
    assert seen == [day(n) for n in (4, 5, 6)] * 2


def test_a_strategy_that_was_told_nothing_of_the_run_still_knows_it(market):
    def handle_data(context, data):
        context.known = (context.sim_params.start_session, context.get_environment("start"))
        assert context.known == (day(4), day(4).tz_localize("UTC") + pd.Timedelta(hours=14, minutes=31))

    run(market, Hooks(handle_data=handle_data))


# Minutes ------------------------------------------------------------------------------------------------------------


def test_minutes_before_the_run():
    labels = minutes_of("2020-01-02", "2020-01-07")
    bundle = make_minute_bundle({"A": minute_bars(labels)})
    sessions = portal_of(bundle).session_labels
    bars_seen, scheduled, given_ = [], [], []

    def initialize(context):
        opening = api.time_rules.market_open(minutes=30)
        context.schedule_function(lambda c, d: scheduled.append(c.get_datetime()), time_rule=opening)

    def handle_data(context, data):
        bars_seen.append(context.get_datetime())
        if context.get_datetime().minute == 0:
            given_.append(context.order(context.sid(0), 1))

    changes = capital_changes_of({"2020-01-03 15:00": {"type": "delta", "value": 5.0}})
    result = simulate(
        Hooks(initialize, handle_data),
        bundle,
        sessions[2],
        sessions[3],
        10_000.0,
        data_frequency="minute",
        setup=Setup(warmup_sessions=2, capital_changes=changes),
    )
    assert len(bars_seen) == 4 * 390
    assert [time.isoformat() for time in scheduled] == [f"2020-01-{d:02}T15:00:00+00:00" for d in (2, 3, 6, 7)]
    assert [order is None for order in given_] == [True] * 14 + [False] * 14
    assert len(result.returns) == 2
    assert result.records.capital_added == 0.0


# The property: what keeps no state of its own goes the same way -----------------------------------------------------

slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
markets = st.builds(random_market, st.integers(0, 2**32 - 1), n_assets=st.integers(1, 4), n_sessions=st.integers(8, 40))
spans = st.tuples(st.floats(0.2, 0.9), st.integers(1, 30), st.integers(0, 2**32 - 1), st.sampled_from(METHODS))


class Stateless(Strategy):
    """Decides by the date alone; looks at its portfolio and at the market's past."""

    def __init__(self, seed, kind):
        super().__init__()
        self.seed, self.kind = seed, kind

    def initialize(self, context):
        context.set_slippage(NoSlippage())
        context.set_commission(NoCommission())
        context.schedule_function(self.note, api.date_rules.week_start())

    def note(self, context, data):
        context.record(worth=context.portfolio.portfolio_value)

    def before_trading_start(self, context, data):
        context.universe = context.asset_finder.equities

    def handle_data(self, context, data):
        draw = np.random.default_rng([self.seed, data.current_session.day_of_year])
        order = {
            "target_percent": context.order_target_percent,
            "target_shares": context.order_target,
            "orders": context.order,
        }[self.kind]
        for asset in context.universe:
            size = float(draw.normal()) * (0.3 if self.kind == "target_percent" else 100)
            if draw.random() < 0.3 and data.can_trade(asset):
                trend = (
                    data.rolling_mean(asset, "price", 3, min_count=1) < data.history(asset, "price", 1, "1d").iloc[0]
                )
                order(asset, size * (1 + bool(trend)))


@pytest.mark.filterwarnings("ignore::rustybt.errors.IngestWarning")
@settings(max_examples=5, suppress_health_check=slow)
@given(market=markets, runs=st.lists(spans, min_size=1, max_size=3))
def test_a_strategy_without_state_is_not_changed(data_root, market, runs):
    shutil.rmtree(data_root)
    data_root.mkdir()
    bundle = market.ingest()
    last = len(portal_of(bundle).session_ns) - 1
    for begin, warmup, seed, kind in runs:
        both = []
        for sessions in (0, warmup):
            setup = Setup(warmup_sessions=sessions)
            both.append(run(bundle, hooks_of(Stateless(seed, kind)), int(begin * last), last, setup))
        cold, warm = both
        pd.testing.assert_frame_equal(cold.perf, warm.perf, check_exact=True)
        assert cold.transactions.tobytes() == warm.transactions.tobytes()
        assert repr(cold.metrics) == repr(warm.metrics)


class Indicators(VectorStrategy):
    """Decides by every kind of indicator of `bars`."""

    window = 3

    def target_percent(self, bars, window):
        ups = [
            bars.mean("close", window) > bars.median("close", 2 * window),
            bars.ema("price", window) < bars.price,
            bars.rsi(window) > 50,
            bars.zscore("close", window) > 0,
            bars.returns(window) > bars.std("price", window),
            bars.rank("volume", window) > 0.5,
            bars.atr(window) > bars.max("high", window) - bars.min("low", window),
            bars.correlation(bars.assets[0], window) > 0.2,
        ]
        return np.where(np.isnan(bars.price), np.nan, sum(up.astype(float) for up in ups) / 20)


class Constant(VectorStrategy):
    def target_percent(self, bars):
        return np.full(bars.shape, 0.1)


@pytest.mark.filterwarnings("ignore::rustybt.errors.IngestWarning")
@settings(max_examples=5, suppress_health_check=slow)
@given(market=markets, runs=st.lists(spans, min_size=1, max_size=3))
def test_a_vector_strategy_of_indicators_is_not_changed(data_root, market, runs):
    shutil.rmtree(data_root)
    data_root.mkdir()
    bundle = market.ingest()
    last = len(portal_of(bundle).session_ns) - 1
    for begin, warmup, seed, _ in runs:
        strategy = Indicators(window=2 + seed % 5)
        cold, warm = (
            run(bundle, hooks_of(strategy), int(begin * last), last, Setup(warmup_sessions=n)) for n in (0, warmup)
        )
        pd.testing.assert_frame_equal(cold.perf, warm.perf, check_exact=True)
        assert repr(cold.metrics) == repr(warm.metrics)


def test_what_a_vector_strategy_computes_by_itself_is_warm(market):
    class Rolling(VectorStrategy):
        def target_shares(self, bars):
            average = pd.DataFrame(bars.close).rolling(4).mean().to_numpy()
            return np.where(bars.close > average, 10.0, np.where(np.isnan(average), np.nan, 0.0))

    assert run(market, hooks_of(Rolling())).transactions["session"].tolist() == [1]
    assert run(market, hooks_of(Rolling()), setup=Setup()).transactions["session"].tolist() == []
