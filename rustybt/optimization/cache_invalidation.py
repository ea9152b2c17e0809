"""Which assets does a bundle have now? Known lists are found by the content's hash, so that none can be out of date.

Whoever begins a run asks for the hash of the newest version, and keeps it: the run goes on with the assets that it
began with, while the next one sees what was ingested meanwhile.
"""

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from rustybt.data.bundles.catalog import load, versions
from rustybt.data.manifest import Manifest
from rustybt.errors import UnknownBundle

if TYPE_CHECKING:
    from rustybt.assets import Equity

MOST_LISTS = 128


def get_bundle_hash(bundle_name: str, environ: Mapping[str, str] | None = None) -> str:
    """Give what tells the newest version of a bundle from others; it is looked at on the disk every time.

    Parameters
    ----------
    bundle_name : str
        The bundle.
    environ : mapping, optional
        The environment variables; by default the process's.

    Returns
    -------
    str
        Fingerprint of the content and of the sids: another ingest of the same data has the same.

    Raises
    ------
    UnknownBundle
        If there is no such bundle.
    BundleCorrupt
        If the version's files are not whole.
    """
    return hash_of(load(bundle_name, environ).manifest)


def hash_of(manifest: Manifest) -> str:
    """Give what tells a version's content and sids from those of others."""
    return f"{manifest.fingerprint}-{manifest.sid_map}"


@lru_cache(maxsize=MOST_LISTS)
def get_cached_assets(bundle_name: str, bundle_hash: str, root: str | None = None) -> "tuple[Equity, ...]":
    """Give the assets of a bundle's version, read once a process.

    Parameters
    ----------
    bundle_name : str
        The bundle.
    bundle_hash : str
        Of the version, see `get_bundle_hash`: the newest on disk that has it.
    root : str, optional
        The data folder; that of the environment variables if omitted.

    Returns
    -------
    tuple of Equity
        By sid. `get_cached_assets.cache_info()` says how often they were known.

    Raises
    ------
    UnknownBundle
        If there is no version with this hash; nothing is remembered then.
    """
    environ = os.environ if root is None else {**os.environ, "RUSTYBT_ROOT": root}
    for record in reversed(versions(bundle_name, environ)):
        if record.manifest is not None and hash_of(record.manifest) == bundle_hash:
            return tuple(load(bundle_name, environ, record.ingested).asset_finder.equities)
    raise UnknownBundle(
        f"bundle {bundle_name!r} has no version with the hash {bundle_hash!r}: ask get_bundle_hash({bundle_name!r}) "
        "for that of the newest"
    )
