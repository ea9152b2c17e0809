"""Connections to bundles: found again, at most so many, of the newest version, a thread's own, none after a fork."""

import threading

import duckdb
import pytest

from rustybt.data.bundles import ingest
from rustybt.data.bundles.catalog import versions
from rustybt.data.sql import connect
from rustybt.errors import InvalidParameter, QueryRefused, UnknownBundle, WorkerError
from rustybt.optimization.bundle_pool import BundleConnectionPool
from tests.builders import bars, make_bundle

COUNT = "SELECT count(*) AS rows FROM bars_daily"


@pytest.fixture
def names(data_root):
    """Three bundles of 3, 4 and 5 bars."""
    for count in (3, 4, 5):
        make_bundle({"A": bars([10.0] * count)}, name=f"bundle{count}")
    return ["bundle3", "bundle4", "bundle5"]


@pytest.fixture
def pool():
    with BundleConnectionPool(2) as made:
        yield made


def rows(pool, name):
    return pool.query(name, COUNT)["rows"][0].as_py()


def test_a_connection_is_found_again_and_the_one_asked_for_longest_ago_goes_first(names, pool):
    assert [rows(pool, name) for name in (names[0], names[1], names[0], names[2], names[0], names[1])] == [
        3,
        4,
        3,
        5,
        3,
        4,
    ]
    found = pool.statistics
    assert (found.opened, found.reused, found.evicted, found.open, found.queries) == (4, 2, 2, 2, 6)
    assert found.seconds_opening > 0 and found.seconds_querying > 0


@pytest.mark.parametrize("most", [1, 3, 8])
def test_the_latest_so_many_stay_open(data_root, most):
    made = [f"many{number}" for number in range(most + 1)]
    for name in made:
        make_bundle({"A": bars([10.0])}, name=name)
    with BundleConnectionPool(most) as pool:
        for name in made[:most] * 2:
            pool.bundle(name)
        found = pool.statistics
        assert (found.opened, found.reused, found.evicted, found.open) == (most, most, 0, most)
        pool.bundle(made[most])  # takes the place of the first
        for name in made[1:]:
            pool.bundle(name)
        found = pool.statistics
        assert (found.opened, found.reused, found.evicted, found.open) == (most + 1, 2 * most, 1, most)
        pool.bundle(made[0])
        assert pool.statistics.evicted == 2


def test_six_bundles_in_turn_are_opened_once_by_a_pool_for_eight(data_root):
    made = [f"turn{number}" for number in range(6)]
    for name in made:
        make_bundle({"A": bars([10.0])}, name=name)
    with BundleConnectionPool() as pool:
        assert pool.max_connections == 8 and [rows(pool, name) for name in made * 3] == [1] * 18
        found = pool.statistics
        assert (found.opened, found.reused, found.evicted, found.open) == (6, 12, 0, 6)


def test_a_new_version_is_seen_by_the_next_query_and_the_old_connection_closed(pool):
    make_bundle({"A": bars([10.0] * 3)}, name="grows")
    with pool._using("grows") as opened:  # a query that is under way keeps its version
        make_bundle({"A": bars([10.0] * 7)}, name="grows")
        assert rows(pool, "grows") == 7
        assert pool.statistics.invalidated == 1 and pool.statistics.open == 1
        assert opened.cursor().execute(COUNT).fetchone() == (3,)
    with pytest.raises(duckdb.ConnectionException):
        opened.connection.execute("SELECT 1")
    assert len(versions("grows")) == 2
    assert rows(pool, "grows") == 7 and pool.bundle("grows").version == versions("grows")[-1].version


def test_an_old_version_that_is_opened_after_a_newer_one_is_closed_by_its_last_user(pool):
    old = make_bundle({"A": bars([10.0] * 3)}, name="grows")
    make_bundle({"A": bars([10.0] * 7)}, name="grows")
    assert rows(pool, "grows") == 7
    late = pool._state.take(old, pool.max_connections)  # as a thread that looked before the ingest does
    found = pool.statistics
    assert (found.opened, found.invalidated, found.open) == (2, 1, 1)
    assert late.cursor().execute(COUNT).fetchall() == [(3,)]
    pool._state.give_back(late)
    with pytest.raises(duckdb.ConnectionException):
        late.connection.execute("SELECT 1")
    assert rows(pool, "grows") == 7 and pool.statistics.opened == 2


