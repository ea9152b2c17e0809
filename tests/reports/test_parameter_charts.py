import math

import numpy as np
import pandas as pd
import pytest

from rustybt.errors import InvalidParameter
from rustybt.reports.parallel import INACTIVE, drawn_of, parallel_figure
from rustybt.reports.parameter_charts import heatmap_figure, importance_figure, parameter_figure

NAN = math.nan
TRIALS = pd.DataFrame(
    {
        "trial": range(6),
        "fast": [1, 1, 1, 2, 2, 2],
        "slow": [10, 10, 20, 10, 20, 20],
        "score": [1.0, 3.0, 5.0, NAN, 2.0, math.inf],
    }
)


@pytest.mark.parametrize(("aggregate", "first"), [("max", 3.0), ("min", 1.0), ("mean", 2.0), ("median", 2.0)])
def test_a_cell_is_what_its_trials_come_to(aggregate, first):
    cells = heatmap_figure(TRIALS, "fast", "slow", aggregate=aggregate).data[0]
    assert (list(cells.x), list(cells.y)) == (["1", "2"], ["10", "20"])
    np.testing.assert_array_equal(cells.z, [[first, NAN], [5.0, 2.0]])
    np.testing.assert_array_equal(cells.customdata, [[2, 0], [1, 1]])


def test_axes_and_scale_are_named():
    figure = heatmap_figure(TRIALS, "fast", "slow", title="T", name="Sharpe ratio")
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("fast", "slow")
    assert figure.data[0].colorbar.title.text == "Sharpe ratio"


def test_the_lowest_is_dark_where_it_is_the_best():
    assert heatmap_figure(TRIALS, "fast", "slow", minimize=True).data[0].reversescale
    assert not heatmap_figure(TRIALS, "fast", "slow").data[0].reversescale


def test_numbers_stand_in_their_order_and_not_in_that_of_their_digits():
    trials = pd.DataFrame({"a": [10, 9, 100], "b": [0.5, 0.25, 1e-7], "score": [1.0, 2.0, 3.0]})
    cells = heatmap_figure(trials, "a", "b").data[0]
    assert (list(cells.x), list(cells.y)) == (["9", "10", "100"], ["1e-07", "0.25", "0.5"])


@pytest.mark.parametrize("log", [(), ("a",)])
def test_a_continuum_has_fifteen_cells_that_hold_every_trial(log):
    rng = np.random.default_rng(0)
    trials = pd.DataFrame({"a": np.exp(rng.uniform(0, 7, 500)), "b": rng.integers(0, 2, 500), "score": 1.0})
    cells = heatmap_figure(trials, "a", "b", log=log).data[0]
    assert len(cells.x) == 15 and cells.customdata.sum() == 500
    spread = cells.customdata.sum(axis=0)
    assert bool(spread.min() > 10) is bool(log)


def test_choices_of_any_kind_are_cells_and_what_was_not_active_is_left_out():
    trials = pd.DataFrame(
        {
            "basket": [["AAPL"], ["AAPL", "<b>"], ["AAPL"], None],
            "stop": [0.1, NAN, 0.2, 0.1],
            "flag": [True, False, True, True],
            "score": [1.0, 2.0, 3.0, 4.0],
        }
    )
    cells = heatmap_figure(trials, "basket", "stop").data[0]
    assert list(cells.x) == ['["AAPL"]', '["AAPL", "&lt;b&gt;"]']
    np.testing.assert_array_equal(cells.z, [[1.0, NAN], [3.0, NAN]])
    assert list(heatmap_figure(trials, "flag", "stop").data[0].x) == ["yes", "no"]


def test_the_best_trial_s_cell_is_marked():
    figure = heatmap_figure(TRIALS, "fast", "slow", mark={"fast": 2, "slow": 20})
    assert (figure.data[1].x, figure.data[1].y) == (("2",), ("20",))
    assert heatmap_figure(TRIALS, "fast", "slow", mark={"fast": 9, "slow": 9}).data[1].x == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": "fats"}, r"no column 'fats' \(did you mean 'fast'\?\)"),
        ({"x": "slow"}, "x and y are both 'slow'"),
        ({"metric": "sharp"}, "no column 'sharp'"),
        ({"aggregate": "avg"}, "aggregate 'avg' is unknown"),
    ],
)
def test_what_is_not_there_is_named(options, message):
    with pytest.raises(InvalidParameter, match=message):
        heatmap_figure(TRIALS, **{"x": "fast", "y": "slow", **options})


