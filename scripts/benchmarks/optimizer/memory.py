"""How much memory do eight workers take on a large bundle? PSS, which counts a shared page once."""

from pathlib import Path

import numpy as np
import pandas as pd

from rustybt import Optimizer
from rustybt.calendars import session_table
from rustybt.data import bundles
from rustybt.data.store import BundleData
from rustybt.optimization import GridSearch, PersistentWorkerPool
from scripts.benchmarks.measuring import Figure
from scripts.benchmarks.optimizer.strategies import Toucher
from scripts.benchmarks.report import CaseReport

WORKERS = 8
MOST_GB = 1.3
ASSETS, QUICK_ASSETS = 4_200, 60
FIRST, LAST = "2000-01-03", "2024-12-31"
NAME = "large"


def ingest_large(assets: int) -> BundleData:
    """Make a bundle of random walks: five fields of so many assets over 25 years, 0.25 MB an asset."""
    table = session_table("XNYS", pd.Timestamp(FIRST), pd.Timestamp(LAST))
    sessions = pd.DatetimeIndex(table.session_ns.view("datetime64[ns]"))
    draw = np.random.default_rng(4)

    def ingest(
        environ, asset_db_writer, minute_bar_writer, daily_bar_writer, adjustment_writer, calendar, start_session,
        end_session, cache, show_progress, output_dir,
    ):  # fmt: skip
        names = [f"S{number:05d}" for number in range(assets)]
        asset_db_writer.write(
            equities=pd.DataFrame(
                {
                    "symbol": names,
                    "asset_name": names,
                    "start_date": sessions[0],
                    "end_date": sessions[-1],
                    "auto_close_date": sessions[-1] + pd.Timedelta(days=1),
                    "exchange": "NYSE",
                }
            ),
            exchanges=pd.DataFrame([{"exchange": "NYSE", "canonical_name": "NYSE", "country_code": "US"}]),
        )
        daily_bar_writer.write((sid, walk(draw, sessions)) for sid in range(assets))
        adjustment_writer.write()

    bundles.register(NAME, ingest, calendar_name="XNYS", start_session=sessions[0], end_session=sessions[-1])
    try:
        bundles.ingest(NAME, show_progress=False)
    finally:
        bundles.unregister(NAME)
    return bundles.load(NAME)


def walk(draw: np.random.Generator, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Draw an asset's bars, all prices of a day the same."""
    prices = np.round(np.clip(50 * np.exp(np.cumsum(draw.normal(0, 0.01, len(sessions)))), 1, 9_000), 2)
    return pd.DataFrame({**dict.fromkeys(("open", "high", "low", "close"), prices), "volume": 1e6}, index=sessions)


def pss_after(bundle: str | BundleData) -> int:
    """Give the workers' PSS after each of them read all of a bundle, in bytes."""
    with PersistentWorkerPool(WORKERS) as pool:
        search = GridSearch(f"part < {2 * WORKERS}")
        Optimizer(Toucher, bundle=bundle, search=search, pool=pool, result_cache=False, objective="ending_value").run()
        return pool.context.memory().pss


def run(quick: bool, repeats: int) -> CaseReport:
    """Let eight workers read all of a bundle; what they take on the small sample is the interpreters' own."""
    report = CaseReport("memory", f"{WORKERS} workers that read a whole bundle, PSS of all")
    data = ingest_large(QUICK_ASSETS if quick else ASSETS)
    own, first, taken = pss_after("mag-7"), pss_after(data), pss_after(data)
    read = sum(path.stat().st_size for path in arrays_of(data) if path.name.startswith("reported_"))
    report.figures.append(Figure("the arrays that are read", read / 1e9, "GB"))
    report.figures.append(Figure("interpreters' own", own / 1e9, "GB"))
    beyond = "beyond the interpreters' own"
    report.figures.append(Figure(beyond, (taken - own) / 1e9, "GB", at_most=MOST_GB))
    note = "in the first run on a new version, where a worker makes the arrays from Parquet"
    report.figures.append(Figure(beyond, (first - own) / 1e9, "GB", note=note))
    return report


def arrays_of(data: BundleData) -> list[Path]:
    """List the files of a bundle's dense arrays."""
    return [path for path in (Path(data.root) / "cache").rglob("*") if path.is_file()]
