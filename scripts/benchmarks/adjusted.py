"""How does a contender that knows no corporate actions read its bars? It runs under the contender's interpreter."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

FIELDS = ("open", "high", "low", "close", "volume")


class Bars(NamedTuple):
    """Adjusted bars; NaN before an asset was listed.

    Attributes
    ----------
    sessions : DatetimeIndex
        Labels of the rows.
    symbols : list of str
        Names of the columns.
    arrays : dict of str to float64 array, shape (n_sessions, n_assets)
        By field.
    """

    sessions: pd.DatetimeIndex
    symbols: list[str]
    arrays: dict[str, np.ndarray]

    def frame(self, field: str) -> pd.DataFrame:
        """Give a field as sessions × symbols."""
        return pd.DataFrame(self.arrays[field], index=self.sessions, columns=self.symbols)

    def of(self, symbol: str) -> pd.DataFrame:
        """Give the bars of one asset, from its first one."""
        column = self.symbols.index(symbol)
        return pd.DataFrame({f: self.arrays[f][:, column] for f in FIELDS}, index=self.sessions).dropna()

    def before(self, first: str) -> int:
        """Count the rows before a day."""
        return int(self.sessions.searchsorted(pd.Timestamp(first)))


def read_bars(folder: str, first: str, last: str, lookback: int) -> Bars:
    """Read what the bench wrote, from so many sessions before the first day: windows are warm on it.

    Parameters
    ----------
    folder : str
        The bench's.
    first, last : str
        First and last day of the run.
    lookback : int
        Sessions before the first day.

    Returns
    -------
    Bars
    """
    with np.load(Path(folder) / "mag7" / "adjusted.npz") as stored:
        sessions = pd.DatetimeIndex(stored["sessions"], name="date")
        start = max(sessions.searchsorted(pd.Timestamp(first)) - lookback, 0)
        rows = slice(start, sessions.searchsorted(pd.Timestamp(last), side="right"))
        arrays = {field: np.ascontiguousarray(stored[field][rows]) for field in FIELDS}
        return Bars(sessions[rows], stored["symbols"].tolist(), arrays)
