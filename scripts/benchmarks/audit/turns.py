"""How do short runs share the state of the machine? Their processes take turns of some hundredths of a second.

A machine whose cores others use too changes its speed by tens of percent within seconds: the times of two runs that
follow one another differ by that. Here each run is a child that stops itself before its work; then one after the other
goes on for a moment and is stopped again, until all have ended. A run's seconds are those in which it was let go. That
is right for runs that compute: one that waits for a disk would wait for nothing while it is stopped.
"""

import os
import signal
import time
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

TURN_S: Final = 0.03


class Turn(NamedTuple):
    """When a child went on, and when it was seen to have stopped again: readings of `time.perf_counter`."""

    resumed: float
    stopped: float


class Ended(NamedTuple):
    """What became of a child: its exit code, and the turns that it had."""

    code: int
    turns: list[Turn]


def wait_for_turn() -> None:
    """Stop this process until it is let go."""
    os.kill(os.getpid(), signal.SIGSTOP)


def take_turns(pids: Sequence[int], turn_s: float = TURN_S) -> list[Ended]:
    """Let children go on in turns until all have ended.

    Parameters
    ----------
    pids : sequence of int
        Children of this process, each of which calls `wait_for_turn` once before its work, or ends.
    turn_s : float
        Length of a turn, in seconds.

    Returns
    -------
    list of Ended
        One for each child. What a child does before it first stops is no turn.
    """
    codes: dict[int, int] = {}
    turns: dict[int, list[Turn]] = {pid: [] for pid in pids}
    for pid in pids:
        note_end(pid, codes)
    while len(codes) < len(pids):
        for pid in [pid for pid in pids if pid not in codes]:
            resumed = time.perf_counter()
            os.kill(pid, signal.SIGCONT)
            time.sleep(turn_s)
            os.kill(pid, signal.SIGSTOP)
            note_end(pid, codes)
            turns[pid].append(Turn(resumed, time.perf_counter()))
    return [Ended(codes[pid], turns[pid]) for pid in pids]


def note_end(pid: int, codes: dict[int, int]) -> None:
    """Wait until a child has stopped or ended, and keep its exit code in the latter case."""
    _, status = os.waitpid(pid, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        codes[pid] = os.waitstatus_to_exitcode(status)


def seconds_within(turns: Iterable[Turn], began: float, ended: float) -> float:
    """Add up the parts of turns that lie within a span.

    Examples
    --------
    >>> seconds_within([Turn(0.0, 1.0), Turn(4.0, 5.0), Turn(8.0, 9.0)], 0.5, 8.25)
    1.75
    """
    return sum(max(0.0, min(turn.stopped, ended) - max(turn.resumed, began)) for turn in turns)
