"""Windows: equal to the naive twin bit by bit, blind to the future, and clear about what they cannot give."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt.data.history import HISTORY_FIELDS, daily_window
from rustybt.data.portal import portal_of
from rustybt.errors import HistoryWindowStartsBeforeData
from tests.builders import bars, days, make_bundle
from tests.oracles.naive_windows import window


@pytest.mark.parametrize("name", ["quad", "holes", "mag7"])
@settings(max_examples=60)
@given(data=st.data())
def test_windows_equal_the_naive_twin(name, data, request):
    bundle = request.getfixturevalue(name)
    portal = portal_of(bundle)
    bars_ = data.draw(st.integers(1, 90), label="bars")
    row = data.draw(st.integers(bars_ - 1, len(portal.session_ns) - 1), label="row")
    field = data.draw(st.sampled_from(HISTORY_FIELDS), label="field")
    equities = portal.finder.equities
    chosen = data.draw(st.lists(st.sampled_from(equities), min_size=1, max_size=4, unique=True), label="assets")
    got = daily_window(portal, chosen, row, bars_, field)
    for k, asset in enumerate(chosen):
        expected = window(bundle, asset, portal.session_labels[row], bars_, field)
        np.testing.assert_array_equal(got[:, k], expected.to_numpy())
        assert portal.window_labels(row, bars_).equals(expected.index)


def test_a_window_is_blind_to_later_bars_and_later_events():
    closes = [10.0 + 0.1 * i for i in range(30)]
    changed = [*closes[:20], *(99.0 for _ in range(10))]
    later = str(days(30)[20].date())
    plain = make_bundle({"A": bars(closes)}, name="plain")
    other = make_bundle({"A": bars(changed)}, name="other", splits=[("A", later, 0.5)])
    for field in HISTORY_FIELDS:
        for row in range(20):
            first, second = (
                daily_window(portal_of(b), b.asset_finder.equities, row, row + 1, field) for b in (plain, other)
            )
            assert first.tobytes() == second.tobytes()


def test_a_window_before_the_first_session_says_where_to_start(quad):
    portal = portal_of(quad)
    message = r"bar_count 50 at 2012-01-31 reaches back before .* \(2012-01-03\): .* no earlier than 2012-03-15"
    with pytest.raises(HistoryWindowStartsBeforeData, match=message):
        daily_window(portal, portal.finder.equities, 19, 50, "close")


@pytest.mark.parametrize(
    ("bars_", "field", "message"),
    [(0, "close", "bar_count must be >= 1, but got 0"), (5, "vwap", "Invalid field: vwap")],
)
def test_what_is_no_window_is_refused(quad, bars_, field, message):
    portal = portal_of(quad)
    with pytest.raises(ValueError, match=message):
        daily_window(portal, portal.finder.equities, 19, bars_, field)


def test_prices_before_a_listing_and_after_an_end_are_missing(holes):
    portal = portal_of(holes)
    born, dead = (next(e for e in portal.finder.equities if e.symbol == s) for s in ("BORN", "DEAD"))
    listed = portal.row_of(pd.Timestamp("2016-03-15"))
    assert np.isnan(daily_window(portal, [born], listed + 1, 4, "price")[:, 0]).tolist() == [True, True, False, False]
    gone = portal.row_of(pd.Timestamp("2017-06-30"))
    assert np.isnan(daily_window(portal, [dead], gone + 2, 4, "price")[:, 0]).tolist() == [False, False, True, True]
    assert daily_window(portal, [dead], gone + 2, 4, "volume")[-2:, 0].tolist() == [0.0, 0.0]
