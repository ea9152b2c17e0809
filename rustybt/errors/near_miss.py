"""Which name did a user mean?"""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Give the near-miss clause of an error message, or nothing.

    Parameters
    ----------
    name : str
        What the user wrote.
    known : iterable of str
        What exists.

    Returns
    -------
    str
        "" or " (did you mean 'AAPL'?)", with its leading blank.

    Examples
    --------
    >>> did_you_mean("AAPPL", ["AAPL", "MSFT"])
    " (did you mean 'AAPL'?)"
    """
    near = difflib.get_close_matches(name, list(known), n=1)
    if not near:
        folded = {k.casefold(): k for k in known}
        near = [folded[name.casefold()]] if name.casefold() in folded else []
    return f" (did you mean {near[0]!r}?)" if near else ""
