"""What is appended reaches the disk soon, and a write that fails or is interrupted costs no trial but its own."""

import errno
import itertools
import json
import math
import os
import resource
import subprocess
import sys
import time

import pytest

from rustybt.errors import StorageError
from rustybt.optimization import journal as journal_module
from rustybt.optimization.journal import Journal
from rustybt.optimization.journal_files import Syncer
from rustybt.optimization.trial import Trial, TrialStatus
from tests.optimization.journals import HEADER, ROOT, append, check_prefix, content, filled, threads


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


@pytest.fixture
def unsynced(monkeypatch):
    """Save the time of syncing, in tests of many journals."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def soon(monkeypatch):
    """Let the thread sync after 20 ms."""
    monkeypatch.setattr(journal_module, "SYNC_DELAY_S", 0.02)


def wait_until(condition, limit_s=10.0):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.002)


class Disk:
    """Stands between the journal and the system's calls: counts them, and fails those that a test wants to fail."""

    def __init__(self, monkeypatch):
        self.synced = []
        self.room = math.inf
        self.piece = math.inf
        self.sync_error = self.cut_error = None
        self.pwrite, self.fsync, self.ftruncate = os.pwrite, os.fsync, os.ftruncate
        for name in ("pwrite", "fsync", "ftruncate"):
            monkeypatch.setattr(os, name, getattr(self, f"do_{name}"))

    def do_pwrite(self, handle, data, at):
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        size = min(len(data), self.room, self.piece)
        self.room -= size
        return self.pwrite(handle, data[:size], at)

    def do_fsync(self, handle):
        self.synced.append(os.fstat(handle).st_ino)
        if self.sync_error:
            raise OSError(self.sync_error, os.strerror(self.sync_error))
        self.fsync(handle)

    def do_ftruncate(self, handle, size):
        if self.cut_error:
            raise OSError(self.cut_error, os.strerror(self.cut_error))
        self.ftruncate(handle, size)


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


def returns_then_lines(folder):
    return [(folder / name).stat().st_ino for name in ("returns.bin", "trials.jsonl")]


class TestSync:
    def test_the_delay_leaves_room_within_the_second(self):
        assert 0 < journal_module.SYNC_DELAY_S <= 0.5

    def test_a_write_is_synced_soon_and_then_nothing_happens(self, folder, soon, disk):
        with Journal.create(folder, HEADER) as journal:
            disk.synced.clear()
            time.sleep(0.1)
            assert disk.synced == []
            for _ in range(2):
                append(journal, len(journal.entries))
                wait_until(lambda: len(disk.synced) >= 2)
                time.sleep(0.1)
                assert disk.synced == returns_then_lines(folder)  # the line vouches for the returns
                disk.synced.clear()

    def test_writes_are_gathered(self, folder, disk):
        with Journal.create(folder, HEADER) as journal:
            disk.synced.clear()
            began = time.monotonic()
            for number in range(200):
                append(journal, number)
            spent_s = time.monotonic() - began
            assert len(disk.synced) <= 2 * (1 + spent_s / journal_module.SYNC_DELAY_S)

    def test_an_idle_thread_takes_no_time(self, folder, soon):
        with Journal.create(folder, HEADER) as journal:
            append(journal, 0)
            time.sleep(0.1)
            before = sum(os.times()[:2])
            time.sleep(0.3)
            assert sum(os.times()[:2]) - before <= 0.05

    @pytest.mark.parametrize("end", ["flush", "close"])
    def test_flush_and_close_sync_at_once(self, folder, disk, end):
        journal = Journal.create(folder, HEADER)
        append(journal, 0)
        disk.synced.clear()
        getattr(journal, end)()
        assert disk.synced[-2:] == returns_then_lines(folder)
        journal.close()

    def test_a_touch_during_the_call_asks_for_another(self):
        calls = []

        def function():
            calls.append(time.monotonic())
            if len(calls) == 1:
                syncer.touch()

        syncer = Syncer(function, 0.01)
        syncer.touch()
        wait_until(lambda: len(calls) == 2)
        time.sleep(0.05)
        syncer.stop()
        assert len(calls) == 2

    def test_stopping_does_not_wait_for_the_delay(self):
        syncer = Syncer(lambda: None, 60.0)
        syncer.touch()
        began = time.monotonic()
        syncer.stop()
        assert time.monotonic() - began < 5

    def test_lines_say_how_many_trials_were_known_to_be_on_the_disk(self, folder):
        with Journal.create(folder, HEADER) as journal:
            append(journal, 0)
            journal.flush()
            append(journal, 1)
        with Journal.resume(folder, HEADER) as journal:
            append(journal, 2)
        lines = (folder / "trials.jsonl").read_text().splitlines()
        assert [json.loads(line)["synced"] for line in lines] == [0, 1, 2]


