"""How may a statement read a bundle version, and nothing else?

The version's Parquet files are views of a database in memory. The connection may open no other file, its configuration
is locked, and what is no query is refused, for DuckDB lets a query's connection write where it may read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rustybt.data.store import DAILY_BARS, BundleData
from rustybt.errors import QueryRefused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from duckdb import DuckDBPyConnection, DuckDBPyRelation

TABLES: Final = {
    "bars_daily": DAILY_BARS,
    "bars_minute": "minutes/*.parquet",
    "assets": "assets.parquet",
    "splits": "splits.parquet",
    "dividends": "dividends.parquet",
}
"""Names of views, and the files that they read where the version has them."""

QUERIES: Final = ("SELECT", "EXPLAIN")
"""Kinds of statements that only read; DESCRIBE, SHOW and SUMMARIZE count among the first."""


def connect(bundle: BundleData, threads: int = 1) -> DuckDBPyConnection:
    """Open a connection that reads one bundle version.

    Parameters
    ----------
    bundle : BundleData
        The version.
    threads : int
        That a query may use.

    Returns
    -------
    DuckDBPyConnection
        With the views of `TABLES`. It opens no file outside the version's folder, and its settings are locked; run
        statements with `execute`, which lets no other statement than a query through.
    """
    import duckdb

    connection = duckdb.connect(":memory:", config={"threads": threads})
    try:
        connection.execute("SET allowed_directories = $1", [[str(bundle.path.resolve())]])
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        for name, pattern in TABLES.items():
            files = sorted(map(str, bundle.path.resolve().glob(pattern)))
            if files:
                connection.read_parquet(files).create_view(name)
    except BaseException:
        connection.close()
        raise
    return connection


def execute(cursor: DuckDBPyConnection, statement: str, parameters: Sequence[Any] = ()) -> DuckDBPyRelation:
    """Prepare one query.

    Parameters
    ----------
    cursor : DuckDBPyConnection
        Of `connect`, or a cursor of it.
    statement : str
        SELECT, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN, with ? or $1 for parameters.
    parameters : sequence of value
        Which the statement gets.

    Returns
    -------
    DuckDBPyRelation
        Runs when its rows are fetched, as with `to_arrow_table`.

    Raises
    ------
    QueryRefused
        If it is none or several statements, or one that does more than read.
    duckdb.Error
        If DuckDB cannot run it.
    """
    found = cursor.extract_statements(statement)
    kinds = [one.type.name for one in found]
    if len(found) != 1:
        raise QueryRefused(f"{len(found)} statements: pass one query at a time")
    if kinds[0] not in QUERIES:
        raise QueryRefused(f"{kinds[0]} is no query: a bundle is only read, by SELECT, DESCRIBE, SHOW or EXPLAIN")
    return cursor.sql(statement, params=list(parameters))