@pytest.mark.parametrize("trials", [TRIALS.assign(score=NAN), TRIALS.iloc[:0]])
def test_without_a_score_there_is_nothing_to_draw(trials):
    for draw in (
        lambda: heatmap_figure(trials, "fast", "slow"),
        lambda: parameter_figure(trials, "fast"),
        lambda: parallel_figure(trials, ["fast"]),
    ):
        with pytest.raises(InvalidParameter, match="no trial has a finite 'score'"):
            draw()


def test_one_parameter_is_a_point_a_trial():
    points = parameter_figure(TRIALS, "slow", mark={"slow": 20}).data[0]
    assert (list(points.x), list(points.y)) == ([10, 10, 20, 20], [1.0, 3.0, 5.0, 2.0])
    assert points.marker.color[0] != points.marker.color[2] == points.marker.color[3]
    assert points.mode == "markers"
    line = parameter_figure(TRIALS[::-1], "trial").data[0]
    assert (list(line.x), line.mode) == ([0, 1, 2, 4], "lines+markers")
    assert parameter_figure(TRIALS, "slow", log=True).layout.xaxis.type == "log"


def test_importances_have_the_highest_on_top():
    bars = importance_figure(pd.Series({"a": 0.7, "b": 0.1, "c": 0.2})).data[0]
    assert list(bars.y) == ["b", "c", "a"] and list(bars.x) == [0.1, 0.2, 0.7]


def lines(trace):
    """Give the lines of a trace as tuples of heights."""
    heights = np.array(trace.y, dtype=float)
    width = int(np.flatnonzero(np.isnan(heights))[0]) + 1
    return [tuple(row[:-1]) for row in heights.reshape(-1, width).tolist()]


def test_a_trial_is_a_line_from_the_lowest_to_the_highest_value():
    trials = pd.DataFrame({"a": [0, 5, 10], "kind": ["x", "y", "x"], "score": [1.0, 3.0, 2.0]})
    figure = parallel_figure(trials, ["a", "kind"])
    assert [trace.name for trace in figure.data] == ["Other half", "Better half", "Best tenth"]
    drawn = [line for trace in figure.data for line in lines(trace)]
    assert drawn == [(0.0, 0.0, 0.0), (1.0, 0.0, 0.5), (0.5, 1.0, 1.0)]
    titles = [note.text for note in figure.layout.annotations if note.text.startswith("<b>")]
    assert titles == ["<b>a</b>", "<b>kind</b>", "<b>Score</b>"]


def test_the_lowest_score_is_drawn_last_where_it_is_the_best():
    trials = pd.DataFrame({"a": [1, 2], "score": [1.0, 2.0]})
    assert lines(parallel_figure(trials, ["a"], minimize=True).data[-1]) == [(0.0, 0.0)]


def test_a_parameter_that_was_not_active_is_passed_below_its_axis():
    trials = pd.DataFrame({"stop": [None, 0.1, 0.3], "score": [3.0, 2.0, 1.0]})
    figure = parallel_figure(trials, ["stop"])
    assert lines(figure.data[-1]) == [(INACTIVE, 1.0)]
    assert "not active" in [note.text for note in figure.layout.annotations]


def test_constant_and_logarithmic_axes():
    trials = pd.DataFrame({"a": [1.0, 10.0, 100.0], "b": [7, 7, 7], "score": [1.0, 2.0, 3.0]})
    drawn = [line for trace in parallel_figure(trials, ["a", "b"], log=["a"]).data for line in lines(trace)]
    assert drawn == [(0.0, 0.5, 0.0), (0.5, 0.5, 0.5), (1.0, 0.5, 1.0)]


def test_of_many_trials_the_best_and_an_even_part_of_the_rest_are_drawn():
    ranks = drawn_of(10_000)
    assert len(ranks) == len(set(ranks)) == 400
    assert ranks[:200] == list(range(200)) and ranks[-1] == 9_999
    trials = pd.DataFrame({"a": range(10_000), "score": np.arange(10_000.0)})
    assert sum(len(lines(trace)) for trace in parallel_figure(trials, ["a"]).data) == 400


def test_no_parameter_is_an_error():
    with pytest.raises(InvalidParameter, match="names is empty"):
        parallel_figure(TRIALS, [])
