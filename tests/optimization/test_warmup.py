"""How many sessions a strategy is shown before a window."""

import numpy as np
import pandas as pd
import pytest

from rustybt import Strategy, VectorStrategy
from rustybt.data.portal import portal_of
from rustybt.engine.setup import Setup
from rustybt.engine.span import Span
from rustybt.engine.stop_rules import StopRules
from rustybt.engine.strategy import hooks_of
from rustybt.errors import InvalidParameter
from rustybt.optimization.warmup import needed_warmup, warmup_of
from rustybt.run import simulate_span
from tests.builders import bars, make_bundle

WINDOW = Span(40, 59)


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUSTYBT_ROOT", str(tmp_path_factory.mktemp("root")))
        wave = 100 + 10 * np.sin(np.arange(60) / 3)
        return portal_of(make_bundle({"A": bars(wave.round(3).tolist())}))


def needed(portal, make, most=30, window=WINDOW):
    return needed_warmup(lambda: hooks_of(make()), portal, window, most, 100_000.0)


def run(portal, make, warmup):
    return simulate_span(hooks_of(make()), portal, WINDOW, 100_000.0, setup=Setup(warmup_sessions=warmup))


class Counting(Strategy):
    """Waits for so many sessions, and then orders at each one."""

    wait = 12

    def initialize(self, context):
        context.bars = 0

    def handle_data(self, context, data):
        context.bars += 1
        if context.bars > self.wait:
            context.order_target_percent(context.sid(0), 0.5 + 0.01 * (context.bars % 7))


class Flagged(Strategy):
    """Collects prices, buys and sells once each way, and remembers what it did by itself."""

    def initialize(self, context):
        context.prices, context.invested = [], False

    def handle_data(self, context, data):
        context.prices.append(data.current(context.sid(0), "price"))
        if len(context.prices) < 12:
            return
        rises = context.prices[-1] > np.mean(context.prices[-12:])
        if rises and not context.invested:
            context.order(context.sid(0), 100)
            context.invested = True
        elif not rises and context.invested:
            context.order(context.sid(0), -100)
            context.invested = False


class BuyOnce(Strategy):
    def initialize(self, context):
        context.has_ordered = False

    def handle_data(self, context, data):
        if not context.has_ordered:
            context.order(context.sid(0), 100)
            context.has_ordered = True


def test_a_strategy_that_counts_is_shown_what_it_counts(portal):
    assert needed(portal, Counting) == 12
    assert run(portal, Counting, 12).transactions["session"][0] == 1
    assert run(portal, Counting, 0).transactions["session"][0] == 13


def test_no_more_than_is_allowed_or_there(portal):
    assert needed(portal, Counting, most=5) == 5
    assert needed(portal, Counting, window=Span(7, 20)) == 7
    assert needed(portal, Counting, most=0) == 0
    assert needed(portal, Counting, window=Span(0, 20)) == 0


def test_what_a_strategy_believes_of_its_positions_is_true(portal):
    warmup = needed(portal, Flagged)
    assert 11 <= warmup < 30
    result = run(portal, Flagged, warmup)
    assert set(np.cumsum(result.transactions["amount"])) <= {0.0, 100.0}
    # In 30 sessions it would have ordered, and would take itself for invested while it is not.
    assert run(portal, Flagged, 30).transactions["amount"][0] == -100.0


def test_one_that_orders_at_once_is_shown_nothing(portal):
    assert needed(portal, BuyOnce) == 0
    assert run(portal, BuyOnce, 0).metrics["fills"] == 1.0
    assert run(portal, BuyOnce, 30).metrics["fills"] == 0.0


def test_one_that_never_orders_is_shown_all(portal):
    assert needed(portal, Strategy) == 30


def test_orders_of_no_share_do_not_count(portal):
    class Flat(Strategy):
        def handle_data(self, context, data):
            context.order_target_percent(context.sid(0), 0.0)

    assert needed(portal, Flat) == 30


def test_the_window_itself_is_not_looked_at(portal):
    class Peeking(Counting):
        def handle_data(self, context, data):
            assert data.current_session < portal.session_labels[WINDOW.first]
            super().handle_data(context, data)

    assert needed(portal, Peeking) == 12


def test_a_rule_that_ends_runs_early_does_not_apply(portal):
    setup = Setup(stop_rules=StopRules(negative_return_after=0), warmup_sessions=7)
    assert needed_warmup(lambda: hooks_of(Counting()), portal, WINDOW, 30, setup=setup) == 12


# Vector strategies --------------------------------------------------------------------------------------------------


class Rolling(VectorStrategy):
    """Computes an average by itself."""

    def target_percent(self, bars):
        average = pd.DataFrame(bars.close).rolling(12).mean().to_numpy()
        return np.where(bars.close > average, 0.5, 0.0)


class OwnIndicators(VectorStrategy):
    def target_percent(self, bars):
        return (bars.close > bars.mean("close", 12)) * 0.5


class FirstRow(VectorStrategy):
    """Buys in the first session, and holds."""

    def target_shares(self, bars):
        decisions = np.full(bars.shape, np.nan)
        decisions[0] = 100
        return decisions


def test_a_vector_strategy_that_computes_by_itself_is_warm(portal):
    warmup = needed(portal, Rolling)
    assert 11 <= warmup < 30
    by_bars = run(portal, OwnIndicators, 0)
    assert by_bars.metrics["fills"] > 0
    assert run(portal, Rolling, warmup).perf["portfolio_value"].tolist() == by_bars.perf["portfolio_value"].tolist()


def test_a_vector_strategy_that_decides_at_once_is_shown_nothing(portal):
    assert needed(portal, FirstRow) == 0
    assert run(portal, FirstRow, 0).metrics["fills"] == 1.0


def test_a_vector_strategy_that_decides_nothing_is_shown_all(portal):
    class Nothing(VectorStrategy):
        def orders(self, bars):
            return np.full(bars.shape, np.nan)

    assert needed(portal, Nothing) == 30


# What users give ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given_", "expected"), [("auto", None), (0, 0), (np.int64(7), 7)])
def test_warmup(given_, expected):
    assert warmup_of(given_) == expected


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ("atuo", r"warmup 'atuo' is unknown \(did you mean 'auto'\?\)"),
        (-1, "warmup -1 is negative"),
        (1.5, "warmup 1.5 is neither"),
        (True, "warmup True is neither"),
        (None, "warmup None is neither"),
    ],
)
def test_a_warmup_that_is_none(given_, message):
    with pytest.raises(InvalidParameter, match=message):
        warmup_of(given_)
