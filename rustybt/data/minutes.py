"""What happened in each minute? The minute bars of a bundle version as dense arrays, a calendar month at a time.

A block holds the minutes of the sessions of one month, so a session never lies in two blocks, and what a simulation of
one month reads is all that is made. `<version>/minutes/YYYY-MM.parquet` holds the bars of the same sessions.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rustybt._typing import IntArray, Records
from rustybt.calendars import SessionTable
from rustybt.constants import OHLCV
from rustybt.data.dense import LAST_TRADED, fill_field, fill_last_traded, open_dense
from rustybt.data.manifest import Manifest, verify_files
from rustybt.data.market_minutes import minute_labels, months_of, with_breaks
from rustybt.data.tables import read_parquet
from rustybt.errors import NoMinuteBars

MINUTES_FOLDER: Final = "minutes"
BREAKS: Final = "breaks"
_TRADED: Final = "traded"
_MOST_MAPPED: Final = 64
"""NumPy holds one file descriptor a mapped array, and a process has about a thousand."""
_ROWS_PER_STEP: Final = 1024


class MinuteTable(NamedTuple):
    """The market minutes of a bundle's sessions.

    Attributes
    ----------
    label_ns : int64 array, shape (n_minutes,)
        Label (the end) of each minute, nanoseconds UTC; read-only. Breaks are left out.
    first : int64 array, shape (n_sessions + 1,)
        The minutes of session row r are first[r] .. first[r + 1] - 1.
    block_first : int64 array, shape (n_blocks + 1,)
        The minutes of block b, which are those of one calendar month, are block_first[b] .. block_first[b + 1] - 1.
    """

    label_ns: IntArray
    first: IntArray
    block_first: IntArray


class MinuteBars:
    """The minute bars of one bundle version, read-only.

    Parameters
    ----------
    path : Path
        The version's folder.
    cache : Path
        The folder of what is derived from it.
    manifest : Manifest
        Of the version.
    sessions : SessionTable
        Of the version.
    sids : int64 array, shape (n_assets,)
        Ascending; the columns of the arrays.

    Raises
    ------
    NoMinuteBars
        If the version has none.
    """

    def __init__(self, path: Path, cache: Path, manifest: Manifest, sessions: SessionTable, sids: IntArray) -> None:
        if not manifest.minute_rows:
            raise NoMinuteBars(
                f"bundle {manifest.name!r} has daily bars only: ingest it with minute bars, or simulate daily"
            )
        self._path = path
        self._cache = cache / MINUTES_FOLDER
        self._manifest = manifest
        self._sessions = sessions
        self._sids = sids
        self._mapped: OrderedDict[tuple[str, int], np.memmap[Any, Any]] = OrderedDict()

    @cached_property
    def table(self) -> MinuteTable:
        """Where sessions and blocks begin among the minutes."""
        label_ns = open_dense(
            self._cache / "labels.npy", (self._manifest.market_minutes,), np.int64, self._write_labels
        )
        rows = np.append(self._block_rows, len(self._sessions.session_ns))
        first = np.append(np.searchsorted(label_ns, self._sessions.open_ns), len(label_ns))
        return MinuteTable(label_ns, first, first[rows])

    def array(self, field: str, block: int) -> np.memmap[Any, Any]:
        """Map the dense array of a field in a block.

        Parameters
        ----------
        field : {"open", "high", "low", "close", "volume", "last_traded"}
            Prices are as traded (not adjusted), rounded to the version's price quantum. "last_traded" is the row in
            this block of the last minute up to the current one with a volume above 0.
        block : int
            From 0.

        Returns
        -------
        np.memmap, shape (minutes of the block, n_assets)
            C-contiguous, read-only. float64, for "last_traded" int32. Where there is no bar a price is NaN, volume 0;
            last_traded is -1 before the block's first trade.

        Raises
        ------
        ValueError
            If the field has another name.
        IndexError
            If there is no such block.
        BundleCorrupt
            If the version's bars are not those that were ingested.
        """
        if field not in (*OHLCV, LAST_TRADED):
            raise ValueError(f"field {field!r} is not stored: choose among {', '.join((*OHLCV, LAST_TRADED))}")
        return self._array(field, block)

    def traded(self, block: int) -> np.memmap[Any, Any]:
        """Map the bitmap of which assets traded in which minute of a block.

        Parameters
        ----------
        block : int
            From 0.

        Returns
        -------
        np.memmap of uint8, shape (minutes of the block, ceil(n_assets / 8))
            `np.packbits` of a volume above 0, along the assets.
        """
        return self._array(_TRADED, block)

    def _array(self, name: str, block: int) -> np.memmap[Any, Any]:
        mapped = self._mapped.get((name, block))
        if mapped is not None:
            self._mapped.move_to_end((name, block))
            return mapped
        if not 0 <= block < len(self._months):
            raise IndexError(f"block {block} is none of bundle {self._manifest.name!r}: it has {len(self._months)}")
        mapped = self._mapped[name, block] = self._open(name, block)
        if len(self._mapped) > _MOST_MAPPED:
            self._mapped.popitem(last=False)
        return mapped

    def _open(self, name: str, block: int) -> np.memmap[Any, Any]:
        path = self._cache / self._months[block] / f"{name}.npy"
        begin, end = self.table.block_first[block : block + 2].tolist()
        rows, columns = end - begin, len(self._sids)
        if name in OHLCV:
            return open_dense(path, (rows, columns), np.float64, partial(self._fill, field=name, block=block))
        shape, dtype = ((rows, columns), np.int32) if name == LAST_TRADED else ((rows, -(-columns // 8)), np.uint8)
        derive = fill_last_traded if name == LAST_TRADED else fill_traded
        return open_dense(path, shape, dtype, lambda out: derive(out, np.asarray(self._array("volume", block))))

    def _fill(self, out: NDArray[Any], field: str, block: int) -> None:
        name = f"{MINUTES_FOLDER}/{self._months[block]}.parquet"
        if name not in self._manifest.files:
            out[:] = 0.0 if field == "volume" else np.nan
            return
        verify_files(self._path, self._manifest, name)
        begin, end = self.table.block_first[block : block + 2]
        labels = np.asarray(self.table.label_ns[begin:end])
        fill_field(out, self._path / name, field, labels, self._sids, self._manifest.price_quantum, time="minute")

    def _write_labels(self, out: NDArray[Any]) -> None:
        verify_files(self._path, self._manifest, f"{BREAKS}.parquet")
        breaks: Records = read_parquet(self._path / f"{BREAKS}.parquet", BREAKS)
        out[:] = minute_labels(with_breaks(self._sessions, breaks))

    @cached_property
    def _block_rows(self) -> IntArray:
        """The row of the first session of each block."""
        return np.flatnonzero(np.diff(months_of(self._sessions.session_ns), prepend=-1 << 62))

    @cached_property
    def _months(self) -> list[str]:
        """The month of each block, as its file is named."""
        first = self._sessions.session_ns[self._block_rows]
        return [month_name(number) for number in months_of(first).tolist()]


def month_name(number: int) -> str:
    """Name a month by its number since January 1970.

    Parameters
    ----------
    number : int
        See `market_minutes.months_of`.

    Returns
    -------
    str

    Examples
    --------
    >>> month_name(598)
    '2019-11'
    """
    return str(np.datetime64(number, "M"))


def fill_traded(out: NDArray[Any], volume: NDArray[np.float64]) -> None:
    """Write which assets have a volume above 0, eight assets a byte.

    Parameters
    ----------
    out : uint8 array, shape (n_minutes, ceil(n_assets / 8))
        Receives the bits, the first asset in the highest.
    volume : float64 array, shape (n_minutes, n_assets)
        0 where there is no bar.

    Examples
    --------
    >>> bits = np.zeros((1, 1), np.uint8)
    >>> fill_traded(bits, np.array([[5.0, 0.0, 1.0]]))
    >>> bits.tolist()
    [[160]]
    """
    for start in range(0, len(volume), _ROWS_PER_STEP):
        out[start : start + _ROWS_PER_STEP] = np.packbits(volume[start : start + _ROWS_PER_STEP] > 0, axis=1)
