"""How is an argument told from one that was left out, where None is a value?"""

from enum import Enum
from typing import Any, Final


class NotSpecifiedType(Enum):
    """The type of `NotSpecified`."""

    NotSpecified = "NotSpecified"

    def __repr__(self) -> str:
        return self.value


NotSpecified: Final[Any] = NotSpecifiedType.NotSpecified
"""Stands for an argument that was left out; typed as anything, because it is every parameter's default."""


def given(value: Any, default: Any) -> Any:
    """Give a value, or a default where it was left out.

    Examples
    --------
    >>> given(NotSpecified, 3), given(None, 3)
    (3, None)
    """
    return default if value is NotSpecified else value
