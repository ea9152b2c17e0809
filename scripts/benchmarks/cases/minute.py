"""How fast is minute mode, against Zipline, and for a strategy that looks at twenty assets each minute?"""

from functools import partial
from statistics import median
from typing import NamedTuple

from scripts.benchmarks.bench import MINUTE_CAPITAL, Bench
from scripts.benchmarks.bench_data import DataSet, symbols_of, write_walks
from scripts.benchmarks.measuring import Figure, apart
from scripts.benchmarks.report import CaseReport

THREE = DataSet("three", "2019-10-31", "2019-11-27", symbols_of(3))
THREE_QUICK = DataSet("three", "2019-11-25", "2019-11-27", symbols_of(3))
TWENTY = DataSet("twenty", "2019-11-15", "2019-11-22", symbols_of(20))
TWENTY_QUICK = DataSet("twenty", "2019-11-21", "2019-11-22", symbols_of(4))
RUNS = 3
MINUTES = {"capital": MINUTE_CAPITAL, "frequency": "minute"}


class Script(NamedTuple):
    """What both packages run: its file, its name in tables, the target, and capital over the usual."""

    name: str
    label: str
    at_least: float | None
    capital: float = 1.0


SCRIPTS = (
    Script("minute_look", "one price a minute", 5),
    Script("minute_orders", "orders and windows every minute", 10),
    # What order_target_percent orders again before it is filled: hundreds of open orders, which no target is set for.
    Script("minute_orders", "the same, too large to fill", None, 30.0),
)


def minute(bench: Bench) -> CaseReport:
    """Compare scripts with Zipline, and run a volume breakout three times."""
    three = write_walks(bench.folder, bench.size(THREE, THREE_QUICK), minutes=True)
    days = "2019-11-01" if not bench.options.quick else "2019-11-26"
    case = CaseReport("minute", f"3 assets, {days} to {three.last}, bars of minutes")
    request = {"bundle": "three", "start": days, "end": three.last, **MINUTES}
    contenders = [contender for contender in (bench.own(three), bench.zipline(three)) if contender is not None]
    runs = {
        f"{c.name}, {s.label}": partial(c.ask, script=s.name, **{**request, "capital": s.capital * MINUTE_CAPITAL})
        for s in SCRIPTS
        for c in contenders
    }
    answers = bench.rounds(runs)
    case.rows = bench.rows(answers)
    for _, label, least, _ in SCRIPTS:
        mine, theirs = answers.get(f"rustybt, {label}"), answers.get(f"Zipline, {label}")
        if mine and theirs:
            case.figures.append(Figure(f"{label}, against Zipline", bench.faster(theirs, mine), "times", least))
            case.figures.append(apart(label, mine, theirs))
    breakout(bench, case)
    return case


def breakout(bench: Bench, case: CaseReport) -> None:
    """Run the volume breakout as often as identity has to be shown, in two processes."""
    twenty = write_walks(bench.folder, bench.size(TWENTY, TWENTY_QUICK), minutes=True)
    start = bench.size("2019-11-18", "2019-11-22")
    request = {"bundle": "twenty", "start": start, "end": twenty.last, **MINUTES}
    first, second = bench.own(twenty), bench.own(twenty)
    log = {"assets": len(twenty.symbols)}
    runs = {
        f"volume breakout, process {turn}": partial(contender.ask, script="volume_breakout", log=log, **request)
        for turn, contender in enumerate((first, second), 1)
    }
    answers = bench.rounds(runs, max(RUNS, bench.repeats))
    got = [answer for each in answers.values() for answer in each]
    if not got:
        return
    label = f"{len(twenty.symbols)} assets, volume breakout over {start} to {twenty.last}"
    case.figures.append(Figure(label, median(bench.seconds(got)), "s", at_most=5.0, note="target: seconds"))
    identical = len({answer["digest"] for answer in got}) == 1
    fills = got[-1]["fills"]
    note = f"{len(got)} runs in two processes, {fills} fills each"
    case.figures.append(Figure("runs that differ in any bit", 0.0 if identical else 1.0, "", at_most=0.0, note=note))
    case.rows += bench.rows(answers)
