"""Where does each bar of several minutes begin?"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rustybt._typing import IntArray


class BarTable(NamedTuple):
    """The bars of several minutes of all sessions.

    Attributes
    ----------
    minutes : int
        Of a bar; the last one of a session may be shorter.
    starts : int64 array, shape (n_bars + 1,)
        The first minute of each bar, ascending, and the end of the last.
    rows : int64 array, shape (n_bars,)
        The session row of each.
    first : list of int
        The first bar of each session row, and the end.
    """

    minutes: int
    starts: IntArray
    rows: IntArray
    first: list[int]


def bar_table(first: Sequence[int], minutes: int) -> BarTable:
    """Divide sessions into bars, counted from each session's open.

    Parameters
    ----------
    first : sequence of int
        The first minute of each session row, and the end.
    minutes : int
        At least 1.

    Returns
    -------
    BarTable

    Examples
    --------
    >>> table = bar_table([0, 7, 14], 3)
    >>> table.starts.tolist(), table.rows.tolist(), table.first
    ([0, 3, 6, 7, 10, 13, 14], [0, 0, 0, 1, 1, 1], [0, 3, 6])
    """
    begins = np.asarray(first, dtype=np.int64)
    counts = -(-np.diff(begins) // minutes)
    first_bar = np.concatenate([[0], np.cumsum(counts)])
    rows = np.repeat(np.arange(len(counts)), counts)
    starts = begins[rows] + minutes * (np.arange(len(rows)) - first_bar[rows])
    return BarTable(minutes, np.append(starts, begins[-1]), rows, first_bar.tolist())
