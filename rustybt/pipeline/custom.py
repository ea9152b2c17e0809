"""What do terms of the user's own have in common, and what is checked of those that allow less?"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray, FloatArray
from rustybt.errors import UnsupportedDataType, WindowLengthNotPositive
from rustybt.kernels.window_statistics import latest
from rustybt.kernels.windows import over_windows
from rustybt.pipeline.adjusted import Windows
from rustybt.pipeline.computable import ComputableTerm
from rustybt.pipeline.dtypes import CLASSIFIER_DTYPES, FACTOR_DTYPES, FILTER_DTYPES, bool_dtype, float64_dtype
from rustybt.pipeline.labels import LabelArray
from rustybt.pipeline.sentinels import NotSpecified
from rustybt.pipeline.term import Term


class PositiveWindowLengthMixin(Term):
    """A term that needs a window of one session at least."""

    def _validate(self) -> None:
        super()._validate()
        if not self.windowed:
            length = self.window_length  # type: ignore[attr-defined]
            raise WindowLengthNotPositive(f"{type(self).__name__} has window_length {length}: give 1 or more")


class SingleInputMixin(Term):
    """A term of exactly one input."""

    def _validate(self) -> None:
        super()._validate()
        if len(self.inputs) != 1:
            raise ValueError(f"{type(self).__name__} expects only one input, but received {len(self.inputs)}: pass one")


class StandardOutputs(Term):
    """A term that gives one thing."""

    def _validate(self) -> None:
        super()._validate()
        outputs = self.outputs  # type: ignore[attr-defined]
        if outputs is not NotSpecified:
            raise ValueError(
                f"{type(self).__name__} does not support custom outputs, but received {outputs}: leave them out"
            )


class RestrictedDTypeMixin(Term):
    """A term whose values are of some dtypes only.

    Attributes
    ----------
    ALLOWED_DTYPES : frozenset of np.dtype
        Which.
    """

    ALLOWED_DTYPES: ClassVar[frozenset[Any]] = frozenset()

    def _validate(self) -> None:
        super()._validate()
        if self.dtype not in self.ALLOWED_DTYPES:
            allowed = ", ".join(sorted(map(str, self.ALLOWED_DTYPES)))
            kinds = {
                "CustomFactor": FACTOR_DTYPES,
                "CustomFilter": FILTER_DTYPES,
                "CustomClassifier": CLASSIFIER_DTYPES,
            }
            fits = [name for name, dtypes in kinds.items() if self.dtype in dtypes]
            raise UnsupportedDataType(
                f"{type(self).__name__} has dtype {self.dtype}, its kind has {allowed}: did you mean a "
                f"{' or '.join(fits)}?"
            )


class CustomTermMixin(ComputableTerm):
    """A term whose `compute` is called once a session, with a window of each input.

    A class that says what it computes of one asset's window by a kernel of `kernels.windows` as well, as `_kernel`
    beside its `compute`, is computed by the kernel; one that is derived from it, with a `compute` of its own, is not.
    """

    costly = True
    ctx: ClassVar[Any] = nullcontext()
    """Entered around the calls of `compute`."""

    def __new__(
        cls,
        inputs: Any = NotSpecified,
        outputs: Any = NotSpecified,
        window_length: Any = NotSpecified,
        mask: Any = NotSpecified,
        dtype: Any = NotSpecified,
        missing_value: Any = NotSpecified,
        ndim: Any = NotSpecified,
        **kwargs: Any,
    ) -> Any:
        """Give the term of these arguments."""
        unknown = sorted(set(kwargs) - set(cls.params))
        if unknown:
            known = ", ".join(cls.params) or "none"
            raise TypeError(
                f"{cls.__name__} received unexpected keyword arguments {', '.join(unknown)}; its own are {known}"
            )
        return super().__new__(
            cls,
            inputs=inputs,
            outputs=outputs,
            window_length=window_length,
            mask=mask,
            dtype=dtype,
            missing_value=missing_value,
            ndim=ndim,
            **kwargs,
        )

    def compute(self, today: Any, assets: Any, out: Any, *arrays: Any, **params: Any) -> None:
        """Write a session's values into `out`.

        Parameters
        ----------
        today : np.datetime64
            The session.
        assets : int64 array, shape (n,)
            Sids of the assets that pass the mask.
        out : array of the term's dtype, shape (n,), or record array with a field an output
            To write to; holds the missing value.
        *arrays : arrays, shape (window_length, n or 1)
            A window of each input, up to what was known this morning; NaN where there was nothing.
        **params
            The term's parameters.
        """
        raise NotImplementedError(f"{type(self).__name__} must define a compute method")

    def _allocate_output(self, windows: list[Windows], shape: tuple[int, int]) -> Any:
        if self.outputs is NotSpecified:
            return np.full(shape, self.missing_value, dtype=self.dtype)
        out = np.recarray(shape, formats=[self.dtype.str] * len(self.outputs), names=list(self.outputs))
        for name in self.outputs:
            out[name] = self.missing_value
        return out

    def _compute(self, inputs: list[Any], dates: pd.DatetimeIndex, assets: pd.Index, mask: BoolArray) -> Any:
        shape = (len(mask), 1) if self.ndim == 1 else mask.shape
        out = self._allocate_output(inputs, shape)
        kernel = self._kernel_of_compute()
        if kernel is not None and self.ndim == 2 and all(_is_float(windows) for windows in inputs):
            self._compute_by_kernel(kernel, inputs, mask, out)
        else:
            self._compute_by_sessions(inputs, dates, assets.to_numpy(), mask, out)
        return out

    def _compute_by_sessions(self, inputs: list[Windows], dates: Any, sids: Any, mask: BoolArray, out: Any) -> None:
        days, everyone = dates.to_numpy(), np.asarray(mask.all(axis=1))
        with self.ctx:
            for row in range(len(mask)):
                chosen = None if everyone[row] else np.flatnonzero(mask[row])
                windows = [next(w) if w.adjusted.shape[1] == 1 else w.take(chosen) for w in inputs]
                masked = sids if chosen is None else sids[chosen]
                if self.ndim == 1:
                    self.compute(days[row], masked, out[row], *windows, **self.params)
                    continue
                written = out[row].copy() if chosen is None else out[row][chosen]
                self.compute(days[row], masked, written, *windows, **self.params)
                out[row, slice(None) if chosen is None else chosen] = written

    # By kernels -------------------------------------------------------------------------------------------------

    _kernel: ClassVar[Any] = None

    def _kernel_params(self) -> tuple[Any, ...]:
        """Give the kernel's parameters, numbers or arrays of numbers."""
        return tuple(self.params.values())

    def _kernel_of_compute(self) -> Any:
        """Give the kernel that stands for `compute`: of the class that defines it."""
        for cls in type(self).__mro__:
            if "compute" in vars(cls):
                return vars(cls).get("_kernel")
        return None

    def _compute_by_kernel(self, kernel: Any, inputs: list[Windows], mask: BoolArray, out: Any) -> None:
        if not len(mask) or not mask.any():
            return
        tables = [windows.adjusted.change_table for windows in inputs]
        names = (None,) if self.outputs is NotSpecified else self.outputs
        filled: FloatArray = np.full((len(names), *mask.shape), self.missing_value)
        params = [np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in self._kernel_params()]
        kernel(
            tuple(windows.adjusted.by_session for windows in inputs),
            np.array([windows.offset for windows in inputs], dtype=np.int64),
            tuple(table.starts for table in tables),
            tuple(table.places for table in tables),
            tuple(table.factors for table in tables),
            inputs[0].rows + (inputs[0].length - 1),
            inputs[0].length,
            mask,
            np.concatenate(params) if params else np.empty(0),
            filled,
        )
        for name, values in zip(names, filled, strict=True):
            out[... if name is None else name] = values


