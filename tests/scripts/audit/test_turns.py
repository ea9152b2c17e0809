"""Processes in turns share the machine moment by moment, and each is charged for its own moments alone."""

import os
import time

import pytest

from scripts.benchmarks.audit.turns import Turn, seconds_within, take_turns, wait_for_turn


def forked(work, waits=True):
    """Start a child that waits for its turn, works, and ends with what the work gives."""
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        if waits:
            wait_for_turn()
        code = work()
    finally:
        os._exit(code)


def spin(seconds, code=0):
    """Use the processor for so many seconds of its own."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return code


def test_children_work_in_turns_until_all_have_ended():
    pids = [forked(lambda: spin(0.1)), forked(lambda: spin(0.3, 7)), forked(lambda: 3, waits=False)]
    short, long, none = take_turns(pids, 0.02)
    assert [short.code, long.code, none.code] == [0, 7, 3]
    assert none.turns == []
    assert len(short.turns) < len(long.turns)
    together = sorted([*short.turns, *long.turns])
    assert all(one.stopped <= other.resumed for one, other in zip(together, together[1:], strict=False))
    first = together[: 2 * len(short.turns) : 2]
    assert first == short.turns, "one after the other, as long as both are there"


def test_seconds_are_those_of_a_childs_own_turns():
    began = time.perf_counter()
    short, long = take_turns([forked(lambda: spin(0.15)), forked(lambda: spin(0.45))], 0.02)
    ended = time.perf_counter()
    seconds = [seconds_within(one.turns, began, ended) for one in (short, long)]
    assert seconds[0] >= 0.15 and seconds[1] >= 0.45
    assert sum(seconds) <= ended - began
    assert 1.5 < seconds[1] / seconds[0] < 6, "however fast the machine is"


@pytest.mark.parametrize(
    ("began", "ended", "seconds"), [(0, 9, 3.0), (0.5, 9, 2.5), (0, 6.5, 2.5), (2, 3, 0.0), (6.25, 6.5, 0.25)]
)
def test_only_what_lies_within_the_work_counts(began, ended, seconds):
    assert seconds_within([Turn(0, 1), Turn(4, 5), Turn(6, 7), Turn(8, 8)], began, ended) == seconds
