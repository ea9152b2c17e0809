"""Which bundles can be ingested by name in this process?"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeVar, overload

import pandas as pd

from rustybt.constants import DEFAULT_PRICE_QUANTUM
from rustybt.data.bundles.csvdir import csvdir_equities
from rustybt.data.bundles.layout import bundle_path, check_name, data_root, is_name
from rustybt.data.bundles.sample import SAMPLE_DESCRIPTION, SAMPLE_NAME, SAMPLE_SPAN, ingest_sample
from rustybt.errors import InvalidParameter, UnknownBundle, did_you_mean

IngestFunction = Callable[..., None]
F = TypeVar("F", bound=IngestFunction)


@dataclass(frozen=True, slots=True)
class RegisteredBundle:
    """How a bundle is ingested.

    Attributes
    ----------
    ingest : callable
        The ingest function.
    calendar_name : str
        Exchange calendar of the bars.
    start_session, end_session : date-like or None
        First and last session that may have a bar; None reaches as far as the calendar.
    minutes_per_day : int
        Minutes of a normal session.
    create_writers : bool
        False for a function that puts a whole version into its output folder itself.
    price_quantum : float or None
        Step to which the engine sees prices rounded.
    description : str
        What a user should know about the data.
    source : dict
        Where the data comes from, for the manifest.
    datasets : mapping of str to path-like or DataFrame
        Point-in-time tables by name, see `datasets.read_dataset`.
    """

    ingest: IngestFunction
    calendar_name: str = "NYSE"
    start_session: Any = None
    end_session: Any = None
    minutes_per_day: int = 390
    create_writers: bool = True
    price_quantum: float | None = DEFAULT_PRICE_QUANTUM
    description: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    datasets: Mapping[str, Any] = field(default_factory=dict)


_bundles: Final[dict[str, RegisteredBundle]] = {
    "csvdir": RegisteredBundle(csvdir_equities(), source={"kind": "function", "function": "csvdir"}),
    SAMPLE_NAME: RegisteredBundle(
        ingest_sample,
        start_session=pd.Timestamp(SAMPLE_SPAN[0]),
        end_session=pd.Timestamp(SAMPLE_SPAN[1]),
        description=SAMPLE_DESCRIPTION,
        source={"kind": "sample"},
    ),
}

bundles: Final[Mapping[str, RegisteredBundle]] = MappingProxyType(_bundles)
"""The registered bundles by name, read-only."""


@overload
def register(
    name: str,
    f: None = None,
    calendar_name: str = ...,
    start_session: Any = ...,
    end_session: Any = ...,
    minutes_per_day: int = ...,
    create_writers: bool = ...,
    *,
    price_quantum: float | None = ...,
    description: str = ...,
) -> Callable[[F], F]: ...
@overload
def register(
    name: str,
    f: F,
    calendar_name: str = ...,
    start_session: Any = ...,
    end_session: Any = ...,
    minutes_per_day: int = ...,
    create_writers: bool = ...,
    *,
    price_quantum: float | None = ...,
    description: str = ...,
) -> F: ...
def register(
    name: str,
    f: Any = None,
    calendar_name: str = "NYSE",
    start_session: Any = None,
    end_session: Any = None,
    minutes_per_day: int = 390,
    create_writers: bool = True,
    *,
    price_quantum: float | None = DEFAULT_PRICE_QUANTUM,
    description: str = "",
) -> Any:
    """Register how a bundle is ingested; also a decorator, `@register("name")`.

    Parameters
    ----------
    name : str
        The bundle's name, also that of its folder.
    f : callable, optional
        The ingest function. It is called with `environ, asset_db_writer, minute_bar_writer, daily_bar_writer,
        adjustment_writer, calendar, start_session, end_session, cache, show_progress, output_dir`.
    calendar_name : str
        Exchange calendar, see `calendars.get_calendar`.
    start_session, end_session : date-like, optional
        First and last session that may have a bar, with or without timezone; by default as far as the calendar reaches.
        History windows that reach back before the first are an error.
    minutes_per_day : int
        Minutes of a normal session, kept with the registration.
    create_writers : bool
        False if the function puts a whole version (Parquet tables and manifest) into output_dir itself; it then gets
        None for every writer.
    price_quantum : 0.001 or None
        The engine sees prices rounded to thousandths, as Zipline's stores keep them; None keeps full precision.
    description : str
        What a user should know about the data; shown wherever bundles are listed.

    Returns
    -------
    callable
        The ingest function, or without one a decorator.

    Raises
    ------
    InvalidParameter
        If the name, the quantum or the function is none.
    """
    check_name(name)
    if price_quantum is not None and price_quantum != DEFAULT_PRICE_QUANTUM:
        raise InvalidParameter(
            f"price_quantum {price_quantum!r} is not supported: use {DEFAULT_PRICE_QUANTUM}, or None for full precision"
        )

    def add(function: F) -> F:
        if not callable(function):
            raise InvalidParameter(f"the ingest function of bundle {name!r} is {function!r}: pass a callable")
        if name in _bundles:
            warnings.warn(f"Overwriting bundle with name {name!r}", UserWarning, stacklevel=3)
        known_as = f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', repr(function))}"
        _bundles[name] = RegisteredBundle(
            *(function, calendar_name, start_session, end_session, minutes_per_day, create_writers),
            *(price_quantum, description, {"kind": "function", "function": known_as}),
        )
        return function

    return add if f is None else add(f)


def unregister(name: str) -> None:
    """Forget how a bundle is ingested; what is on disk stays.

    Parameters
    ----------
    name : str
        The bundle.

    Raises
    ------
    UnknownBundle
        If it is not registered.
    """
    if name not in _bundles:
        raise UnknownBundle(f"bundle {name!r} is not registered{did_you_mean(str(name), _bundles)}")
    del _bundles[name]


def known_names(environ: Mapping[str, str] | None = None) -> list[str]:
    """List the names of bundles that are registered or have a version on disk.

    Parameters
    ----------
    environ : mapping, optional
        The environment variables; by default the process's.

    Returns
    -------
    list of str
        Sorted.
    """
    folder = bundle_path(data_root(environ), ".")
    entries = folder.iterdir() if folder.is_dir() else ()
    on_disk = [entry.name for entry in entries if any(entry.glob("*/manifest.json"))]
    return sorted({*_bundles, *filter(is_name, on_disk)})


def unknown_bundle(name: str, environ: Mapping[str, str] | None = None) -> UnknownBundle:
    """Make the error for a name that is neither registered nor on disk."""
    names = known_names(environ)
    return UnknownBundle(
        f"bundle {name!r} is not known{did_you_mean(name, names)}: the bundles are {', '.join(names)}; register one in "
        "Python, or ingest a folder of CSV files"
    )
