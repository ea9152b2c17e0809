"""What is in the folder of a bundle version, and is it whole?

`<root>/bundles/<name>/<version>/` holds Parquet tables and `manifest.json`, which names them with size and digest. A
version is never changed; what is derived from it lies in `<root>/cache/<fingerprint>/<sid map>/` and can be deleted.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from rustybt.constants import SCHEMA_VERSION
from rustybt.data.files import sha256_of
from rustybt.errors import BundleCorrupt

MANIFEST = "manifest.json"
DAILY_BARS = "daily.parquet"
DATASETS = "datasets"
"""Folder of the point-in-time tables of a version."""
_LATER = frozenset(("minute_rows", "market_minutes", "minute_gaps", "findings", "daily_from_minutes"))
"""What a version that an earlier release ingested does not say."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description of one bundle version.

    Attributes
    ----------
    schema_version : int
        Of tables and manifest.
    name : str
        The bundle's.
    calendar : str
        Canonical name of the exchange calendar.
    price_quantum : float or None
        Step to which dense prices are rounded; None keeps them as given.
    first_trading_session_ns : int
        Windows that reach back before it are an error.
    first_session, last_session : str
        First and last session with a bar, ISO dates.
    sessions, assets, rows : int
        Number of sessions in between, of assets, of daily bars.
    fingerprint : str
        Digest of the content, see `bundles.fingerprint`.
    sid_map : str
        Digest of which sid means which asset.
    files : dict
        File name to {"bytes": int, "sha256": str}.
    gaps : dict
        Symbol and sid to {"missing": int, "first": ISO date, "spans": [[ISO date, ISO date], ...]}: sessions without a
        bar between an asset's first and last bar; the first spans of them.
    source : dict
        Where the data came from: "kind", and what it takes to read it again, see `bundles.remembered.SOURCES`.
    description : str
        What a user should know, e.g. that prices are synthetic.
    minute_rows : int
        Number of minute bars; 0 for daily bars only.
    market_minutes : int
        Number of minutes that the market was open from the first to the last session; 0 for daily bars only.
    minute_gaps : dict
        As `gaps`: sessions without a minute bar between an asset's first and last.
    daily_from_minutes : bool
        Whether the daily bars were made of the minute bars.
    findings : dict
        What was wrong with the source data, see `bundles.findings.Findings.for_manifest`.
    """

    schema_version: int
    name: str
    calendar: str
    price_quantum: float | None
    first_trading_session_ns: int
    first_session: str
    last_session: str
    sessions: int
    assets: int
    rows: int
    fingerprint: str
    sid_map: str
    files: dict[str, dict[str, Any]]
    gaps: dict[str, dict[str, Any]]
    source: dict[str, Any]
    description: str
    minute_rows: int = 0
    market_minutes: int = 0
    minute_gaps: dict[str, dict[str, Any]] = field(default_factory=dict)
    daily_from_minutes: bool = False
    findings: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Give the manifest as the text of `manifest.json`."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def version_path(root: Path, name: str, version: str) -> Path:
    """Give the folder of a bundle version."""
    return root / "bundles" / name / version


def cache_path(root: Path, manifest: Manifest) -> Path:
    """Give the folder of what is derived from versions of this content and this sid map."""
    return root / "cache" / manifest.fingerprint / manifest.sid_map[:16]


def read_manifest(path: Path) -> Manifest:
    """Read and check the manifest of a version folder.

    Parameters
    ----------
    path : Path
        The folder.

    Returns
    -------
    Manifest

    Raises
    ------
    BundleCorrupt
        If it is missing, unreadable or of another schema, or a file it names is missing or has another size.
    """
    try:
        values = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        schema = values["schema_version"]
        if schema != SCHEMA_VERSION:
            raise BundleCorrupt(
                f"bundle version {path} has schema {schema!r}, this release reads {SCHEMA_VERSION}: ingest it again"
            )
        lacking = _LATER.difference(values)
        manifest = Manifest(**{one.name: values[one.name] for one in fields(Manifest) if one.name not in lacking})
        for name, record in manifest.files.items():
            size = (path / name).stat().st_size
            if size != record["bytes"]:
                raise BundleCorrupt(
                    f"bundle file {path / name} has {size} bytes, its manifest says {record['bytes']}: ingest it again"
                )
    except (OSError, json.JSONDecodeError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise BundleCorrupt(
            f"bundle version {path} is not whole ({type(error).__name__}: {error}): remove it and ingest again"
        ) from error
    return manifest


def verify_files(path: Path, manifest: Manifest, *names: str) -> None:
    """Compare the content of files of a version with their digests.

    Parameters
    ----------
    path : Path
        The version's folder.
    manifest : Manifest
        Of that version.
    *names : str
        Which files; all by default.

    Raises
    ------
    BundleCorrupt
        If one differs.
    """
    for name in names or manifest.files:
        if sha256_of(path / name) != manifest.files[name]["sha256"]:
            raise BundleCorrupt(f"bundle file {path / name} is not what was ingested: remove the version, ingest again")
