"""How does a process get at a bundle that another process named?"""

from pathlib import Path
from typing import TypeAlias

from rustybt.data.held import cache_of_bundles
from rustybt.data.portal import portal_of
from rustybt.data.store import BundleData, open_version
from rustybt.errors import WorkerError

BundleKey: TypeAlias = tuple[str, str, str, str]
"""Root folder, name, version, fingerprint: all that crosses to another process, which maps the same files."""

ALWAYS_READ = ("close", "volume")
"""Fields that every simulation reads; the others are mapped when a strategy asks for them."""


@cache_of_bundles(8)
def open_mapped(root: str, name: str, version: str, fingerprint: str) -> BundleData:
    """Open a bundle version once a process, if it is still what the driver saw.

    Parameters
    ----------
    root, name, version : str
        Where it lies.
    fingerprint : str
        Of its content.

    Returns
    -------
    BundleData
        Whose arrays are mapped read-only, so that all processes share them.

    Raises
    ------
    WorkerError
        If the version's content is another.
    """
    bundle = open_version(Path(root), name, version)
    if bundle.fingerprint != fingerprint:
        raise WorkerError(
            f"bundle {name!r} {version} has fingerprint {bundle.fingerprint}, and had {fingerprint} "
            "when the run began: it was changed on disk; run again"
        )
    portal = portal_of(bundle)
    for field in ALWAYS_READ:
        portal.array(field)
    _ = portal.last_traded_rows, portal.bar_rows, portal.session_labels, portal.close_times, portal.auto_close_rows
    return bundle
