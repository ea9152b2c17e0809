"""When is a run given up early, and what does it say then?"""

import math
from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple

import pandas as pd

from rustybt.errors import InvalidParameter
from rustybt.kernels.stops import DRAWDOWN, EQUITY, KEEP_ON, stop_code

Thresholds = tuple[float, float, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRules:
    """Rules that end a run early; a rule that is None does not apply.

    A bar is a row of the perf frame: a session, in a minute simulation too.

    Parameters
    ----------
    max_drawdown : float, optional
        Stop when the portfolio lost more than this fraction of its highest value: 0.3 is 30%.
    min_equity : float, optional
        Stop when the portfolio is worth less, in currency.
    negative_return_after : int, optional
        Stop when the return since the start is negative after so many bars or more.
    check_every : int
        Look only every so many bars.
    min_bars : int
        Never stop before so many bars.

    Raises
    ------
    InvalidParameter
        If a value makes no sense, or no rule is given.

    Examples
    --------
    >>> StopRules(max_drawdown=0.3, min_bars=60).thresholds
    (0.3, -inf, -1, 1, 60)
    """

    max_drawdown: float | None = None
    min_equity: float | None = None
    negative_return_after: int | None = None
    check_every: int = 1
    min_bars: int = 0

    def __post_init__(self) -> None:
        if self.max_drawdown is not None and not (_is_number(self.max_drawdown) and 0 < self.max_drawdown < math.inf):
            raise InvalidParameter(f"max_drawdown {self.max_drawdown!r} must be a number above 0: 0.3 is 30%")
        if self.min_equity is not None and not (_is_number(self.min_equity) and math.isfinite(self.min_equity)):
            raise InvalidParameter(f"min_equity {self.min_equity!r} must be a finite number: give an amount of money")
        if self.negative_return_after is not None:
            _check_count("negative_return_after", self.negative_return_after, 0)
        _check_count("check_every", self.check_every, 1)
        _check_count("min_bars", self.min_bars, 0)
        if self.max_drawdown is None and self.min_equity is None and self.negative_return_after is None:
            raise InvalidParameter(
                "StopRules has no rule: give max_drawdown, min_equity or negative_return_after, or pass no StopRules"
            )

    @property
    def thresholds(self) -> Thresholds:
        """The last arguments of `rustybt.kernels.stops.stop_code`."""
        return (
            math.inf if self.max_drawdown is None else float(self.max_drawdown),
            -math.inf if self.min_equity is None else float(self.min_equity),
            -1 if self.negative_return_after is None else self.negative_return_after,
            self.check_every,
            self.min_bars,
        )


NEVER: Thresholds = (math.inf, -math.inf, -1, 1, 0)
"""Thresholds that no run crosses."""


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _check_count(parameter: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidParameter(f"{parameter} {value!r} must be a whole number of bars, at least {least}")


class Stop(NamedTuple):
    """Where and why a run stopped.

    Attributes
    ----------
    rule : {"max_drawdown", "min_equity", "negative_return_after"}
        Which rule.
    session : pd.Timestamp
        Label of the last session that was run, tz-naive.
    bars : int
        How many were run.
    value, limit : float
        The drawdown, portfolio value or return, and what it crossed.
    """

    rule: str
    session: pd.Timestamp
    bars: int
    value: float
    limit: float

    def __str__(self) -> str:
        shown = f"{self.value:,.2f}" if self.rule == "min_equity" else f"{self.value:.2%}"
        limit = f"{self.limit:,.2f}" if self.rule == "min_equity" else f"{self.limit:.2%}"
        text = {
            "max_drawdown": f"drawdown {shown} is over max_drawdown {limit}",
            "min_equity": f"portfolio value {shown} is under min_equity {limit}",
            "negative_return_after": f"return {shown} is negative after {self.bars} bars",
        }[self.rule]
        return f"stopped at {self.session.date()} after {self.bars} bars: {text}"


def stop_of(
    code: int, rules: StopRules, session: pd.Timestamp, bars: int, value: float, returns: float, peak: float
) -> Stop:
    """Say where and why a run stopped.

    Parameters
    ----------
    code : int
        What `stop_code` gave; not KEEP_ON.
    rules : StopRules
        Of the run.
    session, bars, value, returns, peak
        As the run then stood; see `rustybt.kernels.stops.stop_code`.

    Returns
    -------
    Stop
    """
    if code == DRAWDOWN:
        return Stop("max_drawdown", session, bars, (peak - (1.0 + returns)) / peak, float(rules.max_drawdown or 0.0))
    if code == EQUITY:
        return Stop("min_equity", session, bars, value, float(rules.min_equity or 0.0))
    return Stop("negative_return_after", session, bars, returns, 0.0)


class StopWatch:
    """Looks after one run of the event tier.

    Parameters
    ----------
    rules : StopRules
        Of the run.
    """

    def __init__(self, rules: StopRules) -> None:
        self._rules = rules
        self._thresholds = rules.thresholds
        self._peak = 1.0
        self._bars = 0

    def look(self, session: pd.Timestamp, value: float, returns: float) -> Stop | None:
        """Take a session's end into account, and say whether the run stops there."""
        self._bars += 1
        self._peak = max(self._peak, 1.0 + returns)
        code = stop_code(self._bars, value, returns, self._peak, *self._thresholds)
        if code == KEEP_ON:
            return None
        return stop_of(code, self._rules, session, self._bars, value, returns, self._peak)
