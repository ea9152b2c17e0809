"""How does Parquet become one dense array a field, made once and mapped by every process?

An array file is a `.npy` with a checksum behind the data. It is written beside and renamed into place under a lock, so
a reader sees a whole file or none; one that is damaged is made again.
"""

from __future__ import annotations

import glob
import io
import mmap
import os
import struct
import tokenize
import warnings
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from rustybt._typing import FloatArray, IntArray
from rustybt.data.files import file_lock, remove_leftovers_of, replacing
from rustybt.errors import BundleCorrupt
from rustybt.kernels.adjust import round_window

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LAST_TRADED: Final = "last_traded"
"""The field that `fill_last_traded` makes of the volume."""
_TRAILER: Final = struct.Struct("<4sI")
_TRAILER_MARK: Final = b"crc\n"
_CHECKED_BYTES: Final = 64 << 20
"""Files up to this size are read through when mapped (tens of milliseconds); larger ones are checked by their size."""
_CELLS_PER_BLOCK: Final = 2_000_000
_DUCKDB_THREADS: Final = 2
_ATTEMPTS: Final = 3
"""How often an array is made, where a clean takes its folder away meanwhile."""
_NO_ARRAY: Final = (OSError, ValueError, EOFError, SyntaxError, struct.error, tokenize.TokenError)
"""What NumPy raises of a header that is none."""

_MOST_QUANTA: Final = 2.0**53
"""A float64 does not tell quanta apart above that, and a price that is larger stays as it is."""

Fill = Callable[[NDArray[Any]], None]


def open_dense(path: Path, shape: tuple[int, ...], dtype: type, fill: Fill) -> np.memmap[Any, Any]:
    """Map an array file, making it first if it is missing or damaged.

    Parameters
    ----------
    path : Path
        The `.npy` file in the cache folder.
    shape : tuple of int
        Sessions or minutes, and assets.
    dtype : type
        Of its elements.
    fill : callable
        Writes the values into an array of zeros of that shape.

    Returns
    -------
    np.memmap
        C-contiguous, read-only.
    """
    mapped = _map(path, shape, dtype)
    for attempt in range(1, _ATTEMPTS + 1):
        if mapped is not None:
            return mapped
        try:
            mapped = _made(path, shape, dtype, fill)
        except FileNotFoundError:
            if attempt == _ATTEMPTS:
                raise
    if mapped is None:
        raise OSError(f"array {path} cannot be read back after it was written: check the disk")
    return mapped


def _made(path: Path, shape: tuple[int, ...], dtype: type, fill: Fill) -> np.memmap[Any, Any] | None:
    # One lock an array: making "last_traded" opens "volume", which may have to be made as well.
    with file_lock(path.with_suffix(".lock")):
        mapped = _map(path, shape, dtype)
        if mapped is None:
            _write(path, shape, dtype, fill)
            mapped = _map(path, shape, dtype)
    return mapped


def _map(path: Path, shape: tuple[int, ...], dtype: type) -> np.memmap[Any, Any] | None:
    header = _header(shape, dtype)
    try:
        with path.open("rb") as file:
            if file.read(len(header)) != header:
                return None
        mapped = np.lib.format.open_memmap(path, mode="r")
    except _NO_ARRAY:
        return None
    if mapped.shape != shape or mapped.dtype != dtype or not mapped.flags.c_contiguous:
        return None
    with path.open("rb") as file:
        file.seek(-_TRAILER.size, 2)
        mark, checksum = _TRAILER.unpack(file.read(_TRAILER.size))
        end = file.tell() - _TRAILER.size
    if mark != _TRAILER_MARK or end != mapped.offset + mapped.nbytes:
        return None
    if mapped.nbytes <= _CHECKED_BYTES and _checksum(mapped) != checksum:
        return None
    return mapped


def _header(shape: tuple[int, ...], dtype: type) -> bytes:
    """Give the bytes before the data of an array file."""
    described = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    written = io.BytesIO()
    np.lib.format.write_array_header_1_0(written, described)
    return written.getvalue()


def is_whole(path: Path) -> bool:
    """Say whether an array file is what was written, whatever its size."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that NumPy can read only with some effort
            mapped = np.lib.format.open_memmap(path, mode="r")
        with path.open("rb") as file:
            file.seek(-_TRAILER.size, os.SEEK_END)
            mark, checksum = _TRAILER.unpack(file.read(_TRAILER.size))
            end = file.tell() - _TRAILER.size
    except _NO_ARRAY:
        return False
    return bool(mark == _TRAILER_MARK and end == mapped.offset + mapped.nbytes and _checksum(mapped) == checksum)


def let_go(mapped: np.memmap[Any, Any]) -> None:
    """Take the pages of a read-only mapped array out of this process; whoever reads it again gets them again."""
    if isinstance(mapped.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.base.madvise(mmap.MADV_DONTNEED)


def _write(path: Path, shape: tuple[int, ...], dtype: type, fill: Fill) -> None:
    remove_leftovers_of(path)
    durable = int(np.prod(shape)) * np.dtype(dtype).itemsize > _CHECKED_BYTES  # whose content no reader checks
    with replacing(path, durable) as beside:
        mapped = np.lib.format.open_memmap(beside, mode="w+", dtype=np.dtype(dtype), shape=shape)
        _reserve(beside)
        fill(mapped)
        if durable:
            mapped.flush()
        checksum = _checksum(mapped)
        del mapped
        with beside.open("ab") as file:
            file.write(_TRAILER.pack(_TRAILER_MARK, checksum))


def _reserve(path: Path) -> None:
    """Take the room of a file, which has holes: where the disk is full, writing to its pages would kill the process."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(path)) from error