class TestFailingSync:
    def test_the_threads_error_is_raised_by_the_next_append_and_not_again_by_close(self, folder, soon, disk):
        with Journal.create(folder, HEADER) as journal:
            append(journal, 0)
            journal.flush()
            disk.sync_error = errno.EIO
            append(journal, 1)
            disk.synced.clear()
            wait_until(lambda: disk.synced)
            time.sleep(0.02)
            disk.sync_error = None
            for _ in range(2):  # a sync that ends well after one that failed proves nothing
                with pytest.raises(
                    StorageError, match="1 of 2 trials are known to be safe: see that the disk"
                ) as caught:
                    append(journal, 2)
            assert caught.value.errno == errno.EIO
            assert "Input/output error" in str(caught.value)
        assert threads() == []
        with Journal.resume(folder, HEADER) as journal:
            assert check_prefix(journal) == 2

    @pytest.mark.parametrize("end", ["flush", "close"])
    def test_flush_and_close_raise(self, folder, disk, end):
        journal = Journal.create(folder, HEADER)
        append(journal, 0)
        disk.sync_error = errno.ENOSPC
        with pytest.raises(
            StorageError, match="No space left on device. 0 of 1 trials .*: free some space, then resume"
        ):
            getattr(journal, end)()
        journal.close()
        assert threads() == []

    def test_a_resume_that_cannot_sync_says_so(self, folder, disk):
        filled(folder, 2)
        disk.sync_error = errno.EIO
        with pytest.raises(StorageError, match=r"run' cannot keep a run: Input/output error: see that the disk"):
            Journal.resume(folder, HEADER)


class TestFailingWrite:
    def test_bytes_that_go_out_in_pieces_arrive(self, folder, disk):
        disk.piece = 7
        with Journal.create(folder, HEADER) as journal:
            for number in range(8):
                append(journal, number)
            assert check_prefix(journal) == 8

    def test_a_full_disk_costs_only_the_trial_that_did_not_fit(self, folder, unsynced, disk):
        whole = sum(len(data) for data, _ in content(filled(folder.with_name("whole"), 6)).values())
        for room in range(0, whole, 61):
            run = folder.with_name(f"run {room}")
            with Journal.create(run, HEADER) as journal:
                disk.room = room
                with pytest.raises(
                    StorageError, match="No space left on device.*free some space, then resume"
                ) as caught:
                    for number in itertools.count():
                        append(journal, number)
                assert f"trial {number} of " in str(caught.value)
                assert f"The {number} trials before it are kept" in str(caught.value)
                assert caught.value.errno == errno.ENOSPC
                assert check_prefix(journal) == number
                assert (run / "trials.jsonl").read_bytes().count(b"\n") == number
                disk.room = math.inf
                append(journal, number)  # space was freed while the run waited
            with Journal.resume(run, HEADER) as journal:
                assert (check_prefix(journal), journal.cut_trials) == (number + 1, 0)

    def test_a_half_line_that_cannot_be_cut_off_ends_the_journal_and_not_the_run(self, folder, disk):
        with Journal.create(folder, HEADER) as journal:
            for number in range(3):
                append(journal, number)
            disk.room, disk.cut_error = 200, errno.EIO
            big = Trial(3, {}, TrialStatus.FAILED, error="x" * 1000)
            with pytest.raises(StorageError, match="trial 3 of 'search' could not be written"):
                journal.append("search", (), None, big)
            disk.room = math.inf
            with pytest.raises(StorageError, match="the disk failed under .*Input/output error"):
                append(journal, 3)
            disk.cut_error = None
        with Journal.resume(folder, HEADER) as journal:
            assert (check_prefix(journal), journal.cut_trials) == (3, 1)

    def test_an_interrupt_at_any_line_of_append_loses_no_other_trial(self, tmp_path, unsynced):
        """Ctrl-C raises KeyboardInterrupt between any two steps."""
        for step in itertools.count(1):
            folder = tmp_path / str(step)
            with Journal.create(folder, HEADER) as journal:
                append(journal, 0)
                was_interrupted = interrupt_at(step, lambda journal=journal: append(journal, 1))
                kept = len(journal.entries)
                for number in range(kept, 4):
                    append(journal, number)
            with Journal.resume(folder, HEADER) as journal:
                assert (check_prefix(journal), journal.cut_trials) == (4, 0)
            if not was_interrupted:
                break
        assert step > 20


