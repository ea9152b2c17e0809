"""How much does an audit run? A strategy of `strategies`, over a grid or through the windows of a walk-forward."""

import math
from typing import Final, NamedTuple

from rustybt.data.bundles import load
from rustybt.data.portal import portal_of

CROSSOVER: Final = "crossover"
FOREST: Final = "forest"

LEAST: Final = {CROSSOVER: {"fast": 5, "slow": 30}, FOREST: {"least": 0, "gross": 50}}
"""By workload: its parameters, and where their ranges begin."""


class Scale(NamedTuple):
    """How much is run.

    Attributes
    ----------
    bundle, start, end : str
        The data, and the days of the whole.
    assets : int
        How many are traded, the first by sid.
    backtests : int
        Of a grid; of each window where there are some.
    windows : int
        0 for a grid.
    workload : str
        "crossover" or "forest", see `strategies`.
    """

    bundle: str
    start: str
    end: str
    assets: int
    backtests: int
    windows: int = 0
    workload: str = CROSSOVER

    @property
    def total(self) -> int:
        """All backtests."""
        return self.windows * (self.backtests + 1) if self.windows else self.backtests


class Spans(NamedTuple):
    """Sessions of each window's parts: those that a search sees, and those that its best parameters meet next."""

    in_sample: int
    out_of_sample: int


def spans_of(sessions: int, windows: int) -> Spans:
    """Divide sessions so that so many windows fit, with three parts in sample for one out of sample.

    Examples
    --------
    >>> spans_of(250, 5)
    Spans(in_sample=95, out_of_sample=31)
    """
    out_of_sample = sessions // (windows + 3)
    return Spans(sessions - windows * out_of_sample, out_of_sample)


def session_count(scale: Scale) -> int:
    """Count the sessions of a scale."""
    labels = portal_of(load(scale.bundle)).sessions
    return int(((labels >= scale.start) & (labels <= scale.end)).sum())


def factors_of(count: int) -> tuple[int, int]:
    """Divide a number of combinations over two parameters, as evenly as it goes.

    Examples
    --------
    >>> factors_of(400), factors_of(25), factors_of(10), factors_of(7)
    ((20, 20), (5, 5), (2, 5), (1, 7))
    """
    small = next(size for size in range(math.isqrt(count), 0, -1) if count % size == 0)
    return small, count // small


def combinations(scale: Scale) -> list[dict[str, int]]:
    """Give the parameters of every backtest, in the order of a grid search."""
    (first, at_first), (second, at_second) = LEAST[scale.workload].items()
    counts = factors_of(scale.backtests)
    return [{first: at_first + i, second: at_second + j} for i in range(counts[0]) for j in range(counts[1])]