def _checksum(mapped: NDArray[Any]) -> int:
    return zlib.crc32(mapped.data) if mapped.size else 0


def fill_field(
    out: NDArray[Any],
    bars: Path,
    field: str,
    label_ns: IntArray,
    sids: IntArray,
    price_quantum: float | None,
    time: str = "session",
) -> None:
    """Write one field of all bars of a file into a dense array.

    Parameters
    ----------
    out : float64 array, shape (n_rows, n_assets)
        Receives the values: a price is NaN where there is no bar, and where it rounds to 0; volume is 0 there.
    bars : Path
        A Parquet file of the version, such as `daily.parquet`.
    field : {"open", "high", "low", "close", "volume"}
        Which.
    label_ns : int64 array, shape (n_rows,)
        Labels of the rows: sessions or minutes, nanoseconds since 1970.
    sids : int64 array, shape (n_assets,)
        Ascending; the columns. Bars of other assets are passed over.
    price_quantum : float or None
        Step to which prices are rounded.
    time : {"session", "minute"}
        The file's column of labels.

    Raises
    ------
    BundleCorrupt
        If a bar has another label.
    """
    is_price = field != "volume"
    if is_price:
        out[:] = np.nan
    for sid, times, values in _bar_blocks(bars, (time, field), sids, len(label_ns)):
        column = np.searchsorted(sids, sid)
        wanted = sids[column] == sid
        row = np.searchsorted(label_ns, times[wanted])
        if (label_ns[np.minimum(row, len(label_ns) - 1)] != times[wanted]).any():
            raise BundleCorrupt(f"bundle file {bars} has bars outside of the version's sessions: ingest it again")
        out[row, column[wanted]] = quantised(values[wanted], price_quantum) if is_price else values[wanted]


def quantised(prices: FloatArray, price_quantum: float | None) -> FloatArray:
    """Round prices to whole quanta, the way Zipline's stores do: rint(p / q) · q, and 0 means missing.

    Parameters
    ----------
    prices : float64 array
        As given by the source; NaN where missing.
    price_quantum : float or None
        The step, such as 0.001; None leaves prices as they are.

    Returns
    -------
    float64 array
        Same shape.

    Examples
    --------
    >>> quantised(np.array([1.5004, 0.0004]), 0.001).tolist()
    [1.5, nan]
    """
    if price_quantum is None:
        return prices
    with np.errstate(over="ignore"):
        whole = np.rint(prices * round(1.0 / price_quantum))
        rounded = np.where(np.abs(whole) < _MOST_QUANTA, whole * price_quantum, prices)
    return np.where(whole == 0, np.nan, rounded)


def fill_rounded(out: NDArray[Any], values: FloatArray) -> None:
    """Write values as history windows report them; see `rustybt.kernels.adjust.round_window`.

    Parameters
    ----------
    out : float64 array, shape (n_sessions, n_assets)
        Receives them.
    values : float64 array, shape (n_sessions, n_assets)
        NaN where there is no bar.
    """
    step = max(1, _CELLS_PER_BLOCK // max(1, values.shape[1]))
    for start in range(0, len(values), step):
        out[start : start + step] = round_window(values[start : start + step])


def fill_last_traded(out: NDArray[Any], volume: FloatArray) -> None:
    """Write, for each session and asset, the row of the last session up to it with a volume above 0; -1 for none.

    Parameters
    ----------
    out : int32 array, shape (n_sessions, n_assets)
        Receives the rows.
    volume : float64 array, shape (n_sessions, n_assets)
        0 where there is no bar.
    """
    last = np.full(volume.shape[1], -1, dtype=np.int32)
    step = max(1, _CELLS_PER_BLOCK // max(1, volume.shape[1]))
    for start in range(0, len(volume), step):
        block = volume[start : start + step]
        rows = np.where(block > 0, np.arange(start, start + len(block), dtype=np.int32)[:, None], np.int32(-1))
        rows[0] = np.maximum(rows[0], last)
        np.maximum.accumulate(rows, axis=0, out=rows)
        out[start : start + step] = rows
        last = rows[-1]


def _bar_blocks(
    bars: Path, names: tuple[str, str], sids: IntArray, rows: int
) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
    """Read sid, label (nanoseconds) and one field of the bars, some assets at a time so that memory stays bounded."""
    # Workers map arrays that exist, and must not start DuckDB.
    from duckdb import ColumnExpression, ConstantExpression

    assets = max(1, _CELLS_PER_BLOCK // max(1, rows))
    with _database(os.getpid()).cursor() as cursor:
        table = cursor.read_parquet(glob.escape(str(bars)))
        sid, columns = ColumnExpression("sid"), [ColumnExpression(name) for name in ("sid", *names)]
        for start in range(0, len(sids), assets):
            block = sids[start : start + assets]
            wanted = (sid >= ConstantExpression(int(block[0]))) & (sid <= ConstantExpression(int(block[-1])))
            found = table.filter(wanted).select(*columns).fetchnumpy()
            times, values = (np.asarray(found[name]) for name in names)
            yield np.asarray(found["sid"]), times.astype("datetime64[ns]").astype(np.int64), values


@cache
def _database(pid: int) -> DuckDBPyConnection:
    """Give the process's one DuckDB, whose start takes longer than a field of a small bundle.

    A forked child has one of its own, and never closes the one that it inherited, which would crash it.
    """
    import duckdb

    return duckdb.connect(":memory:", config={"threads": _DUCKDB_THREADS})
