"""SQL over a bundle version: queries of every kind are run, and nothing that writes is, however it is written."""

import os
from contextlib import suppress

import duckdb
import pytest

from rustybt.data.pure_query import check_query
from rustybt.data.sql import connect, run_query
from rustybt.errors import InvalidParameter, QueryRefused
from tests.builders import bars, make_bundle

READS = (
    "SELECT 1",
    "select count(*) filter (where close > 5) from bars_daily group by rollup (sid) having count(*) > 0",
    "SELECT symbol, close FROM bars_daily JOIN assets USING (sid) ORDER BY close DESC NULLS LAST LIMIT 3 OFFSET 1",
    "SELECT DISTINCT ON (sid) sid FROM bars_daily LIMIT 10%",
    "SELECT a.sid, (SELECT max(sid) FROM assets), ROW(1, 2) FROM bars_daily a ASOF JOIN assets b ON a.sid >= b.sid",
    "SELECT avg(close) OVER (PARTITION BY sid ORDER BY session ROWS 3 PRECEDING) FROM bars_daily QUALIFY true",
    "SELECT CASE WHEN sid = 0 THEN 1 END, close::DECIMAL(10, 2), TRY_CAST('1' AS STRUCT(a int)[]) FROM bars_daily",
    "SELECT list_transform([1, 2], lambda x: x + 1), {'type': 'COPY_QUERY_NODE'}, MAP {'class': 1}, DATE '2020-01-02'",
    "SELECT * EXCLUDE (sid), COLUMNS('c.*') FROM bars_daily TABLESAMPLE 10%",
    "SELECT 1 UNION ALL SELECT 2 EXCEPT SELECT 3",
    "WITH a AS MATERIALIZED (SELECT 1), b(z) AS (FROM a) SELECT * FROM b",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r",
    *("VALUES (1, 2), (3, 4)", "FROM bars_daily", "TABLE assets", "SELECT * FROM range(3), unnest([1, 2])"),
    *("DESCRIBE bars_daily", "DESCRIBE SELECT 1", "SHOW TABLES", "SHOW ALL TABLES", "SUMMARIZE bars_daily"),
    "PIVOT bars_daily ON sid IN (0, 1) USING avg(close) GROUP BY session",
    "UNPIVOT bars_daily ON open, close INTO NAME field VALUE price",
    "EXPLAIN SELECT 1",
    "EXPLAIN ANALYZE SELECT count(*) FROM bars_daily",
    "explain (analyze, format json) select count(*) from bars_daily",
    "EXPLAIN (SELECT 1)",
)

