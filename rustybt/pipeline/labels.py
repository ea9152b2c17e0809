"""How does a term hold text? As codes of a table of labels, one of which stands for missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rustybt._typing import BoolArray

Label = str | bytes | None


class LabelArray:
    """An array of text.

    Parameters
    ----------
    values : array-like of str, bytes or None, any shape
        The text.
    missing_value : str, bytes or None
        The label that stands for missing. What is None, NaN or pd.NA stands for it too.
    categories : iterable of label, optional
        Labels besides those in values.

    Attributes
    ----------
    codes : int64 array
        Indices into `categories`.
    categories : object array, shape (n_labels,)
        Each label once, sorted, the missing one at the front.
    missing_value : label
        Code 0.

    Examples
    --------
    >>> labels = LabelArray(["a", None, "b"], missing_value=None)
    >>> (labels == "a").tolist(), labels.is_missing().tolist()
    ([True, False, False], [False, True, False])
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, values: Any, missing_value: Label, categories: Iterable[Label] = ()) -> None:
        values = np.asarray(values, dtype=object)
        flat = values.ravel()
        flat = np.where(pd.isna(flat), np.array([missing_value], dtype=object), flat)
        known = {label for label in (*flat.tolist(), *categories) if label != missing_value}
        self.missing_value = missing_value
        self.categories = table_of([missing_value, *sorted(known, key=_sort_key)])
        codes = {label: code for code, label in enumerate(self.categories.tolist())}
        self.codes: NDArray[np.int64] = np.array([codes[label] for label in flat.tolist()], dtype=np.int64)
        self.codes = self.codes.reshape(values.shape)

    @classmethod
    def of_codes(cls, codes: NDArray[np.int64], categories: NDArray[Any], missing_value: Label) -> LabelArray:
        """Make one of codes; code 0 is the missing value's."""
        made = cls.__new__(cls)
        made.codes, made.categories, made.missing_value = codes, categories, missing_value
        return made

    def like(self, codes: NDArray[np.int64]) -> LabelArray:
        """Make one of other codes, with the same labels."""
        return self.of_codes(codes, self.categories, self.missing_value)

    def full(self, shape: tuple[int, ...]) -> LabelArray:
        """Make one of a shape, with the same labels, of which all are missing."""
        return self.like(np.zeros(shape, dtype=np.int64))

    # As an array ------------------------------------------------------------------------------------------------

    dtype = np.dtype("O")

    @property
    def shape(self) -> tuple[int, ...]:
        """As an array's."""
        return self.codes.shape

    @property
    def ndim(self) -> int:
        """As an array's."""
        return self.codes.ndim

    @property
    def nbytes(self) -> int:
        """Of the codes."""
        return self.codes.nbytes

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, index: Any) -> Any:
        codes = self.codes[index]
        return self.like(codes) if isinstance(codes, np.ndarray) else self.categories[codes]

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(value, LabelArray):
            self.codes[index] = self._codes_of(value.categories)[value.codes]
        else:
            values = np.asarray(value, dtype=object)
            self.codes[index] = self._codes_of(values.ravel()).reshape(values.shape)

    def __repr__(self) -> str:
        return f"LabelArray({self.as_string_array()!r})"

    def copy(self) -> LabelArray:
        """Give one that can be changed without changing this."""
        return self.like(self.codes.copy())

    def _codes_of(self, labels: NDArray[Any]) -> NDArray[np.int64]:
        """Give codes for labels; those that are new join the table."""
        known = {label: code for code, label in enumerate(self.categories.tolist())}
        new = sorted({label for label in labels.tolist() if label not in known}, key=_sort_key)
        if new:
            known |= {label: len(known) + place for place, label in enumerate(new)}
            self.categories = table_of([*self.categories.tolist(), *new])
        return np.array([known[label] for label in labels.tolist()], dtype=np.int64)

    # What it says -----------------------------------------------------------------------------------------------

    def is_missing(self) -> BoolArray:
        """Say which labels are missing."""
        return np.asarray(self.codes == 0)

    def not_missing(self) -> BoolArray:
        """Say which labels are there."""
        return np.asarray(self.codes != 0)

    def as_int_array(self) -> NDArray[np.int64]:
        """Give the codes."""
        return self.codes

    @property
    def missing_value_code(self) -> int:
        """The missing label's code."""
        return 0

    def as_string_array(self) -> NDArray[Any]:
        """Give the labels."""
        return np.asarray(self.categories[self.codes])

    def as_categorical(self) -> pd.Categorical:
        """Give one dimension of labels as pandas holds them; None is NaN there and no category."""
        if self.missing_value is None:
            return pd.Categorical.from_codes((self.codes - 1).tolist(), categories=self.categories[1:].tolist())
        return pd.Categorical.from_codes(self.codes.tolist(), categories=self.categories.tolist())

    def __eq__(self, other: object) -> BoolArray:  # type: ignore[override]
        return self._compare(other) & self.not_missing()

    def __ne__(self, other: object) -> BoolArray:  # type: ignore[override]
        return ~self._compare(other) & self.not_missing()

    def _compare(self, other: object) -> BoolArray:
        if isinstance(other, LabelArray):
            return np.asarray(self.as_string_array() == other.as_string_array())
        return np.asarray(self.as_string_array() == other)

    def map_predicate(self, predicate: Callable[[Any], bool]) -> BoolArray:
        """Ask each label; what is missing is False."""
        answers = [False, *(bool(predicate(label)) for label in self.categories.tolist()[1:])]
        return np.array(answers)[self.codes]

    def map(self, function: Callable[[Any], Label]) -> LabelArray:
        """Replace each label by a function's answer; what is missing stays so.

        Raises
        ------
        TypeError
            If an answer is no label.
        """
        answers = [self.missing_value]
        for label in self.categories.tolist()[1:]:
            answer = function(label)
            if not isinstance(answer, str | bytes | None):
                raise TypeError(f"relabeler gave {answer!r} for {label!r}: it must give a str, bytes or None")
            answers.append(answer)
        table = LabelArray(answers, self.missing_value)
        return table.like(table.codes[self.codes])

    def startswith(self, prefix: Any) -> BoolArray:
        """Say which labels begin with a text."""
        return self.map_predicate(lambda label: label.startswith(prefix))

    def endswith(self, suffix: Any) -> BoolArray:
        """Say which labels end with a text."""
        return self.map_predicate(lambda label: label.endswith(suffix))

    def has_substring(self, substring: Any) -> BoolArray:
        """Say which labels hold a text."""
        return self.map_predicate(lambda label: substring in label)

    def matches(self, pattern: Any) -> BoolArray:
        """Say which labels a regular expression matches from their beginning on."""
        return self.map_predicate(re.compile(pattern).match)  # type: ignore[arg-type]

    def element_of(self, labels: Iterable[Label]) -> BoolArray:
        """Say which labels are among some."""
        return self.map_predicate(set(labels).__contains__)


def labels_where(condition: BoolArray, left: LabelArray, right: LabelArray) -> LabelArray:
    """Choose between two arrays of labels, place by place."""
    return LabelArray(np.where(condition, left.as_string_array(), right.as_string_array()), left.missing_value)


def table_of(labels: list[Label]) -> NDArray[Any]:
    """Give labels as an array, whatever they are."""
    table = np.empty(len(labels), dtype=object)
    table[:] = labels
    return table


def _sort_key(label: Label) -> tuple[str, Any]:
    return type(label).__name__, label if label is not None else ""
