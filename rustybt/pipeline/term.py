"""What can be computed for every session and asset? Terms: what they take, what they give, and what they need."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import pandas as pd

from rustybt.assets import Asset
from rustybt.errors import (
    DTypeNotSpecified,
    NonSliceableTerm,
)
from rustybt.pipeline.domain import GENERIC
from rustybt.pipeline.dtypes import (
    bool_dtype,
    datetime64ns_dtype,
    is_nothing,
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
        return cls._with(attributes)

    @classmethod
    def _with(cls, attributes: dict[str, Any]) -> Any:
        """Give the term of these attributes, all of them checked."""
        identity = (cls, *sorted(attributes.items(), key=_by_name))
        try:
            return cls._known[identity]
        except KeyError:
            made = super().__new__(cls)
            made._set_up(attributes)
            return cls._known.setdefault(identity, made)

    def __reduce__(self) -> Any:
        """Tell another process how to find or make it."""
        kept = {name: getattr(self, name) for name in self._attributes if name != "missing_value"}
        missing = None if is_nothing(self.missing_value) else (self.missing_value,)
        return rebuilt, (self._class_for_pickle(), {**kept, "params": tuple(self.params.items())}, missing)

    @classmethod
    def _class_for_pickle(cls) -> Any:
        return cls

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: `__new__` may give a term that has been set up before."""

    def _set_up(self, attributes: dict[str, Any]) -> None:
        params = attributes["params"]
        for name, _ in params:
            if hasattr(self, name):
                raise TypeError(f"{type(self).__name__} has an attribute {name!r}: give the parameter another name")
        vars(self).update(attributes)
        self._attributes = tuple(attributes)
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


def rebuilt(cls: Any, attributes: dict[str, Any], missing: tuple[Any, ...] | None) -> Any:
    """Give a term that another process had: of a class, or of a universal one and the kind that it is made for."""
    if isinstance(cls, tuple):
        cls = cls[0].specialized(cls[1])
    dtype = attributes["dtype"]
    value = standard_missing(missing[0] if missing else NotSpecified, dtype, cls.__name__)
    return cls._with({**attributes, "missing_value": value})


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
