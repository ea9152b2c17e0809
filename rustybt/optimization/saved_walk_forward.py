"""What of a walk-forward is kept in a result's files, and read again?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rustybt.optimization.walk_forward_result import WalkForwardResult

FRAMES = ("windows", "params", "stability")


@dataclass(frozen=True)
class SavedWalkForward:
    """A walk-forward that was loaded: its frames and its out-of-sample curve, without the runs behind them.

    Attributes
    ----------
    windows, params, stability : pd.DataFrame
        As `WalkForwardResult` gave them.
    equity : pd.Series of float
        What the account was worth at each out-of-sample session's end.
    metrics : dict of str to float
        Of that curve.
    """

    windows: pd.DataFrame
    params: pd.DataFrame
    stability: pd.DataFrame
    equity: "pd.Series[float]"
    metrics: dict[str, float]


def plain_walk_forward(walk: WalkForwardResult | SavedWalkForward | None) -> dict[str, Any] | None:
    """Give a walk-forward as plain values; None for none."""
    if walk is None:
        return None
    equity = walk.equity
    return {
        **{name: plain_frame(getattr(walk, name)) for name in FRAMES},
        "equity": {"sessions": index_ns(equity.index), "values": equity.to_numpy().tolist()},
        "metrics": dict(walk.metrics),
    }


def walk_forward_from(plain: dict[str, Any] | None) -> SavedWalkForward | None:
    """Give the walk-forward of plain values; None for none."""
    if plain is None:
        return None
    equity = pd.Series(plain["equity"]["values"], labels_of(plain["equity"]["sessions"]), float, name="equity")
    windows, params, stability = (frame_from(plain[name]) for name in FRAMES)
    return SavedWalkForward(windows, params, stability, equity, plain["metrics"])


def plain_frame(frame: pd.DataFrame) -> dict[str, Any]:
    """Give a frame's index and columns as lists."""
    columns = {}
    for name in frame.columns:
        values = frame[name]
        is_time = values.dtype.kind == "M"
        columns[str(name)] = {"times": index_ns(pd.DatetimeIndex(values))} if is_time else {"values": values.tolist()}
    return {"index": frame.index.tolist(), "name": frame.index.name, "columns": columns}


def frame_from(plain: dict[str, Any]) -> pd.DataFrame:
    """Give the frame of `plain_frame`'s lists."""
    columns: dict[str, Any] = {}
    for name, column in plain["columns"].items():
        values = column.get("values")
        holds_none = values is not None and None in values
        columns[name] = (
            labels_of(column["times"]) if values is None else pd.Series(values, dtype=object if holds_none else None)
        )
    index = pd.Index(plain["index"], name=plain["name"])
    return pd.DataFrame({name: np.asarray(values) for name, values in columns.items()}, index=index)


def index_ns(index: Any) -> list[int]:
    """Give time stamps as nanoseconds."""
    found: list[int] = index.to_numpy().astype("datetime64[ns]").astype(np.int64).tolist()
    return found


def labels_of(nanoseconds: list[int]) -> pd.DatetimeIndex:
    """Give session labels of nanoseconds."""
    return pd.DatetimeIndex(np.array(nanoseconds, dtype=np.int64).view("datetime64[ns]"))
