"""Tables of corporate actions, and dividend ratios against a hand-worked and a naive twin."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.constants import NAT
from rustybt.data.adjustments import DIVIDEND, RATIO, Adjustments, dividend_ratios
from rustybt.errors import IngestWarning
from tests.builders import bars, days, make_bundle


def ns(day: str) -> int:
    return pd.Timestamp(day).as_unit("ns").value


def test_tables_are_sorted_by_sid_and_date_and_stable_within_a_day():
    splits = np.array([(1, 20, 0.5), (0, 30, 0.2), (0, 10, 0.25), (1, 20, 0.1)], RATIO)
    got = Adjustments.of(splits=splits).splits
    assert got.tolist() == [(0, 10, 0.25), (0, 30, 0.2), (1, 20, 0.5), (1, 20, 0.1)]


def test_ratio_of_a_dividend_hand_worked():
    bundle = make_bundle({"A": bars([50.0, 49.0, 60.0])}, dividends=[("A", "2020-01-03", "2020-01-06", 0.5)])
    (ratio,) = bundle.adjustments.dividend_ratios
    assert (ratio["sid"], ratio["effective_ns"], ratio["ratio"]) == (0, ns("2020-01-03"), 1 - 0.5 / 50.0)
    (paid,) = bundle.adjustments.dividends
    assert (paid["amount"], paid["pay_ns"], paid["ex_ns"]) == (0.5, ns("2020-01-06"), ns("2020-01-03"))


def test_ratio_uses_the_close_as_a_simulation_reads_it():
    bundle = make_bundle({"A": bars([1.0006, 1.0])}, dividends=[("A", "2020-01-03", "2020-01-06", 0.1)])
    assert bundle.adjustments.dividend_ratios["ratio"].tolist() == [1 - 0.1 / (1001 * 0.001)]


def test_dividend_on_or_before_the_first_session_has_no_ratio_and_no_warning():
    early = [("A", "2020-01-02", "2020-01-06", 0.5), ("A", "2019-12-30", "2020-01-06", 0.5)]
    bundle = make_bundle({"A": bars([50.0, 49.0])}, dividends=early)
    assert len(bundle.adjustments.dividend_ratios) == 0 and len(bundle.adjustments.dividends) == 2


def test_ex_date_between_sessions_takes_the_last_close_before():
    bundle = make_bundle({"A": bars([50.0, 40.0, 30.0])}, dividends=[("A", "2020-01-04", "2020-01-08", 1.0)])
    assert bundle.adjustments.dividend_ratios["ratio"].tolist() == [1 - 1.0 / 40.0]


@pytest.mark.parametrize(("closes", "amount"), [([np.nan, 9.0], 0.5), ([5.0, 5.0], 5.0), ([5.0, 5.0], 6.0)])
def test_dividend_without_a_usable_ratio_is_kept_with_a_warning(closes, amount):
    frame = bars(closes)
    frame["volume"] = [0 if c != c else 100 for c in closes]
    frames = {"A": frame, "B": bars([1.0, 1.0])}
    with pytest.warns(
        IngestWarning, match=r"1 of 1 dividends do not adjust earlier prices.* sid 0, ex-date 2020-01-03"
    ):
        bundle = make_bundle(frames, dividends=[("A", "2020-01-03", "2020-01-06", amount)])
    assert len(bundle.adjustments.dividend_ratios) == 0 and len(bundle.adjustments.dividends) == 1


def test_dividend_without_a_pay_date_is_kept_with_a_warning():
    with pytest.warns(IngestWarning, match=r"1 of 1 dividends have no pay date: .* holders are never paid"):
        bundle = make_bundle({"A": bars([5.0, 5.0])}, dividends=[("A", "2020-01-03", None, 0.1)])
    assert bundle.adjustments.dividends["pay_ns"].tolist() == [NAT]


def test_many_payers_are_read_in_blocks(monkeypatch):
    monkeypatch.setattr("rustybt.data.bundles.version._PAYERS_PER_BLOCK", 2)
    frames = {s: bars([10.0 * (i + 1), 1.0]) for i, s in enumerate("ABCDE")}
    paid = [(s, "2020-01-03", "2020-01-06", 1.0) for s in "ECABD"]
    ratios = make_bundle(frames, dividends=paid).adjustments.dividend_ratios
    assert ratios["sid"].tolist() == [0, 1, 2, 3, 4]
    assert ratios["ratio"].tolist() == [1 - 1.0 / (10.0 * (i + 1)) for i in range(5)]


def test_every_table_survives_the_disk():
    bundle = make_bundle(
        {"A": bars([5.0] * 4), "B": bars([6.0] * 4)},
        splits=[("B", "2020-01-06", 0.5), ("A", "2020-01-03", 2.0)],
        mergers=[("A", "2020-01-07", 0.9)],
        stock_dividends=[("A", "B", "2020-01-03", "2020-01-07", 0.25)],
    )
    tables = bundle.adjustments
    assert tables.splits.tolist() == [(0, ns("2020-01-03"), 2.0), (1, ns("2020-01-06"), 0.5)]
    assert tables.mergers.tolist() == [(0, ns("2020-01-07"), 0.9)]
    ex, pay = ns("2020-01-03"), ns("2020-01-07")
    assert tables.stock_dividends.tolist() == [(0, 1, ex, ex, ex, pay, 0.25)]


@given(
    closes=st.lists(st.one_of(st.floats(0.01, 1e6), st.just(float("nan"))), min_size=1, max_size=8),
    events=st.lists(st.tuples(st.integers(-2, 10), st.floats(0.001, 1e3)), max_size=6),
)
def test_ratios_equal_a_loop_over_the_dividends(closes, events):
    table = np.zeros(len(events), DIVIDEND)
    table["ex_ns"] = [row for row, _ in events]
    table["amount"] = [amount for _, amount in events]
    ratios, skipped = dividend_ratios(table, np.arange(len(closes)), np.array([0]), np.array(closes)[:, None])
    want, left_out = [], []
    for row, amount in events:
        before = [close for session, close in enumerate(closes) if session < row]
        ratio = 1.0 - amount / before[-1] if before else float("nan")
        if ratio > 0:
            want.append((0, row, ratio))
        left_out.append(bool(before) and not ratio > 0)
    assert ratios.tolist() == want and skipped.tolist() == left_out


def test_days_of_the_builder_are_sessions():
    assert days(3).strftime("%Y-%m-%d").tolist() == ["2020-01-02", "2020-01-03", "2020-01-06"]
