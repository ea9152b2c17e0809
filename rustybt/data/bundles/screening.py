"""Which rows of a source become bars? Sorted, inside of sessions, each once, and possible.

A row outside of the market or a copy of another is dropped and counted. A bar that cannot be (a high below its low, a
negative or infinite number, two different rows of one session) is an error unless the user decides otherwise. What is
kept never depends on the order of rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray, FloatArray, IntArray
from rustybt.constants import NAT, NS_PER_DAY, OHLC, OHLCV
from rustybt.data.bundles.findings import Finding, Findings
from rustybt.data.bundles.frames import missing_bars
from rustybt.data.bundles.raw_bars import RawBars
from rustybt.errors import BadData, InvalidParameter

OnBadBars: TypeAlias = Literal["error", "drop", "keep"]
ON_BAD_BARS: Final = ("error", "drop", "keep")
_SHOWN_DATES: Final = 5


def checked_on_bad_bars(on_bad_bars: str) -> OnBadBars:
    """Refuse what is no way to handle bad bars."""
    if on_bad_bars not in ON_BAD_BARS:
        raise InvalidParameter(f"on_bad_bars {on_bad_bars!r} is not known: choose 'error', 'drop' or 'keep'")
    return on_bad_bars  # type: ignore[return-value]


class Market(NamedTuple):
    """Which labels of one kind of bars there are.

    Attributes
    ----------
    is_open : callable of (int64 array)
        Says of labels (nanoseconds UTC) whether they are sessions, or minutes of the market.
    about : str
        What they are, for messages: "sessions of calendar XNYS from 1990-01-02 to 2030-12-31".
    daily : bool
        Whether labels are sessions.
    """

    is_open: Callable[[IntArray], BoolArray]
    about: str
    daily: bool


class Screen:
    """Screens the rows of sources.

    Parameters
    ----------
    market : Market
        What labels there are.
    findings : Findings
        Takes what is wrong.
    on_bad_bars : {"error", "drop", "keep"}
        What becomes of bars that cannot be.
    """

    def __init__(self, market: Market, findings: Findings, on_bad_bars: OnBadBars = "error") -> None:
        self._market = market
        self._findings = findings
        self._on_bad_bars = on_bad_bars

    def screened(self, raw: RawBars) -> RawBars:
        """Give the rows that become bars.

        Parameters
        ----------
        raw : RawBars
            Of one symbol.

        Returns
        -------
        RawBars
            Labels ascending, each once and inside of the market; missing volumes are 0. It has rows without any value
            too: missing bars, of which the dividends and splits count.

        Raises
        ------
        BadData
            If a row has no label, or one with a time of day where sessions are asked for; if no row at all is inside
            of the market; if a dividend or split cannot be; if a bar cannot be, and such bars are errors.
        """
        self._check_labels(raw)
        raw = self._inside(self._ascending(raw))
        self._check_actions(raw)
        raw = self._each_once(self._possible(raw))
        raw.ohlcv[-1][np.isnan(raw.ohlcv[-1])] = 0.0
        self._note_incomplete(raw)
        return raw

    def _check_labels(self, raw: RawBars) -> None:
        if (missing := raw.label_ns == NAT).any():
            raise self._error(raw, missing, "the date is missing: give every row one")
        if self._market.daily and (timed := raw.label_ns % NS_PER_DAY != 0).any():
            row = int(np.argmax(timed))
            text = f"{pd.Timestamp(int(raw.label_ns[row]))} has a time of day"
            raise self._error(raw, timed, f"{text}: a daily bar is labelled by its session's date alone")

    @staticmethod
    def _ascending(raw: RawBars) -> RawBars:
        if (raw.label_ns[1:] >= raw.label_ns[:-1]).all():
            return raw._replace(ohlcv=raw.ohlcv.copy())
        return raw.at(np.argsort(raw.label_ns, kind="stable"))

    def _inside(self, raw: RawBars) -> RawBars:
        inside = self._market.is_open(raw.label_ns)
        if inside.all():
            return raw
        if not inside.any():
            raise self._error(raw, ~inside, self._outside_words(raw))
        self._note("outside", raw, ~inside, f"it is none of the {self._market.about}")
        return raw.at(inside)

    def _outside_words(self, raw: RawBars) -> str:
        shown = ", ".join(self._text(int(label)) for label in raw.label_ns[:_SHOWN_DATES])
        more = f" and {len(raw.label_ns) - _SHOWN_DATES} more" if len(raw.label_ns) > _SHOWN_DATES else ""
        return f"{shown}{more}: none is among the {self._market.about}: choose the calendar of the data"

    def _check_actions(self, raw: RawBars) -> None:
        if (bad := (raw.dividend < 0) | np.isinf(raw.dividend)).any():
            amount = raw.dividend[int(np.argmax(bad))]
            raise self._error(raw, bad, f"dividend {amount:g} is not a possible amount: write cash a share, 0 for none")
        if (bad := (raw.split <= 0) | np.isinf(raw.split)).any():
            ratio = raw.split[int(np.argmax(bad))]
            raise self._error(raw, bad, f"split {ratio:g} is not a possible ratio: write 2 for 2:1, 1 for none")

    def _possible(self, raw: RawBars) -> RawBars:
        bad = impossible(raw.ohlcv)
        if not bad.any():
            return raw
        return self._decided(raw, bad, lambda row: problem_of(raw.ohlcv[:, row]))

    def _decided(self, raw: RawBars, bad: BoolArray, text_of: Callable[[int], str]) -> RawBars:
        """Do with bad bars what the user wants; a dropped bar's dividend and split stay, as those of a missing bar."""
        if self._on_bad_bars == "error":
            first = int(np.flatnonzero(bad)[np.argmin(raw.rows[bad])])
            only = np.zeros(len(bad), dtype=bool)
            only[first] = True
            more = f" ({bad.sum() - 1:,} more rows of the symbol cannot be either)" if bad.sum() > 1 else ""
            raise self._error(raw, only, f"{text_of(first)}{more}: correct it, or choose on_bad_bars 'drop' or 'keep'")
        if self._on_bad_bars == "keep":
            self._note("kept", raw, bad, text_of)
            return raw
        self._note("bad", raw, bad, text_of)
        return _emptied(raw, bad).at(~bad | (_acts(raw) & ~_told_again(raw, bad)))

    def _each_once(self, raw: RawBars) -> RawBars:
        if (raw.label_ns[1:] != raw.label_ns[:-1]).all():
            return raw
        raw = raw.at(_order_within_labels(raw))
        cells, absent = _cells(raw), np.isnan(_cells(raw))
        equal = (cells[:, 1:] == cells[:, :-1]) | (absent[:, 1:] & absent[:, :-1])
        repeats = np.zeros(len(raw.label_ns), dtype=bool)
        repeats[1:] = (raw.label_ns[1:] == raw.label_ns[:-1]) & equal.all(axis=0)
        if repeats.any():
            self._note("duplicate", raw, repeats, "the row comes twice")
            raw = raw.at(~repeats)
        again = np.zeros(len(raw.label_ns), dtype=bool)
        again[1:] = raw.label_ns[1:] == raw.label_ns[:-1]
        return self._one_of_several(raw, again) if again.any() else raw

    def _one_of_several(self, raw: RawBars, again: BoolArray) -> RawBars:
        """Settle labels that have several rows of different content.

        Where these are dropped, a dividend and a split that all of them name stay.
        """
        if self._on_bad_bars == "error":
            raise self._error(
                raw,
                again,
                "the date comes twice, with other values: keep one row, or choose on_bad_bars 'drop' or 'keep'",
            )
        last = np.append(~again[1:], True)
        if self._on_bad_bars == "keep":
            self._note("kept", raw, ~last, "the date comes twice, with other values: the row that sorts last is kept")
            return raw.at(last)
        unsettled = again | np.append(again[1:], False)
        self._note("bad", raw, unsettled, "the date comes twice, with other values")
        acting = unsettled & ~again & _acts(raw) & _of_one_mind(raw, again)
        return _emptied(raw, acting).at(~unsettled | acting)

    def _note_incomplete(self, raw: RawBars) -> None:
        incomplete = np.isnan(raw.ohlcv[: len(OHLC)]).any(axis=0) & ~missing_bars(raw.ohlcv)
        if incomplete.any():
            self._note("incomplete", raw, incomplete, lambda row: _lacking(raw.ohlcv[:, row]))

    def _note(self, kind: str, raw: RawBars, chosen: BoolArray, text: str | Callable[[int], str]) -> None:
        at = np.flatnonzero(chosen)[: self._findings.room(kind)].tolist()
        places = raw.origin.places([int(raw.rows[row]) for row in at])
        named = [
            Finding(raw.symbol, self._text(int(raw.label_ns[row])), place, text if isinstance(text, str) else text(row))
            for row, place in zip(at, places, strict=True)
        ]
        self._findings.add(kind, raw.symbol, int(chosen.sum()), named)

    def _error(self, raw: RawBars, chosen: BoolArray, text: str) -> BadData:
        row = int(np.argmax(chosen))
        (place,) = raw.origin.places([int(raw.rows[row])])
        label = int(raw.label_ns[row])
        at = "" if label == NAT else f", {self._text(label)}"
        return BadData(f"{place} ({raw.symbol}{at}): {text}".strip())

    def _text(self, label: int) -> str:
        if label == NAT:
            return "no date"
        time = pd.Timestamp(label)
        return str(time.date()) if self._market.daily and label % NS_PER_DAY == 0 else f"{time:%Y-%m-%d %H:%M}"