def _is_float(windows: Windows) -> bool:
    return bool(windows.adjusted.data.dtype == float64_dtype)


class LatestMixin(SingleInputMixin):
    """What `column.latest` is: the last value known on each session."""

    costly = False
    window_length = 1

    def compute(self, today: Any, assets: Any, out: Any, data: Any) -> None:
        """Take the window's last row."""
        out[:] = data[-1]

    _kernel = over_windows(latest)

    def _compute(self, inputs: list[Any], dates: pd.DatetimeIndex, assets: pd.Index, mask: BoolArray) -> Any:
        windows = inputs[0]
        if self._kernel_of_compute() is None or len(windows.adjusted.changes):  # type: ignore[attr-defined]
            return super()._compute(inputs, dates, assets, mask)  # type: ignore[misc]
        data = windows.data[windows.offset + windows.rows + windows.length - 1]
        if isinstance(data, LabelArray):
            return data.like(np.where(mask, data.codes, 0))
        return np.where(mask, data, np.array(self.missing_value, dtype=self.dtype))

    def _validate(self) -> None:
        super()._validate()
        if self.inputs[0].dtype != self.dtype:
            raise TypeError(
                f"{type(self).__name__} of dtype {self.dtype} got an input of dtype {self.inputs[0].dtype}: use .latest"
            )

    def __repr__(self) -> str:
        return f"{self.inputs[0].recursive_repr()}.latest"

    recursive_repr = graph_repr = __repr__


def require_filter(mask: Any, what: str) -> Any:
    """Give a mask, where it is one or left out.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if mask is NotSpecified or (isinstance(mask, Term) and mask.dtype == bool_dtype):
        return mask
    raise TypeError(f"{what} got {mask!r} as mask: pass a filter")
