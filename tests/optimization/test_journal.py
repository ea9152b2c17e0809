"""A journal gives back what it was given, in this process and the next, and refuses what it cannot keep."""

import errno
import math
import os
import subprocess
import sys
from enum import IntEnum, StrEnum

import numpy as np
import pytest

from rustybt.errors import (
    InvalidParameter,
    JournalCorrupt,
    JournalExists,
    JournalInUse,
    JournalMismatch,
    JournalNotFound,
    RustyBTError,
    StorageError,
)
from rustybt.optimization.journal import Journal
from rustybt.optimization.trial import Trial, TrialStatus
from tests.optimization.journals import (
    HEADER,
    ROOT,
    append,
    check_entry,
    check_prefix,
    content,
    filled,
    threads,
    writer,
)

DONE = Trial(0, {}, TrialStatus.COMPLETE, scores=(1.0,), metrics={"fills": 3.0}, seconds=0.5, returns=b"abcd")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs" / "x"


def resumed(folder):
    return Journal.resume(folder, HEADER)


class TestRoundTrip:
    def test_every_field_comes_back_in_the_same_process(self, folder):
        with Journal.create(folder, HEADER) as journal:
            for number in range(60):
                append(journal, number)
                check_entry(journal, number)
            assert check_prefix(journal) == 60

    def test_every_field_comes_back_in_a_later_one(self, folder):
        with resumed(filled(folder, 60)) as journal:
            assert check_prefix(journal) == 60
            assert journal.cut_trials == 0
            assert journal.header == HEADER

    def test_a_resumed_run_grows(self, folder):
        filled(folder, 3)
        for total in (4, 5):
            with resumed(folder) as journal:
                append(journal, total - 1)
            with resumed(folder) as journal:
                assert check_prefix(journal) == total

    def test_a_run_without_trials_can_be_resumed(self, folder):
        with resumed(filled(folder, 0)) as journal:
            assert (len(journal.entries), list(journal.entries), journal.cut_trials) == (0, [], 0)

    def test_studies_number_their_trials_apart(self, folder):
        with Journal.create(folder, HEADER) as journal:
            for study in ("window 1", "window 0"):
                journal.append(study, (study,), None, DONE)
        with resumed(folder) as journal:
            assert {key: entry.keys for key, entry in journal.entries.items()} == {
                ("window 1", 0): ("window 1",),
                ("window 0", 0): ("window 0",),
            }

    def test_order_of_writing_is_kept_though_trials_end_in_another_order(self, folder):
        with Journal.create(folder, HEADER) as journal:
            for number in (2, 0, 1):
                journal.append("search", (), None, Trial(number, {}, TrialStatus.COMPLETE))
        with resumed(folder) as journal:
            assert list(journal.entries) == [("search", 2), ("search", 0), ("search", 1)]

    def test_params_are_put_back_by_the_caller(self, folder):
        with Journal.create(folder, HEADER) as journal:
            journal.append("search", (1,), None, Trial(0, {"fast": [1, {2}]}, TrialStatus.COMPLETE, seconds=1.0))
            entry = journal.entries["search", 0]
        assert entry.trial.params == {}
        assert entry.trial_of({"fast": 5}) == Trial(0, {"fast": 5}, TrialStatus.COMPLETE, seconds=1.0)

    def test_what_the_journal_does_not_have_is_missing(self, folder):
        with resumed(filled(folder, 1)) as journal:
            for key in [("search", 1), ("other", 0), "search", None, (0, "search"), ("search", 0, 0)]:
                assert key not in journal.entries
            assert journal.entries.get(("search", 1)) is None
            with pytest.raises(KeyError, match="'other', 0"):
                journal.entries["other", 0]

    def test_scalars_of_numpy_and_enums_come_back_as_the_plain_values(self, folder):
        class Side(StrEnum):
            LONG = "long"

        class Level(IntEnum):
            HIGH = 3

        odd = (np.int64(-5), np.uint8(7), np.float64(0.1), np.float32(0.5), np.bool_(True), np.str_("w"))
        trial = Trial(np.int64(4), {}, TrialStatus.COMPLETE, metrics={"a": np.float32(0.1), "b": np.int32(2)})
        with Journal.create(folder, {"seed": np.int64(7)}) as journal:
            journal.append("search", (*odd, Side.LONG, Level.HIGH), np.int64(9), trial)
        with Journal.resume(folder, {"seed": 7}) as journal:
            entry = journal.entries["search", 4]
        assert repr(entry.keys) == "(-5, 7, 0.1, 0.5, True, 'w', 'long', 3)"
        assert repr(entry.trial.metrics) == "{'a': 0.10000000149011612, 'b': 2}"
        assert (entry.budget, entry.trial.number, type(entry.trial.number)) == (9, 4, int)

    @pytest.mark.parametrize("key", [(1, 2), b"w", 1j, {"a": 1}, np.datetime64("2020-01-02"), object()])
    def test_a_key_that_could_not_be_read_back_is_refused(self, folder, key):
        with Journal.create(folder, HEADER) as journal:
            with pytest.raises(InvalidParameter, match="neither a number, a word nor None"):
                journal.append("search", (1, key), None, DONE)
            assert len(journal.entries) == 0
            append(journal, 0)

    def test_a_metric_that_is_no_number_is_refused(self, folder):
        with Journal.create(folder, HEADER) as journal, pytest.raises(InvalidParameter, match="trial 0 of 'search'"):
            journal.append("search", (), None, Trial(0, {}, TrialStatus.COMPLETE, metrics={"a": 1j}))

    def test_a_trial_is_kept_once(self, folder):
        with resumed(filled(folder, 1)) as journal:
            with pytest.raises(InvalidParameter, match="trial 0 of 'search' is in the journal already"):
                append(journal, 0)
            assert check_prefix(journal) == 1

    @pytest.mark.parametrize(("study", "number"), [("search", -1), (3, 0), (None, 0)])
    def test_a_name_that_is_none_is_refused(self, folder, study, number):
        with Journal.create(folder, HEADER) as journal, pytest.raises(InvalidParameter, match="from 0"):
            journal.append(study, (), None, Trial(number, {}, TrialStatus.COMPLETE))


