"""When does cash come into the account, or leave it, from outside?"""

import warnings
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from rustybt.data.market import Market
from rustybt.engine.span import Span
from rustybt.errors import InvalidParameter, did_you_mean

TYPES: Final = ("target", "delta")


class CapitalChange(NamedTuple):
    """Cash from outside.

    Attributes
    ----------
    type : {"target", "delta"}
        "target" moves the portfolio's value to `value`, "delta" moves it by `value`.
    value : float
        Money.
    """

    type: str
    value: float


CapitalChanges = Mapping[int, CapitalChange]
"""By moment, nanoseconds UTC."""


def capital_changes_of(changes: Mapping[Any, Mapping[str, Any]] | None) -> dict[int, CapitalChange]:
    """Read what a user gives as capital changes.

    Parameters
    ----------
    changes : mapping of date-like to {"type": "target" or "delta", "value": float}, optional
        By session label (midnight UTC; without a zone, UTC is meant) or, in a minute simulation, by minute.

    Returns
    -------
    dict of int to CapitalChange
        By nanoseconds UTC.

    Raises
    ------
    InvalidParameter
        If a moment, type or value is none.

    Examples
    --------
    >>> changes = capital_changes_of({"2020-01-03": {"type": "delta", "value": 5000}})
    >>> list(changes.values())
    [CapitalChange(type='delta', value=5000.0)]
    """
    return {_moment(when): _change(when, change) for when, change in (changes or {}).items()}


def warn_of_unused(changes: CapitalChanges, market: Market, span: Span) -> None:
    """Warn of changes within a run at moments when nothing happens.

    Parameters
    ----------
    changes : mapping
        From `capital_changes_of`; what lies outside of the run is another run's business.
    market : Market
        Gives sessions and bars.
    span : Span
        The run.
    """
    sessions = market.portal.session_ns[span.first : span.last + 1]
    used = set(sessions.tolist())
    bars = market.label_ns[market.bars_of(span.first)[0] : market.bars_of(span.last)[-1] + 1]
    for when in changes:
        if when in used or not sessions[0] <= when <= bars[-1]:
            continue
        if market.frequency == "minute" and bars[np.searchsorted(bars, when)] == when:
            continue
        warnings.warn(
            f"the capital change at {pd.Timestamp(when, tz='UTC')} has no effect: no session is labelled so"
            f"{', and no minute' if market.frequency == 'minute' else ''}",
            stacklevel=2,
        )


def _moment(when: Any) -> int:
    no_date = f"capital_changes: {when!r} is no date: give session labels such as '2020-01-31'"
    try:
        stamp = pd.Timestamp(when)
    except (TypeError, ValueError):
        raise InvalidParameter(no_date) from None
    if pd.isna(stamp):
        raise InvalidParameter(no_date)
    stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")
    return stamp.as_unit("ns").value


def _change(when: Any, change: Any) -> CapitalChange:
    if not isinstance(change, Mapping) or set(change) != {"type", "value"}:
        raise InvalidParameter(
            f"capital_changes: at {when} is {change!r}, write it as {{'type': 'delta', 'value': 5000.0}}"
        )
    kind, value = change["type"], change["value"]
    if kind not in TYPES:
        raise InvalidParameter(
            f"capital_changes: at {when} the type is {kind!r}{did_you_mean(str(kind), TYPES)}: "
            f"choose one of {', '.join(TYPES)}"
        )
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not np.isfinite(value):
        raise InvalidParameter(f"capital_changes: at {when} the value is {value!r}, pass a finite number")
    return CapitalChange(kind, float(value))
