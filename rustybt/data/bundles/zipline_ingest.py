"""How does a bundle come from Zipline? As from other files, but its calendar is known."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rustybt.data.bundles.ingest import ingest_files
from rustybt.data.bundles.zipline_bundle import ZiplineBundle


def ingest_zipline(
    path: str | os.PathLike[str],
    name: str,
    calendar_name: str | None = None,
    environ: Mapping[str, str] | None = None,
    timestamp: Any = None,
    show_progress: bool = False,
    **how: Any,
) -> str:
    """Make a bundle of one that Zipline ingested; see `ingest_files`. It needs `pip install "rustybt[zipline]"`.

    Parameters
    ----------
    path : path-like
        The folder of the bundle or of one of its versions, see `zipline_bundle.ZiplineBundle`. It is only read.
    name : str
        The bundle's name here; not that of a registered bundle.
    calendar_name : str, optional
        Exchange calendar, for bundles so old that they do not say it. Another than the bundle's is refused.
    environ, timestamp, show_progress, **how
        As `ingest_files` takes them.

    Returns
    -------
    str
        Name of the version.
    """
    if calendar_name is None:
        calendar_name = ZiplineBundle(Path(path).expanduser().absolute()).calendar
    return ingest_files("zipline", path, name, calendar_name, environ, timestamp, show_progress, **how)
