"""How much of random search's budget does BOHB need to find what random search found?

usage: python -m scripts.benchmarks.bench_bohb [--seeds N] [--trials N]

Losses are synthetic, so that what a part of the budget says of the whole is known: a function of the params, plus what
each block adds, which is smooth over the params in one half and noise of its own for each in the other. A budget's loss
is the mean over its blocks; over all blocks what they add is zero, so that the whole budget's loss is the function's.
BOHB is given a third of random search's blocks, the check of 50 combinations included; with fewer than 160 trials of
random search the check alone costs more than that. With 300 it costs half of it, and the case with a choice is missed.

The criterion of each case is that the median seed reaches random search's final loss within that third; in the last
case, where parts say nothing of the whole, that the median seed refuses to prune. The exit code is 0 only where all are
met.
"""

import argparse
import math
import sys
import zlib
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from rustybt.optimization.parameter_space import Categorical, Float, Integer, ParameterSpace
from rustybt.optimization.schedule import Schedule
from rustybt.optimization.search import BOHBSearch, RandomSearch, Search
from rustybt.optimization.search.base import Feedback
from rustybt.optimization.search.hyperband import Hyperband

BLOCKS = 27
TARGET = 1 / 3

Params = dict[str, Any]


class Case(NamedTuple):
    """A space, the loss of params without noise, and how much a single block adds to it.

    Attributes
    ----------
    name : str
        In the report.
    space : ParameterSpace
        What is searched.
    smooth : callable
        Takes params; gives the loss over the whole budget.
    drift, noise : float
        Standard deviations of what a block adds: smoothly over the params, and independently for each.
    """

    name: str
    space: ParameterSpace
    smooth: Callable[[Params], float]
    drift: float = 0.4
    noise: float = 0.4

    @property
    def is_informative(self) -> bool:
        """Whether a part of the budget says anything of the whole."""
        return self.noise < 10


def crossover(p: Params) -> float:
    """Give a valley along a ratio of two windows, as crossovers have."""
    ratio = math.log(p["slow"] / p["fast"])
    return (ratio - 1.4) ** 2 + 0.5 * math.log(p["fast"] / 14) ** 2 + 4.0 * (p["band"] - 0.02) ** 2 * 100


def bowl(p: Params) -> float:
    """Give a bowl in four dimensions."""
    return sum((p[name] - best) ** 2 for name, best in zip("abcd", (0.2, -0.5, 0.6, 0.1), strict=True))


def mixed(p: Params) -> float:
    """Give a bowl whose place depends on a choice, in five numbers."""
    shift = {"ema": 0.0, "sma": 0.3, "wma": -0.3}[p["kind"]]
    penalty = {"ema": 0.0, "sma": 0.4, "wma": 0.2}[p["kind"]]
    window = math.log(p["window"] / 30)
    return penalty + 0.6 * window**2 + sum((p[name] - shift) ** 2 for name in "abc") + 2 * abs(p["stop"] - 0.1)


UNIT = Float(-1.0, 1.0)
CASES = (
    Case(
        "crossover, 3 numbers",
        ParameterSpace({"fast": Integer(2, 60), "slow": Integer(10, 250), "band": Float(0.0, 0.1)}),
        crossover,
    ),
    Case("bowl, 4 numbers", ParameterSpace(dict.fromkeys("abcd", UNIT)), bowl),
    Case(
        "mixed, 5 numbers and a choice",
        ParameterSpace(
            {
                "kind": Categorical(["sma", "ema", "wma"]),
                "window": Integer(2, 200),
                **dict.fromkeys("abc", UNIT),
                "stop": Float(0.01, 0.5),
            }
        ),
        mixed,
    ),
    Case("nothing but noise, 4 numbers", ParameterSpace(dict.fromkeys("abcd", UNIT)), bowl, drift=0.0, noise=100.0),
)


