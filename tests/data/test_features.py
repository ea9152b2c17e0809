"""Features have one form and one digest, whatever they came in, and a model gets a copy of that form."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rustybt.data.features import features_of
from rustybt.errors import InvalidParameter

PAYLOAD = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)[0]


def digest(features):
    return features_of(features).digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([0.0, np.nan], np.array([-0.0, PAYLOAD])),
        ([0.0, np.nan], [0.0, -np.nan]),
        (np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3))),
        (np.arange(3.0), np.arange(6.0)[::2] / 2),
        (np.arange(3.0), np.arange(3.0).astype(">f8")),
        (1.5, np.float64(1.5)),
        (np.longdouble(1.5), 1.5),
    ],
)
def test_what_is_equal_has_one_digest(one, other):
    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1.0, 2.0], [2.0, 1.0]),
        ([1.0, 2.0], [[1.0, 2.0]]),
        ([1.0, 2.0], [[1.0], [2.0]]),
        (1.0, [1.0]),
        ([1.0], [1]),
        ([1.0], np.float32([1.0])),
        ([1], [True]),
        ([0.0], [np.nan]),
        ([1.0], [np.nextafter(1.0, 2.0)]),
        ([], [[]]),
        ([1.0], pd.Series([1.0])),
        (pd.Series([1.0]), pd.Series([1.0], index=["a"])),
        (pd.Series([1.0]), pd.Series([1.0], name="a")),
        (pd.Series([1.0]), pd.DataFrame([1.0])),
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), pd.DataFrame({"b": [1.0], "a": [2.0]})),
        (pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": [1]})),
        (pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": [1.0]}, index=pd.to_datetime(["2020-01-02"]))),
        (pd.DataFrame({"a": [1.0, 2.0]}), pd.DataFrame({"a": [1.0], "b": [2.0]})),
    ],
)
def test_what_differs_has_two(one, other):
    assert digest(one) != digest(other)


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)))
def test_digests_are_those_of_equal_values(array):
    same = np.where(array == 0, -array, array)
    same[np.isnan(same)] = PAYLOAD
    assert digest(array) == digest(same)
    changed = array.copy()
    changed.flat[0] = 1.0 if np.isnan(array.flat[0]) else np.nan
    assert digest(array) != digest(changed)


@given(st.floats(width=32))
def test_a_number_is_given_as_it_came(number):
    given_number = features_of(np.float32(number)).give(False)
    assert isinstance(given_number, np.float32)
    assert np.array_equal(given_number, np.float32(number), equal_nan=True)


def test_a_model_gets_the_form_that_is_hashed():
    array = np.array([-0.0, PAYLOAD, 1.0])
    got = features_of(array).give(False)
    assert got.tobytes() == np.array([0.0, np.nan, 1.0]).tobytes()
    assert array.view(np.uint64)[:2].tolist() == [1 << 63, 0x7FF8000000000001]  # and the strategy keeps its own


def test_a_model_may_write_what_it_gets():
    array = np.ones((2, 2))
    prepared = features_of(array)
    for rows in (False, True):
        prepared.give(rows)[:] = 0.0
    assert prepared.give(True).tolist() == array.tolist() == [[1.0, 1.0], [1.0, 1.0]]


@pytest.mark.parametrize(
    ("features", "rows"), [(2.0, [[2.0]]), ([1.0, 2.0], [[1.0, 2.0]]), ([[1.0], [2.0]], [[1.0], [2.0]])]
)
def test_one_dimension_is_one_row(features, rows):
    prepared = features_of(features)
    assert prepared.give(True).tolist() == rows
    assert prepared.is_row == (np.ndim(features) < 2)


def test_a_series_is_a_row_of_its_labels():
    row = pd.Series([1.0, -0.0], index=["a", "b"], name=pd.Timestamp("2020-01-02"))
    prepared = features_of(row)
    expected = pd.DataFrame({"a": [1.0], "b": [0.0]}, index=pd.DatetimeIndex(["2020-01-02"]))
    pd.testing.assert_frame_equal(prepared.give(True), expected, check_index_type=False)
    pd.testing.assert_series_equal(prepared.give(False), row.abs())
    assert prepared.is_row


def test_a_frame_keeps_its_labels_and_types():
    frame = pd.DataFrame(
        {"x": [1, 2], "y": [0.5, np.nan], "z": [True, False]}, index=pd.to_datetime(["2020-01-02", "2020-01-03"])
    )
    frame.columns.name = "kind"
    prepared = features_of(frame)
    pd.testing.assert_frame_equal(prepared.give(True), frame)
    assert not prepared.is_row


def test_columns_of_one_name_are_kept_apart():
    frame = pd.DataFrame([[1.0, 2.0]], columns=["a", "a"])
    pd.testing.assert_frame_equal(features_of(frame).give(True), frame)
    assert digest(frame) != digest(frame.iloc[:, ::-1])


@pytest.mark.parametrize(
    "features",
    [
        "text",
        ["a"],
        [None],
        [1j],
        np.array([1.0], dtype=object),
        pd.DataFrame({"a": ["x"]}),
        np.ma.masked_array([1.0], [True]),
        pd.to_datetime(["2020-01-02"]),
    ],
)
def test_what_is_no_number_is_refused(features):
    with pytest.raises(InvalidParameter, match="features are .*: give numbers"):
        features_of(features)


def test_rows_of_different_lengths_are_refused():
    with pytest.raises(InvalidParameter, match="give rows of equal length"):
        features_of([[1.0], [1.0, 2.0]])