class TestCreate:
    def test_folders_above_are_made(self, tmp_path):
        filled(tmp_path / "a" / "b" / "c", 1)
        assert sorted(path.name for path in (tmp_path / "a/b/c").iterdir()) == [
            "returns.bin",
            "run.json",
            "run.lock",
            "trials.jsonl",
        ]

    def test_an_empty_folder_will_do(self, tmp_path):
        assert filled(tmp_path, 1) == tmp_path

    def test_a_run_is_not_begun_over_another(self, folder):
        before = content(filled(folder, 5))
        with pytest.raises(JournalExists, match=r"begun 20\d\d-.*, of 5 trials so far: resume it, or name another"):
            Journal.create(folder, HEADER)
        assert content(folder) == before

    def test_nor_over_one_that_cannot_be_read(self, folder):
        filled(folder, 1)
        (folder / "run.json").write_text("{")
        with pytest.raises(JournalExists, match="holds a run that cannot be read"):
            Journal.create(folder, HEADER)

    @pytest.mark.parametrize("name", ["notes.txt", "trials.jsonl", "returns.bin", ".hidden"])
    def test_nor_among_other_files(self, tmp_path, name):
        (tmp_path / name).write_text("mine")
        before = content(tmp_path)
        with pytest.raises(JournalExists, match=f"holds other files, such as '{name}'"):
            Journal.create(tmp_path, HEADER)
        assert content(tmp_path) == before
        assert not (tmp_path / "run.lock").exists()

    def test_what_a_killed_create_left_is_no_obstacle(self, tmp_path):
        for name in ("run.lock", "trials.jsonl", "returns.bin", ".run.json.4711.0a0b0c0d"):
            (tmp_path / name).touch()
        filled(tmp_path, 2)
        with resumed(tmp_path) as journal:
            assert check_prefix(journal) == 2

    @pytest.mark.parametrize("below", ["file", "file/run", "file/a/b"])
    def test_a_path_through_a_file_is_refused(self, tmp_path, below):
        (tmp_path / "file").write_text("mine")
        with pytest.raises(StorageError, match="move the file there away, or name another folder") as caught:
            Journal.create(tmp_path / below, HEADER)
        assert caught.value.errno in (errno.EEXIST, errno.ENOTDIR)
        assert (tmp_path / "file").read_text() == "mine"

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a folder that takes no file from anybody")
    def test_a_place_that_takes_no_folder_is_refused(self):
        with pytest.raises(StorageError, match="folder '/proc/run' cannot keep a run: "):
            Journal.create("/proc/run", HEADER)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_an_unwritable_folder_is_refused(self, tmp_path):
        tmp_path.chmod(0o500)
        try:
            with pytest.raises(StorageError, match="Permission denied.*make the folder writable, or name another"):
                Journal.create(tmp_path / "run", HEADER)
        finally:
            tmp_path.chmod(0o700)

    @pytest.mark.parametrize("call", ["open", "mkdir", "fsync", "replace"])
    @pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC])
    def test_what_the_system_refuses_is_told_and_leaves_no_run(self, folder, monkeypatch, call, code):
        def refuse(*args, **kwargs):
            raise OSError(code, os.strerror(code), "there")

        with monkeypatch.context() as patch:
            patch.setattr(os, call, refuse)
            with pytest.raises(
                StorageError, match=f"{os.strerror(code)} .*there.*: (make|free) .*, or name "
            ) as caught:
                Journal.create(folder, HEADER)
        assert caught.value.errno == code
        assert not (folder / "run.json").exists()
        assert threads() == []

    def test_a_header_that_json_cannot_hold_is_refused_before_anything_is_made(self, folder):
        with pytest.raises(InvalidParameter, match="header cannot be written as JSON"):
            Journal.create(folder, {"search": object()})
        assert not folder.exists()


