"""Which text can be a symbol? One that a table, a terminal and a person can tell from others."""

from __future__ import annotations

from typing import Any, Final

from rustybt.errors import BadData

MOST_CHARACTERS: Final = 128


def checked_symbol(given: Any, where: str) -> str:
    """Give a symbol as bundles keep it: in capitals.

    Parameters
    ----------
    given : object
        What a source gives.
    where : str
        Where it was found; for the message.

    Returns
    -------
    str

    Raises
    ------
    BadData
        If it is no text, empty, too long, or has blanks around it or characters that cannot be printed.

    Examples
    --------
    >>> checked_symbol("brk.b", "here")
    'BRK.B'
    """
    if not isinstance(given, str):
        raise BadData(f"{where}: symbol {given!r} is no text: write it as one, such as 'AAPL'")
    shown = repr(given if len(given) <= 40 else f"{given[:37]}...")
    if not given or given != given.strip() or not given.isprintable():
        raise BadData(f"{where}: symbol {shown} is empty, or has blanks around it or characters that cannot be printed")
    symbol = given.upper()
    if len(symbol) > MOST_CHARACTERS:
        raise BadData(f"{where}: symbol {shown} has more than {MOST_CHARACTERS} characters: shorten it")
    return symbol
