"""Bundles on which layers have something to do: many assets with dividends, and minutes."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from rustybt.calendars import session_table
from rustybt.data import bundles
from rustybt.data.store import BundleData
from scripts.benchmarks.optimizer.memory import walk

FIRST, LAST = "2021-01-04", "2023-12-29"
MINUTES_FIRST, MINUTES_LAST = "2023-01-03", "2023-01-31"
QUARTER: Final = 63
"""Sessions between two dividends of an asset; each asset has its own days."""


def ingest_dividends(name: str, assets: int) -> BundleData:
    """Make a bundle of daily random walks, each of which pays a dividend every quarter.

    Parameters
    ----------
    name : str
        Of the bundle.
    assets : int
        How many: with 63 or more some asset has an event every day.

    Returns
    -------
    BundleData
    """
    sessions = sessions_of(FIRST, LAST)
    days = [(sid, row) for sid in range(assets) for row in range(1 + sid % QUARTER, len(sessions) - 1, QUARTER)]
    dividends = pd.DataFrame(
        {
            "sid": [sid for sid, _ in days],
            "amount": 0.1,
            **{name: [sessions[row] for _, row in days] for name in ("ex_date", "record_date", "declared_date")},
            "pay_date": [sessions[row + 1] for _, row in days],
        }
    )
    draw = np.random.default_rng(5)
    bars = ((sid, walk(draw, sessions)) for sid in range(assets))
    return ingested(name, sessions, assets, daily=bars, dividends=dividends)


def ingest_minutes(name: str, assets: int) -> BundleData:
    """Make a bundle of a month of minute bars of random walks."""
    sessions = sessions_of(MINUTES_FIRST, MINUTES_LAST)
    table = session_table("XNYS", sessions[0], sessions[-1])
    labels = [
        pd.date_range(pd.Timestamp(first), pd.Timestamp(last), freq="min")
        for first, last in zip(table.open_ns.tolist(), table.close_ns.tolist(), strict=True)
    ]
    minutes = labels[0].append(labels[1:])[1:]
    draw = np.random.default_rng(6)
    bars = [(sid, walk(draw, minutes)) for sid in range(assets)]
    daily = [(sid, frame.resample("D").last().reindex(sessions)) for sid, frame in bars]
    return ingested(name, sessions, assets, daily=iter(daily), minute=iter(bars))


def sessions_of(first: str, last: str) -> pd.DatetimeIndex:
    """Give the sessions of a span."""
    table = session_table("XNYS", pd.Timestamp(first), pd.Timestamp(last))
    return pd.DatetimeIndex(table.session_ns.view("datetime64[ns]"))


def ingested(
    name: str,
    sessions: pd.DatetimeIndex,
    assets: int,
    *,
    daily: Iterator[tuple[int, pd.DataFrame]],
    minute: Iterator[tuple[int, pd.DataFrame]] | None = None,
    dividends: pd.DataFrame | None = None,
) -> BundleData:
    """Ingest bars that are at hand."""

    def ingest(
        environ: Any, asset_db_writer: Any, minute_bar_writer: Any, daily_bar_writer: Any, adjustment_writer: Any,
        calendar: Any, start_session: Any, end_session: Any, cache: Any, show_progress: Any, output_dir: Any,
    ) -> None:  # fmt: skip
        names = [f"S{number:04d}" for number in range(assets)]
        equities = {"symbol": names, "asset_name": names, "start_date": sessions[0], "end_date": sessions[-1]}
        equities |= {"auto_close_date": sessions[-1] + pd.Timedelta(days=1), "exchange": "NYSE"}
        asset_db_writer.write(
            equities=pd.DataFrame(equities),
            exchanges=pd.DataFrame([{"exchange": "NYSE", "canonical_name": "NYSE", "country_code": "US"}]),
        )
        daily_bar_writer.write(daily)
        if minute is not None:
            minute_bar_writer.write(minute)
        adjustment_writer.write(dividends=dividends)

    bundles.register(name, ingest, calendar_name="XNYS", start_session=sessions[0], end_session=sessions[-1])
    try:
        bundles.ingest(name, show_progress=False)
    finally:
        bundles.unregister(name)
    return bundles.load(name)
