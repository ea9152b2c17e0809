"""Which small numeric functions do algorithms use? Those that Zipline's users find in `zipline.utils.math_utils`."""

import math
from decimal import Decimal
from typing import Any

import numpy as np

__all__ = [
    "nanargmax",
    "nanargmin",
    "nanmax",
    "nanmean",
    "nanmedian",
    "nanmin",
    "nanstd",
    "nansum",
    "number_of_decimal_places",
    "round_if_near_integer",
    "tolerant_equals",
]

nanargmax = np.nanargmax
nanargmin = np.nanargmin
nanmax = np.nanmax
nanmean = np.nanmean
nanmedian = np.nanmedian
nanmin = np.nanmin
nanstd = np.nanstd
nansum = np.nansum

NEAR = 1e-4
"""How far from an integer an amount may be and still mean it."""


def tolerant_equals(a: float, b: float, atol: float = 1e-6, rtol: float = 1e-6, equal_nan: bool = False) -> bool:
    """Say whether two numbers are equal within a tolerance.

    Parameters
    ----------
    a, b : float
        The numbers.
    atol, rtol : float
        How far apart they may be: the absolute bound, or the one relative to the larger, whichever is wider.
    equal_nan : bool
        Whether NaN equals NaN.

    Returns
    -------
    bool

    Examples
    --------
    >>> tolerant_equals(100.0, 100.00009), tolerant_equals(100.0, 100.2)
    (True, False)
    """
    if equal_nan and math.isnan(a) and math.isnan(b):
        return True
    return math.isclose(a, b, rel_tol=rtol, abs_tol=atol)


def round_if_near_integer(a: float, epsilon: float = NEAR) -> float:
    """Give the nearest integer if it is near enough, else the number.

    Parameters
    ----------
    a : float
        Finite.
    epsilon : float
        How near is near.

    Returns
    -------
    int or float

    Examples
    --------
    >>> round_if_near_integer(3.99995), round_if_near_integer(3.9)
    (4, 3.9)
    """
    nearest = round(a)
    return nearest if abs(a - nearest) <= epsilon else a


def number_of_decimal_places(n: Any) -> int:
    """Count the decimal places of a number as it is written.

    Parameters
    ----------
    n : float or str
        The number.

    Returns
    -------
    int

    Examples
    --------
    >>> number_of_decimal_places(3.14), number_of_decimal_places("3.140"), number_of_decimal_places(1)
    (2, 3, 0)
    """
    return -int(Decimal(str(n)).as_tuple().exponent)
