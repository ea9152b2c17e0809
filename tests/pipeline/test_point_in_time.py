"""A bundle's point-in-time table is a dataset: each morning has what was known by then, and no later correction."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt.data import bundles
from rustybt.errors import InvalidParameter
from rustybt.pipeline import CustomFactor, Pipeline, dataset_of, run_pipeline
from rustybt.pipeline.data import Column, DataSet
from rustybt.pipeline.domain import EquityCalendarDomain
from rustybt.pipeline.loaders.point_in_time import _latest_known
from tests.builders import bars, days

DAYS = days(10)


class Fundamentals(DataSet):
    table = "fundamentals"
    earnings = Column(float)
    sector = Column(str)
    listed = Column(bool)
    asof_date = Column("datetime64[ns]")


def make(rows):
    columns = ["symbol", "asof_date", "timestamp", "earnings", "sector", "listed"]
    table = pd.DataFrame(rows, columns=columns)
    bundles.ingest_frames({name: bars([10.0] * 10) for name in "AB"}, name="told", datasets={"fundamentals": table})
    return bundles.load("told")


def known(term, data, first=1, last=9):
    table = run_pipeline(Pipeline({"x": term}), DAYS[first], DAYS[last], bundle=data)["x"]
    return [list(table.loc[day]) for day in DAYS[first : last + 1]]


def at(day, time):
    return f"{DAYS[day].date()} {time}"


def test_a_domain_says_how_long_before_the_open_something_must_be_known():
    data = make([("A", DAYS[0], at(3, "12:30"), 1.0, "x", True), ("B", DAYS[0], at(3, "12:31"), 2.0, "y", True)])
    early = EquityCalendarDomain("US", "XNYS", data_query_offset=-np.timedelta64(2, "h"))
    pipeline = Pipeline({"x": Fundamentals.earnings.latest}, domain=early)
    got = run_pipeline(pipeline, DAYS[3], DAYS[4], bundle=data)["x"].tolist()
    np.testing.assert_array_equal(got, [1.0, np.nan, 1.0, 2.0])


def test_a_row_is_known_from_its_timestamp_on():
    data = make([("A", DAYS[0], at(3, "13:45"), 1.0, "x", True), ("B", DAYS[0], at(3, "13:46"), 2.0, "y", False)])
    got = known(Fundamentals.earnings.latest, data, 2, 5)
    np.testing.assert_array_equal(got, [[np.nan, np.nan], [1.0, np.nan], [1.0, 2.0], [1.0, 2.0]])
    sectors = known(Fundamentals.sector.latest, data, 3, 4)
    assert [[None if pd.isna(name) else name for name in row] for row in sectors] == [["x", None], ["x", "y"]]
    assert known(Fundamentals.listed.latest, data, 3, 4) == [[True, False], [True, False]]
    assert known(Fundamentals.asof_date.latest, data, 4, 4) == [[DAYS[0], DAYS[0]]]


def test_of_what_is_known_the_latest_day_counts_and_then_the_latest_word():
    data = make(
        [
            ("A", "2019-09-30", at(1, "00:00"), 1.0, "x", True),
            ("A", "2019-12-31", at(2, "00:00"), 2.0, "x", True),
            ("A", "2019-09-30", at(4, "00:00"), 1.1, "x", True),  # a correction of an older day
            ("A", "2019-12-31", at(6, "00:00"), 2.1, "x", True),  # one of the day that counts
        ]
    )
    got = [row[0] for row in known(Fundamentals.earnings.latest, data, 1, 7)]
    assert got == [1.0, 2.0, 2.0, 2.0, 2.0, 2.1, 2.1]


def test_a_value_that_is_missing_leaves_the_one_before():
    data = make(
        [("A", "2019-09-30", at(1, "00:00"), 1.0, "x", True), ("A", "2019-12-31", at(3, "00:00"), np.nan, "z", True)]
    )
    assert [row[0] for row in known(Fundamentals.earnings.latest, data, 2, 4)] == [1.0, 1.0, 1.0]
    assert [row[0] for row in known(Fundamentals.sector.latest, data, 2, 4)] == ["x", "z", "z"]


def test_windows_hold_what_was_known_on_each_of_their_sessions():
    data = make(
        [("A", "2019-12-31", at(2, "00:00"), 1.0, "x", True), ("A", "2019-12-31", at(4, "00:00"), 5.0, "x", True)]
    )

    class Sum(CustomFactor):
        inputs = (Fundamentals.earnings,)
        window_length = 3

        def compute(self, today, assets, out, earnings):
            out[:] = earnings.sum(axis=0)

    assert [row[0] for row in known(Sum(), data, 4, 6)] == [7.0, 11.0, 15.0]


def test_a_dataset_is_made_of_a_table():
    data = make([("A", DAYS[0], at(1, "00:00"), 1.0, "x", True)])
    made = dataset_of(data, "fundamentals")
    assert {column.name: str(column.dtype) for column in made.columns} == {
        "asof_date": "datetime64[ns]",
        "earnings": "float64",
        "listed": "bool",
        "sector": "object",
    }
    assert known(made.earnings.latest > 0.5, data, 2, 2) == [[True, False]]
    with pytest.raises(InvalidParameter, match=r"dataset 'fundamental' is not in .*did you mean 'fundamentals'"):
        dataset_of(data, "fundamental")


def test_tables_and_columns_that_are_not_there_are_named():
    data = make([("A", DAYS[0], at(1, "00:00"), 1.0, "x", True)])

    class Wrong(DataSet):
        table = "fundamentals"
        earning = Column(float)

    class Nowhere(DataSet):
        table = "prices"
        value = Column(float)

    class Nothing(DataSet):
        value = Column(float)

    with pytest.raises(InvalidParameter, match=r"no column 'earning' \(did you mean 'earnings'\?\)"):
        known(Wrong.earning.latest, data)
    with pytest.raises(InvalidParameter, match="dataset 'prices' is not in"):
        known(Nowhere.value.latest, data)
    with pytest.raises(ValueError, match="bundle 'told' has fundamentals"):
        known(Nothing.value.latest, data)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6), st.integers(0, 50)), max_size=12, unique_by=lambda e: e[2])
)
def test_the_best_known_event_is_that_of_a_plain_search(events):
    place, rows, days_about = (np.array([event[k] for event in events], dtype=np.int64) for k in range(3))
    rank = np.argsort(np.argsort(days_about))
    got = _latest_known(6, 3, place, rows, rank)
    for row in range(6):
        for asset in range(3):
            there = [k for k, event in enumerate(events) if event[0] == asset and event[1] <= row]
            assert got[row, asset] == max(there, key=lambda k: events[k][2], default=-1)
