"""A run that is cut off is, to the last bit, the run that ended there, in both tiers."""

import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rustybt import Strategy, VectorStrategy
from rustybt.data.portal import portal_of
from rustybt.engine.capital_changes import capital_changes_of
from rustybt.engine.setup import Setup
from rustybt.engine.stop_rules import StopRules
from rustybt.engine.strategy import Hooks, hooks_of
from rustybt.errors import InvalidParameter, RustyBTError
from rustybt.results.prefix import ends_do_not_matter
from rustybt.results.stitched import prefix_metrics
from rustybt.run import simulate
from tests.builders import bars, days, make_bundle
from tests.vector_cases import AtBars, at_once, random_decisions, random_market, trials

pytestmark = pytest.mark.filterwarnings("ignore::rustybt.errors.IngestWarning")

markets = st.builds(random_market, st.integers(0, 2**32 - 1), n_assets=st.integers(1, 4), n_sessions=st.integers(2, 40))
slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


def require_equal_bits(cut, shorter):
    """Compare two results in everything that they show."""
    left, right = cut.metrics, shorter.metrics
    assert {name: np.float64(value).tobytes() for name, value in left.items()} == {
        name: np.float64(value).tobytes() for name, value in right.items()
    }
    for name in ("returns", "portfolio_value", "benchmark_returns", "gross_leverage"):
        assert getattr(cut, name).tobytes() == getattr(shorter, name).tobytes()
    assert cut.transactions.tobytes() == shorter.transactions.tobytes()
    assert cut.round_trips.tobytes() == shorter.round_trips.tobytes()
    pd.testing.assert_frame_equal(cut.perf, shorter.perf, check_exact=True)
    assert cut.stopped == shorter.stopped


def both(bundle, strategies, first, cut, last, **more):
    """Run a strategy until the last row and until the cut; give the former cut off, and the latter."""
    labels = portal_of(bundle).session_labels
    longer = simulate(hooks_of(strategies()), bundle, labels[first], labels[last], 100_000.0, **more)
    shorter = simulate(hooks_of(strategies(cut)), bundle, labels[first], labels[cut], 100_000.0, **more)
    return longer.prefix(cut - first + 1), shorter


class Watching(AtBars):
    """Looks at its portfolio now and then, so that some sessions begin in the books and others do not."""

    def __init__(self, kind, decisions, assets, every, benchmark):
        super().__init__(kind, decisions, assets)
        self.every, self.benchmark = every, benchmark

    def initialize(self, context):
        super().initialize(context)
        if self.benchmark is not None:
            context.set_benchmark(self.benchmark)

    def handle_data(self, context, data):
        super().handle_data(context, data)
        if context.session % self.every == 0:
            context.record(worth=context.portfolio.portfolio_value)


many = given(
    market=markets, runs=st.lists(st.tuples(trials, st.floats(0, 1), st.integers(1, 30)), min_size=1, max_size=6)
)


def require_all_cuts_equal(root, market, runs):
    shutil.rmtree(root)  # each example has a bundle of its own
    root.mkdir()
    bundle = market.ingest()
    for trial, fraction, every in runs:
        require_cut_equal(bundle, trial, fraction, every)


@settings(max_examples=12, suppress_health_check=slow)
@many
def test_a_cut_run_is_the_shorter_run(data_root, market, runs):
    require_all_cuts_equal(data_root, market, runs)


@pytest.mark.soak
@settings(max_examples=300, suppress_health_check=slow)
@many
def test_many_more_cut_runs_are_the_shorter_runs(data_root, market, runs):
    require_all_cuts_equal(data_root, market, runs)


def require_cut_equal(bundle, trial, fraction, every):
    portal = portal_of(bundle, trial.setup.rules.full_precision_prices)
    assets = list(portal.finder.equities)
    first, last = trial.span_of(len(portal.session_ns))
    cut = first + int(fraction * (last - first))
    close = portal.array("close")[first : last + 1]
    decisions = random_decisions(trial.seed, trial.kind, close.shape, close)
    lives = portal.alive_from[0] <= first and portal.alive_to[0] >= last
    stock = portal.bundle.adjustments.stock_dividends
    benchmark = assets[0] if lives and not (stock["sid"] == 0).any() else None

    def event(until=last):
        return Watching(trial.kind, decisions[: until - first + 1], assets, every, benchmark)

    def vector(until=last):
        return at_once(trial.kind, decisions[: until - first + 1], assets, benchmark=benchmark)()

    for strategies in (event, vector):
        try:
            results = both(bundle, strategies, first, cut, last, setup=trial.setup)
        except (OverflowError, ValueError) as error:
            assert not isinstance(error, RustyBTError)  # an amount that is no order ends a run of either length
        else:
            require_equal_bits(*results)


