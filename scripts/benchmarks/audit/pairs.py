"""How are the sides of an audit run? In pairs, in random order within each, and with what they found compared first.

A side's process answers with the seconds that its work took and a digest of its results. Sides that give different
results are no optimizations of one another: then there is nothing to time.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias


class Measured(NamedTuple):
    """One run of a side: the seconds of its work, a digest of what it found, and what else it says.

    A digest of None is that of a side whose results are held against others elsewhere.
    """

    seconds: float
    digest: str | None
    notes: dict[str, object]


class UnequalResults(Exception):
    """Two sides of an audit found different results."""


Side: TypeAlias = Callable[[], Measured]
Round: TypeAlias = Callable[[Sequence[str]], Iterable[Measured]]
"""Runs sides, named in their order, and gives what was measured in that order."""


def one_by_one(sides: Mapping[str, Side]) -> Round:
    """Let sides run one after the other."""
    return lambda names: (sides[name]() for name in names)


def median_of(found: Sequence[Measured]) -> Measured:
    """Give the run of the median time among some of one side.

    Raises
    ------
    UnequalResults
        If its results differ.
    """
    if len({one.digest for one in found}) > 1:
        raise UnequalResults(f"the results of one side differ: {[one.digest for one in found]}")
    return sorted(found, key=lambda one: one.seconds)[len(found) // 2]


def run_pairs(
    sides: Mapping[str, Side],
    count: int,
    seed: int = 0,
    told: Callable[[str], None] | None = None,
    run_round: Round | None = None,
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
    run_round : callable of (sequence of str), optional
        Runs the sides of a round instead: `sides` then only names them.

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
    run_round, digests = run_round or one_by_one(sides), dict[str, str]()
    for turn in range(count + 1):
        names = chance.sample(list(sides), len(sides))
        if told is not None:
            told(f"{', then '.join(names)}: {'warm-up' if turn == 0 else f'{turn} of {count}'}")
        for name, measured in zip(names, run_round(names), strict=True):
            if measured.digest is not None:
                digests[name] = measured.digest
            if len(set(digests.values())) > 1:
                raise UnequalResults(f"the results differ: {digests}")
            if turn:
                found[name].append(measured)
    return found
