"""Does the optimizer bear load? Each part ends by itself, checks its own results, and says what it took.

usage: python -m scripts.benchmarks.stress [--quick] [--only PART ...]

The exit code is 1 where a part finds something wrong.

strategies   100 different strategies on one pool
wide         a bundle of 2,000 assets, all of whose windows are asked for
caches       caches of small limits under far more than fits
memory       20,000 backtests in one pool: memory flat, and nothing left behind
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from rustybt import Optimizer, Strategy
from rustybt.data.bundles import ingest
from rustybt.data.history_cache import shared_history
from rustybt.optimization import GridSearch, Integer, PersistentWorkerPool, ResultCache, run_many
from scripts.benchmarks.optimizer.memory import ingest_large
from scripts.benchmarks.stress_failed import StressFailed, require
from scripts.benchmarks.stress_traces import Growth, Surroundings, growth_of, held_by

SPAN: Final = {"bundle": "mag-7", "start": "2023-01-03", "end": "2023-03-31"}
WORKERS: Final = 2
MOST_BYTES_A_BACKTEST: Final = 1024
WARM_UP: Final = 1000
MOST_ENTRIES, MOST_BYTES = 10, 200_000
"""The limits of caches under load."""


class Turns(Strategy):
    """Buys and sells by a window's mean."""

    days = Integer(2, 21)
    stock = "AAPL"

    def initialize(self, context: Any) -> None:
        """Choose the stock."""
        context.chosen = context.symbol(self.stock)

    def handle_data(self, context: Any, data: Any) -> None:
        """Hold it above its mean."""
        prices = data.window(context.chosen, "close", self.days)
        context.order_target_percent(context.chosen, 1.0 if prices[-1] > prices.mean() else 0.0)


class Wide(Strategy):
    """Asks for windows of every asset."""

    days = Integer(5, 8)

    def handle_data(self, context: Any, data: Any) -> None:
        """Look at all, buy one."""
        stocks = [context.sid(sid) for sid in context.asset_finder.sids]
        means = data.window(stocks, "close", self.days * 10).mean(axis=0)
        context.order_target_percent(stocks[int(np.nanargmax(means))], 0.5)


def strategies(quick: bool) -> str:
    """Run many strategies side by side."""
    count = 6 if quick else 100
    kinds = [type(f"Turns{n}", (Turns,), {"days": Integer(2 + n % 5, 4 + n % 5)}) for n in range(count)]
    result = run_many(kinds, num_workers=WORKERS, result_cache=False, progress=False, **SPAN)
    require(len(result.results) == count, f"{len(result.results)} results of {count} strategies")
    require(len(result.trials) == 3 * count, f"{len(result.trials)} trials of {count} strategies with 3 each")
    require_complete(result.trials)
    return f"{count} strategies, {len(result.trials)} trials, all complete"


def require_complete(trials: pd.DataFrame) -> None:
    """Fail unless every trial is complete."""
    others = trials[trials["status"] != "complete"]
    if len(others):
        first = others.iloc[0]
        raise StressFailed(f"{len(others)} of {len(trials)} trials are not complete; the first: {first.to_dict()}")


def wide(quick: bool) -> str:
    """Ask for windows of every asset of a wide bundle."""
    bundle = ingest_large(60 if quick else 2_000)
    options = {
        "start": "2023-01-03",
        "end": "2023-06-30",
        "num_workers": WORKERS,
        "result_cache": False,
        "progress": False,
    }
    result = Optimizer(Wide, bundle=bundle, **options).run()
    require_complete(result.trials)
    return f"{len(bundle.asset_finder.sids)} assets, {len(result.trials)} trials"


def caches(quick: bool) -> str:
    """Fill caches of small limits with far more than fits."""
    before = shared_history().max_memory_bytes
    shared_history().max_memory_bytes = MOST_BYTES
    try:
        cache = ResultCache(max_entries=MOST_ENTRIES)
        options = {"result_cache": cache, "progress": False, **SPAN}
        first = Optimizer(Turns, **options).run()
        second = Optimizer(Turns, **options).run()
        require_complete(first.trials)
        same = first.trials["ending_value"].equals(second.trials["ending_value"])
        require(same, "a run whose results were in part cached ended with other values")
        entries, held = cache.statistics.entries, shared_history().statistics.total_bytes
        require(entries <= MOST_ENTRIES, f"the result cache has {entries} entries, of {MOST_ENTRIES} at most")
        require(held <= MOST_BYTES, f"the history cache has {held:,} bytes, of {MOST_BYTES:,} at most")
        return f"{cache.statistics}; {shared_history().statistics}"
    finally:
        shared_history().max_memory_bytes = before


def memory(quick: bool) -> str:
    """Watch a pool's memory over many backtests, and look for what it leaves behind."""
    return watch_memory(4, 40, 0) if quick else watch_memory(100, 200, WARM_UP)


def watch_memory(runs: int, per_run: int, warm_up: int) -> str:
    """Run the same search again and again in one pool.

    Parameters
    ----------
    runs, per_run : int
        How many, and backtests in each.
    warm_up : int
        Backtests after which growth counts; 0 where it does not count.

    Returns
    -------
    str
        How much memory the driver and all of its processes took more with each backtest.

    Raises
    ------
    StressFailed
        If memory grows, a worker was replaced, or anything is left behind.
    """
    made = type("Many", (Turns,), {"days": Integer(2, 1 + per_run)})
    with PersistentWorkerPool(WORKERS) as pool:
        search_in(pool, made)  # maps what stays mapped
    before, held = Surroundings.now(), []
    with PersistentWorkerPool(WORKERS) as pool:
        for _ in range(runs):
            search_in(pool, made)
            held.append(held_by(before.children))
        endings = [one.ending for one in pool.statistics if not one.alive]
        require(not endings and len(pool.pids) == WORKERS, f"workers were replaced: {endings}")
    before.require_nothing_left()
    counts = [per_run * (1 + run) for run in range(runs)]
    growth = growth_of(counts, held, warm_up)
    if warm_up:
        require_flat(growth)
    return f"{counts[-1]:,} backtests, {growth}"


def search_in(pool: PersistentWorkerPool, strategy: type[Strategy]) -> None:
    """Run a search of which nothing is kept."""
    result = Optimizer(strategy, search=GridSearch(), pool=pool, result_cache=False, progress=False, **SPAN).run()
    require_complete(result.trials)


def require_flat(growth: Growth) -> None:
    """Fail where memory may grow by more than allowed."""
    most = MOST_BYTES_A_BACKTEST
    require(growth.at_most < most, f"memory grows, by {most:,} bytes a backtest or more is too much: {growth}")


PARTS: Final[dict[str, Callable[[bool], str]]] = {
    "strategies": strategies,
    "wide": wide,
    "caches": caches,
    "memory": memory,
}


def main(given: Sequence[str] | None = None) -> int:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(
        prog="stress", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to run")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it works")
    options = parser.parse_args(given)
    with tempfile.TemporaryDirectory(prefix="stress-") as root:
        os.environ["RUSTYBT_ROOT"] = root
        ingest("mag-7", show_progress=False)
        failed = False
        for name in options.only:
            began = time.monotonic()
            try:
                found = PARTS[name](options.quick)
            except StressFailed as error:
                failed, found = True, f"FAILED: {error}"
            print(f"{name}: {found}; {time.monotonic() - began:.1f} s", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