WRITES = (
    "EXPLAIN ANALYZE CREATE OR REPLACE VIEW bars_daily AS SELECT 99",
    "EXPLAIN ANALYZE DROP VIEW assets",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{file}'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{file}' (FORMAT parquet, USE_TMP_FILE false)",
    "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
    "EXPLAIN ANALYZE CREATE TEMP VIEW bars_daily AS SELECT 99",
    "EXPLAIN (ANALYZE) DROP VIEW assets",
    "EXPLAIN (ANALYZE, FORMAT json) DROP VIEW assets",
    "EXPLAIN DROP VIEW assets",
    "explain\n analyze\n drop view assets",
    "EXPLAIN ANALYZE COMMIT",
    "EXPLAIN ANALYZE SET threads = 2",
    "EXPLAIN ANALYZE WITH x AS (COPY (SELECT 1) TO '{file}' (FORMAT parquet)) SELECT * FROM x",
    "WITH x AS (COPY (SELECT 1) TO '{file}' (FORMAT parquet)) SELECT * FROM x",
    "WITH x AS (COPY (SELECT 1) TO '{file}' (FORMAT parquet, USE_TMP_FILE false)) SELECT * FROM x",
    "WITH x AS (COPY (SELECT 1) TO '{folder}/x.parquet') SELECT * FROM x",
    "WITH x AS (INSERT INTO kept VALUES (1) RETURNING *) SELECT * FROM x",
    "WITH x AS (UPDATE kept SET a = 2 RETURNING *) SELECT * FROM x",
    "WITH x AS (DELETE FROM kept RETURNING *) SELECT * FROM x",
    "SELECT (WITH x AS (INSERT INTO kept VALUES (1) RETURNING *) SELECT count(*) FROM x)",
    "SELECT * FROM query('WITH x AS (DELETE FROM kept RETURNING *) SELECT * FROM x')",
    "SELECT * FROM checkpoint()",
    "SELECT * FROM enable_logging(storage = 'file', storage_path = '{folder}')",
    "COPY (SELECT 1) TO '{file}'",
    "CREATE OR REPLACE VIEW bars_daily AS SELECT 99",
    "ATTACH '{folder}/x.db'",
    "SET enable_external_access = true",
    "PRAGMA enable_profiling",
    "BEGIN",
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUSTYBT_ROOT", str(tmp_path_factory.mktemp("root")))
        return make_bundle({"A": bars([10.0, 11.0, 12.0]), "B": bars([20.0, 21.0])}, name="read")


@pytest.fixture
def connection(bundle):
    """Give a connection with a table of its own, on which a statement that modifies data would act."""
    with connect(bundle) as made:
        made.execute("CREATE TABLE kept AS SELECT 1 AS a")
        yield made


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def shown(connection):
    """Give what the tables hold, as they are seen without a check."""
    return [
        connection.sql(f"SELECT * FROM {name}").fetchall()
        for name in ("bars_daily", "assets", "splits", "kept", "(SHOW ALL TABLES)")
    ]


def aimed(statement, bundle):
    return statement.format(file=bundle.path / "daily.parquet", folder=bundle.path)


@pytest.mark.parametrize("statement", READS)
def test_what_only_reads_is_run(connection, statement):
    assert run_query(connection.cursor(), statement).num_rows >= 0


@pytest.mark.parametrize("statement", WRITES)
def test_what_may_write_is_refused_and_changes_nothing(bundle, connection, statement):
    files, tables = contents(bundle.path), shown(connection)
    cursor = connection.cursor()
    with pytest.raises((QueryRefused, duckdb.ParserException)):  # a version of DuckDB may not know the statement
        run_query(cursor, aimed(statement, bundle))
    assert contents(bundle.path) == files and shown(connection) == shown(cursor) == tables


@pytest.mark.parametrize("statement", WRITES)
def test_a_statement_that_passes_the_check_still_writes_no_file_and_no_table(
    bundle, connection, monkeypatch, statement
):
    monkeypatch.setattr("rustybt.data.sql.check_query", lambda cursor, statement: None)
    files, tables = contents(bundle.path), shown(connection)
    cursor = connection.cursor()
    with suppress(duckdb.Error, AttributeError):  # the latter where a statement gives no rows
        run_query(cursor, aimed(statement, bundle))
    assert contents(bundle.path) == files and shown(connection) == shown(cursor) == tables


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "EXPLAIN ANALYZE DROP VIEW assets",
            "^EXPLAIN of DROP is no query: a bundle is only read, by SELECT, DESCRIBE",
        ),
        (
            "WITH x AS (DELETE FROM kept RETURNING *) SELECT * FROM x",
            "^the query holds DELETE, which is not known to read",
        ),
        ("SELECT * FROM query('SELECT 1')", "^the query holds the function query after FROM"),
        (
            "PIVOT bars_daily ON sid USING sum(close)",
            r"^a PIVOT that does not name its values .* ON column IN \(1, 2\)",
        ),
        ("EXPLAIN PIVOT bars_daily ON sid USING sum(close)", "^a PIVOT that does not name its values"),
        ("/* why */ EXPLAIN SELECT 1", "remove the comment in front of it"),
        ("", "^0 statements: pass one query at a time"),
        ("SELECT * FROM bars_daily\0 WHERE sid = 1", "^the statement has a NUL, at which DuckDB would end it"),
        ("SELECT '\ud800'", "^the statement has a NUL, .* or no valid Unicode"),
    ],
)
def test_a_refusal_says_what_is_wrong(connection, statement, message):
    with pytest.raises(QueryRefused, match=message):
        check_query(connection, statement)


