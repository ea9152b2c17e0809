"""What does one CSV file of bars hold? Read strictly: an error names file, line, symbol and date."""

from __future__ import annotations

import csv
import gzip
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray, IntArray
from rustybt.constants import NAT, OHLCV
from rustybt.data.bundles.frames import Problem, bar_problem
from rustybt.errors import BadData, did_you_mean

DATE: Final = "date"
OPTIONAL: Final = ("dividend", "split")
_PANDAS: Final = tuple(int(part) for part in pd.__version__.split(".")[:2])
_EXACT: Final[dict[str, Any]] = {} if _PANDAS >= (3, 1) else {"float_precision": "round_trip"}
"""Read the nearest float64, not one beside it; pandas 3.1 always does."""
_DATE_FORMATS: Final = ("ISO8601", "%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S")


class CsvBars(NamedTuple):
    """The content of a file.

    Attributes
    ----------
    symbol : str
        The file's name without ending.
    bars : DataFrame
        Columns open, high, low, close, volume (float64), by tz-naive label of the session or minute, ascending.
    dividend : float64 array, shape (n,)
        Cash a share with this ex-date, 0 for none.
    split : float64 array, shape (n,)
        Shares after for one before (2 for 2:1), 1 for none.
    """

    symbol: str
    bars: pd.DataFrame
    dividend: FloatArray
    split: FloatArray


def read_csv(path: Path, symbol: str, check: Callable[[IntArray, FloatArray], Problem | None] = bar_problem) -> CsvBars:
    """Read and check a file.

    Parameters
    ----------
    path : Path
        Columns date, open, high, low, close, volume, and optionally dividend and split, in any case and order; `.gz` is
        unpacked. Empty cells are missing values.
    symbol : str
        Whose bars; for messages.
    check : callable
        Finds the first row that is no bar, given labels (nanoseconds UTC) and values; by default no daily bar.

    Returns
    -------
    CsvBars

    Raises
    ------
    BadData
        If the file is empty, lacks a column, or has a row that is no bar.
    """
    table = _read_table(path, symbol)
    times = _times(path, symbol, table)
    numbers = {name: _numbers(path, symbol, table, name) for name in (*OHLCV, *OPTIONAL) if name in table.columns}
    values = np.stack([numbers[name] for name in OHLCV])
    problem = check(times, values) or _action_problem(numbers)
    if problem is not None:
        raise _located(path, symbol, table, problem)
    bars = pd.DataFrame(dict(zip(OHLCV, values, strict=True)), index=pd.DatetimeIndex(times.view("datetime64[ns]")))
    return CsvBars(
        symbol,
        bars,
        np.nan_to_num(numbers.get("dividend", np.zeros(len(table))), nan=0.0),
        np.nan_to_num(numbers.get("split", np.ones(len(table))), nan=1.0),
    )


def _read_table(path: Path, symbol: str) -> pd.DataFrame:
    try:
        header = _header(path, symbol)
        text = {position: str for position, name in enumerate(header) if name == DATE}
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table: pd.DataFrame = pd.read_csv(
                path, header=0, names=range(len(header)), dtype=text, index_col=False, **_EXACT
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        _check_cells(path, symbol, len(header))
        raise BadData(f"{path} ({symbol}): {str(error).strip()}: it must be a CSV table with a header line") from error
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, csv.Error) as error:
        raise BadData(f"{path} ({symbol}) is no readable text ({error}): save it as CSV in UTF-8") from error
    except OSError as error:
        raise BadData(f"{path} ({symbol}) cannot be read: {error.strerror or error}") from error
    table.columns = pd.Index(header)
    if table.empty:
        raise BadData(f"{path} ({symbol}): there is no row below the header: remove the file, or fill it")
    if table.iloc[:, -1].isna().any():
        _check_cells(path, symbol, len(header))
    return table


def _header(path: Path, symbol: str) -> list[str]:
    with _open_text(path) as file:
        cells = next(_filled(csv.reader(file)), None)
    if cells is None:
        raise BadData(f"{path} ({symbol}): the file is empty: remove it, or fill it")
    header = [cell.strip().lower() for cell in cells]
    _check_header(path, symbol, header)
    return header


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


