"""Which dates does a part of the budget stand for?"""

from dataclasses import dataclass

import numpy as np

from rustybt.errors import InvalidParameter

KINDS = ("blocks", "prefix")


@dataclass(frozen=True)
class Fidelity:
    """How a search that tries params on less than the whole span divides it.

    The span is cut into blocks of almost equal length. With "blocks" a budget of k is the first k blocks in one
    shuffled order, the same for every trial, so that two trials of one budget are compared on the same days. With
    "prefix" it is the first k blocks in time, one backtest that is broken off: cheaper to set up, and confounded with
    what the market did in those years. The whole budget is always one backtest of the whole span.

    Parameters
    ----------
    blocks : int
        How many there are: the largest budget.
    kind : {"blocks", "prefix"}
        In which order they are used.
    seed : int
        Of the shuffled order.

    Raises
    ------
    InvalidParameter
        If the number is below 2 or the kind is unknown.

    Examples
    --------
    >>> Fidelity(4, "prefix").spans(0, 99, 2)
    ((0, 49),)
    >>> Fidelity(4, "blocks", seed=1).spans(0, 99, 2)
    ((0, 49),)
    >>> Fidelity(4).spans(0, 99, 4)
    ((0, 99),)
    """

    blocks: int
    kind: str = "blocks"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.blocks < 2:
            raise InvalidParameter(f"blocks {self.blocks} is below 2: a budget needs something to be a part of")
        if self.kind not in KINDS:
            raise InvalidParameter(f"budget {self.kind!r} is neither 'blocks' nor 'prefix'")

    def spans(self, first: int, last: int, budget: int) -> tuple[tuple[int, int], ...]:
        """Give the session rows that a budget stands for.

        Parameters
        ----------
        first, last : int
            Session rows of the whole span, both included.
        budget : int
            From 1 to `blocks`.

        Returns
        -------
        tuple of (int, int)
            First and last row of each run, in time; neighbouring blocks are one run.

        Raises
        ------
        InvalidParameter
            If the span has fewer sessions than there are blocks.
        """
        sessions = last - first + 1
        if sessions < self.blocks:
            raise InvalidParameter(
                f"blocks {self.blocks} is above the {sessions} sessions of the span: take fewer, or a longer span"
            )
        edges = [first + sessions * block // self.blocks for block in range(self.blocks + 1)]
        order = range(self.blocks) if self.kind == "prefix" else self._shuffled()
        runs: list[tuple[int, int]] = []
        for block in sorted(order[:budget]):
            begin, end = edges[block], edges[block + 1] - 1
            if runs and runs[-1][1] == begin - 1:
                begin = runs.pop()[0]
            runs.append((begin, end))
        return tuple(runs)

    def _shuffled(self) -> list[int]:
        order: list[int] = np.random.default_rng(np.random.SeedSequence(self.seed)).permutation(self.blocks).tolist()
        return order
