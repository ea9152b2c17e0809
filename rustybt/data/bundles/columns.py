"""Under which names do sources keep the columns of bars? In any case, by the usual words."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Final

from rustybt._typing import FloatArray
from rustybt.constants import OHLCV
from rustybt.errors import BadData, did_you_mean

DATE: Final = "date"
DIVIDEND: Final = "dividend"
SPLIT: Final = "split"
OPTIONAL: Final = (DIVIDEND, SPLIT)

ALIASES: Final[Mapping[str, str]] = {
    **{name: name for name in (DATE, *OHLCV, *OPTIONAL)},
    **dict.fromkeys(("datetime", "timestamp", "time", "day", "session", "minute"), DATE),
    **{"vol": "volume", "dividends": DIVIDEND, "splits": SPLIT, "stock_splits": SPLIT, "split_ratio": SPLIT},
}
"""Canonical names by the names that are understood, these in small letters with underscores for blanks."""

ADJUSTED: Final = frozenset(("adj_close", "adjclose", "adjusted_close", "adj._close", "close_adj"))
"""Names of closes that somebody adjusted for what came later: bars are as they were traded."""

_ZERO_IS_NONE: Final = frozenset(("stock_splits", "splits"))
"""Names under which 0 stands for no split: those that yfinance uses."""


def plain(name: str) -> str:
    """Write a column's name as `ALIASES` has it.

    Examples
    --------
    >>> plain(" Stock Splits "), plain("AdjClose"), plain("Adj Close")
    ('stock_splits', 'adjclose', 'adj_close')
    """
    return "_".join(name.strip().lower().replace("-", " ").replace("_", " ").split())


def canonical_names(header: Sequence[str], where: str, *, first_is_date: bool = False) -> dict[int, str]:
    """Find the columns of bars in a header.

    Parameters
    ----------
    header : sequence of str
        Names as the source has them.
    where : str
        Where the header is; for messages.
    first_is_date : bool
        Take the first column for the date where no name says which it is: `DataFrame.to_csv` may leave that name out.

    Returns
    -------
    dict of int to str
        Canonical names by position; other columns are left out.

    Raises
    ------
    BadData
        If a column is missing, or comes twice.
    """
    names = [plain(name) for name in header]
    found = {position: ALIASES[name] for position, name in enumerate(names) if name in ALIASES}
    if DATE not in found.values() and first_is_date and names and 0 not in found:
        found = {0: DATE, **found}
    known = list(found.values())
    for name in (DATE, *OHLCV):
        if name not in known:
            near = did_you_mean(name, names)
            raise BadData(
                f"{where}: there is no column {name!r}{near}: the columns must be {', '.join((DATE, *OHLCV))}, and may "
                f"be {' and '.join(OPTIONAL)}"
            )
    twice = next((name for name in (DATE, *OHLCV, *OPTIONAL) if known.count(name) > 1), None)
    if twice is not None:
        given = " and ".join(repr(header[position].strip()) for position, name in found.items() if name == twice)
        raise BadData(f"{where}: column {twice!r} comes twice ({given}): keep one")
    return found


def adjusted_note(header: Sequence[str]) -> str | None:
    """Say that an adjusted close is not read, where there is one."""
    name = next((name for name in header if plain(name) in ADJUSTED), None)
    if name is None:
        return None
    return (
        f"column {name.strip()!r} is not read: prices are stored as they were traded, and windows are adjusted by the "
        "splits and dividends that were known at each time"
    )


def no_split_is_none(numbers: MutableMapping[str, FloatArray], given: Mapping[str, str]) -> None:
    """Write 1, no split, for the 0 that some sources have.

    Parameters
    ----------
    numbers : mapping of str to float64 array
        Columns by canonical name; changed.
    given : mapping of str to str
        Names as the source has them, by canonical name.
    """
    if SPLIT in numbers and plain(given[SPLIT]) in _ZERO_IS_NONE:
        numbers[SPLIT] = numbers[SPLIT].copy()
        numbers[SPLIT][numbers[SPLIT] == 0.0] = 1.0
