"""Which jumps of a price look like splits?

A close that goes to about a half, a third, ... of the one before, or to a multiple of it, while the day itself is calm
and opens at the new level already. News moves prices so far as well, but seldom by a whole ratio: a suspect is told,
and never changed.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from rustybt._typing import FloatArray
from rustybt.constants import OHLCV

RATIOS: Final = np.array([1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 100.0])
"""Shares after for one before, or before for one after, of the splits that companies make."""

CLOSE_WITHIN: Final = 0.04
OPEN_WITHIN: Final = 0.08
"""How far the logarithms of the moves to the close and to the open may be from that of a ratio."""
CALM: Final = 0.12
"""The most that the logarithm of high over low may be."""


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


def suspects(values: FloatArray) -> list[Suspect]:
    """Find jumps that look like splits.

    Parameters
    ----------
    values : float64 array, shape (5, n)
        Open, high, low, close, volume of consecutive bars, as traded.

    Returns
    -------
    list of Suspect
        In order.

    Examples
    --------
    >>> prices = np.array([[10.0, 10.1, 5.0], [10.2, 10.3, 5.1], [9.9, 10.0, 4.9], [10.1, 10.0, 5.02], [1, 1, 1]])
    >>> suspects(prices)
    [Suspect(row=2, before=10.0, after=5.02, ratio=2.0)]
    """
    opened, high, low, close = (values[OHLCV.index(name)] for name in ("open", "high", "low", "close"))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        moved, opening = np.log(close[:-1] / close[1:]), np.log(close[:-1] / opened[1:])
        calm = np.log(high[1:] / low[1:]) <= CALM
    jumped = (np.abs(moved) > np.log(RATIOS[0]) - CLOSE_WITHIN) & np.isfinite(moved) & calm
    found = []
    for at in np.flatnonzero(jumped).tolist():
        nearest = float(RATIOS[int(np.argmin(np.abs(np.log(RATIOS) - abs(moved[at]))))])
        expected = np.copysign(np.log(nearest), moved[at])
        if abs(moved[at] - expected) <= CLOSE_WITHIN and abs(opening[at] - expected) <= OPEN_WITHIN:
            ratio = nearest if moved[at] > 0 else 1.0 / nearest
            found.append(Suspect(at + 1, float(close[at]), float(close[at + 1]), ratio))
    return found
