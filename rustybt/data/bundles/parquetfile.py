"""What does one Parquet file of one symbol's bars hold? The same columns as a CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rustybt._typing import FloatArray, IntArray
from rustybt.constants import NAT, OHLCV
from rustybt.data.bundles.columns import DATE, canonical_names, no_split_is_none
from rustybt.data.bundles.raw_bars import Place, RawBars
from rustybt.errors import BadData

if TYPE_CHECKING:
    import pyarrow as pa


class RowOrigin(NamedTuple):
    """The rows of a table in a file, counted from 1 on."""

    path: Path

    def places(self, rows: Sequence[int]) -> list[Place]:
        """Give the places of rows."""
        return [Place(str(self.path), row + 1) for row in rows]


def parquet_header(path: Path) -> list[str]:
    """Name the columns of a file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path).names)
    except (OSError, ValueError, MemoryError, OverflowError, pa.ArrowException) as error:
        raise BadData(f"{path} is no readable Parquet file ({_one_line(error)})") from error


def read_parquet_bars(path: Path, symbol: str) -> RawBars:
    """Read a file.

    Parameters
    ----------
    path : Path
        Columns as those of a CSV file; the date is a date, a time (UTC where it has no timezone), or text.
    symbol : str
        Whose bars; for messages.

    Returns
    -------
    RawBars

    Raises
    ------
    BadData
        If it is no Parquet file, or a column is missing or holds something else.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    who = f"{path} ({symbol})"
    header = parquet_header(path)
    names = canonical_names(header, who)
    try:
        table = pq.read_table(path, columns=[header[position] for position in names])
    except (OSError, ValueError, MemoryError, OverflowError, pa.ArrowException) as error:
        raise BadData(f"{who} cannot be read ({_one_line(error)})") from error
    given = {name: header[position] for position, name in names.items()}
    numbers = {name: numbers_of(table.column(column), name, who) for name, column in given.items() if name != DATE}
    no_split_is_none(numbers, given)
    times = times_of(table.column(given[DATE]), who)
    values = np.stack([numbers[name] for name in OHLCV])
    return RawBars.of(symbol, times, values, RowOrigin(path), numbers.get("dividend"), numbers.get("split"))


def numbers_of(column: pa.ChunkedArray, name: str, who: str) -> FloatArray:
    """Read a column of numbers as float64; NaN where there is none."""
    import pyarrow as pa

    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise BadData(f"{who}: column {name!r} holds {kind}, not numbers: convert it")
    if pa.types.is_decimal(kind):
        column = column.cast(pa.string())  # whose digits give the nearest float64; Arrow's own cast may miss it
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)


def times_of(column: pa.ChunkedArray, who: str) -> IntArray:
    """Read a column of dates or times as nanoseconds UTC; NAT where there is none."""
    import pyarrow as pa

    try:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = (
                column.cast(pa.timestamp("ns", tz="UTC")) if _has_offsets(column) else column.cast(pa.timestamp("ns"))
            )
        elif not (pa.types.is_date(column.type) or pa.types.is_timestamp(column.type)):
            raise BadData(f"{who}: column 'date' holds {column.type}, not dates: convert it")
        whole = column.cast(pa.timestamp("ns", tz=getattr(column.type, "tz", None)))
    except pa.ArrowException as error:
        raise BadData(f"{who}: column 'date' cannot be read ({_one_line(error)})") from error
    return np.asarray(whole.cast(pa.int64()).fill_null(NAT).to_numpy())


def _has_offsets(column: pa.ChunkedArray) -> bool:
    first = next((str(cell) for cell in column if cell.is_valid), "")
    return first.endswith("Z") or "+" in first[10:] or "-" in first[10:]


def _one_line(error: BaseException) -> Any:
    return " ".join(str(error).split())
