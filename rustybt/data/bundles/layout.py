"""Where do bundles live, and which names may they have?"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from rustybt.errors import InvalidParameter, InvalidSpan

MAX_NAME_BYTES: Final = 120
_FORBIDDEN: Final = frozenset('/\\:*?"<>|')


def data_root(environ: Mapping[str, str] | None = None) -> Path:
    """Give the folder that holds everything the package writes: `RUSTYBT_ROOT`, else `~/.rustybt`.

    Parameters
    ----------
    environ : mapping, optional
        The environment variables; by default the process's.

    Returns
    -------
    Path
        Absolute; it need not exist.

    Raises
    ------
    InvalidParameter
        If `environ` is no mapping, such as a time that was meant for the parameter after it.

    Examples
    --------
    >>> data_root({"RUSTYBT_ROOT": "/data/bt"}).as_posix()
    '/data/bt'
    """
    if environ is not None and not isinstance(environ, Mapping):
        raise InvalidParameter(
            f"environ {environ!r} holds no environment variables: leave it out, and name what follows it, such as "
            "timestamp='2024-01-31'"
        )
    chosen = (os.environ if environ is None else environ).get("RUSTYBT_ROOT")
    return Path(chosen).expanduser().absolute() if chosen else Path.home() / ".rustybt"


def check_name(name: Any) -> str:
    """Check that a bundle's name can be a folder's name.

    Parameters
    ----------
    name : str
        What the user wrote.

    Returns
    -------
    str
        The same.

    Raises
    ------
    InvalidParameter
        If it is empty, too long, begins with a dot or a dash, or has a character that file systems or shells give a
        meaning.
    """
    if not isinstance(name, str):
        raise InvalidParameter(f"bundle name is a {type(name).__name__}, no string: give it one, such as 'my-data'")
    shown = name if len(name) <= 60 else f"{name[:57]}..."
    hint = "use letters, digits, '-', '_' and '.', such as 'my-data'"
    if not name or name != name.strip():
        raise InvalidParameter(f"bundle name {shown!r} is empty or has blanks around it: {hint}")
    if len(os.fsencode(name) if name.isprintable() else name) > MAX_NAME_BYTES:
        raise InvalidParameter(f"bundle name {shown!r} has more than {MAX_NAME_BYTES} bytes: {hint}")
    if name[0] in ".-" or not name.isprintable() or _FORBIDDEN & set(name):
        raise InvalidParameter(f"bundle name {shown!r} cannot be the name of a folder: {hint}")
    return name


def is_name(name: str) -> bool:
    """Say whether `check_name` accepts a name.

    Examples
    --------
    >>> is_name("my-data"), is_name("../up")
    (True, False)
    """
    try:
        check_name(name)
    except InvalidParameter:
        return False
    return True


def bundle_path(root: Path, name: str) -> Path:
    """Give the folder of all versions of a bundle."""
    return root / "bundles" / name


def to_bundle_ingest_dirname(ts: pd.Timestamp) -> str:
    """Name the folder of an ingestion after its time.

    Parameters
    ----------
    ts : pd.Timestamp
        The time, tz-naive UTC.

    Returns
    -------
    str

    Examples
    --------
    >>> to_bundle_ingest_dirname(pd.Timestamp("2024-01-02 03:04:05"))
    '2024-01-02T03;04;05'
    """
    return ts.isoformat().replace(":", ";")


def from_bundle_ingest_dirname(cs: str) -> pd.Timestamp:
    """Read the time of an ingestion from the name of its folder.

    Parameters
    ----------
    cs : str
        The folder's name.

    Returns
    -------
    pd.Timestamp

    Examples
    --------
    >>> from_bundle_ingest_dirname("2024-01-02T03;04;05")
    Timestamp('2024-01-02 03:04:05')
    """
    return pd.Timestamp(cs.replace(";", ":"))


def ingestion_time(value: Any, parameter: str = "timestamp") -> pd.Timestamp:
    """Read a moment as tz-naive UTC; None is now.

    Parameters
    ----------
    value : date-like or None
        The moment; without timezone it is UTC.
    parameter : str
        Its name in messages.

    Returns
    -------
    pd.Timestamp

    Raises
    ------
    InvalidSpan
        If it is no moment.
    """
    try:
        stamp = pd.Timestamp.now(tz="UTC") if value is None else pd.Timestamp(value)
    except (ValueError, TypeError) as error:
        raise InvalidSpan(f"{parameter} {value!r} is no time: write it like '2024-01-31 12:00'") from error
    if pd.isna(stamp):
        raise InvalidSpan(f"{parameter} is NaT: write it like '2024-01-31 12:00'")
    return stamp if stamp.tzinfo is None else stamp.tz_convert("UTC").tz_localize(None)


def ingestions(root: Path, name: str) -> list[str]:
    """List the versions of a bundle.

    Parameters
    ----------
    root : Path
        The data folder.
    name : str
        The bundle.

    Returns
    -------
    list of str
        Folder names, oldest first; empty for a bundle that was never ingested.
    """
    folder = bundle_path(root, name)
    if not folder.is_dir():
        return []
    found = [(time, entry.name) for entry in folder.iterdir() if (time := _time_of(entry)) is not None]
    return [version for _, version in sorted(found)]


def _time_of(entry: Path) -> pd.Timestamp | None:
    """Give the time a folder is named after, None for anything else that lies there."""
    if entry.name.startswith(".") or not entry.is_dir():
        return None
    try:
        time = from_bundle_ingest_dirname(entry.name)
    except ValueError:
        return None
    return None if pd.isna(time) or time.tzinfo is not None or not entry.name[0].isdecimal() else time


def ingestions_for_bundle(bundle: str, environ: Mapping[str, str] | None = None) -> list[pd.Timestamp]:
    """List the times at which a bundle was ingested.

    Parameters
    ----------
    bundle : str
        The bundle.
    environ : mapping, optional
        The environment variables.

    Returns
    -------
    list of pd.Timestamp
        Newest first, tz-naive UTC.
    """
    versions = ingestions(data_root(environ), check_name(bundle))
    return [from_bundle_ingest_dirname(version) for version in reversed(versions)]
