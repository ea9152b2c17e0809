"""A frame in memory is a column: values by morning and asset, and changes that are seen from a day on."""

import numpy as np
import pandas as pd
import pytest

from rustybt.errors import InvalidParameter
from rustybt.pipeline import CustomFactor, DataFrameLoader, Pipeline, run_pipeline
from rustybt.pipeline.data import Column, DataSet
from tests.builders import bars, days, make_bundle

DAYS = days(8)


class Own(DataSet):
    value = Column(float)
    count = Column(int, missing_value=-1)
    flag = Column(bool)
    name = Column(str)
    when = Column("datetime64[ns]")


@pytest.fixture(autouse=True)
def made():
    return make_bundle({name: bars([10.0] * 8) for name in "ABC"})


def window_of(column, length):
    class Rows(CustomFactor):
        inputs = (column,)
        window_length = length
        outputs = tuple(f"row{row}" for row in range(length))

        def compute(self, today, assets, out, values):
            for row in range(length):
                out[f"row{row}"][:] = values[row]

    return Rows()


def run(terms, loader, first=1, last=-1):
    table = run_pipeline(Pipeline(terms), DAYS[first], DAYS[last], bundle="made", custom_loader={loader.column: loader})
    return table.reset_index(level=1, drop=True)


@pytest.mark.parametrize(
    ("column", "values", "missing"),
    [
        (Own.value, [1.5, 2.5], np.nan),
        (Own.count, [3, 4], -1),
        (Own.flag, [True, True], False),
        (Own.name, ["x", "y"], None),
        (Own.when, [pd.Timestamp("2020-01-01"), pd.Timestamp("2021-01-01")], pd.NaT),
    ],
)
def test_values_are_known_on_their_day_and_missing_where_the_frame_has_none(column, values, missing):
    loader = DataFrameLoader(column, pd.DataFrame({0: values}, index=DAYS[2:4]))
    table = run({"x": column.latest}, loader, 1, 4)["x"]
    got = [list(table.loc[day]) for day in DAYS[1:5]]
    want = [[missing] * 3, [values[0], missing, missing], [values[1], missing, missing], [missing] * 3]
    for row, expected in zip(got, want, strict=True):
        for value, known in zip(row, expected, strict=True):
            assert (pd.isna(value) and pd.isna(known)) or value == known


def test_changes_are_seen_from_their_day_on():
    frame = pd.DataFrame({0: np.arange(1.0, 9.0), 1: 1.0}, index=DAYS)
    changes = pd.DataFrame(
        [
            (0, 10.0, "multiply", pd.NaT, DAYS[2], DAYS[4]),
            (0, 1.0, "add", DAYS[1], DAYS[1], DAYS[5]),
            (1, 7.0, "overwrite", DAYS[3], DAYS[3], DAYS[4]),
            (9, 7.0, "overwrite", DAYS[3], DAYS[3], DAYS[4]),
        ],
        columns=["sid", "value", "kind", "start_date", "end_date", "apply_date"],
    )
    rows = window_of(Own.value, 5)
    table = run({f"r{i}": getattr(rows, f"row{i}") for i in range(5)}, DataFrameLoader(Own.value, frame, changes), 4, 6)
    day4, day5, day6 = (table.loc[DAYS[row]].to_numpy() for row in (4, 5, 6))
    np.testing.assert_array_equal(day4[0], [np.nan, 20.0, 30.0, 4.0, 5.0])  # nobody is listed before its second day
    assert day5[0].tolist() == [21.0, 30.0, 4.0, 5.0, 6.0]
    assert day6[0].tolist() == [30.0, 4.0, 5.0, 6.0, 7.0]
    np.testing.assert_array_equal(day4[1], [np.nan, 1.0, 1.0, 7.0, 1.0])
    assert np.isnan(day4[2]).all()


