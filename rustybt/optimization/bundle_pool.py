"""Which bundle versions are open for queries in this process? Connections to them are kept, and found again.

A query's path: name → the newest version on disk → its open connection, or a new one → a cursor of the calling thread →
an Arrow table. Opening a connection takes some milliseconds, and a query over the sample bundle less than one.
"""

import ctypes
import os
import threading
import time
import weakref
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from rustybt.data.bundles.catalog import load
from rustybt.data.sql import QueryParameters, connect, run_query
from rustybt.data.store import BundleData
from rustybt.errors import InvalidParameter, WorkerError

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

MAX_CONNECTIONS: Final = 8
SLOW_QUERY_S: Final = 0.1
SLOW_QUERIES_KEPT: Final = 100
STATEMENT_KEPT: Final = 1_000
"""Characters of a slow query's statement."""


class SlowQuery(NamedTuple):
    """A query that took longer than the pool's limit: bundle, statement (cut if it is long), seconds and rows."""

    bundle: str
    statement: str
    seconds: float
    rows: int


@dataclass(frozen=True, slots=True)
class ConnectionStatistics:
    """What a connection pool did in this process.

    Attributes
    ----------
    opened, reused : int
        Connections that were made, and requests that found one.
    evicted, invalidated : int
        Those that were closed because there were too many, or because a newer version was open.
    open : int
        Connections that are open now.
    queries : int
        That were run.
    seconds_opening, seconds_querying : float
        Spent so.
    slow : int
        Queries over the limit.

    Examples
    --------
    >>> print(ConnectionStatistics(opened=1, reused=3, open=1, queries=4, seconds_opening=0.02, seconds_querying=0.004))
    1 opened in 20.0 ms, 3 reused, 0 evicted, 0 out of date; 4 queries in 4.0 ms, 0 slow
    """

    opened: int = 0
    reused: int = 0
    evicted: int = 0
    invalidated: int = 0
    open: int = 0
    queries: int = 0
    seconds_opening: float = 0.0
    seconds_querying: float = 0.0
    slow: int = 0

    def __str__(self) -> str:
        return (
            f"{self.opened:,} opened in {self.seconds_opening * 1e3:,.1f} ms, {self.reused:,} reused, "
            f"{self.evicted:,} evicted, {self.invalidated:,} out of date; {self.queries:,} queries in "
            f"{self.seconds_querying * 1e3:,.1f} ms, {self.slow:,} slow"
        )


@dataclass(eq=False)
class _Open:
    """An open version: its connection, a cursor for each thread, and how many queries are under way.

    Cursors are kept by the thread's number, which is given again once a thread has ended, and not in a
    `threading.local`: a fork destroys what that holds for other threads, and DuckDB would abort the child.
    """

    bundle: BundleData
    connection: "DuckDBPyConnection"
    cursors: dict[int, "DuckDBPyConnection"] = field(default_factory=dict)
    users: int = 0
    is_dropped: bool = False

    def cursor(self) -> "DuckDBPyConnection":
        """Give the calling thread's cursor."""
        thread = threading.get_ident()
        cursor = self.cursors.get(thread)
        if cursor is None:
            cursor = self.cursors[thread] = self.connection.cursor()
        return cursor

    def drop(self) -> None:
        """Close the connection, or have it closed by the last query that is under way on it."""
        self.is_dropped = True
        if not self.users:
            self.connection.close()


