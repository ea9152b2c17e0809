"""Which bundle versions are open for queries in this process? Connections to them are kept, and found again.

A query's path: name → the newest version on disk → its open connection, or a new one → a cursor of the calling thread →
an Arrow table. Opening a connection takes some milliseconds, and a query over the sample bundle less than one.
"""

import os
import threading
import time
import weakref
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

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

_inherited: list[Any] = []
"""Handles of a process that forked this one: closing them here would disturb it, so they are only kept."""


class SlowQuery(NamedTuple):
    """A query that took longer than the pool's limit: bundle, statement, seconds and rows."""

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
        Those that were closed because there were too many, or because a newer version was ingested.
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
    """An open version: its connection, a cursor for each thread, and how many queries are under way."""

    bundle: BundleData
    connection: "DuckDBPyConnection"
    cursors: threading.local = field(default_factory=threading.local)
    users: int = 0
    is_dropped: bool = False

    def cursor(self) -> "DuckDBPyConnection":
        """Give the calling thread's cursor."""
        cursor: DuckDBPyConnection | None = getattr(self.cursors, "own", None)
        if cursor is None:
            cursor = self.cursors.own = self.connection.cursor()
        return cursor


class BundleConnectionPool:
    """Read-only DuckDB connections to bundle versions, opened once and shared by the threads of a process.

    Parameters
    ----------
    max_connections : int, optional
        How many versions are open at once; the one that was asked for longest ago is closed first.
    slow_query_s : float, optional
        Queries that take longer are in `slow_queries`.
    environ : mapping, optional
        The environment variables, which say where bundles lie.

    Raises
    ------
    InvalidParameter
        If a limit makes no sense.

    Notes
    -----
    Every query sees the newest version that is on disk when it begins, and one version throughout. A process that is
    forked begins with no connection: it can neither use nor close those of its parent. All are closed when the pool is
    collected, and at the end of the program.

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
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        if isinstance(max_connections, bool) or not isinstance(max_connections, int) or max_connections < 1:
            raise InvalidParameter(f"max_connections {max_connections!r} is no whole number of at least 1")
        if not slow_query_s >= 0:
            raise InvalidParameter(f"slow_query_s {slow_query_s!r} is no number of seconds of 0 or more")
        self.max_connections, self.slow_query_s, self.environ = max_connections, slow_query_s, environ
        self._state = _State()
        self._closed = False
        weakref.finalize(self, _State.end, self._state)

    def __repr__(self) -> str:
        return f"BundleConnectionPool({self.max_connections}, slow_query_s={self.slow_query_s})"

    @property
    def statistics(self) -> ConnectionStatistics:
        """What happened in this process since the pool was made."""
        return self._state.own().statistics()

    @property
    def slow_queries(self) -> tuple[SlowQuery, ...]:
        """The latest queries over the limit, oldest first."""
        return tuple(self._state.own().slow)

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
        QueryRefused
            If the statement does more than read.
        duckdb.Error
            If DuckDB cannot run it.
        """
        with self._using(name) as opened:
            began = time.perf_counter()
            table = run_query(opened.cursor(), statement, parameters)
            self._state.own().note(name, statement, time.perf_counter() - began, table.num_rows, self.slow_query_s)
            return table

    def close(self) -> None:
        """Close all connections; a later query raises."""
        self._closed = True
        self._state.end()

    def __enter__(self) -> "BundleConnectionPool":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    @contextmanager
    def _using(self, name: str) -> Iterator[_Open]:
        if self._closed:
            raise WorkerError("the connection pool is closed: make another one")
        state = self._state.own()
        bundle = load(name, self.environ)
        opened = state.take(bundle, self.max_connections)
        try:
            yield opened
        finally:
            state.give_back(opened)


class _State:
    """The connections of one process; after a fork the child replaces it by an empty one."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.pid = os.getpid()
        self.lock = threading.Lock()
        self.versions: OrderedDict[tuple[str, str], _Open] = OrderedDict()
        self.counts = dict.fromkeys(("opened", "reused", "evicted", "invalidated", "queries", "slow"), 0)
        self.seconds_opening = self.seconds_querying = 0.0
        self.slow: deque[SlowQuery] = deque(maxlen=SLOW_QUERIES_KEPT)

    def own(self) -> "_State":
        """Give itself, emptied where a fork took it over."""
        if self.pid != os.getpid():
            _inherited.append(self.versions)
            self._begin()
        return self

    def take(self, bundle: BundleData, most: int) -> _Open:
        """Give the open version, and count a user more."""
        key = (str(bundle.path), bundle.fingerprint)
        with self.lock:
            opened = self.versions.get(key)
            if opened is not None:
                self.versions.move_to_end(key)
                self.counts["reused"] += 1
                opened.users += 1
                return opened
        began = time.perf_counter()
        made = _Open(bundle, connect(bundle))
        with self.lock:
            self.counts["opened"] += 1
            self.seconds_opening += time.perf_counter() - began
            opened = self.versions.setdefault(key, made)  # another thread may have been faster
            opened.users += 1
            self._drop(
                [other for other in self.versions if other != key and self._is_older(other, bundle)], "invalidated"
            )
            self._drop(list(self.versions)[: len(self.versions) - most], "evicted")
        if opened is not made:
            made.connection.close()
        return opened

    def _is_older(self, key: tuple[str, str], bundle: BundleData) -> bool:
        other = self.versions[key].bundle
        return (other.root, other.name) == (bundle.root, bundle.name) and other.version < bundle.version

    def _drop(self, keys: Sequence[tuple[str, str]], why: str) -> None:
        for key in keys:
            dropped = self.versions.pop(key)
            self.counts[why] += 1
            dropped.is_dropped = True
            if not dropped.users:
                dropped.connection.close()

    def give_back(self, opened: _Open) -> None:
        """Count a user less, and close what nobody needs any more."""
        with self.lock:
            opened.users -= 1
            if opened.is_dropped and not opened.users:
                opened.connection.close()

    def note(self, name: str, statement: str, seconds: float, rows: int, limit: float) -> None:
        """Count a query."""
        with self.lock:
            self.counts["queries"] += 1
            self.seconds_querying += seconds
            if seconds > limit:
                self.counts["slow"] += 1
                self.slow.append(SlowQuery(name, statement, seconds, rows))

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
        """Close every connection of this process."""
        state = self.own()
        with state.lock:
            for opened in state.versions.values():
                opened.is_dropped = True
                if not opened.users:
                    opened.connection.close()
            state.versions.clear()
