"""What were the daily bars, where only minutes are known? Open first, high max, low min, close last, volume sum."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray, FloatArray, IntArray
from rustybt.constants import OHLCV
from rustybt.data.bundles.minute_writer import AssetMinutes
from rustybt.data.market_minutes import MarketMinutes, session_rows

_ROWS_PER_BLOCK: Final = 1_000_000


def daily_frames(
    files: Sequence[Path], assets: Mapping[int, AssetMinutes], market: MarketMinutes
) -> Iterator[tuple[int, pd.DataFrame]]:
    """Make daily bars of stored minute bars.

    Parameters
    ----------
    files : sequence of Path
        The Parquet files of all months.
    assets : mapping of int to AssetMinutes
        What they hold, by sid.
    market : MarketMinutes
        The sessions that may have bars.

    Yields
    ------
    int
        A sid, ascending.
    DataFrame
        Its daily bars by session label; what `DailyBarWriter.write` takes.
    """
    for sids, label_ns, values in _blocks(files, assets):
        for sid in np.unique(sids).tolist():
            rows = slice(*np.searchsorted(sids, [sid, sid + 1]).tolist())
            sessions, bars = bars_of_sessions(session_rows(market, label_ns[rows]), values[:, rows])
            index = pd.DatetimeIndex(market.sessions.session_ns[sessions].view("datetime64[ns]"))
            yield sid, pd.DataFrame(dict(zip(OHLCV, bars, strict=True)), index=index)


def bars_of_sessions(rows: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray]:
    """Join the minute bars of each session into one bar.

    Parameters
    ----------
    rows : int64 array, shape (n,)
        The session of each minute, ascending; at least one.
    values : float64 array, shape (5, n)
        Open, high, low, close, volume of each minute; a price that is NaN is passed over.

    Returns
    -------
    rows : int64 array, shape (m,)
        Each session once.
    values : float64 array, shape (5, m)
        A price is NaN where no minute of the session has one.

    Examples
    --------
    >>> minutes = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [2.0, 3.0], [10.0, 20.0]])
    >>> rows, bars = bars_of_sessions(np.array([7, 7]), minutes)
    >>> rows.tolist(), bars[:, 0].tolist()
    ([7], [1.0, 4.0, 1.0, 3.0, 30.0])
    """
    begin = np.flatnonzero(np.diff(rows, prepend=rows[:1] - 1))
    opens, high, low, closes, volume = values
    bars = (
        _picked(opens, np.minimum.reduceat(np.where(np.isnan(opens), len(rows), np.arange(len(rows))), begin)),
        np.fmax.reduceat(high, begin),
        np.fmin.reduceat(low, begin),
        _picked(closes, np.maximum.reduceat(np.where(np.isnan(closes), -1, np.arange(len(rows))), begin)),
        np.add.reduceat(volume, begin),
    )
    return rows[begin], np.stack(bars)


def _picked(prices: FloatArray, at: IntArray) -> FloatArray:
    """Give the prices at positions, NaN where the position is none."""
    known: BoolArray = (at >= 0) & (at < len(prices))
    return np.where(known, prices[np.where(known, at, 0)], np.nan)


def _blocks(
    files: Sequence[Path], assets: Mapping[int, AssetMinutes]
) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
    """Read sid, label and values of some assets at a time, sorted, so that memory stays bounded."""
    import duckdb
    from duckdb import ColumnExpression, ConstantExpression

    connection = duckdb.connect(":memory:", config={"threads": 2})
    sid = ColumnExpression("sid")
    try:
        table = connection.read_parquet([glob.escape(str(file)) for file in files])
        for first, last in _spans({one: asset.rows for one, asset in sorted(assets.items())}):
            bars = table.filter((sid >= ConstantExpression(first)) & (sid <= ConstantExpression(last)))
            found = {name: np.asarray(column) for name, column in bars.fetchnumpy().items()}
            label_ns = found["minute"].astype("datetime64[ns]").astype(np.int64)
            order = np.lexsort((label_ns, found["sid"]))
            yield found["sid"][order], label_ns[order], np.stack([found[name][order] for name in OHLCV])
    finally:
        connection.close()


def _spans(rows: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """Cut ascending sids into spans of about so many rows: the first and the last sid of each."""
    span: list[int] = []
    total = 0
    for sid, count in rows.items():
        if span and total + count > _ROWS_PER_BLOCK:
            yield span[0], span[-1]
            span, total = [], 0
        span.append(sid)
        total += count
    if span:
        yield span[0], span[-1]
