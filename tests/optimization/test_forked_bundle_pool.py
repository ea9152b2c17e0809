"""A forked child begins with no connection, leaves its parent's alone, and ends as any program does."""

import subprocess
import sys

import pytest

SCRIPT = """
import gc, os, sys, threading
from rustybt.optimization.bundle_pool import BundleConnectionPool

def ask(name):
    return pool.query(name, "SELECT year(session) AS year, sid, avg(close) FROM bars_daily GROUP BY ALL").num_rows

def in_threads(count, work):
    gate, found = threading.Barrier(count), []
    def run():
        gate.wait()
        found.append(work())
    threads = [threading.Thread(target=run) for _ in range(count)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return found

pool, unused = BundleConnectionPool(), BundleConnectionPool()
assert ask("mag-7") > 0 and ask("quad") > 0
held, go = threading.Event(), threading.Event()

def hold():
    ask("mag-7")
    held.set()
    go.wait()

if {beside_a_thread}:  # which has a cursor, and is not in the child
    threading.Thread(target=hold).start()
    held.wait()
pid = os.fork()
if pid == 0:
    assert pool.statistics.opened == pool.statistics.open == pool.statistics.queries == 0
    {child}
    sys.exit(7)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
go.set()
assert status == 7, f"the child ended with {{status}}"
assert ask("mag-7") > 0 and pool.statistics.opened == 2
print("fine")
"""

CHILDREN = {
    "does nothing": "",
    "asks": "assert ask('quad') > 0 and pool.statistics.opened == 1",
    "asks what its parent did not": "assert ask('holes') > 0",
    "closes the pool": "pool.close()",
    "asks and closes the pool": "assert ask('mag-7') > 0; pool.close()",
    "collects the pool": "del pool; gc.collect()",
    "asks in threads": "assert in_threads(4, lambda: ask('mag-7') > 0) == [True] * 4 and pool.statistics.queries == 4",
    "forks again": "assert ask('mag-7') > 0; child = os.fork()\n"
    "    if child: assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7\n"
    "    else: assert ask('quad') > 0",
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.usefixtures("ingested")
@pytest.mark.parametrize(
    ("child", "beside_a_thread"), [*((child, False) for child in CHILDREN), ("does nothing", True), ("asks", True)]
)
def test_a_child_ends_by_itself_and_its_parent_goes_on(child, beside_a_thread):
    script = SCRIPT.format(child=CHILDREN[child], beside_a_thread=beside_a_thread)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "fine\n", done.stderr
