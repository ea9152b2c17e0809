"""On which bars do pipelines run? Seeded random walks with all that a bundle of stocks has, as arrays in one file.

The prices are SYNTHETIC. Some assets are listed late, some are delisted, some have gaps, splits or dividends. Runs
under either package's interpreter: the file is read by the ingest function that both are given.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

BUNDLE = "universe"
FIELDS = ("open", "high", "low", "close", "volume")
MILLI = 3  # decimals of a price: what Zipline's files keep
QUARTER = 63
LEAST_PRICE, MOST_PRICE = 1.0, 5_000.0


def write_universe(path: Path, sessions: pd.DatetimeIndex, n_assets: int, seed: int = 9) -> None:
    """Draw the bars of a universe, and write them.

    Parameters
    ----------
    path : Path
        Of the .npz file: the fields, NaN or 0 shares where there is no bar, and split and dividend, of shape (n_assets,
        n_sessions); first and last, the rows of each asset's first and last bar; sessions.
    sessions : pd.DatetimeIndex, shape (n_sessions,)
        Trading days.
    n_assets : int
        How many.
    seed : int
        Of the draws.
    """
    draw = np.random.default_rng(seed)
    n_sessions = len(sessions)
    first, last = lives(draw, n_assets, n_sessions)
    rows = np.arange(n_sessions)
    lives_on = (first[:, None] <= rows) & (rows <= last[:, None])
    inside = (first[:, None] < rows) & (rows < last[:, None])
    splits = happens(draw, inside, of_assets=0.15, each=1 / 750)
    gaps = happens(draw, inside, of_assets=0.1, each=0.02) & ~splits
    pays = some(draw, n_assets, 0.3)[:, None] & ((rows + draw.integers(QUARTER, size=(n_assets, 1))) % QUARTER == 0)
    pays &= inside & ~splits
    split = np.where(splits, draw.choice([0.25, 0.5, 2 / 3, 5.0], size=splits.shape), 1.0)
    bars = walks(draw, np.cumprod(split, axis=1))
    dividend = np.where(pays, np.round(0.005 * bars["close"], MILLI), 0.0)
    for name in FIELDS:
        bars[name][~lives_on | gaps] = 0.0 if name == "volume" else np.nan
    labels = sessions.to_numpy().astype("datetime64[ns]")
    np.savez(path, sessions=labels, first=first, last=last, split=split, dividend=dividend, **bars)


def some(draw: np.random.Generator, count: int, share: float) -> np.ndarray:
    """Choose a share of some assets, one at least."""
    return draw.permutation(count) < max(1, round(count * share))


def lives(draw: np.random.Generator, n_assets: int, n_sessions: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the rows of first and last bars: one asset in six comes late, one in six ends early."""
    first, last = np.zeros(n_assets, dtype=np.int64), np.full(n_assets, n_sessions - 1)
    late, ends = some(draw, n_assets, 1 / 6), some(draw, n_assets, 1 / 6)
    first[late] = draw.integers(1, n_sessions // 2, late.sum())
    last[ends] = draw.integers(n_sessions // 2 + 2, n_sessions - 1, ends.sum())
    return first, last


def happens(draw: np.random.Generator, inside: np.ndarray, of_assets: float, each: float) -> np.ndarray:
    """Say where something happens, to a share of the assets, with a probability each session."""
    return some(draw, len(inside), of_assets)[:, None] & (draw.random(inside.shape) < each) & inside


def walks(draw: np.random.Generator, splits: np.ndarray) -> dict[str, np.ndarray]:
    """Draw bars as they are traded, whose prices follow the splits so far and whose shares go against them."""
    shape = splits.shape
    usual = draw.uniform(0.008, 0.03, (shape[0], 1))
    moves = np.cumsum(draw.normal(0.0, usual, shape), axis=1) + draw.uniform(2.5, 5.0, (shape[0], 1))
    close = np.clip(np.exp(moves) * splits, LEAST_PRICE, MOST_PRICE)
    opened = close * np.exp(draw.normal(0.0, usual / 3, shape))
    high = np.maximum(opened, close) * np.exp(np.abs(draw.normal(0.0, usual / 3, shape)))
    low = np.minimum(opened, close) / np.exp(np.abs(draw.normal(0.0, usual / 3, shape)))
    shares = draw.lognormal(12.0, 1.5, (shape[0], 1)) * draw.lognormal(0.0, 0.5, shape) / splits
    prices = {"open": opened, "high": high, "low": low, "close": close}
    rounded = {name: np.round(values, MILLI) for name, values in prices.items()}
    return {**rounded, "volume": np.floor(np.clip(shares, 1.0, 1e9))}


def ingest_function(path: Path) -> Callable[..., None]:
    """Make an ingest function as a user's extension.py has one, that reads a universe."""

    def ingest(
        environ, asset_db_writer, minute_bar_writer, daily_bar_writer, adjustment_writer, calendar, start_session,
        end_session, cache, show_progress, output_dir,
    ):  # fmt: skip
        with np.load(path) as file:
            universe = dict(file)
        sessions = pd.DatetimeIndex(universe["sessions"])
        first, last = sessions[universe["first"]], sessions[universe["last"]]
        equities = {
            "symbol": [f"S{sid:05d}" for sid in range(len(first))],
            "start_date": first,
            "end_date": last,
            "auto_close_date": last + pd.Timedelta("1D"),
            "exchange": "NYSE",
        }
        exchanges = pd.DataFrame([{"exchange": "NYSE", "canonical_name": "NYSE", "country_code": "US"}])
        asset_db_writer.write(equities=pd.DataFrame(equities), exchanges=exchanges)
        daily_bar_writer.write(frames(universe, sessions))
        adjustment_writer.write(splits=splits(universe, sessions), dividends=dividends(universe, sessions))

    return ingest


def frames(universe: dict[str, np.ndarray], sessions: pd.DatetimeIndex) -> Iterator[tuple[int, pd.DataFrame]]:
    """Give each asset's bars, from its first to its last."""
    for sid, (first, last) in enumerate(zip(universe["first"].tolist(), universe["last"].tolist(), strict=True)):
        span = slice(first, last + 1)
        yield sid, pd.DataFrame({name: universe[name][sid, span] for name in FIELDS}, index=sessions[span])


def splits(universe: dict[str, np.ndarray], sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Give the adjustment writer's table of splits."""
    sids, rows = np.nonzero(universe["split"] != 1.0)
    return pd.DataFrame({"sid": sids, "effective_date": sessions[rows], "ratio": universe["split"][sids, rows]})


def dividends(universe: dict[str, np.ndarray], sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Give the adjustment writer's table of dividends."""
    sids, rows = np.nonzero(universe["dividend"])
    day: Any = sessions[rows]
    days = dict.fromkeys(("ex_date", "record_date", "declared_date", "pay_date"), day)
    return pd.DataFrame({"sid": sids, "amount": universe["dividend"][sids, rows], **days})
