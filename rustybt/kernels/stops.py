"""Should a run be given up here?

A plain function: the event tier calls it as it is, the vector tier compiles it.
"""

from typing import Final

KEEP_ON: Final = 0
DRAWDOWN: Final = 1
EQUITY: Final = 2
NEGATIVE_RETURN: Final = 3


def stop_code(
    bars: int,
    value: float,
    returns: float,
    peak: float,
    max_drawdown: float,
    min_equity: float,
    negative_after: int,
    check_every: int,
    min_bars: int,
) -> int:
    """Say by which rule a run stops after some bars, if by any.

    Parameters
    ----------
    bars : int
        Bars that are over.
    value : float
        Portfolio value, in the currency of the prices.
    returns : float
        Since the start: 0.1 is 10%.
    peak : float
        The highest of 1 and 1 + returns so far.
    max_drawdown : float
        Largest loss since the peak, as a fraction of it, above 0; inf for no such rule.
    min_equity : float
        Least portfolio value; -inf for no such rule.
    negative_after : int
        Bars from which on the return must not be negative; -1 for no such rule.
    check_every, min_bars : int
        Only every so many bars, from so many on.

    Returns
    -------
    int
        KEEP_ON, DRAWDOWN, EQUITY or NEGATIVE_RETURN; the first that applies.

    Examples
    --------
    >>> stop_code(10, 70.0, -0.3, 1.0, 0.25, float("-inf"), -1, 1, 0) == DRAWDOWN
    True
    """
    if bars < min_bars or bars % check_every != 0:
        return KEEP_ON
    if (peak - (1.0 + returns)) / peak > max_drawdown:
        return DRAWDOWN
    if value < min_equity:
        return EQUITY
    if 0 <= negative_after <= bars and returns < 0:
        return NEGATIVE_RETURN
    return KEEP_ON
