import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rustybt.reports.thinning import MOST_POINTS, kept_points

VALUES = st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=300)


def test_a_short_curve_keeps_every_point():
    assert kept_points(np.array([])).tolist() == []
    assert kept_points(np.arange(float(MOST_POINTS))).tolist() == list(range(MOST_POINTS))


@given(VALUES, st.integers(5, 50))
def test_extremes_and_ends_stay_and_no_more_than_asked_for(values, most):
    values = np.array(values, dtype=float)
    kept = kept_points(values, most)
    assert len(kept) <= max(most, 0)
    assert (np.diff(kept) > 0).all()
    if len(values):
        assert (kept[0], kept[-1]) == (0, len(values) - 1)
    if not np.isnan(values).all():
        assert np.nanmax(values[kept]) == np.nanmax(values)
        assert np.nanmin(values[kept]) == np.nanmin(values)


def test_a_hole_is_still_a_hole():
    values = np.arange(10_000.0)
    values[4_000:4_100] = np.nan
    assert np.isnan(values[kept_points(values)]).any()


def test_one_day_s_crash_in_twenty_years_is_seen():
    values = np.full(5_000, 100.0)
    values[1234] = 1.0
    assert 1234 in kept_points(values, 20)
