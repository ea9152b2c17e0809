"""How fast are 400 pairs of windows in the vector tier, against vectorbt and a kernel written by hand?"""

import sys
from functools import partial
from pathlib import Path
from typing import Any

from scripts.benchmarks.bench import CAPITAL, Bench
from scripts.benchmarks.bench_data import SAMPLE, DataSet
from scripts.benchmarks.contender import Contender
from scripts.benchmarks.measuring import Answer, Figure
from scripts.benchmarks.report import CaseReport

OWN_TIER, KERNEL, PEER = "vector tier", "bare kernel", "vectorbt"
PEER_STATISTICS = "vectorbt with its statistics"


def start_vector_tier(bench: Bench, *data_sets: DataSet) -> Contender:
    """Start this project's vector tier."""
    return bench.start_own(OWN_TIER, "on_vector_tier", data_sets=data_sets)


def grid(fast: int, slow: int) -> list[list[int]]:
    """Give pairs of windows: so many fast ones from 2 to 40, with so many slow ones from 50 to 240 each."""
    return [[2 + 2 * f, 50 + 10 * s] for f in range(fast) for s in range(slow)]


def start_others(bench: Bench, lookback: int) -> dict[str, Contender]:
    """Start what takes adjusted bars; it is compiled before."""
    arguments = {**bench.span, "capital": CAPITAL, "lookback": lookback}
    started = {}
    for name, python, module, packages in (
        (KERNEL, Path(sys.executable), "on_bare", ()),
        (PEER, bench.options.vectorbt, "on_vectorbt", ("vectorbt",)),
        (PEER_STATISTICS, bench.options.vectorbt, "on_vectorbt", ("vectorbt",)),
    ):
        bench.compiled(
            name, python, module, {"pairs": grid(1, 1), "all_statistics": name == PEER_STATISTICS}, **arguments
        )
        started[name] = bench.start(name, python, module, packages, **arguments)
    return {name: contender for name, contender in started.items() if contender is not None}


def growth_mb(answers: list[Answer], base_mb: float | None) -> float:
    """Give the largest peak less the memory after loading and compiling."""
    return max(answer["peak_mb"] for answer in answers) - (base_mb or 0.0)


def batch(bench: Bench) -> CaseReport:
    """Run all pairs: indicators, simulation and metrics; the bare kernel computes no metrics.

    What has to be compiled is compiled by a process of its own. Every contender then runs one pair: the memory that it
    has after that is where its growth is counted from.
    """
    pairs = bench.size(grid(20, 20), grid(2, 2))
    case = CaseReport("batch", f"{len(pairs)} pairs of windows, 8 assets, {bench.span['start']} to {bench.span['end']}")
    contenders = start_others(bench, lookback=max(slow for _, slow in pairs))
    request: dict[str, Any] = {"kind": "batch", "bundle": SAMPLE.name, "capital": CAPITAL, **bench.span}
    first = {**request, "pairs": pairs[-1:]}
    bench.compiled(OWN_TIER, Path(sys.executable), "on_vector_tier", first, data_sets=[SAMPLE])
    contenders = {OWN_TIER: start_vector_tier(bench, SAMPLE), **contenders}
    asked = {name: {**request, "all_statistics": name == PEER_STATISTICS} for name in contenders}
    one_pair = {name: partial(contender.ask, **asked[name], pairs=pairs[-1:]) for name, contender in contenders.items()}
    base = {name: got[-1]["before_mb"] for name, got in bench.rounds(one_pair, 1).items()}
    contenders = {name: contender for name, contender in contenders.items() if name in base}
    runs = {name: partial(contender.ask, **asked[name], pairs=pairs) for name, contender in contenders.items()}
    answers = bench.rounds(runs)
    case.rows = bench.rows(answers)
    if OWN_TIER in answers:
        mine = answers[OWN_TIER]
        for name, target in ((PEER, {"at_least": 20}), (KERNEL, {"at_most": 2.5})):
            if name in answers:
                case.figures += compare(bench, name, answers[name], mine, base, target)
        if PEER_STATISTICS in answers:
            ratio = bench.faster(answers[PEER_STATISTICS], mine)
            case.figures.append(Figure(f"speed, against {PEER_STATISTICS}", ratio, "times"))
    case.notes.append(
        "Bare kernel and vectorbt have adjusted bars. The kernel computes no metrics; vectorbt four (return, Sharpe "
        "ratio, drawdown, trades), and in a run of its own all that its stats() shows."
    )
    return case


def compare(
    bench: Bench,
    name: str,
    theirs: list[Answer],
    mine: list[Answer],
    base: dict[str, float | None],
    target: dict[str, float],
) -> list[Figure]:
    """Give the figures of the vector tier and another contender."""
    if name == KERNEL:
        return [Figure(f"time, against the {KERNEL}", bench.faster(mine, theirs), "times", **target)]
    figures = [Figure(f"speed, against {name}", bench.faster(theirs, mine), "times", **target)]
    if all(base.values()):
        grown = growth_mb(mine, base[OWN_TIER]), growth_mb(theirs, base[name])
        note = f"{grown[0]:,.0f} of {grown[1]:,.0f} MB above what was there after loading and one pair"
        figures.append(Figure(f"memory, share of {name}'s", grown[0] / grown[1], "", at_most=0.1, note=note))
        peaks = growth_mb(mine, 0.0), growth_mb(theirs, 0.0)
        note = f"{peaks[0]:,.0f} of {peaks[1]:,.0f} MB with interpreter, libraries and data"
        figures.append(Figure(f"whole process, share of {name}'s", peaks[0] / peaks[1], "", at_most=0.1, note=note))
    return figures