class Losses:
    """What a case's params lose on a budget, the same whenever it is asked.

    Parameters
    ----------
    case : Case
        The function.
    seed : int
        Of drift and noise.
    """

    def __init__(self, case: Case, seed: int) -> None:
        self.case, self.seed = case, seed
        draw = np.random.default_rng((seed, 1))
        width = len(case.space.names)
        self._slopes = draw.normal(0.0, case.drift, (BLOCKS, width))
        self._phases = draw.uniform(0.0, 2 * math.pi, (BLOCKS, width))

    def __call__(self, params: Params, budget: int | None) -> float:
        """Give the mean over the first blocks of a budget; None for all."""
        blocks = budget or BLOCKS
        key = self.case.space.encode(params)
        units = np.array([zlib.crc32(repr(k).encode()) / 2**32 if isinstance(k, str) else float(k) for k in key])
        drift = np.sum(self._slopes * np.sin(units / (1 + abs(units)) * 3 + self._phases), axis=1) / math.sqrt(len(key))
        noise = np.random.default_rng((self.seed, zlib.crc32(repr(key).encode()))).normal(0.0, self.case.noise, BLOCKS)
        added = drift + noise
        return self.case.smooth(params) + float(np.mean((added - np.mean(added))[:blocks]))


class Course(NamedTuple):
    """How a search went: blocks spent, and the best loss over the whole budget, after each of its trials."""

    blocks: list[int]
    best: list[float]
    notes: list[str]

    def blocks_to(self, loss: float) -> float:
        """Give the blocks spent until a loss was reached; infinity where it never was."""
        return next((float(b) for b, best in zip(self.blocks, self.best, strict=True) if best <= loss), math.inf)


def follow(search: Search, losses: Losses) -> Course:
    """Run a search to its end, one trial at a time."""
    schedule = Schedule(search.begin(losses.case.space))
    course = Course([], [], schedule.proposals.notes)
    spent, best = 0, math.inf
    while taken := schedule.take(1):
        for number, (params, budget) in taken:
            loss = losses(params, budget)
            schedule.hear(number, Feedback((loss,)))
            spent += budget or BLOCKS
            best = min(best, loss) if budget is None else best
            course.blocks.append(spent)
            course.best.append(best)
    return course


class Comparison(NamedTuple):
    """BOHB against random search on one case and seed.

    Attributes
    ----------
    needed, spent : float
        Blocks until it reached random search's final loss, and all of its blocks, as shares of random search's.
    note : str
        What the check came to.
    """

    needed: float
    spent: float
    note: str

    @property
    def prunes(self) -> bool:
        """Whether the check let it prune."""
        return self.note.endswith(": prunes")


def compare(case: Case, seed: int, trials: int) -> Comparison:
    """Run both searches on the same losses."""
    losses = Losses(case, seed)
    random = follow(RandomSearch(trials=trials, seed=seed), losses)
    whole = random.blocks[-1]
    search = BOHBSearch(blocks=BLOCKS, seed=seed)
    left = whole * TARGET - search.check * (BLOCKS + 1)
    search.iterations = max(1, int(left // Hyperband(BLOCKS, search.eta).cost))
    bohb = follow(search, losses)
    return Comparison(bohb.blocks_to(random.best[-1]) / whole, bohb.blocks[-1] / whole, bohb.notes[0])


def told(case: Case, found: Sequence[Comparison]) -> tuple[str, bool]:
    """Give a line on one case, and whether it is met."""
    prunes = sum(comparison.prunes for comparison in found) / len(found)
    if not case.is_informative:
        return f"{case.name}: refuses to prune in {1 - prunes:.0%} of {len(found)} seeds", prunes < 0.5
    shares = [comparison.needed for comparison in found]
    reached = sum(share <= TARGET for share in shares) / len(shares)
    text = (
        f"{case.name}: median share {median(shares):.3f} of random search's blocks; {reached:.0%} of {len(shares)} "
        f"seeds reach its loss within {TARGET:.3f}; spends {median(c.spent for c in found):.3f}; prunes in {prunes:.0%}"
    )
    return text, median(shares) <= TARGET


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--trials", type=int, default=600, help="of random search, each over the whole budget")
    options = parser.parse_args(arguments)
    fails = 0
    for case in CASES:
        text, is_met = told(case, [compare(case, seed, options.trials) for seed in range(options.seeds)])
        print(f"{'met' if is_met else 'MISSED'}  {text}", flush=True)
        fails += not is_met
    return 1 if fails else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
