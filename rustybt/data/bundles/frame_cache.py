"""Where does an ingest function keep what it downloaded, in case the rest fails? A folder of Parquet files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from urllib.parse import quote, unquote

import pandas as pd

from rustybt.data.files import replacing
from rustybt.errors import InvalidParameter

_MAX_FILE_NAME = 200


class FrameCache(MutableMapping[str, pd.DataFrame]):
    """A mapping of names to frames on disk. It outlives a failed ingest and is removed after a good one.

    Parameters
    ----------
    path : Path
        Its folder; made when the first frame is stored.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __getitem__(self, key: str) -> pd.DataFrame:
        file = self._file(key)
        if not file.is_file():
            raise KeyError(key)
        return pd.read_parquet(file)

    def __setitem__(self, key: str, value: pd.DataFrame) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        with replacing(self._file(key)) as beside:
            value.to_parquet(beside)

    def __delitem__(self, key: str) -> None:
        file = self._file(key)
        if not file.is_file():
            raise KeyError(key)
        file.unlink()

    def __iter__(self) -> Iterator[str]:
        return (unquote(file.stem) for file in sorted(self.path.glob("[!.]*.parquet")))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        """Remove every frame, and the folder."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _file(self, key: str) -> Path:
        name = quote(str(key), safe=" -_").replace(".", "%2E")
        if not name or len(name) > _MAX_FILE_NAME:
            raise InvalidParameter(
                f"cache key {str(key)[:40]!r} is empty or too long: use up to {_MAX_FILE_NAME} bytes"
            )
        return self.path / f"{name}.parquet"
