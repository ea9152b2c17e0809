"""Which splits, mergers and dividends does a bundle version hold?"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from rustybt._typing import BoolArray, FloatArray, IntArray, Records

RATIO: Final = np.dtype([("sid", "i8"), ("effective_ns", "i8"), ("ratio", "f8")])
"""A price factor for everything before a date; a split divides volumes by it."""

_PAYOUT_DATES: Final = [("ex_ns", "i8"), ("declared_ns", "i8"), ("record_ns", "i8"), ("pay_ns", "i8")]
DIVIDEND: Final = np.dtype([("sid", "i8"), *_PAYOUT_DATES, ("amount", "f8")])
"""Cash a share, in currency; a date that is not known is `constants.NAT`."""
STOCK_DIVIDEND: Final = np.dtype([("sid", "i8"), ("payment_sid", "i8"), *_PAYOUT_DATES, ("ratio", "f8")])
"""Shares of `payment_sid` for each share of `sid`."""

TABLES: Final = {
    "splits": RATIO,
    "mergers": RATIO,
    "dividends": DIVIDEND,
    "stock_dividends": STOCK_DIVIDEND,
    "dividend_ratios": RATIO,
}


@dataclass(frozen=True, slots=True)
class Adjustments:
    """Corporate actions, each table sorted by sid and date, and within a day in the order of the source.

    Attributes
    ----------
    splits, mergers : structured array of `RATIO`
        Factors as the source gave them (a 2:1 split is 0.5).
    dividends : structured array of `DIVIDEND`
        Cash dividends.
    stock_dividends : structured array of `STOCK_DIVIDEND`
        Dividends paid in shares.
    dividend_ratios : structured array of `RATIO`
        1 - amount / close of the session before the ex-date, see `dividend_ratios`.
    """

    splits: Records
    mergers: Records
    dividends: Records
    stock_dividends: Records
    dividend_ratios: Records

    @classmethod
    def of(cls, **tables: Records) -> Adjustments:
        """Make a set of the tables given; the others are empty.

        Parameters
        ----------
        **tables : structured array
            By attribute name; put into (sid, date) order.

        Returns
        -------
        Adjustments

        Examples
        --------
        >>> len(Adjustments.of().splits)
        0
        """
        return cls(**{name: _in_order(tables.get(name), dtype) for name, dtype in TABLES.items()})

    def tables(self) -> dict[str, Records]:
        """Give all tables by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def date_field(dtype: np.dtype[np.void]) -> str:
    """Name the field by which a table is sorted after sid."""
    return "ex_ns" if "ex_ns" in (dtype.names or ()) else "effective_ns"


def _in_order(table: Records | None, dtype: np.dtype[np.void]) -> Records:
    if table is None:
        return np.empty(0, dtype)
    return np.ascontiguousarray(table[np.lexsort((table[date_field(dtype)], table["sid"]))])


def dividend_ratios(
    dividends: Records, session_ns: IntArray, sids: IntArray, close: FloatArray
) -> tuple[Records, BoolArray]:
    """Compute the factor by which each cash dividend lowers earlier prices.

    The ratio is 1 - amount / close of the session before the ex-date. A dividend whose ex-date is at or before the
    first session has none.

    Parameters
    ----------
    dividends : structured array of `DIVIDEND`, shape (n,)
        Cash dividends.
    session_ns : int64 array, shape (n_sessions,)
        Session labels.
    sids : int64 array, shape (n_assets,)
        Ascending; the columns of `close`.
    close : float64 array, shape (n_sessions, n_assets)
        Unadjusted closes as a simulation reads them (quantised); NaN where missing.

    Returns
    -------
    ratios : structured array of `RATIO`
        In the order of the dividends.
    skipped : bool array, shape (n,)
        Dividends after the first session whose ratio is unknown (no close the day before) or not positive.

    Examples
    --------
    >>> paid = np.zeros(1, DIVIDEND)
    >>> paid["ex_ns"], paid["amount"] = 2, 0.5
    >>> ratios, skipped = dividend_ratios(paid, np.array([1, 2]), np.array([0]), np.array([[10.0], [9.5]]))
    >>> float(ratios["ratio"][0]), bool(skipped[0])
    (0.95, False)
    """
    row = np.searchsorted(session_ns, dividends["ex_ns"], side="left")
    later = row > 0
    ratio = np.full(len(dividends), np.nan)
    column = np.searchsorted(sids, dividends["sid"])[later]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio[later] = 1.0 - dividends["amount"][later] / close[row[later] - 1, column]
    valid = ratio > 0
    out = np.empty(int(valid.sum()), RATIO)
    out["sid"], out["effective_ns"], out["ratio"] = dividends["sid"][valid], dividends["ex_ns"][valid], ratio[valid]
    return out, later & ~valid
