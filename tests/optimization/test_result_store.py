import gc
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import warnings

import pytest

from rustybt.errors import CacheWarning
from rustybt.optimization.result_cache import ResultCache
from rustybt.optimization.result_store import FILE, CachedResult, ResultStore

RESULT = CachedResult({"sharpe": 1.5, "fills": 3.0}, b"abcdefgh", "", 0.5)


@pytest.fixture
def store(tmp_path):
    store = ResultStore(tmp_path)
    for number in range(20):
        store.put(b"%d" % number, RESULT)
    yield store
    store.close()


def change(path, statement, *values):
    with sqlite3.connect(path) as connection:
        connection.execute(statement, values)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        ("UPDATE results SET returns = ? WHERE key = ?", (b"abcdefgH", b"3")),
        ("UPDATE results SET returns = ? WHERE key = ?", (b"", b"3")),
        ("UPDATE results SET returns = ? WHERE key = ?", ("abcdefgh", b"3")),
        ("UPDATE results SET numbers = ? WHERE key = ?", (b"123", b"3")),
        ("UPDATE results SET names = ? WHERE key = ?", ("{", b"3")),
        ("UPDATE results SET digest = ? WHERE key = ?", (b"", b"3")),
        ("UPDATE OR REPLACE results SET key = ? WHERE key = ?", (b"3", b"4")),
    ],
)
def test_a_damaged_result_is_not_used_and_can_be_replaced(store, statement, values):
    store.close()
    change(store.path, statement, *values)
    with pytest.warns(CacheWarning, match=r"holds damaged results, which are simulated again: remove it if"):
        assert store.get(b"3") is None
    assert store.get(b"3") is None  # and says so once
    assert store.damaged == 2
    assert store.get(b"5") == RESULT
    store.put(b"3", RESULT)
    assert store.get(b"3") == RESULT


@pytest.mark.parametrize("content", [b"no database at all" * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_not_used(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    cache = ResultCache(folder=tmp_path)
    with pytest.warns(CacheWarning, match=r"cannot be read \(.*\): remove it, and it will be made again"):
        assert cache.get(b"k") is None
    cache.put(b"k", RESULT)
    assert cache.get(b"k") == RESULT
    assert (tmp_path / FILE).read_bytes() == content


def test_a_file_that_is_cut_off_is_not_used(store):
    store.close()
    whole = store.path.read_bytes()
    store.path.write_bytes(whole[: len(whole) // 2])
    other = ResultStore(store.path.parent)
    with pytest.warns(CacheWarning):
        found = [other.get(b"%d" % number) for number in range(20)]
    assert all(one in (None, RESULT) for one in found) and None in found
    other.close()


def test_a_full_disk_is_said_once_and_what_is_there_stays_known(store):
    connection = store._open()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    large = RESULT._replace(returns=b"x" * 100_000)
    with pytest.warns(CacheWarning, match=r"takes no more results \(database or disk is full\): make room, or name"):
        store.put(b"large", large)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store.put(b"large", large)
        assert store.get(b"large") is None
        assert store.get(b"3") == RESULT


def test_a_file_that_another_process_locks_is_said_once(store, monkeypatch):
    store.close()
    monkeypatch.setattr("rustybt.optimization.result_store.WAIT_S", 0.05)
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.warns(CacheWarning, match="takes no more results"):
        store.put(b"new", RESULT)
    store.put(b"new", RESULT)
    assert store.get(b"3") == RESULT
    other.execute("ROLLBACK")
    other.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_said_once(store):
    store.close()
    for path in (store.path, store.path.parent):
        path.chmod(0o500)
    with pytest.warns(CacheWarning):
        ResultStore(store.path.parent).put(b"new", RESULT)
    store.path.parent.chmod(0o700)


def test_only_its_own_files_are_in_the_folder(store):
    assert {path.name for path in store.path.parent.iterdir()} <= {FILE, f"{FILE}-wal", f"{FILE}-shm"}


def test_processes_write_at_the_same_time(tmp_path):
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from rustybt.optimization.result_store import CachedResult, ResultStore\n"
        "store = ResultStore(Path(sys.argv[1]))\n"
        "for number in range(150):\n"
        "    store.put(b'%s %d' % (sys.argv[2].encode(), number), CachedResult({'a': float(number)}, b'x' * 2000))\n"
        "    store.put(b'same', CachedResult({'a': 1.0}, b'x'))\n"
        "store.close()\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", program, str(tmp_path), name]) for name in ("one", "two")
    ]
    assert [process.wait(60) for process in running] == [0, 0]
    store = ResultStore(tmp_path)
    for name in (b"one", b"two"):
        assert all(store.get(b"%s %d" % (name, n)).metrics == {"a": float(n)} for n in range(150))
    store.close()


def child_of(store, pipe):
    store.put(b"child", RESULT)
    pipe.send(store.get(b"3") == RESULT and store.get(b"child") == RESULT)
    pipe.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_opens_the_file_for_itself(store):
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=child_of, args=(store, theirs))
    process.start()
    assert ours.poll(60) and ours.recv()
    process.join(60)
    assert process.exitcode == 0
    assert store.get(b"child") == RESULT
    assert store._open().execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_store_that_is_forgotten_closes_its_file(tmp_path):
    store = ResultStore(tmp_path)
    store.put(b"k", RESULT)
    connection = store._open()
    del store
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_keys_and_names_with_quotes_are_data(store):
    odd = CachedResult({"a'; DROP TABLE results; --": 1.0}, b"", "'\"\0")
    store.put(b"'; DROP TABLE results; --", odd)
    assert store.get(b"'; DROP TABLE results; --") == odd
    assert store.get(b"3") == RESULT
