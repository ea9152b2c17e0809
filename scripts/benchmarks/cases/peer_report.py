"""Does the engine keep the targets that a peer's report names for 10,000 bars, 100 positions and loading?"""

from functools import partial
from statistics import median

from scripts.benchmarks.bench import CAPITAL, MINUTE_CAPITAL, Bench
from scripts.benchmarks.bench_data import DataSet, symbols_of, write_walks
from scripts.benchmarks.cases.engine_only import engine_us
from scripts.benchmarks.measuring import Answer, Figure
from scripts.benchmarks.report import CaseReport

MINUTES = DataSet("minutes", "2019-10-01", "2019-11-07", symbols_of(1))
MINUTES_QUICK = DataSet("minutes", "2019-11-05", "2019-11-07", symbols_of(1))
MINUTES_A_SESSION = 390
DAYS = DataSet("days", "2004-11-01", "2024-09-16", symbols_of(2))
DAYS_QUICK = DataSet("days", "2019-01-02", "2019-12-31", symbols_of(2))
WIDE = DataSet("wide", "2018-01-02", "2019-12-31", symbols_of(100))
WIDE_QUICK = DataSet("wide", "2019-07-01", "2019-09-30", symbols_of(100))


def peer_report(bench: Bench) -> CaseReport:
    """Decide at 10,000 minute bars, hold 100 assets, and open 10,000 daily bars with and without derived arrays."""
    minutes = write_walks(bench.folder, bench.size(MINUTES, MINUTES_QUICK), minutes=True)
    days = write_walks(bench.folder, bench.size(DAYS, DAYS_QUICK))
    wide = write_walks(bench.folder, bench.size(WIDE, WIDE_QUICK))
    own = bench.own(minutes, wide)
    first = bench.size("2019-10-03", "2019-11-07")
    on_minutes = {"bundle": "minutes", "start": first, "end": minutes.last}
    on_minutes |= {"capital": MINUTE_CAPITAL, "frequency": "minute"}
    on_wide = {"bundle": "wide", "capital": CAPITAL, "start": wide.first, "end": wide.last, "user_time": True}
    loading = bench.start_own("rustybt", "on_loading", data_sets=[days])
    runs = {
        "10,000 bars": partial(own.ask, script="long_crossover", **on_minutes),
        "100 positions": partial(own.ask, script="hold_all", **on_wide),
        "load, from Parquet": partial(loading.ask, bundle="days", derived=False),
        "load, mapped arrays": partial(loading.ask, bundle="days", derived=True),
    }
    answers = bench.rounds(runs)
    case = CaseReport(
        "peer-report", "a crossover decided at 10,000 minute bars; 100 assets held; loading 10,000 daily bars"
    )
    case.rows = bench.rows(answers)
    case.figures = list(figures(bench, answers))
    return case


def figures(bench: Bench, answers: dict[str, list[Answer]]) -> list[Figure]:
    """Give what was measured beside the report's targets and its own numbers."""
    found = []
    if bars := answers.get("10,000 bars"):
        note = (
            f"{MINUTES_A_SESSION * bars[-1]['sessions']:,} minutes, each with a window and an order; it reached 0.85 s"
        )
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
