"""Which versions are on disk? Load one, list them, remove old ones."""

from __future__ import annotations

import secrets
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from rustybt.data.bundles.ingest import LOCK_FILE, WORK_PREFIX, remove_leftovers
from rustybt.data.bundles.layout import (
    bundle_path,
    check_name,
    data_root,
    from_bundle_ingest_dirname,
    ingestion_time,
    ingestions,
)
from rustybt.data.bundles.registry import bundles, known_names, unknown_bundle
from rustybt.data.files import file_lock, unless_leased
from rustybt.data.held import let_go_of_bundles
from rustybt.data.manifest import MANIFEST, Manifest, cache_folders, cache_path, read_manifest, version_path
from rustybt.data.store import BundleData, open_version
from rustybt.errors import BadClean, BundleCorrupt, BundleInUse, UnknownBundle

_LISTINGS: Final = 5
"""How often the newest version is looked for, where others remove versions meanwhile."""


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One version on disk.

    Attributes
    ----------
    name, version : str
        The bundle, and the version's folder.
    ingested : pd.Timestamp
        When, tz-naive UTC.
    manifest : Manifest or None
        What it says about itself (span, assets, rows, source, description); None if it is damaged.
    """

    name: str
    version: str
    ingested: pd.Timestamp
    manifest: Manifest | None


@dataclass(frozen=True, slots=True)
class BundleRecord:
    """One bundle that can be ingested or loaded.

    Attributes
    ----------
    name : str
        The bundle.
    registered : bool
        Whether this process knows how to ingest it.
    description : str
        What a user should know about the data.
    versions : tuple of VersionRecord
        Oldest first; empty if it was never ingested.
    """

    name: str
    registered: bool
    description: str
    versions: tuple[VersionRecord, ...]


def load(name: str, environ: Mapping[str, str] | None = None, timestamp: Any = None) -> BundleData:
    """Open the newest version of a bundle.

    Parameters
    ----------
    name : str
        The bundle; it need not be registered.
    environ : mapping, optional
        The environment variables; by default the process's.
    timestamp : date-like, optional
        Open the version that was the newest at this time.

    Returns
    -------
    BundleData

    Raises
    ------
    UnknownBundle
        If there is no such bundle, or no version so old.
    BundleCorrupt
        If the version's files are not whole.
    """
    root = data_root(environ)
    for _ in range(_LISTINGS):
        try:
            return open_version(root, name, _version_at(root, name, environ, timestamp))
        except BundleCorrupt as error:
            if version_path(root, name, _version_at(root, name, environ, timestamp)).is_dir():
                raise
            removed = error  # by a clean between the listing and the opening
    raise removed


def _version_at(root: Path, name: str, environ: Mapping[str, str] | None, timestamp: Any) -> str:
    """Name the newest version, or the newest that was there at a time."""
    known = ingestions(root, check_name(name))
    if not known and name not in bundles:
        raise unknown_bundle(name, environ)
    if not known:
        raise UnknownBundle(f"bundle {name!r} is not ingested yet: run `rustybt ingest -b {name}`")
    if timestamp is not None:
        limit, oldest = ingestion_time(timestamp), from_bundle_ingest_dirname(known[0])
        known = [version for version in known if from_bundle_ingest_dirname(version) <= limit]
        if not known:
            raise UnknownBundle(f"bundle {name!r} has no version on or before {limit}: its oldest is of {oldest}")
    return known[-1]


def versions(name: str, environ: Mapping[str, str] | None = None) -> tuple[VersionRecord, ...]:
    """List the versions of a bundle on disk.

    Parameters
    ----------
    name : str
        The bundle.
    environ : mapping, optional
        The environment variables; by default the process's.

    Returns
    -------
    tuple of VersionRecord
        Oldest first.
    """
    root = data_root(environ)
    return tuple(_record(root, name, version) for version in ingestions(root, check_name(name)))


def available(environ: Mapping[str, str] | None = None) -> tuple[BundleRecord, ...]:
    """List the bundles that are registered or on disk.

    Parameters
    ----------
    environ : mapping, optional
        The environment variables; by default the process's.

    Returns
    -------
    tuple of BundleRecord
        Sorted by name.
    """
    out = []
    for name in known_names(environ):
        found = versions(name, environ)
        if name in bundles:
            description = bundles[name].description
        else:
            description = next((v.manifest.description for v in reversed(found) if v.manifest is not None), "")
        if found or name in bundles:
            out.append(BundleRecord(name, name in bundles, description, found))
    return tuple(out)


def clean(
    name: str,
    before: Any = None,
    after: Any = None,
    keep_last: int | None = None,
    environ: Mapping[str, str] | None = None,
) -> set[str]:
    """Remove versions of a bundle, and what the cache holds of them alone.

    Parameters
    ----------
    name : str
        The bundle.
    before, after : date-like, optional
        Remove versions ingested before the one, or after the other.
    keep_last : int, optional
        Remove all but so many newest; excludes `before` and `after`.
    environ : mapping, optional
        The environment variables; by default the process's.

    Returns
    -------
    set of str
        Paths of the versions that were removed. One that a living process has open stays, with a warning.

    Raises
    ------
    BadClean
        If no rule is given, or rules that exclude one another.
    UnknownBundle
        If nothing of that name is on disk.
    """
    root = data_root(environ)
    _check_rule(before, after, keep_last)
    folder = bundle_path(root, check_name(name))
    if not folder.is_dir():
        raise unknown_bundle(name, environ)
    let_go_of_bundles()
    with file_lock(folder / LOCK_FILE):
        remove_leftovers(folder)
        doomed = _doomed(ingestions(root, name), before, after, keep_last)
        removed = [version for version in doomed if _remove(folder, version)]
        _drop_caches(root, environ)
    kept = [version for version in doomed if version not in removed]
    if kept:
        text = ", ".join(kept)
        warnings.warn(f"bundle {name!r}: {text} stays, as a living process uses it", BundleInUse, stacklevel=2)
    return {str(folder / version) for version in removed}


def _remove(folder: Path, version: str) -> bool:
    """Remove a version, unless a living process uses it; whoever lists versions meanwhile sees a whole one or none."""
    with unless_leased(folder / version / MANIFEST) as is_free:
        if is_free:
            grave = folder / f"{WORK_PREFIX}clean-{secrets.token_hex(4)}"
            (folder / version).rename(grave)
            if grave.is_symlink():  # to a folder that the user put elsewhere
                grave.unlink()
            else:
                shutil.rmtree(grave)
    return is_free


def _check_rule(before: Any, after: Any, keep_last: int | None) -> None:
    got = f"got before={before!r}, after={after!r}, keep_last={keep_last!r}"
    if before is None and after is None and keep_last is None:
        raise BadClean(f"clean needs a rule: pass before, after or keep_last ({got})")
    if keep_last is not None and not (before is None and after is None):
        raise BadClean(f"keep_last excludes before and after: pass one or the other ({got})")
    if keep_last is not None and (isinstance(keep_last, bool) or not isinstance(keep_last, int) or keep_last < 0):
        raise BadClean(f"keep_last must be a whole number from 0 on ({got})")


def _doomed(known: list[str], before: Any, after: Any, keep_last: int | None) -> list[str]:
    if keep_last is not None:
        return known[: max(0, len(known) - keep_last)]
    start = None if before is None else ingestion_time(before, "before")
    end = None if after is None else ingestion_time(after, "after")
    times = {version: from_bundle_ingest_dirname(version) for version in known}
    return [
        version
        for version, time in times.items()
        if (start is not None and time < start) or (end is not None and time > end)
    ]


def _drop_caches(root: Path, environ: Mapping[str, str] | None) -> None:
    """Remove the cache folders that no version is left to use, those of versions that were damaged among them."""
    kept = {
        cache_path(root, version.manifest)
        for bundle in available(environ)
        for version in bundle.versions
        if version.manifest is not None
    }
    for folder in set(cache_folders(root)) - kept:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.parent.is_dir() and not any(folder.parent.iterdir()):
            folder.parent.rmdir()


def _record(root: Path, name: str, version: str) -> VersionRecord:
    try:
        manifest = read_manifest(bundle_path(root, name) / version)
    except BundleCorrupt:
        manifest = None
    return VersionRecord(name, version, from_bundle_ingest_dirname(version), manifest)
