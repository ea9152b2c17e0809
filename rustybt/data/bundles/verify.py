"""Is a version on disk what was ingested, and is what was derived from it whole? Every byte is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from rustybt.data.bundles.catalog import versions
from rustybt.data.bundles.layout import bundle_path, data_root
from rustybt.data.bundles.registry import bundles, unknown_bundle
from rustybt.data.dense import is_whole
from rustybt.data.files import sha256_of
from rustybt.data.manifest import MANIFEST, Manifest, cache_path, read_manifest
from rustybt.errors import BundleCorrupt, UnknownBundle, did_you_mean


class Verified(NamedTuple):
    """What was found of a version.

    Attributes
    ----------
    version : str
        Its name.
    files, bytes : int
        How many were compared with the digests of the manifest, and how much that was.
    problems : tuple of str
        What is wrong; none if all is as it was ingested.
    dropped : tuple of str
        Damaged arrays of the cache, which were removed and will be made again.
    """

    version: str
    files: int
    bytes: int
    problems: tuple[str, ...]
    dropped: tuple[str, ...]


def verify(name: str, version: str | None = None, environ: Mapping[str, str] | None = None) -> list[Verified]:
    """Compare versions of a bundle with the digests that were written when they were ingested.

    Parameters
    ----------
    name : str
        The bundle.
    version : str, optional
        One of its versions; by default all.
    environ : mapping, optional
        The environment variables; by default the process's.

    Returns
    -------
    list of Verified
        Oldest first.

    Raises
    ------
    UnknownBundle
        If there is no such version.
    """
    root = data_root(environ)
    there = [record.version for record in versions(name, environ)]
    if not there and name not in bundles:
        raise unknown_bundle(name, environ)
    known = [one for one in there if version in (None, one)]
    if not known:
        what = "no version" if version is None else f"no version {version!r}{did_you_mean(version, there)}"
        raise UnknownBundle(f"bundle {name!r} has {what} on disk: `rustybt bundles` lists what there is")
    return [_verified(root, bundle_path(root, name) / one, one) for one in known]


def _verified(root: Path, path: Path, version: str) -> Verified:
    try:
        manifest = read_manifest(path)
    except BundleCorrupt as error:
        return Verified(version, 0, 0, (str(error),), ())
    problems = (*_problems(path, manifest), *_strangers(path, manifest))
    total = sum(int(record["bytes"]) for record in manifest.files.values())
    return Verified(version, len(manifest.files), total, problems, tuple(_drop_damaged(cache_path(root, manifest))))


def _problems(path: Path, manifest: Manifest) -> Iterator[str]:
    for name, record in manifest.files.items():
        try:
            if sha256_of(path / name) != record["sha256"]:
                yield f"{path / name} is not what was ingested"
        except OSError as error:
            yield f"{path / name} cannot be read: {error.strerror}"


def _strangers(path: Path, manifest: Manifest) -> Iterator[str]:
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if file.is_file() and name != MANIFEST and name not in manifest.files:
            yield f"{file} is no part of the version"


def _drop_damaged(cache: Path) -> Iterator[str]:
    for file in sorted(cache.rglob("*.npy")):
        if not is_whole(file):
            file.unlink(missing_ok=True)
            yield str(file)
