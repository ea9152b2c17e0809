"""How much faster is a run whose strategy asks a model, when answers are kept?

usage: python -m scripts.benchmarks.bench_predictions [--seconds-per-call S] [--outputs N] [--prefixes FIRST:LAST]
           [--every K] [--rounds N] [--sleep] [--json FILE]

A pretrained model with four outputs is asked for each of them at every session of 70 backtests, of the first 131 to 200
sessions of the embedded sample: 46,340 calls, of which 800 differ. The model does nothing for 2.8 ms a call (it watches
the clock, or sleeps with --sleep). Every prefix runs without the cache and with it, one after the other, so that what
else the machine does hits both; and both must give the same perf frame, to the last bit. The cache is emptied before
every round. Without it a round takes over two minutes: --every 5 runs each fifth prefix without the cache, and counts
its time for all by their sessions. What is timed is a backtest with all its metrics.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd

from rustybt import Model, Strategy
from rustybt.api import order_target_percent, symbol
from rustybt.data.bundles import ingest, load
from rustybt.data.portal import portal_of
from rustybt.data.predictions import (
    PredictionStatistics,
    disable_prediction_cache,
    shared_predictions,
    take_statistics,
)
from rustybt.data.store import BundleData
from rustybt.engine.strategy import hooks_of
from rustybt.run import simulate
from scripts.benchmarks.measuring import Figure
from scripts.benchmarks.report import load_average, machine_of, measured

AT_LEAST = 3.2
"""The target: what another backtester's report names for this case."""

FIELDS = ("open", "high", "low", "close")


class Round(NamedTuple):
    """Seconds of one pass over the prefixes, and what the models were asked for with the cache.

    Attributes
    ----------
    without, cached : float
        Seconds of all backtests, those without the cache scaled to all sessions.
    is_equal : bool
        Whether every pair of perf frames has the same bits.
    statistics : PredictionStatistics
        Of the backtests with the cache.
    """

    without: float
    cached: float
    is_equal: bool
    statistics: PredictionStatistics


def costly_model(seconds: float, sleeps: bool) -> Model:
    """Give a model that takes its time."""

    def forecast(bar: np.ndarray, output: int) -> float:
        until = time.perf_counter() + seconds
        if sleeps:
            time.sleep(seconds)
        while time.perf_counter() < until:
            pass
        return float(np.tanh(bar @ np.linspace(1 - output, output, len(bar)) / 100))

    return Model.of(forecast, trained_until="1999-12-31", name="pretrained")


class Heads(Strategy):
    """Holds as much of an asset as the model's outputs say."""

    model: Model | None = None
    outputs = 4

    def initialize(self, context):
        """Choose the asset."""
        context.asset = symbol("AAPL")

    def handle_data(self, context, data):
        """Ask for each output."""
        bar = [data.current(context.asset, field) for field in FIELDS]
        answers = [context.predict(self.model, bar, output) for output in range(self.outputs)]
        order_target_percent(context.asset, float(np.mean(answers)) / 2)


def timed(run: Callable[[], pd.DataFrame]) -> tuple[float, pd.DataFrame]:
    """Run, and give the seconds with what came out."""
    began = time.perf_counter()
    frame = run()
    return time.perf_counter() - began, frame


def run_round(strategy: Heads, bundle: BundleData, lengths: Sequence[int], every: int) -> Round:
    """Run every prefix, each with the cache after (where it is its turn) without."""
    labels = portal_of(bundle).session_labels
    shared_predictions().clear()
    without, cached, sampled, is_equal = 0.0, 0.0, 0, True
    take_statistics()
    asked: list[PredictionStatistics] = []

    def backtest(length: int) -> pd.DataFrame:
        result = simulate(hooks_of(strategy), bundle, labels[0], labels[length - 1], capital_base=100_000.0)
        return result.perf.assign(**result.metrics)

    for place, length in enumerate(lengths):
        plain = None
        if place % every == every // 2:
            with disable_prediction_cache():
                seconds, plain = timed(lambda length=length: backtest(length))
            without, sampled = without + seconds, sampled + length
            take_statistics()
        seconds, frame = timed(lambda length=length: backtest(length))
        cached += seconds
        asked.append(take_statistics())
        is_equal &= plain is None or frame.equals(plain)
    return Round(without * sum(lengths) / sampled, cached, is_equal, PredictionStatistics.total(asked))


def figures_of(rounds: Sequence[Round]) -> list[Figure]:
    """Give what the rounds come to: medians, and the median of the ratios of each round."""
    statistics = rounds[0].statistics
    ratio = median(one.without / one.cached for one in rounds)
    return [
        Figure("whole run with the cache, against without", ratio, "times", at_least=AT_LEAST),
        Figure("without the cache", median(one.without for one in rounds), "s"),
        Figure("with the cache", median(one.cached for one in rounds), "s"),
        Figure("predictions", statistics.calls, "calls"),
        Figure("unique", statistics.unique, "calls"),
        Figure("hit rate", 100 * statistics.hit_rate, "%"),
        Figure("seconds saved, as the cache says", statistics.seconds_saved, "s"),
        Figure("pairs of perf frames with other bits", sum(not one.is_equal for one in rounds), "rounds", at_most=0),
    ]


def arguments_of(given: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench_predictions", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds-per-call", type=float, default=0.0028, metavar="S", help="what the model costs")
    parser.add_argument("--outputs", type=int, default=4, metavar="N", help="calls a session")
    parser.add_argument("--prefixes", default="131:200", metavar="FIRST:LAST", help="lengths of the backtests")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="run each K-th prefix without the cache")
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="passes over all prefixes")
    parser.add_argument("--sleep", action="store_true", help="the model sleeps, instead of watching the clock")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round there")
    options = parser.parse_args(given)
    first, _, last = options.prefixes.partition(":")
    options.lengths = range(int(first), int(last) + 1)
    if not 1 <= options.every <= len(options.lengths):
        parser.error(f"--every {options.every}: at least one of the {len(options.lengths)} prefixes has to run")
    return options


def main(given: Sequence[str] | None = None) -> int:
    """Measure, print, and say by the exit code whether both sides gave the same."""
    options = arguments_of(given)
    strategy = Heads(outputs=options.outputs, model=costly_model(options.seconds_per_call, options.sleep))
    with TemporaryDirectory() as folder:
        environ = {"RUSTYBT_ROOT": folder}
        ingest("mag-7", environ, show_progress=False)
        bundle = load("mag-7", environ)
        run_round(strategy, bundle, [3], 1)  # imports and reads what is read once
        rounds = [run_round(strategy, bundle, options.lengths, options.every) for _ in range(options.rounds)]
    part = "" if options.every == 1 else f"; without the cache each {options.every}th prefix, scaled by sessions"
    machine = machine_of({})
    print(f"{len(options.lengths)} backtests, {options.rounds} rounds{part}")
    print(f"{machine['machine']}, {machine['python']}, load average {load_average()}")
    for figure in figures_of(rounds):
        print(f"{figure.name:42} {measured(figure):>16}  {figure.target} {figure.verdict}".rstrip())
    if options.json is not None:
        options.json.write_text(json.dumps([one._asdict() for one in rounds], indent=1), encoding="utf-8")
    return 0 if all(one.is_equal for one in rounds) else 1


if __name__ == "__main__":
    raise SystemExit(main())
