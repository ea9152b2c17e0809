"""Is a statement one query, and nothing else?

DuckDB counts more among its queries than what reads: EXPLAIN ANALYZE runs the statement that it explains, and a WITH
may insert, delete or copy into a file. So the statement's tree is walked, and what is not known to read is refused.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from rustybt.errors import QueryRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from duckdb import DuckDBPyConnection

QUERY_NODES: Final = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
"""Those that read; the others are INSERT_QUERY_NODE, UPDATE_QUERY_NODE, DELETE_QUERY_NODE and COPY_QUERY_NODE."""

TABLE_NODES: Final = frozenset(
    {"BASE_TABLE", "EMPTY", "EXPRESSION_LIST", "JOIN", "PIVOT", "SHOW_REF", "SUBQUERY", "TABLE_FUNCTION"}
)
"""What a query may read from; SHOW_REF is DESCRIBE, SHOW and SUMMARIZE."""

MODIFIERS: Final = frozenset(
    {
        *("DISTINCT_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "ORDER_MODIFIER"),
        *("ASCENDING", "DESCENDING", "ORDER_DEFAULT"),
        *(f"{kind}_TYPE_INFO" for kind in ("ARRAY", "DECIMAL", "ENUM", "LIST", "STRING", "STRUCT")),
    }
)
"""What else stands in a query's tree beside expressions: orders, limits and types."""

EXPRESSIONS: Final = frozenset(
    {
        *("BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "DEFAULT"),
        *("FUNCTION", "LAMBDA", "OPERATOR", "PARAMETER", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW"),
    }
)
"""Classes of expressions."""

TABLE_FUNCTIONS: Final = frozenset(
    {
        *("generate_series", "range", "repeat", "unnest", "json_each", "json_tree"),
        *("histogram", "histogram_values", "summary", "pragma_table_info", "pragma_version"),
        *("duckdb_columns", "duckdb_functions", "duckdb_settings", "duckdb_tables", "duckdb_types", "duckdb_views"),
    }
)
"""Functions that may stand after FROM; others run a text as a statement, read memory by its address, or write logs."""

EXPLAIN: Final = re.compile(r"\s*EXPLAIN\b\s*(?:ANALYZE\b\s*)?(?:\(\s*(?:ANALYZE|FORMAT)\b[^()]*\)\s*)?", re.IGNORECASE)
WAY_OUT: Final = "a bundle is only read, by SELECT, DESCRIBE, SHOW, SUMMARIZE, or EXPLAIN before a SELECT"


def check_query(cursor: DuckDBPyConnection, statement: str) -> None:
    """Refuse a statement that does more than read.

    Parameters
    ----------
    cursor : duckdb.DuckDBPyConnection
        Which parses it; nothing of the statement is run.
    statement : str
        To check.

    Raises
    ------
    QueryRefused
        If it is none or several statements, or if any part of it is not known to read.
    duckdb.Error
        If DuckDB cannot parse it.

    Examples
    --------
    >>> import duckdb
    >>> check_query(duckdb.connect(), "SELECT 1")
    >>> check_query(duckdb.connect(), "EXPLAIN ANALYZE DROP VIEW assets")
    Traceback (most recent call last):
    rustybt.errors.QueryRefused: EXPLAIN of DROP is no query: ...
    """
    kind = _kind(cursor, statement)
    if kind == "EXPLAIN":
        statement = _explained(statement)
        kind = _kind(cursor, statement)
        if kind not in ("SELECT", "MULTI"):
            raise QueryRefused(f"EXPLAIN of {kind} is no query: {WAY_OUT}")
    if kind == "MULTI":
        raise QueryRefused(
            "a PIVOT that does not name its values is no single query: name them, as in ON column IN (1, 2)"
        )
    if kind != "SELECT":
        raise QueryRefused(f"{kind} is no query: {WAY_OUT}")
    unknown = next(_unknown(_tree(cursor, statement)), None)
    if unknown is not None:
        raise QueryRefused(f"the query holds {unknown}, which is not known to read only: {WAY_OUT}")


def _kind(cursor: DuckDBPyConnection, statement: str) -> str:
    if "\0" in statement or any("\ud800" <= character <= "\udfff" for character in statement):
        raise QueryRefused("the statement has a NUL, at which DuckDB would end it, or no valid Unicode")
    found = cursor.extract_statements(statement)
    if len(found) != 1:
        raise QueryRefused(f"{len(found)} statements: pass one query at a time")
    return found[0].type.name


def _explained(statement: str) -> str:
    found = EXPLAIN.match(statement)
    if found is None:
        raise QueryRefused("the statement does not begin with EXPLAIN: remove the comment in front of it")
    return statement[found.end() :]


def _tree(cursor: DuckDBPyConnection, statement: str) -> dict[str, Any]:
    ((text,),) = cursor.execute("SELECT json_serialize_sql($1)", [statement]).fetchall()
    try:
        tree: dict[str, Any] = json.loads(text)
    except RecursionError as error:
        raise QueryRefused("the query is nested too deeply to be checked: write it in several WITH parts") from error
    if tree["error"]:
        raise QueryRefused(f"the query cannot be checked ({tree.get('error_message')}): {WAY_OUT}")
    return tree


def _unknown(tree: dict[str, Any]) -> Iterator[str]:
    """Give the names of a tree's parts that are on no list."""
    left: list[Any] = [tree]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            yield from _unknown_kind(node)
            left += node.values()
        elif isinstance(node, list):
            left += node


def _unknown_kind(node: dict[str, Any]) -> Iterator[str]:
    kind = node.get("type")
    if "class" in node:
        if node["class"] not in EXPRESSIONS:
            yield str(node["class"])
    elif isinstance(kind, str) and kind not in QUERY_NODES | TABLE_NODES | MODIFIERS:
        yield kind.removesuffix("_QUERY_NODE")
    if kind == "TABLE_FUNCTION" and node["function"].get("function_name") not in TABLE_FUNCTIONS:
        yield f"the function {node['function'].get('function_name')} after FROM"
