"""One run of a batch says, to the last bit, what runs that end earlier would have come to."""

import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rustybt import VectorStrategy
from rustybt.data.portal import portal_of
from rustybt.engine.setup import Setup
from rustybt.engine.span import Span
from rustybt.engine.stop_rules import StopRules
from rustybt.engine.vector import VectorRun
from rustybt.errors import InvalidParameter, RustyBTError
from rustybt.vector_run import Batch
from tests.builders import bars, days, make_bundle
from tests.vector_cases import random_decisions, random_market, trials

slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
markets = st.builds(random_market, st.integers(0, 2**32 - 1), n_assets=st.integers(1, 4), n_sessions=st.integers(2, 40))
cuts = st.lists(st.floats(0, 1), min_size=1, max_size=4)
many = given(market=markets, runs=st.lists(st.tuples(trials, cuts), min_size=1, max_size=6))


def batch(portal, first, last, setup=None, capital=100_000.0):
    span = Span(first, last)
    return Batch(VectorRun(portal, span, capital, setup or Setup()), np.sin(np.arange(span.size)) / 100)


def bits(run):
    return {name: np.float64(value).tobytes() for name, value in run.metrics.items()}, run.returns.tobytes()


def require_equal_prefixes(root, market, runs):
    shutil.rmtree(root)  # each example has a bundle of its own
    root.mkdir()
    bundle = market.ingest()
    for trial, fractions in runs:
        setup = trial.setup._replace(stop_rules=None)
        portal = portal_of(bundle, setup.rules.full_precision_prices)
        first, last = trial.span_of(len(portal.session_ns))
        close = portal.array("close")[first : last + 1]
        decisions = random_decisions(trial.seed, trial.kind, close.shape, close)

        def decide(strategy, bars, decisions=decisions):
            return decisions[: len(bars)]

        strategy = type("Known", (VectorStrategy,), {trial.kind: decide})()
        counts = [1 + int(fraction * (last - first)) for fraction in fractions]
        try:
            found = batch(portal, first, last, setup, trial.capital).run_prefixes(strategy, counts)
        except (OverflowError, ValueError) as error:
            assert not isinstance(error, RustyBTError)  # an amount that is no order
            continue
        for count, run in zip(counts, found, strict=True):
            shorter = batch(portal, first, first + count - 1, setup, trial.capital)
            assert bits(run) == bits(shorter.run(strategy))


@pytest.mark.filterwarnings("ignore::rustybt.errors.IngestWarning")
@settings(max_examples=5, suppress_health_check=slow)
@many
def test_prefixes_are_the_shorter_runs(data_root, market, runs):
    require_equal_prefixes(data_root, market, runs)


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore::rustybt.errors.IngestWarning")
@settings(max_examples=300, suppress_health_check=slow)
@many
def test_many_more_prefixes_are_the_shorter_runs(data_root, market, runs):
    require_equal_prefixes(data_root, market, runs)


# When the end matters -----------------------------------------------------------------------------------------------


class Rising(VectorStrategy):
    window = 3

    def target_percent(self, bars, window):
        return (bars.close > bars.mean("close", window)) * 0.5


class Peeking(VectorStrategy):
    """Compares with the mean of all sessions that it is shown, those to come included."""

    def target_percent(self, bars):
        return (bars.close > bars.close.mean(axis=0)) * 0.5


@pytest.fixture
def portal():
    closes = (20 + 5 * np.sin(np.arange(30) / 2)).round(3).tolist()
    splits = [("B", str(days(30)[25].date()), 1 / 3)]
    return portal_of(make_bundle({"A": bars(closes), "B": bars(closes[::-1])}, splits=splits))


def test_indicators_and_a_benchmark_are_those_of_the_shorter_run(portal):
    compared = type("Compared", (Rising,), {"benchmark": "B", "assets": ["A"]})
    long = batch(portal, 2, 29)
    runs = long.run_prefixes(compared(), [5, 12, 28])
    for count, run in zip([5, 12, 28], runs, strict=True):
        assert bits(run) == bits(batch(portal, 2, 1 + count).run(compared()))
    assert bits(runs[2]) == bits(long.run(compared()))
    assert [len(run.returns) for run in runs] == [5, 12, 28]


