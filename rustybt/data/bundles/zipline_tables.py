"""What do the SQLite tables of a Zipline bundle say? Assets with all their symbols, and corporate actions by sid."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from rustybt.constants import NAT
from rustybt.errors import BadData

VERSIONS: Final = (7, 8)
"""Versions of the asset tables that are read."""
_LAST_S: Final = 9_223_372_036
"""The last second that nanoseconds can tell; Zipline's missing dates lie beyond it."""

_VERSION: Final = "SELECT version FROM version_info"
_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table'"
_FUTURES: Final = "SELECT count(*) FROM futures_contracts"
_EQUITIES: Final = """
SELECT equities.sid, asset_name, start_date, end_date, first_traded, auto_close_date, equities.exchange,
       canonical_name, country_code
FROM equities LEFT JOIN exchanges ON exchanges.exchange = equities.exchange
ORDER BY equities.sid
"""
_SYMBOLS: Final = """
SELECT sid, symbol, start_date, end_date FROM equity_symbol_mappings ORDER BY sid, end_date, start_date
"""
_SPLITS: Final = "SELECT sid, effective_date, ratio FROM splits ORDER BY rowid"
_MERGERS: Final = "SELECT sid, effective_date, ratio FROM mergers ORDER BY rowid"
_DIVIDENDS: Final = """
SELECT sid, ex_date, declared_date, record_date, pay_date, amount FROM dividend_payouts ORDER BY rowid
"""
_STOCK_DIVIDENDS: Final = """
SELECT sid, payment_sid, ex_date, declared_date, record_date, pay_date, ratio FROM stock_dividend_payouts ORDER BY rowid
"""
_PAID: Final = ("ex_date", "declared_date", "record_date", "pay_date")
ACTIONS: Final = {
    "splits": ("splits", _SPLITS, ("sid", "effective_date", "ratio")),
    "mergers": ("mergers", _MERGERS, ("sid", "effective_date", "ratio")),
    "dividends": ("dividend_payouts", _DIVIDENDS, ("sid", *_PAID, "amount")),
    "stock_dividends": ("stock_dividend_payouts", _STOCK_DIVIDENDS, ("sid", "payment_sid", *_PAID, "ratio")),
}
"""By our name for them: Zipline's table, the query, and its columns."""


_KINDS: Final[dict[str, tuple[Any, tuple[type, ...], str]]] = {
    "i": (NAT, (int,), "a whole number"),
    "f": (np.nan, (int, float), "a number"),
    "t": ("", (str,), "text"),
}
"""Kinds of columns: what stands for a missing cell, what a cell is, and what that is called."""


class SymbolSpan(NamedTuple):
    """A symbol, and from when to when an asset had it (nanoseconds, both included)."""

    symbol: str
    start_ns: int
    end_ns: int


class ZiplineAsset(NamedTuple):
    """A row of the table of equities; times are nanoseconds, NAT where missing.

    Attributes
    ----------
    sid : int
        In Zipline's bundle.
    name : str
        Of the company.
    start_ns, end_ns, first_traded_ns, auto_close_ns : int
        Zipline writes 0 and 2**63 - 1 for a start and an end that nobody gave.
    exchange, canonical_name, country_code : str
        Where it trades.
    symbols : tuple of SymbolSpan
        The latest is last.
    """

    sid: int
    name: str
    start_ns: int
    end_ns: int
    first_traded_ns: int
    auto_close_ns: int
    exchange: str
    canonical_name: str
    country_code: str
    symbols: tuple[SymbolSpan, ...]


def read_assets(path: Path) -> tuple[list[ZiplineAsset], int]:
    """Read the equities.

    Parameters
    ----------
    path : Path
        The file assets-7.sqlite.

    Returns
    -------
    assets : list of ZiplineAsset
        By sid.
    futures : int
        How many assets of the other kind there are.

    Raises
    ------
    BadData
        If the file cannot be read, is of another version, or an equity has no symbol.
    """
    with _opened(path) as connection:
        versions = [row[0] for row in connection.execute(_VERSION)]
        if len(versions) != 1 or versions[0] not in VERSIONS:
            raise BadData(
                f"{path} is of version {', '.join(map(str, versions)) or 'none'}, but "
                f"{' and '.join(map(str, VERSIONS))} are read: ingest the bundle anew with zipline-reloaded 3"
            )
        equities = list(_checked(connection.execute(_EQUITIES), path, "equities", "itiiiittt"))
        spans: dict[int, list[SymbolSpan]] = {}
        for sid, *span in _checked(connection.execute(_SYMBOLS), path, "equity_symbol_mappings", "itii"):
            spans.setdefault(sid, []).append(SymbolSpan(*span))
        ((futures,),) = connection.execute(_FUTURES).fetchall()
    for sid, *_ in equities:
        if not any(span.symbol for span in spans.get(sid, ())):
            raise BadData(f"{path}: sid {sid} has no symbol in equity_symbol_mappings: give it one")
    named = {sid: tuple(span for span in of if span.symbol) for sid, of in spans.items()}
    return [ZiplineAsset._make([*row, named[row[0]]]) for row in equities], int(futures)


def read_actions(path: Path) -> dict[str, pd.DataFrame]:
    """Read splits, mergers, dividends, and dividends paid in shares.

    Parameters
    ----------
    path : Path
        The file adjustments.sqlite.

    Returns
    -------
    dict of str to DataFrame
        By the names of `ACTIONS`, with the columns named there; dates are datetimes, the ratio of a split or merger is
        what earlier prices are multiplied by. A table that was never written is empty.

    Raises
    ------
    BadData
        If the file cannot be read, or a cell is no number.
    """
    with _opened(path) as connection:
        there = {row[0] for row in connection.execute(_TABLES)}
        return {
            name: _frame(connection.execute(query) if table in there else (), path, table, columns)
            for name, (table, query, columns) in ACTIONS.items()
        }


def _frame(rows: Any, path: Path, table: str, columns: Sequence[str]) -> pd.DataFrame:
    kinds = "".join("f" if name in ("ratio", "amount") else "i" for name in columns)
    cells = list(_checked(rows, path, table, kinds))
    out: dict[str, Any] = {}
    for at, name in enumerate(columns):
        values = np.array([row[at] for row in cells], dtype=np.float64 if kinds[at] == "f" else np.int64)
        if name.endswith("_date"):
            known = np.abs(values.astype(np.float64)) < _LAST_S
            ns = np.where(known, np.where(known, values, 0) * 1_000_000_000, NAT)
            out[name] = pd.DatetimeIndex(ns.astype(np.int64).view("datetime64[ns]"))
        else:
            out[name] = values
    return pd.DataFrame(out)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database for reading alone; what goes wrong with it is the data's fault."""
    if not path.is_file():
        raise BadData(f"{path} is missing: copy the bundle's whole folder")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            yield connection
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise BadData(f"{path} cannot be read ({error}): copy the bundle's whole folder") from error


def _checked(rows: Any, path: Path, table: str, kinds: str) -> Iterator[list[Any]]:
    """Give rows whose cells are what their columns hold: i, whole numbers; f, numbers; t, text."""
    for number, row in enumerate(rows, start=1):
        yield [_cell(cell, kind, path, table, number) for cell, kind in zip(row, kinds, strict=True)]


def _cell(cell: Any, kind: str, path: Path, table: str, row: int) -> Any:
    missing, types, wanted = _KINDS[kind]
    if cell is None:
        return missing
    if isinstance(cell, types):
        return cell
    raise BadData(f"{path}: table {table} has {cell!r} in row {row}, where {wanted} belongs: correct it")
