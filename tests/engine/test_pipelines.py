"""An algorithm attaches pipelines in initialize, and gets each morning's table of what was known by then."""

import numpy as np
import pandas as pd
import pytest

from rustybt import run_algorithm
from rustybt.api import attach_pipeline, order_target_percent, pipeline_output, record
from rustybt.errors import (
    AttachPipelineAfterInitialize,
    DuplicatePipelineName,
    InvalidParameter,
    NoDataOnDate,
    NoFurtherDataError,
    NoSuchPipeline,
    PipelineOutputDuringInitialize,
)
from rustybt.pipeline import CustomFactor, DataFrameLoader, Pipeline
from rustybt.pipeline.data import Column, DataSet, EquityPricing, USEquityPricing
from rustybt.pipeline.factors import Returns, SimpleMovingAverage
from tests.builders import bars, days, make_bundle

DAYS = days(12)


@pytest.fixture
def made():
    closes = {name: np.arange(1.0, 13.0) * scale for name, scale in (("A", 10.0), ("B", 20.0), ("C", 5.0))}
    return make_bundle({name: bars(values) for name, values in closes.items()})


def run(initialize, start=DAYS[3], end=DAYS[-1], **kwargs):
    return run_algorithm(start=start, end=end, initialize=initialize, bundle="made", capital_base=1e5, **kwargs)


def close_pipeline():
    return Pipeline({"close": USEquityPricing.close.latest})


@pytest.mark.parametrize("chunks", [None, 1, 3, [2, 5], iter([1] * 20)])
def test_each_morning_has_the_closes_of_the_session_before(made, chunks):
    seen = {}

    def initialize(context):
        assert attach_pipeline(close_pipeline(), "closes", chunks=chunks).columns.keys() == {"close"}

    def handle_data(context, data):
        seen[data.current_session] = pipeline_output("closes")

    run(initialize, handle_data=handle_data)
    assert list(seen) == list(DAYS[3:])
    for row, (day, table) in enumerate(seen.items(), 3):
        assert [asset.symbol for asset in table.index] == ["A", "B", "C"]
        assert table["close"].tolist() == [row * 10.0, row * 20.0, row * 5.0], day


def test_before_trading_start_trades_what_the_screen_leaves(made):
    def initialize(context):
        momentum = Returns(window_length=2)
        screen = USEquityPricing.close.latest > 15.0 * 4
        attach_pipeline(Pipeline({"momentum": momentum}, screen=screen), "momentum")

    def before_trading_start(context, data):
        context.chosen = pipeline_output("momentum")

    def handle_data(context, data):
        record(count=len(context.chosen))
        for asset in context.chosen.index:
            order_target_percent(asset, 0.1)

    perf = run(initialize, before_trading_start=before_trading_start, handle_data=handle_data)
    closes = np.arange(3, 12)[:, None] * np.array([10.0, 20.0, 5.0])
    assert perf["count"].tolist() == (closes > 60.0).sum(axis=1).tolist()


def test_a_morning_on_which_nobody_passes_gives_an_empty_table(made):
    seen = []

    def initialize(context):
        attach_pipeline(
            Pipeline({"close": USEquityPricing.close.latest}, screen=USEquityPricing.close.latest < 0), "none"
        )

    run(initialize, handle_data=lambda context, data: seen.append(pipeline_output("none")))
    assert all(table.empty and list(table.columns) == ["close"] for table in seen)


def test_several_pipelines_stand_side_by_side(made):
    def initialize(context):
        attach_pipeline(close_pipeline(), "one")
        attach_pipeline(
            Pipeline({"mean": SimpleMovingAverage([EquityPricing.close], window_length=3)}), "two", eager=False
        )

    def handle_data(context, data):
        one, two = pipeline_output("one"), pipeline_output("two")
        assert (one["close"] > two["mean"]).all()

    run(initialize, handle_data=handle_data)


