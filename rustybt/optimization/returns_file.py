"""How do the daily returns of many trials lie in one file?

A Parquet file with a row a trial: `trial` (int64), `bars` (int32) and `returns` (list of float32). Row groups are
small, so that one trial is read without the others.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from rustybt.errors import ResultCorrupt

Float32Array: TypeAlias = NDArray[np.float32]

SCHEMA: Final = pa.schema([("trial", pa.int64()), ("bars", pa.int32()), ("returns", pa.list_(pa.float32()))])
GROUP_BYTES: Final = 1 << 18
"""Returns in a row group: what reading one trial costs, and what writing holds twice."""


def write_returns(
    path: Path, items: Iterable[tuple[int, Float32Array]], metadata: Mapping[str, str] | None = None
) -> None:
    """Write the returns of trials.

    Parameters
    ----------
    path : Path
        Of the file; made anew.
    items : iterable of (int, float32 array of shape (n_bars,))
        Number and daily returns of each trial; taken one by one.
    metadata : mapping of str to str, optional
        Kept in the file's schema.
    """
    writer = pq.ParquetWriter(
        path,
        SCHEMA.with_metadata(dict(metadata or {})),
        compression="zstd",
        compression_level=1,
        use_dictionary=False,
        column_encoding={"returns.list.element": "BYTE_STREAM_SPLIT"},
        write_page_checksum=True,
    )
    with writer:
        for group in groups_of(items):
            writer.write_table(table_of(group))


def groups_of(items: Iterable[tuple[int, Float32Array]]) -> Iterator[list[tuple[int, Float32Array]]]:
    """Put neighbours together into groups of about GROUP_BYTES."""
    group: list[tuple[int, Float32Array]] = []
    size = 0
    for item in items:
        group.append(item)
        size += item[1].nbytes
        if size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def table_of(group: list[tuple[int, Float32Array]]) -> pa.Table:
    """Give a group as a table of SCHEMA."""
    numbers, arrays = zip(*group, strict=True)
    bars = np.array([len(array) for array in arrays], dtype=np.int32)
    offsets = np.concatenate([[0], np.cumsum(bars)]).astype(np.int32)
    values = np.concatenate(arrays).astype(np.float32, copy=False)
    returns = pa.ListArray.from_arrays(pa.array(offsets), pa.array(values, from_pandas=False))
    return pa.table([pa.array(numbers, pa.int64()), pa.array(bars), returns], schema=SCHEMA)


class ReturnsFile:
    """A file of `write_returns`.

    Parameters
    ----------
    path : Path
        Of the file.
    stays_open : bool, optional
        Go on reading this file when another one takes its place. Otherwise it is open only while it is read.

    Attributes
    ----------
    path : Path
        Of the file.
    bars : dict of int to int
        Length of the returns of each trial by its number, rising.

    Raises
    ------
    ResultCorrupt
        If it is no such file, or its trials do not rise.
    """

    def __init__(self, path: Path, *, stays_open: bool = False) -> None:
        self.path = path
        self._metadata: Any = None
        try:
            self._source: Any = pa.OSFile(str(path)) if stays_open else path
        except OSError as error:
            raise ResultCorrupt(f"{path} cannot be read: {error}") from error
        self.bars: dict[int, int] = {}
        self._places: dict[int, tuple[int, int]] = {}
        with self._open() as file:
            self._metadata = file.metadata
            if not file.schema_arrow.equals(SCHEMA):
                raise ResultCorrupt(f"{path} is no file of returns: its columns are {file.schema_arrow.names}")
            self._kept = file.schema_arrow.metadata or {}
            for group in range(file.num_row_groups):
                self._add_places(file, group)
        if list(self.bars) != sorted(self.bars) or len(self.bars) != self._metadata.num_rows:
            raise ResultCorrupt(f"{path} is no file of returns: its trials do not rise, or one stands there twice")

    @contextmanager
    def _open(self) -> Iterator[pq.ParquetFile]:
        try:
            with pq.ParquetFile(self._source, metadata=self._metadata, page_checksum_verification=True) as file:
                yield file
        except (pa.ArrowException, OSError) as error:
            raise ResultCorrupt(f"{self.path} cannot be read: {error}") from error

    def _add_places(self, file: pq.ParquetFile, group: int) -> None:
        columns = file.read_row_group(group, columns=["trial", "bars"]).to_pydict()
        for row, (number, bars) in enumerate(zip(columns["trial"], columns["bars"], strict=True)):
            self.bars[number] = bars
            self._places[number] = group, row

    @property
    def metadata(self) -> dict[str, str]:
        """What was kept in the file's schema."""
        return {key.decode(): text.decode() for key, text in self._kept.items()}

    @property
    def nbytes(self) -> int:
        """Size of the file."""
        return self.path.stat().st_size

    def get(self, number: int) -> Float32Array:
        """Give the returns of a trial that the file holds: float32, shape (n_bars,), read-only."""
        group, row = self._places[number]
        return self._read(group)[row]

    def items(self) -> Iterator[tuple[int, Float32Array]]:
        """Yield number and returns of every trial, numbers rising, each row group read once."""
        numbers = iter(self._places)
        for group in range(self._metadata.num_row_groups):
            for returns in self._read(group):
                yield next(numbers), returns

    def _read(self, group: int) -> list[Float32Array]:
        with self._open() as file:
            column: Any = file.read_row_group(group, columns=["returns"]).column(0).combine_chunks()
        values, offsets = column.values.to_numpy(), column.offsets.to_numpy()
        return [frozen(values[begin:end]) for begin, end in zip(offsets[:-1], offsets[1:], strict=True)]


def frozen(values: Float32Array) -> Float32Array:
    """Give a copy that nobody can change."""
    copied = np.array(values, dtype=np.float32)
    copied.flags.writeable = False
    return copied
