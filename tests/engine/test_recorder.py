"""Sessions that nothing touches are valued together, and come to what they come to one by one."""

import functools

import pandas as pd
import pytest

import rustybt
from rustybt.engine import recorder
from rustybt.engine.strategy import Hooks
from rustybt.run import simulate
from tests.builders import bars, make_bundle
from tests.golden.oracle import run
from tests.golden.test_zipline import HERE, SCRIPTS

TOGETHER, ONE_BY_ONE = 0, 10**9


def run_made(bundle, handle_data, initialize=None, analyze=None):
    return simulate(Hooks(initialize, handle_data, analyze=analyze), bundle, None, None, 1e5, analyze=True).perf


def eager(initialize):
    """Make every session begin in the books: an account control is asked at each one's end."""

    def with_control(context):
        initialize(context)
        context.set_max_leverage(1e9)

    return with_control


@pytest.fixture
def run_as(ingested, monkeypatch):
    def run_script(script, short_stretch, wrap=None):
        def wrapped(*args, initialize, **kwargs):
            return original(*args, initialize=wrap(initialize) if wrap else initialize, **kwargs)

        original = rustybt.run_algorithm
        with monkeypatch.context() as patch:
            patch.setattr(recorder, "SHORT_STRETCH", short_stretch)
            patch.setattr(rustybt, "run_algorithm", functools.wraps(original)(wrapped))
            outcome = run(HERE / "algos" / f"{script}.py", "rustybt")
        outcome.pop("seconds", None)
        return outcome

    return run_script


@pytest.mark.parametrize("script", SCRIPTS)
def test_untouched_sessions_come_to_the_same_bits_however_they_are_valued(script, run_as):
    assert run_as(script, TOGETHER) == run_as(script, ONE_BY_ONE, eager)


SPLIT_AND_DIVIDENDS = {
    "splits": [("BBB", "2020-01-15", 0.5)],
    "dividends": [("AAA", "2020-01-06", "2020-01-09", 0.5), ("AAA", "2020-01-07", "2020-01-10", 0.25)],
    "stock_dividends": [("AAA", "BBB", "2020-01-21", "2020-01-23", 0.1)],
}


def holed():
    closes = [10.0, 10.5, 11.0, 10.7, 10.9, 11.3, float("nan"), float("nan"), 12.0, 12.5] * 3
    frame = bars(closes).dropna()
    other = bars([20.0 + 0.1 * i for i in range(30)])
    return make_bundle({"AAA": frame, "BBB": other}, **SPLIT_AND_DIVIDENDS)


@pytest.mark.parametrize("short", [-1000, 700])
def test_holes_dividends_and_splits_while_nobody_looks(short, monkeypatch):
    bundle = holed()

    def hold(context, data):
        if context.first:
            context.first = False
            context.order(context.symbol("AAA"), 1000)
            context.order(context.symbol("BBB"), short)

    def begin(context):
        context.first = True

    frames = []
    for stretch, initialize in ((TOGETHER, begin), (ONE_BY_ONE, begin), (TOGETHER, eager(begin))):
        monkeypatch.setattr(recorder, "SHORT_STRETCH", stretch)
        frames.append(run_made(bundle, hold, initialize))
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frame, frames[0], check_exact=True)
    flows = frames[0]["capital_used"]
    assert flows.loc["2020-01-09"].item() == pytest.approx(500.0)
    assert flows.loc["2020-01-10"].item() == pytest.approx(250.0)


def test_positions_that_are_kept_show_the_price_of_the_session_before():
    bundle = make_bundle({"AAA": bars([10.0, 11.0, 12.0, 13.0, 14.0])})
    seen = []

    def look(context, data):
        if context.kept is None:
            context.kept = context.portfolio.positions
            context.order(context.symbol("AAA"), 10)
        elif len(context.kept):
            position = context.kept[context.symbol("AAA")]
            seen.append((position.last_sale_price, position.last_sale_date.day))

    run_made(bundle, look, lambda context: vars(context).update(kept=None))
    # The fill's price (with slippage) before the first close after it; then the closes of the sessions before.
    assert seen == [(11.0055, 3), (11.0, 3), (12.0, 6), (13.0, 7)]


def test_a_portfolio_looked_at_after_the_run_is_that_of_its_end():
    bundle = make_bundle({"AAA": bars([10.0] * 5 + [20.0] * 5)})
    once = lambda context, data: context.orders or context.orders.append(context.order(context.symbol("AAA"), 10))  # noqa: E731
    seen = {}

    def analyze(context, perf):
        seen["value"] = (context.portfolio.portfolio_value, perf["portfolio_value"].iloc[-1])
        seen["price"] = context.portfolio.positions[context.symbol("AAA")].last_sale_price

    run_made(bundle, once, lambda context: vars(context).update(orders=[]), analyze)
    assert seen["value"][0] == seen["value"][1]
    assert seen["price"] == 20.0


def test_what_was_recorded_stands_until_it_is_recorded_anew():
    bundle = make_bundle({"AAA": bars([10.0] * 4)})
    days = iter([{"a": 1}, {}, {"a": 2, "b": 3}, {}])
    perf = run_made(bundle, lambda context, data: context.record(**next(days)))
    assert perf["a"].tolist() == [1, 1, 2, 2]
    assert perf["b"].tolist()[2:] == [3, 3]
