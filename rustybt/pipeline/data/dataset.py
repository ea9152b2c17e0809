"""Which columns can be read? Datasets: columns under a name, read by a loader when a pipeline needs them."""

from __future__ import annotations

from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from rustybt.errors import did_you_mean
from rustybt.pipeline.classifier import Classifier
from rustybt.pipeline.classifier import Latest as LatestClassifier
from rustybt.pipeline.domain import GENERIC, Domain
from rustybt.pipeline.dtypes import standard_dtype, standard_missing
from rustybt.pipeline.factor import Latest as LatestFactor
from rustybt.pipeline.filter import Filter
from rustybt.pipeline.filter import Latest as LatestFilter
from rustybt.pipeline.sentinels import NotSpecified
from rustybt.pipeline.term import LoadableTerm


class Column:
    """A column of a dataset that is being declared.

    Parameters
    ----------
    dtype : dtype-like
        float64, int64, bool, datetime64[ns] or text (str).
    missing_value : optional
        What stands for missing; integers need one.
    doc : str
        What the column holds.
    metadata : dict
        Of one's own.
    currency_aware : bool
        Whether its values are amounts of money.

    Examples
    --------
    >>> import numpy as np
    >>> class Fundamentals(DataSet):
    ...     earnings = Column(np.float64)
    ...     sector = Column(str)
    >>> Fundamentals.earnings, Fundamentals.sector.latest
    (Fundamentals.earnings::float64, Fundamentals.sector.latest)
    """

    def __init__(
        self,
        dtype: Any,
        missing_value: Any = NotSpecified,
        doc: str | None = None,
        metadata: dict[str, Any] | None = None,
        currency_aware: bool = False,
    ) -> None:
        self.dtype = dtype
        self.missing_value = missing_value
        self.doc = doc
        self.metadata = dict(metadata or {})
        self.currency_aware = currency_aware

    def bind(self, name: str) -> BoundColumnDescriptor:
        """Name the column."""
        return BoundColumnDescriptor(name, self)


class BoundColumnDescriptor:
    """Gives a dataset's column, of whichever dataset it is asked."""

    def __init__(self, name: str, column: Column) -> None:
        dtype = standard_dtype(column.dtype, f"Column {name!r}")
        self.values = {
            "name": name,
            "dtype": dtype,
            "missing_value": standard_missing(column.missing_value, dtype, f"Column {name!r}"),
            "doc": column.doc,
            "metadata_items": tuple(sorted(column.metadata.items())),
            "currency_aware": column.currency_aware,
        }

    def __get__(self, instance: object, owner: Any) -> BoundColumn:
        column: BoundColumn = BoundColumn(dataset=owner, **self.values)
        return column


class BoundColumn(LoadableTerm):
    """A dataset's column: an input of terms, or, by `latest`, a term.

    Attributes
    ----------
    dataset : type
        Its dataset.
    name, doc : str
        Its name, and what it holds.
    currency_aware : bool
        Whether its values are amounts of money.
    """

    window_safe = True
    dataset: Any
    name: str
    doc: str | None
    metadata_items: tuple[tuple[str, Any], ...]
    currency_aware: bool

    def __new__(cls, dataset: Any, name: str, **attributes: Any) -> Any:
        """Bind a column to a dataset."""
        return super().__new__(cls, domain=dataset.domain, ndim=dataset.ndim, dataset=dataset, name=name, **attributes)

    @property
    def latest(self) -> Any:
        """The last value known on each session: a filter, a classifier or a factor, by the column's dtype."""
        kinds: Any = LatestFactor
        if self.dtype in Filter.ALLOWED_DTYPES:
            kinds = LatestFilter
        elif self.dtype in Classifier.ALLOWED_DTYPES:
            kinds = LatestClassifier
        return kinds(inputs=(self,), dtype=self.dtype, missing_value=self.missing_value, ndim=self.ndim)

    @property
    def metadata(self) -> dict[str, Any]:
        """What the column was declared with."""
        return dict(self.metadata_items)

    @property
    def qualname(self) -> str:
        """Dataset and name."""
        return f"{self.dataset.qualname}.{self.name}"

    def specialize(self, domain: Domain) -> BoundColumn:
        """Give the column of the same dataset in a domain."""
        if domain == self.domain:
            return self
        column: BoundColumn = getattr(self.dataset.specialize(domain), self.name)
        return column

    def unspecialize(self) -> BoundColumn:
        """Give the column of the dataset as it was declared, see `DataSetMeta.unspecialize`."""
        column: BoundColumn = getattr(self.dataset.unspecialize(), self.name)
        return column

    def _no_order(self, other: Any) -> Any:
        raise TypeError(f"cannot compare the column {self.qualname} with {other!r}: did you mean its .latest?")

    __lt__ = __le__ = __gt__ = __ge__ = _no_order

    def __reduce__(self) -> Any:
        return column_of, (_general(self.dataset), self.domain, self.name)

    def __repr__(self) -> str:
        return f"{self.qualname}::{self.dtype.name}"

    def recursive_repr(self) -> str:
        """Give dataset and name."""
        return self.qualname

    graph_repr = recursive_repr


