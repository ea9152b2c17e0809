"""What can be computed for every session and asset? Terms: what they take, what they give, and what they need."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray
from rustybt.assets import Asset
from rustybt.errors import (
    DTypeNotSpecified,
    InvalidOutputName,
    NonPipelineInputs,
    NonSliceableTerm,
    NonWindowSafeInput,
    TermInputsNotSpecified,
    TermOutputsEmpty,
    WindowLengthNotSpecified,
)
from rustybt.pipeline.domain import GENERIC, Domain, infer_domain
from rustybt.pipeline.dtypes import (
    bool_dtype,
    coerce_to_dtype,
    datetime64ns_dtype,
    float64_dtype,
    standard_dtype,
    standard_missing,
)
from rustybt.pipeline.sentinels import NotSpecified, given

PACKAGE = __name__.rpartition(".")[0]
_OURS: dict[str, type] = {}


def term_class(name: str) -> Any:
    """Give a class of the package's terms by name.

    Methods of terms make terms of kinds that are built on them (a factor's `top` is a filter, a classifier's
    `peer_count` a factor); by name they need not import each other in a circle.
    """
    return _OURS[name]


class Term:
    """A node of a pipeline's graph. Terms that are made alike are one object, so that each is computed once.

    Attributes
    ----------
    dtype : np.dtype
        Of the values.
    missing_value
        What stands for missing among them.
    params : dict of str to value
        Further arguments of the computation; on a class, their names, or names with defaults.
    domain : Domain
        Where it can be computed.
    window_safe : bool
        Whether its past values may be compared with later ones: they do not change with splits and dividends.
    ndim : {1, 2}
        1 for one value a session, the same for all assets.
    costly : bool
        Whether values take so long to compute that they are worth being kept.
    cacheable : bool
        Whether values may be kept for later runs over the same data. Of one's own terms they are kept where the class
        says True: its `compute` must give the same for the same arguments, and do nothing else.
    """

    dtype: Any = NotSpecified
    missing_value: Any = NotSpecified
    params: Any = ()
    domain: Any = GENERIC
    window_safe: Any = False
    ndim: Any = 2
    costly: ClassVar[bool] = False
    cacheable: ClassVar[bool] = False

    _known: ClassVar[WeakValueDictionary[Hashable, Any]] = WeakValueDictionary()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith(f"{PACKAGE}."):
            _OURS.setdefault(cls.__name__, cls)
            cls.cacheable = True
        elif "cacheable" not in vars(cls):
            cls.cacheable = False

    def __new__(
        cls,
        domain: Any = NotSpecified,
        dtype: Any = NotSpecified,
        missing_value: Any = NotSpecified,
        window_safe: Any = NotSpecified,
        ndim: Any = NotSpecified,
        **attributes: Any,
    ) -> Any:
        """Give the term that was made with these arguments before, or a new one."""
        dtype = given(dtype, cls.dtype)
        if dtype is NotSpecified:
            raise DTypeNotSpecified(f"{cls.__name__} has no dtype: set it on the class, or pass dtype=")
        dtype = standard_dtype(dtype, cls.__name__)
        attributes |= {
            "params": cls._pop_params(attributes),
            "domain": given(domain, cls.domain),
            "dtype": dtype,
            "missing_value": standard_missing(given(missing_value, cls.missing_value), dtype, cls.__name__),
            "window_safe": bool(given(window_safe, cls.window_safe)),
            "ndim": given(ndim, cls.ndim),
        }
        identity = (cls, *sorted(attributes.items(), key=_by_name))
        try:
            return cls._known[identity]
        except KeyError:
            made = super().__new__(cls)
            made._set_up(attributes)
            return cls._known.setdefault(identity, made)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: `__new__` may give a term that has been set up before."""

    def _set_up(self, attributes: dict[str, Any]) -> None:
        params = attributes.pop("params")
        for name, _ in params:
            if hasattr(self, name):
                raise TypeError(f"{type(self).__name__} has an attribute {name!r}: give the parameter another name")
        vars(self).update(attributes)
        self.params = dict(params)
        self._validate()

    @classmethod
    def _pop_params(cls, attributes: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
        names = cls.params if isinstance(cls.params, Mapping) else dict.fromkeys(cls.params, NotSpecified)
        found = []
        for name, default in names.items():
            value = attributes.pop(name, default)
            if value is NotSpecified:
                raise TypeError(f"{cls.__name__} expected a keyword parameter {name!r}: pass {name}=")
            try:
                hash(value)
            except TypeError as error:
                raise TypeError(
                    f"{cls.__name__} got {value!r} for parameter {name!r}: pass something hashable, such as a tuple"
                ) from error
            found.append((name, value))
        return tuple(found)

    def _validate(self) -> None:
        """Raise where the term makes no sense; subclasses that add something call this one too."""

    # What the engine asks of it ---------------------------------------------------------------------------------

    inputs: Any = ()
    mask: Any = None
    windowed: Any = False

    @property
    def dependencies(self) -> dict[Term, int]:
        """The terms that it is computed of, and how many rows each needs before its own first."""
        return {}

    def compute_extra_rows(
        self, all_dates: pd.DatetimeIndex, start_date: pd.Timestamp, end_date: pd.Timestamp, min_extra_rows: int
    ) -> int:
        """Give how many rows before the first are computed; at least the number that others need."""
        return min_extra_rows

    def __getitem__(self, key: Asset) -> Any:
        """Give the term of one asset's values, one a session."""
        if not isinstance(key, Asset):
            raise TypeError(f"a term was asked for {key!r}: ask for one of its assets, as in term[symbol('AAPL')]")
        if isinstance(self, LoadableTerm):
            raise NonSliceableTerm(f"{self!r} is a column: take .latest first, as in column.latest[asset]")
        return term_class("SliceMixin").specialized(type(self)._principal_computable_term_type())(self, key)  # type: ignore[attr-defined]

    def recursive_repr(self) -> str:
        """Give what stands for it in the texts of terms that are made of it."""
        return type(self).__name__

    graph_repr = recursive_repr


def _by_name(pair: tuple[str, Any]) -> str:
    return pair[0]


class AssetExists(Term):
    """Which assets existed on the morning of which session: those that began before it and have not ended.

    It is every term's mask where none is given.
    """

    dtype = bool_dtype

    def __repr__(self) -> str:
        return "AssetExists()"


class InputDates(Term):
    """The sessions themselves, one a row, as an input of terms."""

    dtype = datetime64ns_dtype
    window_safe = True
    ndim = 1

    def __repr__(self) -> str:
        return "InputDates()"


class LoadableTerm(Term):
    """A term that is read, and not computed."""

    @property
    def dependencies(self) -> dict[Term, int]:
        """The mask of what is read."""
        return {self.mask: 0}

    mask = AssetExists()


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
