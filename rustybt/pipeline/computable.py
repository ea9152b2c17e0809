"""What is computed of other terms? What factors, filters and classifiers have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray
from rustybt.errors import (
    InvalidOutputName,
    NonPipelineInputs,
    NonWindowSafeInput,
    TermInputsNotSpecified,
    TermOutputsEmpty,
    WindowLengthNotSpecified,
)
from rustybt.pipeline.domain import Domain, infer_domain
from rustybt.pipeline.dtypes import bool_dtype, coerce_to_dtype, float64_dtype
from rustybt.pipeline.sentinels import NotSpecified, given
from rustybt.pipeline.term import AssetExists, LoadableTerm, Term, term_class


class ComputableTerm(Term):
    """A term that is computed of others: the base of factors, filters and classifiers.

    Parameters
    ----------
    inputs : iterable of Term
        Of what.
    outputs : iterable of str
        Names of what it gives, where that is more than one thing.
    window_length : int
        Sessions of each input that one value is made of; 0 where it is made of the inputs' values of its own session.
    mask : Filter
        For which assets; all that exist, if omitted.

    Each may be an attribute of the class instead.
    """

    inputs: Any = NotSpecified
    outputs: Any = NotSpecified
    window_length: Any = NotSpecified
    mask: Any = NotSpecified

    def __new__(
        cls,
        inputs: Any = NotSpecified,
        outputs: Any = NotSpecified,
        window_length: Any = NotSpecified,
        mask: Any = NotSpecified,
        domain: Any = NotSpecified,
        **kwargs: Any,
    ) -> Any:
        """Give the term of these arguments."""
        inputs = given(inputs, cls.inputs)
        if inputs is not NotSpecified:
            if isinstance(inputs, Term):
                raise NonPipelineInputs(f"{cls.__name__} got inputs {inputs!r}, which is one term: pass a list of it")
            inputs = tuple(inputs)
            strangers = [value for value in inputs if not isinstance(value, Term)]
            if strangers:
                raise NonPipelineInputs(
                    f"{cls.__name__} got {strangers[0]!r} as an input, which is no term: pass columns or terms"
                )
            domain = given(domain, infer_domain(inputs))
        outputs = given(outputs, cls.outputs)
        mask = given(mask, cls.mask)
        return super().__new__(
            cls,
            inputs=inputs,
            outputs=outputs if outputs is NotSpecified else tuple(outputs),
            window_length=given(window_length, cls.window_length),
            mask=AssetExists() if mask is NotSpecified else mask,
            domain=domain,
            **kwargs,
        )

    def _validate(self) -> None:
        super()._validate()
        name = type(self).__name__
        if self.inputs is NotSpecified:
            raise TermInputsNotSpecified(f"{name} has no inputs: set them on the class, or pass inputs=")
        if not isinstance(self.domain, Domain):
            raise TypeError(f"{name}.domain is {self.domain!r}: give one of rustybt.pipeline.domain")
        if self.window_length is NotSpecified:
            raise WindowLengthNotSpecified(f"{name} has no window_length: set it on the class, or pass window_length=")
        if not isinstance(self.window_length, int | np.integer):
            raise TypeError(f"{name} has window_length {self.window_length!r}: give a whole number of sessions")
        if not isinstance(self.mask, Term) or self.mask.dtype != bool_dtype:
            raise TypeError(f"{name} got {self.mask!r} as mask: pass a filter, or leave it out")
        if self.outputs is not NotSpecified:
            self._check_outputs()
        if self.window_length > 1:
            unsafe = [term for term in self.inputs if not term.window_safe]
            if unsafe:
                raise NonWindowSafeInput(
                    f"{name} takes a window of {unsafe[0]!r}, whose past values change with splits and dividends: take "
                    "the window of columns, of returns, of ranks or z-scores, or of filters"
                )

    def _check_outputs(self) -> None:
        if not self.outputs:
            raise TermOutputsEmpty(
                f"{type(self).__name__} has an empty list of outputs: name one at least, or leave it out"
            )
        taken = {name for name in dir(ComputableTerm) if not name.startswith("_")} | {"compute"}
        bad = [name for name in self.outputs if name.startswith("_") or name in taken]
        if bad:
            raise InvalidOutputName(
                f"{type(self).__name__} cannot have an output {bad[0]!r}: use none of {', '.join(sorted(taken))}, and "
                "no name that begins with '_'"
            )

    @property
    def windowed(self) -> bool:
        """Whether a value is made of windows of the inputs."""
        return bool(self.window_length > 0)

    @property
    def dependencies(self) -> dict[Term, int]:
        """The terms that it is computed of, and how many rows each needs before its own first."""
        before = max(0, self.window_length - 1)
        return {**dict.fromkeys(self.inputs, before), self.mask: 0}

    def _compute(self, inputs: list[Any], dates: pd.DatetimeIndex, assets: pd.Index, mask: BoolArray) -> Any:
        """Compute all values.

        Parameters
        ----------
        inputs : list of Windows, or of arrays
            Windows where the term is windowed, else values, shape (n_dates, n_assets or 1).
        dates : pd.DatetimeIndex, shape (n_dates,)
            Sessions.
        assets : pd.Index of int64, shape (n_assets,)
            Sids.
        mask : bool array, shape (n_dates, n_assets)
            For which values are wanted.

        Returns
        -------
        array or LabelArray, shape (n_dates, n_assets or, for ndim 1, 1)
        """
        raise NotImplementedError(f"{type(self).__name__} must define how it is computed")

    @classmethod
    def _principal_computable_term_type(cls) -> type:
        """Give Factor, Filter or Classifier, whichever it is."""
        raise NotImplementedError(f"{cls.__name__} is no factor, filter or classifier")

    def postprocess(self, data: Any) -> Any:
        """Bring values that passed the screen into the form that a frame's column has."""
        return [tuple(record) for record in data] if isinstance(data, np.recarray) else data

    # Terms made of it -------------------------------------------------------------------------------------------

    def _universal(self, mixin: str, **kwargs: Any) -> Any:
        return term_class(mixin).specialized(self._principal_computable_term_type())(**kwargs)

    def downsample(self, frequency: str) -> Any:
        """Give the term that is computed once a period, and keeps its values until the next.

        Parameters
        ----------
        frequency : {"year_start", "quarter_start", "month_start", "week_start"}
            On the first session of which period.
        """
        return self._universal("DownsampledMixin", term=self, frequency=frequency)

    def alias(self, name: str) -> Any:
        """Give the same term under a name, for plans and pictures."""
        return self._universal("AliasedMixin", term=self, name=name)

    def isnull(self) -> Any:
        """Give the filter of what is missing."""
        self._refuse_filter("isnull")
        return self.isnan() if self.dtype == float64_dtype else term_class("NullFilter")(self)  # type: ignore[attr-defined]

    def notnull(self) -> Any:
        """Give the filter of what is there."""
        self._refuse_filter("notnull")
        return term_class("NotNullFilter")(self)

    def fillna(self, fill_value: Any) -> Any:
        """Give the term whose missing values are replaced: by a value, or by those of another term."""
        self._refuse_filter("fillna")
        if isinstance(fill_value, LoadableTerm):
            raise TypeError(f"fillna got the column {fill_value!r}: did you mean its .latest?")
        if not isinstance(fill_value, ComputableTerm):
            const = coerce_to_dtype(fill_value, self.dtype, f"fill value of {type(self).__name__}")
            fill_value = self._universal(
                "ConstantMixin", const=const, dtype=self.dtype, missing_value=self.missing_value
            )
        return self.notnull().if_else(if_true=self, if_false=fill_value)

    def _refuse_filter(self, method: str) -> None:
        if self.dtype == bool_dtype:
            raise TypeError(f"{method}() is not supported for filters: no truth value stands for missing")

    def __repr__(self) -> str:
        of = ", ".join(term.recursive_repr() for term in self.inputs)
        return f"{type(self).__name__}([{of}], {self.window_length})"

    def recursive_repr(self) -> str:
        """Give what stands for it in the texts of terms that are made of it."""
        return f"{type(self).__name__}(...)"
