"""Which symbols, and which days, does a user ask a server for?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rustybt.calendars import naive_day
from rustybt.data.bundles.symbols import checked_symbol
from rustybt.errors import BadData, InvalidParameter


def checked_symbols(symbols: Sequence[str], file: Any = None) -> tuple[str, ...]:
    """Refuse a list of symbols that cannot be one, or two lists.

    Examples
    --------
    >>> checked_symbols(["AAPL", "brk.b"])
    ('AAPL', 'brk.b')
    """
    if isinstance(symbols, str):
        raise InvalidParameter(f"symbols {symbols!r} is a text: pass a list, such as ['AAPL', 'MSFT']")
    given = tuple(symbols)
    if bool(given) == (file is not None):
        both = "symbols and symbols_file are both given" if given else "there are no symbols"
        raise InvalidParameter(f"{both}: give symbols, or symbols_file, a text file with one a line")
    by_symbol(given, "symbols")
    return given


def symbols_of(symbols: Sequence[str], file: str | Path | None) -> dict[str, str]:
    """Give the symbols of a list or a text file: as bundles have them, to as they are given."""
    if file is None:
        return by_symbol(symbols, "symbols")
    try:
        lines = Path(file).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(
            f"{file} cannot be read ({error}): let symbols_file be a text file with one symbol a line"
        ) from error
    found = by_symbol((text for line in lines if (text := line.partition("#")[0].strip())), str(file))
    if not found:
        raise BadData(f"{file} has no symbols: write one a line")
    return found


def by_symbol(given: Iterable[str], where: str) -> dict[str, str]:
    """Give symbols as bundles have them, to as they are given."""
    found: dict[str, str] = {}
    for one in given:
        symbol = checked_symbol(one, where)
        if not symbol.strip("."):
            raise BadData(f"{where}: symbol {one!r} is of dots alone, which a URL takes for a folder: leave it out")
        if symbol in found:
            raise BadData(f"{where}: symbol {symbol} comes twice: keep one")
        found[symbol] = one
    return found


def checked_days(start: Any, end: Any) -> dict[str, str]:
    """Give the days that are given, as ISO dates.

    Examples
    --------
    >>> checked_days("1/2/2020", None)
    {'start': '2020-01-02'}
    """
    given = {name: naive_day(day, name) for name, day in (("start", start), ("end", end)) if day is not None}
    if len(given) == 2 and given["start"] > given["end"]:
        raise InvalidParameter(f"start {given['start'].date()} is after end {given['end'].date()}: exchange them")
    return {name: str(day.date()) for name, day in given.items()}
