"""How do Yahoo's prices become a bundle? Through yfinance, un-adjusted for splits, then as frames in memory.

Yahoo divides all prices and dividends before a split by its ratio, and multiplies volumes, also where it is asked for
prices that are not adjusted (those are not adjusted for dividends alone). A bundle stores what was traded, and adjusts
windows by the splits that were known at each time. So every ticker is asked for up to today, whatever the end, and what
lies before a split is multiplied by its ratio again:

    factor(t) = product of the ratios of all splits after t
    price = factor * Yahoo's, dividend = factor * Yahoo's, volume = Yahoo's / factor

Yahoo has single precision: prices are rounded to the seven digits that it holds.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray
from rustybt.data.bundles.extras import needed
from rustybt.data.bundles.framesource import Frames
from rustybt.data.bundles.progress import tracked
from rustybt.data.bundles.raw_bars import Facts
from rustybt.data.bundles.symbol_lists import by_symbol, checked_days, checked_symbols
from rustybt.errors import BadData, DownloadFailed

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

    from rustybt.data.bundles.frame_cache import FrameCache

PRICES: Final = ("Open", "High", "Low", "Close")
DIGITS: Final = 7
"""Of a number in single precision."""


@dataclass(frozen=True, slots=True)
class YahooTickers:
    """Which tickers of Yahoo a bundle holds.

    Attributes
    ----------
    symbols : sequence of str
        Tickers as Yahoo writes them.
    start, end : str, optional
        First and last day; by default all that there is.
    """

    symbols: Sequence[str] = ()
    start: str | None = None
    end: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        object.__setattr__(self, "symbols", checked_symbols(self.symbols))
        for name, day in checked_days(self.start, self.end).items():
            object.__setattr__(self, name, day)

    def opened(
        self, environ: Mapping[str, str], calendar: ExchangeCalendar, cache: FrameCache, show_progress: bool
    ) -> Frames:
        """Download the tickers through yfinance."""
        return self.opened_through(needed("yfinance", "yfinance"), cache, show_progress)

    def opened_through(self, module: Any, cache: MutableMapping[str, pd.DataFrame], show_progress: bool) -> Frames:
        """Download the tickers through a module such as yfinance, and give them as a source."""
        frames, notes = {}, list[str]()
        symbols = by_symbol(self.symbols, "symbols")
        for symbol, given in tracked(symbols.items(), "Downloading", show_progress, len(symbols)):
            frame = self._history(module, given, cache)
            frames[symbol] = as_traded(frame).loc[lambda made: _iso_days(made.index) <= (self.end or "9999")]
            if frames[symbol].empty:
                raise BadData(f"{symbol}: Yahoo has no bars up to {self.end}: choose a later end, or leave it out")
            if "Capital Gains" in frame.columns and bool((frame["Capital Gains"] > 0).any()):
                notes.append(
                    f"{symbol} has distributions of capital gains, which are left out: its total return is too low"
                )
        return Frames(frames, Facts(notes=tuple(notes)))

    def _history(self, module: Any, given: str, cache: MutableMapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Ask for a ticker from the start to today, or take what an ingest that failed today has left."""
        key = f"yahoo {given} {self.start} {pd.Timestamp.now().date()}"
        found = cache.get(key)
        if found is None:
            span = {"period": "max"} if self.start is None else {"start": self.start}
            try:
                found = module.Ticker(given).history(interval="1d", auto_adjust=False, actions=True, **span)
            except (module.exceptions.YFException, OSError) as error:
                raise DownloadFailed(f"{given}: Yahoo does not give it ({error}): ingest again later") from error
            if found is None or found.empty:
                raise BadData(f"{given}: Yahoo has no bars of it: correct the symbol, or leave it out")
            cache[key] = found
        return found


def as_traded(frame: pd.DataFrame) -> pd.DataFrame:
    """Undo Yahoo's adjustment for splits.

    Parameters
    ----------
    frame : DataFrame
        Columns Open, High, Low, Close, Volume, Dividends and Stock Splits (0 for none), up to today.

    Returns
    -------
    DataFrame
        Columns open, high, low, close, volume, dividend and split (1 for none), by day.

    Examples
    --------
    >>> days = pd.DatetimeIndex(["2020-08-28", "2020-08-31"])
    >>> yahoo = pd.DataFrame({name: [124.8075, 129.04] for name in PRICES}, index=days)
    >>> as_traded(yahoo.assign(Volume=[187151200, 225702700], **{"Stock Splits": [0.0, 4.0]}))[["close", "volume"]]
                 close       volume
    2020-08-28  499.23   46787800.0
    2020-08-31  129.04  225702700.0
    """
    frame = frame.sort_index()
    split = _column(frame, "Stock Splits")
    split = np.where(split > 0.0, split, 1.0)
    factor = np.append(np.cumprod(split[:0:-1])[::-1], 1.0)
    volume = _column(frame, "Volume")
    made = {name.lower(): significant(_column(frame, name) * factor) for name in PRICES}
    made["volume"] = np.where(factor == 1.0, volume, np.rint(volume / factor))
    made["dividend"] = significant(_column(frame, "Dividends") * factor)
    made["split"] = split
    return pd.DataFrame(made, index=frame.index)


def significant(values: FloatArray) -> FloatArray:
    """Round to the digits that Yahoo's numbers hold.

    Examples
    --------
    >>> significant(np.array([27.469999313354492, 0.0, -1234567.8, np.nan]))
    array([ 2.747000e+01,  0.000000e+00, -1.234568e+06,           nan])
    """
    there = np.isfinite(values) & (values != 0.0)
    size = np.floor(np.log10(np.abs(values), where=there, out=np.zeros(len(values))))
    places = DIGITS - 1 - size
    up, down = 10.0 ** np.clip(places, 0, 300), 10.0 ** np.clip(-places, 0, 300)
    return np.asarray(np.where(there, np.rint(values * up / down) * down / up, values))


def _column(frame: pd.DataFrame, name: str) -> FloatArray:
    """Give a column; that of something which never happened may be missing."""
    if name not in frame.columns:
        if name in PRICES or name == "Volume":
            raise BadData(f"yfinance gave no column {name!r}: install the version that rustybt[yfinance] names")
        return np.zeros(len(frame))
    return np.asarray(frame[name].to_numpy(), dtype=np.float64)


def _iso_days(index: pd.Index) -> Any:
    """Write days as they are at the exchange."""
    return np.asarray(pd.DatetimeIndex(index).strftime("%Y-%m-%d"), dtype=str)
