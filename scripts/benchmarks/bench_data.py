"""On which bars do the contenders run? The embedded sample, and seeded random walks where it has none, as csvdirs.

The prices are SYNTHETIC. Zipline and this project ingest the CSV files with splits, dividends and pay dates; the others
know no corporate actions and get `adjusted.npz`, the same bars adjusted backwards for both.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from rustybt.calendars import session_table
from rustybt.data.bundles.sample import SAMPLE_FILE
from scripts.parity.data_sets import MAG7

CALENDAR = "XNYS"
NS_PER_MINUTE = 60_000_000_000
MAG7_FIRST, MAG7_LAST = "2000-01-03", "2024-12-31"
PRICES = ("open", "high", "low", "close")
MILLI = 3  # decimals of a price: what Zipline's files keep


class DataSet(NamedTuple):
    """A csvdir below the bench's folder."""

    name: str
    first: str
    last: str
    symbols: tuple[str, ...]


SAMPLE = DataSet("mag7", MAG7_FIRST, MAG7_LAST, MAG7)


def write_sample(folder: Path) -> DataSet:
    """Write the embedded sample as CSV files, and adjusted as arrays.

    Parameters
    ----------
    folder : Path
        The bench's; gets mag7/daily/*.csv and mag7/adjusted.npz.

    Returns
    -------
    DataSet
    """
    daily = folder / SAMPLE.name / "daily"
    daily.mkdir(parents=True)
    frames = {}
    for symbol, rows in pd.read_parquet(SAMPLE_FILE).groupby("symbol"):
        frames[symbol] = rows.drop(columns="symbol").set_index("date")
        frames[symbol].to_csv(daily / f"{symbol}.csv")
    adjusted = {symbol: adjusted_bars(frame) for symbol, frame in frames.items()}
    sessions = sorted(set().union(*(frame.index for frame in frames.values())))
    arrays = {
        field: np.column_stack([frame[field].reindex(sessions).to_numpy(float) for frame in adjusted.values()])
        for field in (*PRICES, "volume")
    }
    np.savez(
        folder / SAMPLE.name / "adjusted.npz",
        sessions=np.array(sessions, dtype="datetime64[ns]"),
        symbols=np.array(list(adjusted)),
        **arrays,
    )
    return SAMPLE


def adjusted_bars(frame: pd.DataFrame) -> pd.DataFrame:
    """Adjust bars backwards: rows before a split are divided by it, rows before a dividend lose its share of the price.

    Parameters
    ----------
    frame : pd.DataFrame
        open, high, low, close, volume, dividend, split by session, as traded.

    Returns
    -------
    pd.DataFrame
        open, high, low, close, volume; those of the last session are as traded.
    """
    split = 1.0 / frame["split"].to_numpy(float)
    before = frame["close"].shift().to_numpy(float)
    dividend = frame["dividend"].to_numpy(float)
    paid = np.where(dividend > 0, 1.0 - dividend / np.where(np.isfinite(before), before, np.inf), 1.0)
    prices, shares = later_product(split * paid), later_product(split)
    out = {field: frame[field].to_numpy(float) * prices for field in PRICES}
    return pd.DataFrame({**out, "volume": frame["volume"].to_numpy(float) / shares}, index=frame.index)


def later_product(factors: np.ndarray) -> np.ndarray:
    """Give for each row the product of all factors after it."""
    product = np.cumprod(factors[::-1])[::-1]
    return np.append(product[1:], 1.0)


def symbols_of(count: int) -> tuple[str, ...]:
    """Name made-up assets in alphabetical order."""
    return tuple(f"S{number:03d}" for number in range(count))


def write_walks(folder: Path, data_set: DataSet, *, minutes: bool = False, seed: int = 4) -> DataSet:
    """Write random walks as a csvdir, with daily bars, and minute bars that agree with them where asked for.

    Parameters
    ----------
    folder : Path
        The bench's; gets <name>/daily/*.csv and <name>/minute/*.csv.
    data_set : DataSet
        What to write.
    minutes : bool
        Draw a bar a minute, and make the daily bars of them.
    seed : int
        Of the draws.

    Returns
    -------
    DataSet
        The one given.
    """
    draw = np.random.default_rng(seed)
    table = session_table(CALENDAR, pd.Timestamp(data_set.first), pd.Timestamp(data_set.last))
    sessions = pd.DatetimeIndex(table.session_ns.view("datetime64[ns]"), name="date")
    spans = [
        np.arange(first, last + 1, NS_PER_MINUTE) for first, last in zip(table.open_ns, table.close_ns, strict=True)
    ]
    labels = np.concatenate(spans)
    of_session = np.repeat(np.arange(len(sessions)), [len(span) for span in spans])
    for symbol in data_set.symbols:
        if minutes:
            bars = walk(draw, len(labels), 0.0006, 30_000)
            frame = pd.DataFrame(bars, index=pd.DatetimeIndex(labels.view("datetime64[ns]"), name="date"))
            save(frame, folder / data_set.name / "minute" / f"{symbol}.csv")
            rules = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
            days = frame.groupby(of_session).agg(rules).set_index(sessions)
        else:
            days = pd.DataFrame(walk(draw, len(sessions), 0.012, 2_000_000), index=sessions)
        save(days, folder / data_set.name / "daily" / f"{symbol}.csv")
    return data_set


def walk(draw: np.random.Generator, rows: int, volatility: float, volume: int) -> dict[str, np.ndarray]:
    """Draw the bars of one asset; one volume in fifty is several times the usual."""
    closes = np.clip(60 * np.exp(np.cumsum(draw.normal(0, volatility, rows))), 5, 5_000)
    opens = np.append(closes[0], closes[:-1]) * np.exp(draw.normal(0, volatility / 4, rows))
    reach = np.exp(np.abs(draw.normal(0, volatility / 2, (2, rows))))
    highs, lows = np.maximum(opens, closes) * reach[0], np.minimum(opens, closes) / reach[1]
    usual = draw.gamma(4, volume / 4, rows) * np.where(draw.random(rows) < 0.02, draw.uniform(2, 6, rows), 1.0)
    prices = (np.round(values, MILLI) for values in (opens, highs, lows, closes))
    return {**dict(zip(PRICES, prices, strict=True)), "volume": np.floor(usual) + 1}


def save(frame: pd.DataFrame, path: Path) -> None:
    """Write one symbol's CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, float_format="%.3f")
