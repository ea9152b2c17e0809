"""Which number, or date, does each asset get on each day? Factors, their arithmetic, and what is made of their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from rustybt._typing import BoolArray
from rustybt.errors import BadPercentileBounds, UnknownRankMethod, did_you_mean
from rustybt.pipeline.classifier import Classifier, Quantiles
from rustybt.pipeline.computable import ComputableTerm
from rustybt.pipeline.custom import (
    CustomTermMixin,
    LatestMixin,
    PositiveWindowLengthMixin,
    RestrictedDTypeMixin,
    SingleInputMixin,
    require_filter,
)
from rustybt.pipeline.dtypes import FACTOR_DTYPES, bool_dtype, coerce_to_dtype, float64_dtype
from rustybt.pipeline.expression import COMPARISONS, MATH_FUNCTIONS, BadBinaryOperator, Expression, is_number
from rustybt.pipeline.filter import FilterExpression, MaximumFilter, PercentileFilter
from rustybt.pipeline.rows import RANK_METHODS
from rustybt.pipeline.sentinels import NotSpecified
from rustybt.pipeline.summaries import SUMMARIES
from rustybt.pipeline.term import LoadableTerm, Term, term_class


def _operator(operation: str, reflected: bool = False) -> Callable[[Any, Any], Any]:
    def operate(self: Any, other: Any) -> Any:
        if isinstance(other, LoadableTerm):
            raise TypeError(f"cannot compute a factor {operation} the column {other!r}: did you mean its .latest?")
        if is_number(other):
            other = coerce_to_dtype(other, self.dtype, f"operand of {operation}")
            other = other.item() if isinstance(other, np.generic) else other
        elif not isinstance(other, Term):
            raise BadBinaryOperator(operation, self, other)
        pair = (other, self) if reflected else (self, other)
        if isinstance(other, Term) and other.dtype != self.dtype:
            raise BadBinaryOperator(operation, *pair)
        if operation in COMPARISONS:
            return FilterExpression(operation, *pair, dtype=bool_dtype)
        if self.dtype != float64_dtype:
            raise BadBinaryOperator(operation, *pair)
        return FactorExpression(operation, *pair, dtype=float64_dtype)

    return operate


def _function(name: str) -> Callable[[Any], Any]:
    def apply(self: Any) -> Any:
        self._require_float(name)
        return FactorExpression(name, self, dtype=float64_dtype)

    apply.__name__ = name
    apply.__doc__ = f"Give the factor of {name}() of each value."
    return apply


def _summary(name: str) -> Callable[..., Any]:
    def summarize(self: Any, mask: Any = NotSpecified) -> Any:
        self._require_float(name)
        return term_class("DailySummary")(name, self, require_filter(mask, name))

    summarize.__name__ = name
    summarize.__doc__ = f"Give the session's {name} over all assets, or those that pass a mask, as one value a session."
    return summarize


def _require_classifier(groupby: Any, what: str) -> None:
    if groupby is not NotSpecified and not isinstance(groupby, Classifier):
        raise TypeError(f"{what} got {groupby!r} as groupby: pass a classifier, such as factor.quantiles(5)")


class Factor(RestrictedDTypeMixin, ComputableTerm):
    """A number (or date) for each asset and session.

    Factors of float64 are added, multiplied and so on with each other and with numbers; comparisons give filters (`eq`
    for `==`, which asks whether two terms are one). `abs`, `log`, `sqrt`, `exp`, `sin` and others apply to each value;
    `mean`, `stddev`, `max`, `min`, `median`, `sum` and `notnull_count` sum up each session.

    Examples
    --------
    >>> from rustybt.pipeline.data import EquityPricing
    >>> EquityPricing.close.latest / EquityPricing.open.latest - 1
    ((EquityPricing.close.latest / EquityPricing.open.latest) - 1.0)
    """

    ALLOWED_DTYPES = FACTOR_DTYPES

    @classmethod
    def _principal_computable_term_type(cls) -> type:
        return Factor

    __add__, __radd__ = _operator("+"), _operator("+", reflected=True)
    __sub__, __rsub__ = _operator("-"), _operator("-", reflected=True)
    __mul__, __rmul__ = _operator("*"), _operator("*", reflected=True)
    __truediv__, __rtruediv__ = _operator("/"), _operator("/", reflected=True)
    __mod__, __rmod__ = _operator("%"), _operator("%", reflected=True)
    __pow__, __rpow__ = _operator("**"), _operator("**", reflected=True)
    __lt__, __le__, __gt__, __ge__ = map(_operator, ("<", "<=", ">", ">="))
    __ne__ = _operator("!=")
    eq = _operator("==")
    __hash__ = ComputableTerm.__hash__
    sin, cos, tan, arcsin, arccos, arctan, sinh, cosh, tanh = map(_function, MATH_FUNCTIONS[:9])
    arcsinh, arccosh, arctanh, log, log10, log1p, exp, expm1, sqrt, abs = map(_function, MATH_FUNCTIONS[9:])
    mean, stddev, max, min, median, sum, notnull_count = map(_summary, SUMMARIES)
    __abs__ = abs

    def __neg__(self) -> Any:
        self._require_float("-")
        return FactorExpression("negative", self, dtype=float64_dtype)

    def _require_float(self, method: str) -> None:
        if self.dtype != float64_dtype:
            hint = "; use isnull() or notnull()" if method in ("isnan", "notnan", "isfinite") else ""
            raise TypeError(
                f"{method}() is only defined for factors of dtype float64, but {type(self).__name__} has "
                f"{self.dtype}{hint}"
            )

    # Row by row -------------------------------------------------------------------------------------------------

    def demean(self, mask: Any = NotSpecified, groupby: Any = NotSpecified) -> Any:
        """Give each value less the mean of its session's, or of its group's.

        Parameters
        ----------
        mask : Filter
            Assets that count; others get NaN.
        groupby : Classifier
            Groups.
        """
        return self._transformed("demean", (), mask, groupby, window_safe=self.window_safe)

    def zscore(self, mask: Any = NotSpecified, groupby: Any = NotSpecified) -> Any:
        """Give how many deviations (ddof 0) each value lies above its session's mean, or its group's; see `demean`."""
        return self._transformed("zscore", (), mask, groupby, window_safe=True)

    def winsorize(
        self, min_percentile: float, max_percentile: float, mask: Any = NotSpecified, groupby: Any = NotSpecified
    ) -> Any:
        """Give values whose extremes are brought in to those at two percentiles, from 0 to 1; see `demean`."""
        if not 0.0 <= min_percentile < max_percentile <= 1.0:
            raise BadPercentileBounds(
                f"winsorize: percentiles {min_percentile} and {max_percentile} are no bounds: give two from 0 to 1, "
                "the smaller first"
            )
        bounds = (min_percentile, max_percentile)
        return self._transformed("winsorize", bounds, mask, groupby, window_safe=self.window_safe)

    def _transformed(self, method: str, arguments: tuple[Any, ...], mask: Any, groupby: Any, window_safe: Any) -> Any:
        self._require_float(method)
        require_filter(mask, method)
        _require_classifier(groupby, method)
        return term_class("GroupedRowTransform")(
            method, arguments, self, groupby, self.missing_value, mask, window_safe
        )

    def rank(
        self,
        method: str = "ordinal",
        ascending: bool = True,
        mask: Any = NotSpecified,
        groupby: Any = NotSpecified,
    ) -> Any:
        """Give the rank of each value, from 1 on, among its session's or its group's.

        Parameters
        ----------
        method : {"ordinal", "min", "max", "dense", "average"}
            What equal values get, see `scipy.stats.rankdata`.
        ascending : bool
            Whether the smallest value has rank 1.
        mask : Filter
            Assets that are ranked; others get NaN.
        groupby : Classifier
            Groups.

        Raises
        ------
        UnknownRankMethod
            If the method is none of these.
        """
        if method not in RANK_METHODS:
            raise UnknownRankMethod(
                f"rank: method {method!r} is not known{did_you_mean(str(method), RANK_METHODS)}: use one of "
                f"{', '.join(RANK_METHODS)}"
            )
        require_filter(mask, "rank")
        _require_classifier(groupby, "rank")
        if groupby is NotSpecified:
            return term_class("Rank")(self, method=method, ascending=ascending, mask=mask)
        return term_class("GroupedRowTransform")("rank", (method, ascending), self, groupby, np.nan, mask, True)

    def quantiles(self, bins: int, mask: Any = NotSpecified) -> Any:
        """Give the classifier of `bins` bins that hold equally many of a session's values, from 0; -1 for none."""
        mask = self.mask if require_filter(mask, "quantiles") is NotSpecified else mask
        return Quantiles(inputs=(self,), bins=bins, mask=mask)

    def quartiles(self, mask: Any = NotSpecified) -> Any:
        """Give `quantiles` of 4 bins."""
        return self.quantiles(bins=4, mask=mask)

    def quintiles(self, mask: Any = NotSpecified) -> Any:
        """Give `quantiles` of 5 bins."""
        return self.quantiles(bins=5, mask=mask)

    def deciles(self, mask: Any = NotSpecified) -> Any:
        """Give `quantiles` of 10 bins."""
        return self.quantiles(bins=10, mask=mask)

    def top(self, N: int, mask: Any = NotSpecified, groupby: Any = NotSpecified) -> Any:
        """Give the filter of the N greatest values of each session, or of each group."""
        _require_classifier(groupby, "top")
        if N == 1:
            return MaximumFilter(self, groupby=groupby, mask=mask)
        return self.rank(ascending=False, mask=mask, groupby=groupby) <= N

    def bottom(self, N: int, mask: Any = NotSpecified, groupby: Any = NotSpecified) -> Any:
        """Give the filter of the N smallest values of each session, or of each group."""
        return self.rank(ascending=True, mask=mask, groupby=groupby) <= N

    def percentile_between(self, min_percentile: float, max_percentile: float, mask: Any = NotSpecified) -> Any:
        """Give the filter of values between two percentiles, from 0 to 100, of each session's; both included."""
        return PercentileFilter(self, min_percentile=min_percentile, max_percentile=max_percentile, mask=mask)

    def isnan(self) -> Any:
        """Give the filter of NaNs."""
        self._require_float("isnan")
        return self != self

    def notnan(self) -> Any:
        """Give the filter of values that are no NaN."""
        self._require_float("notnan")
        return ~self.isnan()

    def isfinite(self) -> Any:
        """Give the filter of values that are neither NaN nor infinite."""
        self._require_float("isfinite")
        return (-np.inf < self) & (self < np.inf)

    def clip(self, min_bound: float, max_bound: float, mask: Any = NotSpecified) -> Any:
        """Give values brought in to two bounds."""
        return term_class("Clip")(inputs=[self], min_bound=min_bound, max_bound=max_bound, mask=mask)

    # With other terms -------------------------------------------------------------------------------------------

    def pearsonr(self, target: Any, correlation_length: int, mask: Any = NotSpecified) -> Any:
        """Give the correlation of each asset's past values with a target's; see `factors.RollingPearson`."""
        return term_class("RollingPearson")(self, target, correlation_length, mask)

    def spearmanr(self, target: Any, correlation_length: int, mask: Any = NotSpecified) -> Any:
        """Give the correlation of ranks of each asset's past values with a target's; see `factors.RollingSpearman`."""
        return term_class("RollingSpearman")(self, target, correlation_length, mask)

    def linear_regression(self, target: Any, regression_length: int, mask: Any = NotSpecified) -> Any:
        """Give the regression of each asset's past values on a target's; see `factors.RollingLinearRegression`."""
        return term_class("RollingLinearRegression")(self, target, regression_length, mask)