def test_a_warm_up_is_that_of_the_shorter_run(portal):
    setup = Setup(warmup_sessions=6)
    run, *_ = batch(portal, 10, 29, setup).run_prefixes(Rising(), [9])
    assert run.metrics["total_return"] == batch(portal, 10, 18, setup).run(Rising()).metrics["total_return"]


def test_a_strategy_that_looks_ahead_is_found_out(portal):
    """Where it would have decided otherwise; an average of 12 or of 30 sessions may lead to the same decisions."""
    found = {count: batch(portal, 0, 29).run_prefixes(Peeking(), [count, 30]) for count in range(1, 30)}
    differing = [count for count, runs in found.items() if runs is None]
    assert len(differing) > 10
    for count in found.keys() - {*differing}:
        assert bits(found[count][0]) == bits(batch(portal, 0, count - 1).run(Peeking()))
    assert batch(portal, 0, 29).run_prefixes(Peeking(), [12, differing[0]]) is None
    assert batch(portal, 0, 29).run_prefixes(Rising(), range(1, 31)) is not None


def test_one_that_keeps_what_it_computed_is_asked_afresh(portal):
    class Keeping(Rising):
        kept = None

        def target_percent(self, bars, window):
            if self.kept is None:
                self.kept = super().target_percent(bars, window)
            return self.kept

    runs = batch(portal, 0, 29).run_prefixes(Keeping(), [12, 20])
    assert [bits(run) for run in runs] == [bits(batch(portal, 0, last).run(Rising())) for last in (11, 19)]


def test_a_run_that_a_rule_ends_says_nothing_of_others(portal):
    setup = Setup(stop_rules=StopRules(max_drawdown=0.01))
    assert batch(portal, 0, 29, setup).run(Rising()).stopped is not None
    assert batch(portal, 0, 29, setup).run_prefixes(Rising(), [12]) is None


def test_a_ticker_must_mean_the_same_asset():
    labels = days(10)
    frames = {"A": bars([10.0] * 4), "B": bars([5.0] * 10), "C": bars([7.0] * 5, first=str(labels[5].date()))}
    portal = portal_of(make_bundle(frames, assets={"C": {"symbol": "A"}}))

    def prefixes(ticker, count):
        strategy = type("Of", (Rising,), {"assets": [ticker]})()
        return batch(portal, 0, 9).run_prefixes(strategy, [count])

    assert prefixes("A", 5) is None
    assert prefixes("A", 6) is not None
    assert prefixes("B", 2) is not None


def test_a_ticker_that_nobody_has_yet():
    frames = {"A": bars([10.0] * 6), "B": bars([5.0] * 3, first=str(days(6)[3].date()))}
    portal = portal_of(make_bundle(frames))
    strategy = type("Of", (Rising,), {"assets": ["B"]})()
    assert batch(portal, 0, 5).run_prefixes(strategy, [3]) is None


def test_shares_that_a_dividend_gave_are_valued_at_the_cut():
    labels = days(8)
    stock = ("A", "B", str(labels[2].date()), str(labels[3].date()), 0.5)
    frames = {"A": bars([10.0] * 8), "B": bars([4.0, 4.0, 4.0, 4.0, 6.0, 8.0, 1.0, 1.0])}
    portal = portal_of(make_bundle(frames, stock_dividends=[stock]))

    class First(VectorStrategy):
        assets = ("A",)

        def target_shares(self, bars):
            return np.full(bars.shape, 100.0)

    runs = batch(portal, 0, 7).run_prefixes(First(), [3, 4, 6, 8])
    for count, run in zip([3, 4, 6, 8], runs, strict=True):
        assert bits(run) == bits(batch(portal, 0, count - 1).run(First()))
        assert run.metrics["open_trades"] == (1 if count < 4 else 2)


def test_sessions_that_the_batch_has_not_are_refused(portal):
    for count in (0, 31):
        with pytest.raises(InvalidParameter, match=f"sessions {count} is none of 1 to 30"):
            batch(portal, 0, 29).run_prefixes(Rising(), [count])
