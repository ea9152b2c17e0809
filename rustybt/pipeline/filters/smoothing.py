"""For how many of the last sessions was something true, or there?"""

from __future__ import annotations

from typing import Any

import numpy as np

from rustybt._typing import BoolArray
from rustybt.pipeline.adjusted import Windows
from rustybt.pipeline.custom import SingleInputMixin, StandardOutputs
from rustybt.pipeline.dtypes import bool_dtype, is_missing
from rustybt.pipeline.filter import CustomFilter, Filter


def counts_of(true: BoolArray, windows: Windows) -> Any:
    """Count, for each window, the rows that are True.

    Parameters
    ----------
    true : bool array, shape (n_rows, n_assets)
        Of the windows' array.
    windows : Windows
        Which.

    Returns
    -------
    int64 array, shape (n_windows, n_assets)
    """
    totals = np.zeros((true.shape[0] + 1, true.shape[1]), dtype=np.int64)
    np.cumsum(true, axis=0, out=totals[1:])
    begin = windows.offset + windows.rows
    return totals[begin + windows.length] - totals[begin]


class _Counted(CustomFilter):
    """A filter of how often its input was True; computed at once for all sessions, where nothing changes the past."""

    def _enough(self, counts: Any) -> Any:
        raise NotImplementedError

    def compute(self, today: Any, assets: Any, out: Any, values: Any, **params: Any) -> None:
        """Compute a session."""
        out[:] = self._enough(values.sum(axis=0))

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        overridden = type(self).compute is not _Counted.compute
        windows = inputs[0]
        if overridden or len(inputs) != 1 or len(windows.adjusted.changes) or windows.data.dtype != bool_dtype:
            return super()._compute(inputs, dates, assets, mask)
        return self._enough(counts_of(windows.data, windows)) & mask


class All(_Counted):
    """What was True on every session of the window."""

    def _enough(self, counts: Any) -> Any:
        return counts == self.window_length


class Any_(_Counted):
    """What was True on any session of the window."""

    def _enough(self, counts: Any) -> Any:
        return counts > 0


class AtLeastN(_Counted):
    """What was True on N sessions of the window at least."""

    params: Any = ("N",)

    def _enough(self, counts: Any) -> Any:
        return counts >= self.params["N"]


class AllPresent(SingleInputMixin, StandardOutputs, CustomFilter):
    """What was there on every session of the window."""

    def _validate(self) -> None:
        super()._validate()
        if isinstance(self.inputs[0], Filter):
            raise TypeError("Input to filter `AllPresent` cannot be a Filter: no truth value stands for missing")

    def compute(self, today: Any, assets: Any, out: Any, values: Any) -> None:
        """Compute a session."""
        out[:] = ~is_missing(values, self.inputs[0].missing_value).any(axis=0)


Any_.__name__ = Any_.__qualname__ = "Any"
