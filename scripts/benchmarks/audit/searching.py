"""How good is the best that a search finds, and how long does it take? BOHB and random search on real backtests."""

import math
from collections.abc import Callable
from typing import Any, Final

from rustybt import Optimizer
from rustybt.optimization import BOHBSearch, Integer, RandomSearch
from rustybt.optimization.search import Search
from rustybt.optimization.search.hyperband import Hyperband
from scripts.benchmarks.audit.strategies import Crossover
from scripts.benchmarks.audit.workload import Scale

RANDOM, BOHB = "random search", "BOHB"
BLOCKS: Final = 27
SHARE: Final = 1 / 3
"""Of random search's blocks, what BOHB may spend, its check included."""


def wide_crossover(scale: Scale) -> type[Crossover]:
    """Give the crossover with ranges that no search goes through whole."""
    return type("Crossover", (Crossover,), {"fast": Integer(2, 60), "slow": Integer(61, 250), "count": scale.assets})


def search_of(name: str, trials: int, seed: int) -> Search:
    """Give a search that spends as much as it may.

    Parameters
    ----------
    name : {"random search", "BOHB"}
        Which.
    trials : int
        Of random search.
    seed : int
        Of its draws.

    Returns
    -------
    Search
    """
    if name == RANDOM:
        return RandomSearch(trials, seed=seed)
    search = BOHBSearch(blocks=BLOCKS, seed=seed)
    left = trials * BLOCKS * SHARE - search.check * (BLOCKS + 1)
    search.iterations = max(1, int(left // Hyperband(BLOCKS, search.eta).cost))
    return search


def search_work(scale: Scale, request: dict[str, Any]) -> Callable[[], tuple[list[Any], dict[str, Any]]]:
    """Give one search; its result is the best score of a whole backtest, its notes what it did."""
    search = search_of(request["search"], scale.backtests, request["seed"])

    def work() -> tuple[list[Any], dict[str, Any]]:
        result = Optimizer(
            wide_crossover(scale),
            bundle=scale.bundle,
            start=scale.start,
            end=scale.end,
            search=search,
            objective="sharpe",
            num_workers=request["workers"],
            result_cache=False,
            progress=False,
        ).run()
        score = result.best.score
        notes = {"score": math.nan if score is None else score, "trials": len(result.trials)}
        return [score], {**notes, "said": list(result.info.notes), "search_seconds": result.info.search_seconds}

    return work