def test_columns_of_ones_own_come_from_a_custom_loader(made):
    class Ratings(DataSet):
        stars = Column(float)

    stars = pd.DataFrame({0: np.arange(12.0), 2: 1.0}, index=DAYS)
    seen = []

    def initialize(context):
        attach_pipeline(Pipeline({"stars": Ratings.stars.latest}), "ratings")

    loaders = {Ratings.stars: DataFrameLoader(Ratings.stars, stars)}
    run(initialize, handle_data=lambda context, data: seen.append(pipeline_output("ratings")), custom_loader=loaders)
    assert [table["stars"].iloc[0] for table in seen] == list(range(3, 12))
    assert np.isnan(seen[0]["stars"].iloc[1])
    assert seen[0]["stars"].iloc[2] == 1.0
    with pytest.raises(ValueError, match=r"No PipelineLoader registered for column Ratings<US>.stars"):
        run(initialize)
    with pytest.raises(InvalidParameter, match="has no get"):
        run(initialize, custom_loader=3)


def test_pipelines_are_attached_in_initialize_only(made):
    with pytest.raises(AttachPipelineAfterInitialize, match=r"'late'\) was called after initialize"):
        run(lambda context: None, handle_data=lambda context, data: attach_pipeline(close_pipeline(), "late"))


def test_outputs_are_asked_for_after_initialize_only(made):
    def initialize(context):
        attach_pipeline(close_pipeline(), "closes")
        pipeline_output("closes")

    with pytest.raises(PipelineOutputDuringInitialize, match="before_trading_start"):
        run(initialize)


def test_names_are_taken_once_and_known(made):
    def twice(context):
        attach_pipeline(close_pipeline(), "closes")
        attach_pipeline(close_pipeline(), "closes")

    with pytest.raises(DuplicatePipelineName, match="'closes' is attached already"):
        run(twice)
    with pytest.raises(NoSuchPipeline, match=r"'close' is attached \(did you mean 'closes'\?\)"):
        run(
            lambda context: attach_pipeline(close_pipeline(), "closes"),
            handle_data=lambda context, data: pipeline_output("close"),
        )


@pytest.mark.parametrize("chunks", [0, -1, 2.5, "five", [], [0]])
def test_chunks_are_numbers_of_sessions(made, chunks):
    with pytest.raises(InvalidParameter, match="attach_pipeline: chunks"):
        run(lambda context: attach_pipeline(close_pipeline(), "closes", chunks=chunks))


def test_what_is_no_pipeline_is_refused(made):
    with pytest.raises(InvalidParameter, match="pass a rustybt.pipeline.Pipeline"):
        run(lambda context: attach_pipeline({"close": USEquityPricing.close.latest}, "closes"))


def test_windows_that_reach_back_before_the_bundle_are_refused(made):
    def initialize(context):
        attach_pipeline(Pipeline({"mean": SimpleMovingAverage([EquityPricing.close], window_length=4)}), "mean")

    assert len(run(initialize, start=DAYS[4])) == 8
    with pytest.raises(NoDataOnDate, match="begins on 2020-01-02"):
        run(initialize, start=DAYS[3])
    with pytest.raises(NoFurtherDataError, match="needs 3 sessions before 2020-01-03"):
        run(initialize, start=DAYS[1])


def test_compute_sees_nothing_of_the_session_or_later(made):
    asked = []

    class Last(CustomFactor):
        inputs = (EquityPricing.close,)
        window_length = 2

        def compute(self, today, assets, out, close):
            asked.append((today, assets.tolist(), close.copy()))
            out[:] = close[-1]

    run(lambda context: attach_pipeline(Pipeline({"last": Last()}), "last"))
    assert [pd.Timestamp(today) for today, _, _ in asked] == list(DAYS[3:])
    today, assets, close = asked[0]
    assert assets == [0, 1, 2]
    assert close.tolist() == [[20.0, 40.0, 10.0], [30.0, 60.0, 15.0]]


def test_minute_bundles_use_their_daily_bars(ingested):
    seen = []

    def initialize(context):
        attach_pipeline(close_pipeline(), "closes")

    def handle_data(context, data):
        if not seen or seen[-1][0] != data.current_session:
            table = pipeline_output("closes")
            before = data.history(list(table.index), "close", 2, "1d").iloc[0]
            seen.append((data.current_session, table["close"].tolist(), before.tolist()))

    run_algorithm(
        start="2019-11-20",
        end="2019-11-22",
        initialize=initialize,
        handle_data=handle_data,
        bundle="minutes",
        data_frequency="minute",
    )
    assert len(seen) == 3
    for _, known, before in seen:
        np.testing.assert_allclose(known, before, rtol=1e-12)
