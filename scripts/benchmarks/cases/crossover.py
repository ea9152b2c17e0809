"""How fast is a daily crossover of eight stocks, against Zipline and against other event engines?"""

from collections.abc import Callable
from functools import partial

from scripts.benchmarks.bench import CAPITAL, Bench
from scripts.benchmarks.bench_data import SAMPLE
from scripts.benchmarks.contender import Contender
from scripts.benchmarks.measuring import Answer, Figure, apart
from scripts.benchmarks.report import CaseReport

FRAMES, WINDOWS = "script unchanged", "NumPy windows"
ENGINES = {  # as tables show it: module, distribution
    "bt": ("on_bt", "bt"),
    "pybroker": ("on_pybroker", "lib-pybroker"),
    "backtrader": ("on_backtrader", "backtrader"),
    "nautilus": ("on_nautilus", "nautilus_trader"),
}
FAST, SLOW = 10, 50


def start_engines(bench: Bench) -> dict[str, Contender]:
    """Start the other event engines; none knows Zipline's rules."""
    started = {
        name: bench.start(
            name, bench.options.peers, module, [package], **bench.span, capital=CAPITAL, fast=FAST, slow=SLOW
        )
        for name, (module, package) in ENGINES.items()
    }
    return {name: contender for name, contender in started.items() if contender is not None}


def crossover(bench: Bench) -> CaseReport:
    """Run the script as Zipline's users write it, with NumPy windows, and the same strategy under other engines."""
    case = CaseReport(
        "crossover", "8 assets, moving averages of 10 and 50 sessions, order_target_percent every session"
    )
    own, zipline = bench.own(SAMPLE), bench.zipline(SAMPLE)
    request = {"bundle": SAMPLE.name, "capital": CAPITAL, **bench.span}
    runs: dict[str, Callable[[], Answer]] = {}
    for label, script in ((FRAMES, "crossover"), (WINDOWS, "crossover_numpy")):
        for contender in filter(None, (own, zipline)):
            runs[f"{contender.name}, {label}"] = partial(contender.ask, script=script, **request)
    runs |= {name: contender.ask for name, contender in start_engines(bench).items()}
    answers = bench.rounds(runs)
    mine, yours = (f"rustybt, {FRAMES}", f"rustybt, {WINDOWS}"), (f"Zipline, {FRAMES}", f"Zipline, {WINDOWS}")
    for label, a, b, least in ((FRAMES, mine[0], yours[0], 6), (WINDOWS, mine[1], yours[1], 12)):
        if b in answers:
            case.figures.append(
                Figure(f"{label}, against Zipline", bench.faster(answers[b], answers[a]), "times", least)
            )
            case.figures.append(apart(label, answers[a], answers[b]))
    for name in ENGINES:
        if name in answers:
            ratio = bench.faster(answers[name], answers[mine[1]])
            case.figures.append(Figure(f"{WINDOWS}, against {name}", ratio, "times", 1))
    case.rows = bench.rows(answers)
    if any(name in answers for name in ENGINES):
        case.notes.append(
            "bt, pybroker, backtrader and nautilus run the same strategy on adjusted bars without Zipline's rules "
            "(volume limit, splits and dividends in the books, open orders over days)."
        )
    return case
