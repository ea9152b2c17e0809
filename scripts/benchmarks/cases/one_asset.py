"""How fast is a crossover of one asset, in either tier, against backtesting.py?"""

from collections.abc import Callable
from functools import partial
from statistics import median

from scripts.benchmarks.bench import CAPITAL, Bench
from scripts.benchmarks.bench_data import SAMPLE
from scripts.benchmarks.cases.batch import start_vector_tier
from scripts.benchmarks.measuring import Answer, Figure
from scripts.benchmarks.report import CaseReport

PEER = "backtesting.py"
SYMBOL, FAST, SLOW = "AAPL", 10, 50


def one_asset(bench: Bench) -> CaseReport:
    """Buy where the averages cross, and sell where they cross back; a perf frame or statistics are part of the run."""
    case = CaseReport("one-asset", f"{SYMBOL}, moving averages of {FAST} and {SLOW} sessions, traded where they cross")
    own, vector = bench.own(SAMPLE), start_vector_tier(bench, SAMPLE)
    peer = bench.start(
        PEER,
        bench.options.peers,
        "on_backtesting",
        ["backtesting"],
        **bench.span,
        capital=CAPITAL,
        symbol=SYMBOL,
        fast=FAST,
        slow=SLOW,
    )
    request = {"bundle": SAMPLE.name, "capital": CAPITAL, **bench.span}
    runs: dict[str, Callable[[], Answer]] = {}
    if peer is not None:
        runs[PEER] = peer.ask
    runs["event tier"] = partial(own.ask, script="one_asset", **request)
    runs["vector tier"] = partial(vector.ask, kind="one_asset", **request)
    answers = bench.rounds(runs)
    for name in ("event tier", "vector tier"):
        if name in answers and PEER in answers:
            case.figures.append(
                Figure(f"{name}, against {PEER}", bench.faster(answers[PEER], answers[name]), "times", 1)
            )
        elif name in answers:
            case.figures.append(Figure(name, 1e3 * median(bench.seconds(answers[name])), "ms"))
    case.rows = bench.rows(answers)
    case.notes.append(
        "The same crossings, capital and commission; backtesting.py has adjusted bars, no volume limit, no dividends. "
        "It pays its spread of five basis points when it enters, and fills at the next open; rustybt pays as much "
        "slippage both ways, and fills at the next close."
    )
    return case
