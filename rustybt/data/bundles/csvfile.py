"""What does one CSV file of bars hold? Read strictly as text; whether its rows are bars is for `screening` to say."""

from __future__ import annotations

import csv
import gzip
import warnings
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray, IntArray
from rustybt.constants import NAT, OHLCV
from rustybt.data.bundles.columns import DATE, canonical_names, no_split_is_none
from rustybt.data.bundles.raw_bars import Place, RawBars
from rustybt.errors import BadData

_PANDAS: Final = tuple(int(part) for part in pd.__version__.split(".")[:2])
_EXACT: Final[dict[str, Any]] = {} if _PANDAS >= (3, 1) else {"float_precision": "round_trip"}
"""Read the nearest float64, not one beside it; pandas 3.1 always does."""
_DATE_FORMATS: Final = ("ISO8601", "%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S")


class CsvOrigin(NamedTuple):
    """The lines of a CSV file."""

    path: Path

    def places(self, rows: Sequence[int]) -> list[Place]:
        """Find the lines on which rows end: blank lines and quoted line breaks do not count as rows."""
        lines = line_numbers(self.path, rows)
        return [Place(str(self.path), lines[row]) for row in rows]


def read_csv(path: Path, symbol: str) -> RawBars:
    """Read a file.

    Parameters
    ----------
    path : Path
        Columns date, open, high, low, close, volume, and optionally dividend and split, in any order and under any of
        the names that `columns` knows; `.gz` is unpacked. Empty cells are missing values.
    symbol : str
        Whose bars; for messages.

    Returns
    -------
    RawBars

    Raises
    ------
    BadData
        If the file is empty, lacks a column, or has a cell that is no number or date.
    """
    table, given = _read_table(path, symbol)
    times = _times(path, symbol, table)
    numbers = {name: _numbers(path, symbol, table, name) for name in table.columns if name != DATE}
    no_split_is_none(numbers, given)
    values = np.stack([numbers[name] for name in OHLCV])
    return RawBars.of(symbol, times, values, CsvOrigin(path), numbers.get("dividend"), numbers.get("split"))


def _read_table(path: Path, symbol: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read the columns that are known, under their canonical names, and say under which names they were given."""
    try:
        header = header_of(path, symbol)
        names = canonical_names(header, f"{path} line 1 ({symbol})", first_is_date=True)
        text = {position: str for position in names if names[position] == DATE}
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table: pd.DataFrame = pd.read_csv(
                path, header=0, names=range(len(header)), dtype=text, index_col=False, **_EXACT
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        _check_cells(path, symbol, len(header))
        raise BadData(f"{path} ({symbol}): {str(error).strip()}: it must be a CSV table with a header line") from error
    except (UnicodeError, gzip.BadGzipFile, zlib.error, EOFError, csv.Error) as error:
        raise BadData(f"{path} ({symbol}) is no readable text ({error}): save it as CSV in UTF-8") from error
    except OSError as error:
        raise BadData(f"{path} ({symbol}) cannot be read: {error.strerror or error}") from error
    if table.empty:
        raise BadData(f"{path} ({symbol}): there is no row below the header: remove the file, or fill it")
    if table.iloc[:, -1].isna().any():
        _check_cells(path, symbol, len(header))
    given = {name: header[position] for position, name in names.items()}
    return table[list(names)].rename(columns=names), given


def header_of(path: Path, symbol: str) -> list[str]:
    """Read the first line of a file that has something in it."""
    with _open_text(path) as file:
        cells = next(_filled(csv.reader(file)), None)
    if cells is None:
        raise BadData(f"{path} ({symbol}): the file is empty: remove it, or fill it")
    return cells


def _check_cells(path: Path, symbol: str, columns: int) -> None:
    """Refuse a row of another length than the header's: it is cut off, or shifted."""
    with _open_text(path) as file:
        reader = csv.reader(file)
        for cells in _filled(reader):
            if len(cells) != columns:
                raise BadData(
                    f"{path} line {reader.line_num} ({symbol}, {cells[0]}): the row has {len(cells)} cells, the header "
                    f"{columns}: complete the row"
                )


def _times(path: Path, symbol: str, table: pd.DataFrame) -> IntArray:
    """Read labels in the first form that fits all; NAT where the cell is empty."""
    column = table[DATE]
    there = column.notna().to_numpy()
    for form in _DATE_FORMATS:
        times = _parsed(column, form)
        if not (times[there] == NAT).any():
            return times
    row = int(np.argmax(there & (_parsed(column, _DATE_FORMATS[0]) == NAT)))
    text = f"date {column.iloc[row]!r} cannot be read: write it like 2020-01-31, or 2020-01-31 14:31"
    raise _error(path, symbol, table, row, text)


def _parsed(column: pd.Series, form: str) -> IntArray:
    """Read labels in one form; NAT where it does not fit, or where nanoseconds do not reach."""
    parsed = pd.DatetimeIndex(pd.to_datetime(column, format=form, errors="coerce", utc=True)).tz_localize(None)
    try:
        return np.asarray(parsed.as_unit("ns").asi8)
    except pd.errors.OutOfBoundsDatetime:
        reached = np.asarray((parsed >= pd.Timestamp.min) & (parsed <= pd.Timestamp.max))
        out = np.full(len(parsed), NAT)
        out[reached] = parsed[reached].as_unit("ns").asi8
        return out


def _numbers(path: Path, symbol: str, table: pd.DataFrame, name: str) -> FloatArray:
    column = table[name]
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64)
    parsed = pd.to_numeric(column.astype(str).where(column.notna()), errors="coerce")
    wrong = (parsed.isna() & column.notna()).to_numpy()
    if not wrong.any():
        return parsed.to_numpy(dtype=np.float64)
    row = int(np.argmax(wrong))
    text = f"{name} is {str(column.iloc[row])!r}, not a number: correct the cell, or leave it empty"
    raise _error(path, symbol, table, row, text)


def _error(path: Path, symbol: str, table: pd.DataFrame, row: int, text: str) -> BadData:
    cell = table[DATE].iloc[row]
    at = "" if pd.isna(cell) else f", {cell}"
    return BadData(f"{path} line {line_numbers(path, [row])[row]} ({symbol}{at}): {text}")


def line_numbers(path: Path, rows: Sequence[int]) -> dict[int, int]:
    """Give the lines on which data rows end, by the rows' numbers from 0 on."""
    wanted, found = set(rows), dict[int, int]()
    with _open_text(path) as file:
        reader = csv.reader(file)
        for position, _ in enumerate(_filled(reader), start=-1):
            if position in wanted:
                found[position] = reader.line_num
                if len(found) == len(wanted):
                    break
    return {row: found.get(row, row + 2) for row in rows}


def _filled(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Leave out the lines that pandas takes for blank."""
    return (cells for cells in reader if cells and (len(cells) > 1 or cells[0].strip()))


def _open_text(path: Path) -> TextIO:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
