"""How do the sides of a gate take turns? One process a side, each of which waits for its turn before every run.

What one turn holds is a fraction of a second apart, so that the sides share the state of the machine, which changes by
tens of percent within minutes where others use it too. What a process brings of its own (where its memory lies) differs
from round to round, as each starts new ones.
"""

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple

from scripts.benchmarks.gate_cases import CASES, GO, READY
from scripts.benchmarks.gate_verdict import Seconds

SCRIPT: Final = Path(__file__).with_name("gate_cases.py")
TIMEOUT_S: Final = 120


class Side(NamedTuple):
    """What is timed.

    Attributes
    ----------
    tree : Path
        A checkout.
    root : Path
        The folder of its data; an empty one gets the sample.
    """

    tree: Path
    root: Path


class Session:
    """The process of one side.

    Parameters
    ----------
    side : Side
        What is timed.
    counts : mapping of str to int
        Turns by case.
    output : file
        Takes what is printed.
    stack : ExitStack
        Ends the process, and closes its connection.
    """

    def __init__(self, side: Side, counts: Mapping[str, int], output: IO[str], stack: ExitStack) -> None:
        self.side = side
        self.output = output
        self.connection, theirs = (stack.enter_context(end) for end in socket.socketpair())
        self.connection.settimeout(TIMEOUT_S)
        paths = filter(None, [str(side.tree), os.environ.get("PYTHONPATH")])
        others = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}  # of a run around
        own = {"PYTHONPATH": os.pathsep.join(paths), "RUSTYBT_ROOT": str(side.root)}
        self.process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-P", str(SCRIPT), str(theirs.fileno()), json.dumps(dict(counts))],
                env={**others, **own, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                cwd=side.tree,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
            )
        )
        stack.callback(self.process.kill)
        theirs.close()

    def go(self) -> None:
        """Let it run once."""
        self.connection.sendall(GO)

    def await_ready(self) -> None:
        """Wait until it is ready for its next run."""
        try:
            if self.connection.recv(1) == READY:
                return
        except TimeoutError:
            raise self.failure(f"did nothing for {TIMEOUT_S} s") from None
        self.await_end()
        raise self.failure("ended before its last turn")

    def await_end(self) -> None:
        """Wait until it has ended."""
        try:
            code = self.process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise self.failure(f"did not end within {TIMEOUT_S} s") from None
        if code:
            raise self.failure(f"ended with exit code {code}")

    def failure(self, how: str) -> RuntimeError:
        """Make the error that says how it failed, and the last that it printed."""
        return RuntimeError(f"the process that times {self.side.tree} {how}:\n{self.printed()[-6000:]}")

    def seconds(self) -> dict[str, float]:
        """Give the seconds by case, after its end."""
        return json.loads(self.printed().splitlines()[-1])  # type: ignore[no-any-return]

    def printed(self) -> str:
        """Give all that it has printed."""
        self.output.seek(0)
        return self.output.read()


@contextmanager
def sessions_of(sides: Mapping[str, Side], counts: Mapping[str, int]) -> Iterator[dict[str, Session]]:
    """Start the processes of all sides, and end them."""
    with ExitStack() as stack:
        outputs = {name: stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")) for name in sides}
        yield {name: Session(side, counts, outputs[name], stack) for name, side in sides.items()}


def run_round(
    sides: Mapping[str, Side], counts: Mapping[str, int], chance: random.Random
) -> dict[str, dict[str, float]]:
    """Let the sides take turns, in an order that is drawn anew for each turn.

    Parameters
    ----------
    sides : mapping of str to Side
        By name.
    counts : mapping of str to int
        Turns by case.
    chance : random.Random
        Draws the orders.

    Returns
    -------
    dict of str to dict of str to float
        By side and case, the median seconds.

    Raises
    ------
    RuntimeError
        If a process ends early, or does nothing for too long.
    """
    turns = sum(count + CASES[name].warm_ups for name, count in counts.items())
    with sessions_of(sides, counts) as sessions:
        for session in sessions.values():
            session.await_ready()
        for turn in range(turns):
            for session in chance.sample(list(sessions.values()), len(sessions)):
                session.go()
                if turn < turns - 1:
                    session.await_ready()
                else:
                    session.await_end()
        return {name: session.seconds() for name, session in sessions.items()}


def run_rounds(
    names: Sequence[str], rounds: int, sides: Mapping[str, Side], chance: random.Random
) -> dict[str, Seconds]:
    """Run some rounds, and give the seconds by case and side."""
    counts = {name: CASES[name].turns for name in names}
    seconds: dict[str, Seconds] = {name: {side: [] for side in sides} for name in names}
    for _ in range(rounds):
        for side, taken in run_round(sides, counts, chance).items():
            for name in names:
                seconds[name][side].append(taken[name])
    return seconds
