"""Which group does each asset belong to, on which day? Classifiers, and what is asked of their labels."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from rustybt._typing import BoolArray, IntArray
from rustybt.pipeline.computable import ComputableTerm
from rustybt.pipeline.custom import (
    CustomTermMixin,
    LatestMixin,
    PositiveWindowLengthMixin,
    RestrictedDTypeMixin,
    SingleInputMixin,
    StandardOutputs,
)
from rustybt.pipeline.dtypes import CLASSIFIER_DTYPES, categorical_dtype, int64_dtype
from rustybt.pipeline.expression import is_number
from rustybt.pipeline.filter import ArrayPredicate
from rustybt.pipeline.labels import LabelArray
from rustybt.pipeline.rows import quantile_bins
from rustybt.pipeline.sentinels import NotSpecified
from rustybt.pipeline.term import term_class


class InvalidClassifierComparison(TypeError):
    """A classifier compared with a value that its labels cannot be."""

    def __init__(self, classifier: Any, value: Any) -> None:
        super().__init__(
            f"cannot compare a classifier of dtype {classifier.dtype} with {value!r}: pass "
            f"{'a number' if classifier.dtype == int64_dtype else 'text'}"
        )


class Classifier(RestrictedDTypeMixin, ComputableTerm):
    """A label for each asset and session, an integer or a text, by which other terms are grouped."""

    ALLOWED_DTYPES = CLASSIFIER_DTYPES

    @classmethod
    def _principal_computable_term_type(cls) -> type:
        return Classifier

    def eq(self, other: Any) -> Any:
        """Give the filter of assets whose label is a value.

        Raises
        ------
        ValueError
            If the value is the one that stands for missing; use `isnull`.
        """
        if other == self.missing_value:
            raise ValueError(f"eq({other!r}): this value stands for missing, and equals nothing; use isnull()")
        self._require_comparable(other)
        return ArrayPredicate(term=self, op=operator.eq, opargs=(other,))

    def __ne__(self, other: Any) -> Any:
        self._require_comparable(other)
        op = operator.ne if self.dtype == categorical_dtype else _differs
        opargs = (other,) if self.dtype == categorical_dtype else (other, self.missing_value)
        return ArrayPredicate(term=self, op=op, opargs=opargs)

    def _require_comparable(self, other: Any) -> None:
        if is_number(other) != (self.dtype == int64_dtype):
            raise InvalidClassifierComparison(self, other)

    __hash__ = ComputableTerm.__hash__

    def _no_order(self, other: Any) -> Any:
        raise TypeError("labels of classifiers have no order: use eq, != or element_of")

    __lt__ = __le__ = __gt__ = __ge__ = _no_order

    def startswith(self, prefix: str | bytes) -> Any:
        """Give the filter of labels that begin with a text."""
        return self._text_predicate("startswith", LabelArray.startswith, prefix)

    def endswith(self, suffix: str | bytes) -> Any:
        """Give the filter of labels that end with a text."""
        return self._text_predicate("endswith", LabelArray.endswith, suffix)

    def has_substring(self, substring: str | bytes) -> Any:
        """Give the filter of labels that hold a text."""
        return self._text_predicate("has_substring", LabelArray.has_substring, substring)

    def matches(self, pattern: str | bytes | re.Pattern[Any]) -> Any:
        """Give the filter of labels that a regular expression matches from their beginning on."""
        return self._text_predicate("matches", LabelArray.matches, pattern)

    def _text_predicate(self, method: str, op: Any, argument: Any) -> Any:
        self._require_text(method)
        if not isinstance(argument, str | bytes | re.Pattern):
            raise TypeError(f"{method}() got {argument!r}: pass text")
        return ArrayPredicate(term=self, op=op, opargs=(argument,))

    def _require_text(self, method: str) -> None:
        if self.dtype != categorical_dtype:
            raise TypeError(f"{method}() is only defined on classifiers of text, but this one has dtype {self.dtype}")

    def relabel(self, relabeler: Callable[[Any], Any]) -> Any:
        """Give the classifier whose labels are a function's answers; the function gets each label once."""
        self._require_text("relabel")
        return Relabel(term=self, relabeler=relabeler)

    def element_of(self, choices: Iterable[Any]) -> Any:
        """Give the filter of labels that are among some.

        Raises
        ------
        TypeError
            If a choice is no label of this classifier's kind.
        ValueError
            If what stands for missing is among them; use `isnull`.
        """
        try:
            chosen = frozenset(choices)
        except TypeError as error:
            raise TypeError(f"element_of() got {choices!r}: pass several hashable values") from error
        if self.missing_value in chosen:
            raise ValueError(f"element_of() got {self.missing_value!r}, which stands for missing; use isnull()")
        kind: Any = int if self.dtype == int64_dtype else (str, bytes)
        strangers = sorted(repr(value) for value in chosen if not isinstance(value, kind))
        if strangers:
            raise TypeError(
                f"element_of() got {', '.join(strangers)} for labels of dtype {self.dtype}: pass labels of it"
            )
        op: Any = _is_among if self.dtype == int64_dtype else LabelArray.element_of
        return ArrayPredicate(term=self, op=op, opargs=(chosen,))

    def peer_count(self, mask: Any = NotSpecified) -> Any:
        """Give the factor of how many assets share each one's label."""
        return term_class("PeerCount")(inputs=[self], mask=mask)

    def postprocess(self, data: Any) -> Any:
        """Give text as pandas' categories."""
        return data.as_categorical() if isinstance(data, LabelArray) else data

    def _to_integral(self, labels: Any) -> tuple[IntArray, int]:
        """Give labels as integers, and the one that stands for missing."""
        if isinstance(labels, LabelArray):
            return labels.codes, 0
        return labels, int(self.missing_value)


