"""Text is held as codes of a table of labels, of which one stands for missing."""

import numpy as np
import pandas as pd
import pytest

from rustybt.pipeline.labels import LabelArray, labels_where

TEXT = np.array([["a", None, "ba"], ["c", "a", None]], dtype=object)


def test_labels_come_back_as_they_were_given():
    labels = LabelArray(TEXT, None)
    assert labels.as_string_array().tolist() == TEXT.tolist()
    assert labels.categories.tolist() == [None, "a", "ba", "c"]
    assert labels.shape == (2, 3)
    assert labels[0, 2] == "ba"
    assert labels[1].as_string_array().tolist() == ["c", "a", None]


@pytest.mark.parametrize("nothing", [None, float("nan"), pd.NA, pd.NaT])
def test_whatever_pandas_takes_for_nothing_is_missing(nothing):
    labels = LabelArray(np.array(["a", nothing], dtype=object), "")
    assert labels.is_missing().tolist() == [False, True]
    assert labels.as_string_array().tolist() == ["a", ""]


@pytest.mark.parametrize(
    ("ask", "want"),
    [
        (lambda labels: labels == "a", [[True, False, False], [False, True, False]]),
        (lambda labels: labels != "a", [[False, False, True], [True, False, False]]),
        (lambda labels: labels.startswith("b"), [[False, False, True], [False, False, False]]),
        (lambda labels: labels.endswith("a"), [[True, False, True], [False, True, False]]),
        (lambda labels: labels.has_substring("a"), [[True, False, True], [False, True, False]]),
        (lambda labels: labels.matches("[ac]$"), [[True, False, False], [True, True, False]]),
        (lambda labels: labels.element_of(["c", "zz"]), [[False, False, False], [True, False, False]]),
        (lambda labels: labels.not_missing(), [[True, False, True], [True, True, False]]),
    ],
)
def test_questions_are_answered_place_by_place_and_missing_is_never_true(ask, want):
    assert ask(LabelArray(TEXT, None)).tolist() == want


def test_maps_may_join_labels_and_make_them_missing():
    mapped = LabelArray(TEXT, None).map(lambda label: None if label == "c" else label[-1])
    assert mapped.as_string_array().tolist() == [["a", None, "a"], [None, "a", None]]
    with pytest.raises(TypeError, match="relabeler gave 1 for 'a'"):
        LabelArray(TEXT, None).map(len)


def test_assignment_takes_labels_that_were_not_there():
    labels = LabelArray(TEXT, None)
    copy = labels.copy()
    copy[0] = LabelArray(["x", "a", None], None)
    copy[1, 0] = "y"
    assert copy.as_string_array().tolist() == [["x", "a", None], ["y", "a", None]]
    assert labels.as_string_array().tolist() == TEXT.tolist()


def test_choosing_between_two():
    other = LabelArray([["p", "q", "r"]] * 2, None)
    chosen = labels_where(LabelArray(TEXT, None).not_missing(), LabelArray(TEXT, None), other)
    assert chosen.as_string_array().tolist() == [["a", "q", "ba"], ["c", "a", "r"]]


@pytest.mark.parametrize("missing", [None, "none"])
def test_pandas_gets_categories(missing):
    values = LabelArray(["b", missing, "a"], missing).as_categorical()
    assert values.isna().tolist() == [False, missing is None, False]
    assert [str(value) for value in values.dropna()] == ["b", "a"] if missing is None else ["b", "none", "a"]


def test_labels_of_one_kind_are_sorted_and_kinds_stand_apart():
    assert LabelArray(["b", b"a", "a"], None).categories.tolist() == [None, b"a", "a", "b"]
