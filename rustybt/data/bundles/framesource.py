"""How do frames in memory become a bundle? One frame a symbol, with the columns that files have."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray, IntArray
from rustybt.constants import NS_PER_DAY, OHLCV
from rustybt.data.bundles.columns import (
    ALIASES,
    DATE,
    DIVIDEND,
    SPLIT,
    adjusted_note,
    canonical_names,
    no_split_is_none,
    plain,
)
from rustybt.data.bundles.frames import label_times, numbers
from rustybt.data.bundles.raw_bars import Facts, Frame, Place, RawBars
from rustybt.data.bundles.symbols import checked_symbol
from rustybt.errors import BadData, InvalidParameter


class FrameOrigin(NamedTuple):
    """The rows of a frame, counted from 1 on."""

    key: str

    def places(self, rows: Sequence[int]) -> list[Place]:
        """Give the places of rows."""
        return [Place(f"frames[{self.key!r}]", row + 1) for row in rows]


class Frames:
    """Frames by symbol as a source.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Columns open, high, low, close, volume and optionally dividend and split, under any of the names that `columns`
        knows; the index, or a column, holds the labels. Midnights are sessions, in whichever timezone they are; other
        times are ends of minutes, in UTC where they have no timezone. All frames are of one kind.
    facts : Facts, optional
        What is known beside the bars.

    Raises
    ------
    BadData
        If a frame is none, or lacks a column.
    """

    def __init__(self, frames: Mapping[str, pd.DataFrame], facts: Facts | None = None) -> None:
        if not isinstance(frames, Mapping):
            long = "; for a long one, dict(list(frame.groupby('symbol')))" if isinstance(frames, pd.DataFrame) else ""
            raise InvalidParameter(
                f"frames are a {type(frames).__name__}: pass a mapping of symbols to DataFrames, such as "
                f"{{'AAPL': frame}}{long}"
            )
        if not frames:
            raise InvalidParameter("frames are empty: pass a mapping of at least one symbol to a DataFrame")
        self._bars: dict[str, RawBars] = {}
        self._notes: dict[str, None] = {}
        self._facts = facts or Facts()
        for given, frame in frames.items():
            symbol = checked_symbol(given, "frames")
            if symbol in self._bars:
                raise BadData(f"frames: symbol {symbol} comes twice, in other capitals: keep one")
            self._bars[symbol] = self._read(symbol, given, frame)
        timed = {symbol: bool((raw.label_ns % NS_PER_DAY != 0).any()) for symbol, raw in self._bars.items()}
        self._frame: Frame = "minute" if any(timed.values()) else "daily"

    def symbols(self, frame: Frame) -> Collection[str]:
        """Name the symbols that have a frame."""
        return self._bars.keys() if frame == self._frame else ()

    def bars(self, frame: Frame) -> Iterator[RawBars]:
        """Give the bars of each frame."""
        if frame == self._frame:
            for _, raw in sorted(self._bars.items()):
                yield raw

    def facts(self) -> Facts:
        """Give what is known beside."""
        facts = self._facts
        return Facts(facts.assets, facts.dividends, facts.splits, (*facts.notes, *self._notes))

    def _read(self, symbol: str, key: str, frame: pd.DataFrame) -> RawBars:
        who = f"frames[{key!r}]"
        if not isinstance(frame, pd.DataFrame):
            raise BadData(f"{who} is a {type(frame).__name__}: pass a DataFrame with columns {', '.join(OHLCV)}")
        header = [str(column) for column in frame.columns]
        if DATE not in _known(header):
            if frame.index.nlevels > 1:
                raise BadData(f"{who} has {frame.index.nlevels} levels of index: pass one frame a symbol, by date")
            frame, header = frame.reset_index(names=[DATE]), [DATE, *header]
        names = canonical_names(header, who)
        if (note := adjusted_note(header)) is not None:
            self._notes[note] = None
        given = {name: header[position] for position, name in names.items()}
        columns = {name: frame.iloc[:, position] for position, name in names.items()}
        cells: dict[str, FloatArray] = {
            name: numbers(column, name, who) for name, column in columns.items() if name != DATE
        }
        no_split_is_none(cells, given)
        values = np.stack([cells[name] for name in OHLCV])
        times = label_ns_of(columns[DATE], who)
        return RawBars.of(symbol, times, values, FrameOrigin(key), cells.get(DIVIDEND), cells.get(SPLIT))


def _known(header: Sequence[str]) -> set[str]:
    return {ALIASES[plain(name)] for name in header if plain(name) in ALIASES}


def label_ns_of(column: pd.Series, who: str) -> IntArray:
    """Read labels of a frame, nanoseconds UTC; midnights of a timezone are sessions, and lose it."""
    index = pd.Index(column)
    if isinstance(index, pd.DatetimeIndex) and index.tz is not None:
        local = index.tz_localize(None)
        index = local if bool((local == local.normalize()).all()) else index
    return label_times(index, who, "sessions or minutes")
