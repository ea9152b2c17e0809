"""A strategy asks a model at its bars: once for each question in a process, and never a model from the future."""

import numpy as np
import pandas as pd
import pytest

from rustybt import Model, Strategy, VectorStrategy, run_algorithm
from rustybt.api import order_target_percent, symbol, symbols
from rustybt.data.bundles import load
from rustybt.data.portal import portal_of
from rustybt.data.predictions import disable_prediction_cache, shared_predictions, take_statistics
from rustybt.engine.context import Context
from rustybt.engine.loop import simulate_sessions
from rustybt.engine.setup import Setup
from rustybt.engine.span import Span
from rustybt.engine.strategy import Hooks, hooks_of
from rustybt.errors import InvalidParameter, ModelLooksAhead
from rustybt.run import market_of, simulate

pytestmark = pytest.mark.usefixtures("ingested")

HEADS = Model.of(
    lambda bar, output: float(np.tanh(bar @ np.linspace(1 - output, output, len(bar)) / 100)),
    trained_until="1999-12-31",
    name="heads",
)


@pytest.fixture(autouse=True)
def fresh():
    shared_predictions().clear()
    take_statistics()


class FourHeads(Strategy):
    """Holds as much of an asset as four predictions a day say."""

    def initialize(self, context):
        context.asset = symbol("AAPL")

    def handle_data(self, context, data):
        bar = [data.current(context.asset, field) for field in ("open", "high", "low", "close")]
        answers = [context.predict(HEADS, bar, output) for output in range(4)]
        order_target_percent(context.asset, float(np.mean(answers)) / 2)


def run_strategy(bundle, strategy, start, end):
    return simulate(hooks_of(strategy), bundle, start, end, capital_base=100_000).perf


def run_prefix(bundle, sessions):
    labels = portal_of(bundle).session_labels
    return run_strategy(bundle, FourHeads(), labels[0], labels[sessions - 1])


def test_growing_prefixes_compute_one_prediction_in_fifty_eight(mag7):
    """70 backtests of 131 to 200 days with four outputs: (131 + ... + 200)·4 calls, 200·4 of them different."""
    for sessions in range(131, 201):
        assert len(run_prefix(mag7, sessions)) == sessions
    statistics = take_statistics()
    assert (statistics.calls, statistics.unique, statistics.hits) == (46_340, 800, 45_540)
    assert f"{statistics.hit_rate:.1%}" == "98.3%"
    assert statistics.evictions == 0


def test_cached_and_uncached_runs_have_the_same_bits(mag7):
    with disable_prediction_cache():
        uncached = run_prefix(mag7, 40)
    computed, found = run_prefix(mag7, 40), run_prefix(mag7, 40)
    pd.testing.assert_frame_equal(uncached, computed, check_exact=True)
    pd.testing.assert_frame_equal(uncached, found, check_exact=True)
    assert uncached["orders"].map(len).sum() > 0
    assert take_statistics()[:2] == (3 * 160, 2 * 160)


def asked(start, end, model, hook="handle_data", **options):
    """Run a strategy that asks a model in one of its functions; give the answers."""
    answers = []

    def ask(context, *_):
        answers.append(context.predict(model, 1.0))

    hooks = {"initialize": lambda context: None, hook: ask}
    run_algorithm(start, end, bundle="mag-7", **hooks, **options)
    return answers


def constant(until, **options):
    return Model.of(lambda x: x, trained_until=until, name="constant", **options)


def test_a_model_may_be_asked_at_the_close_of_its_last_day_of_training():
    assert asked("2015-06-01", "2015-06-02", constant("2015-06-01")) == [1.0, 1.0]


@pytest.mark.parametrize("until", ["2015-06-02", "2016-01-01"])
def test_and_not_before(until):
    with pytest.raises(ModelLooksAhead, match=f"until {until} and is asked on 2015-06-01.* allow_lookahead=True"):
        asked("2015-06-01", "2015-06-05", constant(until))


def test_before_the_open_the_day_is_not_over():
    for hook in ("before_trading_start", "initialize"):
        assert asked("2015-06-01", "2015-06-01", constant("2015-05-31"), hook)
        with pytest.raises(ModelLooksAhead, match="the last day that is over is 2015-05-31"):
            asked("2015-06-01", "2015-06-01", constant("2015-06-01"), hook)


def test_looking_ahead_can_be_allowed():
    assert asked("2015-06-01", "2015-06-02", constant("2020-01-01", allow_lookahead=True)) == [1.0, 1.0]


def test_what_was_never_trained_cannot_look_ahead():
    assert asked("2015-06-01", "2015-06-01", constant(None)) == [1.0]


def test_while_a_strategy_warms_up_its_model_may_know_the_days_before_the_run():
    bundle = load("mag-7")
    portal = portal_of(bundle)
    first = portal.row_of(pd.Timestamp("2015-06-01"))
    days = []

    def handle_data(context, data):
        context.predict(model, 1.0)
        days.append(str(data.current_session.date()))

    def run():
        setup = Setup(warmup_sessions=3)
        hooks = Hooks(handle_data=handle_data)
        simulate_sessions(Context(market_of(portal, "daily"), Span(first, first), 1e6, hooks, setup))

    model = constant("2015-05-29")
    run()
    assert days == ["2015-05-27", "2015-05-28", "2015-05-29", "2015-06-01"]
    model = constant("2015-06-01")
    with pytest.raises(ModelLooksAhead, match="asked on 2015-05-27"):
        run()


def test_only_a_wrapped_model_is_asked():
    with pytest.raises(InvalidParameter, match="model of type function is not wrapped"):
        asked("2015-06-01", "2015-06-01", lambda x: x)


def test_an_error_of_the_model_says_which_and_when():
    broken = Model.of(lambda x: [][0], trained_until=None, name="broken")
    with pytest.raises(IndexError) as raised:
        asked("2015-06-02", "2015-06-02", broken)
    assert raised.value.__notes__ == ["model 'broken' was asked on 2015-06-02"]


class Rows:
    """Looks at one asset's row alone."""

    def predict(self, rows):
        return np.asarray([float(row[0] > row[1]) for row in rows])


RISING = Model.of(Rows(), trained_until="2014-12-31")


class ByBar(Strategy):
    def initialize(self, context):
        context.assets = symbols("AAPL", "MSFT", "NVDA")

    def handle_data(self, context, data):
        for asset in context.assets:
            means = [float(data.rolling_mean(asset, "close", window)) for window in (5, 20)]
            order_target_percent(asset, context.predict(RISING, means) / 3)


class AtOnce(VectorStrategy):
    assets = ("AAPL", "MSFT", "NVDA")

    def target_percent(self, bars):
        features = np.stack([bars.mean("close", window) for window in (5, 20)], axis=-1)
        return bars.predict(RISING, features) / 3


def test_both_tiers_say_the_same(mag7):
    runs = [run_strategy(mag7, strategy, "2015-01-02", "2015-12-31") for strategy in (ByBar(), AtOnce())]
    np.testing.assert_allclose(runs[0]["portfolio_value"], runs[1]["portfolio_value"], rtol=1e-9)
    assert runs[0]["orders"].map(len).sum() > 0


def test_a_vector_strategy_trades_nothing_before_its_model_is_known(mag7):
    perf = run_strategy(mag7, AtOnce(), "2014-11-03", "2015-03-31")
    days = perf.index[perf["orders"].map(len) > 0]
    assert str(days[0].date()) >= "2014-12-31"
    assert len(days)
