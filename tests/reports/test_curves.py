import numpy as np
import pandas as pd
import pytest

from rustybt.errors import InvalidParameter
from rustybt.reports.curves import drawdown_of, equity_figure, walk_forward_figure
from tests.reports.contents import equity_of, windows_of

DAYS = pd.DatetimeIndex(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"])


def by_name(figure):
    return {trace.name: trace for trace in figure.data}


def test_equity_and_drawdown_share_the_days():
    figure = equity_figure(pd.Series([100.0, 80.0, 120.0, 90.0], DAYS, name="best"))
    best, drawdown = by_name(figure)["best"], by_name(figure)["Drawdown"]
    assert list(best.x) == list(drawdown.x) == ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]
    assert list(best.y) == [100.0, 80.0, 120.0, 90.0]
    assert list(drawdown.y) == pytest.approx([0.0, -0.2, 0.0, -0.25])
    assert (drawdown.yaxis, figure.layout.yaxis.title.text) == ("y2", "Portfolio value")
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis2.title.text) == ("Session", "Drawdown")


def test_session_closes_in_utc_are_shown_as_days():
    index = DAYS.tz_localize("UTC") + pd.Timedelta(hours=21)
    assert list(equity_figure(pd.Series(1.0, index)).data[0].x)[0] == "2024-01-02"


def test_the_benchmark_begins_where_equity_begins():
    benchmark = pd.Series([float("nan"), 50.0, 55.0, 60.0], DAYS)
    figure = equity_figure(pd.Series([100.0, 80.0, 120.0, 90.0], DAYS), benchmark=benchmark)
    assert list(by_name(figure)["Benchmark"].y)[1:] == pytest.approx([80.0, 88.0, 96.0])
    assert figure.layout.showlegend


def test_a_column_is_a_curve():
    frame = pd.DataFrame({"12": [1.0, 2.0], "7": [1.0, 3.0]}, index=DAYS[:2])
    assert [trace.name for trace in equity_figure(frame, title="<b>").data] == ["12", "7", "Drawdown"]
    assert equity_figure(frame, title="<b>").layout.title.text == "&lt;b&gt;"


def test_decades_are_thinned_and_keep_their_peak():
    equity = equity_of(20_000)
    figure = equity_figure(equity)
    assert all(len(trace.x) <= 2_000 for trace in figure.data)
    assert max(figure.data[0].y) == equity.max()
    assert min(figure.data[1].y) == pytest.approx((equity / equity.cummax() - 1).min())


@pytest.mark.parametrize("equity", [pd.Series([], dtype=float), pd.Series([np.nan], DAYS[:1]), pd.DataFrame()])
def test_nothing_to_draw_is_an_error(equity):
    with pytest.raises(InvalidParameter, match="equity has no value"):
        equity_figure(equity)


def test_one_session_is_a_point():
    assert equity_figure(pd.Series([1.0], DAYS[:1])).data[0].mode == "markers"


def test_drawdown_of_an_account_that_never_was_above_zero_is_not_defined():
    assert np.isnan(drawdown_of(np.array([-1.0, 0.0, 2.0]))).tolist() == [True, True, False]


def test_windows_become_grounds_and_bars():
    windows = windows_of(3)
    chosen = pd.DataFrame({"fast": [5, 6, 7]})
    figure = walk_forward_figure(equity_of(), windows, chosen, score="sharpe")
    inside, outside = by_name(figure)["In sample"], by_name(figure)["Out of sample"]
    assert list(inside.y) == [1.0, 1.5, 2.0] and list(outside.y) == [-0.5, 0.0, 0.5]
    assert [shape.x0 for shape in figure.layout.shapes] == ["2018-12-27", "2019-12-22"]
    assert "fast: 6" in outside.customdata[1] and "Window 1" in outside.customdata[1]
    begins, ends = windows["out_of_sample_start"], windows["out_of_sample_end"] + pd.Timedelta(days=1)
    for bars in (inside, outside):
        left = pd.to_datetime(pd.Series(bars.x)) + pd.to_timedelta(pd.Series(bars.offset), unit="ms")
        right = left + pd.to_timedelta(pd.Series(bars.width), unit="ms")
        assert ((left >= begins) & (right <= ends)).all()
    assert figure.layout.yaxis2.title.text == "Sharpe ratio"


def test_windows_without_scores_have_no_bars():
    windows = windows_of(2).drop(columns=["in_sample_score", "out_of_sample_score"])
    assert [trace.name for trace in walk_forward_figure(equity_of(), windows).data] == ["Out-of-sample equity"]


def test_windows_without_dates_are_refused():
    with pytest.raises(InvalidParameter, match="windows has no column 'in_sample_end'"):
        walk_forward_figure(equity_of(), windows_of().drop(columns="in_sample_end"))
    with pytest.raises(InvalidParameter, match="windows is empty"):
        walk_forward_figure(equity_of(), windows_of(3).iloc[:0])
