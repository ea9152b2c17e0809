"""How much may a task take?"""

import math
import os
from numbers import Real
from typing import NamedTuple

from rustybt.errors import InvalidParameter
from rustybt.optimization.workers.memory import require_measurable


class Limits(NamedTuple):
    """Of one task.

    Attributes
    ----------
    timeout_s : float or None
        Of its time; None for no limit.
    memory_mb : float or None
        Of the memory that its worker process holds for itself, in units of 2**20 bytes; None for no limit.
    """

    timeout_s: float | None = None
    memory_mb: float | None = None

    def checked(self) -> "Limits":
        """Give the limits, or say what is wrong with them."""
        for name, limit in self._asdict().items():
            check_limit(name, limit)
        if self.memory_mb is not None:
            require_measurable(os.getpid())
        return self

    def refuse(self, because: str) -> None:
        """Say that a pool cannot keep a limit, where there is one.

        Parameters
        ----------
        because : str
            What follows the limit's name and value.
        """
        for name, limit in self._asdict().items():
            if limit is not None:
                raise InvalidParameter(f"{name} {limit} {because}")


def check_limit(name: str, limit: object) -> None:
    """Raise where a limit is neither None nor a finite number above 0.

    Parameters
    ----------
    name : str
        The parameter that the user gave it as.
    limit : object
        Of time or memory.

    Raises
    ------
    InvalidParameter

    Examples
    --------
    >>> check_limit("trial_timeout_s", 2.5)
    >>> check_limit("trial_timeout_s", -1)
    Traceback (most recent call last):
    rustybt.errors.InvalidParameter: trial_timeout_s -1 is not above 0: give a limit, or None for no limit
    """
    if limit is None:
        return
    if isinstance(limit, bool) or not isinstance(limit, Real):
        raise InvalidParameter(f"{name} {limit!r} is no number: give one, or None for no limit")
    if not 0 < float(limit) < math.inf:
        raise InvalidParameter(f"{name} {limit} is not above 0: give a limit, or None for no limit")