class TestResume:
    def test_no_folder_holds_no_run(self, folder):
        with pytest.raises(JournalNotFound, match=r"runs/x' holds no run to resume: start one with it as storage"):
            resumed(folder)
        assert not folder.exists()

    def test_a_near_name_is_suggested(self, tmp_path):
        filled(tmp_path / "crossover", 0)
        with pytest.raises(JournalNotFound, match=r"did you mean 'crossover'\?"):
            resumed(tmp_path / "crosover")

    @pytest.mark.parametrize("below", ["file", "file/run"])
    def test_a_file_holds_no_run(self, tmp_path, below):
        (tmp_path / "file").write_text("mine")
        with pytest.raises(JournalNotFound, match="holds no run"):
            resumed(tmp_path / below)

    @pytest.mark.parametrize(
        ("changes", "fields", "message"),
        [
            (
                {"strategy_digest": "b2"},
                ("strategy_digest",),
                r"since it began \(20\d\d-[^)]*\) the strategy's code changed: \"a1\" then, \"b2\" now\. Nothing was",
            ),
            ({"strategy": "Other"}, ("strategy",), 'the strategy changed: "Crossover" then, "Other" now'),
            ({"fingerprint": "f1"}, ("fingerprint",), 'the bundle\'s data changed: "f0" then'),
            ({"search": {"seed": 8}}, ("search.seed",), r"search\.seed changed: 7 then, 8 now"),
            (
                {"seed": 8, "more": [1]},
                ("seed", "more"),
                r"seed changed: 7 then, 8 now; more changed: absent then, \[1\]",
            ),
            ({"seed": None}, ("seed",), "seed changed: 7 then, null now"),
            ({"seed": 7.0}, ("seed",), "seed changed: 7 then, 7.0 now"),
            ({"seed": True}, ("seed",), "seed changed: 7 then, true now"),
            ({"bundle": "mag-8"}, ("bundle",), 'the bundle changed: "mag-7" then, "mag-8" now'),
            ({"seed": "x" * 500}, ("seed",), r"7 then, \"x{119}\.\.\. now"),
        ],
    )
    def test_every_field_that_differs_is_named_and_nothing_is_touched(self, folder, changes, fields, message):
        filled(folder, 2)
        with (folder / "trials.jsonl").open("ab") as file:
            file.write(b"torn")
        (folder / "run.lock").unlink()
        before = content(folder)
        with pytest.raises(JournalMismatch, match=message) as caught:
            Journal.resume(folder, {**HEADER, **changes})
        assert caught.value.fields == fields
        assert content(folder) == before
        assert not (folder / "run.lock").exists()

    def test_a_field_that_is_gone_differs(self, folder):
        filled(folder, 0)
        with pytest.raises(JournalMismatch, match="seed changed: 7 then, absent now"):
            Journal.resume(folder, {name: value for name, value in HEADER.items() if name != "seed"})

    def test_tuples_order_and_nan_make_no_difference(self, folder):
        Journal.create(folder, {"span": ("a", "b"), "limit": math.nan, "space": {"x": 1, "y": 2}}).close()
        Journal.resume(folder, {"limit": np.float64("nan"), "space": {"y": 2, "x": 1}, "span": ["a", "b"]}).close()

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "null", '{"schema": 2}', '{"schema": 2, "began": "", "header": 3}']
    )
    def test_a_damaged_description_is_told(self, folder, text):
        filled(folder, 1)
        (folder / "run.json").write_text(text)
        before = content(folder)
        with pytest.raises(JournalCorrupt, match=r"run\.json' is damaged"):
            resumed(folder)
        assert content(folder) == before

    def test_a_form_of_another_version_is_told(self, folder):
        path = filled(folder, 1) / "run.json"
        path.write_text(path.read_text().replace('"schema": 2', '"schema": 3'))
        with pytest.raises(JournalMismatch, match="has form 3, and this version of rustybt reads form 2"):
            resumed(folder)

    @pytest.mark.parametrize("name", ["trials.jsonl", "returns.bin"])
    def test_a_missing_file_is_told_and_not_made(self, folder, name):
        (filled(folder, 3) / name).unlink()
        with pytest.raises(JournalCorrupt, match=f"{name}' is missing: restore the folder"):
            resumed(folder)
        assert not (folder / name).exists()


