"""How many business days lie between a session and an event?"""

from __future__ import annotations

from typing import Any

import numpy as np

from rustybt._typing import BoolArray
from rustybt.pipeline.dtypes import float64_dtype
from rustybt.pipeline.factor import Factor


class BusinessDaysSincePreviousEvent(Factor):
    """Weekdays since a column's date, 0 on it; NaN where there is none.

    Weekdays, not sessions, so that what it says does not depend on holidays that nobody knew.
    """

    window_length = 0
    dtype = float64_dtype

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        return _business_days(inputs[0], dates, mask, 1)


class BusinessDaysUntilNextEvent(Factor):
    """Weekdays until a column's date, 0 on it; NaN where there is none."""

    window_length = 0
    dtype = float64_dtype

    def _compute(self, inputs: list[Any], dates: Any, assets: Any, mask: BoolArray) -> Any:
        return _business_days(inputs[0], dates, mask, -1)


def _business_days(events: Any, dates: Any, mask: BoolArray, sign: int) -> Any:
    days = events.astype("datetime64[D]")
    there = mask & ~np.isnat(days)
    today = dates.to_numpy().astype("datetime64[D]")[:, None]
    filled = np.where(there, days, today)
    begin, end = (filled, today) if sign > 0 else (today, filled)
    return np.where(there, np.busday_count(begin, end), np.nan)
