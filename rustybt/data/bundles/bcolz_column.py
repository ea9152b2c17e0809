"""What does a column of a bcolz table on disk hold? Whole numbers of 32 bits, read after its files were checked.

The library trusts the files: it would unpickle a column of objects, and read beyond a piece that is shorter than its
header says. Here a column of another kind, or of other sizes than its own metadata tells, never reaches the library.
"""

from __future__ import annotations

import json
import struct
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rustybt.errors import BadData

_UINT32: Final = ("uint32", "<u4")
_ITEM_BYTES: Final = 4
_MAGIC: Final = b"blpk"
_PACK_HEADER_BYTES: Final = 16
_HEADERS: Final = struct.Struct("<4s12x3xBIII")
"""Of a piece: magic word and its rest; then of what is compressed the item size, plain bytes, block size, and bytes."""


class Column:
    """A column of unsigned 32-bit numbers.

    Parameters
    ----------
    folder : Path
        Of the column, with `meta/` and `data/` in it.

    Raises
    ------
    BadData
        If it is no such column, a file is damaged, or bcolz is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self._length = column_length(folder)
        storage = read_json(folder / "meta" / "storage")
        if storage.get("dtype") not in _UINT32:
            raise BadData(f"{folder} holds {storage.get('dtype')!r}, not uint32: it is no column of Zipline's bars")
        per_piece = storage.get("chunklen")
        if not isinstance(per_piece, int) or not 0 < per_piece < 2**29:
            raise BadData(f"{folder / 'meta' / 'storage'} says chunklen {per_piece!r}: copy the folder again")
        for number in range(-(-self._length // per_piece)):
            rows = min(per_piece, self._length - number * per_piece)
            _check_piece(folder / "data" / f"__{number}.blp", rows, per_piece)
        self._folder = folder
        self._values = _opened(folder)

    def __len__(self) -> int:
        return self._length

    def read(self, begin: int, end: int) -> npt.NDArray[np.uint32]:
        """Read rows.

        Parameters
        ----------
        begin, end : int
            The first, and the one after the last.

        Returns
        -------
        uint32 array, shape (end - begin,)
        """
        try:
            values: npt.NDArray[np.uint32] = np.asarray(self._values[begin:end])
        except (RuntimeError, ValueError, OSError) as error:
            raise _damaged(self._folder, error) from error
        return values


def column_length(folder: Path) -> int:
    """Give the number of rows that a column says it has.

    Parameters
    ----------
    folder : Path
        Of the column.

    Returns
    -------
    int
    """
    shape = read_json(folder / "meta" / "sizes").get("shape")
    if not isinstance(shape, list) or len(shape) != 1 or not isinstance(shape[0], int) or shape[0] < 0:
        raise BadData(f"{folder / 'meta' / 'sizes'} says shape {shape!r}, not one number: copy the folder again")
    return shape[0]


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that holds a JSON object.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict

    Raises
    ------
    BadData
        If it is missing, or holds something else.
    """
    try:
        said = json.loads(path.read_bytes())
    except OSError as error:
        raise BadData(f"{path} cannot be read ({error.strerror}): copy the bundle's whole folder") from error
    except ValueError as error:
        raise BadData(f"{path} is damaged ({error}): copy it again") from error
    if not isinstance(said, dict):
        raise BadData(f"{path} holds {type(said).__name__}, not an object: copy it again")
    return said


def _check_piece(path: Path, rows: int, most_rows: int) -> None:
    """Refuse a piece that lacks bytes, or would unpack to another size than its column says."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEADERS.size)
        size = path.stat().st_size
    except OSError as error:
        raise BadData(f"{path} cannot be read ({error.strerror}): copy the bundle's whole folder") from error
    if len(head) < _HEADERS.size:
        raise BadData(f"{path} has {len(head)} bytes, too few to be a piece of a column: copy it again")
    magic, item_bytes, plain_bytes, _, packed_bytes = _HEADERS.unpack(head)
    if magic != _MAGIC or item_bytes != _ITEM_BYTES:
        raise BadData(f"{path} is no piece of a column of 32-bit numbers: copy it again")
    if not _PACK_HEADER_BYTES <= packed_bytes <= size - _PACK_HEADER_BYTES:
        raise BadData(f"{path} has {size} bytes, but {packed_bytes + _PACK_HEADER_BYTES} were written: copy it again")
    if not rows * _ITEM_BYTES <= plain_bytes <= most_rows * _ITEM_BYTES:
        raise BadData(f"{path} holds {plain_bytes // _ITEM_BYTES} rows, but its column says {rows}: copy it again")


def _opened(folder: Path) -> Any:
    if find_spec("bcolz") is None:
        raise BadData(f'{folder} needs the package bcolz-zipline to be read: pip install "rustybt[zipline]"')
    bcolz = import_module("bcolz")
    bcolz.blosc_set_nthreads(1)  # threads that stay would keep worker processes from being forked
    try:
        return bcolz.carray(rootdir=str(folder), mode="r")
    except (RuntimeError, ValueError, KeyError, TypeError, OSError) as error:
        raise _damaged(folder, error) from error


def _damaged(folder: Path, error: Exception) -> BadData:
    return BadData(f"{folder} cannot be read ({type(error).__name__}: {error}): copy the bundle's whole folder")