def _check_header(path: Path, symbol: str, header: list[str]) -> None:
    if DATE not in header and header and header[0] not in (*OHLCV, *OPTIONAL):
        header[0] = DATE  # the first column is the index, whatever its name: `DataFrame.to_csv` may leave it out
    for name in (DATE, *OHLCV):
        if name not in header:
            near = did_you_mean(name, header)
            raise BadData(
                f"{path} line 1 ({symbol}): there is no column {name!r}{near}: the columns must be "
                f"{', '.join((DATE, *OHLCV))}, and may be {' and '.join(OPTIONAL)}"
            )
    twice = next((name for name in (DATE, *OHLCV, *OPTIONAL) if header.count(name) > 1), None)
    if twice is not None:
        raise BadData(f"{path} line 1 ({symbol}): column {twice!r} comes twice: keep one")


def _times(path: Path, symbol: str, table: pd.DataFrame) -> IntArray:
    column = table[DATE]
    times = np.full(len(column), NAT)
    for form in _DATE_FORMATS:
        parsed = pd.to_datetime(column, format=form, errors="coerce", utc=True)
        times = np.asarray(pd.DatetimeIndex(parsed).tz_localize(None).as_unit("ns").asi8)
        if not (times == NAT).any():
            return times
    unread = pd.to_datetime(column, format="ISO8601", errors="coerce", utc=True).isna().to_numpy()
    row = int(np.argmax(unread))
    cell = column.iloc[row]
    what = "the date is missing" if pd.isna(cell) else f"date {cell!r} cannot be read"
    raise _located(path, symbol, table, Problem(row, f"{what}: write it like 2020-01-31, or 2020-01-31 14:31"))


def _numbers(path: Path, symbol: str, table: pd.DataFrame, name: str) -> FloatArray:
    column = table[name]
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64)
    parsed = pd.to_numeric(column.astype(str).where(column.notna()), errors="coerce")
    wrong = (parsed.isna() & column.notna()).to_numpy()
    if not wrong.any():
        return parsed.to_numpy(dtype=np.float64)
    row = int(np.argmax(wrong))
    problem = Problem(row, f"{name} is {str(column.iloc[row])!r}, not a number: correct the cell, or leave it empty")
    raise _located(path, symbol, table, problem)


def _action_problem(numbers: dict[str, FloatArray]) -> Problem | None:
    dividend, split = numbers.get("dividend", np.zeros(0)), numbers.get("split", np.ones(0))
    if (bad := (dividend < 0) | np.isinf(dividend)).any():
        row = int(np.argmax(bad))
        return Problem(row, f"dividend {dividend[row]:g} is not a possible amount: write cash a share, 0 for none")
    if (bad := (split <= 0) | np.isinf(split)).any():
        row = int(np.argmax(bad))
        return Problem(row, f"split {split[row]:g} is not a possible ratio: write 2 for 2:1, 1 for none")
    return None


def _located(path: Path, symbol: str, table: pd.DataFrame, problem: Problem) -> BadData:
    cell = table[DATE].iloc[problem.row]
    return row_error(path, symbol, "" if pd.isna(cell) else str(cell), problem)


def row_error(path: Path, symbol: str, label: str, problem: Problem) -> BadData:
    """Make the error about a row of a file: it names the line, and the label if there is one."""
    at = f", {label}" if label else ""
    return BadData(f"{path} line {_line_number(path, problem.row)} ({symbol}{at}): {problem.text}")


def _line_number(path: Path, row: int) -> int:
    """Find the line on which a data row ends: blank lines and quoted line breaks do not count as rows."""
    with _open_text(path) as file:
        reader = csv.reader(file)
        for position, _ in enumerate(_filled(reader)):
            if position == row + 1:
                return reader.line_num
    return row + 2


def _filled(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    return (cells for cells in reader if cells)


def _open_text(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
