"""How many sessions must a strategy be shown before a window, so that what it keeps by itself is warm?

What is asked of `data` or `bars` is always warm: it reads the bundle's bars from before the run. A counter, a list of
prices or an average that a strategy keeps by itself begins with the first session that it is shown.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from rustybt.data.portal import Portal
from rustybt.engine.context import Context
from rustybt.engine.loop import sessions_before_orders
from rustybt.engine.setup import DEFAULT_SETUP, Setup
from rustybt.engine.span import Span
from rustybt.engine.strategy import Hooks
from rustybt.engine.vector_strategy import VectorStrategy, decisions_of
from rustybt.errors import InvalidParameter, did_you_mean
from rustybt.run import market_of

AUTO = "auto"


def warmup_of(warmup: Any) -> int | None:
    """Read what a user gives as warm-up.

    Parameters
    ----------
    warmup : "auto" or int
        A number of sessions, 0 for none.

    Returns
    -------
    int or None
        None for "auto".

    Raises
    ------
    InvalidParameter
        If it is neither.

    Examples
    --------
    >>> warmup_of("auto"), warmup_of(50)
    (None, 50)
    """
    if isinstance(warmup, str):
        if warmup == AUTO:
            return None
        raise InvalidParameter(f"warmup {warmup!r} is unknown{did_you_mean(warmup, [AUTO])}: write 'auto' or sessions")
    if isinstance(warmup, bool | np.bool) or not hasattr(warmup, "__index__"):
        raise InvalidParameter(f"warmup {warmup!r} is neither 'auto' nor a number of sessions")
    if int(warmup) < 0:
        raise InvalidParameter(f"warmup {int(warmup)} is negative: give a number of sessions, or 0 for none")
    return int(warmup)


def needed_warmup(
    hooks: Callable[[], Hooks],
    portal: Portal,
    span: Span,
    most: int,
    capital_base: float = 10_000_000.0,
    *,
    data_frequency: str = "daily",
    setup: Setup = DEFAULT_SETUP,
) -> int:
    """Find the longest warm-up in which a strategy would not have ordered anything.

    A strategy that is not warm waits: it counts sessions, or collects prices, before its first order. So it is run from
    `most` sessions before the window. Where it orders after m of them it was warm by then, and is run again from m
    sessions before the window; and so on, until it orders nothing before the window begins, or m is 0.

    So no order is ever ignored in the warm-up, and what the strategy believes of its positions (`context.invested`)
    is true when the window begins. What it cannot show is an average that is used from the first session on, however
    few prices are in it: such a strategy orders at once, in-sample too, and is shown nothing.

    Only sessions before the window are looked at, and the answer is the same every time.

    Parameters
    ----------
    hooks : callable
        Gives the strategy anew, with its parameters, and starts random generators where it draws from them.
    portal : Portal
        Of the bundle.
    span : Span
        The window's out-of-sample part.
    most : int
        Sessions before it; those from the start of the in-sample part on, in which the parameters were found.
    capital_base : float
        Cash at the start.
    data_frequency : {"daily", "minute"}
        Of the bars.
    setup : Setup
        Of the run.

    Returns
    -------
    int
        From 0 to `most`, and no more than the bundle has before the window.
    """
    needed = min(most, span.first)
    plain = setup._replace(warmup_sessions=0, stop_rules=None)

    def idle(sessions: int) -> int:
        made, first = hooks(), span.first - sessions
        if made.vector is not None:
            return _undecided(cast(VectorStrategy, made.vector), portal, Span(first, span.last), sessions, plain)
        before = Span(first, span.first - 1)
        return sessions_before_orders(Context(market_of(portal, data_frequency), before, capital_base, made, plain))

    while needed > 0:
        idle_sessions = idle(needed)
        if idle_sessions >= needed:
            break
        needed = idle_sessions
    return needed


def _undecided(strategy: VectorStrategy, portal: Portal, span: Span, sessions: int, setup: Setup) -> int:
    """Count the sessions before the first in which a strategy decides to hold or order anything."""
    # These bring numba, which other strategies do without.
    from rustybt.data.bars import Bars
    from rustybt.engine.vector import VectorRun

    assets = VectorRun(portal, span, 1.0, setup).assets_of(strategy)
    # Not the process's shared bars: those of this span are never asked for again.
    decisions = decisions_of(strategy, Bars(portal, span.first, span.last, assets))[:sessions]
    decided = ((decisions != 0) & ~np.isnan(decisions)).any(axis=1)
    return int(decided.argmax()) if decided.any() else sessions
