"""How does a perf frame become a file?

Parquet and CSV hold plain values: statistics that are None in the frame are missing numbers, and a cell that holds
records (orders, transactions, positions, or whatever an algorithm recorded) is JSON text with assets by their symbol
and times in ISO 8601. A .pickle or .pkl holds the frame as it is, which is what Zipline's users read with pandas.
"""

import json
import math
import os
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from rustybt.assets import Asset
from rustybt.errors import InvalidParameter, did_you_mean

WRITERS: Final[dict[str, Callable[[pd.DataFrame, Path], None]]] = {
    ".parquet": lambda frame, path: plain_frame(frame).to_parquet(path),
    ".csv": lambda frame, path: plain_frame(frame).to_csv(path),
    ".pickle": lambda frame, path: frame.to_pickle(path),
    ".pkl": lambda frame, path: frame.to_pickle(path),
}


def require_writable(path: Path) -> Path:
    """Check a perf file's name and folder before the run that it is for.

    Parameters
    ----------
    path : Path
        Where the frame shall go; a file there will be replaced.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    InvalidParameter
        If the suffix names no format, or the folder does not exist.

    Examples
    --------
    >>> require_writable(Path("perf.parket"))
    Traceback (most recent call last):
    rustybt.errors.InvalidParameter: output 'perf.parket' ends in no known format (did you mean '.parquet'?): ...
    """
    if path.suffix not in WRITERS:
        raise InvalidParameter(
            f"output {str(path)!r} ends in no known format{did_you_mean(path.suffix, WRITERS)}: "
            f"choose one of {', '.join(WRITERS)}"
        )
    if not path.parent.is_dir():
        folder = str(path.parent)
        raise InvalidParameter(f"output {str(path)!r} is in a folder that does not exist: make {folder!r} first")
    return path


def write_perf(frame: pd.DataFrame, path: Path) -> None:
    """Write a perf frame in the format that the file's suffix names; an older file stays whole until this one is.

    Parameters
    ----------
    frame : pd.DataFrame
        From `run_algorithm` or `RunResult.perf`.
    path : Path
        Ends in .parquet, .csv, .pickle or .pkl.
    """
    require_writable(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")
    try:
        WRITERS[path.suffix](frame, beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def plain_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the frame with numbers, times and text only; see the module's docstring."""
    columns = {str(name): _plain_column(frame[name]) for name in frame.columns}
    return pd.DataFrame(columns, index=frame.index.rename("session_close"))


def _plain_column(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if column.dtype != object:
        return column
    cells = [cell for cell in column if cell is not None]
    if all(isinstance(cell, float | int | np.number) and not isinstance(cell, bool) for cell in cells):
        return pd.to_numeric(column)
    if all(isinstance(cell, str) for cell in cells):
        return column
    return pd.Series([as_json(cell) for cell in column], index=column.index, dtype="str")


def as_json(value: Any) -> str:
    """Give a cell as JSON text.

    Examples
    --------
    >>> as_json([{"amount": 5, "price": float("nan")}])
    '[{"amount":5,"price":null}]'
    """
    return json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | np.ndarray | pd.Index | pd.Series):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return value.symbol if isinstance(value, Asset) else _plain_other(value)


def _plain_other(value: Any) -> str | None:
    if value is pd.NaT:
        return None
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
