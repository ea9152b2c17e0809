"""From how much work on does a layer of the optimizer pay?

usage: python -m scripts.benchmarks.bench_layers [--rounds N] [--quick] [--only CASE ...] [--output FILE]

Each case runs some backtests in this process with a layer on and off, in random order within each round; what it keeps
is emptied before. The table gives the share of time that the layer saves, with the 95% interval of the paired
log-ratios: below zero it costs. What "auto" does in rustybt/optimization/config.py is taken from here.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from rustybt import Optimizer, Strategy
from rustybt.data.bundles import ingest
from rustybt.data.history_cache import shared_history
from rustybt.data.predictions import shared_predictions
from rustybt.optimization import Integer, OptimizationConfig
from rustybt.optimization.result_cache import ResultCache
from scripts.benchmarks.audit.paired import PairedTest, paired_test
from scripts.benchmarks.audit.strategies import strategy_of
from scripts.benchmarks.audit.workload import CROSSOVER, FOREST, Scale
from scripts.benchmarks.layer_data import ingest_dividends, ingest_minutes
from scripts.benchmarks.report import load_average, machine_of

SIZES: Final = (1, 2, 3, 10, 40)
ROUNDS: Final = 10
YEAR: Final = {"start": "2023-01-03", "end": "2023-12-29"}


class Daily(Strategy):
    """Looks at windows of all assets every session, and holds the best."""

    days = Integer(60, 60)

    def handle_data(self, context: Any, data: Any) -> None:
        """Buy what rose most."""
        stocks = [context.sid(sid) for sid in context.asset_finder.sids]
        prices = data.window(stocks, "close", 60)
        gains = prices[-1] / prices[-min(self.days, 60)]
        context.order_target_percent(stocks[int(gains.argmax())], 0.5)


class Intraday(Daily):
    """Looks at bars of five minutes."""

    def initialize(self, context: Any) -> None:
        """Count minutes."""
        context.minutes = 0

    def handle_data(self, context: Any, data: Any) -> None:
        """Look every tenth minute."""
        context.minutes += 1
        if context.minutes % 10 == 0:
            stocks = [context.sid(sid) for sid in context.asset_finder.sids]
            data.window(stocks, "close", 60 + self.days % 2, "5m")


class Case(NamedTuple):
    """What is run with a layer and without it.

    Attributes
    ----------
    layer : str
        The switch.
    words : str
        What is done, for the table.
    ingest : callable
        Makes the bundle.
    options : callable of (int)
        Gives the Optimizer's arguments for so many backtests.
    """

    layer: str
    words: str
    ingest: Callable[[], object]
    options: Callable[[int], dict[str, Any]]


def on_sample(workload: str) -> Callable[[int], dict[str, Any]]:
    """Give an audit's strategy over eight stocks of the sample."""
    return lambda size: {
        "strategy_class": strategy_of(Scale("mag-7", YEAR["start"], YEAR["end"], 8, size, 0, workload)),
        "bundle": "mag-7",
        **YEAR,
    }


def sized(strategy: type[Daily], size: int) -> type[Daily]:
    """Give a strategy so many combinations of parameters."""
    return type(strategy.__name__, (strategy,), {"days": Integer(2, 1 + size)})


def over_dividends(assets: int) -> Callable[[int], dict[str, Any]]:
    """Give daily windows of assets that pay dividends."""

    def options(size: int) -> dict[str, Any]:
        return {"strategy_class": sized(Daily, size), "bundle": f"dividends-{assets}", **YEAR}

    return options


def intraday(size: int) -> dict[str, Any]:
    """Give bars of five minutes over two weeks."""
    span = {"start": "2023-01-17", "end": "2023-01-31", "data_frequency": "minute"}
    return {"strategy_class": sized(Intraday, size), "bundle": "minutes-8", **span}


sample = partial(ingest, "mag-7", show_progress=False)

CASES: Final = {
    "sample": Case("history_cache", "monthly frames of 8 assets", sample, on_sample(CROSSOVER)),
    "few": Case(
        "history_cache",
        "daily windows of 20 assets with dividends",
        partial(ingest_dividends, "dividends-20", 20),
        over_dividends(20),
    ),
    "many": Case(
        "history_cache",
        "daily windows of 200 assets with dividends",
        partial(ingest_dividends, "dividends-200", 200),
        over_dividends(200),
    ),
    "minutes": Case(
        "history_cache", "bars of 5 minutes of 8 assets", partial(ingest_minutes, "minutes-8", 8), intraday
    ),
    "model": Case("prediction_cache", "a forest of 20 trees, asked monthly", sample, on_sample(FOREST)),
    "no-model": Case("prediction_cache", "no model: monthly frames of 8 assets", sample, on_sample(CROSSOVER)),
    "new": Case("result_cache", "no equal trial: monthly frames of 8 assets", sample, on_sample(CROSSOVER)),
}


def seconds_of(case: Case, size: int, switch: str) -> float:
    """Run the backtests once with the layer on or off, and nothing kept from before."""
    shared_history().clear()
    shared_predictions().clear()
    config = OptimizationConfig(**{**dict.fromkeys(("result_cache",), "off"), case.layer: switch})
    options = {"objective": "ending_value", "config": config, "progress": False}
    empty = ResultCache() if case.layer == "result_cache" else False
    optimizer = Optimizer(**case.options(size), **options, result_cache=empty)
    began = time.perf_counter()
    optimizer.run()
    return time.perf_counter() - began


def measure(case: Case, size: int, rounds: int, chance: random.Random) -> PairedTest:
    """Compare on with off; one round before does not count."""
    seconds: dict[str, list[float]] = {"on": [], "off": []}
    for turn in range(rounds + 1):
        for switch in chance.sample(list(seconds), 2):
            took = seconds_of(case, size, switch)
            if turn:
                seconds[switch].append(took)
    return paired_test(seconds["off"], seconds["on"])


def row_of(name: str, found: dict[int, PairedTest]) -> str:
    """Write a case's row of the table."""
    case = CASES[name]
    cells = [f"{test.gain:+.1%} ({1 - test.high:+.1%} to {1 - test.low:+.1%})" for test in found.values()]
    return f"| `{case.layer}` | {case.words} | {' | '.join(cells)} |"


def main(given: Sequence[str] | None = None) -> int:
    """Measure every case, and write the table."""
    parser = argparse.ArgumentParser(
        prog="bench_layers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="pairs that count")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), help="cases to run")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it works")
    parser.add_argument("--output", type=Path, help="write the table there")
    options = parser.parse_args(given)
    sizes, rounds = (SIZES[:2], 3) if options.quick else (SIZES, options.rounds)
    machine, chance = machine_of({}), random.Random(0)
    lines = [f"{machine['machine']}, {machine['python']}, load average {load_average()}, {rounds} pairs", ""]
    lines += [
        f"| Layer | Case | {' | '.join(f'{size} backtests' for size in sizes)} |",
        "|---" * (2 + len(sizes)) + "|",
    ]
    with tempfile.TemporaryDirectory(prefix="layers-") as root:
        os.environ["RUSTYBT_ROOT"] = root
        for made in {CASES[name].ingest for name in options.only}:
            made()
        print("\n".join(lines), flush=True)
        for name in options.only:
            lines.append(row_of(name, {size: measure(CASES[name], size, rounds, chance) for size in sizes}))
            print(lines[-1], flush=True)
    if options.output is not None:
        options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