def interrupt_at(step, call):
    """Call a function, interrupt it at the so-manieth line that the journal's code runs, and say whether it was."""
    left = step

    def trace(frame, event, _):
        nonlocal left
        if "optimization/journal" not in frame.f_code.co_filename or "tests" in frame.f_code.co_filename:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


FILL = """
import json, os, resource, sys
from itertools import count
from rustybt.errors import StorageError
from tests.optimization.journals import *

folder, ballast = sys.argv[1], sys.argv[2]
if ballast:
    with open(ballast, "wb") as file:
        file.write(bytes(30_000))
else:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
with Journal.create(folder, HEADER) as journal:
    try:
        for number in count():
            append(journal, number)
    except StorageError as error:
        message, code = str(error), error.errno
    lines = Path(folder, "trials.jsonl").read_bytes()
    assert lines.endswith(b"\\n") and lines.count(b"\\n") == number, (number, lines[-50:])
    if ballast:
        os.unlink(ballast)
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    append(journal, number)
with Journal.resume(folder, HEADER) as journal:
    assert check_prefix(journal) == number + 1
print(json.dumps([number, message, code]))
"""


class TestFullDisk:
    """The same with the system's own limits."""

    @pytest.mark.skipif(
        resource.getrlimit(resource.RLIMIT_FSIZE)[1] != resource.RLIM_INFINITY, reason="files are limited already"
    )
    def test_a_limit_of_a_files_size(self, folder):
        command = [sys.executable, "-c", FILL, str(folder), ""]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=60)
        number, message, code = json.loads(done.stdout)
        assert code == errno.EFBIG
        assert number > 50
        assert f"The {number} trials before it are kept: raise the limit of a file's size (ulimit -f)" in message

    def test_a_small_file_system(self, tmp_path):
        mounted = "mount -t tmpfs -o size=128k tmpfs . && echo mounted && "
        in_it = f'cd "{ROOT}" && exec "$@"'
        command = [
            "unshare",
            "--mount",
            "--map-root-user",
            "sh",
            "-c",
            mounted + in_it,
            "sh",
            sys.executable,
            "-c",
            FILL,
        ]
        places = [str(tmp_path / name) for name in ("run", "ballast")]
        try:
            done = subprocess.run(
                [*command, *places], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
            )
        except FileNotFoundError:
            pytest.skip("there is no unshare here")
        if "mounted" not in done.stdout:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr
        number, message, code = json.loads(done.stdout.splitlines()[-1])
        assert code == errno.ENOSPC
        assert f"No space left on device. The {number} trials before it are kept: free some space" in message
