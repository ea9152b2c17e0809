"""Minute blocks, bitmaps and daily bars the slow way, in pandas, with the minutes that exchange_calendars lists."""

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from rustybt.calendars import get_calendar

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar


def session_minutes(exchange: "ExchangeCalendar", session: pd.Timestamp) -> pd.DatetimeIndex:
    """List a session's minutes, tz-naive, by the library that knows the calendars."""
    with warnings.catch_warnings():
        # The library reads timezone-aware indexes in a way that pandas 3.1 announces to change.
        warnings.simplefilter("ignore", DeprecationWarning)
        return exchange.session_minutes(session).tz_localize(None).as_unit("ns")


def labels_by_session(calendar: str, first: str, last: str) -> pd.Series:
    """Give the session of every market minute, by the minute's tz-naive label."""
    exchange = get_calendar(calendar)
    parts = [
        pd.Series(session, index=session_minutes(exchange, session))
        for session in exchange.sessions_in_range(first, last)
    ]
    return pd.concat(parts)


def months(sessions: pd.Series) -> list[pd.DatetimeIndex]:
    """Cut the labels of `labels_by_session` into the calendar months of their sessions."""
    return [part.index for _, part in sessions.groupby(sessions.dt.to_period("M"))]


def block(frames: dict[str, pd.DataFrame], field: str, labels: pd.DatetimeIndex) -> np.ndarray:
    """Give one field, minutes × symbols in the order of their names, quantised one value at a time."""
    frame = pd.DataFrame({symbol: frames[symbol][field] for symbol in sorted(frames)}).reindex(labels)
    if field == "volume":
        return frame.fillna(0.0).to_numpy(dtype=float)
    whole = frame.map(lambda price: float(np.rint(1000 * price)))
    return whole.map(lambda k: k * 0.001 if k else np.nan).to_numpy()


def last_traded(volume: np.ndarray) -> list[list[int]]:
    """Say for each minute and symbol which row of the block last had volume."""
    rows = []
    last = [-1] * volume.shape[1]
    for row, line in enumerate(volume.tolist()):
        last = [row if cell > 0 else before for cell, before in zip(line, last, strict=True)]
        rows.append(last)
    return rows


def traded(volume: np.ndarray) -> list[list[int]]:
    """Write each minute's bits as numbers: the first symbol is the highest bit of the first byte."""
    out = []
    for line in volume.tolist():
        bits = "".join("1" if cell > 0 else "0" for cell in line)
        bits += "0" * (-len(bits) % 8)
        out.append([int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)])
    return out


def daily(frame: pd.DataFrame, sessions: pd.Series) -> pd.DataFrame:
    """Join minute bars by session."""
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    return frame.groupby(sessions.reindex(frame.index)).agg(how)
