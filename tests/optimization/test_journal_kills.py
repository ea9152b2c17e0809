"""Killed at any moment, a journal keeps every trial that it had taken, each as it was."""

import json
import random
import time

import pytest

from rustybt.errors import JournalNotFound
from rustybt.optimization.journal import Journal
from tests.optimization.journals import HEADER, check_prefix, writer


def kill_after(folder, bulk, acknowledged, more_s):
    """Kill a process that appends, some time after it said so often that a trial was taken; give how often it did."""
    with writer(folder, bulk) as child:
        for _ in range(acknowledged):
            child.stdout.readline()
        time.sleep(more_s)
        child.kill()
        said = child.stdout.read().split(b"\n")  # the last piece may be half a number
        return int(said[-2]) + 1 if len(said) > 1 else 0


def is_torn(folder):
    """Say whether a write was half done: a line without an end, or returns without a line."""
    lines = (folder / "trials.jsonl").read_bytes().splitlines(keepends=True)
    if not lines:
        return bool((folder / "returns.bin").stat().st_size)
    if not lines[-1].endswith(b"\n"):
        return True
    offset, length, _ = json.loads(lines[-1])["returns"]
    return (folder / "returns.bin").stat().st_size > offset + length


def kill_and_check(folder, bulk, acknowledged, more_s, before):
    """Kill a process that appends; give how many trials the journal holds then, and whether a write was half done."""
    taken = kill_after(folder, bulk, acknowledged, more_s)
    try:
        was_torn = (folder / "run.json").exists() and is_torn(folder)
        with Journal.resume(folder, HEADER) as journal:
            total = check_prefix(journal, bulk)
            assert journal.cut_trials <= was_torn
    except JournalNotFound:
        assert before + acknowledged == 0
        return 0, False
    assert total >= before + acknowledged
    assert not taken or total in (taken, taken + 1)  # the last one may have been kept without being said
    return total, was_torn


def test_kills_between_appends_lose_nothing(tmp_path):
    rng = random.Random(5)
    total = 0
    for _ in range(3):
        total, _ = kill_and_check(tmp_path / "run", 1000, rng.randrange(1, 60), rng.random() * 0.02, total)


@pytest.mark.soak
def test_many_kills_lose_nothing(tmp_path):
    """Half of the kills come in the first instants, some before there is a run at all.

    Every third trial is of up to a megabyte, so that a kill meets writes half done.
    """
    rng = random.Random(6)
    torn = 0
    for cycle in range(8):
        total = 0
        for kill in range(10):
            early = kill % 2 == 0
            acknowledged = 0 if early else rng.randrange(1, 100)
            more_s = rng.random() * (0.5 if early else 0.05)
            total, was_torn = kill_and_check(tmp_path / str(cycle), 20_000, acknowledged, more_s, total)
            torn += was_torn
    assert torn > 0, "no kill met a write: the test shows nothing"