class BundleConnectionPool:
    """Read-only DuckDB connections to bundle versions, opened once and shared by the threads of a process.

    Parameters
    ----------
    max_connections : int, optional
        How many versions are open at once; the one that was asked for longest ago is closed first.
    slow_query_s : float, optional
        Queries that take longer are in `slow_queries`.
    environ : mapping, optional
        The environment variables, which say where bundles lie; by default the process's.

    Raises
    ------
    InvalidParameter
        If a limit makes no sense.

    Notes
    -----
    Every query sees the newest version that is on disk when it begins, and one version throughout. A forked process
    begins with no connection: it neither uses nor closes those of its parent, and may end in any way. All are closed
    when the pool is collected, and at the end of the program.

    Examples
    --------
    >>> from rustybt.data.bundles import ingest
    >>> _ = ingest("mag-7")
    >>> with BundleConnectionPool() as pool:
    ...     table = pool.query("mag-7", "SELECT count(*) AS rows FROM bars_daily WHERE sid = ?", [0])
    ...     again = pool.query("mag-7", "SELECT max(sid) AS sid FROM assets")
    >>> table.to_pydict(), again.to_pydict(), pool.statistics.opened, pool.statistics.reused
    ({'rows': [6289]}, {'sid': [7]}, 1, 1)
    """

    def __init__(
        self,
        max_connections: int = MAX_CONNECTIONS,
        *,
        slow_query_s: float = SLOW_QUERY_S,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        if isinstance(max_connections, bool) or not isinstance(max_connections, int) or max_connections < 1:
            raise InvalidParameter(f"max_connections {max_connections!r} is no whole number of at least 1")
        if not slow_query_s >= 0:
            raise InvalidParameter(f"slow_query_s {slow_query_s!r} is no number of seconds of 0 or more")
        self.max_connections, self.slow_query_s = max_connections, slow_query_s
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self._state = _State()
        weakref.finalize(self, _State.end, self._state)

    def __repr__(self) -> str:
        return f"BundleConnectionPool({self.max_connections}, slow_query_s={self.slow_query_s})"

    @property
    def statistics(self) -> ConnectionStatistics:
        """What happened in this process since the pool was made."""
        return self._state.statistics()

    @property
    def slow_queries(self) -> tuple[SlowQuery, ...]:
        """The latest queries over the limit, oldest first."""
        return self._state.slow_queries()

    def bundle(self, name: str) -> BundleData:
        """Give the newest version of a bundle, opened once.

        Parameters
        ----------
        name : str
            Of the bundle.

        Returns
        -------
        BundleData

        Raises
        ------
        UnknownBundle
            If there is none.
        """
        with self._using(name) as opened:
            return opened.bundle

    def query(self, name: str, statement: str, parameters: QueryParameters = ()) -> "pa.Table":
        """Run one query over the newest version of a bundle.

        Parameters
        ----------
        name : str
            Of the bundle.
        statement : str
            Over the tables bars_daily, bars_minute, assets, splits and dividends, with ?, $1 or $name for parameters.
        parameters : sequence of value, or mapping of str to value
            Which the statement gets.

        Returns
        -------
        pyarrow.Table

        Raises
        ------
        UnknownBundle
            If there is no such bundle.
        InvalidParameter
            If `parameters` is a text.
        QueryRefused
            If the statement does more than read.
        duckdb.Error
            If DuckDB cannot run it.
        """
        with self._using(name) as opened:
            began = time.perf_counter()
            table = run_query(opened.cursor(), statement, parameters)
            self._state.note(name, statement, time.perf_counter() - began, table.num_rows, self.slow_query_s)
            return table

    def close(self) -> None:
        """Close all connections, each once no query is under way on it; a later query raises."""
        self._state.end()

    def __enter__(self) -> "BundleConnectionPool":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    @contextmanager
    def _using(self, name: str) -> Iterator[_Open]:
        self._state.check_open()
        opened = self._state.take(load(name, self.environ), self.max_connections)
        try:
            yield opened
        finally:
            self._state.give_back(opened)


class _State:
    """The connections of one process; in a fork it begins anew."""

    def __init__(self) -> None:
        self.is_closed = False
        self._begin()
        _states.add(self)

    def _begin(self) -> None:
        self.lock = threading.Lock()
        self.versions: OrderedDict[tuple[str, str], _Open] = OrderedDict()
        self.counts = dict.fromkeys(("opened", "reused", "evicted", "invalidated", "queries", "slow"), 0)
        self.seconds_opening = self.seconds_querying = 0.0
        self.slow: deque[SlowQuery] = deque(maxlen=SLOW_QUERIES_KEPT)

    def begin_after_fork(self) -> None:
        """Leave the connections to the process that was forked, and begin with none.

        DuckDB's threads are not in the child, so that closing a connection there crashes, also at the interpreter's
        end. A reference that is never given back keeps them, and all that they hold, from being destroyed.
        """
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self.versions))
        self._begin()

    def check_open(self) -> None:
        """Refuse to go on after `end`."""
        if self.is_closed:
            raise WorkerError("the connection pool is closed: make another one")

    def take(self, bundle: BundleData, most: int) -> _Open:
        """Give the open version, and count a user more."""
        key = (str(bundle.path), bundle.fingerprint)
        with self.lock:
            self.check_open()
            opened = self.versions.get(key)
            if opened is not None:
                self.versions.move_to_end(key)
                self.counts["reused"] += 1
                opened.users += 1
                return opened
        began = time.perf_counter()
        made = _Open(bundle, connect(bundle))
        opened = None
        try:
            with self.lock:
                self.check_open()
                self.counts["opened"] += 1
                self.seconds_opening += time.perf_counter() - began
                opened = self._keep(key, made, most)
        finally:
            if opened is not made:
                made.connection.close()
        return opened

    def _keep(self, key: tuple[str, str], made: _Open, most: int) -> _Open:
        """Count a user of a new connection, or of the one that another thread opened meanwhile."""
        opened = self.versions.setdefault(key, made)
        opened.users += 1
        kin = [one for one in self.versions.values() if _is_same_bundle(one.bundle, made.bundle)]
        newest = max(one.bundle.version for one in kin)
        self._drop([one for one in kin if one.bundle.version < newest], "invalidated")
        self._drop(list(self.versions.values())[: max(0, len(self.versions) - most)], "evicted")
        return opened

    def _drop(self, dropped: Sequence[_Open], why: str) -> None:
        for one in dropped:
            del self.versions[str(one.bundle.path), one.bundle.fingerprint]
            self.counts[why] += 1
            one.drop()

    def give_back(self, opened: _Open) -> None:
        """Count a user less, and close what nobody needs any more."""
        with self.lock:
            opened.users -= 1
            if opened.is_dropped:
                opened.drop()

    def note(self, name: str, statement: str, seconds: float, rows: int, limit: float) -> None:
        """Count a query."""
        with self.lock:
            self.counts["queries"] += 1
            self.seconds_querying += seconds
            if seconds > limit:
                self.counts["slow"] += 1
                cut = statement if len(statement) <= STATEMENT_KEPT else statement[: STATEMENT_KEPT - 1] + "…"
                self.slow.append(SlowQuery(name, cut, seconds, rows))

    def slow_queries(self) -> tuple[SlowQuery, ...]:
        """Give the latest queries over the limit."""
        with self.lock:
            return tuple(self.slow)

    def statistics(self) -> ConnectionStatistics:
        """Give the counts."""
        with self.lock:
            return ConnectionStatistics(
                **self.counts,
                open=len(self.versions),
                seconds_opening=self.seconds_opening,
                seconds_querying=self.seconds_querying,
            )

    def end(self) -> None:
        """Close every connection of this process, and open none any more."""
        with self.lock:
            self.is_closed = True
            for opened in self.versions.values():
                opened.drop()
            self.versions.clear()


def _is_same_bundle(one: BundleData, other: BundleData) -> bool:
    return (one.root, one.name) == (other.root, other.name)


_states: "weakref.WeakSet[_State]" = weakref.WeakSet()


def _begin_after_fork() -> None:
    """Let every pool of this child begin with no connection, before it has a second thread."""
    for state in list(_states):
        state.begin_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_after_fork)