def impossible(values: FloatArray) -> BoolArray:
    """Say which bars cannot be: an infinite or negative number, or a high below the low.

    Parameters
    ----------
    values : float64 array, shape (5, n)
        Open, high, low, close, volume; NaN where missing, which is no fault.

    Returns
    -------
    bool array, shape (n,)
    """
    high, low = values[OHLCV.index("high")], values[OHLCV.index("low")]
    bad: BoolArray = np.isinf(values).any(axis=0) | (values < 0).any(axis=0) | (high < low)
    return bad


def problem_of(bar: FloatArray) -> str:
    """Say what is wrong with one bar that is impossible."""
    for name, value in zip(OHLCV, bar.tolist(), strict=True):
        if np.isinf(value):
            return f"{name} is infinite"
        if value < 0:
            return f"{name} {value:g} is negative"
    return f"high {bar[OHLCV.index('high')]:g} is below low {bar[OHLCV.index('low')]:g}"


def _lacking(bar: FloatArray) -> str:
    names = [name for name, value in zip(OHLC, bar[: len(OHLC)].tolist(), strict=True) if np.isnan(value)]
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} missing"


def _acts(raw: RawBars) -> BoolArray:
    """Say which rows have a dividend or a split."""
    acts: BoolArray = (raw.dividend != 0.0) | (raw.split != 1.0)
    return acts