def test_a_pool_that_is_closed_while_a_connection_opens_keeps_none(names, pool, monkeypatch):
    made = []

    def connect_and_close(bundle):
        made.append(connect(bundle))
        pool.close()
        return made[0]

    monkeypatch.setattr("rustybt.optimization.bundle_pool.connect", connect_and_close)
    with pytest.raises(WorkerError, match="the connection pool is closed"):
        pool.bundle(names[0])
    assert pool.statistics.open == 0
    with pytest.raises(duckdb.ConnectionException):
        made[0].execute("SELECT 1")


def test_each_thread_has_a_cursor_of_its_own_on_one_connection(names, pool):
    found, wrong, gate = set(), [], threading.Barrier(4)

    def work():
        gate.wait()
        for turn in range(30):
            name = names[turn % 3]
            if rows(pool, name) != turn % 3 + 3:
                wrong.append(name)
        with pool._using(names[0]) as opened:
            found.add(id(opened.cursor()))
            gate.wait()  # all threads hold theirs

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(found) == 4
    assert pool.statistics.queries == 120 and pool.statistics.open <= 2


def test_queries_take_parameters_and_only_read(names, pool, tmp_path):
    sql = "SELECT close FROM bars_daily WHERE volume >= $1 LIMIT 1"
    assert pool.query(names[0], sql, [0]).to_pydict() == {"close": [10.0]}
    assert pool.query(names[0], sql.replace("$1", "$least"), {"least": 0}).to_pydict() == {"close": [10.0]}
    assert pool.query(names[0], "DESCRIBE bars_daily").num_rows == 7
    for statement in (
        f"EXPLAIN ANALYZE COPY (SELECT 1) TO '{pool.bundle(names[0]).path / 'x.parquet'}'",
        "EXPLAIN ANALYZE CREATE OR REPLACE VIEW bars_daily AS SELECT 99",
        f"ATTACH '{tmp_path / 'x.db'}'",
        "SELECT 1; SELECT 2",
    ):
        with pytest.raises(QueryRefused, match="is no query|statements: pass one query"):
            pool.query(names[0], statement)
    assert not list(pool.bundle(names[0]).path.glob("x.parquet")) and rows(pool, names[0]) == 3


def test_a_query_over_the_limit_is_kept_with_its_time(names):
    with BundleConnectionPool(slow_query_s=0.0) as pool:
        rows(pool, names[1])
        (slow,) = pool.slow_queries
        assert (slow.bundle, slow.statement, slow.rows) == (names[1], COUNT, 1) and slow.seconds > 0
        assert pool.statistics.slow == 1
        pool.query(names[1], "SELECT 1 -- " + "x" * 1_000_000)
        assert len(pool.slow_queries[-1].statement) == 1_000 and pool.slow_queries[-1].statement.endswith("x…")


def test_a_closed_pool_and_an_unknown_bundle_say_so(names):
    pool = BundleConnectionPool()
    with pytest.raises(UnknownBundle, match="nope"):
        pool.bundle("nope")
    rows(pool, names[0])
    pool.close()
    pool.close()
    assert pool.statistics.open == 0
    with pytest.raises(WorkerError, match="the connection pool is closed"):
        pool.bundle(names[0])


@pytest.mark.parametrize("options", [{"max_connections": 0}, {"max_connections": True}, {"slow_query_s": -1}])
def test_a_limit_that_makes_no_sense_is_refused(options):
    with pytest.raises(InvalidParameter, match=next(iter(options))):
        BundleConnectionPool(**options)


def test_a_collected_pool_closes_its_connections(names):
    pool = BundleConnectionPool()
    with pool._using(names[0]) as opened:
        connection = opened.connection
    del pool
    with pytest.raises(duckdb.ConnectionException):
        connection.execute("SELECT 1")


def test_a_sample_bundle_is_read_by_name(monkeypatch):
    ingest("mag-7")
    with BundleConnectionPool() as pool:
        table = pool.query("mag-7", "SELECT symbol FROM assets JOIN splits USING (sid) GROUP BY symbol ORDER BY symbol")
    assert "AAPL" in table["symbol"].to_pylist()
