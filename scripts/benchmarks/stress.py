"""Does the optimizer bear load? Each part ends by itself, checks its own results, and says what it took.

usage: python -m scripts.benchmarks.stress [--quick] [--only PART ...]

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
import psutil
from scipy import stats

from rustybt import Optimizer, Strategy
from rustybt.data.bundles import ingest
from rustybt.data.history_cache import shared_history
from rustybt.optimization import GridSearch, Integer, PersistentWorkerPool, ResultCache, run_many
from scripts.benchmarks.optimizer.memory import ingest_large

SPAN: Final = {"bundle": "mag-7", "start": "2023-01-03", "end": "2023-03-31"}
MOST_BYTES_A_BACKTEST: Final = 1024
WARM_UP: Final = 1000


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
    result = run_many(kinds, num_workers=2, result_cache=False, progress=False, **SPAN)
    assert len(result.results) == count and len(result.trials) == 3 * count
    return (
        f"{count} strategies, {len(result.trials)} trials, all complete: {(result.trials.status == 'complete').all()}"
    )


def wide(quick: bool) -> str:
    """Ask for windows of every asset of a wide bundle."""
    bundle = ingest_large(60 if quick else 2_000)
    options = {"start": "2023-01-03", "end": "2023-06-30", "num_workers": 2, "result_cache": False, "progress": False}
    result = Optimizer(Wide, bundle=bundle, **options).run()
    assert set(result.trials["status"]) == {"complete"}
    return f"{len(bundle.asset_finder.sids)} assets, {len(result.trials)} trials"


def caches(quick: bool) -> str:
    """Fill caches of small limits with far more than fits."""
    before = shared_history().max_memory_bytes
    shared_history().max_memory_bytes = 200_000
    try:
        cache = ResultCache(max_entries=10)
        options = {"result_cache": cache, "progress": False, **SPAN}
        first = Optimizer(Turns, **options).run()
        second = Optimizer(Turns, **options).run()
        assert first.trials["ending_value"].equals(second.trials["ending_value"])
        assert cache.statistics.entries <= 10
        assert shared_history().statistics.total_bytes <= 200_000
        return f"{cache.statistics}; {shared_history().statistics}"
    finally:
        shared_history().max_memory_bytes = before


def memory(quick: bool) -> str:
    """Watch a pool's memory over many backtests, and look for what it leaves behind.

    Returns
    -------
    str
        The slope of the workers' PSS, in bytes a backtest, with its upper 95% bound.
    """
    rounds, per_round = (4, 40) if quick else (100, 200)
    here = psutil.Process()
    descriptors = here.num_fds()
    made = type("Many", (Turns,), {"days": Integer(2, 1 + per_round)})
    counts, held = [], []
    with PersistentWorkerPool(2) as pool:
        for turn in range(rounds):
            Optimizer(made, search=GridSearch(), pool=pool, result_cache=False, progress=False, **SPAN).run()
            counts.append((turn + 1) * per_round)
            held.append(pool.context.memory().pss)
        pids = pool.pids
    kept = [place for place, count in enumerate(counts) if count > (0 if quick else WARM_UP)]
    fit = stats.linregress([counts[place] for place in kept], [held[place] for place in kept])
    bound = fit.slope + stats.t.ppf(0.95, len(kept) - 2) * fit.stderr
    assert not [pid for pid in pids if psutil.pid_exists(pid)], "workers are left"
    assert here.num_fds() <= descriptors + 4, "file descriptors are left"
    assert quick or bound < MOST_BYTES_A_BACKTEST, f"memory grows by up to {bound:,.0f} bytes a backtest"
    return f"{counts[-1]:,} backtests, {fit.slope:+,.0f} bytes of PSS a backtest, at most {bound:,.0f}"


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
        for name in options.only:
            began = time.monotonic()
            print(f"{name}: {PARTS[name](options.quick)}; {time.monotonic() - began:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