def _differs(labels: IntArray, other: int, missing: int) -> BoolArray:
    return np.asarray((labels != other) & (labels != missing))


def _is_among(labels: IntArray, choices: frozenset[int]) -> BoolArray:
    return np.isin(labels, list(choices))


class Everything(Classifier):
    """One group of all assets that pass the mask."""

    dtype = int64_dtype
    window_length = 0
    inputs = ()
    missing_value = -1

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        return np.where(mask, 0, -1)


class Quantiles(SingleInputMixin, Classifier):
    """In which of some equally full bins each value lies, of a session's values; -1 where there is none."""

    params: Any = ("bins",)
    dtype = int64_dtype
    costly = True
    window_length = 0
    missing_value = -1

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        return quantile_bins(np.where(mask, inputs[0], np.nan), self.params["bins"])


class Relabel(SingleInputMixin, Classifier):
    """Another classifier's labels, mapped by a function."""

    window_length = 0
    params: Any = ("relabeler",)

    def __new__(cls, term: Any, relabeler: Callable[[Any], Any]) -> Any:
        """Map a classifier's labels."""
        return super().__new__(
            cls,
            inputs=(term,),
            dtype=term.dtype,
            missing_value=term.missing_value,
            mask=term.mask,
            relabeler=relabeler,
        )

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        labels = inputs[0].map(self.params["relabeler"])
        return labels.like(np.where(mask, labels.codes, 0))


class CustomClassifier(PositiveWindowLengthMixin, StandardOutputs, CustomTermMixin, Classifier):
    """Base of one's own classifiers: `compute` writes labels into `out`; see `CustomFactor`."""

    def _allocate_output(self, windows: list[Any], shape: tuple[int, int]) -> Any:
        if self.dtype == int64_dtype:
            return super()._allocate_output(windows, shape)
        known = [window.data for window in windows if isinstance(window.data, LabelArray)]
        return known[0].full(shape) if known else LabelArray(np.full(shape, self.missing_value), self.missing_value)


class Latest(LatestMixin, CustomClassifier):
    """The last label known; a column's `.latest` is one."""
