"""Which terms exist of factors, filters and classifiers alike? Those that rename, slow down, cut, choose and fill."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray, IntArray
from rustybt.errors import InvalidParameter, NoFurtherDataError, NonExistentAssetInTimeFrame, did_you_mean
from rustybt.pipeline.custom import SingleInputMixin, StandardOutputs
from rustybt.pipeline.dtypes import bool_dtype, object_dtype
from rustybt.pipeline.labels import LabelArray, labels_where
from rustybt.pipeline.term import Term

FREQUENCIES = {
    "year_start": lambda dates: dates.year,
    "quarter_start": lambda dates: dates.quarter,
    "month_start": lambda dates: dates.month,
    "week_start": lambda dates: dates.isocalendar()["week"].to_numpy(),
}


class UniversalMixin(Term):
    """A term that has the kind of another: each of these classes exists once for factors, filters and classifiers."""

    _specializations: ClassVar[dict[tuple[type, type], type]] = {}
    _prefix: ClassVar[str] = ""
    _suffix: ClassVar[str] = ""

    @classmethod
    def specialized(cls, principal: type) -> Any:
        """Give this class for factors, filters or classifiers."""
        key = (cls, principal)
        if key not in cls._specializations:
            name = f"{cls._prefix}{principal.__name__}{cls._suffix}"
            cls._specializations[key] = type(name, (cls, principal), {"__module__": principal.__module__})
        return cls._specializations[key]

    @classmethod
    def _class_for_pickle(cls) -> Any:
        return next(key for key, made in cls._specializations.items() if made is cls)


class AliasedMixin(SingleInputMixin, UniversalMixin):
    """A term under another name."""

    _prefix = "Aliased"
    name: str

    def __new__(cls, term: Any, name: str) -> Any:
        """Name a term."""
        return super().__new__(
            cls,
            inputs=(term,),
            outputs=term.outputs,
            window_length=0,
            name=name,
            dtype=term.dtype,
            missing_value=term.missing_value,
            ndim=term.ndim,
            window_safe=term.window_safe,
        )

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        return inputs[0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.inputs[0].recursive_repr()}, name={self.name!r})"

    def graph_repr(self) -> str:
        """Give the name."""
        return self.name


class DownsampledMixin(StandardOutputs, UniversalMixin):
    """A term that is computed on the first session of each period, and keeps its values until the next."""

    _prefix = "Downsampled"
    frequency: str
    wrapped: Any
    window_safe = False

    def __new__(cls, term: Any, frequency: str) -> Any:
        """Slow a term down."""
        if frequency not in FREQUENCIES:
            raise InvalidParameter(
                f"downsample: frequency {frequency!r} is not known{did_you_mean(str(frequency), FREQUENCIES)}: use one "
                f"of {', '.join(FREQUENCIES)}"
            )
        return super().__new__(
            cls,
            inputs=term.inputs,
            outputs=term.outputs,
            window_length=term.window_length,
            mask=term.mask,
            frequency=frequency,
            wrapped=term,
            dtype=term.dtype,
            missing_value=term.missing_value,
            ndim=term.ndim,
        )

    def compute_extra_rows(
        self, all_dates: pd.DatetimeIndex, start_date: pd.Timestamp, end_date: pd.Timestamp, min_extra_rows: int
    ) -> int:
        """Reach back to the first session of a period."""
        start = int(all_dates.searchsorted(start_date)) - min_extra_rows
        if start < 0:
            raise NoFurtherDataError(
                f"{self!r} needs {min_extra_rows} sessions before {start_date.date()}, the first there is "
                f"{all_dates[0].date()}: start later"
            )
        return min_extra_rows + start - int(samples(all_dates[: start + 1], self.frequency)[-1])

    def _compute(self, inputs: list[Any], dates: pd.DatetimeIndex, assets: pd.Index, mask: BoolArray) -> Any:
        rows = samples(dates, self.frequency)
        chosen = [windows.at(rows) if self.windowed else windows[rows] for windows in inputs]
        values = self.wrapped._compute(chosen, dates[rows], assets, mask[rows])
        return values[np.repeat(np.arange(len(rows)), np.diff([*rows.tolist(), len(dates)]))]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.wrapped.recursive_repr()}, frequency={self.frequency!r})"


def samples(dates: pd.DatetimeIndex, frequency: str) -> IntArray:
    """Give the places of the first date and of those that begin a period.

    Examples
    --------
    >>> samples(pd.DatetimeIndex(["2020-01-30", "2020-01-31", "2020-02-03"]), "month_start").tolist()
    [0, 2]
    """
    periods = np.asarray(FREQUENCIES[frequency](dates))
    return np.flatnonzero(np.concatenate([[True], periods[1:] != periods[:-1]]))


class SliceMixin(UniversalMixin):
    """One asset's values, one a session."""

    _suffix = "Slice"
    asset: Any

    def __new__(cls, term: Any, asset: Any) -> Any:
        """Cut an asset out of a term."""
        return super().__new__(
            cls,
            asset=asset,
            inputs=(term,),
            window_length=0,
            mask=term.mask,
            dtype=term.dtype,
            missing_value=term.missing_value,
            window_safe=term.window_safe,
            ndim=1,
        )

    def _compute(self, inputs: list[Any], dates: pd.DatetimeIndex, assets: pd.Index, mask: BoolArray) -> Any:
        column = int(assets.searchsorted(self.asset.sid))
        if column == len(assets) or assets[column] != self.asset.sid:
            raise NonExistentAssetInTimeFrame(
                f"{self.asset!r} does not exist between {dates[0].date()} and {dates[-1].date()}: choose another asset "
                "or span"
            )
        return inputs[0][:, [column]]

    def __repr__(self) -> str:
        return f"{self.inputs[0].recursive_repr()}[{self.asset}]"


class IfElseMixin(UniversalMixin):
    """One term's values where a filter is True, another's elsewhere."""

    _prefix = "IfElse"
    window_length = 0

    def __new__(cls, condition: Any, if_true: Any, if_false: Any) -> Any:
        """Choose between two terms."""
        if condition.dtype != bool_dtype:
            raise TypeError(f"if_else of {condition!r}, which is no filter")
        return super().__new__(
            cls,
            inputs=(condition, if_true, if_false),
            dtype=if_true.dtype,
            ndim=if_true.ndim,
            missing_value=if_true.missing_value,
            window_safe=condition.window_safe and if_true.window_safe and if_false.window_safe,
            outputs=if_true.outputs,
        )

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        condition, if_true, if_false = inputs
        if self.dtype == object_dtype:
            return labels_where(condition, if_true, if_false)
        return np.where(condition, if_true, if_false)


class ConstantMixin(StandardOutputs, UniversalMixin):
    """One value everywhere."""

    _prefix = "Constant"
    window_length = 0
    inputs = ()
    params: Any = ("const",)

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        values = np.full(mask.shape, self.params["const"], dtype=self.dtype)
        return LabelArray(values, self.missing_value) if self.dtype == object_dtype else values