class TestLinks:
    @pytest.mark.parametrize("name", ["trials.jsonl", "returns.bin", "run.lock"])
    def test_nothing_is_written_through_a_link_in_the_folder(self, folder, tmp_path, name):
        outside = tmp_path / "outside"
        (filled(folder, 3) / name).rename(outside)
        (folder / name).symlink_to(outside)
        before = outside.read_bytes()
        with pytest.raises(StorageError, match=f"{name}.*put the file itself in the place of the link"):
            resumed(folder)
        assert outside.read_bytes() == before

    @pytest.mark.parametrize("name", ["trials.jsonl", "returns.bin", "run.lock", ".run.json.1.a"])
    def test_a_run_is_not_begun_beside_a_link(self, tmp_path, name):
        folder = tmp_path / "run"
        folder.mkdir()
        (folder / name).symlink_to(tmp_path / "outside")
        with pytest.raises(JournalExists, match="holds other files"):
            Journal.create(folder, HEADER)
        assert not (tmp_path / "outside").exists()

    def test_a_link_to_the_folder_is_followed(self, tmp_path):
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "real")
        filled(tmp_path / "link", 2)
        with resumed(tmp_path / "real") as journal:
            assert check_prefix(journal) == 2

    def test_what_is_no_file_is_refused(self, folder):
        (filled(folder, 0) / "returns.bin").unlink()
        os.mkfifo(folder / "returns.bin")
        with pytest.raises(StorageError, match="this is no regular file"):
            resumed(folder)


class TestLock:
    def test_one_process_opens_a_run_once(self, folder):
        with Journal.create(folder, HEADER) as journal:
            with pytest.raises(JournalInUse, match="is being written by another optimization of this process"):
                resumed(folder)
            append(journal, 0)
        with resumed(folder) as journal:
            assert check_prefix(journal) == 1

    def test_another_process_is_named_and_is_no_obstacle_once_it_is_dead(self, folder):
        with writer(folder) as child:
            child.stdout.readline()
            with pytest.raises(JournalInUse, match=rf"is being written by process {child.pid}, or a child"):
                resumed(folder)
            child.kill()
            child.wait()
            with resumed(folder) as journal:
                assert check_prefix(journal) >= 1

    def test_a_forked_process_may_neither_write_nor_sync(self, folder):
        script = (
            "import os, sys, warnings\n"
            "from rustybt.errors import StorageError\n"
            "from tests.optimization.journals import *\n"
            "warnings.simplefilter('ignore')\n"
            "journal = Journal.create(sys.argv[1], HEADER)\n"
            "append(journal, 0)\n"
            "if not (pid := os.fork()):\n"
            "    try:\n"
            "        append(journal, 1)\n"
            "    except StorageError as error:\n"
            "        journal.close()\n"
            "        os._exit(7 if 'closed in this process' in str(error) else 8)\n"
            "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7\n"
            "append(journal, 1)\n"
            "journal.close()\n"
        )
        subprocess.run([sys.executable, "-c", script, str(folder)], cwd=ROOT, check=True, timeout=60)
        with resumed(folder) as journal:
            assert check_prefix(journal) == 2


class TestClose:
    def test_a_closed_journal_takes_and_gives_nothing(self, folder):
        journal = Journal.create(folder, HEADER)
        append(journal, 0)
        journal.close()
        journal.close()
        for call in (journal.flush, lambda: append(journal, 1)):
            with pytest.raises(StorageError, match="is closed in this process: resume the run"):
                call()
        with pytest.raises(StorageError, match="trial 0 of 'search' cannot be read: the journal is closed"):
            journal.entries["search", 0]
        assert len(journal.entries) == 1

    def test_thread_handles_and_lock_are_gone(self, folder):
        before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
        journal = Journal.create(folder, HEADER)
        assert len(threads()) == 1
        append(journal, 0)
        journal.close()
        assert threads() == []
        assert not before or len(os.listdir("/proc/self/fd")) == before
        resumed(folder).close()

    @pytest.mark.parametrize("name", ["trials.jsonl", "run.json"])
    def test_a_refused_resume_leaves_neither_handle_nor_thread_nor_lock(self, folder, name):
        path = filled(folder, 2) / name
        whole = path.read_bytes()
        path.write_bytes(b"x" + whole[1:])
        before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
        with pytest.raises(RustyBTError):
            resumed(folder)
        assert threads() == []
        assert not before or len(os.listdir("/proc/self/fd")) == before
        path.write_bytes(whole)
        resumed(folder).close()
