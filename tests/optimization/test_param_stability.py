"""How much params move from window to window, by hand."""

import math

import numpy as np
import pytest

from rustybt.optimization.param_stability import stability_frame


def row(values, bounds=None):
    chosen = [{} if value is ... else {"x": value} for value in values]
    frame = stability_frame(chosen, ["x"], None if bounds is None else {"x": bounds})
    return frame.loc["x"].to_dict()


@pytest.mark.parametrize(
    ("values", "bounds", "expected"),
    [
        # distinct, mode_share, changed, mean, std, variation, mean_step
        ([10, 20, 20, 40], (0, 100), (3, 0.5, 2 / 3, 22.5, 12.58306, 0.559247, 0.1)),
        ([10, 20, 20, 40], None, (3, 0.5, 2 / 3, 22.5, 12.58306, 0.559247, 1 / 3)),
        ([5, 5, 5], (1, 9), (1, 1, 0, 5, 0, 0, 0)),
        ([5, 5, 5], None, (1, 1, 0, 5, 0, 0, 0)),
        ([1, 9, 1, 9], (1, 9), (2, 0.5, 1, 5, 4.618802, 0.92376, 1)),
        ([-1.0, 1.0], (-2.0, 2.0), (2, 0.5, 1, 0, 1.414214, math.nan, 0.5)),
        ([7], (0, 10), (1, 1, math.nan, 7, math.nan, math.nan, math.nan)),
        (["a", "b", "b"], None, (2, 2 / 3, 0.5, *[math.nan] * 4)),
        ([True, False, True], None, (2, 2 / 3, 1, *[math.nan] * 4)),
        ([1, "a"], None, (2, 0.5, 1, *[math.nan] * 4)),
        ([1, True], None, (2, 0.5, 1, *[math.nan] * 4)),
        ([[1, 2], [1, 2], [3]], None, (2, 2 / 3, 0.5, *[math.nan] * 4)),
        ([4, None, ..., 6, 8], (0, 10), (4, 0.4, 0.75, 6, 2, 1 / 3, 0.2)),
        ([None, None], (0, 10), (1, 1, 0, *[math.nan] * 4)),
        ([], (0, 10), (0, *[math.nan] * 6)),
        ([1, 1.0, np.int64(1)], None, (1, 1, 0, 1, 0, 0, 0)),
        ([math.nan, math.nan], None, (1, 1, 0, math.nan, math.nan, math.nan, math.nan)),
    ],
)
def test_stability_by_hand(values, bounds, expected):
    assert tuple(row(values, bounds).values()) == pytest.approx(expected, rel=1e-5, nan_ok=True)


def test_rows_are_the_parameters_in_order():
    frame = stability_frame([{"b": 1, "a": "x"}], ["b", "a"])
    assert frame.index.tolist() == ["b", "a"]
    assert frame.index.name == "parameter"
    assert (frame.dtypes == "float64").all()
    assert stability_frame([], []).empty
