"""How may a statement read a bundle version, and nothing else?

Arrow opens the version's Parquet files, and DuckDB sees them as views of a database in memory. The database may open no
file at all, so that no statement can write one; its configuration is locked; what is no query is refused; and a query
runs in a transaction that can only read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from rustybt.data.manifest import DAILY_BARS, DATASETS
from rustybt.data.pure_query import check_query
from rustybt.errors import InvalidParameter, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

QueryParameters = Sequence[Any] | Mapping[str, Any]
"""Values of ? and $1 in their order, or of $name by name."""

SHOWN_ROWS: Final = 20
"""Rows that a result shows of itself."""

TABLES: Final = {
    "bars_daily": DAILY_BARS,
    "bars_minute": "minutes/*.parquet",
    "assets": "assets.parquet",
    "splits": "splits.parquet",
    "dividends": "dividends.parquet",
}
"""Names of views, and the files that they read where the version has them."""

_NO_TABLE: Final = re.compile("Table with name (.+?) does not exist")


class QueryResult:
    """The rows that a query gave.

    Parameters
    ----------
    table : pyarrow.Table
        The rows.
    """

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __repr__(self) -> str:
        shown = self._table.slice(0, SHOWN_ROWS).to_pandas(date_as_object=False).to_string(index=False)
        more = len(self) - SHOWN_ROWS
        return shown if more <= 0 else f"{shown}\n... and {more:,} more rows"

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._table.column_names)

    def to_arrow(self) -> pa.Table:
        """Give the rows as an Arrow table."""
        return self._table

    def to_pandas(self) -> pd.DataFrame:
        """Give the rows as a DataFrame; dates become datetime64, NULL becomes NaN, NaT or None."""
        frame: pd.DataFrame = self._table.to_pandas(date_as_object=False)
        return frame


class Version(Protocol):
    """What can be asked: a bundle version on disk."""

    @property
    def path(self) -> Path:
        """Its folder."""

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of its point-in-time tables."""


def connect(bundle: Version, threads: int = 1) -> DuckDBPyConnection:
    """Open a connection that reads one bundle version.

    Parameters
    ----------
    bundle : Version
        The version, such as `store.BundleData`.
    threads : int
        That DuckDB may use for a query; Arrow reads files with its own.

    Returns
    -------
    DuckDBPyConnection
        With the views of `TABLES` and of the version's datasets. It opens no file, and its settings are locked; run
        statements with `run_query`, which lets no other statement than a query through.
    """
    import duckdb
    from pyarrow.dataset import dataset

    connection = duckdb.connect(":memory:", config={"threads": threads})
    try:
        # The files come from Arrow since a path that DuckDB may read is one that it may write, too.
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        datasets = {name: f"{DATASETS}/{name}.parquet" for name in bundle.datasets}
        for name, pattern in {**TABLES, **datasets}.items():
            files = sorted(map(str, bundle.path.resolve().glob(pattern)))
            if files:
                connection.from_arrow(dataset(files, format="parquet")).create_view(name)
    except BaseException:
        connection.close()
        raise
    return connection


def run_query(cursor: DuckDBPyConnection, statement: str, parameters: QueryParameters = ()) -> pa.Table:
    """Run one query.

    Parameters
    ----------
    cursor : DuckDBPyConnection
        A cursor of what `connect` gave, with no transaction under way.
    statement : str
        SELECT, DESCRIBE, SHOW, SUMMARIZE, or EXPLAIN before a SELECT; with ?, $1 or $name for parameters.
    parameters : sequence of value, or mapping of str to value
        Which the statement gets.

    Returns
    -------
    pyarrow.Table
        All rows.

    Raises
    ------
    InvalidParameter
        If `parameters` is a text.
    QueryRefused
        If it is none or several statements, or one that does more than read.
    duckdb.Error
        If DuckDB cannot run it.
    """
    if isinstance(parameters, str | bytes):
        raise InvalidParameter(f"parameters {parameters!r} is a text: pass a list, or a mapping of names to values")
    check_query(cursor, statement)
    import duckdb

    try:
        return _rows(cursor, statement, parameters)
    except duckdb.CatalogException as error:
        missing = _NO_TABLE.search(str(error))
        if missing is None:
            raise
        raise duckdb.CatalogException(_no_table(cursor, missing[1].strip('"'))) from error


def _rows(cursor: DuckDBPyConnection, statement: str, parameters: QueryParameters) -> pa.Table:
    cursor.execute("BEGIN TRANSACTION READ ONLY")
    try:
        values = dict(parameters) if isinstance(parameters, Mapping) else list(parameters)
        return cursor.sql(statement, params=values).to_arrow_table()
    finally:
        cursor.execute("ROLLBACK")


def _no_table(cursor: DuckDBPyConnection, name: str) -> str:
    """Say which tables there are; DuckDB guesses at one of them, or at its own."""
    rows = cursor.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1").fetchall()
    tables = [table for (table,) in rows]
    return f"the bundle has no table {name!r}{did_you_mean(name, tables)}: its tables are {', '.join(tables)}"
