"""run_pipeline gives a frame of sessions and assets; explain says how it is computed, and what it takes."""

import numpy as np
import pandas as pd
import pytest

from rustybt.errors import InvalidParameter, InvalidSpan, UnknownBundle, UnsupportedPipelineOutput
from rustybt.pipeline import Pipeline, disable_pipeline_cache, engine, run_pipeline
from rustybt.pipeline.data import EquityPricing
from rustybt.pipeline.factors import RSI, AverageDollarVolume, Returns, SimpleMovingAverage
from tests.builders import bars, days, make_bundle

DAYS = days(30)


@pytest.fixture
def made():
    rng = np.random.default_rng(3)
    return make_bundle({name: bars(100 * np.cumprod(1 + rng.normal(0, 0.02, 30))) for name in "ABCD"})


def test_rows_are_sessions_and_assets(made):
    table = run_pipeline(Pipeline({"close": EquityPricing.close.latest}), "2020-01-03", "2020-01-07", bundle=made)
    assert table.index.names == [None, None]
    assert table.index.get_level_values(0).unique().tolist() == list(DAYS[1:4])
    assert [asset.symbol for asset in table.loc["2020-01-06"].index] == ["A", "B", "C", "D"]
    closes = made.daily("close")[:3]
    assert table["close"].tolist() == closes.ravel().tolist()


def test_the_session_after_the_last_bar_can_be_asked_for(made):
    tomorrow = days(31)[-1]
    table = run_pipeline(Pipeline({"close": EquityPricing.close.latest}), tomorrow, tomorrow, bundle=made)
    assert table.empty  # the assets' lives end with their last bar
    assets = {name: {"end_date": pd.Timestamp("2020-12-31")} for name in "AB"}
    living = make_bundle({name: bars(np.arange(1.0, 31.0)) for name in "AB"}, assets=assets)
    table = run_pipeline(Pipeline({"close": EquityPricing.close.latest}), tomorrow, "2020-12-31", bundle=living)
    assert table["close"].tolist() == [30.0, 30.0]
    assert table.index.get_level_values(0).unique().tolist() == [tomorrow]


def test_a_pipeline_without_columns_gives_its_index(made):
    table = run_pipeline(Pipeline(screen=EquityPricing.close.latest > 0), DAYS[1], DAYS[2], bundle=made)
    assert table.shape == (8, 0)


def test_long_spans_are_computed_in_parts_with_the_same_values(made, monkeypatch):
    pipeline = Pipeline(
        {"r": Returns(window_length=3), "s": RSI().rank()}, screen=AverageDollarVolume(window_length=2).top(3)
    )
    with disable_pipeline_cache():
        whole = run_pipeline(pipeline, DAYS[16], DAYS[29], bundle=made)
        monkeypatch.setattr(engine, "MOST_BYTES", 1)
        monkeypatch.setattr(engine, "LEAST_SESSIONS", 3)
        parts = run_pipeline(pipeline, DAYS[16], DAYS[29], bundle=made)
    pd.testing.assert_frame_equal(parts, whole, check_exact=True)
    assert parts.index.equals(whole.index)


@pytest.mark.parametrize(
    ("start", "end", "error", "message"),
    [
        ("2020-01-07", "2020-01-03", InvalidSpan, "no session of bundle 'made'"),
        ("2020-01-04", "2020-01-05", InvalidSpan, "lies between start 2020-01-04 and end 2020-01-05"),
        ("nonsense", "2020-01-05", InvalidSpan, "start"),
    ],
)
def test_spans_without_sessions_are_refused(made, start, end, error, message):
    with pytest.raises(error, match=message):
        run_pipeline(Pipeline({"close": EquityPricing.close.latest}), start, end, bundle=made)


def test_unknown_bundles_are_named():
    with pytest.raises(UnknownBundle, match="nowhere"):
        run_pipeline(Pipeline(), "2020-01-03", "2020-01-07", bundle="nowhere")


# What a pipeline holds ----------------------------------------------------------------------------------------------


def test_columns_are_added_replaced_and_removed():
    pipeline = Pipeline({"rsi": RSI()})
    pipeline.add(Returns(window_length=2), "returns")
    with pytest.raises(KeyError, match="already exists: pass overwrite=True"):
        pipeline.add(RSI(), "returns")
    pipeline.add(RSI(), "returns", overwrite=True)
    assert pipeline.columns["returns"] is RSI()
    assert pipeline.remove("rsi") is RSI()
    with pytest.raises(KeyError, match=r"no column 'return' \(did you mean 'returns'\?\)"):
        pipeline.remove("return")
    assert list(pipeline.columns) == ["returns"]


def test_a_screen_is_set_once_or_replaced():
    pipeline = Pipeline(screen=RSI() > 50)
    with pytest.raises(ValueError, match="overwrite=True"):
        pipeline.set_screen(RSI() > 60)
    pipeline.set_screen(RSI() > 60, overwrite=True)
    assert pipeline.screen is (RSI() > 60)
    with pytest.raises(TypeError, match="pass a filter"):
        pipeline.set_screen(RSI(), overwrite=True)


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        ({"close": EquityPricing.close}, TypeError, "did you mean its .latest"),
        ({"x": 3}, TypeError, "is no factor, filter or classifier"),
        ({3: RSI()}, TypeError, "pass a str"),
        ({"mean": RSI().mean()}, UnsupportedPipelineOutput, "one value for all assets"),
        ([RSI()], TypeError, "pass a dict"),
    ],
)
def test_what_is_no_column_is_refused(columns, error, message):
    with pytest.raises(error, match=message):
        Pipeline(columns)


def test_a_column_may_be_called_screen(made):
    table = run_pipeline(Pipeline({"screen": RSI()}, screen=RSI() > 0), DAYS[20], DAYS[21], bundle=made)
    assert list(table.columns) == ["screen"]


# What it takes ------------------------------------------------------------------------------------------------------


def test_the_plan_names_terms_in_order_with_rows_and_memory(made):
    mean = SimpleMovingAverage([EquityPricing.close], window_length=5)
    plan = Pipeline({"mean": mean, "rank": mean.rank()}).explain("2020-01-15", "2020-01-31", bundle=made)
    lines = str(plan).splitlines()
    assert lines[0].startswith("Pipeline on bundle 'made': 12 sessions x 4 assets, at most 1.5 kB at a time")
    terms = [line.split(". ", 1)[1].split("  ")[0] for line in lines[1:]]
    assert terms.index("EquityPricing<US>.close::float64") < terms.index(
        "SimpleMovingAverage([EquityPricing.close], 5)"
    )
    assert lines[-1].endswith("12 rows, 384 B  -> rank")
    assert "16 rows" in next(line for line in lines if "close::float64" in line)
    assert repr(plan) == str(plan)


def test_a_plan_without_a_bundle_is_an_example():
    plan = Pipeline({"rsi": RSI()}).explain()
    assert (plan.n_sessions, plan.n_assets) == (252, 1000)
    with pytest.raises(InvalidParameter, match="pass bundle="):
        Pipeline({"rsi": RSI()}).explain("2020-01-01")


def test_the_estimate_of_memory_is_near_what_numpy_holds(made):
    plan = Pipeline({"mean": SimpleMovingAverage([EquityPricing.close], window_length=5)}).explain(bundle=made)
    sessions, assets = plan.n_sessions, plan.n_assets
    close = (sessions + 4) * assets * 8
    assert plan.peak_bytes == close * 2 + sessions * assets * 8 + (sessions + 4) * assets
