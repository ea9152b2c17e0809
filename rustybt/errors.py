"""Which errors does the package raise, and as what builtin may a caller catch them?

Names that Zipline's users catch keep Zipline's name. Every message says the parameter, the value received,
the limit crossed and what to do.
"""

import difflib
from collections.abc import Iterable


class RustyBTError(Exception):
    """Base of every error that the package raises for a reason a user can act on."""


class UnknownBundle(RustyBTError, LookupError):
    """A bundle name that is not registered, or that has no ingested version."""


class BundleCorrupt(RustyBTError, ValueError):
    """A bundle version on disk whose files do not match its manifest."""


class BadData(RustyBTError, ValueError):
    """Source data that cannot be ingested; the message names file, line, symbol and date."""


class BadClean(RustyBTError, ValueError):
    """`clean` asked with no rule, or with rules that exclude one another."""


class SymbolNotFound(RustyBTError, LookupError):
    """A ticker that no asset held at the look-up date."""


class SidsNotFound(RustyBTError, LookupError):
    """Asset ids that the bundle does not hold."""


class InvalidSpan(RustyBTError, ValueError):
    """A start or end that does not fit the calendar or the bundle."""


class ScriptError(RustyBTError, ValueError):
    """A strategy file that cannot be read, compiled or executed."""


class InvalidParameter(RustyBTError, ValueError):
    """A parameter, search space or option outside its bounds."""


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
