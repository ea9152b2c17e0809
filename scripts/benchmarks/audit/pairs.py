"""How are the sides of an audit run? In pairs, in random order within each, and with what they found compared first.

A side's process answers with the seconds that its work took and a digest of its results. Sides that give different
results are no optimizations of one another: then there is nothing to time.
"""

import random
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Measured(NamedTuple):
    """One run of a side: the seconds of its work, a digest of what it found, and what else it says.

    A digest of None is that of a side whose results are held against others elsewhere.
    """

    seconds: float
    digest: str | None
    notes: dict[str, object]


class UnequalResults(Exception):
    """Two sides of an audit found different results."""


def fastest_of(times: int, run: Callable[[], Measured]) -> Callable[[], Measured]:
    """Give a side that runs so often, each time in a fresh process, and says the shortest time.

    Raises
    ------
    UnequalResults
        When it runs, if its own results differ.
    """

    def repeated() -> Measured:
        found = [run() for _ in range(times)]
        if len({one.digest for one in found}) > 1:
            raise UnequalResults(f"the results of one side differ: {[one.digest for one in found]}")
        return min(found, key=lambda one: one.seconds)

    return repeated


def run_pairs(
    sides: Mapping[str, Callable[[], Measured]],
    count: int,
    seed: int = 0,
    told: Callable[[str], None] | None = None,
) -> dict[str, list[Measured]]:
    """Run every side once a round, in an order that is drawn anew for each round.

    Parameters
    ----------
    sides : mapping of str to callable
        Each runs its side once.
    count : int
        Rounds. One more comes before them and does not count: files that nobody has read, kernels to be compiled.
    seed : int
        Of the order.
    told : callable of (str), optional
        Hears of each run before it.

    Returns
    -------
    dict of str to list of Measured
        One a round, in the order of the rounds.

    Raises
    ------
    UnequalResults
        If a side's digest is not that of the others.
    """
    chance, found = random.Random(seed), {name: [] for name in sides}
    digests: dict[str, str] = {}
    for turn in range(count + 1):
        for name in chance.sample(list(sides), len(sides)):
            if told is not None:
                told(f"{name}, {'warm-up' if turn == 0 else f'{turn} of {count}'}")
            measured = sides[name]()
            if measured.digest is not None:
                digests[name] = measured.digest
            if len(set(digests.values())) > 1:
                raise UnequalResults(f"the results differ: {digests}")
            if turn:
                found[name].append(measured)
    return found