# What happens at the cut, by hand -----------------------------------------------------------------------------------


class Hold(Strategy):
    """Buys 100 shares of the first asset in the first session."""

    def handle_data(self, context, data):
        if data.can_trade(context.sid(0)):
            context.order_target(context.sid(0), 100)


def cut_and_short(bundle, cut, strategy=Hold, **more):
    return both(bundle, lambda until=None: strategy(), 0, cut, len(portal_of(bundle).session_ns) - 1, **more)


def test_an_open_position_is_valued_at_the_cut():
    bundle = make_bundle({"A": bars([10.0, 10.0, 12.0, 50.0, 60.0])})
    cut, short = cut_and_short(bundle, 2)
    require_equal_bits(cut, short)
    trade = cut.round_trips[0]
    assert (trade["is_open"].item(), trade["bars_held"].item(), cut.metrics["open_trades"]) == (True, 1, 1.0)
    assert cut.portfolio_value[-1] == pytest.approx(100_000 + 100 * (12 - 10 * 1.0005) - 0.1)


def test_a_split_after_the_cut_does_not_count():
    labels = days(6)
    bundle = make_bundle({"A": bars([10.0] * 4 + [5.0] * 2)}, splits=[("A", str(labels[4].date()), 0.5)])
    before, short = cut_and_short(bundle, 3)
    require_equal_bits(before, short)
    assert before.round_trips["shares"].tolist() == [100.0]
    after, short = cut_and_short(bundle, 4)
    require_equal_bits(after, short)
    assert after.round_trips["shares"].tolist() == [200.0]


def test_a_dividend_that_is_paid_after_the_cut_is_not_there_yet():
    labels = days(6)
    dividend = ("A", str(labels[2].date()), str(labels[4].date()), 1.0)
    bundle = make_bundle({"A": bars([10.0] * 6)}, dividends=[dividend])
    before, short = cut_and_short(bundle, 3)
    require_equal_bits(before, short)
    after, short = cut_and_short(bundle, 4)
    require_equal_bits(after, short)
    assert after.portfolio_value[-1] - before.portfolio_value[-1] == pytest.approx(100.0)


def test_an_automatic_close_after_the_cut_has_not_happened():
    frames = {"A": bars([10.0, 11.0, 12.0]), "B": bars([5.0] * 8)}
    bundle = make_bundle(frames)
    for cut, open_trades in ((2, 1.0), (4, 0.0)):
        result, short = cut_and_short(bundle, cut)
        require_equal_bits(result, short)
        assert result.metrics["open_trades"] == open_trades


def test_shares_paid_after_the_cut_are_not_granted():
    labels = days(7)
    stock = ("A", "B", str(labels[2].date()), str(labels[5].date()), 0.5)
    bundle = make_bundle({"A": bars([10.0] * 7), "B": bars([4.0] * 7)}, stock_dividends=[stock])
    for cut, trades in ((4, 1), (5, 2)):
        result, short = cut_and_short(bundle, cut)
        require_equal_bits(result, short)
        assert len(result.round_trips) == trades


def test_a_benchmark_is_adjusted_as_of_the_cut():
    labels = days(6)
    splits = [("B", str(labels[5].date()), 1 / 3)]
    bundle = make_bundle({"A": bars([10.0] * 6), "B": bars([10.007, 10.013, 10.021, 9.999, 10.0, 3.3])}, splits=splits)

    class Compared(Hold):
        def initialize(self, context):
            context.set_benchmark(context.symbol("B"))

    require_equal_bits(*cut_and_short(bundle, 3, Compared))


def test_a_run_that_was_given_up_ends_where_the_shorter_one_does():
    bundle = make_bundle({"A": bars([10.0, 10.0, 10.0, 5.0, 5.0, 5.0])})
    setup = Setup(stop_rules=StopRules(max_drawdown=0.004))
    longer = simulate(hooks_of(Hold()), bundle, None, None, 100_000.0, setup=setup)
    assert longer.stopped.bars == 4
    for cut in (2, 3, 4):
        require_equal_bits(*cut_and_short(bundle, cut, setup=setup))
    for cut in (4, 5, 6):
        assert longer.prefix(cut).stopped == longer.stopped