class FactorExpression(Expression, Factor):
    """Factors and numbers combined."""


class CustomFactor(PositiveWindowLengthMixin, CustomTermMixin, Factor):
    """Base of one's own factors: `compute` gets windows of the inputs, and writes a session's values into `out`.

    Parameters
    ----------
    inputs : iterable of Term
        Columns, or terms whose past values may be compared with later ones.
    outputs : iterable of str, optional
        Names of several values for each asset; each is then a factor of its own, an attribute of the term.
    window_length : int
        Sessions of a window.
    mask : Filter, optional
        Assets that are computed.

    Each may be an attribute of the class instead, as `params` may: names, or a dict of names and defaults, of further
    keyword arguments of `compute`.

    Examples
    --------
    >>> from rustybt.pipeline.data import EquityPricing
    >>> class TenDayRange(CustomFactor):
    ...     inputs = [EquityPricing.high, EquityPricing.low]
    ...     window_length = 10
    ...
    ...     def compute(self, today, assets, out, highs, lows):
    ...         out[:] = highs.max(axis=0) - lows.min(axis=0)
    >>> TenDayRange()
    TenDayRange([EquityPricing.high, EquityPricing.low], 10)
    """

    dtype: Any = float64_dtype
    ctx: ClassVar[Any] = CustomTermMixin.ctx

    def __getattr__(self, name: str) -> Any:
        outputs = self.outputs
        if not name.startswith("_") and outputs is not NotSpecified:
            if name in outputs:
                return RecarrayField(factor=self, attribute=name)
            raise AttributeError(
                f"{type(self).__name__} has no output named {name!r}: its outputs are {', '.join(outputs)}"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __iter__(self) -> Iterator[Any]:
        if self.outputs is NotSpecified:
            raise ValueError(f"{type(self).__name__} does not have multiple outputs, and cannot be taken apart")
        return (RecarrayField(factor=self, attribute=name) for name in self.outputs)


class RecarrayField(SingleInputMixin, Factor):
    """One of several outputs of a factor."""

    attribute: str

    def __new__(cls, factor: Any, attribute: str) -> Any:
        """Pick an output."""
        return super().__new__(
            cls,
            attribute=attribute,
            inputs=[factor],
            window_length=0,
            mask=factor.mask,
            dtype=factor.dtype,
            missing_value=factor.missing_value,
            window_safe=factor.window_safe,
        )

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        return np.ascontiguousarray(inputs[0][self.attribute])

    def __repr__(self) -> str:
        return f"{self.inputs[0].recursive_repr()}.{self.attribute}"

    recursive_repr = graph_repr = __repr__


class Latest(LatestMixin, CustomFactor):
    """The last number known; a column's `.latest` is one."""
