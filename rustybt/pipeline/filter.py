"""Which assets, on which days? Filters, and how they are combined."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rustybt._typing import BoolArray
from rustybt.errors import BadPercentileBounds
from rustybt.pipeline.computable import ComputableTerm
from rustybt.pipeline.custom import (
    CustomTermMixin,
    LatestMixin,
    PositiveWindowLengthMixin,
    RestrictedDTypeMixin,
    SingleInputMixin,
)
from rustybt.pipeline.dtypes import FILTER_DTYPES, bool_dtype, is_missing, same
from rustybt.pipeline.expression import BadBinaryOperator, Expression
from rustybt.pipeline.rows import largest_in_groups, percentile_bounds
from rustybt.pipeline.sentinels import NotSpecified
from rustybt.pipeline.term import Term, term_class


class Filter(RestrictedDTypeMixin, ComputableTerm):
    """A truth value for each asset and session; combined by `&`, `|` and `~`.

    Filters screen a pipeline, mask other terms, and may be taken windows of.

    Examples
    --------
    >>> from rustybt.pipeline.data import EquityPricing
    >>> (EquityPricing.close.latest > 5) & (EquityPricing.volume.latest > 1000)
    ((EquityPricing.close.latest > 5.0) & (EquityPricing.volume.latest > 1000.0))
    """

    ALLOWED_DTYPES = FILTER_DTYPES
    dtype: Any = bool_dtype
    window_safe: Any = True

    @classmethod
    def _principal_computable_term_type(cls) -> type:
        return Filter

    def __and__(self, other: Any) -> Any:
        return self._combined("&", self, other)

    def __rand__(self, other: Any) -> Any:
        return self._combined("&", other, self)

    def __or__(self, other: Any) -> Any:
        return self._combined("|", self, other)

    def __ror__(self, other: Any) -> Any:
        return self._combined("|", other, self)

    def __bool__(self) -> bool:
        raise TypeError(
            f"{self.recursive_repr()} has a truth value for each asset and session, and none of its own: combine "
            "filters with &, | and ~, not with and, or, not, or a chain such as 1 < factor < 2; ask 'is not None' for "
            "whether there is one"
        )

    def __invert__(self) -> Any:
        return FilterExpression("~", self, dtype=bool_dtype)

    @staticmethod
    def _combined(operation: str, left: Any, right: Any) -> Any:
        for value in (left, right):
            if not isinstance(value, bool | int | np.bool_) and not (
                isinstance(value, Term) and value.dtype == bool_dtype
            ):
                raise BadBinaryOperator(operation, left, right)
        return FilterExpression(operation, left, right, dtype=bool_dtype)

    def if_else(self, if_true: Any, if_false: Any) -> Any:
        """Give the term that has one term's values where this is True, and another's elsewhere.

        Raises
        ------
        TypeError, ValueError
            If the two are not of one kind, dtype, outputs and missing value.
        """
        kinds = []
        for term in (if_true, if_false):
            if not isinstance(term, ComputableTerm):
                raise TypeError(f"if_else got {term!r}: pass factors, filters or classifiers")
            kinds.append(term._principal_computable_term_type())
        if kinds[0] is not kinds[1]:
            raise TypeError(f"if_else got a {kinds[0].__name__} and a {kinds[1].__name__}: pass two of one kind")
        if if_true.dtype != if_false.dtype:
            raise TypeError(f"if_else got dtypes {if_true.dtype} and {if_false.dtype}: pass two terms of one dtype")
        if if_true.outputs != if_false.outputs:
            raise ValueError(
                f"if_else got outputs {if_true.outputs} and {if_false.outputs}: pass two terms with the same"
            )
        if not same(if_true.missing_value, if_false.missing_value):
            raise ValueError(
                f"if_else got missing values {if_true.missing_value!r} and {if_false.missing_value!r}: pass two terms "
                "with the same"
            )
        return if_true._universal("IfElseMixin", condition=self, if_true=if_true, if_false=if_false)


class FilterExpression(Expression, Filter):
    """A comparison, or filters combined; False where the term's mask is."""

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        return super()._compute(inputs, dates, assets, mask) & mask


class NullFilter(SingleInputMixin, Filter):
    """What is missing."""

    window_length = 0

    def __new__(cls, term: Any) -> Any:
        """Ask a term."""
        return super().__new__(cls, inputs=(term,))

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        return is_missing(inputs[0], self.inputs[0].missing_value)


class NotNullFilter(SingleInputMixin, Filter):
    """What is there."""

    window_length = 0

    def __new__(cls, term: Any) -> Any:
        """Ask a term."""
        return super().__new__(cls, inputs=(term,))

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        return ~is_missing(inputs[0], self.inputs[0].missing_value)


class PercentileFilter(SingleInputMixin, Filter):
    """Assets whose value lies between two percentiles of the session's values, both included."""

    costly = True
    window_length = 0
    min_percentile: float
    max_percentile: float

    def __new__(cls, factor: Any, min_percentile: float, max_percentile: float, mask: Any = NotSpecified) -> Any:
        """Choose by a factor, between percentiles from 0 to 100."""
        if not 0.0 <= min_percentile < max_percentile <= 100.0:
            raise BadPercentileBounds(
                f"percentiles {min_percentile} and {max_percentile} are no bounds: give two from 0 to 100, the "
                "smaller first"
            )
        return super().__new__(
            cls, inputs=(factor,), mask=mask, min_percentile=min_percentile, max_percentile=max_percentile
        )

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        values = np.where(mask, inputs[0].astype(np.float64), np.nan)
        low, high = percentile_bounds(values, (self.min_percentile, self.max_percentile))
        return (low <= values) & (values <= high)


class ArrayPredicate(SingleInputMixin, Filter):
    """What a function of a term's values says; False where its mask is."""

    window_length = 0
    params: Any = ("op", "opargs")

    def __new__(cls, term: Any, op: Any, opargs: tuple[Any, ...]) -> Any:
        """Ask a function of (values, *opargs)."""
        return super().__new__(cls, op=op, opargs=opargs, inputs=(term,), mask=term.mask)

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        return self.params["op"](inputs[0], *self.params["opargs"]) & mask


class MaximumFilter(Filter):
    """The asset with the greatest value, of all or of each group; of equal ones the first."""

    costly = True
    window_length = 0

    def __new__(cls, factor: Any, groupby: Any = NotSpecified, mask: Any = NotSpecified) -> Any:
        """Choose by a factor, in groups of a classifier."""
        groupby = term_class("Everything")() if groupby is NotSpecified else groupby
        return super().__new__(cls, inputs=(factor, groupby), mask=mask)

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        values, labels = inputs
        groups, nowhere = self.inputs[1]._to_integral(labels)
        there = mask & (groups != nowhere) & ~is_missing(values, self.inputs[0].missing_value)
        return largest_in_groups(values, groups, there)

    def __repr__(self) -> str:
        of, by = (term.recursive_repr() for term in self.inputs)
        return f"Maximum({of}, groupby={by}, mask={self.mask.recursive_repr()})"


class CustomFilter(PositiveWindowLengthMixin, CustomTermMixin, Filter):
    """Base of one's own filters: `compute` writes truth values into `out`; see `CustomFactor`."""

    ctx: ClassVar[Any] = CustomTermMixin.ctx


class Latest(LatestMixin, CustomFilter):
    """The last truth value known; a column's `.latest` is one."""