def _emptied(raw: RawBars, chosen: BoolArray) -> RawBars:
    """Make missing bars of some rows, which keep their dividends and splits."""
    values = raw.ohlcv.copy()
    values[: len(OHLC), chosen], values[-1, chosen] = np.nan, 0.0
    return raw._replace(ohlcv=values)


def _told_again(raw: RawBars, bad: BoolArray) -> BoolArray:
    """Say which bad rows have the dividend and the split of a good row of their label."""
    at = np.flatnonzero(bad & _acts(raw))
    near = np.flatnonzero(~bad & np.isin(raw.label_ns, raw.label_ns[at]))
    good = set(zip(*(cells[near].tolist() for cells in (raw.label_ns, raw.dividend, raw.split)), strict=True))
    told = np.zeros(len(bad), dtype=bool)
    told[at] = [(int(raw.label_ns[row]), float(raw.dividend[row]), float(raw.split[row])) in good for row in at]
    return told


def _of_one_mind(raw: RawBars, again: BoolArray) -> BoolArray:
    """Say which rows have the dividend and the split that all rows of their label have.

    Parameters
    ----------
    raw : RawBars
        Sorted by label.
    again : bool array, shape (n,)
        Which rows have the label of the row before.
    """
    other = again.copy()
    other[1:] &= (raw.dividend[1:] != raw.dividend[:-1]) | (raw.split[1:] != raw.split[:-1])
    label = np.cumsum(~again) - 1
    agreed: BoolArray = np.bincount(label, weights=other)[label] == 0
    return agreed


def _cells(raw: RawBars) -> FloatArray:
    """Give all numbers of each row."""
    return np.vstack([raw.ohlcv, raw.dividend, raw.split])


def _order_within_labels(raw: RawBars) -> IntArray:
    """Sort by label, and by content where labels are equal: then what is kept depends on no order of rows."""
    return np.lexsort((*_cells(raw), raw.label_ns))
