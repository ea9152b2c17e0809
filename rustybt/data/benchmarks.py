"""What did a benchmark return, by a file of the user's?"""

from pathlib import Path

import numpy as np
import pandas as pd

from rustybt._typing import PathLike
from rustybt.errors import BadData, did_you_mean

FORMAT = "write a line 'date,return', and then lines such as '2020-01-02,0.01'"


def get_benchmark_returns_from_file(path: PathLike) -> "pd.Series[float]":
    """Read simple returns by date from a CSV file.

    Parameters
    ----------
    path : path-like
        A file with the columns `date` (a zone is dropped) and `return` (0.01 is 1%); other columns are not read.

    Returns
    -------
    pd.Series of float64
        By tz-naive date, ascending.

    Raises
    ------
    BadData
        If a column is missing, a cell cannot be read, or a date comes twice.
    """
    file = Path(path)
    try:
        frame = pd.read_csv(file, dtype=str, keep_default_na=False, skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise BadData(f"{file} is no CSV file ({' '.join(str(error).split())}): {FORMAT}") from None
    for column in ("date", "return"):
        if column not in frame.columns:
            near = did_you_mean(column, frame.columns)
            raise BadData(f"{file} has no column {column!r}{near}: {FORMAT}")
    dates = pd.to_datetime(frame["date"], errors="coerce", utc=True, format="ISO8601")
    values = pd.to_numeric(frame["return"], errors="coerce").to_numpy(dtype=np.float64)
    for name, bad in (("date", dates.isna().to_numpy()), ("return", ~np.isfinite(values))):
        if bad.any():
            row = int(bad.argmax())
            raise BadData(f"{file}, line {row + 2}: {name} is {frame[name].iloc[row]!r}: {FORMAT}")
    index = pd.DatetimeIndex(dates).tz_localize(None).normalize()
    if index.has_duplicates:
        twice = index[index.duplicated()][0]
        raise BadData(f"{file} has two returns of {twice.date()}: keep one")
    return pd.Series(values, index=index, name="return").sort_index()
