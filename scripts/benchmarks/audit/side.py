"""What does one side of an audit do in its process? It answers a request by a line of JSON.

The clock begins when everything is imported and a model is fitted, and ends when the results are there: opening the
bundle, starting workers and sending them the strategy count, for a user waits for them.
"""

import gc
import hashlib
import json
import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pandas as pd

from rustybt import Optimizer, run_algorithm
from rustybt.data.bundles import load
from rustybt.data.history_cache import disable_history_cache
from rustybt.data.portal import portal_of
from rustybt.data.predictions import disable_prediction_cache
from rustybt.optimization import GridSearch, OptimizationConfig, PersistentWorkerPool, WalkForward
from scripts.benchmarks.audit.searching import search_work
from scripts.benchmarks.audit.strategies import strategy_of
from scripts.benchmarks.audit.turns import wait_for_turn
from scripts.benchmarks.audit.workload import LEAST, Scale, combinations, session_count, spans_of

Results = list[list[Any]]


def main(request: dict[str, Any]) -> None:
    """Run what is asked for once.

    Parameters
    ----------
    request : dict
        "scale" as a dict, "kind", and what that asks for: see `sides.ask`. With "takes_turns", the work waits until
        this process is let go.
    """
    scale = Scale(**request["scale"])
    method = request.get("start_method")
    pool = None if method is None else PersistentWorkerPool(request["workers"], start_method=method)
    kinds: dict[str, Callable[[], Callable[[], tuple[Results, dict[str, Any]]]]] = {
        "loop": lambda: loop_work(scale),
        "optimizer": lambda: optimizer_work(scale, request, pool),
        "search": lambda: search_work(scale, request),
    }
    work = kinds[request["kind"]]()
    gc.collect()
    if request.get("takes_turns"):
        wait_for_turn()
    began = time.perf_counter()
    results, notes = work()
    ended = time.perf_counter()
    if pool is not None:
        notes["memory"] = pool.context.memory()._asdict()
        pool.close()
    digest = hashlib.sha256(json.dumps(results).encode()).hexdigest()
    print(json.dumps({"began": began, "ended": ended, "digest": digest, "notes": notes}), flush=True)


def loop_work(scale: Scale) -> Callable[[], tuple[Results, dict[str, Any]]]:
    """Give the plain loop of a user: one backtest after the other, with nothing kept between them."""
    backtest, params = backtest_of(scale), combinations(scale)

    def work() -> tuple[Results, dict[str, Any]]:
        with ExitStack() as stack:
            stack.enter_context(disable_history_cache())
            stack.enter_context(disable_prediction_cache())
            if not scale.windows:
                return [backtest(chosen, scale.start, scale.end) for chosen in params], {}
            seen_before, met_next = [], []
            for seen, unseen in windows_of(scale):
                tried = [backtest(chosen, *seen) for chosen in params]
                best = max(tried, key=lambda one: -math.inf if math.isnan(one[2]) else one[2])
                seen_before += tried
                met_next.append([best[0], backtest(best[0], *unseen)[2]])
            return [*seen_before, *met_next], {}

    return work


def backtest_of(scale: Scale) -> Callable[[dict[str, int], str, str], list[Any]]:
    """Give what a plain loop calls: it takes parameters and the first and last day, and gives a row of results."""
    made = strategy_of(scale)

    def backtest(chosen: dict[str, int], start: str, end: str) -> list[Any]:
        perf = run_algorithm(strategy=made(**chosen), bundle=scale.bundle, start=start, end=end)
        return [chosen, float(perf["portfolio_value"].iloc[-1]), shown(perf["sharpe"].iloc[-1])]

    return backtest


def windows_of(scale: Scale) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """Give the first and last day of both parts of every window."""
    labels = portal_of(load(scale.bundle)).sessions
    days = [str(label.date()) for label in labels[(labels >= scale.start) & (labels <= scale.end)]]
    spans = spans_of(len(days), scale.windows)
    found = []
    for window in range(scale.windows):
        first = window * spans.out_of_sample
        middle = first + spans.in_sample
        found.append(((days[first], days[middle - 1]), (days[middle], days[middle + spans.out_of_sample - 1])))
    return found


def optimizer_work(
    scale: Scale, request: dict[str, Any], pool: PersistentWorkerPool | None = None
) -> Callable[[], tuple[Results, dict[str, Any]]]:
    """Give the same backtests by the Optimizer."""
    made, search = strategy_of(scale), GridSearch()

    def work() -> tuple[Results, dict[str, Any]]:
        walk = None
        if scale.windows:
            spans = spans_of(session_count(scale), scale.windows)
            walk = WalkForward(
                search, in_sample=spans.in_sample, out_of_sample=spans.out_of_sample, step=spans.out_of_sample, warmup=0
            )
        result = Optimizer(
            made,
            bundle=scale.bundle,
            start=scale.start,
            end=scale.end,
            search=walk or search,
            objective="sharpe",
            num_workers=request["workers"],
            pool=pool,
            result_cache=request["layers"].get("result_cache", "auto") != "off",
            config=OptimizationConfig(**request["layers"]),
            progress=False,
        ).run()
        notes: dict[str, Any] = {"layers": dict(result.info.layers), "history": list(result.info.history)}
        rows = rows_of(result.trials, scale, ["ending_value", "sharpe"])
        if walk is not None:
            rows += rows_of(result.walk_forward.windows, scale, ["out_of_sample_sharpe"])
        return rows, notes

    return work


def rows_of(table: pd.DataFrame, scale: Scale, columns: list[str]) -> Results:
    """Give the parameters and figures of each row as the plain loop does."""
    names = list(LEAST[scale.workload])
    params = zip(*(table[name].tolist() for name in names), strict=True)
    figures = zip(*(table[name].tolist() for name in columns), strict=True)
    return [
        [
            dict(zip(names, map(int, chosen), strict=True)),
            *(value if name == "ending_value" else shown(value) for name, value in zip(columns, found, strict=True)),
        ]
        for chosen, found in zip(params, figures, strict=True)
    ]


def shown(ratio: float | None) -> float:
    """Round a ratio: a perf frame adds up in another order than the metrics, and differs in the last bit."""
    return math.nan if ratio is None else float(f"{ratio:.9g}")