_SPECIALIZED: WeakKeyDictionary[Any, dict[Domain, Any]] = WeakKeyDictionary()
"""Datasets by their domain, by the dataset of no domain (or of its own) that they were made of."""


def _general(dataset: Any) -> Any:
    """Give the dataset that one of a domain was made of, or itself."""
    return next((base for base in dataset.__mro__ if dataset in _SPECIALIZED.get(base, {}).values()), dataset)


class DataSetMeta(type):
    """Makes datasets: binds their columns, and gives one class for each domain."""

    domain: Any
    _column_names: frozenset[str]

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], special: bool = False) -> Any:
        """Make a dataset."""
        made: Any = super().__new__(mcs, name, bases, namespace)
        if not isinstance(made.domain, Domain):
            raise TypeError(f"{name}.domain is {made.domain!r}: give one of rustybt.pipeline.domain")
        columns = {key: value for key, value in namespace.items() if isinstance(value, Column)}
        for key, column in columns.items():
            setattr(made, key, column.bind(key))
        inherited: list[frozenset[str]] = [getattr(base, "_column_names", frozenset()) for base in bases]
        made._column_names = frozenset(columns).union(*inherited)
        if not special:
            _SPECIALIZED[made] = {made.domain: made}
        return made

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], special: bool = False) -> None:
        super().__init__(name, bases, namespace)

    def __getattr__(cls, name: str) -> Any:
        known: Any = vars(cls).get("_column_names", ())
        raise AttributeError(f"dataset {cls.__name__} has no column {name!r}{did_you_mean(name, known)}")

    def specialize(cls, domain: Domain) -> Any:
        """Give the dataset in a domain.

        Raises
        ------
        ValueError
            If it is in another one already.
        """
        known = _SPECIALIZED.setdefault(_general(cls), {cls.domain: cls})
        found = known.get(domain)
        if found is None:
            if cls.domain is not GENERIC:
                raise ValueError(
                    f"cannot take {cls.__name__} of {cls.domain!r} to {domain!r}: use columns of one domain"
                )
            namespace = {"domain": domain, "__module__": cls.__module__, "__doc__": cls.__doc__}
            found = known[domain] = DataSetMeta(cls.__name__, (cls,), namespace, special=True)
        return found

    def unspecialize(cls) -> Any:
        """Give the dataset as it was declared: without a domain, or in the one that its class names."""
        return _general(cls)

    @property
    def columns(cls) -> frozenset[Any]:
        """Its columns."""
        return frozenset(getattr(cls, name) for name in cls._column_names)

    @property
    def qualname(cls) -> str:
        """Its name, with its domain's country."""
        return cls.__name__ if cls.domain is GENERIC else f"{cls.__name__}<{cls.domain.country_code}>"

    def __repr__(cls) -> str:
        return f"<DataSet: {cls.__name__!r}, domain={cls.domain!r}>"


def column_of(dataset: Any, domain: Domain, name: str) -> BoundColumn:
    """Give a dataset's column in a domain, by names that another process had."""
    column: BoundColumn = dataset.get_column(name).specialize(domain)
    return column


class DataSet(metaclass=DataSetMeta):
    """Base of datasets: a class whose attributes are columns.

    Attributes
    ----------
    domain : Domain
        On which sessions and assets it is read; GENERIC for those of whatever pipeline.
    ndim : int
        2: values have sessions and assets.
    table : str, optional
        The bundle's point-in-time table that it is read from.
    """

    domain: ClassVar[Any] = GENERIC
    ndim: ClassVar[int] = 2
    table: ClassVar[str | None] = None

    @classmethod
    def get_column(cls, name: str) -> BoundColumn:
        """Give a column by name.

        Raises
        ------
        AttributeError
            If there is none.
        """
        if name not in cls._column_names:
            known = sorted(cls._column_names)
            raise AttributeError(
                f"{cls.qualname} has no column {name!r}{did_you_mean(name, known)}: it has {', '.join(known) or 'none'}"
            )
        column: BoundColumn = getattr(cls, name)
        return column
