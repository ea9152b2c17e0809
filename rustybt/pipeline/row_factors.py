"""Which factors are made of each session's values? Transformed values, ranks, and one number for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rustybt._typing import BoolArray
from rustybt.pipeline.classifier import Everything
from rustybt.pipeline.custom import SingleInputMixin
from rustybt.pipeline.dtypes import float64_dtype, is_missing
from rustybt.pipeline.factor import Factor
from rustybt.pipeline.rows import demeaned, in_groups, ranked, winsorized, zscored
from rustybt.pipeline.sentinels import NotSpecified
from rustybt.pipeline.summaries import SUMMARIES


class GroupedRowTransform(Factor):
    """A function of each session's values, group by group; NaN (or what is missing) outside of mask and groups."""

    costly = True
    window_length = 0
    transform: str
    arguments: tuple[Any, ...]

    def __new__(
        cls,
        transform: str,
        arguments: tuple[Any, ...],
        factor: Any,
        groupby: Any,
        missing_value: Any,
        mask: Any,
        window_safe: Any,
    ) -> Any:
        """Transform a factor."""
        mask = factor.mask if mask is NotSpecified else mask & factor.mask
        groupby = Everything(mask=mask) if groupby is NotSpecified else groupby
        return super().__new__(
            cls,
            transform=transform,
            arguments=arguments,
            inputs=(factor, groupby),
            missing_value=missing_value,
            mask=mask,
            dtype=float64_dtype,
            window_safe=window_safe,
        )

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        values, labels = inputs
        groups, nowhere = self.inputs[1]._to_integral(labels)
        there = mask & (groups != nowhere)
        floats = _as_floats(values, ~is_missing(values, self.inputs[0].missing_value))
        found = in_groups(lambda part: TRANSFORMS[self.transform](part, *self.arguments), floats, groups, there)
        return np.where(there, found, self.missing_value)

    def __repr__(self) -> str:
        return f"{self.inputs[0].recursive_repr()}.{self.transform}()"

    recursive_repr = graph_repr = __repr__


def _as_floats(values: Any, there: BoolArray) -> Any:
    """Give values as numbers in the same order, NaN where they do not count."""
    numbers = values.view(np.int64) if values.dtype.kind == "M" else values
    return np.where(there, numbers.astype(np.float64), np.nan)


def _ranked(values: Any, method: str, ascending: bool) -> Any:
    return ranked(values if ascending else -values, method)


TRANSFORMS: dict[str, Callable[..., Any]] = {
    "demean": demeaned,
    "zscore": zscored,
    "winsorize": winsorized,
    "rank": _ranked,
}


class Rank(SingleInputMixin, Factor):
    """The rank of each value among its session's; see `Factor.rank`."""

    costly = True
    window_length = 0
    dtype = float64_dtype
    window_safe = True
    method: str
    ascending: bool

    def __new__(cls, factor: Any, method: str, ascending: bool, mask: Any) -> Any:
        """Rank a factor."""
        return super().__new__(cls, inputs=(factor,), method=method, ascending=ascending, mask=mask)

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        values = inputs[0]
        there = mask & ~is_missing(values, self.inputs[0].missing_value)
        return _ranked(_as_floats(values, there), self.method, self.ascending)

    def __repr__(self) -> str:
        return f"{self.inputs[0].recursive_repr()}.rank(method={self.method!r}, ascending={self.ascending})"

    recursive_repr = graph_repr = __repr__


class DailySummary(SingleInputMixin, Factor):
    """One number a session, over all assets."""

    ndim = 1
    window_length = 0
    dtype = float64_dtype
    summary: str

    def __new__(cls, summary: str, factor: Any, mask: Any) -> Any:
        """Sum a factor up."""
        return super().__new__(
            cls, summary=summary, inputs=[factor], mask=mask, window_safe=factor.window_safe, missing_value=np.nan
        )

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        there = mask & ~is_missing(inputs[0], self.inputs[0].missing_value)
        return SUMMARIES[self.summary](np.where(there, inputs[0], np.nan)).astype(np.float64)[:, None]

    def __repr__(self) -> str:
        return f"{self.inputs[0].recursive_repr()}.{self.summary}()"

    recursive_repr = graph_repr = __repr__
