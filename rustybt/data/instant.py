"""Where does a simulation stand?"""

import pandas as pd


class Instant:
    """One moment of a simulation.

    Parameters
    ----------
    row : int
        Session row.
    bar : int
        The latest bar known: the session row in a daily simulation, a market minute's number in a minute simulation, -1
        before the first.
    now : pd.Timestamp
        UTC.

    Attributes
    ----------
    now_ns : int
        The same in nanoseconds since 1970.
    """

    __slots__ = ("bar", "now", "now_ns", "row")

    def __init__(self, row: int, bar: int, now: pd.Timestamp) -> None:
        self.row = row
        self.bar = bar
        self.now = now
        self.now_ns: int = now.value

    def __repr__(self) -> str:
        return f"Instant(row={self.row}, bar={self.bar}, now={self.now})"
