"""Does the engine keep the targets that a peer's report names for 10,000 bars, 100 positions and loading?"""

import sys
from functools import partial
from pathlib import Path
from statistics import median

from scripts.benchmarks.bench import CAPITAL, Bench
from scripts.benchmarks.bench_data import DataSet, symbols_of, write_walks
from scripts.benchmarks.cases.engine_only import engine_us
from scripts.benchmarks.measuring import Answer, Figure
from scripts.benchmarks.report import CaseReport

LONG = DataSet("long", "1985-01-02", "2024-09-06", symbols_of(1))
LONG_QUICK = DataSet("long", "2019-01-02", "2019-12-31", symbols_of(1))
WIDE = DataSet("wide", "2018-01-02", "2019-12-31", symbols_of(100))
WIDE_QUICK = DataSet("wide", "2019-07-01", "2019-09-30", symbols_of(100))
WARM = 50


def peer_report(bench: Bench) -> CaseReport:
    """Run 10,000 daily bars of one asset, hold 100 assets, and open the 10,000 bars with and without derived arrays."""
    long = write_walks(bench.folder, bench.size(LONG, LONG_QUICK))
    wide = write_walks(bench.folder, bench.size(WIDE, WIDE_QUICK))
    own = bench.own(long, wide)
    first = bench.size("1985-03-18", "2019-04-01")
    on_long = {"bundle": "long", "capital": CAPITAL, "start": first, "end": long.last}
    on_wide = {"bundle": "wide", "capital": CAPITAL, "start": wide.first, "end": wide.last, "user_time": True}
    loading = bench.start("rustybt", Path(sys.executable), "on_loading", (), data_sets=[long])
    runs = {
        "10,000 bars": partial(own.ask, script="long_crossover", **on_long),
        "100 positions": partial(own.ask, script="hold_all", **on_wide),
    }
    if loading is not None:
        runs |= {
            "load, from Parquet": partial(loading.ask, bundle="long", derived=False),
            "load, mapped arrays": partial(loading.ask, bundle="long", derived=True),
        }
    answers = bench.rounds(runs)
    case = CaseReport("peer-report", "10,000 daily bars of one asset with a crossover; 100 assets held; loading")
    case.rows = bench.rows(answers)
    case.figures = list(figures(bench, answers))
    return case


def figures(bench: Bench, answers: dict[str, list[Answer]]) -> list[Figure]:
    """Give what was measured beside the report's targets and its own numbers."""
    found = []
    if bars := answers.get("10,000 bars"):
        note = f"{bars[-1]['sessions']:,} sessions; the report reached 0.85 s"
        found.append(Figure("10,000 bars", median(bench.seconds(bars)), "s", at_most=5.0, note=note))
    if held := answers.get("100 positions"):
        note = "a session: revaluation, ledger, perf frame; the report reached 8.2 ms"
        value = median(map(engine_us, held)) / 1e3
        found.append(Figure("update of 100 positions", value, "ms", at_most=10.0, note=note))
    for name in ("load, from Parquet", "load, mapped arrays"):
        if loaded := answers.get(name):
            value = 1e3 * median(bench.seconds(loaded))
            note = f"{loaded[-1]['bars']:,} bars, five fields; the report reached 85 ms"
            found.append(Figure(f"10,000 bars: {name}", value, "ms", at_most=100.0, note=note))
    return found
