"""What stands for code or a value, where anything can?"""

from typing import NamedTuple


class Digest(NamedTuple):
    """What stands for a strategy or a function, or why nothing can.

    Attributes
    ----------
    hexadecimal : str or None
        SHA-256; None where it cannot be known when two of them do the same.
    reason : str
        Why there is none; else empty.
    """

    hexadecimal: str | None
    reason: str = ""
