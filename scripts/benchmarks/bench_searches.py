"""Do the searches that learn find more in 100 trials than chance does?

usage: python -m scripts.benchmarks.bench_searches [--seeds N] [--trials N] [--lookahead N]

BayesianSearch and CMAESSearch against RandomSearch on four functions, seed by seed, with a one-sided Wilcoxon
signed-rank test on the true value of the point that looked best. The criterion for each is p < 0.01 on three of the
four. The exit code is 0 only where both meet it. DirectSearch beside SciPy's differential evolution is told, and not
judged.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.stats import wilcoxon

from rustybt.optimization.search import BayesianSearch, CMAESSearch, RandomSearch, Search
from scripts.benchmarks.search_cases import CASES, Case, best_of, best_of_evolution

LARGEST_P = 0.01
MIN_MET = 3
Make = Callable[[int], Search]


class Comparison(NamedTuple):
    """One algorithm against another on one function, over seeds.

    Attributes
    ----------
    name, other : str
        Who is compared with whom.
    case : str
        The function.
    median, other_median : float
        Of the best values; the lower, the better.
    p : float
        Of finding these values by chance, were the first not better than the other; 1 where they are all the same.
    """

    name: str
    other: str
    case: str
    median: float
    other_median: float
    p: float

    @property
    def is_met(self) -> bool:
        """Whether the first is clearly better."""
        return self.p < LARGEST_P


def compare(case: Case, name: str, values: Sequence[float], other: str, others: Sequence[float]) -> Comparison:
    """Compare best values of the same seeds."""
    differences = np.subtract(values, others)
    p = float(wilcoxon(differences, alternative="less").pvalue) if differences.any() else 1.0
    return Comparison(name, other, case.name, float(np.median(values)), float(np.median(others)), p)


def bests_of(make: Make, case: Case, seeds: int, trials: int) -> list[float]:
    """Run a search once a seed."""
    return [best_of(make(seed), case, seed, trials) for seed in range(seeds)]


def against_chance(case: Case, seeds: int, trials: int, lookahead: int) -> list[Comparison]:
    """Compare the searches that learn with RandomSearch."""
    searches: dict[str, Make] = {
        "BayesianSearch": partial(BayesianSearch, trials, lookahead=lookahead),
        "CMAESSearch": partial(CMAESSearch, trials),
    }
    chance = bests_of(partial(RandomSearch, trials), case, seeds, trials)
    return [
        compare(case, name, bests_of(make, case, seeds, trials), "RandomSearch", chance)
        for name, make in searches.items()
    ]


def against_evolution(case: Case, seeds: int, trials: int) -> Comparison:
    """Compare DirectSearch, which draws nothing at random, with SciPy's differential evolution."""
    from rustybt.optimization.search import DirectSearch

    runs = seeds if case.noise else 1
    direct = bests_of(lambda seed: DirectSearch(trials), case, runs, trials)
    evolution = [best_of_evolution(case, seed, trials) for seed in range(seeds)]
    return compare(case, "DirectSearch", direct * (seeds // runs), "differential_evolution", evolution)


def line_of(comparison: Comparison) -> str:
    """Give a line of the table."""
    return (
        f"{comparison.name:<15} {comparison.case:<12} {comparison.median:>10.4g} "
        f"{comparison.other:>23} {comparison.other_median:>10.4g} {comparison.p:>9.1e}"
    )


def unmet(comparisons: Sequence[Comparison]) -> list[str]:
    """Give the searches that do not meet the criterion."""
    counts = {comparison.name: 0 for comparison in comparisons}
    for comparison in comparisons:
        counts[comparison.name] += comparison.is_met
    return [name for name, count in counts.items() if count < MIN_MET]


def main(given: Sequence[str] | None = None) -> int:
    """Run all comparisons and print them as they are done.

    Parameters
    ----------
    given : sequence of str, optional
        The command line.

    Returns
    -------
    int
        0 where both searches meet the criterion.
    """
    parser = argparse.ArgumentParser(prog="bench_searches", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=30, help="runs of each search on each function; 7 at least")
    parser.add_argument("--trials", type=int, default=100, help="evaluations a run")
    parser.add_argument("--lookahead", type=int, default=8, help="of BayesianSearch: how many are under way at once")
    options = parser.parse_args(given)
    if options.seeds < 7:
        parser.error(f"--seeds {options.seeds}: fewer than 7 cannot give p < {LARGEST_P}")
    print(f"{'search':<15} {'function':<12} {'median':>10} {'against':>23} {'median':>10} {'p':>9}")
    judged: list[Comparison] = []
    for case in CASES:
        comparisons = against_chance(case, options.seeds, options.trials, options.lookahead)
        judged += comparisons
        for comparison in (*comparisons, against_evolution(case, options.seeds, options.trials)):
            print(line_of(comparison), flush=True)
    missed = unmet(judged)
    verdict = f"missed by {', '.join(missed)}" if missed else "met"
    print(f"criterion, p < {LARGEST_P} against RandomSearch on {MIN_MET} of {len(CASES)} functions: {verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
