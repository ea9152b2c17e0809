"""What a run refuses: capital, spans, calls at the wrong time; each with a message that says what to do."""

import numpy as np
import pandas as pd
import pytest

from rustybt import api
from rustybt.engine.strategy import Hooks
from rustybt.errors import (
    BenchmarkAssetNotAvailableTooEarly,
    BenchmarkAssetNotAvailableTooLate,
    HistoryWindowStartsBeforeData,
    InvalidBenchmarkAsset,
    InvalidSpan,
    NoSimulation,
    OrderDuringInitialize,
    SetBenchmarkOutsideInitialize,
    SetCancelPolicyPostInit,
    SetCommissionPostInit,
    SetSlippagePostInit,
    ZeroCapitalError,
)
from rustybt.finance.cancel_policy import NeverCancel
from rustybt.finance.commission import NoCommission
from rustybt.finance.slippage import NoSlippage
from rustybt.run import simulate
from tests.builders import bars, days, make_bundle


@pytest.fixture
def short():
    return make_bundle({"A": bars([1.0] * 5), "B": bars([1.0] * 3)})


@pytest.mark.parametrize("capital", [0, -1.0, float("nan")])
def test_a_run_needs_capital(short, capital):
    with pytest.raises(ZeroCapitalError, match=r"capital_base (0|-1.0|nan) must be above 0"):
        simulate(Hooks(), short, None, None, capital)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("2020-01-08", "2020-01-03", "start 2020-01-08 is after end 2020-01-03: swap them"),
        ("2019-01-08", "2020-01-03", r"start 2019-01-08 is before bundle 'made' begins \(2020-01-02\)"),
        ("2020-02-01", "2020-02-03", r"start 2020-02-01 is after bundle 'made' ends \(2020-01-08\)"),
        ("2030-01-02", None, r"start 2030-01-02 is after bundle 'made' ends \(2020-01-08\): ingest it again"),
        (None, "2010-01-04", r"end 2010-01-04 is before bundle 'made' begins \(2020-01-02\): choose a later end"),
        ("2020-01-02", "2020-02-03", r"end 2020-02-03 is after bundle 'made' ends \(2020-01-08\)"),
        ("2020-01-04", "2020-01-05", "no trading days between start 2020-01-04 and end 2020-01-05"),
        ("soon", "2020-01-05", "start 'soon' is no date"),
    ],
)
def test_a_span_must_lie_in_the_bundle(short, start, end, message):
    with pytest.raises(InvalidSpan, match=message):
        simulate(Hooks(), short, start, end, 1e5)


def test_a_span_may_end_on_a_day_without_session(short):
    assert len(simulate(Hooks(), short, pd.Timestamp("2020-01-02", tz="UTC"), "2020-01-05", 1e5).returns) == 2


def test_settings_belong_into_initialize(short):
    def late(context, data):
        for error, call in (
            (SetSlippagePostInit, lambda: api.set_slippage(NoSlippage())),
            (SetCommissionPostInit, lambda: api.set_commission(NoCommission())),
            (SetBenchmarkOutsideInitialize, lambda: api.set_benchmark(api.symbol("A"))),
            (SetCancelPolicyPostInit, lambda: api.set_cancel_policy(NeverCancel())),
        ):
            with pytest.raises(error, match="after initialize: call it in initialize"):
                call()

    simulate(Hooks(handle_data=late), short, None, None, 1e5)


def test_an_order_needs_a_bar(short):
    def initialize(context):
        with pytest.raises(OrderDuringInitialize, match="only be called from within handle_data"):
            api.order_target_percent(api.symbol("A"), 0.5)

    simulate(Hooks(initialize), short, None, None, 1e5)


def test_a_window_at_the_first_session_has_one_bar(short):
    def look(context, data):
        if data.current_session == days(1)[0]:
            assert len(data.history(api.symbol("A"), "close", 1, "1d")) == 1
            with pytest.raises(HistoryWindowStartsBeforeData, match="bar_count 2 at 2020-01-02 reaches back"):
                data.history(api.symbol("A"), "close", 2, "1d")

    simulate(Hooks(handle_data=look), short, None, None, 1e5)


def benchmarked(bundle, start=None):
    return simulate(Hooks(lambda c: api.set_benchmark(api.symbol("B"))), bundle, start, None, 1e5)


def test_a_benchmark_must_live_throughout_the_run(short):
    with pytest.raises(BenchmarkAssetNotAvailableTooLate, match="It stopped trading on 2020-01-06: choose another"):
        benchmarked(short)
    late = make_bundle({"A": bars([1.0] * 5), "B": bars([1.0, 2.0, 4.0], first=str(days(3)[2].date()))})
    with pytest.raises(BenchmarkAssetNotAvailableTooEarly, match="It started trading on 2020-01-06: choose another"):
        benchmarked(late)
    np.testing.assert_allclose(benchmarked(late, days(4)[3]).benchmark_returns, [1.0, 1.0])


def test_a_benchmark_may_not_pay_in_stock():
    day = [str(d.date()) for d in days(6)]
    bundle = make_bundle(
        {"A": bars([1.0] * 6), "B": bars([1.0] * 6)}, stock_dividends=[("B", "A", day[2], day[4], 0.5)]
    )
    with pytest.raises(InvalidBenchmarkAsset, match=f"pays a dividend in stock on {day[2]}; choose another asset"):
        benchmarked(bundle)


def test_the_api_needs_a_simulation():
    with pytest.raises(NoSimulation, match="rustybt.api.order must be called during a simulation"):
        api.order(None, 1)
