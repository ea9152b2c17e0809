"""What does the engine itself cost: a session in which nothing is done, an order with its fill, a price, a window?"""

from functools import partial
from statistics import median

from scripts.benchmarks.bench import CAPITAL, Bench
from scripts.benchmarks.bench_data import SAMPLE
from scripts.benchmarks.measuring import Answer, Figure
from scripts.benchmarks.report import CaseReport

SPAN = {"start": "2012-06-01", "end": "2024-12-31"}  # all eight are listed
QUICK = {"start": "2012-06-01", "end": "2012-08-31"}
SCRIPTS = ("idle", "orders", "reads")


def engine_us(answer: Answer) -> float:
    """Give the microseconds a session that are not the user's lines, perf frame included."""
    return 1e6 * (answer["seconds"] - answer["log"]["user_seconds"]) / answer["sessions"]


def order_us(idle: Answer, orders: Answer) -> float:
    """Give what an order with its fill adds to a run."""
    return 1e6 * (orders["seconds"] - idle["seconds"]) / (orders["fills"] - idle["fills"])


def read_us(answer: Answer) -> float:
    """Give the microseconds of one `data.current`."""
    return 1e6 * (answer["log"]["price"] - answer["log"]["nothing"]) / 8


def window_ratio(answer: Answer) -> float:
    """Give the time of a window as a frame over that of the DataFrame alone."""
    return answer["log"]["history"] / answer["log"]["slice"]


def engine_only(bench: Bench) -> CaseReport:
    """Run scripts that do one thing each; all times are by the wall clock, single calls are too short for another."""
    case = CaseReport("engine-only", "total less the user's lines, with 8 assets held, perf frame included")
    request = {"bundle": SAMPLE.name, "capital": CAPITAL, "user_time": True, **bench.size(SPAN, QUICK)}
    contenders = [contender for contender in (bench.own(SAMPLE), bench.zipline(SAMPLE)) if contender is not None]
    runs = {f"{c.name}, {s}": partial(c.ask, script=s, **request) for s in SCRIPTS for c in contenders}
    answers = bench.rounds(runs)
    case.rows = bench.rows(answers)
    for name in (contender.name for contender in contenders):
        if all(f"{name}, {script}" in answers for script in SCRIPTS):
            case.figures += costs(name, *(answers[f"{name}, {script}"] for script in SCRIPTS))
    if len(contenders) == 2 and "Zipline, idle" in answers:
        rounds = zip(answers["Zipline, idle"], answers["rustybt, idle"], strict=True)
        ratio = median(engine_us(theirs) / engine_us(mine) for theirs, mine in rounds)
        case.figures.insert(0, Figure("a session in which nothing is done, against Zipline", ratio, "times", 30))
    return case


def costs(name: str, idle: list[Answer], orders: list[Answer], reads: list[Answer]) -> list[Figure]:
    """Give a package's figures; only this project's have targets."""
    targets: list[dict[str, float]] = [{"at_most": 15.0}, {"at_most": 1.0}, {"at_most": 2.0}]
    aim = targets if name == "rustybt" else [{}, {}, {}]
    window = 1e6 * median(answer["log"]["history"] for answer in reads)
    return [
        Figure(f"{name}: a session in which nothing is done", median(map(engine_us, idle)), "µs"),
        Figure(
            f"{name}: an order_target_percent with its fill",
            median(order_us(a, b) for a, b in zip(idle, orders, strict=True)),
            "µs",
            **aim[0],
        ),
        Figure(f"{name}: data.current(asset, 'price')", median(map(read_us, reads)), "µs", **aim[1]),
        Figure(
            f"{name}: data.history(8 assets, 'close', 50, '1d') over its DataFrame alone",
            median(map(window_ratio, reads)),
            "times",
            **aim[2],
            note=f"{window:.1f} µs",
        ),
    ]