@pytest.mark.parametrize("terms", [100, 400, 900])
def test_a_query_is_answered_however_deep_or_refused_with_a_way_out(connection, terms):
    """How deep a query's tree can be read depends on the Python."""
    statement = "SELECT " + "+".join("1" * terms)
    try:
        found = run_query(connection.cursor(), statement)
    except QueryRefused as refused:
        assert terms > 100 and "nested too deeply to be checked: write it in several WITH parts" in str(refused)
    else:
        assert found.to_pydict() == {found.column_names[0]: [terms]}


def test_a_file_or_an_object_of_the_caller_is_no_table(connection, bundle, tmp_path):
    outside = tmp_path / "outside.csv"
    outside.write_text("secret\n1\n")
    seen = connection.sql("SELECT 1 AS a").to_arrow_table()
    assert seen.num_rows
    for name in (f"'{outside}'", f"'{bundle.path / 'daily.parquet'}'"):
        with pytest.raises(duckdb.PermissionException, match="disabled by configuration"):
            run_query(connection.cursor(), f"SELECT * FROM {name}")
    with pytest.raises(duckdb.CatalogException, match="seen"):
        run_query(connection.cursor(), "SELECT * FROM seen")


@pytest.mark.parametrize("name", ["bars", "bars_minute", "main.bars_day", "a.b.c"])
def test_a_table_that_is_not_there_is_answered_with_those_that_are(bundle, name):
    with pytest.raises(
        duckdb.CatalogException, match="^the bundle has no table '.*: its tables are assets, bars_daily,"
    ):
        bundle.sql(f"SELECT * FROM {name}")
    with pytest.raises(duckdb.CatalogException, match="^the bundle has no table '"):
        bundle.sql(f"EXPLAIN SELECT * FROM {name}")


def test_a_cursor_can_be_used_after_an_error(connection):
    cursor = connection.cursor()
    for statement in ("SELECT nothing FROM bars_daily", "SELECT error('wrong')", "SELECT $a"):
        with pytest.raises(duckdb.Error):
            run_query(cursor, statement)
    assert run_query(cursor, "SELECT count(*) AS n FROM bars_daily")["n"][0].as_py() == 5


def test_parameters_are_given_in_order_or_by_name(connection):
    cursor = connection.cursor()
    asked = "SELECT count(*) AS n FROM bars_daily WHERE close >= {} AND sid = {}"
    for marks, values in (("??", [11.0, 0]), (("$1", "$2"), (11.0, 0)), (("$low", "$sid"), {"sid": 0, "low": 11.0})):
        assert run_query(cursor, asked.format(*marks), values)["n"][0].as_py() == 2
    with pytest.raises(duckdb.InvalidInputException, match="low"):
        run_query(cursor, asked.format("$low", "$sid"), {"sid": 0})
    with pytest.raises(InvalidParameter, match="parameters 'ab' is a text: pass a list, or a mapping"):
        run_query(cursor, asked.format("?", "?"), "ab")


def test_tables_have_the_types_and_the_rows_of_their_files(mag7):
    with connect(mag7) as connection:
        for table, file in (("bars_daily", "daily"), ("assets", "assets"), ("splits", "splits")):
            path = os.fspath(mag7.path / f"{file}.parquet")
            for asked in ("DESCRIBE SELECT * FROM {}", "SELECT * FROM {} ORDER BY ALL"):
                read = duckdb.connect().sql(asked.format(f"'{path}'")).to_arrow_table()
                assert run_query(connection, asked.format(table)).equals(read)
