"""How fast is a universe of 8,000 symbols ingested, opened and read, and the sample's CSV files?

usage: python -m scripts.benchmarks.bench_bundles [--symbols N] [--sessions N] [--quick] [--output FILE]

Each step runs in a process of its own, whose peak memory is that of the step. "cold" means that the dense arrays are
not made yet. The exit code is 0 only where every limit is kept; --quick makes tiny data, and says only that it works.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from rustybt.calendars import get_calendar  # noqa: E402
from scripts.benchmarks.bench_data import SAMPLE, write_sample  # noqa: E402
from scripts.benchmarks.report import load_average, machine_of  # noqa: E402

NAME: Final = "universe"
ROWS_PER_FILE: Final = 2_520_000
ROWS_PER_GROUP: Final = 200_000
MB: Final = 1 << 20


class Limit(NamedTuple):
    """A figure that must not be passed, and its unit."""

    most: float
    unit: str


LIMITS: Final = {
    "ingest": Limit(60.0, "s"),
    "peak memory of the ingest": Limit(3000.0, "MB"),
    "open a version": Limit(0.3, "s"),
    "first close of all assets, cold": Limit(10.0, "s"),
    "60 sessions of close through the portal, warm": Limit(50.0, "ms"),
    "one asset's whole history, warm": Limit(10.0, "ms"),
    "the sample's CSV files, the whole command": Limit(1.5, "s"),
}


def write_universe(folder: Path, symbols: int, sessions: int) -> None:
    """Write long tables, some hundred symbols in each: random walks, rounded to cents."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True)
    calendar = get_calendar("XNYS")
    days = calendar.sessions_in_range("2010-01-04", "2024-12-31")[:sessions].to_numpy().astype("datetime64[D]")
    rng = np.random.default_rng(7)
    per_file = max(1, ROWS_PER_FILE // sessions)
    for number, first in enumerate(range(0, symbols, per_file)):
        names = [f"S{symbol:05d}" for symbol in range(first, min(symbols, first + per_file))]
        shape = (len(names), sessions)
        close = np.exp(np.cumsum(rng.normal(0.0, 0.015, shape), axis=1) + rng.uniform(2.0, 5.0, (len(names), 1)))
        opened = close * np.exp(rng.normal(0.0, 0.004, shape))
        high, low = np.maximum(opened, close) * 1.005, np.minimum(opened, close) * 0.995
        columns: dict[str, Any] = {
            "symbol": pa.array(np.repeat(names, sessions)).dictionary_encode(),
            "date": pa.array(np.tile(days, len(names))),
        }
        for name, values in (("open", opened), ("high", high), ("low", low), ("close", close)):
            columns[name] = np.round(values, 2).ravel()
        columns["volume"] = rng.integers(1_000, 10_000_000, shape).ravel().astype(float)
        pq.write_table(pa.table(columns), folder / f"{number:03d}.parquet", row_group_size=ROWS_PER_GROUP)


def ingest_universe(source: str) -> dict[str, float]:
    """Ingest the tables."""
    from rustybt.data.bundles import ingest_parquetdir

    began = time.perf_counter()
    ingest_parquetdir(source, NAME)
    return {"ingest": time.perf_counter() - began, "peak memory of the ingest": peak_mb()}


def read_universe(source: str) -> dict[str, float]:
    """Open the version and read it, first without dense arrays."""
    from rustybt.data.bundles import load
    from rustybt.data.history import daily_window
    from rustybt.data.portal import portal_of

    found: dict[str, float] = {}
    began = time.perf_counter()
    bundle = load(NAME)
    found["open a version"] = time.perf_counter() - began
    began = time.perf_counter()
    portal = portal_of(bundle)
    close = portal.array("close")
    float(close[-1].sum())
    found["first close of all assets, cold"] = time.perf_counter() - began
    assets = bundle.asset_finder.equities
    last, bars = len(close) - 1, min(60, len(close))
    window = fastest(lambda: daily_window(portal, assets, last, bars, "close"))
    found["60 sessions of close through the portal, warm"] = 1e3 * window
    history = fastest(lambda: np.array(close[:, len(assets) // 2]))
    found["one asset's whole history, warm"] = 1e3 * history
    return found


def fastest(run: Callable[[], object], times: int = 5) -> float:
    """Give the shortest of some times, after one that does not count."""
    run()
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def ingest_sample_csvs(source: str) -> dict[str, float]:
    """Run the whole command over the sample's CSV files, and beside it what pandas takes to read them."""
    command = [
        sys.executable,
        "-m",
        "rustybt",
        "ingest",
        "csvdir",
        source,
        "--name",
        "sample-csvs",
        "--no-show-progress",
    ]
    times = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    files = sorted(Path(source, "daily").iterdir())
    began = time.perf_counter()
    for file in files:
        pd.read_csv(file)
    return {
        "the sample's CSV files, the whole command": min(times),
        "pandas.read_csv of the same files": time.perf_counter() - began,
    }


STEPS: Final = {"ingest": ingest_universe, "read": read_universe, "csvs": ingest_sample_csvs}


def peak_mb() -> float:
    """Give the most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB


def run_step(name: str, source: Path, root: str) -> dict[str, float]:
    """Run a step in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.benchmarks.bench_bundles", "--step", name, str(source)],
        env={**os.environ, "RUSTYBT_ROOT": root, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(given: Sequence[str] | None = None) -> int:
    """Make the data, measure, and hold the figures to their limits."""
    parser = argparse.ArgumentParser(
        prog="bench_bundles", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--symbols", type=int, default=8000)
    parser.add_argument("--sessions", type=int, default=2520)
    parser.add_argument("--quick", action="store_true", help="tiny data: whether it works")
    parser.add_argument("--output", type=Path, help="write the table there")
    parser.add_argument("--step", nargs=2, metavar=("NAME", "SOURCE"), help=argparse.SUPPRESS)
    options = parser.parse_args(given)
    if options.step is not None:
        name, source = options.step
        print(json.dumps(STEPS[name](source)), flush=True)
        return 0
    symbols, sessions = (40, 60) if options.quick else (options.symbols, options.sessions)
    machine = machine_of({})
    lines = [
        f"{machine['machine']}, {machine['python']}, load average {load_average()}; "
        f"{symbols:,} symbols of {sessions:,} sessions, {symbols * sessions:,} rows",
        "",
        "| Step | Took | Limit | |",
        "|---|---|---|---|",
    ]
    missed = False
    with tempfile.TemporaryDirectory(prefix="bundles-") as folder:
        root, source, csvs = f"{folder}/root", Path(folder, "source"), Path(folder, "csvs")
        write_universe(source, symbols, sessions)
        write_sample(csvs)
        for step, where in (("ingest", source), ("read", source), ("csvs", csvs / SAMPLE.name)):
            for words, value in run_step(step, where, root).items():
                limit = LIMITS.get(words)
                missed |= limit is not None and value > limit.most
                lines.append(row_of(words, value, limit))
                print(lines[-1], file=sys.stderr, flush=True)
    print("\n".join(lines))
    if options.output is not None:
        options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(missed and not options.quick)


def row_of(words: str, value: float, limit: Limit | None) -> str:
    """Write a figure's row of the table."""
    if limit is None:
        return f"| {words} | {value:.3g} s | | |"
    verdict = "holds" if value <= limit.most else "missed"
    return f"| {words} | {value:.3g} {limit.unit} | {limit.most:g} {limit.unit} | {verdict} |"


if __name__ == "__main__":
    sys.exit(main())
