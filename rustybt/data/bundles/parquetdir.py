"""How does a long table in Parquet become a bundle? DuckDB reads some symbols of all files at a time.

One or many files, each row of one symbol and one session or minute, in any order. A bar goes from its file through
DuckDB into Arrow, sorted by symbol and label, and from there as arrays to the screen: no row is ever a Python object.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from rustybt._typing import IntArray
from rustybt.constants import OHLCV
from rustybt.data.bundles.columns import ALIASES, DATE, OPTIONAL, adjusted_note, no_split_is_none, plain
from rustybt.data.bundles.fact_files import read_facts
from rustybt.data.bundles.parquetfile import numbers_of, parquet_header, times_of
from rustybt.data.bundles.raw_bars import FRAMES, Facts, Frame, Place, RawBars
from rustybt.data.bundles.symbols import checked_symbol
from rustybt.errors import BadData, InvalidParameter, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

SYMBOL: Final = "symbol"
COLUMNS: Final = (SYMBOL, DATE, *OHLCV, *OPTIONAL)
"""What a mapping of columns may name."""
_SYMBOL_NAMES: Final = ("symbol", "ticker", "asset", "instrument")
_FILE, _NUMBER = "filename", "file_row_number"
ROWS_PER_BLOCK: Final = 2_000_000
"""Rows that are read at a time, about: 150 MB of memory."""
_THREADS: Final = 2


class TableOrigin(NamedTuple):
    """The files of rows, and their numbers in these."""

    files: Sequence[str]
    file_of: IntArray
    number: IntArray

    def places(self, rows: Sequence[int]) -> list[Place]:
        """Give the places of rows."""
        return [Place(self.files[int(self.file_of[row])], int(self.number[row]) + 1) for row in rows]


class LongTable:
    """The files of one kind of bars.

    Parameters
    ----------
    files : sequence of Path
        Of one schema, or of several in which every column that is read has one name; dividends and splits may be
        missing from some.
    mapping : mapping of str to str
        Names of columns in the files, by those of `COLUMNS`; others are found by their usual names. Without a column of
        symbols the name of each file is its symbol.

    Raises
    ------
    BadData
        If a file is none, a column is missing or has several names, or two symbols differ in their capitals alone.
    """

    def __init__(self, files: Sequence[Path], mapping: Mapping[str, str]) -> None:
        self._files = list(map(str, files))
        self._where = self._files[0] if len(files) == 1 else f"{self._files[0]} and {len(files) - 1} more"
        headers = {str(file): parquet_header(file) for file in files}
        self.header = headers[self._files[0]]
        self._names = agreed_columns(headers, mapping)
        self._connection = _connect()
        try:
            self._counts = self._count()
        except BaseException:
            self.close()
            raise
        self.symbols = self._checked_symbols()

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _table(self) -> DuckDBPyRelation:
        """Give all rows under canonical names, with their places."""
        from duckdb import ColumnExpression, FunctionExpression

        paths = [glob.escape(file) for file in self._files]
        table = self._connection.read_parquet(paths, file_row_number=True, filename=True, union_by_name=len(paths) > 1)
        columns = [ColumnExpression(given).alias(name) for name, given in self._names.items()]
        if SYMBOL not in self._names:
            from duckdb import ConstantExpression

            stem = FunctionExpression("parse_filename", ColumnExpression(_FILE), ConstantExpression(True))
            columns.append(stem.alias(SYMBOL))
        return table.select(*columns, ColumnExpression(_FILE), ColumnExpression(_NUMBER))

    def _count(self) -> dict[Any, int]:
        import duckdb

        try:
            counted = self._table().aggregate(f"{SYMBOL}, count(*) AS rows", SYMBOL).fetchall()
        except duckdb.Error as error:
            raise self._unreadable(error) from error
        return dict(counted)

    @property
    def has_times(self) -> bool:
        """Whether a label has a time of day."""
        import duckdb
        from duckdb import ColumnExpression, ConstantExpression, FunctionExpression

        label = ColumnExpression(DATE).cast("TIMESTAMP")
        timed = label != FunctionExpression("date_trunc", ConstantExpression("day"), label)
        try:
            return bool(
                self._table().select(timed.alias("timed")).filter(ColumnExpression("timed")).limit(1).fetchall()
            )
        except duckdb.Error as error:
            raise self._unreadable(error) from error

    def _checked_symbols(self) -> dict[str, str]:
        """Give the symbols as the files have them, by those of the bundle."""
        found: dict[str, str] = {}
        for given in sorted(self._counts, key=str):
            symbol = checked_symbol(given, self._where)
            if symbol in found:
                raise BadData(f"{self._where}: {found[symbol]!r} and {given!r} are both of symbol {symbol}: keep one")
            found[symbol] = given
        return found

    def bars(self) -> Iterator[RawBars]:
        """Read the bars of each symbol, in the order of symbols."""
        import duckdb

        by_given = {given: symbol for symbol, given in self.symbols.items()}
        for block in self._blocks():
            try:
                rows = self._read(block)
            except duckdb.Error as error:
                raise self._unreadable(error) from error
            yield from self._split(rows, by_given)

    def _blocks(self) -> Iterator[list[str]]:
        """Cut the symbols into blocks of about so many rows."""
        block: list[str] = []
        total = 0
        for _, given in sorted(self.symbols.items()):
            if block and total + self._counts[given] > ROWS_PER_BLOCK:
                yield block
                block, total = [], 0
            block.append(given)
            total += self._counts[given]
        if block:
            yield block

    def _read(self, block: Sequence[str]) -> pa.Table:
        from duckdb import ColumnExpression, ConstantExpression

        symbol = ColumnExpression(SYMBOL)
        wanted = (
            symbol == ConstantExpression(block[0])
            if len(block) == 1
            else symbol.isin(*(ConstantExpression(one) for one in block))
        )
        table = self._table()
        if len(block) < len(self._counts):
            table = table.filter(wanted)
        return table.order(f"{SYMBOL}, {DATE}").to_arrow_table()

    def _split(self, rows: pa.Table, by_given: Mapping[str, str]) -> Iterator[RawBars]:
        import pyarrow.compute as pc

        numbers = {
            name: numbers_of(rows.column(name), name, self._where) for name in self._names if name not in (SYMBOL, DATE)
        }
        no_split_is_none(numbers, self._names)
        times = times_of(rows.column(DATE), self._where)
        values = np.stack([numbers[name] for name in OHLCV])
        files = rows.column(_FILE).combine_chunks().dictionary_encode()
        names, file_of = files.dictionary.to_pylist(), files.indices.to_numpy()
        number = rows.column(_NUMBER).to_numpy()
        runs = pc.run_end_encode(rows.column(SYMBOL).combine_chunks())
        ends = runs.run_ends.to_numpy()
        for given, begin, end in zip(runs.values.to_pylist(), [0, *ends[:-1].tolist()], ends.tolist(), strict=True):
            at = slice(begin, end)
            origin = TableOrigin(names, file_of[at], number[at])
            actions = (numbers[name][at] if name in numbers else None for name in OPTIONAL)
            yield RawBars.of(by_given[given], times[at], values[:, at], origin, *actions)

    def _unreadable(self, error: Exception) -> BadData:
        return BadData(f"{self._where} cannot be read ({' '.join(str(error).split())})")


class ParquetFolder:
    """Long tables in Parquet as a source.

    Parameters
    ----------
    path : Path
        A file, or a folder of files; files below `daily/` and `minute/` where it has such folders.
    columns : mapping of str to str, optional
        See `LongTable`.
    frame : {"daily", "minute"}, optional
        What the bars are where the folders do not say it; by default minutes where a label has a time of day.

    Raises
    ------
    BadData
        If there is no file, or one that cannot be read.
    """

    def __init__(self, path: Path, columns: Mapping[str, str] | None = None, frame: Frame | None = None) -> None:
        self._path = path
        self._columns = checked_mapping(columns or {})
        self._tables: dict[Frame, LongTable] = {}
        for kind, files in _files(path, frame).items():
            table = LongTable(files, self._columns)
            self._tables[kind or ("minute" if table.has_times else "daily")] = table

    def symbols(self, frame: Frame) -> Collection[str]:
        """Name the symbols that have rows."""
        return self._tables[frame].symbols.keys() if frame in self._tables else ()

    def bars(self, frame: Frame) -> Iterator[RawBars]:
        """Read the bars of each symbol."""
        if frame in self._tables:
            yield from self._tables[frame].bars()

    def facts(self) -> Facts:
        """Read the tables that lie beside, see `fact_files`; the bars were read by then."""
        facts = read_facts(self._path if self._path.is_dir() else self._path.parent)
        notes = {note for table in self._tables.values() if (note := adjusted_note(table.header)) is not None}
        for table in self._tables.values():
            table.close()
        return Facts(facts.assets, facts.dividends, facts.splits, (*facts.notes, *sorted(notes)))


def checked_mapping(columns: Mapping[str, str]) -> dict[str, str]:
    """Refuse a mapping of columns that are none.

    Examples
    --------
    >>> checked_mapping({"symbol": "ticker"})
    {'symbol': 'ticker'}
    """
    for name in columns:
        if name not in COLUMNS:
            near = did_you_mean(name, COLUMNS)
            raise InvalidParameter(f"columns name {name!r}, which bars do not have{near}: use {', '.join(COLUMNS)}")
    return dict(columns)


def named_columns(header: Sequence[str], mapping: Mapping[str, str], where: str) -> dict[str, str]:
    """Find the columns of a long table.

    Parameters
    ----------
    header : sequence of str
        Its columns.
    mapping : mapping of str to str
        Columns by canonical name, where they have no usual name.
    where : str
        Which table; for messages.

    Returns
    -------
    dict of str to str
        Columns by canonical name.

    Raises
    ------
    BadData
        If one is missing, or two would be the same.
    """
    found = dict(mapping)
    for name, given in mapping.items():
        if given == "*":
            raise BadData(f"{where}: column '*' would be read as all columns: rename it")
        if given not in header:
            raise BadData(f"{where}: there is no column {given!r}{did_you_mean(given, header)} to read {name} from")
    for given in header:
        known = SYMBOL if plain(given) in _SYMBOL_NAMES else ALIASES.get(plain(given))
        if known is None or known in mapping or given in mapping.values():
            continue
        if known in found:
            raise BadData(
                f"{where}: {found[known]!r} and {given!r} are both {known}: say which by a mapping of columns"
            )
        found[known] = given
    for name in (DATE, *OHLCV):
        if name not in found:
            raise BadData(
                f"{where}: there is no column {name!r}{did_you_mean(name, header)}: the table needs symbol, "
                f"{', '.join((DATE, *OHLCV))}, or a mapping of columns, such as {name}=column"
            )
    _check_capitals(found.values(), header, where)
    return found


def _check_capitals(given: Iterable[str], header: Sequence[str], where: str) -> None:
    """Refuse a column that has a twin in other capitals: DuckDB, which has one case, would read either."""
    for name in given:
        twins = [other for other in header if other.lower() == name.lower()]
        if len(twins) > 1:
            raise BadData(f"{where}: columns {' and '.join(map(repr, twins))} differ in capitals alone: rename one")


def agreed_columns(headers: Mapping[str, Sequence[str]], mapping: Mapping[str, str]) -> dict[str, str]:
    """Find the columns of files that are read as one table.

    Parameters
    ----------
    headers : mapping of str to sequence of str
        Columns by file.
    mapping : mapping of str to str
        See `named_columns`.

    Returns
    -------
    dict of str to str
        Columns by canonical name; a file that lacks one of dividends or splits has none.

    Raises
    ------
    BadData
        If a file lacks another column, or has it under another name: it would have no values there.
    """
    found: dict[str, str] = {}
    first, *_ = headers
    for file, header in headers.items():
        named = named_columns(header, mapping, file)
        if found and (SYMBOL in named) != (SYMBOL in found):
            without, other = (file, first) if SYMBOL in found else (first, file)
            raise BadData(f"{without} has no column of symbols, but {other} has one: give all files one, or none")
        for name, given in named.items():
            if found.setdefault(name, given).lower() != given.lower():
                raise BadData(f"{file}: {name} is column {given!r}, but {found[name]!r} in other files: rename one")
    return found


def _files(path: Path, frame: Frame | None) -> dict[Frame | None, list[Path]]:
    """Find the files by what their bars are, None where that is to be seen."""
    if path.is_file():
        return {frame: [path]}
    if not path.is_dir():
        raise BadData(f"{path} is no file and no folder: name one that holds Parquet files")
    below: dict[Frame | None, list[Path]] = {
        kind: _parquet_files(path / kind) for kind in FRAMES if (path / kind).is_dir() and frame in (None, kind)
    }
    found = {kind: files for kind, files in below.items() if files}
    if not found and (files := _parquet_files(path)):
        found = {frame: files}
    if not found:
        raise BadData(f"{path} has no .parquet files: put some there, or below daily/ or minute/")
    return found


def _parquet_files(folder: Path) -> list[Path]:
    names = sorted(entry for entry in os.listdir(folder) if entry.endswith(".parquet") and not entry.startswith("."))
    return [folder / name for name in names if (folder / name).is_file()]


def _connect() -> DuckDBPyConnection:
    """Open a database in which times of a timezone mean the same on every machine."""
    import duckdb

    connection = duckdb.connect(":memory:", config={"threads": _THREADS, "preserve_insertion_order": False})
    connection.execute("SET TimeZone = 'UTC'")
    return connection
