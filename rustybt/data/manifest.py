"""What is in the folder of a bundle version, and is it whole?

`<root>/bundles/<name>/<version>/` holds Parquet tables and `manifest.json`, which names them with size and digest. A
version is never changed; what is derived from it lies in `<root>/cache/<fingerprint>/<sid map>/` and can be deleted.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any, Final

from rustybt.constants import SCHEMA_VERSION
from rustybt.data.files import sha256_of
from rustybt.errors import BundleCorrupt

MANIFEST = "manifest.json"
DAILY_BARS = "daily.parquet"
DATASETS = "datasets"
"""Folder of the point-in-time tables of a version."""
_LATER = frozenset(("minute_rows", "market_minutes", "minute_gaps", "findings", "daily_from_minutes"))
"""What a version that an earlier release ingested does not say."""
_DIGEST: Final = "digest"
"""The manifest's own: of its text with this digest left empty."""
_IS_DIGEST: Final = re.compile("[0-9a-f]{64}").fullmatch


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
        """Give the manifest as the text of `manifest.json`, with a digest of itself."""
        text = json.dumps({_DIGEST: "", **asdict(self)}, indent=1, sort_keys=True) + "\n"
        return _with_digest(text, "", _digest_of(text))


def version_path(root: Path, name: str, version: str) -> Path:
    """Give the folder of a bundle version."""
    return root / "bundles" / name / version


def cache_path(root: Path, manifest: Manifest) -> Path:
    """Give the folder of what is derived from versions of this content and this sid map."""
    return root / "cache" / manifest.fingerprint / manifest.sid_map[:16]


def cache_folders(root: Path) -> list[Path]:
    """List the folders that `cache_path` has given so far and that are still there."""
    return sorted(path for path in (root / "cache").glob("*/*") if _IS_DIGEST(path.parent.name) and path.is_dir())


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
        If it is missing, unreadable, changed or of another schema, or a file it names is missing or has another size.
    """
    try:
        text = (path / MANIFEST).read_bytes().decode("utf-8")
        values = json.loads(text)
        schema = values["schema_version"]
        if schema != SCHEMA_VERSION:
            raise BundleCorrupt(
                f"bundle version {path} has schema {schema!r}, this release reads {SCHEMA_VERSION}: ingest it again"
            )
        _check_digest(path, text, values)
        lacking = _LATER.difference(values)
        manifest = Manifest(**{one.name: values[one.name] for one in fields(Manifest) if one.name not in lacking})
        _check_places(path, manifest)
        for name, record in manifest.files.items():
            size = (path / name).stat().st_size
            if size != record["bytes"]:
                raise BundleCorrupt(
                    f"bundle file {path / name} has {size} bytes, its manifest says {record['bytes']}: ingest it again"
                )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, BundleCorrupt):
            raise
        raise BundleCorrupt(
            f"bundle version {path} is not whole ({type(error).__name__}: {error}): remove it and ingest again"
        ) from error
    return manifest


def _digest_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _with_digest(text: str, old: str, new: str) -> str:
    return text.replace(f'"{_DIGEST}": "{old}"', f'"{_DIGEST}": "{new}"', 1)


def _check_digest(path: Path, text: str, values: dict[str, Any]) -> None:
    """Refuse a manifest that is not as it was written; one that an earlier release wrote has no digest."""
    strangers = sorted(set(values).difference((_DIGEST, *(one.name for one in fields(Manifest)))))
    said = values.get(_DIGEST)
    if strangers or (said is not None and _digest_of(_with_digest(text, said, "")) != said):
        what = f"names {strangers[0]!r}, which no manifest has" if strangers else "is not what was written"
        raise BundleCorrupt(f"bundle manifest {path / MANIFEST} {what}: remove the version, ingest again")


def _check_places(path: Path, manifest: Manifest) -> None:
    """Refuse what would lead to files outside of the version and its cache."""
    for name, digest in (("fingerprint", manifest.fingerprint), ("sid_map", manifest.sid_map)):
        if not _IS_DIGEST(digest):
            raise BundleCorrupt(f"bundle version {path} has {name} {digest!r}, which is no digest: ingest it again")
    for file in manifest.files:
        place = PurePosixPath(file)
        if place.is_absolute() or ".." in place.parts or not place.parts:
            raise BundleCorrupt(
                f"bundle version {path} names file {file!r}, which is not inside of it: ingest it again"
            )


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
        If one differs, or is missing.
    """
    for name in names or manifest.files:
        try:
            is_same = sha256_of(path / name) == manifest.files[name]["sha256"]
        except (OSError, KeyError, TypeError) as error:
            text = f"bundle file {path / name} cannot be compared ({type(error).__name__}: {error})"
            raise BundleCorrupt(f"{text}: remove the version, ingest again") from error
        if not is_same:
            raise BundleCorrupt(f"bundle file {path / name} is not what was ingested: remove the version, ingest again")
