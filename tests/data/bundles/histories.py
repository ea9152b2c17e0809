"""Random histories of bars, and the ways in which a user may keep them."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from rustybt.constants import OHLCV
from rustybt.data import bundles

SESSIONS = pd.DatetimeIndex(
    [
        day
        for day in pd.bdate_range("2019-12-20", "2020-02-14")
        if str(day.date()) not in ("2019-12-25", "2020-01-01", "2020-01-20")
    ]
)


@st.composite
def histories(draw, most_symbols=3):
    """Draw bars by symbol, with holes, and some splits and dividends."""
    symbols = draw(
        st.lists(st.sampled_from(["A", "AB", "B.C", "ZZ", "Ü"]), min_size=1, max_size=most_symbols, unique=True)
    )
    return {symbol: draw(history()) for symbol in symbols}


@st.composite
def history(draw):
    """Draw the bars of one symbol."""
    rows = sorted(draw(st.sets(st.integers(0, len(SESSIONS) - 1), min_size=1, max_size=12)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    low = rng.uniform(1.0, 100.0, len(rows))
    high = low * rng.uniform(1.0, 1.1, len(rows))
    inner = rng.uniform(low, high, (2, len(rows)))
    frame = pd.DataFrame({"open": inner[0], "high": high, "low": low, "close": inner[1]}, index=SESSIONS[rows])
    frame["volume"] = rng.integers(0, 10**10, len(rows)).astype(float)
    frame["dividend"] = np.where(rng.random(len(rows)) < 0.2, rng.uniform(0.01, 0.5, len(rows)), 0.0)
    frame["split"] = np.where(rng.random(len(rows)) < 0.1, rng.choice([2.0, 3.0, 0.5], len(rows)), 1.0)
    frame.index.name = "date"
    return frame


MINUTES = pd.DatetimeIndex(
    [
        pd.Timestamp(day) + pd.Timedelta(hours=14, minutes=31 + 7 * step)
        for day in ("2020-01-02", "2020-01-03", "2020-01-31", "2020-02-03")
        for step in range(12)
    ]
)
"""Market minutes of two months; sessions of which some months and days have none."""


@st.composite
def minute_histories(draw, most_symbols=3):
    """Draw minute bars by symbol, with holes, and one split and dividend a session at most."""
    symbols = draw(st.lists(st.sampled_from(["A", "AB", "ZZ"]), min_size=1, max_size=most_symbols, unique=True))
    return {symbol: draw(minute_history()) for symbol in symbols}


@st.composite
def minute_history(draw):
    """Draw the minute bars of one symbol."""
    rows = sorted(draw(st.sets(st.integers(0, len(MINUTES) - 1), min_size=1, max_size=20)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    low = rng.uniform(1.0, 100.0, len(rows))
    high = low * rng.uniform(1.0, 1.1, len(rows))
    inner = rng.uniform(low, high, (2, len(rows)))
    frame = pd.DataFrame({"open": inner[0], "high": high, "low": low, "close": inner[1]}, index=MINUTES[rows])
    frame["volume"] = rng.integers(0, 10**6, len(rows)).astype(float)
    opens = ~frame.index.normalize().duplicated()
    frame["dividend"] = np.where(opens & (rng.random(len(rows)) < 0.3), rng.uniform(0.01, 0.5, len(rows)), 0.0)
    frame["split"] = np.where(opens & (rng.random(len(rows)) < 0.2), 2.0, 1.0)
    frame.index.name = "date"
    return frame


def write_csvs(folder, frames, rng):
    """Write a file a symbol, in any order of rows and columns, some of them packed."""
    (folder / "daily").mkdir(parents=True)
    for symbol, frame in frames.items():
        shuffled = frame.reset_index().sample(frac=1, random_state=rng)
        shuffled = shuffled[list(rng.permutation(shuffled.columns))]
        ending = rng.choice([".csv", ".csv.gz"])
        shuffled.to_csv(folder / "daily" / f"{symbol}{ending}", index=False)


def write_parquets(folder, frames, rng):
    """Write a file a symbol in Parquet."""
    (folder / "daily").mkdir(parents=True)
    for symbol, frame in frames.items():
        shuffled = frame.reset_index().sample(frac=1, random_state=rng)
        shuffled.to_parquet(
            folder / "daily" / f"{symbol}.parquet", compression=str(rng.choice(["zstd", "snappy", "none"]))
        )


def write_long(folder, frames, rng):
    """Write all symbols into one or more files, rows in any order, in row groups of any size."""
    folder.mkdir(parents=True)
    parts = [frame.reset_index().assign(ticker=symbol) for symbol, frame in frames.items()]
    table = pd.concat(parts, ignore_index=True).sample(frac=1, random_state=rng)
    for number, part in enumerate(np.array_split(np.arange(len(table)), int(rng.integers(1, 4)))):
        if len(part):
            table.iloc[part].to_parquet(
                folder / f"{number}.parquet",
                compression=str(rng.choice(["zstd", "gzip", "none"])),
                row_group_size=int(rng.integers(1, 20)),
            )


def ingested(name, kind, place, environ, **how):
    """Ingest and open a bundle."""
    if kind == "frames":
        bundles.ingest_frames(place, name, environ=environ, **how)
    else:
        bundles.ingest_files(kind, place, name, environ=environ, **how)
    return bundles.load(name, environ)


def split_in_two(frames, at):
    """Cut histories at a session: what was known then, and what came later."""
    before = {symbol: frame[frame.index < at] for symbol, frame in frames.items()}
    after = {symbol: frame[frame.index >= at] for symbol, frame in frames.items()}
    return ({symbol: frame for symbol, frame in part.items() if len(frame)} for part in (before, after))


def columns(frames):
    """Give frames with the columns that bars need."""
    return {symbol: frame[[*OHLCV, "dividend", "split"]] for symbol, frame in frames.items()}
