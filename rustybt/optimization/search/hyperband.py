"""Which configuration runs next, on which part of the budget?

Hyperband (Li et al., JMLR 2018, algorithm 1): brackets of successive halving, from many configurations on the least
budget to few on the whole. A rung is promoted from when all its results are known; as long as it waits, runs come from
the bracket after it, so that nothing idles.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import chain
from typing import NamedTuple, TypeAlias

from rustybt.optimization.search.base import Feedback

Key: TypeAlias = Hashable
"""Tells configurations apart."""
Rank: TypeAlias = tuple[bool, float, float]
"""The lower the better."""


class Rung(NamedTuple):
    """A step of a bracket.

    Attributes
    ----------
    budget : int
        Blocks that each of its configurations is run on.
    size : int
        How many configurations.
    """

    budget: int
    size: int


class Run(NamedTuple):
    """What is to be run: a configuration and a number of blocks."""

    key: Key
    budget: int


def brackets_of(blocks: int, eta: int) -> tuple[tuple[Rung, ...], ...]:
    """Give Hyperband's table of brackets.

    Parameters
    ----------
    blocks : int
        The whole budget, R of the paper; 1 or more.
    eta : int
        One in eta configurations is promoted, to eta times the budget; 2 or more.

    Returns
    -------
    tuple of tuple of Rung
        The bracket that starts on the least budget first. Bracket s starts with n = ceil((s_max + 1) eta^s / (s + 1));
        its rung i holds floor(n / eta^i) configurations on floor(R eta^(i - s)) blocks.

    Examples
    --------
    >>> [bracket[0].size for bracket in brackets_of(27, 3)]
    [27, 12, 6, 4]
    >>> [tuple(rung) for rung in brackets_of(27, 3)[1]]
    [(3, 12), (9, 4), (27, 1)]
    """
    s_max = 0
    while eta ** (s_max + 1) <= blocks:
        s_max += 1
    table = []
    for s in range(s_max, -1, -1):
        size = -(-(s_max + 1) * eta**s // (s + 1))
        table.append(tuple(Rung(blocks * eta**i // eta**s, size // eta**i) for i in range(s + 1)))
    return tuple(table)


def rank_of(feedback: Feedback) -> Rank:
    """Give what a rung is sorted by.

    Parameters
    ----------
    feedback : Feedback
        Its first loss counts.

    Returns
    -------
    tuple of (bool, float, float)
        What meets all constraints by its loss, then what does not by how far it misses them (NaN: infinitely far),
        then what has no loss.

    Examples
    --------
    >>> rank_of(Feedback((2.0,), (0.0,))) < rank_of(Feedback((1.0,), (0.5,))) < rank_of(Feedback((float("nan"),)))
    True
    """
    missed = sum(math.inf if math.isnan(v) else max(v, 0.0) for v in feedback.violations)
    return (False, missed, feedback.losses[0]) if feedback.has_losses else (True, missed, 0.0)


class Hyperband:
    """Hands out runs, and promotes what did best.

    Parameters
    ----------
    blocks : int
        The whole budget.
    eta : int
        One in eta configurations is promoted, to eta times the budget.
    iterations : int, optional
        How often the table of brackets is gone through.
    """

    def __init__(self, blocks: int, eta: int, iterations: int = 1) -> None:
        self.table = brackets_of(blocks, eta)
        self._coming = deque(Bracket(rungs, eta) for _ in range(iterations) for rungs in self.table)
        self._open: list[Bracket] = []
        self._ranks: dict[Run, Rank] = {}

    @property
    def lowest(self) -> int:
        """The least budget."""
        return self.table[0][0].budget

    @property
    def runs(self) -> int:
        """Runs of one iteration."""
        return sum(rung.size for bracket in self.table for rung in bracket)

    @property
    def cost(self) -> int:
        """Blocks of one iteration."""
        return sum(rung.size * rung.budget for bracket in self.table for rung in bracket)

    def learn(self, run: Run, feedback: Feedback) -> None:
        """Take what came of a run: of one that was handed out, or of another, which is then not handed out."""
        self._ranks[run] = rank_of(feedback)

    def next(self, draw: Callable[[int], Key | None]) -> Run | None:
        """Give the next run.

        Parameters
        ----------
        draw : callable
            Takes the budget that a bracket starts on and gives a configuration that no bracket had before; None where
            there is none, now and later.

        Returns
        -------
        Run or None
            None: not before another result, or, where all are known, at the end.
        """
        for bracket in chain(tuple(self._open), self._opening()):
            run = bracket.next(draw, self._ranks)
            if bracket.is_done:
                self._open.remove(bracket)
            if run is not None:
                return run
        return None

    def _opening(self) -> Iterable[Bracket]:
        """Open the brackets to come one after the other, as far as they are asked for."""
        while self._coming:
            self._open.append(self._coming.popleft())
            yield self._open[-1]


class Bracket:
    """One run of successive halving.

    Parameters
    ----------
    rungs : sequence of Rung
        From the least budget up.
    eta : int
        One in eta is promoted, and one at least: a bracket that found too few configurations still comes to its end.
    """

    def __init__(self, rungs: Iterable[Rung], eta: int) -> None:
        (self._budget, self._places), *_ = self._rungs = deque(rungs)
        self._eta = eta
        self._members: list[Key] = []
        self._queue: deque[Key] = deque()
        self.is_done = False

    def next(self, draw: Callable[[int], Key | None], ranks: Mapping[Run, Rank]) -> Run | None:
        """Give its next run that has no result yet; None where it waits or is done."""
        while not self.is_done:
            self._fill(draw)
            while self._queue:
                run = Run(self._queue.popleft(), self._budget)
                if run not in ranks:
                    return run
            if self._places:
                continue
            if not all(Run(key, self._budget) in ranks for key in self._members):
                return None
            self._promote(ranks)
        return None

    def _fill(self, draw: Callable[[int], Key | None]) -> None:
        """Take one configuration into the first rung where it has places and nothing else is to be run."""
        if self._queue or not self._places:
            return
        key = draw(self._budget)
        self._places = 0 if key is None else self._places - 1
        if key is not None:
            self._members.append(key)
            self._queue.append(key)

    def _promote(self, ranks: Mapping[Run, Rank]) -> None:
        """Go on to the next rung with the best of this one; ties stay in the order in which they were handed out."""
        self._rungs.popleft()
        if not self._rungs or not self._members:
            self.is_done = True
            return
        ranked = sorted(self._members, key=lambda key: ranks[Run(key, self._budget)])
        self._members = ranked[: max(1, len(ranked) // self._eta)]
        self._queue.extend(self._members)
        self._budget = self._rungs[0].budget