def test_a_run_that_was_given_up_is_compared_as_of_the_shorter_ones_end():
    labels = days(6)
    closes = {"A": bars([10.0, 10.0, 5.0, 5.0, 5.0, 5.0]), "B": bars([10.007, 10.013, 10.021, 9.999, 10.0, 3.3])}
    bundle = make_bundle(closes, splits=[("B", str(labels[5].date()), 1 / 3)])

    class Compared(Hold):
        def initialize(self, context):
            context.set_benchmark(context.symbol("B"))

    require_equal_bits(*cut_and_short(bundle, 4, Compared, setup=Setup(stop_rules=StopRules(max_drawdown=0.004))))


def test_sessions_that_the_run_has_not_are_refused():
    bundle = make_bundle({"A": bars([10.0] * 3)})
    result = simulate(hooks_of(Hold()), bundle, None, None)
    assert prefix_metrics(result, 3) == pytest.approx(result.metrics, nan_ok=True)
    for sessions in (0, 4):
        with pytest.raises(InvalidParameter, match=f"sessions {sessions} is none of 1 to 3"):
            prefix_metrics(result, sessions)


# When the end matters -----------------------------------------------------------------------------------------------


def result_of(bundle, initialize, **more):
    return simulate(Hooks(initialize), bundle, None, None, **more)


@pytest.fixture
def two_owners():
    """A market in which ticker A passes from one asset to another in the sixth session."""
    labels = days(10)
    frames = {"A": bars([10.0] * 4), "B": bars([5.0] * 10), "C": bars([7.0] * 5, first=str(labels[5].date()))}
    return make_bundle(frames, assets={"C": {"symbol": "A"}})


def test_plain_algorithms_may_be_cut(two_owners):
    result = result_of(two_owners, lambda context: context.symbol("B"))
    assert result.is_prefix_safe


@pytest.mark.parametrize(
    "asks",
    [
        lambda context: context.sim_params,
        lambda context: context.get_environment("end"),
        lambda context: context.get_environment("*"),
    ],
)
def test_one_that_asks_for_the_end_may_not(two_owners, asks):
    assert not result_of(two_owners, asks).is_prefix_safe


def test_asking_for_other_circumstances_is_harmless(two_owners):
    assert result_of(two_owners, lambda context: context.get_environment("start")).is_prefix_safe


def test_a_ticker_must_have_one_owner_from_the_cut_on(two_owners):
    result = result_of(two_owners, lambda context: context.symbol("A"))
    assert not result.is_prefix_safe
    assert [ends_do_not_matter(result.records, cut) for cut in (5, 6, 10)] == [False, True, True]


def test_a_ticker_that_nobody_had_at_the_cut_is_not_safe():
    bundle = make_bundle({"A": bars([10.0] * 6), "B": bars([5.0] * 3, first=str(days(6)[3].date()))})
    result = result_of(bundle, lambda context: context.symbol("B"))
    assert [ends_do_not_matter(result.records, cut) for cut in (3, 4)] == [False, True]


def test_a_ticker_as_of_a_chosen_date_is_safe(two_owners):
    def initialize(context):
        context.set_symbol_lookup_date("2020-01-03")
        context.symbol("A")

    assert result_of(two_owners, initialize).is_prefix_safe


def test_a_strategy_that_sees_all_sessions_is_not_safe():
    class All(VectorStrategy):
        def target_percent(self, bars):
            return np.full(bars.shape, np.nan)

    bundle = make_bundle({"A": bars([10.0] * 3)})
    assert not simulate(hooks_of(All()), bundle, None, None).is_prefix_safe


def test_capital_changes_are_not_safe_and_cannot_be_cut():
    labels = days(4)
    changes = capital_changes_of({str(labels[2].date()): {"type": "delta", "value": 5.0}})
    bundle = make_bundle({"A": bars([10.0] * 4)})
    result = result_of(bundle, lambda context: None, setup=Setup(capital_changes=changes))
    assert not result.is_prefix_safe
    with pytest.raises(InvalidParameter, match="capital was changed"):
        result.prefix(3)


def test_metrics_of_ones_own_are_not_safe():
    class Own:
        def end_of_session(self, packet, ledger, session, session_ix, data_portal):
            packet["daily_perf"]["own"] = 1.0

    bundle = make_bundle({"A": bars([10.0] * 4)})
    assert not result_of(bundle, lambda context: None, setup=Setup(metrics=(Own(),))).is_prefix_safe
