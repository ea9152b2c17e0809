"""Which jumps of a price look like splits that nobody recorded?

A close that goes to about a half, a third, ... of the one before, or to a multiple of it, while the day itself is calm
and opens at the new level already. News moves prices so far as well, but seldom by a whole ratio: a suspect is told,
and never changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray, IntArray
from rustybt.constants import OHLCV
from rustybt.data.bundles.findings import MOST_NAMED, Finding, Findings
from rustybt.data.bundles.raw_bars import RawBars

RATIOS: Final = np.array([1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 100.0])
"""Shares after for one before, or before for one after, of the splits that companies make."""

CLOSE_WITHIN: Final = 0.04
OPEN_WITHIN: Final = 0.08
"""How far the logarithms of the moves to the close and to the open may be from that of a ratio."""
CALM: Final = 0.12
"""The most that the logarithm of high over low may be."""

_MOST_PLACED: Final = 10 * MOST_NAMED
"""Jumps whose places are looked up: many may turn out to be recorded."""


class Suspect(NamedTuple):
    """A jump that looks like a split.

    Attributes
    ----------
    row : int
        Position of the bar after it.
    before, after : float
        The closes.
    ratio : float
        Shares after for one before.
    """

    row: int
    before: float
    after: float
    ratio: float

    @property
    def text(self) -> str:
        """What a user should read."""
        shown = f"{self.ratio:g} for 1" if self.ratio > 1 else f"1 for {1 / self.ratio:g}"
        return f"the close goes from {self.before:g} to {self.after:g}, which looks like a split of {shown}"


def suspects(values: FloatArray, recorded: IntArray) -> list[Suspect]:
    """Find jumps that look like splits.

    Parameters
    ----------
    values : float64 array, shape (5, n)
        Open, high, low, close, volume of consecutive bars, as traded.
    recorded : int64 array
        Positions of bars with a recorded split.

    Returns
    -------
    list of Suspect
        In order.

    Examples
    --------
    >>> prices = np.array([[10.0, 10.1, 5.0], [10.2, 10.3, 5.1], [9.9, 10.0, 4.9], [10.1, 10.0, 5.02], [1, 1, 1]])
    >>> suspects(prices, np.empty(0, dtype=np.int64))
    [Suspect(row=2, before=10.0, after=5.02, ratio=2.0)]
    """
    opened, high, low, close = (values[OHLCV.index(name)] for name in ("open", "high", "low", "close"))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        moved, opening = np.log(close[:-1] / close[1:]), np.log(close[:-1] / opened[1:])
        calm = np.log(high[1:] / low[1:]) <= CALM
    jumped = (np.abs(moved) > np.log(RATIOS[0]) - CLOSE_WITHIN) & np.isfinite(moved) & calm
    jumped[recorded[recorded > 0] - 1] = False
    found = []
    for at in np.flatnonzero(jumped).tolist():
        nearest = float(RATIOS[int(np.argmin(np.abs(np.log(RATIOS) - abs(moved[at]))))])
        expected = np.copysign(np.log(nearest), moved[at])
        if abs(moved[at] - expected) <= CLOSE_WITHIN and abs(opening[at] - expected) <= OPEN_WITHIN:
            ratio = nearest if moved[at] > 0 else 1.0 / nearest
            found.append(Suspect(at + 1, float(close[at]), float(close[at + 1]), ratio))
    return found


class _Jump(NamedTuple):
    """A suspect: the sessions of the bars before and after it, and what is told of it, None where that is too much."""

    before_ns: int
    after_ns: int
    finding: Finding | None


class Jumps:
    """Collects suspects while bars are read, until all splits are known."""

    def __init__(self) -> None:
        self._of: dict[str, list[_Jump]] = {}
        self._placed = 0

    def keep(self, raw: RawBars) -> None:
        """Keep what no split of the rows themselves explains; one on a missing bar explains the next bar's jump."""
        there = np.flatnonzero(~np.isnan(raw.ohlcv[OHLCV.index("close")]))
        recorded = np.searchsorted(there, np.flatnonzero(raw.split != 1.0))
        found = suspects(raw.ohlcv[:, there], recorded[recorded < len(there)])
        if not found:
            return
        rows = [int(there[one.row]) for one in found]
        placed = rows[: max(0, _MOST_PLACED - self._placed)]
        self._placed += len(placed)
        places = raw.origin.places([int(raw.rows[row]) for row in placed])
        told: list[Finding | None] = [
            Finding(raw.symbol, str(pd.Timestamp(int(raw.label_ns[row])).date()), place, one.text)
            for one, row, place in zip(found, placed, places, strict=False)
        ]
        told += [None] * (len(found) - len(told))
        before = [int(raw.label_ns[there[one.row - 1]]) for one in found]
        after = raw.label_ns[rows].tolist()
        self._of[raw.symbol] = [_Jump(*jump) for jump in zip(before, after, told, strict=True)]

    def report(self, findings: Findings, split_ns: Mapping[str, Collection[int]]) -> None:
        """Report those that no other split explains.

        Parameters
        ----------
        findings : Findings
            Takes them.
        split_ns : mapping of str to collection of int
            Days of splits (nanoseconds) by symbol.
        """
        for symbol, jumps in self._of.items():
            days = split_ns.get(symbol, ())
            left = [jump for jump in jumps if not any(jump.before_ns < day <= jump.after_ns for day in days)]
            if left:
                findings.add("suspect", symbol, len(left), [jump.finding for jump in left if jump.finding is not None])
