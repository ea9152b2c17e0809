"""How much do the best params move from one window to the next?"""

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

COLUMNS = ("distinct", "mode_share", "changed", "mean", "std", "variation", "mean_step")


def stability_frame(
    params: Sequence[Mapping[str, Any]], names: Sequence[str], ranges: Mapping[str, tuple[float, float]] | None = None
) -> pd.DataFrame:
    """Give how each parameter moves.

    Parameters
    ----------
    params : sequence of mapping of str to value
        The best ones of each window, in time. A value of None, or none at all, means that the parameter was not active.
    names : sequence of str
        The parameters, in order.
    ranges : mapping of str to (low, high), optional
        What `mean_step` is relative to; the lowest and highest value seen where a parameter has no entry.

    Returns
    -------
    pd.DataFrame
        One row a parameter: distinct (number of values), mode_share (share of the windows that have the commonest one),
        changed (share of the windows that have another value than the window before); and of numbers mean, std (of a
        sample), variation (std over the mean's magnitude) and mean_step (mean absolute change from window to window,
        over the range). A truth value is no number. NaN where a figure is not defined, as all are for numbers among
        words, changed for a single window, and variation about a mean of 0.

    Examples
    --------
    >>> frame = stability_frame([{"fast": 10}, {"fast": 20}, {"fast": 20}], ["fast"], {"fast": (0, 100)})
    >>> frame.loc["fast", ["distinct", "changed", "mean_step"]].tolist()
    [2.0, 0.5, 0.05]
    """
    rows = {name: _row([one.get(name) for one in params], (ranges or {}).get(name)) for name in names}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS), dtype=np.float64)
    return frame.rename_axis("parameter")


def _row(values: list[Any], bounds: tuple[float, float] | None) -> list[float]:
    keys = [_key(value) for value in values]
    counts = [keys.count(key) for key in dict.fromkeys(keys)]
    moves = [before != after for before, after in zip(keys, keys[1:], strict=False)]
    shared = [
        float(len(counts)),
        max(counts) / len(keys) if keys else math.nan,
        sum(moves) / len(moves) if moves else math.nan,
    ]
    numbers = [value for value in values if value is not None]
    if not numbers or not all(isinstance(value, Real) and not isinstance(value, bool | np.bool) for value in numbers):
        return [*shared, *[math.nan] * 4]
    return [*shared, *_of_numbers(np.array(numbers, dtype=np.float64), values, bounds)]


def _of_numbers(
    numbers: "np.ndarray[Any, np.dtype[np.float64]]", values: list[Any], bounds: tuple[float, float] | None
) -> list[float]:
    mean = float(numbers.mean())
    std = float(numbers.std(ddof=1)) if len(numbers) > 1 else math.nan
    low, high = (float(numbers.min()), float(numbers.max())) if bounds is None else bounds
    pairs = zip(values, values[1:], strict=False)
    steps = [abs(float(after) - float(before)) for before, after in pairs if before is not None and after is not None]
    width = float(high) - float(low)
    step = math.fsum(steps) / len(steps) / (width or 1.0) if steps else math.nan
    return [mean, std, std / abs(mean) if mean != 0 else math.nan, step]


def _key(value: Any) -> tuple[str, Any]:
    """Give what makes a value distinct: 1 and 1.0 are the same choice, 1 and True are not, and a list has no hash."""
    if isinstance(value, bool | np.bool) or not isinstance(value, Real) or value != value:
        return type(value).__name__, repr(value)
    return "number", float(value)
