"""Does the time grow no faster than sessions, assets and trials do?"""

import math
from collections.abc import Callable, Sequence
from functools import partial

from scripts.benchmarks.bench import CAPITAL, Bench
from scripts.benchmarks.bench_data import DataSet, symbols_of, write_walks
from scripts.benchmarks.cases.batch import start_vector_tier
from scripts.benchmarks.measuring import Answer, Figure, exponent
from scripts.benchmarks.report import CaseReport

MOST_ASSETS, MOST_SESSIONS = 96, 6_000
SCALED = DataSet("scaled", "1999-01-04", "2024-12-31", symbols_of(MOST_ASSETS))
SCALED_QUICK = DataSet("scaled", "2018-01-02", "2019-12-31", symbols_of(8))
ENDS = {750: "2002-03-21", 1500: "2005-03-15", 3000: "2011-03-01", 6000: "2023-02-03"}
START = "1999-03-30"
LIMIT = 1.1
Runs = dict[int, Callable[[], Answer]]


def scaling(bench: Bench) -> CaseReport:
    """Fit an exponent to each of six series of at least four sizes."""
    data_set = write_walks(bench.folder, bench.size(SCALED, SCALED_QUICK))
    case = CaseReport("scaling", "exponents of the time, fitted on logarithms by least squares")
    for name, runs in {**event_series(bench, data_set), **vector_series(bench, data_set)}.items():
        answers = bench.rounds({f"{name}: {size:,}": run for size, run in runs.items()})
        if len(answers) == len(runs):
            best = [min(bench.seconds(got)) for got in answers.values()]
            told = ", ".join(f"{size:,} in {1e3 * s:,.0f} ms" for size, s in zip(runs, best, strict=True))
            last = exponent_of_last(list(runs), best)
            note = f"between the last two {last:.2f}; {told}"
            case.figures.append(Figure(name, exponent(list(runs), best), "", at_most=LIMIT, note=note))
    return case


def exponent_of_last(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Give the exponent between the two largest sizes, where fixed costs hide least."""
    return math.log(seconds[-1] / seconds[-2]) / math.log(sizes[-1] / sizes[-2])


def spans(bench: Bench) -> dict[int, dict[str, str]]:
    """Give first and last day for each number of sessions."""
    if bench.options.quick:
        ends = ("2018-07-02", "2018-10-01", "2019-04-01", "2019-12-31")
        return {size: {"start": "2018-04-02", "end": end} for size, end in zip((64, 127, 250, 441), ends, strict=True)}
    return {size: {"start": START, "end": end} for size, end in ENDS.items()}


def widths(bench: Bench) -> Sequence[int]:
    """Give the numbers of assets."""
    return bench.size((12, 24, 48, 96), (2, 3, 5, 8))


def event_series(bench: Bench, data_set: DataSet) -> dict[str, Runs]:
    """Give the event tier's runs: more sessions, more assets, more trials."""
    own = bench.own(data_set)
    request = {"bundle": data_set.name, "capital": CAPITAL, "sizes": False, "script": "wide_crossover"}
    span, few = spans(bench), {"assets": 4}
    middle = sorted(span)[1]
    return {
        "event tier, sessions": {n: partial(own.ask, log=few, **request, **span[n]) for n in span},
        "event tier, assets": {
            n: partial(own.ask, log={"assets": n}, **request, **span[middle]) for n in widths(bench)
        },
        **trial_series(bench, data_set, span[min(span)]),
    }


def trial_series(bench: Bench, data_set: DataSet, span: dict[str, str]) -> dict[str, Runs]:
    """Give the optimizer's runs in the event tier."""
    optimizer = bench.start_own("optimizer", "on_optimizer", data_sets=[data_set])
    request = {"bundle": data_set.name, "capital": CAPITAL, **span}
    trials = bench.size((4, 8, 16, 32), (2, 3, 4, 5))
    return {"event tier, trials": {n: partial(optimizer.ask, trials=n, **request) for n in trials}}


def vector_series(bench: Bench, data_set: DataSet) -> dict[str, Runs]:
    """Give the vector tier's runs: more sessions, more assets, more trials."""
    own = start_vector_tier(bench, data_set)
    request = {"kind": "batch", "bundle": data_set.name, "capital": CAPITAL}
    span = spans(bench)
    middle, few = sorted(span)[1], 4
    trials = bench.size((50, 100, 200, 400), (2, 4, 6, 8))
    some = pairs_of(bench.size(100, 4))
    return {
        "vector tier, sessions": {n: partial(own.ask, pairs=some, assets=few, **request, **span[n]) for n in span},
        "vector tier, assets": {
            n: partial(own.ask, pairs=some, assets=n, **request, **span[middle]) for n in widths(bench)
        },
        "vector tier, trials": {
            n: partial(own.ask, pairs=pairs_of(n), assets=few, **request, **span[middle]) for n in trials
        },
    }


def pairs_of(count: int) -> list[list[int]]:
    """Give so many pairs of windows from twenty fast ones and a slow one for each twenty of them."""
    return [[2 + n % 20, 24 + n // 20] for n in range(count)]
