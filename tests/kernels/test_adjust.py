"""Windows: factors one by one in date order, then rounding; last bits and third decimals are decided here."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rustybt.kernels.adjust import apply_factors, round_window


def test_rows_before_the_event_are_multiplied_and_its_day_is_not():
    window = np.array([14.0, 14.0, 2.0, 2.0])
    apply_factors(window, 100, [102], [1 / 7])
    assert window.tolist() == [2.0, 2.0, 2.0, 2.0]


def test_an_event_on_the_first_row_or_after_the_last_changes_nothing():
    window = np.array([1.0, 2.0])
    apply_factors(window, 10, [10, 12], [0.5, 0.5])
    assert window.tolist() == [1.0, 2.0]


def test_factors_apply_one_by_one_not_as_their_product():
    raw = 8635 * 0.001
    window = np.array([raw, 0.0, 0.0])
    apply_factors(window, 0, [1, 2], [1 / 5.0, 1 / 10.0])
    assert window[0] == raw * (1 / 5.0) * (1 / 10.0)


def test_rounding_gives_whole_thousandths_by_division():
    stored = np.arange(1, 5000) * 0.001
    assert round_window(stored).tolist() == [k / 1000 for k in range(1, 5000)]


@given(st.lists(st.integers(1, 6), max_size=5), st.integers(2, 8))
def test_any_factors_equal_the_loop_over_rows(event_rows, bars):
    rows = sorted(event_rows)
    factors = [1 / (i + 2) for i in range(len(rows))]
    window = np.linspace(1, 2, bars)
    expected = []
    for row, value in enumerate(window.tolist()):
        for event, factor in zip(rows, factors, strict=True):
            if 0 < event <= bars - 1 and row < event:
                value *= factor
        expected.append(value)
    apply_factors(window, 0, rows, factors)
    assert window.tolist() == expected