def test_text_can_be_overwritten():
    frame = pd.DataFrame({0: ["a"] * 8}, index=DAYS)
    changes = pd.DataFrame(
        [(0, "b", "overwrite", DAYS[3], DAYS[3], DAYS[4])],
        columns=["sid", "value", "kind", "start_date", "end_date", "apply_date"],
    )

    class Changed(CustomFactor):
        inputs = (Own.name,)
        window_length = 3

        def compute(self, today, assets, out, names):
            out[:] = (names == "b").sum(axis=0)

    table = run({"x": Changed()}, DataFrameLoader(Own.name, frame, changes), 3, 7)["x"]
    assert [table.loc[day].iloc[0] for day in DAYS[3:8]] == [0.0, 1.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("kind", "column", "message"),
    [
        ("divide", Own.value, "kind 'divide' is not known: use one of multiply, add, overwrite"),
        (5, Own.value, "kind 5 is not known"),
        ("add", Own.flag, "values of dtype bool can only be overwritten"),
    ],
)
def test_changes_of_no_kind_are_refused(kind, column, message):
    changes = pd.DataFrame(
        [(0, 1.0, kind, DAYS[3], DAYS[3], DAYS[4])],
        columns=["sid", "value", "kind", "start_date", "end_date", "apply_date"],
    )
    loader = DataFrameLoader(column, pd.DataFrame({0: [True]}, index=DAYS[:1]).astype(column.dtype), changes)
    with pytest.raises(InvalidParameter, match=message):
        run({"x": column.latest}, loader)


def test_frames_must_say_each_thing_once():
    twice = pd.DataFrame({0: [1.0, 2.0]}, index=[DAYS[0], DAYS[0]])
    with pytest.raises(InvalidParameter, match="the frame's dates are not unique"):
        DataFrameLoader(Own.value, twice)
    with pytest.raises(InvalidParameter, match="adjustments have no kind, start_date"):
        DataFrameLoader(Own.value, twice.iloc[:1], pd.DataFrame({"sid": [0], "value": [1.0]}))


def test_a_loader_serves_its_own_column_only():
    loader = DataFrameLoader(Own.value, pd.DataFrame({0: [1.0]}, index=DAYS[:1]))
    with pytest.raises(ValueError, match="was asked for Own<US>.count"):
        run_pipeline(
            Pipeline({"x": Own.count.latest}), DAYS[1], DAYS[2], bundle="made", custom_loader={Own.count: loader}
        )


@pytest.mark.parametrize(("column", "missing"), [(Own.count, -1), (Own.flag, False)])
def test_a_hole_in_the_frame_is_missing_whatever_the_dtype(column, missing):
    frame = pd.DataFrame({0: [1.0, np.nan], 1: [np.nan, 1.0]}, index=DAYS[3:5])
    pipeline = Pipeline({"x": column.latest})
    table = run_pipeline(pipeline, DAYS[3], DAYS[4], "made", {column: DataFrameLoader(column, frame)})
    assert table["x"].tolist() == [1, missing, missing, missing, 1, missing]


def test_columns_are_sids_or_assets():
    with pytest.raises(InvalidParameter, match="'A', which is no sid and no asset"):
        DataFrameLoader(Own.value, pd.DataFrame({"A": [1.0]}, index=DAYS[:1]))


def test_infinite_values_are_transformed_without_warnings():
    frame = pd.DataFrame({0: [np.inf], 1: [1.0], 2: [3.0]}, index=DAYS[3:4])
    value = Own.value.latest
    for term, wanted in ((value.demean(), [np.nan, -np.inf, -np.inf]), (value.zscore(), [np.nan] * 3)):
        pipeline = Pipeline({"x": term})
        table = run_pipeline(pipeline, DAYS[3], DAYS[3], "made", {Own.value: DataFrameLoader(Own.value, frame)})
        np.testing.assert_array_equal(table["x"], wanted)
    deviation = Pipeline({"x": value - value.stddev()})
    table = run_pipeline(deviation, DAYS[3], DAYS[3], "made", {Own.value: DataFrameLoader(Own.value, frame)})
    assert len(table) == 3
