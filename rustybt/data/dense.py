"""How does Parquet become one dense array a field, made once and mapped by every process?

An array file is a `.npy` with a checksum behind the data. It is written beside and renamed into place under a lock, so
a reader sees a whole file or none; one that is damaged is made again.
"""

from __future__ import annotations

import glob
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rustybt._typing import FloatArray, IntArray
from rustybt.constants import NS_PER_DAY
from rustybt.data.files import file_lock, replacing

_TRAILER: Final = struct.Struct("<4sI")
_TRAILER_MARK: Final = b"crc\n"
_CHECKED_BYTES: Final = 64 << 20
"""Files up to this size are read through when mapped (tens of milliseconds); larger ones are checked by their size."""
_CELLS_PER_BLOCK: Final = 4_000_000
_DUCKDB_THREADS: Final = 2

Fill = Callable[[NDArray[Any]], None]


def open_dense(path: Path, shape: tuple[int, int], dtype: type, fill: Fill) -> np.memmap[Any, Any]:
    """Map an array file, making it first if it is missing or damaged.

    Parameters
    ----------
    path : Path
        The `.npy` file in the cache folder.
    shape : (int, int)
        Sessions, assets.
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
    if mapped is not None:
        return mapped
    with file_lock(path.parent / ".lock"):
        mapped = _map(path, shape, dtype)
        if mapped is None:
            _write(path, shape, dtype, fill)
            mapped = _map(path, shape, dtype)
    if mapped is None:
        raise OSError(f"array {path} cannot be read back after it was written: check the disk")
    return mapped


def _map(path: Path, shape: tuple[int, int], dtype: type) -> np.memmap[Any, Any] | None:
    try:
        mapped = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError):
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


def _write(path: Path, shape: tuple[int, int], dtype: type, fill: Fill) -> None:
    with replacing(path) as beside:
        mapped = np.lib.format.open_memmap(beside, mode="w+", dtype=np.dtype(dtype), shape=shape)
        fill(mapped)
        mapped.flush()
        checksum = _checksum(mapped)
        del mapped
        with beside.open("ab") as file:
            file.write(_TRAILER.pack(_TRAILER_MARK, checksum))


def _checksum(mapped: NDArray[Any]) -> int:
    return zlib.crc32(mapped.data) if mapped.size else 0


def fill_field(
    out: NDArray[Any], bars: Path, field: str, session_ns: IntArray, sids: IntArray, price_quantum: float | None
) -> None:
    """Write one field of all bars into a dense array.

    Parameters
    ----------
    out : float64 array, shape (n_sessions, n_assets)
        Receives the values: a price is NaN where there is no bar, and where it rounds to 0; volume is 0 there.
    bars : Path
        The version's `daily.parquet`.
    field : {"open", "high", "low", "close", "volume"}
        Which.
    session_ns : int64 array, shape (n_sessions,)
        Labels of the rows.
    sids : int64 array, shape (n_assets,)
        Ascending; the columns. Bars of other assets are passed over.
    price_quantum : float or None
        Step to which prices are rounded.
    """
    days = session_ns // NS_PER_DAY
    is_price = field != "volume"
    if is_price:
        out[:] = np.nan
    for sid, day, values in _bar_blocks(bars, field, sids, len(days)):
        column = np.searchsorted(sids, sid)
        wanted = sids[column] == sid
        cells = quantised(values[wanted], price_quantum) if is_price else values[wanted]
        out[np.searchsorted(days, day[wanted]), column[wanted]] = cells


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
    >>> quantised(np.array([1.0014, 0.0004]), 0.001).tolist()
    [1.001, nan]
    """
    if price_quantum is None:
        return prices
    whole = np.rint(prices * round(1.0 / price_quantum))
    return np.where(whole == 0, np.nan, whole * price_quantum)


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
    bars: Path, field: str, sids: IntArray, sessions: int
) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
    """Read sid, day number and one field of the bars, some assets at a time so that memory stays bounded."""
    # Workers map arrays that exist, and must not start DuckDB.
    import duckdb
    from duckdb import ColumnExpression, ConstantExpression

    assets = max(1, _CELLS_PER_BLOCK // max(1, sessions))
    connection = duckdb.connect(":memory:", config={"threads": _DUCKDB_THREADS})
    try:
        table = connection.read_parquet(glob.escape(str(bars)))
        sid, columns = ColumnExpression("sid"), [ColumnExpression(name) for name in ("sid", "session", field)]
        for start in range(0, len(sids), assets):
            block = sids[start : start + assets]
            wanted = (sid >= ConstantExpression(int(block[0]))) & (sid <= ConstantExpression(int(block[-1])))
            found = table.filter(wanted).select(*columns).fetchnumpy()
            days = np.asarray(found["session"]).astype("datetime64[D]").astype(np.int64)
            yield np.asarray(found["sid"]), days, np.asarray(found[field])
    finally:
        connection.close()
