"""Bundles of minute bars made in a test, by the writers that a user's ingest function gets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rustybt.data import bundles
from rustybt.data.store import BundleData
from tests.oracles.minute_bars import labels_by_session

Frames = Mapping[str, pd.DataFrame | Sequence[pd.DataFrame]]


def minutes_of(first: str, last: str | None = None, calendar: str = "XNYS") -> pd.DatetimeIndex:
    """Give the labels of all minutes from one session to another, tz-naive UTC."""
    return pd.DatetimeIndex(labels_by_session(calendar, first, last or first).index)


def minute_bars(labels: pd.DatetimeIndex, seed: int = 0) -> pd.DataFrame:
    """Draw a bar for each label, with prices of more than three decimals."""
    draw = np.random.default_rng(seed)
    opens, closes = np.exp(draw.normal(3, 1, (2, len(labels))))
    spread = np.exp(draw.normal(-2, 1, (2, len(labels))))
    return pd.DataFrame(
        {
            "open": opens,
            "high": np.maximum(opens, closes) + spread[0],
            "low": np.maximum(np.minimum(opens, closes) - spread[1], 0.0001),
            "close": closes,
            "volume": draw.integers(0, 4, len(labels)) * 100.0,
        },
        index=labels,
    )


def make_minute_bundle(
    minutes: Frames,
    *,
    daily: Mapping[str, pd.DataFrame] | None = None,
    name: str = "minute-made",
    calendar: str = "XNYS",
    sids: Mapping[str, int] | None = None,
    in_rounds: bool = False,
    dividends: pd.DataFrame | None = None,
    splits: pd.DataFrame | None = None,
    assets: Iterable[str] = (),
    **options: Any,
) -> BundleData:
    """Ingest frames and open the result.

    A symbol may have several frames; `in_rounds` writes the first of each symbol, then the second of each, and so on.
    """
    pieces = {symbol: [given] if isinstance(given, pd.DataFrame) else list(given) for symbol, given in minutes.items()}
    symbols = sorted({*pieces, *(daily or {}), *assets})
    number = sids or {symbol: sid for sid, symbol in enumerate(symbols)}

    def ingest(environ, asset_writer, minute_writer, daily_writer, adjustment_writer, *rest):
        rows = {number[symbol]: {"symbol": symbol, "exchange": "NYSE", "end_date": "2030-01-02"} for symbol in symbols}
        asset_writer.write(equities=pd.DataFrame.from_dict(rows, orient="index"))
        if in_rounds:
            for turn in range(max(map(len, pieces.values()))):
                minute_writer.write((number[s], frames[turn]) for s, frames in pieces.items() if turn < len(frames))
        else:
            minute_writer.write((number[symbol], frame) for symbol, frames in pieces.items() for frame in frames)
        daily_writer.write((number[symbol], frame) for symbol, frame in (daily or {}).items())
        adjustment_writer.write(splits=splits, dividends=dividends)

    bundles.register(name, ingest, calendar, **options)
    try:
        bundles.ingest(name)
    finally:
        bundles.unregister(name)
    return bundles.load(name)
