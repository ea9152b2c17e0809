"""What may lie beside the bars of a folder? Tables of assets, dividends and splits, each with a symbol column."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from rustybt.data.bundles.columns import plain
from rustybt.data.bundles.raw_bars import Facts
from rustybt.data.bundles.symbols import checked_symbol
from rustybt.errors import BadData, did_you_mean

ASSETS, DIVIDENDS, SPLITS = "assets.csv", "dividends.csv", "splits.csv"

_ASSET_COLUMNS: Final = {
    **{"symbol": "symbol", "ticker": "symbol", "name": "asset_name", "asset_name": "asset_name"},
    **{"exchange": "exchange", "country": "country_code", "country_code": "country_code"},
    **{"start": "start_date", "start_date": "start_date", "end": "end_date", "end_date": "end_date"},
    **{"auto_close": "auto_close_date", "auto_close_date": "auto_close_date", "tick_size": "tick_size"},
}
_DIVIDEND_COLUMNS: Final = {
    **{"symbol": "symbol", "ticker": "symbol", "amount": "amount", "dividend": "amount", "cash": "amount"},
    **{"ex_date": "ex_date", "date": "ex_date", "pay_date": "pay_date", "payment_date": "pay_date"},
    **{"record_date": "record_date", "declared_date": "declared_date", "declaration_date": "declared_date"},
}
_SPLIT_COLUMNS: Final = {
    **{"symbol": "symbol", "ticker": "symbol", "ratio": "ratio", "split": "ratio"},
    **{"effective_date": "effective_date", "ex_date": "effective_date", "date": "effective_date"},
}


def read_facts(folder: Path) -> Facts:
    """Read the tables that lie in a folder.

    Parameters
    ----------
    folder : Path
        With any of assets.csv (symbol, name, exchange, country, start, end, auto_close, tick_size), dividends.csv
        (symbol, ex_date, amount, pay_date, record_date, declared_date) and splits.csv (symbol, date, ratio: 2 for 2:1).

    Returns
    -------
    Facts

    Raises
    ------
    BadData
        If a table lacks a column that it needs, or has a cell that cannot be; the message names file, line and symbol.
    """
    notes: list[str] = []
    assets = _read(folder / ASSETS, _ASSET_COLUMNS, ("symbol",), {"tick_size": _positive}, notes)
    needed = ("symbol", "ex_date", "amount")
    dividends = _read(folder / DIVIDENDS, _DIVIDEND_COLUMNS, needed, {"amount": _amount}, notes)
    needed = ("symbol", "effective_date", "ratio")
    splits = _read(folder / SPLITS, _SPLIT_COLUMNS, needed, {"ratio": _positive}, notes)
    return Facts({} if assets is None else _by_symbol(assets, folder / ASSETS), dividends, splits, tuple(notes))


def _read(
    path: Path,
    known: Mapping[str, str],
    needed: tuple[str, ...],
    numbers: Mapping[str, Callable[[float], bool]],
    notes: list[str],
) -> pd.DataFrame | None:
    """Read one table, None if there is none; note the columns that look like misspelled ones."""
    if not path.is_file():
        return None
    table = _read_cells(path)
    names = {column: known[plain(column)] for column in table.columns if plain(column) in known}
    for name in needed:
        if name not in names.values():
            near = did_you_mean(name, [plain(column) for column in table.columns])
            raise BadData(f"{path} line 1: there is no column {name!r}{near}: the table needs {', '.join(needed)}")
    free = [name for name, means in known.items() if means not in names.values()]
    notes += [
        f"{path}: column {column!r} is not read{near}"
        for column in table.columns
        if column not in names and (near := did_you_mean(plain(column), free))
    ]
    table = table[list(names)].rename(columns=names)
    if twice := next((name for name in table.columns if (table.columns == name).sum() > 1), None):
        raise BadData(f"{path} line 1: column {twice!r} comes twice: keep one")
    table["symbol"] = [checked_symbol(cell.strip(), f"{path} line {line}") for line, cell in table["symbol"].items()]
    for name, fits in numbers.items():
        if name in table.columns:
            table[name] = _numbers(path, table, name, fits, required=name in needed)
    for name in table.columns:
        if name.endswith("_date"):
            table[name] = _dates(path, table, name, required=name in needed)
    return table


def _read_cells(path: Path) -> pd.DataFrame:
    """Read a table as text, each row of the header's length; the index are the lines on which rows end."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            rows = [(reader.line_num, cells) for cells in reader if cells]
    except (UnicodeError, csv.Error) as error:
        raise BadData(f"{path} is no readable table ({error}): save it as CSV in UTF-8") from error
    except OSError as error:
        raise BadData(f"{path} cannot be read: {error.strerror or error}") from error
    if not rows:
        raise BadData(f"{path} is no readable table (it is empty): remove it, or fill it")
    (_, header), *below = rows
    for line, cells in below:
        if len(cells) != len(header):
            raise BadData(
                f"{path} line {line} ({cells[0]}): the row has {len(cells)} cells, the header {len(header)}: "
                "complete the row"
            )
    return pd.DataFrame(
        {position: [cells[position] for _, cells in below] for position in range(len(header))},
        index=[line for line, _ in below],
        dtype=str,
    ).set_axis(header, axis=1)


def _numbers(
    path: Path, table: pd.DataFrame, name: str, fits: Callable[[float], bool], *, required: bool
) -> list[float]:
    out = []
    cells = table[name].str.strip().tolist()
    for line, symbol, cell in zip(table.index.tolist(), table["symbol"].tolist(), cells, strict=True):
        try:
            number = float(cell) if cell else np.nan
        except ValueError:
            number = -np.inf
        plainly = cell.isascii() and "_" not in cell  # Python reads 1_0 as 10
        if (required and not cell) or (cell and not (plainly and fits(number))):
            raise BadData(f"{path} line {line} ({symbol}): {name} is {cell!r}: write a number that it can be")
        out.append(number)
    return out


def _dates(path: Path, table: pd.DataFrame, name: str, *, required: bool) -> pd.DatetimeIndex:
    """Read dates as they are written: the time of day and the timezone behind one do not move it."""
    cells = table[name].str.strip()
    whole = pd.to_datetime(cells.where(cells != ""), format="ISO8601", errors="coerce", utc=True)
    written = cells.str.split("[T ]", n=1, regex=True).str[0].where(whole.notna())
    days = pd.DatetimeIndex(pd.to_datetime(written, format="ISO8601", errors="coerce")).normalize()
    missing = np.asarray(days.isna())
    wrong = missing & ((cells != "").to_numpy() | required)
    wrong |= ~missing & np.asarray((days < pd.Timestamp.min) | (days > pd.Timestamp.max - pd.Timedelta(days=1)))
    if wrong.any():
        row = int(np.argmax(wrong))
        symbol, cell = table["symbol"].iloc[row], cells.iloc[row]
        raise BadData(f"{path} line {table.index[row]} ({symbol}): {name} is {cell!r}: write a date like 2020-01-31")
    return days.as_unit("ns")


def _by_symbol(assets: pd.DataFrame, path: Path) -> dict[str, dict[str, Any]]:
    twice = assets["symbol"][assets["symbol"].duplicated()]
    if len(twice):
        raise BadData(f"{path} line {twice.index[0]} ({twice.iloc[0]}): the symbol comes twice: keep one row")
    return {str(row.pop("symbol")): row for row in assets.to_dict("records")}  # type: ignore[misc]


def _positive(number: float) -> bool:
    return 0 < number < np.inf


def _amount(number: float) -> bool:
    return 0 <= number < np.inf
